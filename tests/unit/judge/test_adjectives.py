"""No text of the document praises: what is said of a commit is a number or a fact."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import seatrial
from seatrial.judge.approval import draw_up
from seatrial.report.approval import approval_markdown
from unit.judge.verdicts import audited, verdict

SOURCES = Path(seatrial.__file__).parent
TEMPLATES = sorted((SOURCES / "report").glob("approval*.jinja"))
MODULES = sorted(
    path for folder in ("judge", "judge/criteria") for path in (SOURCES / folder).glob("*.py")
)
PRAISE = re.compile(
    r"\b(amazing|battle-tested|blazing|brilliant|comprehensive|cutting-edge|elegant|enterprise"
    r"|excellent|exceptional|extensive|fantastic|flawless|great|high-quality|impressive|ideal"
    r"|industry-leading|optimal|outstanding|perfect|powerful|production-(?:grade|ready)|robust"
    r"|rock-solid|seamless|significant|solid|sophisticated|state-of-the-art|strong|superb"
    r"|thorough|top-notch|world-class|wonderful)(?:ly)?\b",
    re.IGNORECASE,
)


def texts(path: Path) -> Iterator[str]:
    """The strings of a module; what only its readers see, the docstrings, is none of them."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    told_to_readers = {
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and node not in told_to_readers:
            yield str(node.value)


def test_there_is_something_to_read() -> None:
    assert TEMPLATES
    assert len(MODULES) > 30
    assert any("no drill was made" in text for path in MODULES for text in texts(path))


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
def test_no_text_of_a_judgement_praises(path: Path) -> None:
    assert [text for text in texts(path) if PRAISE.search(text)] == []


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_no_template_praises(path: Path) -> None:
    assert PRAISE.findall(path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize("approved", [True, False])
def test_no_document_praises(approved: bool) -> None:
    of = audited()
    page = approval_markdown(draw_up(of, verdict(of, approved=approved)))
    assert PRAISE.findall(page) == []


@pytest.mark.parametrize("text", ["Excellent coverage", "a robust, world-class suite", "perfectly"])
def test_praise_would_be_seen(text: str) -> None:
    assert PRAISE.search(text)
