import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seatrial.evidence import events
from seatrial.evidence.events import MAX_FAILURES, ProbeReport, read_events
from seatrial.evidence.record import MAX_PLUGIN_NAME, MAX_PLUGINS, Reach

if TYPE_CHECKING:
    from seatrial.evidence.tests import TestResult

START = {"event": "start", "container": "c1", "python": "3.13.0", "pytest": "9.0", "arguments": []}
END = {"event": "end", "status": 0}


def passed(test: str, outcome: str = "passed", **values: Any) -> dict[str, Any]:
    return {"event": "test", "id": test, "outcome": outcome, "seconds": {"call": 0.5}} | values


def collected(count: int) -> dict[str, Any]:
    return {"event": "collected", "count": count}


def running(test: str) -> dict[str, Any]:
    return {"event": "running", "id": test}


def read(folder: Path, *events: Any) -> ProbeReport:
    """Read events; a string stands for a raw line."""
    lines = [event if isinstance(event, str) else json.dumps(event) for event in events]
    path = folder / "events.jsonl"
    path.write_bytes("\n".join(lines).encode("utf-8", "surrogatepass"))
    report = read_events(path)
    assert report is not None
    return report


def test_the_folders_from_which_node_ids_count_are_absolute_paths(tmp_path: Path) -> None:
    roots = ["/app", "/app", "tests", 7, "/a\u202eb", "/b"]
    events = [event for root in roots for event in (START | {"root": root}, END)]

    assert read(tmp_path, *events, START, END).roots == ("/app", "/b")


def test_without_a_file_nothing_is_known(tmp_path: Path) -> None:
    assert read_events(tmp_path / "none.jsonl") is None
    assert read_events(tmp_path) is None


def test_without_a_session_nothing_is_known(tmp_path: Path) -> None:
    (tmp_path / "events.jsonl").write_text(json.dumps(passed("t")), encoding="utf-8")

    assert read_events(tmp_path / "events.jsonl") is None


