import os
from pathlib import Path
from typing import Any

import pytest

from seatrial.settings import Settings
from seatrial.stack.compose import Compose
from seatrial.stack.plan import Plan, make_plan
from seatrial.stack.prepared import PREPARED_DATA, find_preparable, tell_prepared, use_prepared

SERVICE = "image: postgres:16, environment: {POSTGRES_PASSWORD: a$$b}"


async def plan(folder: Path, service: str = SERVICE, **settings: Any) -> Plan:
    (folder / "compose.test.yml").write_text(
        f"services:\n  test: {{image: app, command: pytest}}\n  db: {{{service}}}\n",
        encoding="utf-8",
    )
    (folder / "init.sql").write_text("SELECT 1;\n", encoding="utf-8")

    async def overlays() -> bool:
        return False

    return await make_plan(
        Compose(("docker", "compose"), "2", {"PATH": os.environ["PATH"]}),
        project=folder,
        name="seatrial-shop-t1",
        slug="shop",
        settings=Settings(**settings),
        labels={},
        copy_sources=overlays,
        has_tracked_files=lambda _: False,
    )


async def test_a_postgres_that_leaves_its_set_up_to_the_image_can_be_prepared(
    tmp_path: Path,
) -> None:
    made = await plan(tmp_path, f"{SERVICE}, volumes: ['./init.sql:/docker-entrypoint-initdb.d/a']")

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
    assert find_preparable(await plan(tmp_path, service)) == ()


async def test_without_throwaway_settings_nothing_is_prepared(tmp_path: Path) -> None:
    assert find_preparable(await plan(tmp_path, throwaway=False)) == ()


async def test_a_prepared_image_brings_its_data_and_the_form_without_it_is_kept(
    tmp_path: Path,
) -> None:
    made = await plan(tmp_path)
    (wanted,) = find_preparable(made)

    used = use_prepared(made, wanted, "seatrial-prepared-shop-db:1")

    db = used.form["services"]["db"]
    assert db["image"] == "seatrial-prepared-shop-db:1"
    assert db["environment"] == {"POSTGRES_PASSWORD": "a$$b", "PGDATA": PREPARED_DATA}
    assert used.changes[-1].where == "services.db.image"
    assert used.prepared["db"] == made.form["services"]["db"]
    assert made.form["services"]["db"]["image"] == "postgres:16"


async def test_a_plan_tells_what_a_trial_may_start_prepared(tmp_path: Path) -> None:
    made = await plan(tmp_path)
    (change,) = tell_prepared(made).changes[len(made.changes) :]
    assert "prepared" in change.what
