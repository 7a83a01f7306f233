"""Rules that a commit made easier for itself are found; those that it made harder are not."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seatrial.errors import UsageFault
from seatrial.judge.commands_of_pytest import leaving_out, paths_of_commands
from seatrial.judge.dossier import PolicyChange
from seatrial.judge.loosened_settings import loosened_settings
from seatrial.judge.policy import changed_policy, compare_policy, find_base
from seatrial.settings import Settings
from unit.judge.repositories import Repository, make_repository


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return make_repository(tmp_path / "shop")


Files = dict[str, str | None]


def rules(repository: Repository, before: Files, now: Files) -> list[str]:
    base = repository.commit(before)
    repository.commit(now)
    return [change.rule for change in compare_policy(repository.folder, base)]


_WAIVER = '[[waiver]]\nwaives = "score"\nperson = "A"\nreason = "b"\nexpires = 2026-02-01\n'
_COMMAND = """[verdict.command_criteria.docs]
statement = "The documents build."
command = ["make", "docs"]
weight = 5
required = true
"""
_METRIC = """[verdict.metric_criteria.branches]
statement = "Branches are covered."
metric = "/coverage/branch_percent"
at_least = 80
at_most = 100
"""

LOOSENED: dict[str, tuple[str, str | None, str | None, str]] = {
    "a budget raised": ("seatrial.toml", "budgets.test = 9", "budgets.test = 10", "budgets.test"),
    "a budget removed": ("seatrial.toml", "budgets.total = 9", "", "budgets.total"),
    "more memory": (
        "seatrial.toml",
        'budgets.memory = "2 GiB"',
        'budgets.memory = "2.5 GiB"',
        "budgets.memory",
    ),
    "more of the cores": ("seatrial.toml", "budgets.cpu = 0.8", "budgets.cpu = 0.9", "budgets.cpu"),
    "all settings removed": ("seatrial.toml", "budgets.total = 9", None, "budgets.total"),
    "in pyproject.toml": (
        "pyproject.toml",
        "[tool.seatrial.verdict]\ntrials = 3",
        "[tool.seatrial.verdict]\ntrials = 2",
        "verdict.trials",
    ),
    "less than the default": (
        "seatrial.toml",
        None,
        "verdict.passing_score = 50",
        "verdict.passing_score",
    ),
    "no threshold": ("seatrial.toml", "coverage.fail_under = 80", "", "coverage.fail_under"),
    "retries": ("seatrial.toml", None, "retries = 1", "retries"),
    "a switch": (
        "seatrial.toml",
        None,
        "verdict.allow_retries = true",
        "verdict.allow_retries",
    ),
    "no longer required": (
        "seatrial.toml",
        None,
        'verdict.required = ["cleaned-up"]',
        "verdict.required",
    ),
    "a folder that is no longer of the suite": (
        "seatrial.toml",
        None,
        'verdict.not_tests = ["tests/api"]',
        "verdict.not_tests",
    ),
    "a milder audit": (
        "seatrial.toml",
        'verdict.audit_fails_on = "medium"',
        'verdict.audit_fails_on = "never"',
        "verdict.audit_fails_on",
    ),
    "another base": (
        "seatrial.toml",
        'verdict.base = "trunk"',
        'verdict.base = "HEAD"',
        "verdict.base",
    ),
    "a weight": (
        "seatrial.toml",
        None,
        "verdict.weights.time-budget = 1",
        "verdict.weights.time-budget",
    ),
    "a criterion removed": ("seatrial.toml", _COMMAND, "", "verdict.command_criteria.docs"),
    "a criterion that weighs": (
        "seatrial.toml",
        "",
        _COMMAND,
        "verdict.command_criteria.docs.weight",
    ),
    "a criterion's command": (
        "seatrial.toml",
        _COMMAND,
        _COMMAND.replace('"make", "docs"', '"true"'),
        "verdict.command_criteria.docs.command",
    ),
    "a criterion not required": (
        "seatrial.toml",
        _COMMAND,
        _COMMAND.replace("required = true", ""),
        "verdict.command_criteria.docs.required",
    ),
    "a lower bound": (
        "seatrial.toml",
        _METRIC,
        _METRIC.replace("80", "70"),
        "verdict.metric_criteria.branches.at_least",
    ),
    "an upper bound": (
        "seatrial.toml",
        _METRIC,
        _METRIC.replace("at_most = 100", ""),
        "verdict.metric_criteria.branches.at_most",
    ),
    "another metric": (
        "seatrial.toml",
        _METRIC,
        _METRIC.replace("/coverage/branch_percent", "/seconds"),
        "verdict.metric_criteria.branches.metric",
    ),
    "settings that were broken": ("seatrial.toml", "budgets = 3", "", "settings"),
    "coverage's threshold": (
        ".coveragerc",
        "[report]\nfail_under = 80",
        "[report]\nfail_under = 79",
        "coverage fail_under",
    ),
    "coverage's threshold by the other name": (
        ".coveragerc",
        "[coverage:report]\nfail_under = 80",
        "[coverage:report]\nfail_under = 79",
        "coverage fail_under",
    ),
    "coverage's threshold in its own TOML": (
        ".coveragerc.toml",
        "[report]\nfail_under = 80",
        "[tool.coverage.report]\nfail_under = 79",
        "coverage fail_under",
    ),
    "coverage's threshold gone": (
        "pyproject.toml",
        "[tool.coverage.report]\nfail_under = 80",
        "",
        "coverage fail_under",
    ),
    "coverage's file gone": (
        ".coveragerc",
        "[report]\nfail_under = 80",
        None,
        "coverage fail_under",
    ),
    "files omitted": (
        "setup.cfg",
        "[coverage:run]\nomit = tests/*",
        "[coverage:run]\nomit =\n    tests/*\n    src/hard.py",
        "coverage run.omit",
    ),
    "lines excluded": (
        "pyproject.toml",
        "",
        '[tool.coverage.report]\nexclude_also = ["def "]',
        "coverage report.exclude_also",
    ),
    "fewer sources": (
        "tox.ini",
        "[coverage:run]\nsource = one,two",
        "[coverage:run]\nsource = one",
        "coverage run.source",
    ),
    "some files only": (".coveragerc", "", "[run]\ninclude = src/a.py", "coverage run.include"),
    "no branches": (
        ".coveragerc",
        "[run]\nbranch = True",
        "[run]\nbranch = 0",
        "coverage run.branch",
    ),
    "a marker": (
        "pytest.ini",
        "[pytest]\naddopts = -q",
        '[pytest]\naddopts = -q -m "not slow"',
        "pytest -m not slow",
    ),
    "a marker in a list": (
        "pyproject.toml",
        '[tool.pytest.ini_options]\naddopts = ["-q"]',
        '[tool.pytest.ini_options]\naddopts = ["-q", "-m", "not slow"]',
        "pytest -m not slow",
    ),
    "tests deselected": (
        "tox.ini",
        "[pytest]",
        "[pytest]\naddopts =\n    --deselect=tests/test_a.py::test_b",
        "pytest --deselect tests/test_a.py::test_b",
    ),
    "a folder of tests in a script": (
        "run.sh",
        "pytest -q\n",
        "pytest -q tests/easy\n",
        "pytest paths",
    ),
    "a smaller folder in a compose file": (
        "compose.yml",
        "command: pytest tests",
        "command:\n  - pytest\n  - tests/easy\n",
        "pytest paths",
    ),
    "a single test": (
        "Makefile",
        "test:\n\tpytest tests",
        "test:\n\tpytest tests/test_a.py::test_b",
        "pytest paths",
    ),
    "fewer of several folders": (
        "compose.yml",
        'command: ["pytest", "tests/a", "tests/b"]',
        'command: ["pytest", "tests/a"]',
        "pytest paths",
    ),
    "another test command": ("seatrial.toml", None, 'command = "pytest tests/easy"', "command"),
    "another test service": ("seatrial.toml", 'service = "all"', 'service = "few"', "service"),
    "a smaller folder in testpaths": (
        "pytest.ini",
        "[pytest]\ntestpaths = tests",
        "[pytest]\ntestpaths = tests/easy",
        "pytest testpaths",
    ),
    "testpaths where there were none": (
        "pyproject.toml",
        "",
        '[tool.pytest.ini_options]\ntestpaths = ["tests/easy"]',
        "pytest testpaths",
    ),
    "in a script": ("run.sh", "pytest -q\n", "pytest -q -k fast\n", "pytest -k fast"),
    "in a compose file": (
        "compose.yml",
        "command: pytest",
        "command:\n  - pytest\n  - --ignore\n  - tests/api\n",
        "pytest --ignore tests/api",
    ),
    "in a shell of a compose file": (
        "compose.yml",
        "command: pytest",
        'command: ["sh", "-c", "pytest --co && true"]',
        "pytest --co",
    ),
    "in the environment": (
        "compose.yml",
        "",
        'environment:\n  PYTEST_ADDOPTS: "-k fast"\n',
        "pytest -k fast",
    ),
    "in a Dockerfile": (
        "Dockerfile",
        "",
        'ENV PYTEST_ADDOPTS="--ignore=tests/api"\n',
        "pytest --ignore tests/api",
    ),
    "a command's threshold": (
        "run.sh",
        "pytest --cov-fail-under=80",
        "pytest --cov-fail-under=70",
        "fail-under of commands",
    ),
    "a command without a threshold": (
        "compose.yml",
        'command: ["pytest", "--cov-fail-under", "80"]',
        "command: pytest",
        "fail-under of commands",
    ),
    "an empty file that wins": (
        "pytest.ini",
        None,
        "",
        "pytest xfail_strict",
    ),
    "other names of tests": (
        "pytest.ini",
        "[pytest]",
        "[pytest]\npython_files = check_*.py",
        "pytest python_files",
    ),
    "fewer folders": (
        "pytest.ini",
        "[pytest]\ntestpaths = one two",
        "[pytest]\ntestpaths = one",
        "pytest testpaths",
    ),
    "folders not entered": (
        "pytest.ini",
        "[pytest]",
        "[pytest]\nnorecursedirs = api",
        "pytest norecursedirs",
    ),
    "lines that need no test": (
        "src/a.py",
        "one = 1\n",
        "one = 1  # pragma: no cover\n",
        "pragma: no cover",
    ),
    "a finding that a comment sets aside": (
        "Dockerfile",
        "FROM python:3.13\nUSER root\n",
        "FROM python:3.13\n# seatrial: ignore[runs-as-root] it binds port 80\nUSER root\n",
        "ignore of runs-as-root",
    ),
    "one more rule in a comment": (
        "compose.yml",
        "privileged: true  # seatrial: ignore[host-path] needed",
        "privileged: true  # seatrial: ignore[host-path, privileged] needed",
        "ignore of privileged",
    ),
    "a waiver": ("seatrial-waivers.toml", None, _WAIVER, "waiver of score"),
    "a longer waiver": (
        "seatrial-waivers.toml",
        _WAIVER,
        _WAIVER.replace("02-01", "03-01"),
        "waiver of score",
    ),
}


@pytest.mark.parametrize("what", LOOSENED)
def test_a_rule_made_easier_is_found(repository: Repository, what: str) -> None:
    file, before, now, rule = LOOSENED[what]
    files: Files = {"a.py": ""}
    if what == "an empty file that wins":
        files["pyproject.toml"] = "[tool.pytest.ini_options]\nxfail_strict = true"
    found = rules(
        repository,
        files | ({} if before is None else {file: before}),
        {file: now},
    )
    assert rule in found


_HARDER = {
    what: (file, now, before)
    for what, (file, before, now, _) in LOOSENED.items()
    if before is not None
    and now is not None
    and what
    not in {
        "a weight",  # any change of these counts
        "another base",
        "another test service",
        "a criterion's command",
        "another metric",
        "a criterion removed",
        "a criterion that weighs",
        "other names of tests",
        "settings that were broken",
        "a longer waiver",
    }
}


@pytest.mark.parametrize("what", _HARDER)
def test_a_rule_made_harder_is_not_found(repository: Repository, what: str) -> None:
    file, before, now = _HARDER[what]
    assert rules(repository, {file: before}, {file: now}) == []


@pytest.mark.parametrize("what", LOOSENED)
def test_rules_that_stay_are_not_found(repository: Repository, what: str) -> None:
    file, _, now, _ = LOOSENED[what]
    assert rules(repository, {file: now} if now is not None else {}, {"b.py": "two = 2"}) == []


def test_a_new_file_that_hides_another_is_found(repository: Repository) -> None:
    before: Files = {"pyproject.toml": "[tool.coverage.report]\nfail_under = 80"}
    assert rules(repository, before, {".coveragerc": ""}) == ["coverage fail_under"]


def test_a_change_says_where(repository: Repository) -> None:
    base = repository.commit({"seatrial.toml": "[budgets]\ntest = 9\n"})
    repository.commit({"seatrial.toml": "# looser\n[budgets]\ntest = 12\n"})
    [change] = compare_policy(repository.folder, base)
    assert (change.before, change.now, change.where) == ("9", "12", "seatrial.toml:3")


def test_options_that_moved_to_another_file_are_no_change(repository: Repository) -> None:
    before: Files = {"run.sh": "pytest -k fast\n"}
    now: Files = {"run.sh": "make test\n", "Makefile": "test:\n\tpytest -k fast\n"}
    assert rules(repository, before, now) == []


def test_a_comment_that_ignores_a_rule_of_the_audit_says_where(repository: Repository) -> None:
    line = "# seatrial: ignore[hadolint/DL3008] no other version is there"
    base = repository.commit({"Dockerfile": f"FROM a\n{line}\nRUN b\n"})
    repository.commit({"Dockerfile": f"FROM a\n{line}\nRUN b\n{line}\nRUN c\n"})
    [change] = compare_policy(repository.folder, base)
    assert change == PolicyChange(
        "ignore of hadolint/DL3008", "1 comment", "2 comments", "Dockerfile:2"
    )


def test_a_comment_that_moved_to_another_file_ignores_something_else(
    repository: Repository,
) -> None:
    line = "USER root  # seatrial: ignore[runs-as-root] it binds port 80"
    assert rules(repository, {"Dockerfile": line}, {"Dockerfile": "", "Dockerfile.b": line}) == [
        "ignore of runs-as-root"
    ]


def test_a_comment_without_a_reason_ignores_nothing(repository: Repository) -> None:
    now: Files = {"Dockerfile": "USER root  # seatrial: ignore[runs-as-root]"}
    assert rules(repository, {"Dockerfile": "USER root"}, now) == []


def test_a_pragma_that_moved_is_no_change(repository: Repository) -> None:
    line = "def f():  # pragma: no cover\n    pass\n"
    assert rules(repository, {"a.py": line}, {"a.py": "", "b.py": f"one = 1\n\n{line}"}) == []


def test_pragmas_are_counted_even_where_git_is_told_to_show_no_text(repository: Repository) -> None:
    base = repository.commit({"a.py": "one = 1\n"})
    text = "one = 1\nif one: # PRAGMA: NO COVER\n    pass\nelse:  # pragma: no branch\n    pass\n"
    repository.commit({"a.py": text, ".gitattributes": "*.py binary\n"})
    [change] = compare_policy(repository.folder, base)
    assert (change.rule, change.now, change.where) == ("pragma: no cover", "2 added", "a.py:2")


def test_a_file_with_an_odd_name_is_named(repository: Repository) -> None:
    base = repository.commit({"ä b.py": "one = 1\n"})
    repository.commit({"ä b.py": "one = 1  # pragma: no cover\n"})
    [change] = compare_policy(repository.folder, base)
    assert change.where == "ä b.py:1"


@pytest.mark.parametrize(
    "text",
    [
        "# pytest -k fast",
        "python -m pytest tests",
        "pytest tests && curl -k https://example.org",
        "mkdir -m 755 out; pytest -q\ncurl -k x",
        "python -m compileall src",
        "pytest -p xdist -n 2",
    ],
)
def test_options_of_other_programs_leave_no_tests_out(text: str) -> None:
    assert leaving_out(text, lines=True) == set()


@pytest.mark.parametrize(
    ("text", "paths"),
    [
        ("pytest", {"."}),
        ("pytest -q && ls tests", {"."}),
        ("python -m pytest ./tests/ -x", {"tests"}),
        (
            "pytest --cov src --junitxml reports/junit.xml -n 4 tests/a tests/b",
            {"tests/a", "tests/b"},
        ),
        ('pytest "$@" > reports/out.txt', {"."}),
        ("ls tests", set()),
    ],
)
def test_the_paths_of_commands_are_read(text: str, paths: set[str]) -> None:
    assert paths_of_commands(text, lines=True) == paths


def test_a_path_that_holds_the_former_one_is_no_change(repository: Repository) -> None:
    assert rules(repository, {"a.sh": "pytest tests/a\n"}, {"a.sh": "pytest tests\n"}) == []


@given(text=st.text(), lines=st.booleans())
def test_any_text_can_be_read(text: str, lines: bool) -> None:
    leaving_out(f"pytest {text}", lines=lines)
    paths_of_commands(f"pytest {text}", lines=lines)


_numbers = st.integers(1, 100)


@given(before=_numbers, now=_numbers)
def test_exactly_the_looser_of_two_numbers_is_found(before: int, now: int) -> None:
    for group, name, more_is_looser in (
        ("budgets", "test", True),
        ("verdict", "max_age", True),
        ("verdict", "passing_score", False),
        ("coverage", "fail_under", False),
    ):
        old, new = (make_settings(group, {name: value}) for value in (before, now))
        found = [one.rule for one in loosened_settings(old, new)]
        looser = now > before if more_is_looser else now < before
        assert found == ([f"{group}.{name}"] if looser else [])


def make_settings(group: str, values: dict[str, Any]) -> Settings:
    return Settings.model_validate({group: values})


class TestWithoutBase:
    def test_settings_are_compared_with_the_defaults(self, repository: Repository) -> None:
        text = 'required = []\npassing_score = 0\naudit_fails_on = "never"\ntrials = 3\n'
        repository.commit({"seatrial.toml": f'command = "pytest"\n[verdict]\n{text}'})
        changes = changed_policy(repository.folder, None, None)
        assert [(one.rule, one.before, one.now, one.base) for one in changes] == [
            ("verdict.passing_score", "100", "0", "the defaults"),
            (
                "verdict.required",
                "contained-tests, image-built, cleaned-up",
                "none",
                "the defaults",
            ),
            ("verdict.audit_fails_on", "high", "never", "the defaults"),
        ]

    def test_the_defaults_are_not_looser_than_themselves(self, repository: Repository) -> None:
        repository.commit({"seatrial.toml": "budgets.test = 9\n"})
        assert changed_policy(repository.folder, None, None) == ()

    def test_every_waiver_is_new(self, repository: Repository) -> None:
        repository.commit({"seatrial-waivers.toml": _WAIVER})
        [change] = changed_policy(repository.folder, None, None)
        assert (change.rule, change.base) == ("waiver of score", "the defaults")


class TestSinceAnApproval:
    def test_what_was_loosened_in_an_earlier_commit_is_found(self, repository: Repository) -> None:
        approved = repository.commit({"seatrial.toml": "budgets.test = 9"})
        parent = repository.commit({"seatrial.toml": "budgets.test = 10"})
        repository.commit({"a.py": ""})
        assert changed_policy(repository.folder, parent, None) == ()
        [change] = changed_policy(repository.folder, parent, approved)
        assert (change.rule, change.before, change.now) == ("budgets.test", "9", "10")
        assert change.base == f"{approved[:12]}, approved before"

    def test_what_both_comparisons_find_is_told_once(self, repository: Repository) -> None:
        approved = repository.commit({"seatrial.toml": "budgets.test = 9"})
        parent = repository.commit({"seatrial.toml": "budgets.test = 10"})
        repository.commit({"seatrial.toml": "budgets.test = 11"})
        [change] = changed_policy(repository.folder, parent, approved)
        assert (change.before, change.now, change.base) == ("10", "11", "")

    def test_a_rule_tightened_since_is_still_compared_with_the_parent(
        self, repository: Repository
    ) -> None:
        approved = repository.commit({"seatrial.toml": "budgets.test = 11"})
        parent = repository.commit({"seatrial.toml": "budgets.test = 9"})
        repository.commit({"seatrial.toml": "budgets.test = 10"})
        [change] = changed_policy(repository.folder, parent, approved)
        assert (change.before, change.now) == ("9", "10")

    def test_a_waiver_is_agreed_to_between_two_commits(self, repository: Repository) -> None:
        approved = repository.commit()
        parent = repository.commit({"seatrial-waivers.toml": _WAIVER})
        repository.commit()
        assert changed_policy(repository.folder, parent, approved) == ()

    def test_a_commit_that_this_one_was_not_built_on_does_not_count(
        self, repository: Repository
    ) -> None:
        parent = repository.commit({"seatrial.toml": "budgets.test = 9"})
        repository.git("switch", "--quiet", "--create", "other")
        stranger = repository.commit({"seatrial.toml": "budgets.test = 1"})
        repository.git("switch", "--quiet", "trunk")
        repository.commit()
        assert changed_policy(repository.folder, parent, stranger) == ()


class TestBase:
    def test_the_first_commit_has_none(self, repository: Repository) -> None:
        repository.commit({"seatrial.toml": "verdict.passing_score = 10"})
        assert find_base(repository.folder) is None

    def test_it_is_the_parent(self, repository: Repository) -> None:
        first = repository.commit()
        repository.commit()
        assert find_base(repository.folder) == first

    def test_it_is_the_one_that_is_named(self, repository: Repository) -> None:
        first = repository.commit({"seatrial.toml": 'verdict.base = "v1"'})
        repository.git("tag", "v1")
        repository.commit()
        repository.commit()
        assert find_base(repository.folder) == first

    def test_a_commit_cannot_choose_it_for_itself(self, repository: Repository) -> None:
        repository.commit()
        repository.git("tag", "weak")
        second = repository.commit()
        repository.commit({"seatrial.toml": 'verdict.base = "weak"'})
        assert find_base(repository.folder) == second

    def test_a_commit_is_not_compared_with_itself(self, repository: Repository) -> None:
        first = repository.commit({"seatrial.toml": 'verdict.base = "trunk"'})
        repository.commit()
        assert find_base(repository.folder) == first

    def test_one_that_is_not_known_is_a_fault(self, repository: Repository) -> None:
        repository.commit({"seatrial.toml": 'verdict.base = "v9"'})
        repository.commit()
        with pytest.raises(UsageFault, match="git knows no commit v9"):
            find_base(repository.folder)

    def test_a_clone_without_the_parent_is_a_fault(
        self, repository: Repository, tmp_path: Path
    ) -> None:
        repository.commit()
        repository.commit()
        clone = tmp_path / "clone"
        repository.git("clone", "--quiet", "--depth=1", f"file://{repository.folder}", str(clone))
        with pytest.raises(UsageFault, match="is not in this clone"):
            find_base(clone)
