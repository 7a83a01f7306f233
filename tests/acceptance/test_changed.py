"""Trials of only the tests that a change can affect."""

import json
import time
from collections.abc import Iterator
from textwrap import dedent

import pytest

from seatrial.evidence.record import Record, Status

from .engine_state import docker
from .program import run_trial, seatrial
from .projects import PYTEST_IMAGE, MakeProject, Project, compose_with

FILES = {
    "prices.py": "def total(prices):\n    return sum(prices)\n",
    "greet.py": "def greet():\n    return 'hello'\n",
    "test_prices.py": """
        from prices import total

        def test_total():
            assert total([1, 2]) == 3
    """,
    "test_greet.py": """
        from greet import greet

        def test_greet():
            assert greet() == "hello"
    """,
    "test_neither.py": "def test_neither():\n    pass\n",
}


def ran(project: Project, record: Record) -> list[str]:
    path = project.runs / record.id / "tests.jsonl"
    lines = path.read_text(encoding="utf-8").splitlines()
    return sorted(json.loads(line)["id"] for line in lines)


def watched(project: MakeProject, **values: object) -> Project:
    """A project whose tests have been watched once."""
    made = project(**{"tests": None, "files": FILES, **values})
    first = run_trial(made, "--changed").record
    assert first.status is Status.PASSED
    assert first.partial is None
    assert "all tests were run: no earlier trial says what the tests use" in first.findings
    return made


def test_only_the_tests_of_what_changed_are_run_and_the_record_says_so(
    project: MakeProject,
) -> None:
    made = watched(project)
    made.write("prices.py", "def total(prices):\n    return sum(list(prices))\n")

    record = run_trial(made, "--changed").record

    assert record.status is Status.PASSED
    assert ran(made, record) == ["test_prices.py::test_total"]
    assert record.partial is not None
    assert record.partial.changed == ("prices.py",)
    assert (record.partial.selected, record.partial.left_out) == (1, 2)


def test_a_failure_that_the_change_brings_is_found_and_run_again_until_it_is_mended(
    project: MakeProject,
) -> None:
    made = watched(project)
    made.write("prices.py", "def total(prices):\n    return 0\n")

    failed = run_trial(made, "--changed")
    made.write("greet.py", "def greet():\n    return 'hel' + 'lo'\n")
    again = run_trial(made, "--changed")

    assert failed.code == again.code == 1
    assert ran(made, failed.record) == ["test_prices.py::test_total"]
    assert ran(made, again.record) == ["test_greet.py::test_greet", "test_prices.py::test_total"]


def test_several_workers_share_what_is_to_be_run(project: MakeProject) -> None:
    made = watched(project)
    made.write("prices.py", "def total(prices):\n    return sum(list(prices))\n")
    made.write("test_new.py", "def test_new():\n    pass\n")

    record = run_trial(made, "--changed", "--workers", "2").record

    assert record.status is Status.PASSED, record.reason
    assert ran(made, record) == ["test_new.py::test_new", "test_prices.py::test_total"]


def test_a_change_that_reaches_no_test_runs_nothing(project: MakeProject) -> None:
    made = watched(project)
    trials = made.trials()

    ended = seatrial("run", "--changed", "--fresh", cwd=made.folder)

    told = seatrial("run", "--changed", "--fresh", "--json", cwd=made.folder)

    assert ended.code == told.code == 0
    assert "note: nothing to run: no file changed" in ended.stderr
    assert json.loads(told.stdout)["status"] == "nothing_affected"
    assert made.trials() == trials


OWN_IMAGE = "seatrial-tests-changed-base:1"


@pytest.fixture
def own_image() -> Iterator[str]:
    docker("tag", PYTEST_IMAGE, OWN_IMAGE)
    yield OWN_IMAGE
    docker("image", "rm", "--force", OWN_IMAGE)


def test_only_what_was_seen_of_the_same_request_on_the_same_stack_narrows_a_trial(
    project: MakeProject, own_image: str
) -> None:
    made = watched(
        project, compose=compose_with(image=own_image, test="environment: {MODE: '${MODE:-a}'}")
    )

    def run(*arguments: str, **env: str) -> tuple[list[str], str]:
        ended = seatrial("run", "--json", "--changed", *arguments, cwd=made.folder, env=env)
        assert ended.record.status is Status.PASSED, ended.stdout
        findings = [f for f in ended.record.findings if f.startswith("all tests were run: ")]
        return ran(made, ended.record), "".join(findings)

    tests, why = run("--", "test_greet.py")
    assert tests == ["test_greet.py::test_greet"]
    assert why.endswith(", what pytest is asked for changed")

    made.write("prices.py", "def total(prices):\n    return sum(list(prices))\n")
    assert run() == (["test_prices.py::test_total"], "")

    tests, why = run(MODE="b")
    assert len(tests) == 3
    assert why.endswith(", service test changed")

    another = f"FROM {PYTEST_IMAGE}\nLABEL changed={time.time_ns()}\n"
    docker("build", "--quiet", "--tag", own_image, "-", stdin=another)
    tests, why = run(MODE="b")
    assert len(tests) == 3
    assert why.endswith(f", image {own_image} changed")


