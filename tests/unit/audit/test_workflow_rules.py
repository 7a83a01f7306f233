"""Small workflows: what each is told, in which line, and its good counterpart."""

import pytest

from seatrial.audit.places import read_tree
from seatrial.audit.sources import Source
from seatrial.audit.workflow_rules import audit_github, audit_gitlab

GITHUB = """\
on: push
jobs:
  test:
    runs-on: ubuntu-latest
    continue-on-error: true
    steps:
      - uses: actions/checkout@v4
      - name: tests
        continue-on-error: ${{ matrix.experimental }}
        run: |
          sleep 10

          pytest || true
      - name: upload
        continue-on-error: true
        run: ./upload.sh
      - run: pytest -q | tee log
      - {run: "pytest -q | tee log", shell: bash}
  lint:
    runs-on: ubuntu-latest
    continue-on-error: true
    steps:
      - run: ruff check
"""
GITLAB = """\
stages: [test]
unit:
  allow_failure: true
  before_script:
    - sleep 3
    - pip install pytest
  script:
    - pytest -q || true
    - - pytest --lf
lint:
  allow_failure: true
  script: ruff check
build:
  allow_failure: false
  script: |
    set -e
    make test
"""


def test_what_hides_failures_in_a_github_workflow_is_told() -> None:
    findings = audit_github(read_tree(Source("ci.yml", GITHUB)))

    assert sorted((one.rule, one.line) for one in findings) == [
        ("continue-on-error", 5),
        ("continue-on-error", 9),
        ("fixed-sleep", 11),
        ("swallowed-exit-code", 13),
        ("swallowed-exit-code", 17),
    ]


def test_what_hides_failures_in_a_gitlab_pipeline_is_told() -> None:
    findings = audit_gitlab(read_tree(Source(".gitlab-ci.yml", GITLAB)))

    assert sorted((one.rule, one.line) for one in findings) == [
        ("continue-on-error", 3),
        ("fixed-sleep", 5),
        ("swallowed-exit-code", 8),
    ]


def test_a_good_workflow_is_told_nothing() -> None:
    good = GITHUB.replace("continue-on-error: true\n    steps", "timeout-minutes: 5\n    steps")
    lines = [
        line
        for line in good.splitlines()
        if not any(bad in line for bad in ("sleep", "matrix", "tee", "|| true"))
    ]

    assert list(audit_github(read_tree(Source("ci.yml", "\n".join(lines))))) == []


@pytest.mark.parametrize(
    "text",
    ["", "[]", "jobs: 5", "jobs: [a]", "jobs: {a: {steps: 5}}", "jobs: {a: {steps: [5, []]}}"],
)
def test_another_form_is_told_nothing(text: str) -> None:
    assert list(audit_github(read_tree(Source("ci.yml", text)))) == []
    assert list(audit_gitlab(read_tree(Source("ci.yml", text)))) == []
