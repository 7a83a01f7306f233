"""Looks for what spoils the build cache in the Dockerfiles of a stack, and for what it has cost."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from posixpath import dirname
from typing import Any

from seatrial.evidence.build import BuildStep
from seatrial.evidence.dockerignore import IgnoreRules, find_ignore_file, read_ignore_file
from seatrial.evidence.filetree import Entry, NotComparableError, Root, list_tree
from seatrial.evidence.folder import own_folder
from seatrial.evidence.record import Record
from seatrial.stack.dockerfile import Instruction, Stage, dockerfile_path, read_dockerfile
from seatrial.stack.model import Form
from seatrial.stack.spoilers import Spoiler, context_sources, find_spoilers

__all__ = ["CacheFinding", "Cost", "examine_dockerfiles", "find_cost"]

MAX_RECORDS = 20
"""Newest trials that are asked what a step took."""
_MAX_BYTES = 1 << 22
_MAX_INSTRUCTION = 200
"""Characters of an instruction that a record keeps."""
_MIB = 1 << 20
_UNWANTED = {
    ".git": "each commit",
    ".venv": "each installation",
    "venv": "each installation",
    "node_modules": "each installation",
    ".tox": "each test run",
    ".nox": "each test run",
    ".pytest_cache": "each test run",
    ".mypy_cache": "each check",
    ".ruff_cache": "each check",
    "__pycache__": "each run of Python",
}
"""Folders that no image needs from a context, and what changes them."""


@dataclass(frozen=True)
class Cost:
    """What steps took when they were not in the cache."""

    seconds: float
    trial: str
    """The newest in which one of them was run."""
    ran: int
    """In how many of the trials that built them one of them was run."""
    trials: int


@dataclass(frozen=True)
class CacheFinding:
    """A line that spoils the cache."""

    where: str
    """`Dockerfile:7`, relative to the project if it is in it."""
    what: str
    why: str
    remedy: str
    cost: Cost | None
    """None: no recorded trial has run the steps that take the time."""


def examine_dockerfiles(
    project: Path, form: Form, records: Sequence[Record]
) -> tuple[tuple[str, ...], tuple[CacheFinding, ...]]:
    """The Dockerfiles that a form builds from, and what in them spoils the cache.

    A context that is not on this machine is passed over. `records` are the newest first.
    """
    files: list[str] = []
    findings: list[CacheFinding] = []
    for source in _sources(project, form):
        text = source.text()
        if text is None:
            continue
        files.append(source.shown)
        # Services with other targets share most of the lines.
        spoilers = {(one.line, one.what): one for one in _find(source, text)}
        findings += [
            CacheFinding(
                where=f"{source.shown}:{spoiler.line}",
                what=spoiler.what,
                why=spoiler.why,
                remedy=spoiler.remedy,
                cost=find_cost(records, source.services, spoiler.steps),
            )
            for spoiler in sorted(spoilers.values(), key=lambda one: one.line)
        ]
    return tuple(files), tuple(findings)


def find_cost(
    records: Sequence[Record], services: Iterable[str], steps: Sequence[tuple[Stage, Instruction]]
) -> Cost | None:
    """What `steps` took in the newest trial that ran one of them for one of `services`."""
    wanted = [(_stage_names(stage), _pattern(instruction)) for stage, instruction in steps]
    names = set(services)
    found: list[tuple[float, str]] = []
    trials = 0
    for record in records[:MAX_RECORDS]:
        matched = [
            step
            for step in (record.build.steps if record.build else ())
            if names & set(step.services)
            and any(step.stage.lower() in stages and _fits(step, text) for stages, text in wanted)
        ]
        trials += bool(matched)
        ran = [step.seconds for step in matched if step.seconds is not None and not step.cached]
        if ran:
            found.append((sum(ran), record.id))
    if not found:
        return None
    return Cost(*found[0], ran=len(found), trials=trials)


@dataclass
class _Source:
    """A Dockerfile, its context, and who builds from it."""

    project: Path
    shown: str
    context: Path
    file: Path | None
    inline: str | None
    arguments: Mapping[str, str]
    targets: list[str | None] = field(default_factory=list)
    services: list[str] = field(default_factory=list)

    def text(self) -> str | None:
        if self.file is None:
            return self.inline
        try:
            with self.file.open("rb") as opened:
                return opened.read(_MAX_BYTES).decode(errors="replace")
        except OSError:
            return None


def _sources(project: Path, form: Form) -> list[_Source]:
    found: dict[tuple[Any, ...], _Source] = {}
    for name, service in form.get("services", {}).items():
        raw = service.get("build")
        if not raw:
            continue
        context, inline = Path(raw.get("context", "")), raw.get("dockerfile_inline")
        file = dockerfile_path(raw)
        shown = f"services.{name}.build.dockerfile_inline" if inline else str(file)
        if file and file.is_relative_to(project):
            shown = str(file.relative_to(project))
        arguments = {key: value or "" for key, value in (raw.get("args") or {}).items()}
        source = found.setdefault(
            (context, file, inline), _Source(project, shown, context, file, inline, arguments)
        )
        source.targets.append(raw.get("target"))
        source.services.append(name)
    return list(found.values())


def _find(source: _Source, text: str) -> Iterator[Spoiler]:
    parsed = read_dockerfile(text, source.arguments)
    ignore_file, rules = _ignore_rules(source)
    try:
        left_out = own_folder(source.project)
        entries: tuple[Entry, ...] | None = list_tree(Root(source.context, rules, left_out))
    except NotComparableError:
        entries = None
    code = {
        folder
        for entry in entries or ()
        if entry.place.endswith(".py")
        for folder in _folders_above(entry.place)
    }

    def is_source(path: str) -> bool:
        if entries is None:
            return path == "." or (source.context / path).is_dir()
        return any(fnmatchcase(folder, path) for folder in code)

    size = None if entries is None else _Size.of(entries)
    for target in dict.fromkeys(source.targets):
        yield from find_spoilers(parsed, target, is_source=is_source)
        whole = [one for one in context_sources(parsed, target) if "." in one.sources]
        spoiler = _too_much(whole[0].step, ignore_file, size) if whole else None
        if spoiler:
            yield spoiler


def _ignore_rules(source: _Source) -> tuple[str | None, IgnoreRules | None]:
    """The name and the rules of the file that applies: the Dockerfile's own, or the context's."""
    file = find_ignore_file(source.context, source.file)
    try:
        if file:
            with file.open("rb") as opened:
                text = opened.read(_MAX_BYTES).decode(errors="replace")
            return file.name, read_ignore_file(text)
    except OSError:
        pass  # unreadable: as if there were none
    return None, None


@dataclass(frozen=True)
class _Size:
    """What of a context the builder may be given, in bytes."""

    total: int
    unwanted: Mapping[str, int]
    """By folder: the topmost that nobody needs in an image."""

    @classmethod
    def of(cls, entries: Iterable[Entry]) -> "_Size":
        total, unwanted = 0, dict[str, int]()
        for entry in entries:
            size = entry.stamp[0] if entry.stamp else 0
            total += size
            names = [dirname(entry.place), entry.place][entry.stamp is None]
            parts = names.split("/")
            for number, part in enumerate(parts):
                if part in _UNWANTED:
                    folder = "/".join(parts[: number + 1])
                    unwanted[folder] = unwanted.get(folder, 0) + size
                    break
        return cls(total, unwanted)


def _too_much(
    step: tuple[Stage, Instruction], ignore_file: str | None, size: _Size | None
) -> Spoiler | None:
    """What a copy of the whole context brings in that nobody needs."""
    lacking = "there is no .dockerignore" if ignore_file is None else f"{ignore_file} lets it in"
    if size is None:
        if ignore_file is not None:
            return None
        what, changed, names = "the whole context, of unknown size", "any file", [".git"]
    elif size.unwanted:
        largest = sorted(size.unwanted.items(), key=lambda item: -item[1])
        told = ", ".join(f"{name} ({_size(count)})" for name, count in largest[:5])
        if len(largest) > 5:
            told += f" and {len(largest) - 5} more such folders"
        what = f"{told} of a context of {_size(size.total)}"
        kinds = dict.fromkeys(name.rpartition("/")[2] for name, _ in largest)
        changed = " and ".join(dict.fromkeys(_UNWANTED[name] for name in kinds))
        names = [name if name in size.unwanted else f"**/{name}" for name in kinds]
    elif ignore_file is None:
        what = f"the whole context of {_size(size.total)}"
        changed, names = "each commit", [".git", ".seatrial"]
    else:
        return None
    return Spoiler(
        step[1].line,
        f"{step[1].name} . brings in {what}; {lacking}",
        f"{changed} changes it, and this step and all after it run again",
        f"put into {ignore_file or '.dockerignore'}: {' '.join(names)}",
        (step,),
    )


def _size(count: int) -> str:
    return f"{count / _MIB:.1f} MiB" if count >= _MIB else f"{count / 1024:.1f} KiB"


def _folders_above(place: str) -> list[str]:
    parts = place.split("/")[:-1]
    return [".", *("/".join(parts[: number + 1]) for number in range(len(parts)))]


def _stage_names(stage: Stage) -> tuple[str, ...]:
    """As builders name it; newer ones leave out the name of an only stage."""
    return (stage.name,) if stage.name else (f"stage-{stage.number}", "")


_VARIABLE = re.compile(r"\\?\$(?:\w+|\{[^}]*\})")
_QUOTES = str.maketrans("", "", "\"'\\")


def _plain(text: str) -> str:
    """Without quotation marks and runs of spaces, of which the builder shows what it likes."""
    return " ".join(text.translate(_QUOTES).split())


def _pattern(instruction: Instruction) -> tuple[re.Pattern[str], str]:
    """What a step is shown as, with anything for each variable; and its beginning for long ones."""
    text = f"{instruction.name} {instruction.text}"
    literal = [re.escape(_plain(f"|{part}|")[1:-1]) for part in _VARIABLE.split(text)]
    summary = r"(?: \(.*\))?" if instruction.heredocs else ""
    return re.compile(".*".join(literal) + summary), _plain(_VARIABLE.split(text)[0])


def _fits(step: BuildStep, wanted: tuple[re.Pattern[str], str]) -> bool:
    pattern, beginning = wanted
    shown = _plain(step.instruction)
    if len(step.instruction) >= _MAX_INSTRUCTION:
        return shown.startswith(beginning) or beginning.startswith(shown)
    return pattern.fullmatch(shown) is not None
