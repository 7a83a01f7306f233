"""What the probe tells of a project that changes its own tests' results, and of honest ones."""

from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

from .conftest import Run, RunPytest
from .interpreters import MATRIX, OWN, Interpreter

# The project's own Python with pytest alone, and in `make test-all` every one of the matrix.
pytestmark = pytest.mark.parametrize(
    "interpreter",
    [
        pytest.param(None, id="own"),
        *(
            pytest.param(wanted, id=name, marks=[pytest.mark.long, pytest.mark.foreign])
            for name, wanted in MATRIX.items()
        ),
    ],
    indirect=True,
)

TESTS = """
    import pytest, unittest

    def test_good(): pass
    def test_bad(): assert 1 == 2
    def test_skips(): pytest.skip("not here")
    @pytest.mark.xfail
    def test_xfails(): assert False

    class TestOld(unittest.TestCase):
        def test_old_bad(self): self.fail("no")
        def test_old_skips(self): self.skipTest("no")
        @unittest.expectedFailure
        def test_old_xfails(self): self.fail("no")
"""
CHEATS = {
    "makereport": """
        @pytest.hookimpl(hookwrapper=True)
        def pytest_runtest_makereport(item, call):
            outcome = yield
            report = outcome.get_result()
            if report.failed:
                report.outcome, report.longrepr = "passed", None
    """,
    "makereport, excuses": """
        @pytest.hookimpl(hookwrapper=True, tryfirst=True)
        def pytest_runtest_makereport(item, call):
            outcome = yield
            report = outcome.get_result()
            if report.failed:
                report.outcome, report.wasxfail = "skipped", "known"
    """,
    "makereport, in its own way": """
        @pytest.hookimpl(tryfirst=True)
        def pytest_runtest_makereport(item, call):
            if call.excinfo and call.excinfo.errisinstance(AssertionError):
                call.excinfo = None
    """,
    "logreport": """
        @pytest.hookimpl(tryfirst=True)
        def pytest_runtest_logreport(report):
            if report.failed:
                report.outcome = "passed"
    """,
    "call": """
        @pytest.hookimpl(hookwrapper=True)
        def pytest_runtest_call(item):
            outcome = yield
            if outcome.excinfo and outcome.excinfo[0] is AssertionError:
                outcome.force_result(None)
    """,
    "call, excuses": """
        @pytest.hookimpl(hookwrapper=True)
        def pytest_runtest_call(item):
            outcome = yield
            if outcome.excinfo and outcome.excinfo[0] is AssertionError:
                pytest.skip("it failed")
    """,
    "function, swallowed": """
        @pytest.hookimpl(tryfirst=True)
        def pytest_pyfunc_call(pyfuncitem):
            names = pyfuncitem._fixtureinfo.argnames
            try:
                pyfuncitem.obj(**{name: pyfuncitem.funcargs[name] for name in names})
            except AssertionError:
                pass
            return True
    """,
    "function, not called": """
        @pytest.hookimpl(tryfirst=True)
        def pytest_pyfunc_call(pyfuncitem):
            return True if "bad" in pyfuncitem.name else None
    """,
    "protocol": """
        from _pytest.runner import runtestprotocol

        @pytest.hookimpl(tryfirst=True)
        def pytest_runtest_protocol(item, nextitem):
            if "bad" not in item.name:
                return None
            item.ihook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
            for when in ("setup", "call", "teardown"):
                report = pytest.TestReport(
                    item.nodeid, item.location, {}, "passed", None, when, (), 0.0
                )
                item.ihook.pytest_runtest_logreport(report=report)
            item.ihook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
            return True
    """,
    "protocol, by pytest's own means": """
        from _pytest.runner import CallInfo

        def pytest_runtest_protocol(item, nextitem):
            if "bad" not in item.name:
                return None
            item.ihook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
            for when in ("setup", "call", "teardown"):
                call = CallInfo.from_call(lambda: None, when=when)
                report = item.ihook.pytest_runtest_makereport(item=item, call=call)
                item.ihook.pytest_runtest_logreport(report=report)
            item.ihook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
            return True
    """,
    "loop": """
        from _pytest.runner import CallInfo

        @pytest.hookimpl(tryfirst=True)
        def pytest_runtestloop(session):
            for item in session.items:
                if "bad" not in item.name:
                    session.config.hook.pytest_runtest_protocol(item=item, nextitem=None)
                    continue
                item.ihook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
                for when in ("setup", "call", "teardown"):
                    call = CallInfo.from_call(lambda: None, when=when)
                    report = item.ihook.pytest_runtest_makereport(item=item, call=call)
                    item.ihook.pytest_runtest_logreport(report=report)
                item.ihook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
            return True
    """,
}
OWN_LOOP = """
    def pytest_runtestloop(session):
        for item in session.items:
            session.config.hook.pytest_runtest_protocol(item=item, nextitem=None)
        return True
"""
OWN_PROTOCOL = """
    from _pytest.runner import runtestprotocol

    def pytest_runtest_protocol(item, nextitem):
        item.ihook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
        runtestprotocol(item, nextitem=nextitem)
        item.ihook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
        return True
"""
HARMLESS = """
    import pytest

    @pytest.hookimpl(hookwrapper=True, tryfirst=True)
    def pytest_runtest_makereport(item, call):
        outcome = yield
        setattr(item, "report_" + outcome.get_result().when, outcome.get_result())

    @pytest.hookimpl(hookwrapper=True)
    def pytest_runtest_protocol(item, nextitem):
        yield

    @pytest.hookimpl(hookwrapper=True)
    def pytest_runtest_call(item):
        yield

    def pytest_runtest_logreport(report):
        report.sections.append(("seen", "yes"))

    @pytest.hookimpl(tryfirst=True)
    def pytest_pyfunc_call(pyfuncitem):
        names = pyfuncitem._fixtureinfo.argnames
        pyfuncitem.obj(**{name: pyfuncitem.funcargs[name] for name in names})
        return True

    @pytest.fixture
    def screenshot(request):
        yield
        assert request.node.report_call.outcome in ("passed", "failed", "skipped")
"""