SHOP = {
    "shop/__init__.py": "",
    "shop/prices.py": """
        from shop import tax

        def total(prices):
            if not prices:
                return 0
            return sum(prices) + tax.of(prices)

        def cheapest(prices):
            return min(prices)
    """,
    "shop/tax.py": """
        RATE = 0

        def of(prices):
            for price in prices:
                if price > 100:
                    return 1
            return RATE
    """,
    "shop/greet.py": """
        def greet(name):
            if name:
                return f"hello {name}"
            return "hello"
    """,
    "shop/rare.py": "def rare():\n    return 1\n",
    "conftest.py": """
        import pytest
        from shop import greet

        @pytest.fixture(scope="session")
        def greeting():
            yield greet.greet("you")
            greet.greet("")
    """,
    "test_prices.py": """
        from shop import prices

        def test_total():
            assert prices.total([1, 2]) == 3
    """,
    "test_much.py": """
        import pytest
        from shop.prices import total

        @pytest.mark.parametrize("much", [101, 102])
        def test_much(much):
            assert total([much]) == much + 1
    """,
    "test_greet.py": """
        def test_greet(greeting):
            assert greeting == "hello you"
    """,
    "test_rare.py": """
        def test_rare():
            from shop import rare
            assert rare.rare() == 1
    """,
    ".coveragerc": "[run]\nbranch = true\nsource = .\n[report]\nfail_under = 50\n",
}
LINES = ("executed_lines", "missing_lines", "executed_branches", "missing_branches", "summary")


def figures(project: Project, record: Record) -> dict[str, dict[str, object]]:
    """What the report has of each file."""
    path = project.runs / record.id / "coverage" / "coverage.json"
    files = json.loads(path.read_bytes())["files"]
    return {name: {key: found[key] for key in LINES} for name, found in files.items()}


def assert_together(project: Project, *arguments: str, ran: int, stored: int) -> None:
    """The coverage of a trial of a part is that of a fresh one of all, to the last branch."""
    part = run_trial(project, "--changed", *arguments).record
    whole = run_trial(project, "--fresh").record

    assert part.coverage is not None
    assert part.coverage.parts is not None
    assert part.coverage.parts.together, part.coverage.parts.reason
    assert (part.coverage.parts.measured_tests, part.coverage.parts.stored_tests) == (ran, stored)
    assert figures(project, part) == figures(project, whole)
    assert part.coverage.threshold is not None
    assert part.coverage.threshold.met


def measured(project: MakeProject, image: str, **files: str) -> Project:
    command = "pytest -q -p no:cacheprovider --cov --cov-report="
    compose = compose_with(image=image, command=command)
    return watched(project, files={**SHOP, **files}, compose=compose)


def test_the_coverage_of_all_tests_is_put_together_from_what_ran_and_what_is_known(
    project: MakeProject, compiled_coverage_image: str
) -> None:
    made = measured(project, compiled_coverage_image)

    made.write("shop/prices.py", dedent(SHOP["shop/prices.py"]).replace("not prices", "1 > 2"))
    made.write(
        "test_more.py", "from shop import prices\ndef test_min():\n    prices.cheapest([1])\n"
    )
    assert_together(made, ran=4, stored=2)

    (made.folder / "test_much.py").unlink()
    made.write("test_greet.py", "from shop.greet import greet\ndef test_it():\n    greet('me')\n")
    assert_together(made, ran=1, stored=3)


def test_a_part_that_cannot_be_put_together_is_held_against_no_threshold(
    project: MakeProject, coverage_image: str
) -> None:
    own = "[run]\nsource = .\ndynamic_context = test_function\n[report]\nfail_under = 90\n"
    made = measured(project, coverage_image, **{".coveragerc": own})
    made.write("shop/tax.py", "RATE = 0\n\ndef of(prices):\n    return max(prices) > 100\n")

    record = run_trial(made, "--changed").record

    assert record.status is Status.PASSED, record.reason
    assert record.coverage is not None
    assert record.coverage.threshold is None
    assert record.coverage.parts is not None
    assert "dynamic_context" in record.coverage.parts.reason


@pytest.mark.long
def test_one_edit_after_another_with_several_workers_each_as_if_measured_afresh(
    project: MakeProject, compiled_coverage_image: str
) -> None:
    made = measured(project, compiled_coverage_image)
    tax = dedent(SHOP["shop/tax.py"])
    edits: list[dict[str, str | None]] = [
        {"shop/tax.py": tax.replace("return 1", "price += 0\n            return 1")},
        {"test_prices.py": "from shop import prices\ndef test_none():\n    prices.total([])\n"},
        {"test_two.py": "from shop.prices import total\ndef test_two():\n    total([1])\n"},
        {"test_much.py": None, "shop/rare.py": "def rare():\n    return 2 - 1\n"},
        {
            "test_rare.py": None,
            "test_two.py": "from shop import tax\ndef test_two():\n    tax.of([])\n",
        },
        {"shop/greet.py": "def greet(name):\n    return f'hello {name}' if name else 'hello'\n"},
        {"test_greet.py": None, "test_greeting.py": SHOP["test_greet.py"]},
    ]
    for edit in edits:
        for name, text in edit.items():
            if text is None:
                (made.folder / name).unlink()
            else:
                made.write(name, text)
        part = run_trial(made, "--changed", "--workers", "2").record
        whole = run_trial(made, "--fresh").record
        assert part.coverage is not None
        assert part.coverage.parts is not None, edit
        assert part.coverage.parts.together, (edit, part.coverage.parts.reason)
        assert figures(made, part) == figures(made, whole), edit
