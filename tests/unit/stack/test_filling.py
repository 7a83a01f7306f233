from pathlib import Path

import pytest

from seatrial.errors import EnvironmentFault
from seatrial.stack.filling import filling_plan
from seatrial.stack.plan import Plan
from seatrial.stack.prepared import PREPARED_DATA
from unit.plans import TEST, make_database_plan

DATABASES = {"db": "sha256:7"}


async def fill(folder: Path, test: str = TEST) -> Plan:
    made = await make_database_plan(folder, test=f"{test}, depends_on: [db]")
    return filling_plan(made, DATABASES, test_image="sha256:8", command="alembic upgrade '$x y'")


async def test_the_test_service_runs_the_command_as_it_is_for_the_tests(tmp_path: Path) -> None:
    test = "image: app, build: ., user: '5', working_dir: /app, environment: {URL: db}"

    service = (await fill(tmp_path, test)).form["services"]["test"]

    assert service["command"] == ["alembic", "upgrade", "$$x y"]
    assert (service["user"], service["working_dir"]) == ("5", "/app")
    assert service["environment"] == {"URL": "db"}
    assert service["image"] == "sha256:8"
    assert {"build", "depends_on"}.isdisjoint(service)


async def test_the_databases_keep_their_data_where_an_image_sees_them(tmp_path: Path) -> None:
    db = (await fill(tmp_path)).form["services"]["db"]

    assert db["image"] == "sha256:7"
    assert db["environment"]["PGDATA"] == PREPARED_DATA
    assert db["environment"]["POSTGRES_PASSWORD"] == "a$$b"
    assert not db["volumes"]


async def test_nothing_else_is_in_the_stack_and_no_network_leads_out(tmp_path: Path) -> None:
    form = (await fill(tmp_path)).form

    assert set(form["services"]) == {"db", "test"}
    (network,) = form["networks"].values()
    assert network["internal"]
    assert network["driver_opts"] == {"com.docker.network.bridge.inhibit_ipv4": "true"}


async def test_a_folder_that_only_the_tests_mount_is_mounted_again(tmp_path: Path) -> None:
    (tmp_path / "code.py").touch()
    made = await fill(tmp_path, f"{TEST}, volumes: ['.:/src']")
    assert [(one.service, one.target) for one in made.sources] == [("test", "/src")]


async def test_a_test_service_on_the_machines_own_network_is_refused(tmp_path: Path) -> None:
    with pytest.raises(EnvironmentFault, match="cut off"):
        await fill(tmp_path, f"{TEST}, network_mode: host")
