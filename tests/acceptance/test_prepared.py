"""A database whose first-time set-up is done once, and what happens if that goes wrong."""

from collections.abc import Iterator

import pytest

from .engine_state import docker
from .program import Ended, run_trial, running_trial, seatrial
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
COMMAND = """
prepared = true
[prepare]
command = "python prepare.py"
files = ["prepare.py", "migrate.py", "migrations"]
[timeouts]
prepare = 20
"""
OPEN_DB = service("db", "{image: 'postgres:16', environment: {POSTGRES_HOST_AUTH_METHOD: trust}}")
MIGRATE = """
    import pathlib, socket, struct

    def answers(stream):
        while (kind := stream.read(1)) != b"Z":
            assert kind, "the database hung up"
            yield kind, stream.read(struct.unpack("!I", stream.read(4))[0] - 4)
        stream.read(5)

    def run(sql):
        with socket.create_connection(("db", 5432), timeout=5) as it, it.makefile("rb") as stream:
            hello = struct.pack("!I", 196608) + b"user\\0postgres\\0\\0"
            it.sendall(struct.pack("!I", len(hello) + 4) + hello)
            list(answers(stream))
            query = sql.encode() + b"\\0"
            it.sendall(b"Q" + struct.pack("!I", len(query) + 4) + query)
            said = list(answers(stream))
        errors = [text for kind, text in said if kind == b"E"]
        assert not errors, errors
        return [text[6:].decode() for kind, text in said if kind == b"D"]

    if __name__ == "__main__":
        if run("SELECT 1 FROM pg_class WHERE relname = 'ships'"):
            print("migrated before")
        else:
            for path in sorted(pathlib.Path("migrations").glob("*.sql")):
                run(path.read_text())
"""
ALONE = """
    import os

    assert os.environ["YARD"] == "south"
    os.execlp("python", "python", "migrate.py")
"""
NO_WAY_OUT = """
    import errno, os, socket

    with open("/proc/net/route") as routes:
        gateway = routes.read().splitlines()[1].split()[2]
    host = ".".join(str(part) for part in reversed(bytes.fromhex(gateway)))
    for name in ("192.0.2.1", host):
        try:
            socket.create_connection((name, 9), timeout=10)
        except OSError as error:
            assert error.errno == errno.EHOSTUNREACH, error
    os.execlp("python", "python", "migrate.py")
"""
SHIPS = """
    from migrate import run

    def test_ships():
        assert run("SELECT name FROM ships") == ["Endurance"]
"""


@pytest.fixture
def shipyard(project: MakeProject) -> Iterator[Project]:
    made: Project = project(
        compose=compose_with(DB, LOOK, test=AFTER_LOOK),
        files={"seatrial.toml": SETTINGS, "init.sql": ships("Endurance")},
    )
    yield made
    _forget(made)


@pytest.fixture
def migrated(project: MakeProject) -> Iterator[Project]:
    """A project whose test command migrates the database before it runs the tests."""
    made: Project = project(
        compose=compose_with(
            OPEN_DB,
            command="sh -c 'python migrate.py && pytest -q -p no:cacheprovider'",
            test="""
            environment: {YARD: south}
            depends_on: {db: {condition: service_healthy}}
            """,
        ),
        tests=SHIPS,
        files={
            "seatrial.toml": COMMAND,
            "migrate.py": MIGRATE,
            "prepare.py": ALONE,
            "migrations/1.sql": ships("Endurance"),
        },
    )
    yield made
    _forget(made)


def _forget(made: Project) -> None:
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


def test_what_a_command_of_the_project_did_is_kept_while_its_files_are_the_same(
    migrated: Project,
) -> None:
    first = run_trial(migrated)
    (made,) = prepared(migrated)
    migrated.write("test_sample.py", SHIPS + "        assert True\n")
    second = run_trial(migrated)

    assert (first.code, second.code) == (0, 0), second.stdout
    assert [finding for finding in first.record.findings if made in finding]
    assert "migrated before" not in log(migrated, first, "test.log")
    assert "migrated before" in log(migrated, first, "prepare-again.log")
    assert "migrated before" in log(migrated, second, "test.log")
    assert not [finding for finding in second.record.findings if "prepared" in finding]
    assert [change for change in second.record.changes if "`python prepare.py`" in change.why]


@pytest.mark.long
@pytest.mark.parametrize("name", ["migrations/2.sql", "migrate.py"])
def test_a_change_of_a_file_that_decides_what_the_command_does_prepares_anew(
    migrated: Project, name: str
) -> None:
    run_trial(migrated)
    before = prepared(migrated)
    text = "ALTER TABLE ships ADD captain text;\n" if "sql" in name else MIGRATE + "\n    # more\n"
    migrated.write(name, text)
    changed = run_trial(migrated)

    assert changed.code == 0, changed.stdout
    assert "migrated before" not in log(migrated, changed, "test.log")
    assert len(prepared(migrated)) == 1
    assert prepared(migrated) != before


@pytest.mark.long
@pytest.mark.parametrize(
    ("script", "told"),
    [
        ("raise SystemExit('no such table: harbours')", "exit code 1: no such table: harbours"),
        ("import time; time.sleep(600)", "did not end within 20 s"),
        (
            "import migrate; migrate.run('CREATE TABLE quays ()')",
            "quays",  # it would fail in every later trial
        ),
        (
            "import socket; socket.create_connection(('cache', 6379), timeout=5)",
            "exit code 1",  # nothing of the trial's own stack can be reached
        ),
    ],
)
def test_a_command_that_fails_is_noted_and_keeps_nothing(
    migrated: Project, script: str, told: str
) -> None:
    migrated.write("prepare.py", script + "\n")
    compose = (migrated.folder / "docker-compose.test.yml").read_text()
    cache = service("cache", "{image: 'redis:7'}")
    migrated.write("docker-compose.test.yml", f"{compose}{cache}\n")

    ended = run_trial(migrated)

    assert ended.code == 0, ended.stdout
    (note,) = [finding for finding in ended.record.findings if "could not be prepared" in finding]
    assert told in note
    assert prepared(migrated) == []


@pytest.mark.long
def test_a_command_reaches_neither_another_network_nor_the_machine_itself(
    migrated: Project,
) -> None:
    migrated.write("prepare.py", NO_WAY_OUT)
    ended = run_trial(migrated)

    assert ended.code == 0, ended.stdout
    assert len(prepared(migrated)) == 1, ended.record.findings


@pytest.mark.long
def test_files_that_change_while_the_tests_run_leave_nothing_prepared(migrated: Project) -> None:
    with running_trial(migrated) as running:
        running.wait_for(migrated.trials, "the trial's folder")
        migrated.write("prepare.py", f"{ALONE}\n    # more\n")
        ended = running.finish()

    assert ended.code == 0, ended.stdout
    assert [finding for finding in ended.record.findings if "changed" in finding]
    assert prepared(migrated) == []


def ships(name: str) -> str:
    return f"CREATE TABLE ships (name) AS SELECT '{name}'::text;\n"


def look(project: Project, ended: Ended) -> str:
    return log(project, ended, "look.log")


def log(project: Project, ended: Ended, name: str) -> str:
    return (project.runs / ended.record.id / "logs" / name).read_text()


def prepared(project: Project) -> list[str]:
    reference = f"reference=seatrial-prepared-{project.folder.name}-*"
    names = docker("image", "ls", "--format", "{{.Repository}}:{{.Tag}}", "--filter", reference)
    return names.split()
