"""Finds in shell text what hides a failure or waits by the clock.

This reads line by line and knows loops and continuation lines; it is no parser of the shell. What
it does not understand it does not report.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

__all__ = ["Trouble", "find_trouble", "runs_tests"]

RUNS_TESTS = re.compile(
    r"(?<![\w.-])(?:pytest|py\.test|tox|nox|nosetests|-m\s+unittest|stestr|"
    r"seatrial\s+(?:run|approve|drill|bench)|(?:manage|setup)\.py\s+test|"
    r"(?:make|just|task|npm\s+run|hatch\s+run|hatch|pdm\s+run|poe|inv|invoke)\s+(?:[\w:-]*[:-])?"
    r"(?:tests?|check)\b[\w:-]*|run[-_]?tests?(?:\.\w+)?|tests?\.sh|coverage\s+(?:run|report))"
    r"(?!\.?[\w-])"
)
"""A command that runs tests or judges their coverage."""
_COMPOSE = re.compile(r"\bdocker[ -]compose\b.*\b(?:run|up|exec)\b")
_SWALLOWS = re.compile(
    r"\|\|\s*(?:/bin/|/usr/bin/)?(?:true|:|exit\s+0|return\s+0|echo\b|printf\b)(?!.*\bexit\s+[1-9$])"
)
_ENDS_WITH_0 = re.compile(r"[;&]\s*(?:true|:|exit\s+0)\s*(?:[)\"'}]|$)")
_NOT_A_RUN = re.compile(
    r"\s*(?:RUN\s+(?:--\S+\s+)*)?(?:sudo\s+)?(?:\w+=\S*\s+)*(?:\S*python[\d.]*\s+-m\s+)?"
    r"(?:pip[\d.]*|pipx|uv\s+(?:pip|add|tool\s+install|sync)|apt|apt-get|apk|dnf|poetry\s+(?:add|"
    r"install)|echo|printf|which|command|cat|cp|mv|rm|mkdir|chmod|chown|grep|COPY|ADD)\b"
)
"""Tests are named, but none are run."""
_SEPARATOR = re.compile(r"&&|\|\||[;|&]")
_PIPED = re.compile(r"(?<![|>])\|(?!\|)\s*&?\s*\w")
_SLEEP = re.compile(
    r"(?<![\w.$/-])(?:/bin/|/usr/bin/)?sleep\s+(\d+(?:\.\d+)?)([smhd]?)(?![\w.])"
    r"|\btime\.sleep\(\s*(\d+(?:\.\d+)?)()\s*\)"
)
_LOOP = re.compile(
    r"(?:^|[;&|({\"'`]|\b(?:do|then|else)\b)\s*(while|until|for)(?=\s)"
    r"|(?:^|[;&|})\"'])\s*(done)(?![\w./-])"
)
_DOWNLOAD = re.compile(
    r"\b(?:curl|wget)\b[^|;&]*\|\s*(?:sudo\s+(?:-\S+\s+)*)?(?:\S*/)?(?:ba|da|a|z|k)?sh\b"
    r"|\b(?:curl|wget)\b[^|;&]*\|\s*(?:sudo\s+(?:-\S+\s+)*)?python[\d.]*\b"
    r"|\b(?:ba|da|a|z)?sh\s+(?:-c\s+[\"']?\$\(|<\()\s*(?:curl|wget)\b"
)
_COMMENT = re.compile(r"(?:^|\s)#.*$")
_EXITS_WITH_0 = re.compile(r"\s*(?:exit\s+0|true|:)\s*")
_STOPS_AT_FAILURE = re.compile(
    r"^\s*set\s+-[a-z]*e|^\s*set\s+-o\s+errexit|^#!.*\s-\w*e", re.MULTILINE
)
_MAX_LINE = 4000


@dataclass(frozen=True)
class Trouble:
    """Something that a line does."""

    rule: str
    line: int
    """From 1, in the text."""
    what: str


def find_trouble(text: str, *, is_script: bool = True, pipefail: bool = False) -> Iterator[Trouble]:
    """What is wrong in shell text.

    `is_script` False: it is a container's command, which may do nothing but sleep to stay alive.
    `pipefail`: the shell was started with it.
    """
    pipefail = pipefail or "pipefail" in text
    logical = list(_logical_lines(text))
    if not logical:
        return
    last, final = logical[-1]
    drops_all = bool(_EXITS_WITH_0.fullmatch(final)) and not _STOPS_AT_FAILURE.search(text)
    depth = 0
    for number, line in logical:
        test = _find_tests(line)
        if test is not None:
            after = line[test:]
            if _SWALLOWS.search(after) or _ENDS_WITH_0.search(after):
                yield Trouble("swallowed-exit-code", number, "the tests' exit code is dropped")
            elif not pipefail and _is_piped(after):
                yield Trouble("swallowed-exit-code", number, "the tests' exit code ends in a pipe")
            elif drops_all and number != last:
                yield Trouble("swallowed-exit-code", number, f"line {last} makes a success of it")
        elif _SWALLOWS.search(line):
            yield Trouble("ignored-failure", number, "a failure is ignored")
        if _DOWNLOAD.search(line):
            yield Trouble("piped-download", number, "a download is run as it comes")
        for at, seconds in _marks(line):
            if isinstance(seconds, int):
                depth = max(0, depth + seconds)
            elif depth == 0:
                rest = line[at:].strip(" \t)\"'];")
                if is_script or rest or number != last:
                    yield Trouble("fixed-sleep", number, f"waits {seconds} by the clock")


def runs_tests(text: str) -> bool:
    """Whether tests are run in it."""
    return any(_find_tests(line) is not None for _, line in _logical_lines(text))


def _find_tests(line: str) -> int | None:
    """Where the name of what runs tests ends; None: no tests are run."""
    begin = 0
    for end in [*(match.start() for match in _SEPARATOR.finditer(line)), len(line)]:
        if not _NOT_A_RUN.match(line, begin, end):
            match = RUNS_TESTS.search(line, begin, end) or _COMPOSE.search(line, begin, end)
            if match:
                return match.end()
        begin = end + 1
    return None


def _is_piped(after: str) -> bool:
    pipe = _PIPED.search(after)
    return bool(pipe) and not re.search(r"&&|;|\|\|", after[: pipe.start() if pipe else 0])


def _marks(line: str) -> Iterator[tuple[int, int | str]]:
    """Beginnings (1) and ends (-1) of loops, and waits in words, each with where it ends."""
    found: list[tuple[int, int | str]] = []
    found += [(match.end(), 1 if match[1] else -1) for match in _LOOP.finditer(line)]
    for match in _SLEEP.finditer(line):
        number, unit = match[1] or match[3], match[2] or "s"
        if float(number) > 0:
            found.append((match.end(), f"{number} {unit}"))
    yield from sorted(found, key=lambda mark: mark[0])


def _logical_lines(text: str) -> Iterator[tuple[int, str]]:
    """Lines without comments, with continuation lines joined; each with where it begins."""
    pending, began = "", 0
    for number, raw in enumerate(text.splitlines(), 1):
        if pending and raw.lstrip().startswith("#"):
            continue  # a Dockerfile goes on after a comment
        line = _COMMENT.sub("", raw[:_MAX_LINE])
        began = began or number
        if line.rstrip().endswith("\\"):
            pending = (pending + line.rstrip()[:-1])[:_MAX_LINE]
            continue
        whole = (pending + line)[:_MAX_LINE]
        # `pytest` and `|| true` may stand on two lines: the shell goes on before an operator
        # only after a backslash, and after one by itself.
        if whole.rstrip().endswith(("||", "&&", "|")):
            pending = whole.rstrip() + " "
            continue
        if whole.strip():
            yield began, whole
        pending, began = "", 0
    if pending.strip():
        yield began, pending
