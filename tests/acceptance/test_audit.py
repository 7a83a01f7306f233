"""What compose files are told, as Compose understands them, and how isolation is measured."""

import asyncio
import json
import os
import subprocess
from pathlib import Path

import pytest

from seatrial.audit.compose_rules import Stack, audit_compose
from seatrial.audit.places import read_tree
from seatrial.audit.sources import read_source
from seatrial.evidence.audit import AuditReport, Severity
from seatrial.probe import isolation_source
from seatrial.stack.canonical import read_canonical
from seatrial.stack.compose import find_compose
from seatrial.stack.dockerfile import read_dockerfile

from .program import assert_nothing_left, run_trial, seatrial
from .projects import PYTEST_IMAGE, MakeProject, compose_with, service

SHOP = Path(__file__).parents[2] / "examples" / "shop"
GOOD = """\
services:
  test:
    image: example/app:1
    command: pytest
    read_only: true
    environment:
      URL: postgresql://app:app@db/app
    volumes:
      - ./reports:/app/reports
      - ./src:/app/src:ro
    depends_on:
      db: {condition: service_healthy}
  db:
    image: postgres:16
    environment:
      - POSTGRES_PASSWORD=app
    healthcheck: {test: [CMD-SHELL, pg_isready]}
"""
BAD = """\
x-base: &base
  pid: host
  cap_add: [SYS_ADMIN, NET_ADMIN]
services:
  test:
    <<: *base
    build: .
    user: root
    privileged: true
    command:
      - sh
      - -c
      - |
        sleep 5

        pytest || true
    environment:
      API_KEY: Zx81kPq02LmV77sTrWq4
    volumes:
      - .:/app
      - /etc:/host
      - type: bind
        source: /var/run/docker.sock
        target: /var/run/docker.sock
    depends_on:
      - db
      - web
    ports: ["8000:80", "127.0.0.1:8001:81"]
  db:
    image: postgres
    security_opt:
      - seccomp:unconfined
  web:
    image: redis:7
    network_mode: host
    entrypoint: sleep 10
    healthcheck:
      test: ["CMD", "curl", "-f", "http://localhost"]
"""


def told(folder: Path, **files: str) -> list[tuple[str, int | None, Severity]]:
    """Rules, lines and severities of a project's compose files."""

    async def audit() -> list[tuple[str, int | None, Severity]]:
        paths = []
        for name, text in files.items():
            paths.append(folder / f"{name}.yaml")
            paths[-1].write_text(text, encoding="utf-8")
        compose = await find_compose(os.environ, folder)
        form = (await read_canonical(compose, paths, project=folder, name="audited")).form
        trees = [read_tree(read_source(folder, path)) for path in paths]
        dockerfile = folder / "Dockerfile"
        built = {"test": read_dockerfile(dockerfile.read_text())} if dockerfile.exists() else {}
        findings = audit_compose(Stack(folder, form, trees, dockerfiles=built))
        return [(one.rule, one.line, one.severity) for one in findings]

    return sorted(
        (one for one in asyncio.run(audit()) if one[0] != "image-without-digest"),
        key=lambda one: (one[1] or 0, one[0]),
    )


def test_a_good_file_is_told_only_of_its_throwaway_passwords(tmp_path: Path) -> None:
    assert told(tmp_path, compose=GOOD) == [
        ("secret-in-compose", 7, Severity.NOTE),
        ("secret-in-compose", 16, Severity.NOTE),
    ]


def test_a_bad_file_is_told_everything_with_its_line(tmp_path: Path) -> None:
    assert told(tmp_path, compose=BAD) == [
        ("host-namespace", 2, Severity.HIGH),
        ("added-capability", 3, Severity.HIGH),
        ("added-capability", 3, Severity.MEDIUM),
        ("runs-as-root", 8, Severity.MEDIUM),
        ("privileged", 9, Severity.HIGH),
        ("fixed-sleep", 14, Severity.MEDIUM),
        ("swallowed-exit-code", 16, Severity.HIGH),
        ("secret-in-compose", 18, Severity.HIGH),
        ("writable-mount", 20, Severity.LOW),
        ("host-path", 21, Severity.HIGH),
        ("engine-socket", 22, Severity.HIGH),
        ("depends-without-condition", 26, Severity.LOW),
        ("depends-without-condition", 27, Severity.LOW),
        ("published-port", 28, Severity.MEDIUM),
        ("published-port", 28, Severity.LOW),
        ("no-health-check", 29, Severity.MEDIUM),
        ("unpinned-image", 30, Severity.MEDIUM),
        ("unconfined", 32, Severity.MEDIUM),
        ("host-namespace", 35, Severity.HIGH),
        ("health-check-tool-missing", 38, Severity.LOW),
    ]


