"""Returns the record of an earlier trial if nothing that could change its result has changed.

A trial's fingerprint is made of what was there when it began, and holds only if all of it was still
the same when it ended. Which trial has which fingerprint stands in an index beside the trials, with
the hash of its record: a record that was edited is not believed, nor one whose files were.
"""

import asyncio
import hashlib
import json
import os
import stat
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from seatrial.engine.api import Engine
from seatrial.engine.faults import engine_faults
from seatrial.errors import EnvironmentFault
from seatrial.evidence.commit import resolve_commit
from seatrial.evidence.filetree import (
    HashCache,
    NotComparableError,
    read_cache,
    stamp_of,
    write_cache,
)
from seatrial.evidence.fingerprint import (
    Stock,
    changed_files,
    fingerprint,
    hash_stock,
    list_stock,
)
from seatrial.evidence.folder import RunFolder, write_record
from seatrial.evidence.hostile import plain_text
from seatrial.evidence.ledger import open_ledger, reuse_name
from seatrial.evidence.record import FileEntry, Record, Reused, ServiceRecord, Status
from seatrial.settings import Settings
from seatrial.stack.plan import Plan
from seatrial.trial.ingredients import find_facts, find_images, find_roots

__all__ = [
    "Ledger",
    "find_reusable",
    "hash_stock_of",
    "read_hashes",
    "save_hashes",
    "seal",
    "settled_images",
    "take_stock",
    "untouched",
]

_HOME = ".seatrial"
_INDEX = "reuse.json"
_HASHES = "hashes.json"
_MAX_INDEX = 500
_MAX_TOLD = 5
_NOT_FOUND = 404


@dataclass(frozen=True)
class Ledger:
    """What a project keeps so that its trials are known again."""

    project: Path
    wall_clock: Callable[[], datetime]

    @property
    def index(self) -> Path:
        """By fingerprint: the trial, and the SHA-256 of its record."""
        return self.project / _HOME / _INDEX

    @property
    def hashes(self) -> Path:
        """By path: the SHA-256 of a file, and what shows that it is still the same."""
        return self.project / _HOME / _HASHES

    def trial(self, name: str) -> RunFolder:
        """The folder of a trial."""
        return RunFolder(self.project / _HOME / "runs" / name)


def _has_trials(project: Path) -> bool:
    """Whether there is any trial that could be returned."""
    return (project / _HOME / _INDEX).exists()


async def take_stock(
    engine: Engine,
    plan: Plan,
    settings: Settings,
    *,
    compose_version: str,
    environ: Mapping[str, str],
    home: Path,
) -> Stock | str:
    """List what goes into a trial that is about to begin; if that cannot be told, why not.

    Raises:
        EnvironmentFault: the engine does not answer.
    """
    with engine_faults("the engine"):
        info = await engine.info()

    def look() -> tuple[Stock, list[str]]:
        facts = find_facts(
            plan, settings, info=info, compose_version=compose_version, environ=environ, home=home
        )
        return list_stock(facts, find_roots(plan, settings), {}), find_images(plan)

    try:
        stock, names = await asyncio.to_thread(look)
        return replace(stock, images=await _image_ids(engine, names))
    except (NotComparableError, OSError) as error:
        return str(error)


async def find_reusable(
    ledger: Ledger, stock: Stock | str, max_age_s: float, *, asked_for: str
) -> tuple[Record, RunFolder] | None:
    """The newest trial of the very same stock that passed, if all of its files are as they were.

    One that passed only when failed tests were run again is not returned. That it is returned in
    place of the trial `asked_for` is written down beside the records, or it is not returned.
    """
    if isinstance(stock, str) or not max_age_s or not _has_trials(ledger.project):
        return None  # nothing could be found, so nothing need be hashed now
    cache = await asyncio.to_thread(read_hashes, ledger)
    try:
        return await asyncio.to_thread(_find, ledger, stock, max_age_s, cache, asked_for)
    finally:
        cache.stopped = True  # a thread cannot be cancelled


async def hash_stock_of(ledger: Ledger, stock: Stock | str) -> str | NotComparableError:
    """Hash what was listed, but the images, or say why that cannot be; for `seal`."""
    if isinstance(stock, str):
        return NotComparableError(stock)
    cache = await asyncio.to_thread(read_hashes, ledger)

    def work() -> str:
        try:
            return hash_stock(stock, cache)
        finally:
            save_hashes(ledger, cache)

    try:
        return await asyncio.to_thread(work)
    except NotComparableError as error:
        return error
    finally:
        cache.stopped = True


async def seal(
    ledger: Ledger,
    engine: Engine,
    record: Record,
    stock: Stock | str,
    hashing: Awaitable[str | NotComparableError],
) -> Record:
    """Write the fingerprint into the record of a trial that has ended, if nothing changed since.

    `hashing` is `hash_stock_of` at work. A trial that was interrupted is left as it is.

    Raises:
        EnvironmentFault: the record cannot be written.
    """
    if record.status is Status.INTERRUPTED:
        return record
    mark, why_not = None, ""
    sha256 = await hashing
    if isinstance(stock, str) or isinstance(sha256, NotComparableError):
        why_not = str(sha256)
    else:
        try:
            await untouched(stock)
            images = await settled_images(engine, record.services, stock)
            mark = fingerprint(sha256, images)
        except NotComparableError as error:
            why_not = str(error)
    # A file's name may hold anything.
    findings = (f"this trial will not be reused: {plain_text(why_not)}",) if why_not else ()
    record = record.model_copy(
        update={"fingerprint": mark, "findings": (*record.findings, *findings)}
    )
    folder = ledger.trial(record.id)
    await asyncio.to_thread(write_record, folder, record, ledger.wall_clock)
    if mark and _is_worth_keeping(record):
        await asyncio.to_thread(_enter, ledger, record)
    return record


