"""Which stored contexts still hold, by rule."""

from collections.abc import Mapping
from dataclasses import replace

import pytest

from seatrial.evidence.contexts import Contexts, ModuleContext, TestContext
from seatrial.evidence.dependencies import Dependencies, FileState, TestUse, Use
from seatrial.selection.holding import Holding, still_holding
from seatrial.selection.imports import certain_imports

FILES = {
    "test_a.py": "import shared\n",
    "test_b.py": "import shared\n",
    "test_c.py": "def test_c():\n    import late\n",
    "shared.py": "import inner\n",
    "inner.py": "",
    "late.py": "",
    "maybe.py": "",
}
KNOWN = Dependencies(
    tests={f"test_{n}.py::test_{n}": TestUse(f"test_{n}.py", Use()) for n in "abc"},
    collected={f"test_{n}.py": Use() for n in "abc"},
    modules={name: Use() for name in FILES},
    importers={"shared.py": frozenset({"test_a.py"}), "inner.py": frozenset({"shared.py"})},
    late_importers={"late.py": frozenset({"test_c.py"})},
    roots=frozenset(),
    session=Use(),
    untraced=frozenset(),
    readers={},
    python_files=("test_*.py",),
    states={name: FileState(sha256=text) for name, text in FILES.items()},
)
STORED = Contexts(
    tests={
        "test_a.py::test_a": TestContext(file="test_a.py", fixtures=("fixture:both", "fixture:a")),
        "test_b.py::test_b": TestContext(file="test_b.py", fixtures=("fixture:both",)),
        "test_c.py::test_c": TestContext(file="test_c.py"),
    },
    files={f"/app/test_{n}.py": f"test_{n}.py" for n in "abc"},
    modules={
        **{
            f"/app/test_{n}.py": ModuleContext(
                file=f"test_{n}.py", within=(f"collect:/app/test_{n}.py",)
            )
            for n in "abc"
        },
        "/app/shared.py": ModuleContext(
            file="shared.py", by=("/app/test_a.py",), within=("collect:/app/test_a.py",)
        ),
        "/app/inner.py": ModuleContext(
            file="inner.py", by=("/app/shared.py",), within=("collect:/app/test_a.py",)
        ),
        "/app/late.py": ModuleContext(file="late.py", within=("test:test_c.py::test_c",)),
    },
)
NEW = Contexts(
    tests={"test_new.py::test_new": TestContext(file="test_new.py")},
    files={"/app/test_new.py": "test_new.py"},
    modules={"/app/test_new.py": ModuleContext(file="test_new.py")},
)


def held(
    new: Contexts = NEW,
    *ran: str,
    known: Dependencies = KNOWN,
    stored: Contexts = STORED,
    gone: tuple[str, ...] = (),
    texts: Mapping[str, str] | None = None,
) -> Holding | str:
    files = {name: text for name, text in {**FILES, **(texts or {})}.items() if name not in gone}
    return still_holding(
        stored,
        new,
        known,
        ran=ran,
        states={name: FileState(sha256=text) for name, text in files.items()},
        read=lambda name: files[name].encode() if name in files else None,
    )


def labels(found: Holding | str) -> set[str]:
    assert isinstance(found, Holding), found
    return set(found.labels)


def test_what_was_left_out_holds_with_its_fixtures_and_imports() -> None:
    found = held()

    assert labels(found) == {
        *(f"test:{test}" for test in STORED.tests),
        *(f"collect:{path}" for path in STORED.files),
        *(f"module:{path}" for path in STORED.modules),
        "fixture:both",
        "fixture:a",
    }


def test_a_module_holds_that_another_file_imports_in_any_case() -> None:
    found = labels(held(gone=("test_a.py",)))

    assert {"module:/app/shared.py", "module:/app/inner.py", "fixture:both"} <= found
    assert not found & {"test:test_a.py::test_a", "fixture:a", "module:/app/test_a.py"}


def test_a_module_that_nobody_can_import_any_more_does_not_hold() -> None:
    found = labels(held(gone=("test_c.py",)))

    assert "module:/app/late.py" not in found


def test_where_nobody_knows_whether_it_is_still_imported_nothing_is_put_together() -> None:
    perhaps = "try:\n    import shared\nexcept ImportError:\n    pass\n"
    known = replace(KNOWN, states={**KNOWN.states, "test_b.py": FileState(sha256=perhaps)})

    found = held(known=known, gone=("test_a.py",), texts={"test_b.py": perhaps})

    assert found == "nobody knows whether a run of all tests would still import inner.py"


def test_what_ran_again_counts_only_anew() -> None:
    again = Contexts(
        tests={"test_c.py::test_c": TestContext(file="test_c.py")},
        files={"/app/test_c.py": "test_c.py"},
        modules={"/app/test_c.py": ModuleContext(file="test_c.py")},
    )

    found = held(again, "test_c.py")

    assert isinstance(found, Holding)
    assert not found.labels & {"test:test_c.py::test_c", "collect:/app/test_c.py"}
    assert "module:/app/late.py" not in found.labels
    assert found.same_tests
    assert found.tests == 2
    assert set(found.contexts.tests) == set(STORED.tests)


def test_other_tests_and_what_they_kept_are_told() -> None:
    keeping = Use(keeps=frozenset({"inner.py"}))
    tests = {**KNOWN.tests, "test_a.py::test_a": TestUse("test_a.py", keeping)}

    found = held(known=replace(KNOWN, tests=tests), gone=("test_a.py",))

    assert isinstance(found, Holding)
    assert not found.same_tests
    assert found.keepers == {"test:test_a.py::test_a", "fixture:a"}


def test_what_was_put_together_says_as_much_as_what_was_measured() -> None:
    first = held()
    assert isinstance(first, Holding)
    known = replace(
        KNOWN, tests={**KNOWN.tests, "test_new.py::test_new": TestUse("test_new.py", Use())}
    )

    second = held(
        Contexts(tests={}, files={}, modules={}),
        known=known,
        stored=first.contexts,
        texts={"test_new.py": ""},
    )

    assert labels(first) < labels(second)


@pytest.mark.parametrize(
    ("text", "imported"),
    [
        ("import a.b\n", {"a/__init__.py", "a/b.py"}),
        ("from a import b, name\n", {"a/__init__.py", "a/b.py"}),
        ("from a.b import name\n", {"a/__init__.py", "a/b.py"}),
        ("from . import b\n", {"a/__init__.py", "a/b.py"}),
        ("if 1:\n    import a.b\n", set()),
        ("def f():\n    import a.b\n", set()),
        ("import twice\n", set()),
        ("import os\n", set()),
        ("no python", set()),
    ],
)
def test_an_import_is_certain_at_the_top_of_a_file_and_if_it_can_mean_one_file_only(
    text: str, imported: set[str]
) -> None:
    files = ["a/__init__.py", "a/b.py", "a/own.py", "x/twice.py", "y/twice.py"]

    assert certain_imports(files, "a/own.py", text.encode()) == imported
