"""Databases with the settings of throwaway ones, on real servers."""

import subprocess
from pathlib import Path

import pytest

from .program import run_trial
from .projects import MakeProject, compose_with, service

SETUP_IMAGES = Path(__file__).parents[2] / "scripts" / "setup-images"
AFTER_LOOK = "depends_on: {look: {condition: service_completed_successfully}}"


@pytest.mark.long
def test_a_mariadb_is_proven_after_its_set_up_and_syncs_nothing(project: MakeProject) -> None:
    """A stand-in of it is built once, where there is none yet."""
    subprocess.run([SETUP_IMAGES, "--quiet", "mariadb:11"], check=True)
    made = project(
        compose=compose_with(
            service(
                "db",
                """
                image: mariadb:11
                environment:
                  MARIADB_ROOT_PASSWORD: secret
                  MARIADB_DATABASE: fleet
                  MARIADB_USER: captain
                  MARIADB_PASSWORD: it's $$ecret
                volumes: ["./init.sql:/docker-entrypoint-initdb.d/init.sql"]
                """,
            ),
            service(
                "look",
                """
                image: mariadb:11
                environment: {MYSQL_PWD: it's $$ecret}
                command: >-
                  mariadb --host=db --user=captain --skip-ssl --batch --execute="SELECT name FROM
                  ships; SELECT @@innodb_flush_log_at_trx_commit + @@innodb_doublewrite + 1000;"
                  fleet
                depends_on: {db: {condition: service_healthy}}
                """,
            ),
            test=AFTER_LOOK,
        ),
        files={"init.sql": "CREATE TABLE ships AS SELECT 'Endurance' AS name;\n"},
    )

    ended = run_trial(made)

    assert ended.code == 0, ended.stdout
    db = next(one for one in ended.record.services if one.name == "db")
    assert (db.state, db.proof) == ("ready", "client")
    said = (made.runs / ended.record.id / "logs/look.log").read_text()
    assert "Endurance" in said
    assert "1000" in said
    assert [c.where for c in ended.record.changes if "services.db" in c.where] == [
        "services.db.command",
        "services.db.volumes[/var/lib/mysql]",
        "services.db.volumes[/docker-entrypoint-initdb.d/init.sql]",
    ]


def test_a_redis_takes_its_throwaway_options(project: MakeProject) -> None:
    made = project(
        compose=compose_with(
            service("cache", "image: redis:7"),
            service(
                "look",
                """
                image: redis:7
                command: redis-cli -h cache CONFIG GET save appendonly
                depends_on: {cache: {condition: service_healthy}}
                """,
            ),
            test=AFTER_LOOK,
        ),
    )

    ended = run_trial(made)

    assert ended.code == 0, ended.stdout
    said = (made.runs / ended.record.id / "logs/look.log").read_text().split()
    assert "no" in said
    assert "3600" not in said