def told(done: Run, kind: str) -> list[dict[str, Any]]:
    return [event for event in done.events if event["event"] == kind]


@pytest.mark.parametrize("cheat", CHEATS)
def test_a_hook_that_makes_a_result_better_is_found_out(run: RunPytest, cheat: str) -> None:
    done = run("-q", conftest=f"import pytest\n{dedent(CHEATS[cheat])}", test_it=TESTS)

    changed = told(done, "changed")
    assert "test_it.py::test_bad" in {event["id"] for event in changed}, done.output
    # An expected failure whose exception is gone is an unexpected pass, which is a change too.
    assert all("bad" in event["id"] or "xfails" in event["id"] for event in changed)
    assert all(event["from"] in {"failed", "not run"} for event in changed)
    assert done.seen.hooks


def test_hooks_that_leave_results_alone_are_listed_and_nothing_else(run: RunPytest) -> None:
    plain = run("-q", test_it=TESTS, conftest="")
    done = run("-q", conftest=HARMLESS, test_it=TESTS + "\n    def test_it(screenshot): pass")

    assert told(done, "changed") == []
    assert done.outcomes == {**plain.outcomes, "test_it": "passed"}
    (hooks,) = told(done, "hooks")
    assert hooks["compared"] is True
    assert {Path(one["file"]).name for one in hooks["found"]} == {"conftest.py"}
    assert {one["hook"] for one in hooks["found"]} == {
        "pytest_runtest_makereport",
        "pytest_runtest_protocol",
        "pytest_runtest_call",
        "pytest_runtest_logreport",
        "pytest_pyfunc_call",
    }


def test_a_project_that_runs_its_tests_by_itself_and_calls_them_is_not_in_doubt(
    run: RunPytest,
) -> None:
    plain = run("-q", test_it=TESTS, conftest="")
    done = run("-q", conftest=OWN_PROTOCOL + OWN_LOOP, test_it=TESTS)

    assert told(done, "changed") == []
    assert done.outcomes == plain.outcomes
    (hooks,) = told(done, "hooks")
    assert hooks["compared"] is True