async def settled_images(
    engine: Engine, services: Sequence[ServiceRecord], before: Stock
) -> dict[str, str | None]:
    """The ids of the images, if it is certain which ones a trial of these services was given.

    Raises:
        NotComparableError: it is not.
    """
    used = {s.image.name: s.image.id for s in services if s.image and not s.image.built}
    images = await _image_ids(engine, list(before.images))
    for name, found in images.items():
        # An image that was not there before was fetched for this trial.
        if (before.images[name] or found) != found or used.get(name, found) != found:
            raise NotComparableError(f"while it ran, {name} became the name of another image")
    return images


async def untouched(before: Stock) -> None:
    """See that all files of a trial that has ended are as they were listed when it began.

    Raises:
        NotComparableError: they are not.
    """
    roots = [root for root, _ in before.trees]
    after = await asyncio.to_thread(list_stock, before.facts, roots, {})
    if changed := changed_files(before, after):
        told = ", ".join(changed[:_MAX_TOLD])
        more = f" and {len(changed) - _MAX_TOLD} more" if changed[_MAX_TOLD:] else ""
        raise NotComparableError(f"while it ran, these changed: {told}{more}")


def read_hashes(ledger: Ledger) -> HashCache:
    """The hashes that are known of the project's files."""
    return read_cache(ledger.hashes, int(ledger.wall_clock().timestamp() * 1e9))


def save_hashes(ledger: Ledger, cache: HashCache) -> None:
    """Keep the hashes for the next trial, if any is new."""
    if cache.changed:
        write_cache(ledger.hashes, cache)
        cache.changed = False


def _find(
    ledger: Ledger, stock: Stock, max_age_s: float, cache: HashCache, asked_for: str
) -> tuple[Record, RunFolder] | None:
    began = time.monotonic()
    try:
        mark = fingerprint(hash_stock(stock, cache), stock.images)
        found = _read_index(ledger.index).get(mark)
        record = found and _read(ledger, *found)
        if not record or record.fingerprint != mark or not _is_worth_keeping(record):
            return None
        now = ledger.wall_clock()
        age = (now - record.finished).total_seconds()
        folder = ledger.trial(record.id)
        if not 0 <= age <= max_age_s or not _is_intact(folder, record.files, cache):
            return None
        content = folder.record.read_bytes()
        commit = resolve_commit(ledger.project, "HEAD")
        with open_ledger(ledger.project / _HOME) as book:
            book.append(reuse_name(record.id, asked_for), commit, content, now)
    except (NotComparableError, OSError):
        return None
    finally:
        save_hashes(ledger, cache)
    reused = Reused(
        trial=record.id,
        measured=record.finished,
        age_seconds=age,
        fingerprint=mark,
        look_seconds=time.monotonic() - began,
    )
    return record.model_copy(update={"reused": reused}), folder


def _read(ledger: Ledger, trial: str, sha256: str) -> Record | None:
    try:
        content = ledger.trial(Path(trial).name).record.read_bytes()
        if hashlib.sha256(content).hexdigest() != sha256:
            return None
        return Record.model_validate_json(content)
    except (OSError, ValueError):
        return None


def _is_worth_keeping(record: Record) -> bool:
    return record.status is Status.PASSED and not record.retries and not record.partial


def _is_intact(folder: RunFolder, files: Iterable[FileEntry], cache: HashCache) -> bool:
    for entry in files:
        path = folder.path / entry.path
        try:
            state = path.lstat()
        except OSError:
            return False
        # Of a pipe, reading would never end.
        if not stat.S_ISREG(state.st_mode) or state.st_size != entry.size:
            return False
        if cache.sha256(str(path), stamp_of(state)) != entry.sha256:
            return False
    return True


async def _image_ids(engine: Engine, names: Sequence[str]) -> dict[str, str | None]:
    from aiodocker.exceptions import DockerError  # noqa: PLC0415 - imported late, see connect

    async def ask(name: str) -> str | None:
        try:
            with engine_faults(f"image {name}"):
                return str((await engine.inspect_image(name))["Id"])
        except EnvironmentFault as fault:
            if isinstance(fault.__cause__, DockerError) and fault.__cause__.status == _NOT_FOUND:
                return None
            raise NotComparableError(f"the engine does not tell what {name} is") from fault

    return dict(zip(names, await asyncio.gather(*map(ask, names)), strict=True))


def _read_index(path: Path) -> dict[str, tuple[str, str]]:
    try:
        stored = json.loads(path.read_bytes())
        return {str(mark): (str(trial), str(sha256)) for mark, (trial, sha256) in stored.items()}
    except (OSError, ValueError, TypeError, AttributeError):
        return {}


def _enter(ledger: Ledger, record: Record) -> None:
    """Put a trial into the index; if that cannot be written, the trial is not found again."""
    known = _read_index(ledger.index)
    sha256 = hashlib.sha256(ledger.trial(record.id).record.read_bytes()).hexdigest()
    known.pop(str(record.fingerprint), None)
    known[str(record.fingerprint)] = (record.id, sha256)
    draft = ledger.index.with_name(f"{_INDEX}.{os.getpid()}")
    try:
        draft.write_text(json.dumps(dict(list(known.items())[-_MAX_INDEX:])), encoding="utf-8")
        draft.replace(ledger.index)
    except OSError:
        draft.unlink(missing_ok=True)
