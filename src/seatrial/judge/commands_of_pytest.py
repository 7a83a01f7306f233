"""Reads what commands in a file ask of pytest: which tests it leaves out, and where it looks."""

import re
import shlex
from collections.abc import Collection, Iterator

__all__ = ["fail_under_options", "leaving_out", "lost_paths", "paths_of_commands"]

_FAIL_UNDER = re.compile(r"--(?:cov-)?fail-under(?:=|\s+|['\"],\s*['\"])['\"]?(\d+(?:\.\d+)?)")
_WITH_VALUE = ("--deselect", "--ignore", "--ignore-glob", "--cov-config", "--config-file")
_WITH_VALUE_SHORT = ("-k", "-m", "-c", "-o", "-p")
_ALONE = (
    *("--lf", "--last-failed", "--sw", "--stepwise", "--co", "--collect-only", "--no-cov"),
    *("--noconftest", "--setup-only", "--setup-plan", "--setuponly", "--setupplan"),
)
_BEGINS = ("pytest", "py.test", "addopts", "PYTEST_ADDOPTS")
_ENDS = frozenset({"&&", "||", ";", "|", "&", "\n"})
_KEY = re.compile(r"^\s*(?:-\s+)?(?:\[.*\]\s*$|[\w.\"'][\w.\"'-]*\s*(?::(?:\s|$)|=))")
_TAKES_NEXT = frozenset(
    {"-k", "-m", "-c", "-o", "-p", "-n", "-W", "-r", "--tb", "--maxfail", "--durations", "--dist"}
    | {"--cov", "--cov-report", "--cov-config", "--cov-fail-under", "--junitxml", "--junit-xml"}
    | {"--rootdir", "--confcutdir", "--basetemp", "--deselect", "--ignore", "--ignore-glob"}
    | {"--html", "--import-mode", "--log-file", "--log-level", "--log-cli-level", "--timeout"}
    | {
        ">",
        ">>",
        "2>",
        "&>",
        "--numprocesses",
        "--override-ini",
        "--config-file",
        "--color",
        "--capture",
        "--reruns",
    }
)
"""After these the next word may be a value or a file to print to, so it is no path of tests."""
_NO_PATH = re.compile(r"[$<>`=*]")
_EVERYTHING = "."


def leaving_out(text: str, *, lines: bool) -> set[str]:
    """Options of pytest in a file that leave tests out, or point to another configuration.

    `lines`: a command ends with its line, as in a shell script; else, as in YAML or TOML, with the
    next key.
    """
    return {option for words in _commands(text, lines=lines) for option in _left_out_by(words)}


def fail_under_options(text: str) -> list[float]:
    """The thresholds that commands in a file name."""
    return [float(match) for match in _FAIL_UNDER.findall(text)]


def paths_of_commands(text: str, *, lines: bool) -> set[str]:
    """Files, folders and tests that commands of pytest in a file name; `.` of one without any."""
    found: set[str] = set()
    for words in _commands(text, lines=lines):
        found |= set(_paths(words)) or {_EVERYTHING}
    return found


def lost_paths(before: Collection[str], now: Collection[str]) -> list[str]:
    """Former paths that are neither among those of now, nor within one of them."""
    return sorted(
        path
        for path in before
        if not {_EVERYTHING, path}.intersection(now)
        and not path.startswith(tuple(f"{one}{mark}" for one in now for mark in ("/", "::")))
    )


def _commands(text: str, *, lines: bool) -> Iterator[list[str]]:
    """What follows the name of pytest in each of its commands."""
    words: list[str] | None = None
    for token in [*_tokens(text, lines=lines), "\n"]:
        if token in _ENDS:
            if words is not None:
                yield words
            words = None
        elif _begins(token):
            words = []
        elif words is not None:
            words.append(token)


def _paths(words: list[str]) -> Iterator[str]:
    before = ""
    for word in words:
        told = word.partition("::")[0].removeprefix("./").rstrip("/")
        looks_so = "/" in word or told.endswith(".py") or told.startswith("test")
        if before not in _TAKES_NEXT and word[0] != "-" and not _NO_PATH.search(word) and looks_so:
            yield word.removeprefix("./").rstrip("/") or _EVERYTHING
        before = word


def _tokens(text: str, *, lines: bool) -> Iterator[str]:
    for line in text.replace("\\\n", " ").split("\n"):
        if lines or _KEY.match(line):
            yield "\n"
        yield from _words(line)


def _words(text: str) -> Iterator[str]:
    try:
        words = shlex.split(text, comments=True)
    except ValueError:
        words = text.split()
    for bare in words:
        word = bare.strip("[](),") if " " in bare else bare.strip("[](){},\"'")
        name, mark, value = word.partition("=")
        if mark and name == "PYTEST_ADDOPTS":
            yield name
            yield from _words(value)
        elif " " in word and (word.startswith("-") or "pytest" in word):
            yield from _words(word)
        elif word.endswith(";") and len(word) > 1:
            yield word[:-1]
            yield ";"
        elif word not in {"", "-", "="}:
            yield word


def _begins(token: str) -> bool:
    return token.rstrip(":").rsplit("/", 1)[-1] in _BEGINS


def _left_out_by(options: list[str]) -> set[str]:
    found = set()
    for place, option in enumerate(options):
        following = options[place + 1] if place + 1 < len(options) else ""
        name, mark, value = option.partition("=")
        if name in _ALONE:
            found.add(name)
        elif name in _WITH_VALUE:
            found.add(f"{name} {value if mark else following}")
        elif option[:2] in _WITH_VALUE_SHORT and not option.startswith("--"):
            told = option[2:].removeprefix("=") or following
            if option[:2] != "-p" or told.startswith("no:"):
                found.add(f"{option[:2]} {told}")
    return found
