from pathlib import Path

import pytest

from seatrial.stack.prepared import PREPARED_DATA, find_preparable, tell_prepared, use_prepared
from unit.plans import SERVICE, make_database_plan


async def test_a_postgres_that_leaves_its_set_up_to_the_image_can_be_prepared(
    tmp_path: Path,
) -> None:
    made = await make_database_plan(
        tmp_path, f"{SERVICE}, volumes: ['./init.sql:/docker-entrypoint-initdb.d/a']"
    )

    (wanted,) = find_preparable(made)

    assert (wanted.service, wanted.image, wanted.command[0]) == ("db", "postgres:16", "postgres")
    assert wanted.environment == {"POSTGRES_PASSWORD": "a$b"}
    assert [mount.source for mount in wanted.mounts] == [str(tmp_path / "init.sql")]


@pytest.mark.parametrize(
    "service",
    [
        "image: redis:7",
        "image: postgres",
        f"{SERVICE}, user: '999'",
        f"{SERVICE}, depends_on: [test]",
        f"{SERVICE}, entrypoint: [/start]",
        f"{SERVICE}, volumes: ['./init.sql:/etc/postgresql.conf']",
        f"{SERVICE}, volumes: ['/extra']",
        f"{SERVICE}, volumes: ['/docker-entrypoint-initdb.d']",
        f"{SERVICE}, command: ['-c', 'config_file=/etc/p.conf']",
    ],
)
async def test_what_says_more_of_its_set_up_is_not_prepared(tmp_path: Path, service: str) -> None:
    assert find_preparable(await make_database_plan(tmp_path, service)) == ()


async def test_a_declared_postgres_is_prepared_whatever_its_image_is_called(tmp_path: Path) -> None:
    service = "image: 'registry.test/people:16-2', environment: {POSTGRES_PASSWORD: a}"
    made = await make_database_plan(tmp_path, service, throwaway_services={"db": "PostgreSQL"})

    (wanted,) = find_preparable(made, {"db": "PostgreSQL"})

    assert (wanted.service, wanted.image) == ("db", "registry.test/people:16-2")
    assert find_preparable(made) == ()


async def test_what_is_declared_to_be_another_database_is_not_prepared(tmp_path: Path) -> None:
    assert find_preparable(await make_database_plan(tmp_path), {"db": "MySQL"}) == ()


async def test_without_throwaway_settings_nothing_is_prepared(tmp_path: Path) -> None:
    assert find_preparable(await make_database_plan(tmp_path, throwaway=False)) == ()


async def test_a_prepared_image_brings_its_data_and_the_form_without_it_is_kept(
    tmp_path: Path,
) -> None:
    made = await make_database_plan(tmp_path)
    (wanted,) = find_preparable(made)

    used = use_prepared(made, wanted, "seatrial-prepared-shop-db:1")

    db = used.form["services"]["db"]
    assert db["image"] == "seatrial-prepared-shop-db:1"
    assert db["environment"] == {"POSTGRES_PASSWORD": "a$$b", "PGDATA": PREPARED_DATA}
    assert used.changes[-1].where == "services.db.image"
    assert used.prepared["db"] == made.form["services"]["db"]
    assert made.form["services"]["db"]["image"] == "postgres:16"


async def test_a_plan_tells_what_a_trial_may_start_prepared(tmp_path: Path) -> None:
    made = await make_database_plan(tmp_path)
    (change,) = tell_prepared(made).changes[len(made.changes) :]
    assert "prepared" in change.what