def test_a_container_that_knows_itself_by_another_id_is_named_by_its_own(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    path.write_text("\n".join(map(json.dumps, (START, END, START | {"container": "c2"}, END))))

    report = read_events(path, known_by={"c1": "own"})

    assert report is not None
    assert report.pytest.containers == ("own", "c2")


def test_a_session_is_counted_by_outcomes(tmp_path: Path) -> None:
    outcomes = ["passed", "passed", "failed", "error", "skipped", "xfailed", "xpassed"]

    report = read(
        tmp_path,
        START | {"arguments": ["-q", "tests"], "junit": "/out/junit.xml"},
        collected(7),
        *(passed(f"t{number}", outcome) for number, outcome in enumerate(outcomes)),
        {"event": "end", "status": 1},
    )

    counts = report.pytest.counts
    assert counts.model_dump() == {
        "collected": 7,
        "deselected": 0,
        "passed": 2,
        "failed": 1,
        "errors": 1,
        "skipped": 1,
        "xfailed": 1,
        "xpassed": 1,
    }
    assert counts.ran == 6
    assert report.pytest.exit_status == 1
    assert report.pytest.arguments == ("-q", "tests")
    assert report.pytest.containers == ("c1",)
    assert report.junit_paths == ("/out/junit.xml",)
    assert report.pytest.running is None


def test_what_tests_took_is_added_up_with_set_up_and_teardown(tmp_path: Path) -> None:
    times = {"setup": 0.25, "call": 1.0, "teardown": 0.5}

    report = read(tmp_path, START, passed("a", seconds=times), passed("b"), END)

    assert report.pytest.tests_seconds == 2.25


def test_what_was_set_aside_and_not_used_is_passed_over(tmp_path: Path) -> None:
    lines = [json.dumps(event).encode() + b"\n" for event in (START, passed("a"), passed("b"), END)]
    path = tmp_path / "events.jsonl"
    path.write_bytes(
        b"\0" * 10 + lines[0] + lines[1] + b'{"cut' + b"\0" * 60_000 + b"".join(lines[2:]) + b"\0"
    )

    report = read_events(path)

    assert report is not None
    assert report.pytest.counts.passed == 2
    assert report.pytest.exit_status == 0


def test_failures_come_with_their_first_line(tmp_path: Path) -> None:
    report = read(
        tmp_path,
        START,
        passed("a", "failed", message="assert 1 == 2"),
        {"event": "broken", "id": "b.py", "message": "ImportError: x"},
        END,
    )

    assert [(f.test, f.message) for f in report.pytest.failures] == [
        ("a", "assert 1 == 2"),
        ("b.py", "ImportError: x"),
    ]
    assert report.pytest.counts.errors == 1


def test_endless_failures_are_all_counted_and_not_all_listed(tmp_path: Path) -> None:
    report = read(tmp_path, START, *(passed(f"t{n}", "failed") for n in range(1000)), END)

    assert report.pytest.counts.failed == 1000
    assert len(report.pytest.failures) == MAX_FAILURES


def test_a_session_that_was_cut_off_names_the_test_that_ran(tmp_path: Path) -> None:
    report = read(tmp_path, START, running("a"), passed("a"), running("b"), '{"event": "te')

    assert report.pytest.exit_status is None
    assert report.pytest.running == "b"
    assert report.pytest.counts.passed == 1


def test_every_result_is_handed_on(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    lines = [START, passed("a"), running("b")]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    results: list[TestResult] = []

    read_events(path, results.append)

    assert [(r.id, r.outcome, r.call, r.container) for r in results] == [
        ("a", "passed", 0.5, "c1"),
        ("b", "unfinished", None, "c1"),
    ]


@pytest.mark.parametrize(
    ("statuses", "total"), [([0, 0], 0), ([0, 1], 1), ([5, 1], 5), ([0, None], None)]
)
def test_several_sessions_are_added_up(
    tmp_path: Path, statuses: list[int | None], total: int | None
) -> None:
    told = []
    for number, status in enumerate(statuses):
        told += [START | {"junit": f"/{number}.xml"}, collected(2), passed(f"{number}a")]
        told += [passed(f"{number}b")]
        told += [{"event": "end", "status": status}] if status is not None else []

    report = read(tmp_path, *told)

    assert report.pytest.exit_status == total
    assert report.pytest.counts.collected == 4
    assert report.pytest.counts.passed == 4
    assert report.junit_paths == ("/0.xml", "/1.xml")


def test_the_same_collection_told_by_every_worker_of_xdist_counts_once(tmp_path: Path) -> None:
    report = read(tmp_path, START, collected(5), collected(5), collected(5), END)

    assert report.pytest.counts.collected == 5


def test_lines_that_are_not_the_probes_are_passed_over(tmp_path: Path) -> None:
    report = read(
        tmp_path,
        "garbage",
        "[1, 2]",
        "null",
        "{}",
        '{"event": "unknown"}',
        '{"event": ["start"]}',
        "\ufeff",
        "[" * 100_000,
        "9" * 10_000,
        "",
        START,
        passed("a", "odd"),
        passed("b"),
        END,
    )

    assert report.pytest.counts.model_dump(exclude_defaults=True) == {"passed": 1}


@pytest.mark.parametrize(
    "event",
    [
        {"event": "start", "arguments": 5},
        {"event": "start", "arguments": "abc"},
        {"event": "start", "arguments": {"a": 1}},
        {"event": "start", "junit": ["x"]},
        {"event": "collected", "count": "many"},
        {"event": "collected", "count": -5},
        {"event": "collected", "count": 1e300},
        {"event": "test", "id": ["x"], "outcome": ["failed"]},
        {"event": "test", "id": None, "outcome": {}},
        {"event": "test", "id": "x", "outcome": "passed", "seconds": {"call": "long"}},
        {"event": "test", "id": "x", "outcome": "passed", "seconds": [1]},
        {"event": "test", "id": "x", "outcome": "passed", "seconds": {"call": float("nan")}},
        {"event": "broken"},
        {"event": "end", "status": "fine"},
        {"event": "end", "status": 1 << 80},
        {"event": "test", "id": "\ud800", "outcome": "failed", "message": "\udcff"},
    ],
)
def test_events_with_values_of_any_kind_are_read(tmp_path: Path, event: dict[str, Any]) -> None:
    report = read(tmp_path, event, START, event, END)

    assert report.pytest.model_dump_json()


def test_tests_that_are_left_out_count_once_whatever_number_of_workers_tell_it(
    tmp_path: Path,
) -> None:
    left_out = {"event": "deselected", "count": 2}
    report = read(tmp_path, START, left_out, left_out, END, START, left_out, END)

    assert report.pytest.counts.deselected == 4


def test_a_session_that_only_looks_collects_nothing_to_run(tmp_path: Path) -> None:
    looks = START | {"collect_only": True}
    report = read(
        tmp_path, looks, collected(3), END, START, collected(3), running("t"), passed("t"), END
    )

    assert report.pytest.counts.collected == 3


def test_the_projects_hooks_and_what_selects_tests_are_told_once(tmp_path: Path) -> None:
    hooks = {"event": "hooks", "found": [{"hook": "pytest_runtest_call", "file": "/app/x\n.py"}, 3]}
    selection = {"event": "selection", "by": ["-m not slow"]}
    report = read(tmp_path, START, hooks, hooks, selection, {"event": "hooks", "found": 1}, END)

    assert report.pytest.hooks == ("/app/x .py: pytest_runtest_call", ": ")
    assert report.pytest.left_out_by == ("-m not slow",)


def test_plugins_of_all_sessions_are_told_once(tmp_path: Path) -> None:
    first = START | {"plugins": [["pytest-cov", "7.1"], ["pytest-xdist", "3.8"]]}
    second = START | {"plugins": [["pytest-cov", "7.1"], ["pytest-django", "4"]]}
    report = read(tmp_path, first, END, second, END)

    assert [f"{one.name} {one.version}" for one in report.pytest.plugins] == [
        "pytest-cov 7.1",
        "pytest-xdist 3.8",
        "pytest-django 4",
    ]


@pytest.mark.parametrize(
    ("plugins", "count"),
    [
        ("abc", 0),
        ({"a": 1}, 0),
        ([1, [], ["a"], ["a", "b", "c"], {"a": "b"}], 0),
        ([["\x1b[31m" + "n" * 10_000, {"v": "\ud800"}]], 1),
        ([[str(number), "1"] for number in range(1000)], MAX_PLUGINS),
    ],
)
def test_plugins_of_any_kind_are_bounded(tmp_path: Path, plugins: Any, count: int) -> None:
    odd = START | {"plugins": plugins}
    report = read(tmp_path, odd, END, START | {"plugins": [[["x"], None]] * 3}, END)

    told = report.pytest.plugins
    assert count <= len(told) <= min(count + 1, MAX_PLUGINS)
    assert all(len(one.name) <= MAX_PLUGIN_NAME for one in told)
    assert "\x1b" not in report.pytest.model_dump_json()


def test_names_of_collected_tests_are_handed_on_made_safe(tmp_path: Path) -> None:
    names: list[str] = []
    looks = START | {"collect_only": True}
    told = {"event": "names", "tests": ["a.py::b", "a.py::\x1b[31mc\n\ud800", None, ["x"]]}
    odd = [{"event": "names", "tests": value} for value in ("abc", {"a": 1}, None)]
    path = tmp_path / "events.jsonl"
    lines = [told, looks, told, END, START, told, *odd, END]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")

    read_events(path, names=names.append)

    assert names == ["a.py::b", "a.py::c ", "", "['x']"]


def test_endless_sessions_and_running_tests_are_counted_and_not_all_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events, "MAX_NAMES", 5)
    sessions = [
        START | {"container": f"c{n}", "junit": f"/{n}", "root": f"/{n}"} for n in range(999)
    ]

    report = read(tmp_path, *sessions, *[running(f"a.py::t{n}") for n in range(999)], END)

    assert (report.sessions, report.pytest.exit_status) == (999, None)
    assert len(report.pytest.containers) == len(report.junit_paths) == events.MAX_LISTED
    assert report.roots == tuple(f"/{n}" for n in range(events.MAX_ROOTS))


def test_endless_names_are_not_all_handed_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events, "MAX_NAMES", 5)
    names: list[str] = []
    path = tmp_path / "events.jsonl"
    lines = [START, *[{"event": "names", "tests": ["t", "u"]}] * 100]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")

    read_events(path, names=names.append)

    assert len(names) == 5


