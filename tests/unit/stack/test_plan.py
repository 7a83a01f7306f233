import json
import os
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

from seatrial.errors import EnvironmentFault, UsageFault
from seatrial.settings import Settings
from seatrial.stack.compose import Compose, find_compose
from seatrial.stack.plan import Plan, make_plan

LABELS = {"dev.seatrial.trial": "t1"}

SHOP = """
services:
  db:
    image: postgres:16
    container_name: shop-db
    restart: always
    ports: ["5432:5432"]
    volumes: ["data:/var/lib/postgresql/data"]
  api:
    build: .
    depends_on: [db]
  test:
    build: {context: ., target: test}
    command: pytest -q
    depends_on:
      api: {condition: service_started}
    volumes: [".:/app", "./reports:/app/reports"]
  mail:
    image: mail
    profiles: [mail]
volumes:
  data:
    name: shop-data
"""


@pytest.fixture
async def compose(tmp_path: Path) -> Compose:
    """Compose itself: reading files needs no engine."""
    try:
        return await find_compose({"PATH": os.environ["PATH"]}, tmp_path)
    except EnvironmentFault as fault:
        pytest.skip(fault.what)


async def plan(
    compose: Compose, project: Path, text: str = SHOP, *arguments: str, **settings: Any
) -> Plan:
    (project / "compose.test.yml").write_text(dedent(text), encoding="utf-8")
    return await make_plan(
        compose,
        project=project,
        name="seatrial-shop-t1",
        slug="shop",
        settings=Settings(**settings),
        labels=LABELS,
        arguments=arguments,
        copy_sources=_overlays,
        has_tracked_files=lambda _: False,
    )


async def _overlays() -> bool:
    return False


async def test_a_plan_tells_what_runs(compose: Compose, tmp_path: Path) -> None:
    made = await plan(compose, tmp_path, SHOP, "-k", "login")

    assert made.selection.test == "test"
    assert set(made.selection.required) == {"db", "api"}
    assert made.selection.left_out == ("mail",)
    assert set(made.services) == {"db", "api", "test"}
    assert made.arguments == ("-k", "login")
    assert made.files == (tmp_path / "compose.test.yml",)


async def test_a_planned_stack_shares_nothing_with_another(
    compose: Compose, tmp_path: Path
) -> None:
    made = await plan(compose, tmp_path)

    assert made.form["name"] == "seatrial-shop-t1"
    assert made.form["volumes"]["data"]["name"] == "seatrial-shop-t1_data"
    database = made.form["services"]["db"]
    assert not {"container_name", "ports", "restart"} & set(database)
    assert all(
        raw.get("external") or raw["labels"]["dev.seatrial.trial"] == "t1"
        for kind in ("services", "networks", "volumes")
        for raw in made.form[kind].values()
    )
    assert not any(
        mount["type"] == "bind"
        for service in made.form["services"].values()
        for mount in service.get("volumes") or ()
    )


async def test_outputs_and_sources_are_listed(compose: Compose, tmp_path: Path) -> None:
    made = await plan(compose, tmp_path)

    assert [(o.service, o.target, o.name) for o in made.outputs] == [
        ("test", "/app/reports", "reports")
    ]
    assert [(s.service, s.source, s.target) for s in made.sources] == [("test", tmp_path, "/app")]


async def test_every_change_has_a_reason(compose: Compose, tmp_path: Path) -> None:
    made = await plan(compose, tmp_path)

    assert all(change.where and change.what and change.why for change in made.changes)
    assert {"services.db.ports", "services.db.restart", "volumes.data"} <= {
        change.where for change in made.changes
    }


async def test_compose_accepts_the_patched_form(compose: Compose, tmp_path: Path) -> None:
    made = await plan(compose, tmp_path)

    done = await compose.run(
        ["--file", "-", "config", "--quiet"], cwd=tmp_path, stdin=json.dumps(made.form).encode()
    )

    assert (done.code, done.stderr) == (0, "")


async def test_a_command_that_was_asked_for_replaces_the_services(
    compose: Compose, tmp_path: Path
) -> None:
    made = await plan(compose, tmp_path, SHOP, service="api", command="pytest -x")

    assert made.form["services"]["api"]["command"] == ["pytest", "-x"]
    assert "services.api.command" in {change.where for change in made.changes}


async def test_a_fixed_address_is_warned_of(compose: Compose, tmp_path: Path) -> None:
    text = """
    services:
      test: {image: x, command: pytest, networks: {net: {ipv4_address: 10.9.0.2}}}
    networks:
      net: {ipam: {config: [{subnet: 10.9.0.0/24}]}}
    """

    made = await plan(compose, tmp_path, text)

    assert any("fixed address" in warning for warning in made.warnings)


async def test_an_external_network_is_refused(compose: Compose, tmp_path: Path) -> None:
    text = """
    services:
      test: {image: x, command: pytest, networks: [corp]}
    networks:
      corp: {external: true}
    """

    with pytest.raises(UsageFault, match="external"):
        await plan(compose, tmp_path, text)

    made = await plan(compose, tmp_path, text, external="replace")
    assert not made.form["networks"]["corp"].get("external")


async def test_an_external_network_that_nobody_uses_is_no_matter(
    compose: Compose, tmp_path: Path
) -> None:
    text = """
    services:
      test: {image: x, command: pytest}
    networks:
      corp: {external: true}
    """

    assert "corp" not in (await plan(compose, tmp_path, text)).form["networks"]
