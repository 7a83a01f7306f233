"""Reading what the tracer told of coverage's contexts."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seatrial.evidence.contexts import (
    Contexts,
    ModuleContext,
    TestContext,
    load_contexts,
    read_contexts,
    save_contexts,
    union_of_contexts,
)
from seatrial.evidence.trace_lines import TRACER_VERSION

TEST = "tests/test_a.py::test_one"
LINES: list[dict[str, Any]] = [
    {"version": TRACER_VERSION, "pid": 7, "root": "/app", "python_files": ["test_*.py"]},
    {"file": 0, "path": "/app/tests/test_a.py"},
    {"file": 1, "path": "/app/src/money.py"},
    {"file": 2, "path": "/app/only/in/the/container.py"},
    {"collect": "tests/test_a.py", "of": 0},
    {"fixture": 0, "name": "rates", "label": "fixture:rates", "uses": [1]},
    {"fixture": 1, "name": "server", "label": "fixture:server"},
    {"test": TEST, "of": 0, "uses": [0]},
    {"module": 1, "by": [0, -4], "within": ["collect:/app/tests/test_a.py"]},
    {"module": 2, "by": [-1], "within": ["session"]},
    {"labels": True, "fault": ""},
    {"session": True},
    {"end": True},
]
Read = Callable[..., Contexts | str]


@pytest.fixture
def read(tmp_path: Path) -> Read:
    project = tmp_path / "project"
    for name in ("src/money.py", "tests/test_a.py"):
        (project / name).parent.mkdir(parents=True)
        (project / name).touch()

    def call(*traces: list[Any]) -> Contexts | str:
        paths = [tmp_path / f"dependencies-{number}.jsonl" for number in range(len(traces))]
        for path, lines in zip(paths, traces, strict=True):
            path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
        return read_contexts(paths, project)

    return call


def test_tests_have_the_fixtures_that_theirs_use_and_modules_say_what_imported_them(
    read: Read,
) -> None:
    found = read(LINES)

    assert found == Contexts(
        tests={
            TEST: TestContext(file="tests/test_a.py", fixtures=("fixture:rates", "fixture:server"))
        },
        files={"/app/tests/test_a.py": "tests/test_a.py"},
        modules={
            "/app/src/money.py": ModuleContext(
                file="src/money.py",
                by=("/app/tests/test_a.py",),
                within=("collect:/app/tests/test_a.py",),
            ),
            "/app/only/in/the/container.py": ModuleContext(within=("session",)),
        },
    )


@pytest.mark.parametrize(
    ("line", "other", "reason"),
    [
        ({"labels": True, "fault": ""}, {"labels": True, "fault": "none of ours"}, "none of ours"),
        ({"labels": True, "fault": ""}, {"labels": False, "fault": ""}, "did not measure"),
        ({"end": True}, {"session": True}, "did not come out whole"),
        ({"test": TEST, "of": 0, "uses": [0]}, {"test": TEST, "of": None}, "come out whole"),
        ({"test": TEST, "of": 0, "uses": [0]}, {"test": TEST, "of": 2}, "come out whole"),
    ],
)
def test_it_is_said_why_nobody_knows(
    read: Read, line: dict[str, Any], other: dict[str, Any], reason: str
) -> None:
    found = read([other if each == line else each for each in LINES])

    assert isinstance(found, str)
    assert reason in found


def test_without_a_trace_nobody_knows(read: Read) -> None:
    assert isinstance(read(), str)


def test_processes_add_up(read: Read) -> None:
    second = {"test": "tests/test_a.py::test_two", "of": 0, "uses": [1]}

    found = read(LINES, [second if "test" in line else line for line in LINES])

    assert isinstance(found, Contexts)
    assert sorted(found.tests) == [TEST, "tests/test_a.py::test_two"]


def test_what_is_saved_is_read_again(read: Read, tmp_path: Path) -> None:
    found = read(LINES)
    assert isinstance(found, Contexts)

    save_contexts(tmp_path / "contexts.json", found)

    assert load_contexts(tmp_path / "contexts.json") == found
    assert load_contexts(tmp_path / "none.json") is None


def test_the_union_has_what_either_saw() -> None:
    one = Contexts(
        tests={"a": TestContext(file="f", fixtures=("x",))},
        files={"/f": "f"},
        modules={"/m": ModuleContext(file="m", by=("/a",))},
    )
    other = Contexts(
        tests={"a": TestContext(file="f", fixtures=("y",))},
        files={},
        modules={"/m": ModuleContext(file="m", within=("test:a",))},
    )

    assert union_of_contexts(one, other) == Contexts(
        tests={"a": TestContext(file="f", fixtures=("x", "y"))},
        files={"/f": "f"},
        modules={"/m": ModuleContext(file="m", by=("/a",), within=("test:a",))},
    )


@settings(max_examples=25)
@given(
    st.lists(
        st.dictionaries(
            st.sampled_from(["file", "path", "test", "of", "uses", "fixture", "label", "module"])
            | st.sampled_from(["by", "within", "labels", "fault", "end", "collect"]),
            st.none() | st.integers() | st.text() | st.lists(st.integers()) | st.booleans(),
        )
        | st.integers()
    )
)
def test_whatever_a_container_wrote_is_an_answer_and_no_error(
    tmp_path_factory: pytest.TempPathFactory, lines: list[Any]
) -> None:
    path = tmp_path_factory.mktemp("traces") / "dependencies-1.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")

    assert isinstance(read_contexts([path], path.parent), Contexts | str)
