"""Which rules a commit made easier to meet for itself, since the commit it builds on."""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from seatrial.audit.suppress import ignored_rules
from seatrial.errors import UsageFault
from seatrial.evidence.commit import resolve_commit
from seatrial.evidence.history import (
    added_lines,
    changed_names,
    is_built_on,
    parent_of,
    text_at,
)
from seatrial.evidence.hostile import plain_text
from seatrial.judge.commands_of_pytest import (
    fail_under_options,
    leaving_out,
    lost_paths,
    paths_of_commands,
)
from seatrial.judge.dossier import PolicyChange
from seatrial.judge.loosened_settings import ANY_CHANGE, Loosened, loosened_settings
from seatrial.judge.loosened_tools import TOOL_FILES, loosened_tools
from seatrial.judge.waivers import WAIVERS_FILE, Waiver, read_waivers
from seatrial.settings import PYPROJECT_FILE, SETTINGS_FILE, Settings, load_settings
from seatrial.words import counted

__all__ = ["changed_policy", "compare_policy", "find_base"]

_PRAGMA = re.compile(r"#\s*pragma[:\s]?\s*no\s*(cover|branch)", re.IGNORECASE)
_NO_COMMANDS = frozenset(
    {".py", ".pyi", ".md", ".rst", ".txt", ".html", ".css", ".js", ".ts", ".lock", ".json", ".csv"}
    | {".sql", ".xml", ".svg", ".png", ".jpg", ".gif", ".ico", ".pdf", ".woff2", ".gz", ".zip"}
)
_BLOCKS = frozenset({".yml", ".yaml", ".toml", ".ini", ".cfg", ".conf"})
"""Where a command goes on over lines."""
_MAX_VALUE = 200
_ID_SHOWN = 12


def find_base(project: Path) -> str | None:
    """The commit whose rules those of the newest commit are compared with; None: it is the first.

    It is the one that `verdict.base` names, if its parent named the same: a commit cannot choose
    for itself with what it is compared. Else, and where that is the newest commit itself, it is the
    parent.

    Raises:
        UsageFault: the commit is not in this clone, or the settings are not valid.
    """
    parent = parent_of(project)
    named = load_settings(project).settings.verdict.base
    if parent is None or named is None:
        return parent
    before = _settings(project, parent)
    if before is None or before.verdict.base != named:
        return parent
    base = resolve_commit(project, named)
    if base is None:
        raise UsageFault(
            f"git knows no commit {named}",
            where="verdict.base",
            next_step="fetch it, or name a commit, branch or tag of this repository",
        )
    return parent if base == resolve_commit(project, "HEAD") else base


def changed_policy(
    project: Path, base: str | None, approved: str | None
) -> tuple[PolicyChange, ...]:
    """What is easier to meet than at the base, and than at the commit that was approved last.

    Without a base the settings are compared with the defaults, and every waiver is new. Else a rule
    could be loosened in one commit and the next one be approved by it, or a history be begun anew.
    An approval is a file that anybody can write; so it counts beside the base, and only of a commit
    that this one was built on.

    Raises:
        UsageFault: the settings or waivers of the work tree are not valid.
    """
    changes = _compare_defaults(project) if base is None else compare_policy(project, base)
    if approved is None or approved == base or not is_built_on(project, approved):
        return changes
    known = {change.rule for change in changes}
    # Waivers need agreement between two commits, not between two approvals: one that an approval
    # needs could never be given.
    since = (
        replace(change, base=f"{approved[:_ID_SHOWN]}, approved before")
        for change in _compare_rules(project, approved)
    )
    return (*changes, *(change for change in since if change.rule not in known))


def compare_policy(project: Path, base: str) -> tuple[PolicyChange, ...]:
    """What is easier to meet in the work tree than it was at the commit `base`.

    Compared are Seatrial's settings, the configuration of pytest and coverage.py, the options of
    pytest in commands of changed files, `pragma: no cover` in Python files, comments by which the
    audit ignores a rule, and the waivers.

    Raises:
        UsageFault: the settings or waivers of the work tree are not valid.
    """
    return (*_compare_rules(project, base), *_added_waivers(project, base))


def _compare_rules(project: Path, base: str) -> tuple[PolicyChange, ...]:
    return (
        *_changed_settings(project, base),
        *_changed_tools(project, base),
        *_changed_commands(project, base),
        *_added_pragmas(project, base),
        *_added_ignores(project, base),
    )


def _compare_defaults(project: Path) -> tuple[PolicyChange, ...]:
    loosened = loosened_settings(Settings(), load_settings(project).settings)
    rules = (one for one in loosened if one.rule not in ANY_CHANGE)
    files = (SETTINGS_FILE, PYPROJECT_FILE)
    return tuple(
        replace(change, base="the defaults")
        for change in (
            *(_change(project, one, files) for one in rules),
            *_added_waivers(project, None),
        )
    )


def _changed_settings(project: Path, base: str) -> Iterator[PolicyChange]:
    now = load_settings(project)
    before = _settings(project, base)
    file = SETTINGS_FILE if (project / SETTINGS_FILE).is_file() else PYPROJECT_FILE
    if before is None:
        yield PolicyChange("settings", "not valid", "valid", file)
        return
    for loosened in loosened_settings(before, now.settings):
        yield _change(project, loosened, (file,))


