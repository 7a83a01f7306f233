"""Which tests a change affects, rule by rule."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seatrial.evidence.dependencies import Dependencies, FileState, TestUse, Use
from seatrial.selection.affected import Affected, affected
from seatrial.selection.changes import Change, Kind

ADDED, MODIFIED, DELETED = Change(Kind.ADDED), Change(Kind.MODIFIED), Change(Kind.DELETED)
BODIES = Change(Kind.MODIFIED, only_bodies=True)

FILES = {
    "src/shop/__init__.py": "",
    "src/shop/money.py": "CENTS = 100",
    "src/shop/cart.py": "from shop import money",
    "src/shop/table.py": "",
    "tests/conftest.py": "import pytest",
    "tests/api/conftest.py": "",
    "tests/test_money.py": "from shop.money import cents",
    "tests/test_cart.py": "from shop.cart import Cart",
    "tests/api/test_api.py": "",
    "data/rates.json": "{}",
    "data/unread.json": "{}",
}
MONEY = {"tests/test_money.py::test_a", "tests/test_money.py::test_b"}
CART = {"tests/test_cart.py::test_c"}
API = {"tests/api/test_api.py::test_d"}
ALL = MONEY | CART | API


def use(*ran: str, **more: Any) -> Use:
    names = {key: frozenset(value) for key, value in more.items() if key != "process"}
    return Use(ran=frozenset(ran), process=more.get("process", False), **names)


KNOWN = Dependencies(
    tests={
        "tests/test_money.py::test_a": TestUse(
            "tests/test_money.py", use("tests/test_money.py", "src/shop/money.py")
        ),
        "tests/test_money.py::test_b": TestUse(
            "tests/test_money.py", use("tests/test_money.py", read=["data/rates.json"])
        ),
        "tests/test_cart.py::test_c": TestUse(
            "tests/test_cart.py", use("tests/test_cart.py", "src/shop/cart.py")
        ),
        "tests/api/test_api.py::test_d": TestUse(
            "tests/api/test_api.py", use("tests/api/test_api.py", listed=["data"])
        ),
    },
    collected={},
    modules={name: Use() for name in FILES if name.endswith(".py")},
    importers={},
    late_importers={},
    roots=frozenset(),
    session=Use(),
    untraced=frozenset(),
    readers={},
    python_files=("test_*.py",),
    states={name: FileState(sha256="0") for name in FILES},
)


def select(
    changes: Mapping[str, Change],
    known: Dependencies = KNOWN,
    files: Mapping[str, str] = FILES,
    **options: Any,
) -> Affected:
    def read(name: str) -> bytes | None:
        return files[name].encode() if name in files else None

    return affected(known, changes, read, **options)


def changed(known: Dependencies, test: str, found: Use) -> Dependencies:
    own = known.tests[test]
    return replace(known, tests={**known.tests, test: replace(own, use=own.use | found)})


def test_without_a_change_no_test_is_affected() -> None:
    found = select({})

    assert not found.everything
    assert found.left_out == ALL


def test_without_an_earlier_run_everything_is() -> None:
    found = select({}, replace(KNOWN, tests={}))

    assert found.everything
    assert found.reason == "no earlier run says what the tests use"


def test_the_body_of_a_function_affects_the_tests_that_ran_something_of_the_file() -> None:
    found = select({"src/shop/money.py": BODIES})

    assert found.tests == {"tests/test_money.py::test_a"}
    assert found.left_out == ALL - found.tests
    assert found.because == {"src/shop/money.py": 1}


def test_more_than_bodies_affects_all_that_import_the_file_in_any_way() -> None:
    found = select({"src/shop/money.py": MODIFIED})

    assert found.tests == MONEY | CART
    assert found.files == {"tests/test_money.py", "tests/test_cart.py"}


def test_a_body_that_ran_during_an_import_affects_all_that_rest_on_that_import() -> None:
    known = replace(KNOWN, modules={**KNOWN.modules, "src/shop/cart.py": use("src/shop/table.py")})

    assert select({"src/shop/table.py": BODIES}, known).tests == CART


def test_what_a_test_ran_brings_what_that_imports() -> None:
    known = changed(KNOWN, "tests/api/test_api.py::test_d", use("src/shop/cart.py"))

    assert select({"src/shop/money.py": MODIFIED}, known).tests == ALL


def test_a_test_file_affects_its_tests_and_whoever_imports_it() -> None:
    files = {**FILES, "tests/test_cart.py": "from tests.test_money import helper"}

    assert select({"tests/test_money.py": MODIFIED}).files == {"tests/test_money.py"}
    assert select({"tests/test_money.py": MODIFIED}, files=files).tests == MONEY | CART


@pytest.mark.parametrize("change", [ADDED, BODIES, MODIFIED])
def test_a_conftest_affects_what_is_below_it(change: Change) -> None:
    assert select({"tests/api/conftest.py": change}).tests == API
    assert select({"tests/conftest.py": change}).left_out == frozenset()
    assert not select({"tests/conftest.py": change}).everything


def test_a_file_that_was_read_affects_who_read_it() -> None:
    assert select({"data/rates.json": MODIFIED}).tests == {"tests/test_money.py::test_b"}


def test_it_affects_also_who_ran_what_read_it_and_may_remember() -> None:
    known = replace(KNOWN, readers={"data/rates.json": frozenset({"src/shop/cart.py"})})

    found = select({"data/rates.json": MODIFIED}, known).tests
    assert found == {"tests/test_money.py::test_b", *CART}


def test_a_file_that_an_import_read_affects_all_that_rest_on_the_import() -> None:
    reading = use(read=["data/unread.json"])
    known = replace(KNOWN, modules={**KNOWN.modules, "src/shop/money.py": reading})

    assert select({"data/unread.json": MODIFIED}, known).tests == MONEY | CART


def test_what_is_kept_for_later_affects_who_can_reach_where_it_is_kept() -> None:
    """One test has filled the cache of `cart` with what `table` told; the others find it there."""
    filled = use("src/shop/cart.py", "src/shop/table.py", keeps=["src/shop/cart.py"])
    known = changed(KNOWN, "tests/test_money.py::test_a", filled)

    assert select({"src/shop/table.py": BODIES}, known).tests >= CART


def test_what_ran_within_a_cached_function_affects_who_can_reach_it() -> None:
    beside = use("src/shop/cart.py", "src/shop/table.py", "src/shop/money.py")
    kept = {"src/shop/cart.py": use("src/shop/cart.py", "src/shop/table.py")}
    known = replace(changed(KNOWN, "tests/api/test_api.py::test_d", beside), kept=kept)

    assert select({"src/shop/table.py": BODIES}, known).tests == API | CART
    assert select({"src/shop/money.py": BODIES}, known).tests == API | {
        "tests/test_money.py::test_a"
    }


def test_what_collecting_used_affects_the_whole_file() -> None:
    known = replace(KNOWN, collected={"tests/test_cart.py": use("src/shop/table.py")})

    found = select({"src/shop/table.py": BODIES}, known)

    assert found.files == {"tests/test_cart.py"}


def test_a_new_test_file_runs() -> None:
    found = select({"tests/test_new.py": ADDED})

    assert found.files == {"tests/test_new.py"}
    assert found.left_out == ALL


def test_a_file_that_comes_or_goes_affects_who_listed_its_folder() -> None:
    assert select({"data/new.json": ADDED}).tests == API
    assert select({"data/deep/new.json": ADDED}).tests == API
    assert select({"data/unread.json": DELETED}).tests == API


def test_a_test_file_that_is_gone_affects_who_imported_it() -> None:
    files = {name: text for name, text in FILES.items() if name != "tests/test_money.py"}
    files["tests/test_cart.py"] = "from tests.test_money import helper"

    found = select({"tests/test_money.py": DELETED}, files=files)

    assert not found.everything
    assert found.files == {"tests/test_cart.py"}


@pytest.mark.parametrize(
    ("name", "change", "reason"),
    [
        ("src/shop/new.py", ADDED, "is a new module"),
        ("src/shop/money.py", DELETED, "is gone"),
        ("scripts/tool.py", MODIFIED, "was never seen to be imported by the tests"),
        ("data/unread.json", MODIFIED, "was never seen to be read by the tests"),
        ("notes/new.txt", ADDED, "is new, and nobody was seen to look for it"),
        ("migrations/versions/1.py", BODIES, "is of use to other programs, beside the tests"),
        ("Dockerfile.test", MODIFIED, "shapes the containers or the whole run"),
        ("docker-compose.test.yml", MODIFIED, "shapes the containers or the whole run"),
        ("requirements-test.txt", MODIFIED, "shapes the containers or the whole run"),
        ("alembic.ini", MODIFIED, "shapes the containers or the whole run"),
        ("uv.lock", DELETED, "shapes the containers or the whole run"),
        ("sub/pyproject.toml", ADDED, "shapes the containers or the whole run"),
        ("pytest.ini", MODIFIED, "shapes the containers or the whole run"),
        (".env", MODIFIED, "shapes the containers or the whole run"),
    ],
)
def test_in_doubt_everything_runs_and_the_reason_names_the_file(
    name: str, change: Change, reason: str
) -> None:
    found = select({name: change, "tests/test_cart.py": MODIFIED})

    assert found.everything
    assert found.reason == f"{name} {reason}"
    assert found.left_out == frozenset()


@pytest.mark.parametrize(
    ("known", "name"),
    [
        (replace(KNOWN, untraced=frozenset({"src/shop/money.py"})), "src/shop/money.py"),
        (replace(KNOWN, session=use("src/shop/money.py")), "src/shop/money.py"),
        (replace(KNOWN, session=use(read=["data/rates.json"])), "data/rates.json"),
        (replace(KNOWN, session=use(process=True)), "src/shop/money.py"),
        (replace(KNOWN, session=use(listed=["data"])), "data/new.json"),
    ],
)
def test_what_is_used_outside_of_the_tests_affects_everything(
    known: Dependencies, name: str
) -> None:
    assert select({name: ADDED if name not in FILES else BODIES}, known).everything


def test_a_file_that_cannot_get_into_a_container_does_not_count() -> None:
    found = select({"README.md": ADDED}, reaches=lambda name: name != "README.md")

    assert found.left_out == ALL


def test_a_file_that_shapes_the_stack_counts_wherever_it_gets() -> None:
    found = select({"build/test.image": MODIFIED}, shaping=["build/test.image"], reaches=never)

    assert found.everything


def test_a_file_that_another_service_gets_affects_everything() -> None:
    found = select({"src/shop/money.py": BODIES}, elsewhere=lambda name: name.startswith("src/"))

    assert found.everything
    assert "src/shop/money.py gets into a container where no test runs" in found.reason


def never(_: str) -> bool:
    return False


def test_tests_that_failed_and_tests_that_start_processes_run_always() -> None:
    known = changed(KNOWN, "tests/api/test_api.py::test_d", use(process=True))

    found = select({}, known, failed=["tests/test_cart.py::test_c", "tests/test_gone.py::test_x"])

    assert found.tests == API | CART


def test_tests_that_rest_on_an_import_that_starts_a_process_run_always() -> None:
    modules = {**KNOWN.modules, "src/shop/cart.py": use(process=True)}

    assert select({}, replace(KNOWN, modules=modules)).tests == CART


def test_pytest_may_call_files_by_other_names_than_the_project() -> None:
    tests = {test: TestUse(f"app/{own.file}", own.use) for test, own in KNOWN.tests.items()}
    known = replace(KNOWN, tests=tests, modules={f"app/{m}": u for m, u in KNOWN.modules.items()})

    found = select({"app/tests/test_new.py": ADDED, "app/tests/test_cart.py": MODIFIED}, known)

    assert found.files == {"tests/test_new.py", "tests/test_cart.py"}
    assert select({"tests/test_new.py": ADDED}, known).everything


NAMES = st.sampled_from([*FILES, "new.py", "tests/test_new.py", "data/new.json", "setup.py"])
CHANGES = st.dictionaries(NAMES, st.sampled_from([ADDED, MODIFIED, DELETED, BODIES]), max_size=4)


@given(CHANGES, CHANGES)
def test_more_changes_never_leave_out_more(
    some: dict[str, Change], more: dict[str, Change]
) -> None:
    fewer, all_of_them = select(some), select({**more, **some})

    assert all_of_them.left_out <= fewer.left_out
    assert all_of_them.everything or not fewer.everything


@given(CHANGES)
def test_every_known_test_is_either_selected_or_left_out(changes: dict[str, Change]) -> None:
    found = select(changes)

    if not found.everything:
        assert found.tests | found.left_out == ALL
        assert not found.tests & found.left_out
        assert all(file_of(test) not in found.files for test in found.left_out)


def file_of(test: str) -> str:
    return test.split("::", 1)[0]