def test_under_xdist_each_worker_compares_and_the_controller_nothing(
    run: RunPytest, interpreter: Interpreter
) -> None:
    if interpreter is not OWN:
        pytest.skip("it has no xdist")
    xdist = ("-q", "-p", "xdist", "-n", "2")
    cheat = CHEATS["protocol, by pytest's own means"]

    assert told(run(*xdist, conftest=OWN_PROTOCOL, test_it=TESTS), "changed") == []
    changed = told(run(*xdist, conftest=cheat, test_it=TESTS), "changed")
    assert {event["id"] for event in changed} == {
        "test_it.py::test_bad",
        "test_it.py::TestOld::test_old_bad",
    }


def test_a_project_without_such_hooks_is_not_compared(run: RunPytest) -> None:
    done = run("-q", test_it=TESTS, conftest="def pytest_runtest_setup(item): pass")

    assert told(done, "hooks") == told(done, "changed") == told(done, "patched") == []


@pytest.mark.parametrize(
    "patch",
    [
        "runner.pytest_runtest_makereport.__code__ = (lambda item, call: None).__code__",
        "reports.TestReport.from_item_and_call = classmethod(mock)",
        "runner.CallInfo.from_call = mock",
        "sys.modules['seatrial_probe'].Recorder.passed = mock",
    ],
)
def test_a_function_of_pytests_or_the_probes_that_is_replaced_is_named(
    run: RunPytest, patch: str
) -> None:
    done = run(
        "-q",
        conftest=f"""
        import sys
        from _pytest import reports, runner

        def mock(*args, **values): pass

        def pytest_collection_modifyitems(items):
            items.clear()
            {patch}
        """,
        test_it="def test_a(): pass",
    )

    (patched,) = told(done, "patched")
    assert patched["what"].rpartition(".")[2] in patch
    assert Path(patched["file"]).name == "conftest.py"


def test_what_is_left_out_is_counted_and_how_is_told(run: RunPytest) -> None:
    done = run(
        "-q",
        "-k",
        "good or old",
        "--ignore=elsewhere",
        test_it=TESTS,
        test_never="def test_never(): pass",
        conftest="""
        collect_ignore = ["test_never.py"]

        def pytest_collection_modifyitems(items):
            del items[0]  # and tells nobody
        """,
    )

    assert done.seen.counts.collected == 3
    assert done.seen.counts.deselected == 4
    assert [by.partition(" in ")[0] for by in done.seen.left_out_by] == [
        "-k good or old",
        "--ignore elsewhere",
        "collect_ignore",
    ]


def test_a_run_that_leaves_nothing_out_says_so(run: RunPytest) -> None:
    done = run("-q", test_it=TESTS)

    assert done.seen.counts.deselected == 0
    assert done.seen.left_out_by == ()


def test_only_looking_at_tests_collects_none_to_run(run: RunPytest) -> None:
    done = run("--co", test_it=TESTS)

    assert done.seen.counts.collected == 0
    assert done.seen.exit_status == 0


def test_a_session_that_is_ended_well_too_early_shows_tests_without_results(
    run: RunPytest,
) -> None:
    done = run(
        "-q",
        test_it="""
        import pytest
        def test_a(): pass
        def test_b(): pytest.exit("that will do", returncode=0)
        def test_c(): assert False
        """,
    )

    assert done.code == done.seen.exit_status == 0
    assert (done.seen.counts.collected, done.seen.counts.ran) == (3, 1)


def test_a_session_tells_whether_assert_statements_are_left_out(run: RunPytest) -> None:
    tests = "def test_a(): assert False"
    off = run("-q", "--assert=plain", test_it=tests, environ={"PYTHONOPTIMIZE": "1"})

    assert off.outcomes == {"test_a": "passed"}
    assert [start["optimized"] for start in told(off, "start")] == [1]
    assert [start["optimized"] for start in told(run("-q", test_it=tests), "start")][-1] == 0


def test_the_files_that_run_are_told_with_their_hashes(run: RunPytest) -> None:
    (start,) = told(run("-q", test_it=TESTS), "start")

    assert [Path(file).name for file, _ in start["loaded"]] == [
        "seatrial_probe.py",
        "seatrial_guard.py",
    ]
    assert all(len(digest) == 64 for _, digest in start["loaded"])
