"""The fingerprint of a trial: one hash of all that could make its result another.

What is in doubt belongs in it: too much of it costs a trial that was not needed, too little returns
a result that is not this tree's.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from seatrial.evidence.filetree import Entry, HashCache, Root, hash_tree, list_tree

__all__ = [
    "Stock",
    "changed_files",
    "engine_facts",
    "fingerprint",
    "hash_stock",
    "list_stock",
    "normalised",
    "steering",
]

_OWN = "\\u0000"
"""Stands for a trial's own names, in JSON; no YAML file can hold it."""

_ENGINE_FACTS = (
    "Architecture",
    "Driver",
    "ID",
    "KernelVersion",
    "MemTotal",
    "NCPU",
    "Name",
    "OSType",
    "OperatingSystem",
    "ServerVersion",
)
"""Of `docker info`: which engine on which machine; the rest is counts that change all the time."""

_ENVIRONMENT_PREFIXES = ("BUILDKIT_", "BUILDX_", "COMPOSE_", "DOCKER_", "SOURCE_DATE_EPOCH")
"""Variables that steer Docker's programs. Others act by the compose form, where they show."""


@dataclass(frozen=True)
class Stock:
    """What goes into a trial, as it was listed at one moment."""

    facts: Mapping[str, Any]
    """All that is no file and no image, in terms of JSON."""
    trees: tuple[tuple[Root, tuple[Entry, ...]], ...]
    images: Mapping[str, str | None]
    """Names of images → ids in the engine's store; None: it is not there."""


def list_stock(
    facts: Mapping[str, Any], roots: Sequence[Root], images: Mapping[str, str | None]
) -> Stock:
    """List all files below `roots`; nothing of them is read yet.

    Raises:
        NotComparableError: see `list_tree`.
    """
    return Stock(facts, tuple((root, list_tree(root)) for root in roots), images)


def hash_stock(stock: Stock, cache: HashCache) -> str:
    """SHA-256 of everything but the images.

    Raises:
        NotComparableError: a file is no longer what was listed.
    """
    files = {str(root.path): hash_tree(root, entries, cache) for root, entries in stock.trees}
    return _sha256({"facts": stock.facts, "files": files})


def fingerprint(stock_sha256: str, images: Mapping[str, str | None]) -> str:
    """The fingerprint of a trial with these ingredients and images."""
    return _sha256({"stock": stock_sha256, "images": dict(images)})


def changed_files(before: Stock, after: Stock) -> list[str]:
    """Paths of what was added, removed or touched between two listings, sorted."""
    changed = set()
    for (root, old), (_, new) in zip(before.trees, after.trees, strict=True):
        changed |= {str(root.path / entry.place) for entry in set(old) ^ set(new)}
    return sorted(changed)


def normalised(form: Mapping[str, Any], own: Sequence[str]) -> Any:
    """The form without what is another in every trial: the texts in `own`."""
    text = json.dumps(form, sort_keys=True)
    for name in sorted(own, key=len, reverse=True):
        text = text.replace(json.dumps(name)[1:-1], _OWN)
    return json.loads(text)


def engine_facts(info: Mapping[str, Any]) -> dict[str, Any]:
    """Which engine it is, on which machine."""
    return {key: info.get(key) for key in _ENGINE_FACTS}


def steering(environ: Mapping[str, str]) -> dict[str, str]:
    """The variables that steer Docker's programs."""
    return {k: value for k, value in environ.items() if k.startswith(_ENVIRONMENT_PREFIXES)}


def _sha256(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()
