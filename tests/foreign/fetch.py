"""Fetch a released package's source distribution and lay our compose files over it.

The suites under this folder were written by people who have never heard of Seatrial. Nothing of
theirs is kept here: ``sources.toml`` names a release and its hash, and the folder of the same name
holds what we add (a compose file, a Dockerfile, pinned test requirements).

By hand: ``python tests/foreign/fetch.py rq /tmp/rq`` makes a project ready to try.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import tomllib
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

__all__ = ["BadSource", "Expected", "NoRegistry", "Source", "fetch", "load_sources"]

HERE = Path(__file__).parent

CONNECT_TIMEOUT = 10
"""Seconds that pip waits for an answer, once: a test that cannot run should say so soon."""

DOWNLOAD_TIMEOUT = 180
"""Seconds for the whole download, including the build backend that pip asks for the metadata."""

UNREACHABLE = re.compile(r"\(from versions: none\)|ConnectionPool\(|ReadTimeout|ConnectTimeout")
"""What pip prints when no index gave it a single version, or the connection broke later."""

OTHER_HASH = "DO NOT MATCH THE HASHES"
"""What pip prints when the archive is not the one we pinned; never a reason to skip."""


class NoRegistry(Exception):
    """No package registry answered in time; a test that needs one should be skipped."""


class BadSource(Exception):
    """The registry answered, but what came is not the source distribution we asked for."""


@dataclass(frozen=True)
class Expected:
    """What a run of the whole suite yields, counted in JUnit's terms, each test once."""

    passed: int
    skipped: int
    failed: int


@dataclass(frozen=True)
class Source:
    """One released package whose own test suite we run."""

    name: str
    """The table's key in ``sources.toml``, and the folder of our files beside it."""
    package: str
    """The name under which a registry knows it."""
    version: str
    sha256: str
    """Of the source distribution, lower-case hexadecimal."""
    service: str
    """The compose service that runs the tests."""
    seconds: float
    """How long pytest took on two cores of a developer's machine; an order of magnitude."""
    expected: Expected

    @property
    def overlay(self) -> Path:
        """The folder of the files that we add."""
        return HERE / self.name


def load_sources(path: Path = HERE / "sources.toml") -> dict[str, Source]:
    """Read the table of sources, keyed by name."""
    tables = tomllib.loads(path.read_text(encoding="utf-8"))
    return {
        name: Source(**{**table, "name": name, "expected": Expected(**table["expected"])})
        for name, table in tables.items()
    }


def fetch(source: Source, target: Path) -> Path:
    """Put the released project and our files over it into ``target``, and return ``target``.

    ``target`` must not exist yet, or be empty.

    Raises ``FileExistsError`` if it is not empty; ``NoRegistry`` if none can be reached, or those
    that can do not know the package (pip says the same of both); ``BadSource`` if the release is
    gone, its hash is another, or the archive holds anything but files and folders below its root.
    """
    target.mkdir(parents=True, exist_ok=True)
    if any(target.iterdir()):
        raise FileExistsError(f"{target} is not empty")
    with tempfile.TemporaryDirectory() as scratch:
        _unpack(_download(source, Path(scratch)), target)
    shutil.copytree(source.overlay, target, dirs_exist_ok=True)
    return target


def _download(source: Source, folder: Path) -> Path:
    """Let pip fetch the archive: it knows this machine's index, proxy and certificates.

    For a source distribution pip also prepares the metadata, which runs the package's build
    backend. It compares the hash before that, so only code that ``sources.toml`` pins is run.
    """
    wanted = folder / "wanted.txt"
    wanted.write_text(f"{source.package}=={source.version} --hash=sha256:{source.sha256}\n")
    archives = folder / "archives"
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--no-binary", source.package]
    command += ["--require-hashes", "--requirement", str(wanted), "--dest", str(archives)]
    # In the environment, not as options: pip hands it on to the pip that gets the build backend.
    quick = {"PIP_RETRIES": "0", "PIP_DEFAULT_TIMEOUT": str(CONNECT_TIMEOUT), "PIP_NO_INPUT": "1"}
    try:
        done = subprocess.run(
            command,
            check=False,
            env={**os.environ, **quick},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=DOWNLOAD_TIMEOUT,
        )
    except subprocess.TimeoutExpired as late:
        raise NoRegistry(f"{source.package}: no download within {DOWNLOAD_TIMEOUT} s") from late
    if done.returncode:
        said = "; ".join(line for line in done.stdout.splitlines() if line.startswith("ERROR"))
        answered = OTHER_HASH in done.stdout or not UNREACHABLE.search(done.stdout)
        fault = BadSource if answered else NoRegistry
        raise fault(f"{source.package} {source.version}: {said or done.stdout[-500:]}")
    found = list(archives.iterdir())
    if len(found) != 1 or not tarfile.is_tarfile(found[0]):
        raise BadSource(f"{source.package} {source.version}: no single tar archive: {found}")
    return found[0]


def _unpack(archive: Path, target: Path) -> None:
    """Unpack without the archive's root folder; only files and folders, only below ``target``.

    By hand, because ``tarfile``'s own ``data`` filter is missing from Debian 12's Python 3.11.2.
    """
    with tarfile.open(archive) as tar:
        for member in tar:
            path = PurePosixPath(member.name)
            inside = not path.is_absolute() and ".." not in path.parts
            # A sole part is the archive's root, which must be a folder.
            if not inside or not (member.isdir() or (member.isfile() and len(path.parts) > 1)):
                raise BadSource(f"{archive.name}: refused to unpack {member.name!r}")
            place = target.joinpath(*path.parts[1:])
            if member.isdir():
                place.mkdir(parents=True, exist_ok=True)
                continue
            place.parent.mkdir(parents=True, exist_ok=True)
            content = tar.extractfile(member)
            assert content is not None  # only links and devices have none
            with content, place.open("xb") as out:
                shutil.copyfileobj(content, out)
            place.chmod(0o755 if member.mode & 0o100 else 0o644)


def main() -> int:
    """Make one project ready to try by hand."""
    sources = load_sources()
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("name", choices=sorted(sources))
    parser.add_argument("target", type=Path, help="a folder that is empty or does not exist")
    arguments = parser.parse_args()
    try:
        sys.stdout.write(f"{fetch(sources[arguments.name], arguments.target)}\n")
    except (NoRegistry, BadSource, FileExistsError) as fault:
        sys.stderr.write(f"{type(fault).__name__}: {fault}\n")
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
