"""Takes a Markdown document apart: the rows of its tables, and its sentences."""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.token import Token

from seatrial.errors import UsageFault
from seatrial.evidence.hostile import plain_text

__all__ = ["Document", "Row", "Sentence", "Table", "parse_document", "read_document"]

_MAX_BYTES = 1 << 20
_MAX_LINES = 20_000
_MAX_TEXT = 2_000
"""Characters of a sentence or a cell; a longer sentence is read as several."""
_MAX_NESTING = 20
_BOX = re.compile(r"^\[(?P<tick>[ xX])\]\s+")
_LINE_END = re.compile(r"\n")
_END = re.compile(r"\n(?![a-z0-9(])|(?<=[.!?])\s+(?=[^\sa-z0-9])")
_TAG = re.compile(r"<!--.*?(?:-->|$)|</?[a-zA-Z][^<>]{0,500}>", re.DOTALL)
_LINK = re.compile(r"!?\[(?P<text>[^\[\]]{0,500})\]\([^()]{0,500}\)")
_MARKUP = re.compile(r"\*+|~~|`+|(?<!\w)_+|_+(?!\w)")


@dataclass(frozen=True)
class Row:
    """A row of a table."""

    line: int
    """From 1."""
    cells: tuple[str, ...]


@dataclass(frozen=True)
class Table:
    """A table: what its columns are called, and its rows."""

    head: tuple[str, ...]
    rows: tuple[Row, ...]


@dataclass(frozen=True)
class Sentence:
    """A sentence, of a paragraph, a list or a heading, or a line of a block of code."""

    line: int
    text: str
    ticked: bool | None = None
    """Of a checklist: whether it is; None: it is of none."""


@dataclass(frozen=True)
class Document:
    """What a reader sees, without its markup."""

    tables: tuple[Table, ...]
    sentences: tuple[Sentence, ...]


def read_document(path: Path) -> Document:
    """Read and take apart a file of at most 1 MiB.

    Raises:
        UsageFault: it is not there, no file, or too large.
    """
    try:
        if not path.is_file():
            raise UsageFault("there is no such document", where=str(path))
        with path.open("rb") as file:
            data = file.read(_MAX_BYTES + 1)
    except OSError as error:
        raise UsageFault(
            f"the document cannot be read: {error.strerror}", where=str(path)
        ) from error
    if len(data) > _MAX_BYTES or data.count(b"\n") > _MAX_LINES:
        raise UsageFault(
            f"the document is larger than {_MAX_BYTES >> 20} MiB or {_MAX_LINES} lines",
            where=str(path),
            next_step="hand over the part that makes the claims",
        )
    return parse_document(data.decode("utf-8", "replace"))


def parse_document(text: str) -> Document:
    """Take a text apart; nothing in it can be an escape code or invisible afterwards."""
    parser = MarkdownIt("commonmark", {"maxNesting": _MAX_NESTING}).enable("table")
    # Its inline rules can take quadratic time; all they would do here is to mark what is bold.
    parser.core.ruler.disable("inline")
    text = _visible(text)
    tables: list[Table] = []
    sentences: list[Sentence] = []
    tokens = parser.parse(text)
    at = 0
    while at < len(tokens):
        token = tokens[at]
        if token.type == "table_open":
            end = next(i for i in range(at, len(tokens)) if tokens[i].type == "table_close")
            tables.append(_table(tokens[at:end]))
            at = end
        elif token.type in {"inline", "fence", "code_block", "html_block"}:
            sentences += _sentences(token)
        at += 1
    return Document(tuple(tables), tuple(sentences))


def _visible(text: str) -> str:
    """One spelling for what looks the same, and nothing that is not seen."""
    text = unicodedata.normalize("NFKC", plain_text(text)).replace("\t", " ")
    return "".join(
        char
        for char in text
        if unicodedata.category(char) not in {"Cf", "Co", "Cn"} and not "\ufe00" <= char <= "\ufe0f"
    )


def _table(tokens: Sequence[Token]) -> Table:
    rows: list[Row] = []
    cells: list[str] = []
    for token in tokens:
        if token.type == "tr_open":
            cells = []
        elif token.type == "inline":
            cells.append(_plain(token.content)[:_MAX_TEXT])
        elif token.type == "tr_close":
            rows.append(Row(0, tuple(cells)))
    lines = [token.map[0] + 1 for token in tokens if token.type == "tr_open" and token.map]
    rows = [Row(line, row.cells) for line, row in zip(lines, rows, strict=True)]
    return Table(rows[0].cells, tuple(rows[1:]))


def _sentences(token: Token) -> Iterator[Sentence]:
    line = (token.map[0] if token.map else 0) + 1 + (token.type == "fence")
    content = _TAG.sub(_as_lines, token.content) if token.type == "html_block" else token.content
    # A line that goes on in small letters is no end of a sentence; in code every line is one.
    end = _END if token.type == "inline" else _LINE_END
    at = 0
    for match in (*end.finditer(content), None):
        piece = content[at : match.start() if match else len(content)]
        box = _BOX.match(piece)
        text = _plain(piece[box.end() :] if box else piece)
        for cut in range(0, len(text), _MAX_TEXT):
            ticked = box["tick"] != " " if box else None
            yield Sentence(line, text[cut : cut + _MAX_TEXT], ticked)
        if match:
            line += content.count("\n", at, match.end())
            at = match.end()


def _as_lines(match: re.Match[str]) -> str:
    return " " + "\n" * match[0].count("\n")


def _plain(text: str) -> str:
    text = _TAG.sub(" ", _LINK.sub(r"\g<text>", text))
    return " ".join(_MARKUP.sub("", text).split())