def test_what_a_failed_test_printed_is_handed_on_made_safe(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    told = passed("a", "failed", stdout="\x1b[31mred\r\nx", stderr=["x"], log=None, text="t\x07")
    path.write_text("".join(json.dumps(line) + "\n" for line in (START, told)), encoding="utf-8")
    results: list[TestResult] = []

    read_events(path, results.append)

    [result] = results
    assert (result.text, result.stdout, result.stderr, result.log) == ("t", "red\nx", None, None)


def test_the_way_to_each_service_is_told(tmp_path: Path) -> None:
    report = read(
        tmp_path,
        START,
        {"event": "peer", "host": "db", "port": 5432, "resolve": 0.001, "connect": 0.002},
        {"event": "peer", "host": "mail", "port": 25, "fault": "refused"},
        END,
    )

    db, mail = report.pytest.reach
    assert db == Reach(service="db", port=5432, resolve_seconds=0.001, connect_seconds=0.002)
    assert mail == Reach(service="mail", port=25, fault="refused")


@pytest.mark.parametrize(
    "peer",
    [
        {},
        {"host": ["x"], "port": "high", "resolve": "long", "connect": [1], "fault": {}},
        {"host": "\x1b[31m" + "h" * 10_000, "port": -1, "resolve": -1, "connect": 1e300},
        {"host": "\ud800\n", "port": 1 << 80, "resolve": float("nan"), "fault": "f" * 10_000},
    ],
)
def test_peers_of_any_kind_are_bounded(tmp_path: Path, peer: dict[str, Any]) -> None:
    report = read(tmp_path, START, *[{"event": "peer"} | peer] * 1000, END)

    assert len(report.pytest.reach) == 100
    [reach] = set(report.pytest.reach)
    assert len(reach.service) <= 600
    assert len(reach.fault or "") <= 600
    assert 0 <= reach.port < 1 << 31
    assert (reach.resolve_seconds, reach.connect_seconds) == (None, None)
    assert "\x1b" not in report.pytest.model_dump_json()


def test_hostile_names_are_made_safe(tmp_path: Path) -> None:
    report = read(
        tmp_path,
        START | {"arguments": ["\x1b[2J", "\ud800"]},
        passed("t[\x1b[31m\ud800]", "failed", message="a\r\nb\x07"),
        running("evil\x1b]0;x\x07"),
    )

    assert report.pytest.failures[0].test == "t[]"
    assert report.pytest.failures[0].message == "a b"
    assert report.pytest.running == "evil"
    assert "\x1b" not in report.pytest.model_dump_json()


def test_an_arguments_value_that_is_no_list_is_no_argument(tmp_path: Path) -> None:
    assert read(tmp_path, START | {"arguments": "abc"}, END).pytest.arguments == ()


JSON = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.floats(),
        st.text(),
        st.sampled_from(["start", "test", "end", "running", "passed", "failed", "broken", "names"]),
    ),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(), inner)),
    max_leaves=4,
)
KEYS = ["event", "id", "outcome", "count", "status", "arguments", "junit", "seconds", "message"]
KEYS += ["plugins", "tests"]


@given(st.lists(st.one_of(st.dictionaries(st.sampled_from(KEYS), JSON), JSON, st.just(START))))
def test_any_lines_give_a_report_that_can_be_written_down(
    tmp_path_factory: pytest.TempPathFactory, lines: list[Any]
) -> None:
    path = tmp_path_factory.mktemp("events") / "events.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")

    report = read_events(path)

    if report is not None:
        assert report.pytest.model_dump_json()


def test_what_a_test_set_up_for_others_is_in_its_result_and_in_no_other(tmp_path: Path) -> None:
    shared = {"event": "shared", "id": "a", "seconds": 1.5}
    path = tmp_path / "events.jsonl"
    lines = [START, shared, shared, {**shared, "seconds": "x"}, passed("a"), passed("b")]
    path.write_text("\n".join(map(json.dumps, lines)))
    results: list[TestResult] = []

    read_events(path, results.append)

    assert [(result.id, result.shared) for result in results] == [("a", 3.0), ("b", None)]
