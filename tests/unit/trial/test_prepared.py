from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest

from seatrial.engine.api import Engine
from seatrial.evidence.filetree import NotComparableError
from seatrial.settings import Budgets, PrepareSettings, Settings
from seatrial.trial.preparation import find_preparations, prepared_names
from seatrial.trial.prepared import make_prepared, with_prepared
from unit.plans import TEST, make_database_plan

if TYPE_CHECKING:
    from seatrial.trial.rig import Journal, Rig

SCRIPT = "volumes: ['./init.sql:/docker-entrypoint-initdb.d/init.sql']"
BASE = "image: postgres:16"
SET_UP_ALONE = PrepareSettings()
MIGRATED = PrepareSettings(command="alembic upgrade head", files=("migrations",))


class Store(Engine):
    """Knows images by name, and says which were asked for."""

    def __init__(self, **images: str) -> None:
        self.known = {"postgres:16": "sha256:1", "app": "sha256:2", **images}
        self.asked: list[str] = []

    async def inspect_image(self, name: str) -> dict[str, Any]:
        self.asked.append(name)
        if name not in self.known:
            raise OSError(f"no such image: {name}")
        return {"Id": self.known[name]}

    async def create_container(self, config: Any) -> str:
        raise OSError("no space left on device")


async def key(
    folder: Path, service: str = BASE, *, script: str = "SELECT 1;", base: str = "sha256:1"
) -> str:
    engine = Store(**{"postgres:16": base})
    made = await make_database_plan(folder, service)
    (folder / "init.sql").write_text(script, encoding="utf-8")
    await with_prepared(engine, made, SET_UP_ALONE)
    return engine.asked[-1]


async def test_the_same_set_up_leads_to_the_same_image(tmp_path: Path) -> None:
    first = await key(tmp_path, f"{BASE}, {SCRIPT}")
    assert first.startswith("seatrial-prepared-shop-db:")
    assert await key(tmp_path, f"{BASE}, {SCRIPT}") == first


async def test_whatever_goes_into_it_leads_to_another_image(tmp_path: Path) -> None:
    keys = [
        await key(tmp_path),
        await key(tmp_path, base="sha256:2"),
        await key(tmp_path, f"{BASE}, environment: {{POSTGRES_USER: a}}"),
        await key(tmp_path, f"{BASE}, environment: {{POSTGRES_USER: b}}"),
        await key(tmp_path, f"{BASE}, command: [postgres, -c, max_connections=7]"),
        await key(tmp_path, f"{BASE}, {SCRIPT}"),
        await key(tmp_path, f"{BASE}, {SCRIPT}", script="SELECT 2;"),
        await key(tmp_path, f"{BASE}, {SCRIPT.replace('d/init.sql', 'd/other.sql')}"),
    ]
    assert len(set(keys)) == len(keys)


async def test_what_is_prepared_is_used_and_what_is_not_is_missing(tmp_path: Path) -> None:
    made = await make_database_plan(tmp_path)
    engine = Store()
    same, missing = await with_prepared(engine, made, SET_UP_ALONE)
    name = engine.asked[-1]
    used, nothing = await with_prepared(Store(**{name: "sha256:3"}), made, SET_UP_ALONE)

    assert same is made
    assert [one.services for one in missing] == ["db"]
    assert nothing == ()
    assert used.form["services"]["db"]["image"] == name


async def test_what_the_settings_declare_to_be_a_postgres_is_prepared_too(tmp_path: Path) -> None:
    service = "image: 'registry.test/people:16-2', environment: {POSTGRES_PASSWORD: a}"
    made = await make_database_plan(tmp_path, service, throwaway_services={"db": "PostgreSQL"})
    engine = Store(**{"registry.test/people:16-2": "sha256:9"})

    _, missing = await with_prepared(engine, made, SET_UP_ALONE, {"db": "PostgreSQL"})
    _, without = await with_prepared(engine, made, SET_UP_ALONE)

    assert [one.services for one in missing] == ["db"]
    assert without == ()


async def test_a_server_image_that_is_not_here_yet_leaves_the_plan_as_it_is(
    tmp_path: Path,
) -> None:
    made = await make_database_plan(tmp_path, "image: 'postgres:15'")
    same, missing = await with_prepared(Store(), made, SET_UP_ALONE)
    assert same is made
    assert len(missing) == 1


