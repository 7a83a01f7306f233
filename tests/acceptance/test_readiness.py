"""When a service counts as ready, and by what proof."""

import signal

from seatrial.evidence.record import ServiceRecord

from .engine_state import containers, docker
from .program import Ended, run_trial, running_trial
from .projects import PYTEST_IMAGE, MakeProject, compose_with, service


def test_a_health_check_with_a_long_interval_proves_readiness(project: MakeProject) -> None:
    made = project(
        compose=compose_with(
            service(
                "redis",
                """
                image: redis:7
                healthcheck: {test: redis-cli ping, interval: 60s, start_period: 60s}
                """,
            ),
            test="depends_on: {redis: {condition: service_healthy}}",
        )
    )

    redis = _service(run_trial(made), "redis")

    assert (redis.state, redis.proof) == ("ready", "health check")
    assert redis.ready_seconds is not None


def test_a_postgres_without_a_health_check_is_proven_by_its_client_after_its_init_scripts(
    project: MakeProject,
) -> None:
    made = project(
        compose=compose_with(
            service(
                "db",
                """
                image: postgres:16
                environment: {POSTGRES_PASSWORD: secret}
                volumes: ["./init.sql:/docker-entrypoint-initdb.d/init.sql"]
                """,
            ),
            service(
                "look",
                """
                image: postgres:16
                environment: {PGPASSWORD: secret}
                command: psql -h db -U postgres -At -c "SELECT name FROM ships"
                depends_on: {db: {condition: service_healthy}}
                """,
            ),
            test="depends_on: {look: {condition: service_completed_successfully}}",
        ),
        files={"init.sql": "CREATE TABLE ships (name) AS SELECT 'Endurance'::text;\n"},
    )

    ended = run_trial(made)

    assert ended.code == 0, ended.stdout
    assert (_service(ended, "db").state, _service(ended, "db").proof) == ("ready", "client")
    assert (_service(ended, "look").state, _service(ended, "look").exit_code) == ("completed", 0)
    assert "Endurance" in (made.runs / ended.record.id / "logs/look.log").read_text()


def test_a_plain_server_is_proven_by_its_port_and_one_that_listens_nowhere_is_only_started(
    project: MakeProject,
) -> None:
    made = project(
        compose=compose_with(
            service(
                "web",
                f"""
                image: {PYTEST_IMAGE}
                command: python -m http.server 8000
                expose: [8000]
                """,
            ),
            service("worker", f"image: {PYTEST_IMAGE}\ncommand: sleep 60"),
            test="depends_on: [web, worker]",
        ),
        tests="""
            from urllib.request import urlopen

            def test_the_server_answers():
                assert urlopen("http://web:8000/").status == 200
        """,
    )

    ended = run_trial(made)

    assert ended.code == 0, ended.stdout
    assert (_service(ended, "web").state, _service(ended, "web").proof) == ("ready", "port")
    assert (_service(ended, "worker").state, _service(ended, "worker").proof) == ("started", "none")
    assert [f for f in ended.record.findings if "worker" in f and "nothing shows" in f]


def test_a_database_is_started_before_what_takes_less(project: MakeProject) -> None:
    made = project(
        compose=compose_with(
            service("a", "image: redis:7"),
            service("b", "image: postgres:16\nenvironment: {POSTGRES_PASSWORD: secret}"),
            test="depends_on: [a, b]",
        ),
        tests="""
            def test_waits():
                print("here", flush=True)
                while True:
                    pass
        """,
    )

    with running_trial(made, "--", "-s") as running:
        running.wait_for_log("test.log", "here")
        redis, postgres = (
            docker(
                "inspect", "--format", "{{.State.StartedAt}}", *containers(running.label, service=n)
            )
            for n in ("a", "b")
        )
        running.send(signal.SIGTERM)
        running.finish()

    # RFC 3339 in UTC, to the nanosecond: sorts by time.
    assert postgres < redis


def _service(ended: Ended, name: str) -> ServiceRecord:
    return next(one for one in ended.record.services if one.name == name)
