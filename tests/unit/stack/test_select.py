from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seatrial.errors import UsageFault
from seatrial.stack.select import find_test_service, needed_by, select_services
from unit.stack.forms import make_services, needs, words


@pytest.mark.parametrize("name", ["test", "tests", "pytest"])
def test_a_service_is_the_test_service_by_its_name(name: str) -> None:
    services = make_services(db={}, web=words("uvicorn"), **{name: {}})

    assert find_test_service(services, None) == name


@pytest.mark.parametrize(
    "command",
    [
        ["pytest"],
        ["pytest", "-q", "tests"],
        ["python", "-m", "pytest"],
        ["/venv/bin/pytest"],
        ["sh", "-c", "alembic upgrade head && pytest -q"],
        ["py.test"],
    ],
)
def test_else_it_is_the_one_whose_command_runs_pytest(command: list[str]) -> None:
    services = make_services(db={}, checks={"command": command})

    assert find_test_service(services, None) == "checks"


def test_an_entrypoint_that_runs_pytest_counts_too() -> None:
    services = make_services(db={}, checks={"entrypoint": ["pytest"]})

    assert find_test_service(services, None) == "checks"


@pytest.mark.parametrize("word", ["pytest-report-server", "my-pytest", "pytest.ini", "notpytest"])
def test_a_word_that_only_contains_pytest_does_not_run_it(word: str) -> None:
    services = make_services(db={}, web=words("serve", word))

    with pytest.raises(UsageFault, match="no service looks like"):
        find_test_service(services, None)


def test_a_name_wins_over_a_command() -> None:
    services = make_services(lint=words("pytest", "--lint"), test=words("./run.sh"))

    assert find_test_service(services, None) == "test"


def test_a_service_that_others_need_is_not_found_by_its_command() -> None:
    services = make_services(
        seed=words("pytest", "seed.py"),
        checks=words("pytest") | {"depends_on": needs("seed")},
    )

    assert find_test_service(services, None) == "checks"


def test_several_candidates_are_listed() -> None:
    services = make_services(unit=words("pytest"), e2e=words("pytest"), db={})

    with pytest.raises(UsageFault, match="2 services could be the test service: unit, e2e") as e:
        find_test_service(services, None)

    assert "--service unit" in e.value.next_step


def test_without_a_candidate_all_services_are_listed() -> None:
    with pytest.raises(UsageFault) as raised:
        find_test_service(make_services(web={}, db={}), None)

    assert "web, db" in raised.value.next_step
    assert "--command pytest" in raised.value.next_step


def test_the_named_service_is_taken_whatever_it_runs() -> None:
    services = make_services(test=words("pytest"), web={})

    assert find_test_service(services, "web") == "web"


def test_an_unknown_name_is_a_fault_that_lists_the_services() -> None:
    with pytest.raises(UsageFault, match="no service 'api'") as raised:
        find_test_service(make_services(web={}, db={}), "api")

    assert "web, db" in raised.value.next_step


def test_a_file_without_services_is_a_fault() -> None:
    with pytest.raises(UsageFault, match="no services"):
        find_test_service({}, None)


SHOP: dict[str, dict[str, Any]] = {
    "db": {},
    "cache": {},
    "api": {"depends_on": needs("db")},
    "mail": {"profiles": ["mail"]},
    "test": {"depends_on": needs("api"), "command": ["pytest"]},
    "report": {"depends_on": needs("test")},
}


def test_a_test_environment_is_started_whole() -> None:
    selection = select_services(make_services(**SHOP), named=None, mode="auto")

    assert selection.test == "test"
    assert selection.required == ("db", "api")
    assert selection.extra == ("cache",)
    assert selection.left_out == ("mail", "report")


def test_a_named_service_is_started_with_what_it_needs() -> None:
    selection = select_services(make_services(**SHOP), named="api", mode="auto")

    assert selection.required == ("db",)
    assert selection.extra == ()


def test_mode_needed_starts_no_others() -> None:
    selection = select_services(make_services(**SHOP), named=None, mode="needed")

    assert selection.extra == ()
    assert selection.left_out == ("cache", "mail", "report")


def test_mode_all_starts_the_others_of_a_named_service_too() -> None:
    selection = select_services(make_services(**SHOP), named="test", mode="all")

    assert selection.extra == ("cache",)


@pytest.mark.parametrize("profiles", [["mail"], ["*"], ["x", "mail"]])
def test_a_profile_that_is_asked_for_is_started(profiles: list[str]) -> None:
    selection = select_services(make_services(**SHOP), named=None, mode="auto", profiles=profiles)

    assert selection.extra == ("cache", "mail")


def test_a_needed_service_is_started_whatever_its_profile() -> None:
    services = make_services(
        db={"profiles": ["x"]}, test={"depends_on": needs("db"), "profiles": ["y"]}
    )

    assert select_services(services, named=None, mode="auto").required == ("db",)


def test_what_an_extra_service_needs_comes_with_it() -> None:
    services = make_services(
        queue={"profiles": ["x"]}, worker={"depends_on": needs("queue")}, test={}
    )

    assert set(select_services(services, named=None, mode="auto").extra) == {"worker", "queue"}


def test_a_service_that_depends_on_the_tests_is_never_started() -> None:
    services = make_services(
        test={}, report={"depends_on": needs("test")}, mail={"depends_on": needs("report")}
    )

    assert select_services(services, named=None, mode="all").left_out == ("report", "mail")


def test_a_circle_of_dependencies_ends() -> None:
    services = make_services(a={"depends_on": needs("b")}, b={"depends_on": needs("a")})

    assert needed_by(services, "a") == ("a", "b")


NAMES = ["a", "b", "c", "d", "test"]


@given(
    edges=st.sets(st.tuples(st.sampled_from(NAMES), st.sampled_from(NAMES)), max_size=8),
    mode=st.sampled_from(["auto", "all", "needed"]),
    named=st.sampled_from([None, "a", "test"]),
)
def test_every_service_is_in_exactly_one_group_and_no_need_is_left_out(
    edges: set[tuple[str, str]], mode: Any, named: str | None
) -> None:
    # An edge points to a service that stands earlier: Compose refuses circles.
    services = make_services(
        **{
            name: {
                "depends_on": needs(
                    *(to for frm, to in edges if frm == name and NAMES.index(to) < NAMES.index(frm))
                )
            }
            for name in NAMES
        }
    )

    chosen = select_services(services, named=named, mode=mode)

    groups = [chosen.test, *chosen.required, *chosen.extra, *chosen.left_out]
    assert sorted(groups) == sorted(NAMES)
    started = {chosen.test, *chosen.required, *chosen.extra}
    for name in started:
        assert set(needed_by(services, name)) <= started
    for name in chosen.extra:
        assert chosen.test not in needed_by(services, name)
