"""A database whose first-time set-up is done once, and what happens if that goes wrong."""

from collections.abc import Iterator

import pytest

from .engine_state import docker
from .program import Ended, run_trial, seatrial
from .projects import MakeProject, Project, compose_with, service

SETTINGS = "prepared = true\n"
DB = service(
    "db",
    """
    image: postgres:16
    environment: {POSTGRES_PASSWORD: secret}
    volumes: ["./init.sql:/docker-entrypoint-initdb.d/init.sql"]
    """,
)
LOOK = service(
    "look",
    """
    image: postgres:16
    environment: {PGPASSWORD: secret}
    command: psql -h db -U postgres -At -c "SELECT name FROM ships"
    depends_on: {db: {condition: service_healthy}}
    """,
)
AFTER_LOOK = "depends_on: {look: {condition: service_completed_successfully}}"


@pytest.fixture
def shipyard(project: MakeProject) -> Iterator[Project]:
    made: Project = project(
        compose=compose_with(DB, LOOK, test=AFTER_LOOK),
        files={"seatrial.toml": SETTINGS, "init.sql": ships("Endurance")},
    )
    yield made
    # By the label: what was replaced under its name has none any more.
    label = f"label=dev.seatrial.prepared={made.folder.name}/db"
    for image in docker("image", "ls", "--all", "--quiet", "--filter", label).split():
        docker("image", "rm", "--force", image)


def test_a_later_trial_starts_from_what_an_earlier_one_prepared(shipyard: Project) -> None:
    first = run_trial(shipyard)
    (made,) = prepared(shipyard)
    second = run_trial(shipyard)

    assert (first.code, second.code) == (0, 0), second.stdout
    assert [finding for finding in first.record.findings if made in finding]
    assert not [finding for finding in second.record.findings if "prepared" in finding]
    assert [c.what for c in second.record.changes if c.where == "services.db.image"] == [
        f"postgres:16 → {made}"
    ]
    assert "Endurance" in look(shipyard, second)
    db = next(one for one in second.record.services if one.name == "db")
    assert (db.state, db.proof) == ("ready", "client")
    assert any("prepared" in line for line in seatrial("plan", cwd=shipyard.folder).stdout.split())


@pytest.mark.long
def test_other_init_scripts_lead_to_another_image_and_the_older_one_goes(
    shipyard: Project,
) -> None:
    run_trial(shipyard)
    before = prepared(shipyard)
    shipyard.write("init.sql", ships("Fram"))
    changed = run_trial(shipyard)

    assert changed.code == 0, changed.stdout
    assert "Fram" in look(shipyard, changed)
    assert len(prepared(shipyard)) == 1
    assert prepared(shipyard) != before


@pytest.mark.long
def test_a_prepared_database_that_does_not_start_is_done_without(shipyard: Project) -> None:
    run_trial(shipyard)
    (made,) = prepared(shipyard)
    broken = f"FROM {made}\nRUN echo 9 > /var/lib/seatrial-prepared/PG_VERSION\n"
    docker("build", "--quiet", "--tag", made, "-", stdin=broken)

    ended = run_trial(shipyard)

    assert ended.code == 0, ended.stdout
    assert "Endurance" in look(shipyard, ended)
    assert [finding for finding in ended.record.findings if "started without" in finding]


@pytest.mark.long
def test_what_cannot_be_prepared_is_noted_and_fails_nothing(shipyard: Project) -> None:
    only_with_a_network = "cat /sys/class/net/*/operstate | grep -q up\n"
    shipyard.write("net.sh", only_with_a_network, mode=0o755)
    compose = (shipyard.folder / "docker-compose.test.yml").read_text()
    mounts = '"./init.sql:/docker-entrypoint-initdb.d/init.sql"'
    more = f'{mounts}, "./net.sh:/docker-entrypoint-initdb.d/net.sh"'
    shipyard.write("docker-compose.test.yml", compose.replace(mounts, more))

    ended = run_trial(shipyard)

    assert ended.code == 0, ended.stdout
    assert [finding for finding in ended.record.findings if "could not be prepared" in finding]
    assert prepared(shipyard) == []


def ships(name: str) -> str:
    return f"CREATE TABLE ships (name) AS SELECT '{name}'::text;\n"


def look(project: Project, ended: Ended) -> str:
    return (project.runs / ended.record.id / "logs/look.log").read_text()


def prepared(project: Project) -> list[str]:
    reference = f"reference=seatrial-prepared-{project.folder.name}-*"
    names = docker("image", "ls", "--format", "{{.Repository}}:{{.Tag}}", "--filter", reference)
    return names.split()
