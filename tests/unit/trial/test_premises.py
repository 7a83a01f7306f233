from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from seatrial.evidence.filetree import NotComparableError
from seatrial.evidence.premises import difference
from seatrial.evidence.record import Image
from seatrial.settings import Budgets, CoverageSettings, Settings, Timeouts
from seatrial.trial.premises import Ground, settled, stand_on
from seatrial.trial.reuse import Ledger, take_stock
from unit.factories import make_service
from unit.stack.forms import bind

from .image_store import ImageStore
from .plans import make_plan_of

DB = {"db": {"image": "postgres:16"}}


async def ground(project: Path, **values: Any) -> Ground:
    engine = values.pop("engine", ImageStore({"tests": "sha256:1", "postgres:16": "sha256:2"}))
    services = values.pop("services", {"test": {"image": "tests"}, **DB})
    environ = values.pop("environ", {})
    settings = values.pop("settings", Settings())
    stock = await take_stock(
        engine,
        make_plan_of(project, services, **values),
        settings,
        compose_version="2.30.1",
        environ=environ,
        home=project,
    )
    found = stand_on(Ledger(project, lambda: datetime(2026, 1, 2, tzinfo=UTC)), stock)
    assert isinstance(found, Ground), found
    return found


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"arguments": ("tests/unit",)}, "what pytest is asked for changed"),
        (
            {"services": {"test": {"image": "tests", "command": ["x"]}, **DB}},
            "service test changed",
        ),
        ({"services": {"test": {"image": "tests"}}}, "service db is gone"),
        (
            {"services": {"test": {"image": "tests"}, "db": {"image": "postgres:16", "user": "x"}}},
            "service db changed",
        ),
        ({"volumes": {"v": {}}}, "what the compose files say beside the services changed"),
        ({"settings": Settings(timeouts=Timeouts(one_test=1))}, "a setting changed"),
        ({"environ": {"DOCKER_HOST": "tcp://x"}}, "what steers Docker's programs changed"),
        (
            {"engine": ImageStore({"tests": "sha256:9", "postgres:16": "sha256:2"})},
            "image tests changed",
        ),
        ({"engine": ImageStore({"tests": "sha256:1"})}, "image postgres:16 changed"),
    ],
)
async def test_what_may_decide_which_tests_there_are_or_what_they_do_counts(
    tmp_path: Path, values: dict[str, Any], said: str
) -> None:
    before = await ground(tmp_path)

    assert difference(before.premises, (await ground(tmp_path, **values)).premises) == said


async def test_what_decides_neither_does_not_count(tmp_path: Path) -> None:
    before = await ground(tmp_path)
    settings = Settings(
        workers=2,
        changed=True,
        fail_fast=True,
        failures_first=False,
        whole_files=("tests",),
        retries=1,
        budgets=Budgets(total=1),
        coverage=CoverageSettings(fail_under=50),
    )

    assert (await ground(tmp_path, settings=settings)).premises == before.premises


async def test_files_outside_of_the_project_count_and_its_own_do_not(tmp_path: Path) -> None:
    project = tmp_path / "all" / "project"
    project.mkdir(parents=True)
    (tmp_path / "rows").mkdir()
    volumes = [
        bind(tmp_path / "rows", "/rows", read_only=True),
        bind(tmp_path / "all", "/all", read_only=True),
    ]
    services = {"test": {"image": "tests", "volumes": volumes}}
    before = await ground(project, services=services)

    (project / "a.py").touch()
    (tmp_path / "all/.git").mkdir()
    assert (await ground(project, services=services)).premises == before.premises

    (tmp_path / "rows/a").touch()
    after = await ground(project, services=services)
    assert difference(before.premises, after.premises) == f"what is in {tmp_path}/rows changed"

    (tmp_path / "all/b.py").touch()
    last = await ground(project, services=services)
    assert difference(after.premises, last.premises) == f"what is in {tmp_path}/all changed"


async def test_an_image_that_was_fetched_for_the_trial_counts_as_what_it_is_now(
    tmp_path: Path,
) -> None:
    engine = ImageStore({"tests": "sha256:1"})
    before = await ground(tmp_path, engine=engine)
    engine.ids["postgres:16"] = "sha256:2"

    premises = await settled(engine, before, ())

    assert premises == (await ground(tmp_path, engine=engine)).premises


async def test_an_image_that_changed_while_the_trial_ran_makes_no_comparison(
    tmp_path: Path,
) -> None:
    engine = ImageStore({"tests": "sha256:1", "postgres:16": "sha256:2"})
    before = await ground(tmp_path, engine=engine)
    used = make_service(image=Image(name="postgres:16", id="sha256:3", built=False))

    with pytest.raises(NotComparableError, match="the name of another image"):
        await settled(engine, before, (used,))


def test_what_cannot_be_told_gives_no_ground(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path, lambda: datetime(2026, 1, 2, tzinfo=UTC))

    assert stand_on(ledger, "a Dockerfile adds x from elsewhere") == (
        "a Dockerfile adds x from elsewhere"
    )