def _settings(project: Path, commit: str) -> Settings | None:
    """The settings at a commit; None if they were not valid."""
    with TemporaryDirectory() as folder:
        _write(project, commit, (SETTINGS_FILE, PYPROJECT_FILE), Path(folder))
        try:
            return load_settings(Path(folder)).settings
        except UsageFault:
            return None


def _changed_tools(project: Path, base: str) -> Iterator[PolicyChange]:
    for loosened in loosened_tools(_reader(project, base), _reader(project, None)):
        yield _change(project, loosened, TOOL_FILES)


def _changed_commands(project: Path, base: str) -> Iterator[PolicyChange]:
    """Of all changed files together, since an option may have moved from one to another."""
    names = [n for n in changed_names(project, base) if Path(n).suffix.lower() not in _NO_COMMANDS]
    before, now = set[str](), dict[str, str]()
    least_before, least_now = list[float](), list[float]()
    paths_before, paths_now = set[str](), set[str]()
    for name in names:
        lines = Path(name).suffix.lower() not in _BLOCKS
        old, new = (text_at(project, commit, name) or "" for commit in (base, None))
        before |= leaving_out(old, lines=lines)
        now |= dict.fromkeys(leaving_out(new, lines=lines), name)
        paths_before |= paths_of_commands(old, lines=lines)
        paths_now |= paths_of_commands(new, lines=lines)
        least_before += fail_under_options(old)
        least_now += fail_under_options(new)
    for option in sorted(now.keys() - before):
        yield _change(project, Loosened(f"pytest {option}", "none", option), (now[option],))
    # Where there was no command of pytest, or there is none now, nothing can be compared.
    gone = lost_paths(paths_before, paths_now)
    if gone and paths_now:
        loosened = Loosened("pytest paths", ", ".join(gone), ", ".join(sorted(paths_now)))
        yield _change(project, loosened, names)
    if least_before and min(least_now, default=0) < min(least_before):
        least = f"{min(least_now):g}" if least_now else "none"
        loosened = Loosened("fail-under of commands", f"{min(least_before):g}", least)
        yield _change(project, loosened, names)


def _added_pragmas(project: Path, base: str) -> Iterator[PolicyChange]:
    for name, lines in sorted(added_lines(project, base, "*.py").items()):
        count = sum(n for line, n in lines.items() if _PRAGMA.search(line))
        if count:
            yield _change(project, Loosened("pragma: no cover", "0", f"{count} added"), (name,))


def _added_ignores(project: Path, base: str) -> Iterator[PolicyChange]:
    """Of each file for itself: a comment that moved to another one ignores something else there.

    Any file may be one that the audit reads, whatever its name.
    """
    for name in changed_names(project, base):
        now = ignored_rules(text_at(project, None, name) or "")
        if not now:
            continue
        before = ignored_rules(text_at(project, base, name) or "")
        for rule, count in sorted(now.items()):
            if count > before[rule]:
                loosened = Loosened(
                    f"ignore of {rule}", counted(before[rule], "comment"), counted(count, "comment")
                )
                yield _change(project, loosened, (name,))


def _added_waivers(project: Path, base: str | None) -> Iterator[PolicyChange]:
    before = _waivers(project, base) if base else ()
    for waiver in read_waivers(project):
        if waiver not in before:
            what = f"until {waiver.expires} by {waiver.person}"
            loosened = Loosened(f"waiver of {waiver.waives}", "none", what)
            yield _change(project, loosened, (WAIVERS_FILE,))


def _waivers(project: Path, commit: str) -> tuple[Waiver, ...]:
    with TemporaryDirectory() as folder:
        _write(project, commit, (WAIVERS_FILE,), Path(folder))
        try:
            return read_waivers(Path(folder))
        except UsageFault:  # then none of them counted
            return ()


def _reader(project: Path, commit: str | None) -> Callable[[str], str | None]:
    texts: dict[str, str | None] = {}

    def read(name: str) -> str | None:
        if name not in texts:
            texts[name] = text_at(project, commit, name)
        return texts[name]

    return read


def _write(project: Path, commit: str, names: Iterable[str], folder: Path) -> None:
    for name in names:
        text = text_at(project, commit, name)
        if text is not None:
            (folder / name).write_text(text, encoding="utf-8")


def _change(project: Path, loosened: Loosened, files: Iterable[str]) -> PolicyChange:
    """Say where: the first line of the files that holds the rule's last word or its value."""
    rule, before, now = (plain_text(text).replace("\n", " ")[:_MAX_VALUE] for text in loosened)
    files = list(files)
    word = re.split(r"[.\s]", rule)[-1]
    for file in files:
        text = text_at(project, None, file)
        for number, line in enumerate((text or "").splitlines(), 1):
            if re.search(rf"(?<![\w-]){re.escape(word)}(?![\w-])", line, re.IGNORECASE):
                return PolicyChange(rule, before, now, f"{plain_text(file)}:{number}")
    where = files[0] if len(files) == 1 else ""
    return PolicyChange(rule, before, now, plain_text(where))
