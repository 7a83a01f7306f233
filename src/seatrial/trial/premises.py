"""Tells what a trial's tests rest on beside the project's files, for `--changed`.

A trial of other tests, or on another stack, says nothing of what these tests use. What a record's
fingerprint holds is compared here thing by thing, so that it can be said what is another one; and
less of it: how many workers there are decides neither which tests there are nor what they use.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePath, PurePosixPath
from typing import Any

from seatrial import probe
from seatrial.engine.api import Engine
from seatrial.evidence.filetree import (
    Entry,
    HashCache,
    NotComparableError,
    Root,
    Stamp,
    hash_tree,
)
from seatrial.evidence.fingerprint import Stock
from seatrial.evidence.premises import Premises, premise
from seatrial.evidence.record import ServiceRecord
from seatrial.trial.reuse import Ledger, read_hashes, save_hashes, settled_images, untouched

__all__ = ["Ground", "settled", "stand_on"]

_OF_NO_ACCOUNT = frozenset(
    {
        "budgets",
        "fail_fast",
        "failures_first",
        "max_output_bytes",
        "retries",
        "verdict",
        "whole_files",
        "workers",
    }
)
"""Settings that decide neither which tests there are nor what a test does."""
_COVERAGE_OF_NO_ACCOUNT = frozenset({"base", "fail_under"})
"""The base commit is compared with by its files."""
_PASSED_OVER = frozenset({".git", ".seatrial", "__pycache__"})
"""Folders that each look at a tree may write to."""


@dataclass(frozen=True)
class Ground:
    """What a trial that is about to begin rests on."""

    premises: Premises
    foreign: Stock
    """The images, and the files that are not the project's."""
    own: Mapping[str, Stamp | None] = field(default_factory=dict)
    """The project's files that containers are given, whether or not git knows them, by absolute
    path: what shows that each is still the same."""


def stand_on(ledger: Ledger, stock: Stock | str) -> Ground | str:
    """What can be told apart of a trial's stock; if that cannot be told, why not."""
    if isinstance(stock, str):
        return stock
    cache = read_hashes(ledger)
    foreign = replace(stock, facts={}, trees=_foreign(stock, ledger.project))
    try:
        return Ground(_premises(stock, foreign, cache), foreign, _own(stock, ledger.project))
    except NotComparableError as error:
        return str(error)
    finally:
        save_hashes(ledger, cache)


async def settled(engine: Engine, ground: Ground, services: Sequence[ServiceRecord]) -> Premises:
    """The premises once the trial has ended: an image that was fetched for it has its id now.

    Raises:
        NotComparableError: something changed meanwhile.
    """
    await untouched(ground.foreign)
    images = await settled_images(engine, services, ground.foreign)
    return {**ground.premises, **_images(images)}


def _premises(stock: Stock, foreign: Stock, cache: HashCache) -> dict[str, str]:
    facts = dict(stock.facts)
    form = dict(facts["form"])
    services = form.pop("services")
    trees = {root.path: hash_tree(root, entries, cache) for root, entries in foreign.trees}
    own = Path(probe.__file__).parent
    return {
        "which service runs the tests": premise(facts["tests"][:1]),
        "what pytest is asked for": premise(facts["tests"][1:]),
        "a setting": premise(_settings(facts["settings"])),
        "what the compose files say beside the services": premise([form, facts["secrets"]]),
        **{f"service {name}": premise(raw) for name, raw in services.items()},
        "what steers Docker's programs": premise(
            [facts["environment"], facts["proxies"], facts["compose"]]
        ),
        "the engine or its machine": premise(facts["engine"]),
        "Seatrial": premise(
            [facts["seatrial"], *(trees[p] for p in sorted(trees) if p.is_relative_to(own))]
        ),
        **{f"what is in {p}": trees[p] for p in sorted(trees) if not p.is_relative_to(own)},
        **_images(stock.images),
    }


def _foreign(stock: Stock, project: Path) -> tuple[tuple[Root, tuple[Entry, ...]], ...]:
    """All that is not the project's, whose files are compared one by one."""
    own = project.resolve()
    found = []
    for root, entries in stock.trees:
        path = root.path.resolve()
        if path.is_relative_to(own):
            continue
        # Such as a build context above the project.
        inside = own.relative_to(path) if own.is_relative_to(path) else None
        found.append((root, tuple(each for each in entries if _counts(each, inside))))
    return tuple(found)


def _own(stock: Stock, project: Path) -> dict[str, Stamp | None]:
    top = f"{project}/"
    return {
        path: entry.stamp
        for root, entries in stock.trees
        for entry in entries
        if (path := f"{root.path}/{entry.place}" if entry.place else str(root.path)).startswith(top)
    }


def _counts(entry: Entry, project: PurePath | None) -> bool:
    place = PurePosixPath(entry.place)
    inside = project is not None and place.is_relative_to(project)
    return not inside and not _PASSED_OVER.intersection(place.parts)


def _settings(settings: Mapping[str, Any]) -> dict[str, Any]:
    kept = {name: value for name, value in settings.items() if name not in _OF_NO_ACCOUNT}
    coverage = settings["coverage"].items()
    kept["coverage"] = {k: value for k, value in coverage if k not in _COVERAGE_OF_NO_ACCOUNT}
    return kept


def _images(images: Mapping[str, str | None]) -> dict[str, str]:
    # One that is not there yet is not known to be the one that was.
    return {f"image {name}": found or "to be fetched" for name, found in images.items()}
