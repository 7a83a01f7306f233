import asyncio
import hashlib
import json
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from seatrial.evidence.filetree import NotComparableError
from seatrial.evidence.folder import manifest, new_run_folder, read_record
from seatrial.evidence.ledger import LEDGER, check_ledger
from seatrial.evidence.record import Image, Record, Retry, Status
from seatrial.settings import Settings
from seatrial.trial.reuse import Ledger, find_reusable, hash_stock_of, seal, take_stock
from unit.factories import make_record, make_service
from unit.stack.forms import bind

from .image_store import ImageStore
from .plans import make_plan_of

DAY_S = 86400.0
POSTGRES = "postgres:16"


@dataclass
class Bench:
    """A project with one mounted file, and an engine with one image."""

    project: Path
    engine: ImageStore = field(default_factory=lambda: ImageStore({POSTGRES: "sha256:1"}))
    now: datetime = datetime(2026, 1, 2, 3, 5, tzinfo=UTC)

    @property
    def source(self) -> Path:
        return self.project / "src" / "a.py"

    @property
    def ledger(self) -> Ledger:
        return Ledger(self.project, lambda: self.now)

    async def stock(self) -> Any:
        plan = make_plan_of(
            self.project,
            {
                "test": {
                    "image": "tests",
                    "volumes": [bind(self.source.parent, "/src", read_only=True)],
                },
                "db": {"image": POSTGRES},
            },
        )
        return await take_stock(
            self.engine,
            plan,
            Settings(),
            compose_version="2.30.1",
            environ={},
            home=self.project,
        )

    async def run(self, during: Callable[[], object] = lambda: None, **values: Any) -> Record:
        """A trial that writes one log, while `during` happens."""
        values = {"id": "20260102-030405-a1b2c3"} | values
        stock = await self.stock()
        folder = new_run_folder(self.project, values["id"])
        hashing = asyncio.create_task(hash_stock_of(self.ledger, stock))
        await asyncio.wait({hashing})
        during()
        (folder.logs / "test.log").write_text("1 passed")
        record = make_record(files=manifest(folder), **values)
        return await seal(self.ledger, self.engine, record, stock, hashing)

    async def look(self, max_age_s: float = DAY_S) -> Record | None:
        found = await find_reusable(
            self.ledger, await self.stock(), max_age_s, asked_for=f"{self.now:%Y%m%d-%H%M%S}-ffffff"
        )
        return found[0] if found else None

    def folder(self) -> Path:
        return read_record(self.project, None)[1].path


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    made = Bench(tmp_path)
    made.source.parent.mkdir()
    made.source.write_text("1")
    return made


async def test_an_unchanged_trial_is_returned_with_its_origin(bench: Bench) -> None:
    run = await bench.run()
    bench.now = run.finished + timedelta(seconds=90)

    found = await bench.look()

    assert found is not None
    assert found.reused is not None
    assert found.model_copy(update={"reused": None}) == run
    assert (found.reused.trial, found.reused.measured) == (run.id, run.finished)
    assert found.reused.age_seconds == 90
    assert found.reused.fingerprint == run.fingerprint


async def test_each_return_is_entered_in_the_ledger_and_nothing_else_is(bench: Bench) -> None:
    run = await bench.run()
    home = bench.project / ".seatrial"
    for minutes in (1, 2):
        bench.now = run.finished + timedelta(minutes=minutes)
        assert await bench.look() is not None
    bench.source.write_text("2")
    assert await bench.look() is None

    found = check_ledger(home)

    assert found.faults == ()
    assert [line.time for line in found.reuses(run.id)] == [
        run.finished + timedelta(minutes=minutes) for minutes in (1, 2)
    ]
    record = hashlib.sha256((home / "runs" / run.id / "record.json").read_bytes()).hexdigest()
    assert {line.record for line in found.reuses(run.id)} == {record}
    assert found.reuses(run.id[:-1]) == ()


async def test_what_cannot_be_entered_in_the_ledger_is_not_returned(bench: Bench) -> None:
    await bench.run()
    ledger = bench.project / ".seatrial" / LEDGER
    ledger.unlink()
    ledger.symlink_to(bench.source)

    assert await bench.look() is None


async def test_the_fingerprint_is_in_the_record_and_what_is_reused_is_not(bench: Bench) -> None:
    run = await bench.run()

    assert run.fingerprint is not None
    assert read_record(bench.project, run.id)[0] == run
    assert run.reused is None


async def test_nothing_is_found_where_nothing_was_run(bench: Bench) -> None:
    assert await bench.look() is None
    assert not (bench.project / ".seatrial").exists()


