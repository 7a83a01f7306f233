"""What is known of an image from its name: whether it is pinned, slim, and which tools it lacks.

The tables are of Docker's official images, as their own pages describe the variants.
"""

import re
from dataclasses import dataclass

__all__ = ["Reference", "lacks", "read_reference"]

_FAT = frozenset({"python", "node", "ruby", "perl", "php", "rust", "golang", "openjdk", "gcc"})
"""Their plain variants are made on buildpack-deps, with compilers and headers."""
_SMALL = re.compile(r"slim|alpine|distroless|minimal|micro|tiny|busybox|-jre|nano|chiseled")
_BARE = frozenset(
    {
        *("python", "node", "ruby", "debian", "ubuntu", "postgres", "postgis", "redis", "valkey"),
        *("mysql", "mariadb", "mongo", "rabbitmq", "memcached", "pgvector"),
    }
)
"""Images without curl and wget: those made on a slim Debian or Ubuntu."""
_DOWNLOADERS = frozenset({"curl", "wget"})


@dataclass(frozen=True)
class Reference:
    """An image's name, taken apart."""

    path: str
    """With the registry, without tag and digest."""
    tag: str
    digest: str

    @property
    def name(self) -> str:
        """The last part of the path."""
        return self.path.rsplit("/", 1)[-1]

    @property
    def official(self) -> bool:
        """Whether it is one of Docker's official images."""
        return self.path.removeprefix("docker.io/").removeprefix("library/") == self.name

    @property
    def pinned(self) -> bool:
        """Whether a release is named; whether anybody moves the tag is another matter."""
        return bool(self.digest) or self.tag not in {"", "latest"}

    @property
    def fat(self) -> bool:
        """Whether it is known to hold what only a build needs."""
        return self.pinned and self.official and self.name in _FAT and not _SMALL.search(self.tag)


def read_reference(image: str) -> Reference:
    """Take an image's name apart."""
    rest, _, digest = image.partition("@")
    path, colon, tag = rest.rpartition(":")
    if not colon or "/" in tag:  # a port of a registry
        path, tag = rest, ""
    return Reference(path, tag, digest)


def lacks(image: str, tool: str) -> bool:
    """Whether an image is known not to have the tool; what is not known is False."""
    reference = read_reference(image)
    if image == "scratch" or "distroless" in reference.path:
        return True
    if tool not in _DOWNLOADERS or not (reference.official or reference.name == "pgvector"):
        return False
    if "alpine" in reference.tag or reference.name in {"alpine", "busybox"}:
        return tool == "curl"  # busybox has a wget
    if reference.name not in _BARE:
        return False
    # buildpack-deps, on which the fat variants stand, has both.
    return reference.name not in _FAT or bool(_SMALL.search(reference.tag))