@pytest.mark.parametrize(
    ("total", "told"), [(None, "could not be prepared"), (15.0, "budget is too near")]
)
async def test_what_keeps_a_database_from_being_prepared_is_noted(
    tmp_path: Path, total: float | None, told: str
) -> None:
    made = await make_database_plan(tmp_path)
    _, missing = await with_prepared(Store(), made, SET_UP_ALONE)
    notes: list[str] = []
    rig = SimpleNamespace(
        engine=Store(),
        plan=made,
        missing=missing,
        settings=Settings(budgets=Budgets(total=total)),
        clock=lambda: 10.0,
    )
    journal = SimpleNamespace(began=0.0, note=notes.append)

    await make_prepared(cast("Rig", rig), cast("Journal", journal))

    assert [told in note for note in notes] == [True]


async def migrated_key(
    folder: Path,
    service: str = BASE,
    *,
    prepare: PrepareSettings = MIGRATED,
    test: str = TEST,
    migration: str = "CREATE TABLE ships",
    name: str = "migrations/1.sql",
    image: str = "sha256:2",
) -> str:
    path = _write(folder / name, migration)
    made = await make_database_plan(folder, service, test=test)
    engine = Store(app=image)
    await with_prepared(engine, made, prepare)
    path.unlink()
    return engine.asked[-1]


def _write(path: Path, text: str) -> Path:
    path.parent.mkdir(exist_ok=True, parents=True)
    path.write_text(text, encoding="utf-8")
    return path


async def test_whatever_decides_what_a_command_does_leads_to_another_image(tmp_path: Path) -> None:
    other = PrepareSettings(command="alembic upgrade 2", files=("migrations",))
    keys = [
        await key(tmp_path),
        await migrated_key(tmp_path),
        await migrated_key(tmp_path, f"{BASE}, environment: {{POSTGRES_USER: a}}"),
        await migrated_key(tmp_path, prepare=other),
        await migrated_key(tmp_path, migration="CREATE TABLE quays"),
        await migrated_key(tmp_path, name="migrations/2.sql"),
        await migrated_key(tmp_path, image="sha256:5"),
        await migrated_key(tmp_path, test=f"{TEST}, environment: {{STAGE: b}}"),
        await migrated_key(tmp_path, test=f"{TEST}, user: '5'"),
    ]
    assert all(name.startswith("seatrial-prepared-shop-db:") for name in keys)
    assert len(set(keys)) == len(keys)


async def test_what_does_not_decide_it_leads_to_the_same_image(tmp_path: Path) -> None:
    keys = {
        await migrated_key(tmp_path),
        await migrated_key(tmp_path, test="image: app, command: pytest -x"),
        await migrated_key(tmp_path, test=f"{TEST}, depends_on: [db]"),
    }
    (tmp_path / "leaf.py").touch()
    keys.add(await migrated_key(tmp_path))
    keys.add(await migrated_key(tmp_path / "clone", test=f"{TEST}, build: ."))
    keys.add(await migrated_key(tmp_path, test=f"{TEST}, build: ."))
    assert len(keys) == 2  # a service that is built, wherever, and one that is not


async def test_files_of_a_command_that_are_not_there_leave_its_databases_as_they_are(
    tmp_path: Path,
) -> None:
    made = await make_database_plan(tmp_path)
    engine = Store()
    same, missing = await with_prepared(engine, made, MIGRATED)
    assert same is made
    assert "migrations" in str([preparation.files for preparation in missing])
    with pytest.raises(NotComparableError, match="migrations"):
        await prepared_names(engine, made, missing[0])


async def test_files_that_are_not_what_they_were_at_the_beginning_name_nothing(
    tmp_path: Path,
) -> None:
    made = await make_database_plan(tmp_path)
    (tmp_path / "migrations").write_text("CREATE TABLE ships", encoding="utf-8")
    (begun,) = await find_preparations(made, MIGRATED)
    (tmp_path / "migrations").write_text("CREATE TABLE quays", encoding="utf-8")
    with pytest.raises(NotComparableError, match="changed"):
        await prepared_names(Store(), made, begun)