CHANGES: dict[str, Callable[[Bench], object]] = {
    "a byte of the source": lambda b: b.source.write_text("2"),
    "its mode": lambda b: b.source.chmod(0o600),
    "a new file": lambda b: (b.source.parent / "b.py").touch(),
    "a removed file": lambda b: b.source.unlink(),
    "a tag of another image": lambda b: b.engine.ids.update({POSTGRES: "sha256:2"}),
    "an image that is gone": lambda b: b.engine.ids.clear(),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
async def test_after_a_change_it_is_run_again(
    bench: Bench, change: Callable[[Bench], object]
) -> None:
    await bench.run()
    change(bench)

    assert await bench.look() is None


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
async def test_a_change_while_it_ran_leaves_it_without_a_fingerprint(
    bench: Bench, change: Callable[[Bench], object]
) -> None:
    run = await bench.run(during=lambda: change(bench))

    assert run.fingerprint is None
    assert any("while it ran" in finding for finding in run.findings)
    assert read_record(bench.project, run.id)[0] == run
    assert await bench.look() is None


async def test_a_file_of_any_name_can_be_told_of(bench: Bench) -> None:
    run = await bench.run(during=(bench.source.parent / os.fsdecode(b"a\xff\x1b[2J")).touch)

    assert run.findings[-1].endswith("/src/a")


async def test_an_image_that_was_fetched_for_the_trial_is_no_change(bench: Bench) -> None:
    bench.engine.ids.clear()
    await bench.run(during=lambda: bench.engine.ids.update({POSTGRES: "sha256:1"}))

    assert await bench.look() is not None


async def test_a_service_that_ran_on_another_image_than_its_name_means_is_a_change(
    bench: Bench,
) -> None:
    image = Image(name=POSTGRES, id="sha256:0", built=False)
    run = await bench.run(services=(make_service(image=image),))

    assert run.fingerprint is None


def edit_record(bench: Bench) -> None:
    path = bench.folder() / "record.json"
    path.write_text(path.read_text().replace("3 tests passed", "9 tests passed"))


def edit_everything(bench: Bench) -> None:
    """Edit a log, and the record so that it fits."""
    folder = bench.folder()
    (folder / "logs/test.log").write_text("9 passed")
    record = json.loads((folder / "record.json").read_text())
    record["files"] = [
        entry.model_dump() for entry in manifest(read_record(bench.project, None)[1])
    ]
    (folder / "record.json").write_text(json.dumps(record))


@pytest.mark.parametrize(
    "harm",
    [
        edit_record,
        edit_everything,
        lambda b: (b.folder() / "record.json").unlink(),
        lambda b: (b.folder() / "logs/test.log").unlink(),
        lambda b: (b.folder() / "logs/test.log").write_text("2 passed"),
        lambda b: (b.folder() / "logs/test.log").write_text("10 passed"),
        lambda b: (
            (b.folder() / "logs/test.log").rename(b.folder() / "x")
            and (b.folder() / "logs/test.log").symlink_to("../x")
        ),
        lambda b: b.ledger.index.unlink(),
        lambda b: b.ledger.index.write_text("{"),
        lambda b: b.ledger.index.write_text('{"x": 1}'),
    ],
)
async def test_what_was_edited_or_removed_is_not_believed(
    bench: Bench, harm: Callable[[Bench], object]
) -> None:
    await bench.run()
    harm(bench)

    assert await bench.look() is None


@pytest.mark.parametrize(
    "values",
    [
        {"status": Status.FAILED, "exit_code": 1},
        {"status": Status.OVER_BUDGET, "exit_code": 4},
        {"retries": (Retry(folder="r", seconds=1, tests=("t",), failed=(), reason="passed"),)},
    ],
)
async def test_only_what_passed_at_once_is_reused(bench: Bench, values: dict[str, Any]) -> None:
    run = await bench.run(**values)

    assert run.fingerprint is not None
    assert await bench.look() is None


async def test_an_interrupted_trial_is_left_as_it_is(bench: Bench) -> None:
    run = await bench.run(status=Status.INTERRUPTED, exit_code=130)

    assert run.fingerprint is None
    assert not run.findings
    assert await bench.look() is None


@pytest.mark.parametrize(
    ("age_s", "max_age_s", "expected"),
    [(0, DAY_S, True), (DAY_S, DAY_S, True), (DAY_S + 1, DAY_S, False), (0, 0, False)],
)
async def test_a_record_is_reused_up_to_its_age(
    bench: Bench, age_s: float, max_age_s: float, expected: bool
) -> None:
    run = await bench.run()
    bench.now = run.finished + timedelta(seconds=age_s)

    assert (await bench.look(max_age_s) is not None) is expected


async def test_a_record_of_the_future_is_not_reused(bench: Bench) -> None:
    run = await bench.run()
    bench.now = run.finished - timedelta(seconds=1)

    assert await bench.look() is None


async def test_the_newest_of_equal_trials_is_returned(bench: Bench) -> None:
    await bench.run()
    newest = await bench.run(id="20260102-030406-b1b2c3")

    found = await bench.look()

    assert found is not None
    assert found.id == newest.id


async def test_an_older_trial_is_found_again_when_a_change_is_taken_back(bench: Bench) -> None:
    first = await bench.run()
    bench.source.write_text("2")
    await bench.run(id="20260102-030406-b1b2c3")
    bench.source.write_text("1")

    found = await bench.look()

    assert found is not None
    assert found.id == first.id


async def test_where_it_cannot_be_told_the_record_says_why(bench: Bench) -> None:
    bench.engine.ids.clear()
    bench.engine.status = 500
    run = await bench.run()

    assert run.fingerprint is None
    assert run.findings == (
        f"this trial will not be reused: the engine does not tell what {POSTGRES} is",
    )
    assert await bench.look() is None


async def test_hashing_that_cannot_be_done_is_told_and_not_raised(bench: Bench) -> None:
    stock = await bench.stock()
    bench.source.unlink()

    assert isinstance(await hash_stock_of(bench.ledger, stock), NotComparableError)
