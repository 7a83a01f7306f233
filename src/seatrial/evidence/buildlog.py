"""Reads the builder's plain progress, as `docker compose --progress plain build` prints it.

Each line starts with its vertex, `#7`. A heading names the vertex and may come again when the
output changes between vertices; the status, `CACHED` or `DONE 1.2s`, comes last.
"""

import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from seatrial.evidence.build import Build, BuildStep, sum_up
from seatrial.evidence.hostile import plain_text

__all__ = ["parse_build_log", "read_build_log"]

MAX_STEPS = 2000
MAX_INSTRUCTION = 200
_MAX_LINE = 1 << 16
_VERTEX = re.compile(r"#(\d{1,9}) (.*)", re.DOTALL)
_HEADING = re.compile(r"\[([^\]]{0,300})\] (.+)", re.DOTALL)
_POSITION = re.compile(r"\d+/\d+")
_PLATFORM = re.compile(r"[a-z]\w*/\w+(?:/v\d+)?")
_DONE = re.compile(r"DONE (\d{1,9}(?:\.\d{1,9})?)s$")
_CONTEXT = re.compile(r"transferring context: (\d{1,15}(?:\.\d{1,9})?) ?([kKMGT]?)B")
_FETCHED = re.compile(r"sha256:[0-9a-f]{64} |extracting ")
_UNITS = {"": 1, "k": 10**3, "K": 10**3, "M": 10**6, "G": 10**9, "T": 10**12}
_NEW_RUN = "building with "
"""After `#0`: the builder was called again and starts to count anew."""


@dataclass
class _Vertex:
    services: dict[str, None]
    stage: str
    instruction: str
    is_step: bool
    is_context: bool
    seconds: float | None = None
    cached: bool = False
    failed: bool = False
    fetched: bool = False
    context_bytes: int | None = None


def read_build_log(path: Path, services: Collection[str]) -> Build | None:
    """Read a build's log; None if there is none. `services` are those that were built."""
    try:
        with path.open("rb") as file:
            return parse_build_log(_lines(iter(lambda: file.readline(_MAX_LINE), b"")), services)
    except OSError:
        return None


def parse_build_log(lines: Iterable[str], services: Collection[str]) -> Build:
    """Sum up the last run of the builder in `lines`, which are without their line feeds."""
    reading = _Reading(services)
    for line in lines:
        if match := _VERTEX.match(line):
            reading.take(int(match[1]), match[2])
    return reading.build()


def _lines(raw: Iterator[bytes]) -> Iterator[str]:
    # Only a line feed ends a line: what a step prints after a carriage return is still its own.
    return (line.rstrip(b"\n").decode(errors="replace") for line in raw)


@dataclass
class _Reading:
    services: Collection[str]
    vertices: dict[int, _Vertex] = field(default_factory=dict)

    def take(self, number: int, text: str) -> None:
        if number == 0 and text.startswith(_NEW_RUN):
            self.vertices.clear()
        elif heading := _HEADING.match(text):
            self._announce(number, heading[1], heading[2])
        elif vertex := self.vertices.get(number):
            _note(vertex, text)

    def _announce(self, number: int, label: str, instruction: str) -> None:
        words = [word for word in label.split() if not _PLATFORM.fullmatch(word)]
        service = words.pop(0) if words and words[0] in self.services else ""
        if not service and len(self.services) == 1:
            service = next(iter(self.services))
        if known := self.vertices.get(number):
            known.services |= {service: None} if service else {}
            return
        if len(self.vertices) >= MAX_STEPS:
            return
        numbered = bool(words and _POSITION.fullmatch(words[-1]))
        self.vertices[number] = _Vertex(
            services={service: None} if service else {},
            stage=plain_text(" ".join(words[:-1] if numbered else words))[:MAX_INSTRUCTION],
            instruction=" ".join(plain_text(instruction).split())[:MAX_INSTRUCTION],
            is_step=numbered or instruction.startswith("FROM "),
            is_context=words == ["internal"] and instruction.strip() == "load build context",
        )

    def build(self) -> Build:
        vertices = list(self.vertices.values())
        sent = [v.context_bytes for v in vertices if v.context_bytes is not None]
        return sum_up((_step(v) for v in vertices if v.is_step), sum(sent) if sent else None)


def _note(vertex: _Vertex, text: str) -> None:
    if text == "CACHED":
        vertex.cached, vertex.seconds = True, 0.0
    elif done := _DONE.match(text):
        vertex.seconds = float(done[1])
    elif text.startswith("ERROR"):
        vertex.failed = True
    elif _FETCHED.match(text):
        vertex.fetched = True
    elif vertex.is_context and (sent := _CONTEXT.match(text)):
        vertex.context_bytes = round(float(sent[1]) * _UNITS[sent[2]])


def _step(vertex: _Vertex) -> BuildStep:
    is_base = vertex.instruction.startswith("FROM ")
    # The builder calls a base image that it has already DONE, not CACHED.
    at_hand = is_base and vertex.seconds is not None and not vertex.fetched
    return BuildStep(
        services=tuple(vertex.services),
        stage=vertex.stage,
        instruction=vertex.instruction,
        cached=vertex.cached or at_hand,
        seconds=vertex.seconds,
        failed=vertex.failed,
    )
