"""Which tests a project's change narrows a trial down to, by what an earlier trial saw."""

import json
import subprocess
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from seatrial.errors import NothingAffected
from seatrial.evidence.events import MAX_FAILURES
from seatrial.evidence.ledger import open_ledger, reuse_name
from seatrial.evidence.record import Failure, Status
from seatrial.evidence.trace_lines import TRACER_VERSION
from seatrial.settings import Settings
from seatrial.stack.redirect import SourceMount
from seatrial.trial.changed import Narrowing, keep_dependencies, narrow
from seatrial.trial.reuse import Ledger, take_stock
from unit.factories import make_pytest
from unit.selection.trials import make_result, make_trial

from .image_store import ImageStore
from .plans import make_plan_of

FILES = {
    ".gitignore": "/data\n/.cache\n*.pyc\n",
    "test_a.py": "def test_one(): pass\ndef test_two(): pass\n",
    "data/rates.json": "{}",
    ".cache/seen.json": "{}",
}
ONE, TWO = "test_a.py::test_one", "test_a.py::test_two"
TRACE: list[dict[str, Any]] = [
    {"version": TRACER_VERSION, "pid": 7, "root": "/app", "python_files": ["test_*.py"]},
    {"file": 0, "path": "/app/test_a.py"},
    {"file": 1, "path": "/app/data/rates.json"},
    {"file": 2, "path": "/app/.cache/seen.json"},
    {"collect": "test_a.py", "of": 0},
    {"module": 0, "by": [-1]},
    {"session": True},
    {"test": ONE, "of": 0, "ran": [0], "read": [1, 2]},
    {"test": TWO, "of": 0, "ran": [0]},
    {"end": True},
]


@dataclass
class Shop:
    """A project under git, mounted into its test container."""

    folder: Path
    engine: ImageStore = field(default_factory=lambda: ImageStore({"tests": "sha256:1"}))
    trials: int = 0

    def write(self, name: str, text: str) -> None:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    async def narrow(self, *arguments: str) -> Narrowing:
        plan = self._plan(arguments)
        ledger = Ledger(self.folder, lambda: datetime(2026, 1, 2, tzinfo=UTC))
        stock = await take_stock(
            self.engine, plan, Settings(), compose_version="2", environ={}, home=self.folder
        )
        return await narrow(plan, Settings(), stock=stock, ledger=ledger)

    async def watch(self, *arguments: str, change: str = "") -> str | None:
        """A trial of all tests; file `change` is written while it runs."""
        narrowing = await self.narrow(*arguments)
        self.trials += 1
        folder = make_trial(self.folder, self.trials, {ONE: 1.0, TWO: 1.0}).path
        trace = folder / "dependencies-7.jsonl"
        trace.write_text("".join(json.dumps(line) + "\n" for line in TRACE))
        if change:
            self.write(change, "changed")
        plan = self._plan(arguments)
        return await keep_dependencies(
            narrowing, plan, [trace], folder, engine=self.engine, services=()
        )

    def fail(self, *tests: str) -> None:
        """A trial in which these failed; its record names only so many."""
        self.trials += 1
        results: dict[str, Any] = {t: make_result(t, 1.0, outcome="failed") for t in tests}
        failures = tuple(Failure(test=test, message="") for test in tests[:MAX_FAILURES])
        seen = make_pytest(1, failed=len(tests), failures=failures)
        make_trial(self.folder, self.trials, results, pytest=seen, status=Status.FAILED)

    def give_back(self, trial: int) -> None:
        """A trial's record is returned in place of another."""
        with open_ledger(self.folder / ".seatrial") as ledger:
            name = reuse_name(f"20260101-{trial:06d}-abcdef", "20260101-235959-abcdef")
            ledger.append(name, None, b"", datetime(2026, 1, 2, tzinfo=UTC))

    def _plan(self, arguments: tuple[str, ...]) -> Any:
        source = SourceMount("v", self.folder, "test", "/app")
        services = {"test": {"image": "tests"}}
        return make_plan_of(self.folder, services, sources=(source,), arguments=arguments)


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    made = Shop(tmp_path / "shop")
    for name, text in FILES.items():
        made.write(name, text)
    subprocess.run(["git", "init", "--quiet", str(made.folder)], check=True)
    return made


async def test_the_first_time_all_tests_are_run(shop: Shop) -> None:
    found = await shop.narrow()

    assert found.tests is None
    assert found.reason == "no earlier trial says what the tests use"


async def test_without_a_change_there_is_nothing_to_run(shop: Shop) -> None:
    assert await shop.watch() is None

    with pytest.raises(NothingAffected):
        await shop.narrow()


async def test_a_trial_of_other_tests_neither_narrows_this_one_nor_hides_an_older_one(
    shop: Shop,
) -> None:
    assert await shop.watch("tests/unit") is None
    assert (await shop.narrow()).reason.endswith(", what pytest is asked for changed")

    assert await shop.watch() is None
    assert await shop.watch("tests/api") is None

    with pytest.raises(NothingAffected):
        await shop.narrow()


async def test_after_a_record_was_returned_its_trial_is_what_is_compared_with(shop: Shop) -> None:
    assert await shop.watch() is None
    shop.write("data/rates.json", "{1: 2}")
    assert await shop.watch() is None
    shop.write("data/rates.json", "{}")

    assert (await shop.narrow()).tests == (ONE,)
    shop.give_back(1)
    with pytest.raises(NothingAffected):
        await shop.narrow()

    shop.fail(TWO)
    assert (await shop.narrow()).tests == (ONE, TWO)


async def test_a_returned_trial_that_is_gone_is_not_waited_for(shop: Shop) -> None:
    assert await shop.watch() is None
    shop.give_back(7)

    with pytest.raises(NothingAffected):
        await shop.narrow()


async def test_a_file_that_git_ignores_counts_if_a_test_used_it(shop: Shop) -> None:
    assert await shop.watch() is None
    shop.write("data/rates.json", "{1: 2}")

    assert (await shop.narrow()).tests == (ONE,)


async def test_a_file_that_git_ignores_and_a_test_used_counts_when_it_is_gone(shop: Shop) -> None:
    assert await shop.watch() is None
    (shop.folder / "data/rates.json").unlink()

    assert (await shop.narrow()).tests == (ONE,)


async def test_what_tools_leave_behind_and_what_nobody_used_does_not_count(shop: Shop) -> None:
    assert await shop.watch() is None
    shop.write(".cache/seen.json", "changed")
    shop.write("data/unused.json", "new")

    with pytest.raises(NothingAffected):
        await shop.narrow()


@pytest.mark.parametrize("name", ["data/rates.json", "test_a.py"])
async def test_nothing_is_kept_of_a_trial_during_which_a_used_file_changed(
    shop: Shop, name: str
) -> None:
    why_not = await shop.watch(change=name)

    assert why_not is not None
    assert "changed while the tests ran" in why_not


async def test_every_test_that_failed_is_run_however_many_the_record_names(shop: Shop) -> None:
    assert await shop.watch() is None
    shop.fail(*(f"test_b.py::test_{n}" for n in range(MAX_FAILURES + 50)), TWO)

    assert (await shop.narrow()).tests == (TWO,)


async def test_where_the_stack_cannot_be_told_all_tests_are_run(shop: Shop) -> None:
    assert await shop.watch() is None
    shop.engine.ids.clear()
    shop.engine.status = 500

    reason = (await shop.narrow()).reason

    assert reason.startswith("whether the stack is the one that it was cannot be told: ")
