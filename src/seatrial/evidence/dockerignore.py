"""Tells what `.dockerignore` leaves out of a build context; in doubt it leaves out nothing.

There is no well-kept library: pathspec knows git's patterns, which differ. The rules are those of
https://docs.docker.com/build/concepts/context/#dockerignore-files: patterns are of the whole path,
one that matches a folder matches all below it, and the last that matches decides.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from posixpath import normpath

__all__ = ["IgnoreRules", "find_ignore_file", "read_ignore_file"]

_DOUBTFUL = re.compile(r"[\[\]\\]")
"""Character classes and escapes, which Go reads in a way of its own, are not interpreted."""

Matched = tuple[bool, ...]
"""For each group of patterns, whether a path or a folder above it is matched."""


@dataclass(frozen=True)
class _Group:
    """Patterns that stand together and are of one kind."""

    keeps: bool
    """The patterns begin with `!`."""
    pattern: re.Pattern[str]


@dataclass(frozen=True)
class IgnoreRules:
    """The patterns of one file; paths are relative to the context, with slashes."""

    groups: tuple[_Group, ...]
    kept: tuple[tuple[str, ...], ...]
    """The parts of each pattern that begins with `!`."""

    def match(self, path: str, above: Matched) -> Matched:
        """Match a path, given what its folder came to (`()` at the context's top)."""
        above = above or (False,) * len(self.groups)
        return tuple(
            matched or group.pattern.fullmatch(path) is not None
            for group, matched in zip(self.groups, above, strict=True)
        )

    def ignores(self, matched: Matched) -> bool:
        """Whether what came to `matched` stays out of the context."""
        for group, found in zip(reversed(self.groups), reversed(matched), strict=True):
            if found:
                return not group.keeps
        return False

    def leaves_out(self, path: str) -> bool:
        """Whether a path stays out of the context, with all that is below it."""
        matched: Matched = ()
        parts = path.split("/")
        for count in range(1, len(parts) + 1):
            matched = self.match("/".join(parts[:count]), matched)
        return self.ignores(matched) and not self.may_keep_below(path)

    def may_keep_below(self, folder: str) -> bool:
        """Whether a pattern could bring something of an ignored folder back in."""
        parts = folder.split("/")
        return any(_may_lead_below(pattern, parts) for pattern in self.kept)


def find_ignore_file(context: Path, dockerfile: Path | None) -> Path | None:
    """The file that applies: the Dockerfile's own before the context's."""
    candidates = [context / ".dockerignore"]
    if dockerfile:
        candidates.insert(0, dockerfile.with_name(f"{dockerfile.name}.dockerignore"))
    return next((file for file in candidates if file.is_file()), None)


def read_ignore_file(text: str) -> IgnoreRules:
    """Read the patterns of a `.dockerignore`; those that are in doubt ignore nothing."""
    patterns: list[tuple[bool, str]] = []
    for line in text.removeprefix("\ufeff").splitlines():
        pattern = "" if line.startswith("#") else line.strip()
        keeps = pattern.startswith("!")
        pattern = pattern.removeprefix("!").strip()
        if not pattern:
            continue
        if _DOUBTFUL.search(pattern):
            if keeps:
                patterns.append((True, "**"))
            continue
        patterns.append((keeps, normpath(pattern).lstrip("/")))
    return IgnoreRules(
        groups=tuple(
            _Group(keeps, re.compile("|".join(_expression(p) for _, p in group), re.DOTALL))
            for keeps, group in groupby(patterns, key=lambda entry: entry[0])
        ),
        kept=tuple(tuple(pattern.split("/")) for keeps, pattern in patterns if keeps),
    )


def _expression(pattern: str) -> str:
    """A regular expression: `**` is any number of folders, `*` and `?` stay within a name."""
    expression, rest = "", pattern
    while rest:
        if rest.startswith("**"):
            rest = rest.lstrip("*").removeprefix("/")
            expression += "(?:.*/)?" if rest else ".*"
        else:
            expression += {"*": "[^/]*", "?": "[^/]"}.get(rest[0], re.escape(rest[0]))
            rest = rest[1:]
    return expression


def _may_lead_below(pattern: Sequence[str], folder: Sequence[str]) -> bool:
    for number, name in enumerate(folder):
        # A pattern that ends here has matched the folder itself, which was ignored all the same.
        if number >= len(pattern):
            return False
        if "**" in pattern[number]:
            return True
        if not re.fullmatch(_expression(pattern[number]), name, re.DOTALL):
            return False
    return len(pattern) > len(folder)
