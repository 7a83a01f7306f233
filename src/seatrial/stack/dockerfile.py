"""Reads Dockerfiles: instructions with their lines, and which stages a target is made of.

There are two libraries. `dockerfile-parse` takes the lines of a heredoc for instructions;
`dockerfile` wraps the official parser, but has no packages for Linux on ARM or musl, where it would
have to be built with Go. So this reads what advice needs, and the official parser is the measure in
the tests. What a builder would refuse is read as far as it makes sense: it is not ours to judge.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

__all__ = ["Dockerfile", "Instruction", "Stage", "dockerfile_path", "fill_in", "read_dockerfile"]

_DIRECTIVE = re.compile(r"#\s*([A-Za-z][A-Za-z0-9]*)\s*=\s*(.+?)\s*$")
_FLAG = re.compile(r"""\s*--([a-z][\w-]*)(?:=((?:"[^"]*"|'[^']*'|\S)*))?(?=\s|$)""")
_HEREDOC = re.compile(r"\d*<<(-?)([^<]+)$")
_WORD = re.compile(r"""(?:"(?:\\.|[^"\\])*"|'[^']*'|\\.|[^\s"'\\]|["'])+""")
_TAKES_HEREDOCS = {"RUN", "COPY", "ADD"}
_MAX_VALUE = 1024
"""Characters: variables made of variables could grow without end; no name or path is as long."""
_VARIABLE = re.compile(r"\$(?:(\w+)|\{(\w+)(?::?([-+])([^}]*))?\})")


def dockerfile_path(build: Mapping[str, Any]) -> Path | None:
    """Where the Dockerfile of a service's `build` is; None if it stands in the compose file."""
    if build.get("dockerfile_inline"):
        return None
    return Path(str(build.get("context", ""))) / (build.get("dockerfile") or "Dockerfile")


@dataclass(frozen=True)
class Instruction:
    """One instruction, its continuation lines joined and its comments left out."""

    name: str
    """In capitals; of `ONBUILD COPY . .` it is `COPY`."""
    line: int
    """Where it begins, counted from 1."""
    text: str
    """All of it after its name, flags included, without the bodies of heredocs."""
    arguments: str
    """`text` without the flags."""
    flags: tuple[tuple[str, str], ...] = ()
    """`--mount=type=cache` is `("mount", "type=cache")`."""
    heredocs: tuple[str, ...] = ()
    """The bodies."""
    onbuild: bool = False
    """It is run where the stage is built upon, and not in the stage itself."""

    @property
    def words(self) -> tuple[str, ...]:
        """The arguments, from either form: `COPY a b`, `COPY ["a", "b"]`."""
        return exec_form(self.arguments) or tuple(
            _unquoted(word) for word in _WORD.findall(self.arguments)
        )

    def flag(self, name: str) -> str:
        """The last value of a flag; empty if it is not given."""
        return next((value for key, value in reversed(self.flags) if key == name), "")

    @property
    def mounts(self) -> tuple[Mapping[str, str], ...]:
        """The options of each `--mount`; one without a type is of type `bind`."""
        return tuple(
            {"type": "bind"} | dict(_option(part) for part in _unquoted(value).split(","))
            for key, value in self.flags
            if key == "mount"
        )


@dataclass(frozen=True)
class Stage:
    """What stands between one FROM and the next."""

    name: str
    """In small letters, as the builder compares it; empty if it has none."""
    number: int
    """Counted from 0; the builder's progress calls a stage without a name `stage-0`."""
    base: str
    """The image or the stage it is built on, with variables filled in."""
    instructions: tuple[Instruction, ...]
    line: int = 0
    """Where its FROM begins, counted from 1."""


@dataclass(frozen=True)
class Dockerfile:
    """All stages in their order."""

    stages: tuple[Stage, ...]

    def find(self, name: str) -> Stage | None:
        """A stage by its name or number."""
        for number, stage in enumerate(self.stages):
            if name.lower() == stage.name or name == str(number):
                return stage
        return None

    def parent(self, stage: Stage) -> Stage | None:
        """The stage that this one is built on; only an earlier one can be."""
        earlier = self.stages[: self.stages.index(stage)]
        return next((one for one in reversed(earlier) if one.name == stage.base.lower()), None)

    def needed(self, target: str | None) -> tuple[Stage, ...]:
        """The stages that a target is made of, in the file's order; the builder skips the rest."""
        wanted = self.find(target) if target else (self.stages[-1] if self.stages else None)
        found: list[Stage] = []
        waiting = [wanted]
        while waiting:
            stage = waiting.pop()
            if stage is None or stage in found:
                continue
            found.append(stage)
            waiting.append(self.parent(stage))
            for instruction in stage.instructions:
                sources = [
                    instruction.flag("from"),
                    *(m.get("from", "") for m in instruction.mounts),
                ]
                waiting += [self.find(source) for source in sources if source]
        return tuple(stage for stage in self.stages if stage in found)

    def lineage(self, stage: Stage) -> tuple[tuple[Stage, Instruction], ...]:
        """What is run for a stage from its base image on, each with the stage it stands in."""
        own = tuple((stage, one) for one in stage.instructions if not one.onbuild)
        parent = self.parent(stage)
        if parent is None:
            return own
        triggered = tuple((parent, one) for one in parent.instructions if one.onbuild)
        return (*self.lineage(parent), *triggered, *own)


def read_dockerfile(text: str, build_arguments: Mapping[str, str] | None = None) -> Dockerfile:
    """Read a Dockerfile; `build_arguments` win over the defaults of ARG in FROM lines."""
    stages: list[_OpenStage] = []
    values: dict[str, str] = {}
    for instruction in _instructions(text):
        if instruction.name == "FROM" and not instruction.onbuild:
            stages.append(_open_stage(instruction, values))
        elif stages:
            stages[-1].instructions.append(instruction)
        elif instruction.name == "ARG":
            for name, value in assignments(instruction):
                values[name] = (build_arguments or {}).get(name, fill_in(value, values))
    return Dockerfile(
        tuple(
            Stage(
                name=stage.name,
                number=number,
                base=stage.base,
                instructions=tuple(stage.instructions),
                line=stage.line,
            )
            for number, stage in enumerate(stages)
        )
    )


def assignments(instruction: Instruction) -> tuple[tuple[str, str], ...]:
    """What an ENV or ARG sets, with its quotes removed; an ARG without a value sets nothing."""
    words = instruction.words
    if instruction.name == "ENV" and words and "=" not in words[0]:
        return ((words[0], " ".join(words[1:])),)
    pairs = [word.partition("=") for word in words]
    return tuple((name, value) for name, equals, value in pairs if equals)


def fill_in(text: str, values: Mapping[str, str]) -> str:
    """Fill in variables as far as they are known; the others stay as they are.

    What is longer than 1024 characters then is cut off.
    """

    def value(match: re.Match[str]) -> str:
        known = values.get(match[1] or match[2])
        if match[3] == "+":
            return match[4] if known else ""
        if match[3] == "-" and not known:
            return match[4]
        return match[0] if known is None else known

    return _VARIABLE.sub(value, text)[:_MAX_VALUE]


def exec_form(text: str) -> tuple[str, ...]:
    """The words of `["a", "b"]`; none if it is not that form."""
    if not text.startswith("["):
        return ()
    try:
        words = json.loads(text)
    except ValueError:
        return ()
    return tuple(words) if all(isinstance(word, str) for word in words) else ()


@dataclass
class _OpenStage:
    name: str
    base: str
    line: int
    instructions: list[Instruction] = field(default_factory=list)


def _open_stage(instruction: Instruction, values: Mapping[str, str]) -> _OpenStage:
    words = instruction.words
    named = len(words) >= 3 and words[1].upper() == "AS"
    return _OpenStage(
        name=words[2].lower() if named else "",
        base=fill_in(words[0], values) if words else "",
        line=instruction.line,
    )


def _instructions(text: str) -> Iterator[Instruction]:
    lines = text.removeprefix("\ufeff").splitlines()
    escape = _escape(lines)
    # A doubled escape character at the end of a line is the character itself.
    joined = re.compile(rf"(?:^|[^{re.escape(escape)}]){re.escape(escape)}[ \t]*$")
    at = 0
    while at < len(lines):
        begin, logical = at, lines[at].strip()
        at += 1
        if not logical or logical.startswith("#"):
            continue
        while joined.search(logical) and at < len(lines):
            following = lines[at]
            at += 1
            if following.strip() and not following.lstrip().startswith("#"):
                logical = logical.rstrip()[:-1] + following.rstrip()
        if joined.search(logical):
            logical = logical.rstrip()[:-1]
        name, rest, onbuild = _name(logical)
        bodies = []
        if name in _TAKES_HEREDOCS:
            for delimiter, indented in _heredocs(rest):
                body, at = _body(lines, at, delimiter, indented=indented)
                bodies.append(body)
        flags, arguments = _flags(rest)
        yield Instruction(name, begin + 1, rest, arguments, flags, tuple(bodies), onbuild)


def _escape(lines: Sequence[str]) -> str:
    """The escape character: a directive at the very top may change it."""
    for line in lines:
        match = _DIRECTIVE.match(line.strip())
        if match is None:
            break
        if match[1].lower() == "escape" and match[2] in {"\\", "`"}:
            return match[2]
    return "\\"


def _name(logical: str) -> tuple[str, str, bool]:
    name, rest = _split(logical)
    if name == "ONBUILD":
        return (*_split(rest), True)
    return name, rest, False


def _split(text: str) -> tuple[str, str]:
    name, *rest = text.split(None, 1) or ("",)
    return name.upper(), rest[0].strip() if rest else ""


def _flags(text: str) -> tuple[tuple[tuple[str, str], ...], str]:
    flags, at = [], 0
    while match := _FLAG.match(text, at):
        flags.append((match[1], match[2] or ""))
        at = match.end()
    return tuple(flags), text[at:].strip()


def _heredocs(text: str) -> Iterator[tuple[str, bool]]:
    for word in _WORD.findall(text):
        if match := _HEREDOC.fullmatch(word):
            yield _unquoted(match[2]), bool(match[1])


def _body(lines: Sequence[str], at: int, delimiter: str, *, indented: bool) -> tuple[str, int]:
    kept: list[str] = []
    while at < len(lines):
        line = lines[at].lstrip("\t") if indented else lines[at]
        at += 1
        if line == delimiter:
            break
        kept.append(line)
    return "\n".join(kept), at


def _unquoted(word: str) -> str:
    return re.sub(r"""(?<!\\)["']""", "", word)


def _option(part: str) -> tuple[str, str]:
    key, equals, value = part.partition("=")
    names = {"dst": "target", "destination": "target", "src": "source"}
    key = key.strip().lower()
    return names.get(key, key), value.strip() if equals else "true"
