"""Reading what the tracer wrote, and keeping it."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seatrial.evidence.dependencies import (
    Dependencies,
    FileState,
    TestUse,
    Use,
    load_dependencies,
    merge_dependencies,
    premises_of,
    read_dependencies,
    save_dependencies,
)
from seatrial.evidence.trace_lines import TRACER_VERSION

STATES = {name: FileState(sha256="0") for name in ("src/shop/money.py", "tests/test_a.py")}
TEST = "tests/test_a.py::test_one"
LINES: list[dict[str, Any]] = [
    {"version": TRACER_VERSION, "pid": 7, "root": "/app", "python_files": ["test_*.py"]},
    {"file": 0, "path": "/app/tests/test_a.py"},
    {"file": 1, "path": "/app/src/shop/money.py"},
    {"file": 2, "path": "/app/data/rates.json"},
    {"file": 3, "path": "/app/data"},
    {"file": 4, "path": "/app/only/in/the/container.py"},
    {"file": 5, "path": "/app/tests/conftest.py"},
    {"reader": [2, 1]},
    {"collect": "tests/test_a.py", "of": 0, "ran": [1]},
    {"module": 0, "by": [-1]},
    {"module": 5, "by": [-1]},
    {"module": 1, "by": [0, -7], "read": [2]},
    {"session": True},
    {"fixture": 0, "name": "rates", "read": [2], "uses": [1]},
    {"fixture": 1, "name": "server", "process": True},
    {"test": TEST, "of": 0, "ran": [0, 1, 4], "listed": [3], "keeps": [1], "uses": [0]},
    {"test": "tests/test_a.py::test_two", "of": 0, "ran": [0]},
    {"end": True},
]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    project = tmp_path / "project"
    for name in ("src/shop/money.py", "tests/test_a.py", "tests/conftest.py", "data/rates.json"):
        (project / name).parent.mkdir(parents=True, exist_ok=True)
        (project / name).write_text("", encoding="utf-8")
    return project


Read = Callable[..., Dependencies | None]


@pytest.fixture
def read(project: Path, tmp_path: Path) -> Read:
    def call(*traces: list[Any], mounts: tuple[tuple[str, Path], ...] = ()) -> Dependencies | None:
        paths = []
        for number, lines in enumerate(traces):
            paths.append(tmp_path / f"dependencies-{number}.jsonl")
            text = [line if isinstance(line, str) else json.dumps(line) for line in lines]
            paths[-1].write_text("\n".join(text) + "\n", encoding="utf-8")
        return read_dependencies(paths, project, STATES, mounts)

    return call


def some(*names: str) -> frozenset[str]:
    return frozenset(names)


def test_all_is_told_in_the_projects_names(read: Read) -> None:
    known = read(LINES)

    assert known is not None
    assert known.tests[TEST] == TestUse(
        "tests/test_a.py",
        Use(
            ran=some("tests/test_a.py", "src/shop/money.py"),
            read=some("data/rates.json"),
            listed=some("data"),
            keeps=some("src/shop/money.py"),
            process=True,
        ),
    )
    assert known.tests["tests/test_a.py::test_two"].use == Use(ran=some("tests/test_a.py"))
    assert known.collected == {"tests/test_a.py": Use(ran=some("src/shop/money.py"))}
    assert known.modules["src/shop/money.py"].read == some("data/rates.json")
    assert known.importers["src/shop/money.py"] == some("tests/test_a.py")
    assert known.late_importers["src/shop/money.py"] == some("tests/conftest.py")
    assert known.readers == {"data/rates.json": some("src/shop/money.py")}
    assert known.roots == some()
    assert known.python_files == ("test_*.py",)
    assert known.states == STATES


def test_what_a_shared_fixture_keeps_comes_from_what_it_used_and_not_from_its_users(
    read: Read,
) -> None:
    fixtures = [
        {"fixture": 0, "name": "rates", "ran": [5], "keeps": [5], "uses": [1]},
        {"fixture": 1, "name": "server", "read": [2]},
    ]
    test = {"test": TEST, "of": 0, "ran": [0, 1], "uses": [0]}

    known = read([*LINES[:13], *fixtures, test, LINES[-1]])

    assert known is not None
    assert known.kept == {
        "tests/conftest.py": Use(ran=some("tests/conftest.py"), read=some("data/rates.json"))
    }
    assert known.tests[TEST].use == Use(
        ran=some("tests/test_a.py", "src/shop/money.py", "tests/conftest.py"),
        read=some("data/rates.json"),
    )


def test_a_module_that_nothing_of_the_project_imported_is_a_root(read: Read) -> None:
    known = read([*LINES[:-1], {"module": 1, "by": [-1]}, LINES[-1]])

    assert known is not None
    assert known.roots == some("src/shop/money.py")


def test_what_lies_below_a_mount_is_that_very_file(read: Read, project: Path) -> None:
    moved = [{**line, "path": "/mnt/money.py"} if line.get("file") == 1 else line for line in LINES]

    known = read(moved, mounts=(("/mnt", project / "src/shop"),))

    assert known is not None
    assert "src/shop/money.py" in known.tests[TEST].use.ran


def test_workers_that_wrote_a_file_each_are_put_together(read: Read) -> None:
    other = [
        *LINES[:1],
        {"file": 0, "path": "/app/src/shop/money.py"},
        {"file": 1, "path": "/app/tests/test_a.py"},
        {"fixture": 0, "name": "other", "ran": [0]},
        {"test": "tests/test_a.py::test_two", "of": 1, "uses": [0]},
        {"test": "tests/test_a.py::test_three", "of": 1},
        {"end": True},
    ]

    known = read(LINES, other)

    assert known is not None
    assert known.tests[TEST].use.process
    assert known.tests["tests/test_a.py::test_two"].use.ran == {
        "tests/test_a.py",
        "src/shop/money.py",
    }
    assert "tests/test_a.py::test_three" in known.tests


@pytest.mark.parametrize(
    "lines",
    [
        [],
        LINES[:-1],
        LINES[1:],
        [{"version": TRACER_VERSION - 1, "pid": 7, "python_files": []}, *LINES[1:]],
        [*LINES[:5], "{broken", *LINES[5:]],
        [*LINES[:5], "[]", *LINES[5:]],
        [*LINES[:5], '{"file": "x", "path": "/app"}', *LINES[5:]],
        [*LINES[:5], '{"file": -1, "path": "/app"}', *LINES[5:]],
        [*LINES[:5], {"test": "x", "of": 0, "ran": ["a"]}, *LINES[5:]],
        [*LINES[:5], {"test": "x", "of": 0, "ran": {"a": 1}}, *LINES[5:]],
        [*LINES[:5], {"test": ["x"], "of": 0}, *LINES[5:]],
        [*LINES[:5], {"test": "x" * 5000, "of": 0}, *LINES[5:]],
        [*LINES[:5], {"reader": [1]}, *LINES[5:]],
        [*LINES[:5], "[" * 100_000, *LINES[5:]],
    ],
)
def test_what_is_not_whole_reads_as_nothing(read: Read, lines: list[Any]) -> None:
    assert read(lines) is None
    assert read(LINES, lines) is None


def test_no_file_reads_as_nothing(read: Read, project: Path) -> None:
    assert read() is None
    assert read_dependencies([project / "missing.jsonl"], project, STATES) is None


def test_a_link_is_not_followed(read: Read, project: Path, tmp_path: Path) -> None:
    read(LINES)
    (tmp_path / "link.jsonl").symlink_to(tmp_path / "dependencies-0.jsonl")

    assert read_dependencies([tmp_path / "link.jsonl"], project, STATES) is None


def test_a_test_whose_file_is_not_the_projects_is_not_known(read: Read) -> None:
    known = read([*LINES[:-1], {"test": "other.py::test_x", "of": 4}, LINES[-1]])

    assert known is not None
    assert "other.py::test_x" not in known.tests


def test_what_is_kept_comes_back_the_same(read: Read, tmp_path: Path) -> None:
    known = read(LINES)
    assert known is not None

    save_dependencies(tmp_path / "kept.json", known)

    assert load_dependencies(tmp_path / "kept.json") == known


@given(cut=st.integers(0, 100_000), byte=st.binary(min_size=1, max_size=2))
def test_what_was_edited_or_cut_off_reads_as_nothing(
    tmp_path_factory: pytest.TempPathFactory, cut: int, byte: bytes
) -> None:
    path = tmp_path_factory.mktemp("kept") / "kept.json"
    whole = kept_text(path)
    where = cut % len(whole)
    edited = whole[:where] + byte + whole[where + len(byte) :]

    for content in (whole[:where], edited):
        path.write_bytes(content)
        assert load_dependencies(path) is None or content.rstrip(b"\n") == whole.rstrip(b"\n")


def kept_text(path: Path) -> bytes:
    use = Use(ran=some("a.py"))
    known = Dependencies(
        tests={"a.py::test": TestUse("a.py", use)},
        collected={},
        modules={"a.py": use},
        importers={},
        late_importers={},
        roots=some(),
        session=Use(),
        untraced=some(),
        readers={},
        python_files=("test_*.py",),
        states={"a.py": FileState(sha256="0")},
        premises={"image x": "sha256:1"},
    )
    save_dependencies(path, known)
    return path.read_bytes()


def test_what_is_missing_reads_as_nothing(tmp_path: Path) -> None:
    assert load_dependencies(tmp_path / "missing.json") is None
    assert premises_of(tmp_path / "missing.json") is None


@pytest.mark.parametrize("content", ["", "x", "x\n", "x\n[1]\n", "x\n{\n", "x\n" + "[" * 10**5])
def test_what_is_no_file_of_dependencies_has_no_premises(tmp_path: Path, content: str) -> None:
    path = tmp_path / "kept.json"
    path.write_text(content)

    assert premises_of(path) is None


def test_what_a_run_rested_on_is_kept_with_what_it_used(read: Read, tmp_path: Path) -> None:
    known = read(LINES)
    assert known is not None
    premises = {"image postgres:16": "sha256:1"}

    save_dependencies(tmp_path / "kept.json", replace(known, premises=premises))

    assert premises_of(tmp_path / "kept.json") == premises
    kept = load_dependencies(tmp_path / "kept.json")
    assert kept is not None
    assert kept.premises == premises


def test_a_run_of_some_tests_replaces_what_they_used_and_keeps_the_others(read: Read) -> None:
    old = read(LINES)
    some_lines = [line for line in LINES if "test_two" not in line.get("test", "")]
    again = [
        {"test": TEST, "of": 0, "ran": [0]} if line.get("test") == TEST else line
        for line in some_lines
    ]
    new = read(again)
    assert old is not None
    assert new is not None

    merged = merge_dependencies(old, new)

    assert merged.tests[TEST].use == Use(ran=some("tests/test_a.py"))
    assert merged.tests["tests/test_a.py::test_two"] == old.tests["tests/test_a.py::test_two"]


def test_tests_of_files_that_are_gone_are_forgotten(read: Read) -> None:
    old, new = read(LINES), read([line for line in LINES if "test" not in line])
    assert old is not None
    assert new is not None

    states = {"src/shop/money.py": FileState(sha256="1")}
    merged = merge_dependencies(old, Dependencies(**{**vars(new), "states": states}))

    assert merged.tests == {}
    assert merged.states == states