def test_what_a_later_file_sets_is_told_in_that_file(tmp_path: Path) -> None:
    extra = "services:\n  db:\n    privileged: true\n    healthcheck: {disable: true}\n"

    assert [one[:2] for one in told(tmp_path, one=GOOD, two=extra)] == [
        ("no-health-check", 2),
        ("privileged", 3),
        ("secret-in-compose", 7),
        ("secret-in-compose", 16),
    ]


def test_a_variable_is_no_secret_in_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KEY", "Zx81kPq02LmV77sTrWq4")
    text = BAD.replace("API_KEY: Zx81kPq02LmV77sTrWq4", "API_KEY: ${KEY:?}")

    assert "secret-in-compose" not in [one[0] for one in told(tmp_path, compose=text)]


def test_a_health_check_of_the_dockerfile_counts(tmp_path: Path) -> None:
    text = """\
services:
  app: {image: "x:1", depends_on: {test: {condition: service_healthy}}}
  test: {build: .}
"""
    (tmp_path / "Dockerfile").write_text("FROM x:1\nHEALTHCHECK CMD true\n")
    assert told(tmp_path, compose=text) == []

    (tmp_path / "Dockerfile").write_text("FROM x:1\nHEALTHCHECK CMD true\nHEALTHCHECK NONE\n")
    assert told(tmp_path, compose=text) == [("no-health-check", 3, Severity.MEDIUM)]


def test_the_example_has_no_high_finding() -> None:
    ended = seatrial("audit", "--json", cwd=SHOP)

    assert ended.code == 0, ended.stdout
    report = AuditReport.model_validate_json(ended.stdout)
    assert {one.severity for one in report.findings} <= {Severity.LOW, Severity.NOTE}
    assert all(tool.version for tool in report.tools)
    assert set(report.files) == {
        ".github/workflows/ship.yml",
        "Dockerfile.test",
        "docker-compose.test.yml",
        "scripts/run-tests.sh",
    }


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ((), 1),
        (("--fail-on", "never"), 0),
        (("--fail-on", "some"), 2),
        (("--json", "--format", "sarif"), 2),
    ],
)
def test_the_exit_code_follows_the_severity(
    project: MakeProject, arguments: tuple[str, ...], code: int
) -> None:
    made = project(compose=compose_with(test="privileged: true"))

    assert seatrial("audit", *arguments, cwd=made.folder).code == code


def test_findings_can_be_written_to_a_file(project: MakeProject) -> None:
    made = project(
        files={"scripts/go.sh": "pytest || true\n"},
        compose=compose_with(command="sh scripts/go.sh"),
    )

    ended = seatrial("audit", "--format", "sarif", "--output", "a.sarif", cwd=made.folder)

    assert (ended.code, ended.stdout) == (1, "")
    (run,) = json.loads((made.folder / "a.sarif").read_text())["runs"]
    places = [
        (one["ruleId"], place["artifactLocation"]["uri"], place["region"]["startLine"])
        for one in run["results"]
        for place in [one["locations"][0]["physicalLocation"]]
        if one["level"] == "error"
    ]
    assert places == [("swallowed-exit-code", "scripts/go.sh", 1)]


def test_another_network_does_not_reach_the_stack(project: MakeProject) -> None:
    web = f"image: {PYTEST_IMAGE}\ncommand: python -u -m http.server 8000\nexpose: [8000]"
    made = project(
        compose=compose_with(service("web", web), test="depends_on: [web]"),
        tests="""
            import time

            def test_long_enough():
                time.sleep(6)
        """,
    )

    ended = run_trial(made)

    assert_nothing_left(made)
    isolation = ended.record.isolation
    assert isolation is not None
    assert isolation.isolated is True, isolation
    (target,) = isolation.targets
    assert (target.service, target.port, target.arrived) == ("web", 8000, False)
    assert len(ended.record.clean_up.removed_networks) == 1


def test_tests_that_are_over_at_once_are_not_held_up(project: MakeProject) -> None:
    made = project()

    isolation = run_trial(made).record.isolation

    assert isolation is not None
    assert isolation.isolated is None
    assert isolation.why_not


def test_the_attempt_sees_what_arrives() -> None:
    """On one network it arrives, at an open port and at a closed one; nobody is at the last."""
    script = """
        python -m http.server 8000 &
        sleep 1
        own=$(hostname -i)
        python -I -c "$0" "[[\\"$own\\", 8000], [\\"$own\\", 8001], [\\"${own%.*}.254\\", 80]]"
    """
    source = isolation_source().decode()
    command = ["docker", "run", "--rm", PYTEST_IMAGE, "sh", "-c", script, source]

    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)

    answer = json.loads(done.stdout)
    assert answer["network"] is True
    assert [one["arrived"] for one in answer["targets"]] == [True, True, False]
