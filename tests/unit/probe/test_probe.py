"""What the probe tells of all that can happen in a session, and that it changes none of it."""

import json
import re
from pathlib import Path

import pytest

from seatrial.evidence.events import read_events

from .conftest import RunPytest
from .interpreters import MATRIX, Interpreter

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

ALL_OUTCOMES = """
import pytest

@pytest.fixture
def broken_setup():
    raise RuntimeError("no database")

@pytest.fixture
def broken_teardown():
    yield
    raise RuntimeError("cannot close")

def test_passes(): pass
def test_fails(): assert 1 == 2, "first line\\nsecond line"
def test_setup(broken_setup): pass
def test_teardown(broken_teardown): pass
def test_fails_and_teardown(broken_teardown): assert False
@pytest.mark.skip
def test_skips(): pass
def test_skips_inside(): pytest.skip("not here")
@pytest.mark.xfail
def test_xfails(): assert False
@pytest.mark.xfail
def test_xpasses(): pass
@pytest.mark.xfail(strict=True)
def test_xpasses_strictly(): pass
@pytest.mark.parametrize("value", ["a b", "ü\\n", "\\udcff"])
def test_names(value): pass
"""


def summary(output: str) -> dict[str, int]:
    """Counts of pytest's own last line."""
    last = [line for line in output.splitlines() if re.search(r" in [\d.]+s", line)][-1]
    counts = re.findall(r"(\d+) (\w+)", last.rpartition(" in ")[0])
    return {word.rstrip("s"): int(count) for count, word in counts}


def test_every_outcome_is_told_as_pytest_tells_it(run: RunPytest) -> None:
    done = run("-q", test_it=ALL_OUTCOMES)

    outcomes = done.outcomes
    assert {name: outcomes[name] for name in outcomes if not name.startswith("test_names")} == {
        "test_passes": "passed",
        "test_fails": "failed",
        "test_setup": "error",
        "test_teardown": "error",
        "test_fails_and_teardown": "failed",
        "test_skips": "skipped",
        "test_skips_inside": "skipped",
        "test_xfails": "xfailed",
        "test_xpasses": "xpassed",
        "test_xpasses_strictly": "failed",
    }
    counts = done.seen.counts
    own = summary(done.output)
    assert counts.collected == 13
    assert counts.failed == own["failed"] == 3
    assert (counts.skipped, counts.xfailed, counts.xpassed) == (
        own["skipped"],
        own["xfailed"],
        own["xpassed"],
    )
    assert done.seen.exit_status == done.code == 1
    messages = {f.test.rpartition("::")[2]: f.message for f in done.seen.failures}
    assert messages["test_fails"].startswith("AssertionError: first line")
    assert messages["test_setup"] == "RuntimeError: no database"
    assert done.seen.model_dump_json()


def test_the_probe_changes_neither_outcomes_nor_exit_code(run: RunPytest) -> None:
    plain = run("-q", with_probe=False, test_it=ALL_OUTCOMES)
    probed = run("-q", test_it=ALL_OUTCOMES)

    assert plain.code == probed.code
    assert summary(plain.output).keys() == summary(probed.output).keys()
    for word in ("failed", "passed", "skipped", "xfailed", "xpassed", "error"):
        assert summary(plain.output)[word] == summary(probed.output)[word]


def test_a_session_tells_where_and_how_it_runs(run: RunPytest, interpreter: Interpreter) -> None:
    start = run("-q", "test_it.py", test_it="def test_a(): pass").events[0]

    assert start["event"] == "start"
    assert start["arguments"] == ["-q", "test_it.py"]
    versions = (
        "import json, platform, pytest\n"
        "print(json.dumps([platform.python_version(), pytest.__version__]))"
    )
    own = interpreter.run("-c", versions, cwd=Path("/"), env={})
    assert [start["python"], start["pytest"]] == json.loads(own.stdout)
    assert start["container"]


def test_a_session_tells_which_plugins_are_installed_and_used(
    run: RunPytest, interpreter: Interpreter
) -> None:
    script = (
        "import importlib.metadata as m, json\n"
        "print(json.dumps(sorted({(d.metadata['Name'], d.version) for d in m.distributions()"
        " for e in d.entry_points if e.group == 'pytest11'})))"
    )
    done = run("-q", shuffled=True, test_it="def test_a(): pass")
    installed = json.loads(interpreter.run("-c", script, cwd=Path("/"), env={}).stdout)

    told = [[one.name, one.version] for one in done.seen.plugins]
    assert told == (installed if interpreter.plugins else [])  # there only they are loaded


def test_a_session_names_the_tests_that_it_is_going_to_run(run: RunPytest) -> None:
    names: list[str] = []
    done = run(
        "-k",
        "not other",
        test_a="""
        import pytest
        @pytest.mark.parametrize("n", range(450))
        def test_many(n): assert n < 2, pytest.exit("enough")
        def test_other(): pass
        """,
        test_b="class TestB:\n    def test_b(self): pass",
    )
    read_events(done.folder / "out/events.jsonl", names=names.append)

    assert names == [
        *(f"test_a.py::test_many[{number}]" for number in range(450)),
        "test_b.py::TestB::test_b",
    ]


def test_names_too_long_for_one_line_get_lines_of_their_own(run: RunPytest) -> None:
    names: list[str] = []
    done = run(
        test_it="""
        for letter in "abcdefghijklmnopqrstuvwxyz":
            globals()["test_" + letter * 50_000] = lambda: None
        """
    )
    read_events(done.folder / "out/events.jsonl", names=names.append)

    assert [len(name) for name in names] == [50_000 + len("test_it.py::test_")] * 26


def test_a_file_that_cannot_be_imported_is_an_error(run: RunPytest) -> None:
    done = run(test_it="import no_such_module_here", test_ok="def test_a(): pass")

    assert done.code == done.seen.exit_status == 2
    assert done.seen.counts.errors == 1
    [failure] = done.seen.failures
    assert failure.test == "test_it.py"
    assert "no_such_module_here" in failure.message


def test_a_session_without_tests_ends_with_pytests_own_status(run: RunPytest) -> None:
    done = run(test_it="")

    assert done.code == done.seen.exit_status == 5
    assert done.seen.counts.collected == 0


def test_a_path_that_does_not_exist_ends_with_pytests_own_status(run: RunPytest) -> None:
    done = run("missing.py")

    assert done.code == done.seen.exit_status == 4


def test_an_unknown_option_ends_before_the_probe_begins(run: RunPytest) -> None:
    done = run("--no-such-option")

    assert done.code == 4
    assert not (done.folder / "out/events.jsonl").exists()


def test_what_was_finished_survives_the_end_of_the_process(run: RunPytest) -> None:
    done = run(
        test_it="""
        import os
        def test_a(): pass
        def test_b(): os._exit(0)
        def test_c(): pass
        """
    )

    assert done.code == 0
    assert done.outcomes == {"test_a": "passed"}
    assert done.seen.exit_status is None
    assert done.seen.running == "test_it.py::test_b"
    assert done.seen.counts.collected == 3


def test_what_was_finished_survives_a_kill_in_the_middle_of_many_tests(run: RunPytest) -> None:
    done = run(
        test_it="""
        import os, pytest, signal
        @pytest.mark.parametrize("n", range(1000))
        def test_many(n):
            if n == 900: os.kill(os.getpid(), signal.SIGKILL)
            assert n != 450, "x" * 100_000
        """
    )

    assert done.code in (-9, 137)
    counts = done.seen.counts
    assert (counts.collected, counts.passed, counts.failed) == (1000, 899, 1)
    assert done.seen.running == "test_it.py::test_many[900]"
    times = [event["at"] for event in done.events]
    assert times == sorted(times)


def test_a_child_of_a_test_that_goes_on_as_pytest_tells_nothing(run: RunPytest) -> None:
    done = run(
        "-q",
        test_it="""
        import os
        child = None
        def test_a():
            global child
            child = os.fork()
        def test_b():
            assert child
        def test_c():
            if child: assert os.waitpid(child, 0)[1] != 0
        """,
    )

    assert done.outcomes == {"test_a": "passed", "test_b": "passed", "test_c": "passed"}
    assert [event["event"] for event in done.events] == [
        "start",
        "collected",
        "names",
        *["running", "test"] * 3,
        "end",
    ]


def test_where_nothing_can_be_mapped_events_are_written_one_by_one(run: RunPytest) -> None:
    done = run(
        test_it="def test_a(): pass",
        sitecustomize="""
        import mmap
        def no(*arguments, **options): raise OSError("no such device")
        mmap.mmap = no
        """,
    )

    assert done.outcomes == {"test_a": "passed"}
    assert done.seen.exit_status == 0
    assert (done.folder / "out/events.jsonl").stat().st_size < 1 << 17


def test_what_another_process_wrote_between_is_kept(run: RunPytest) -> None:
    done = run(
        test_it="""
        import os, pytest
        @pytest.mark.parametrize("n", range(1000))
        def test_many(n):
            if n % 100 == 0:
                with open(os.environ["SEATRIAL_EVENTS"], "ab") as file:
                    file.write(b'{"event": "other"}\\n')
        """
    )

    assert sum(event["event"] == "other" for event in done.events) == 10
    assert done.seen.counts.passed == 1000


def test_a_disk_that_is_full_changes_no_result(run: RunPytest) -> None:
    done = run(environ={"SEATRIAL_EVENTS": "/dev/full"}, test_it="def test_a(): pass")

    assert "1 passed" in done.output
    assert done.code == 0


def test_durations_that_are_no_numbers_cost_only_themselves(run: RunPytest) -> None:
    done = run(
        test_it="def test_a(): pass",
        conftest="""
        import pytest
        @pytest.hookimpl(tryfirst=True)
        def pytest_runtest_logreport(report): report.duration = float("nan")
        """,
    )

    assert done.outcomes == {"test_a": "passed"}


def test_the_progress_says_at_last_that_pytest_has_nothing_left_to_do(run: RunPytest) -> None:
    done = run(
        test_it="""
        import json, os, pathlib
        def test_a(): pass
        def test_fails(): assert False, "why"
        def test_b():
            path = pathlib.Path(os.environ["SEATRIAL_EVENTS"]).parent / "progress.json"
            while True:
                seen = json.loads(path.read_text())
                if seen["running"].endswith("::test_b"): break
            assert (seen["total"], seen["done"], seen["failed"], seen["ended"]) == (3, 2, 1, False)
        """
    )

    assert done.outcomes["test_b"] == "passed"
    progress = json.loads((done.folder / "out/progress.json").read_text(encoding="utf-8"))
    assert (progress["total"], progress["done"], progress["failed"]) == (3, 3, 1)
    assert progress["failures"] == [["test_it.py::test_fails", "AssertionError: why"]]
    assert progress["ended"] is True


def test_quick_tests_are_told_of_while_they_run(run: RunPytest) -> None:
    done = run(
        test_it="""
        import json, os, pathlib, pytest
        PATH = pathlib.Path(os.environ["SEATRIAL_EVENTS"]).parent / "progress.json"
        seen = []
        @pytest.mark.parametrize("number", range(20_000))
        def test_quick(number):
            if not seen and json.loads(PATH.read_text())["done"]: seen.append(number)
            if seen: pytest.exit("seen", 0)
        """
    )

    assert done.code == 0
    assert "Exit: seen" in done.output


def test_what_a_failed_test_printed_and_logged_is_kept_to_its_end(run: RunPytest) -> None:
    done = run(
        test_it="""
        import logging, os, sys, pytest
        @pytest.fixture
        def loud():
            print("set up")
            yield
            print("tear down")
        def test_passes(loud): print("passes")
        def test_fails(loud):
            print("o" * 20_000 + "the last")
            sys.stderr.write("warned")
            logging.getLogger().warning("logged")
            assert False
        def test_breaks():
            os.write(1, b"x")
            assert False
        """
    )

    tests = {e["id"].partition("::")[2]: e for e in done.events if e["event"] == "test"}
    assert not {"stdout", "stderr", "log"} & tests["test_passes"].keys()
    failed = tests["test_fails"]
    assert len(failed["stdout"]) == 5000
    assert failed["stdout"].endswith("ooothe last\n")
    assert failed["stderr"] == "warned"
    assert "logged" in failed["log"]
    assert tests["test_breaks"]["stdout"] == "x"


def test_output_of_a_suite_in_which_all_fails_does_not_fill_the_disk(run: RunPytest) -> None:
    done = run(
        test_it="""
        import pytest
        @pytest.mark.parametrize("n", range(300))
        def test_fails(n):
            print("o" * 5000)
            assert False
        """
    )

    assert sum("stdout" in event for event in done.events) == 200
    assert done.seen.counts.failed == 300


def test_an_interrupted_session_tells_so(run: RunPytest) -> None:
    done = run(test_it="def test_a(): pass\ndef test_b(): raise KeyboardInterrupt")

    assert done.code == done.seen.exit_status == 2
    assert done.outcomes == {"test_a": "passed"}


def test_a_test_that_takes_too_long_is_ended_and_named(run: RunPytest) -> None:
    done = run(
        environ={"SEATRIAL_TEST_TIMEOUT": "0.2"},
        test_it="""
        import threading
        def test_a(): pass
        def test_hangs(): threading.Event().wait()
        """,
    )

    assert done.code == 2
    assert done.outcomes == {"test_a": "passed", "test_hangs": "failed"}
    assert "did not end within 0.2 s" in done.seen.failures[0].message


def test_a_hang_that_no_interrupt_ends_ends_with_the_process_and_keeps_the_results(
    run: RunPytest,
) -> None:
    done = run(
        environ={"SEATRIAL_TEST_TIMEOUT": "0.2", "SEATRIAL_GRACE": "0.2"},
        test_it="""
        import signal, threading
        def test_a(): pass
        def test_hangs():
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            threading.Event().wait()
        def test_never(): pass
        """,
    )

    assert done.code == 2
    assert done.outcomes == {"test_a": "passed", "test_hangs": "failed"}
    assert done.seen.exit_status is None
    [failure] = done.seen.failures
    assert "did not end within 0.2 s (in its call)" in failure.message
    [hung] = [event for event in done.events if event.get("hung")]
    assert "in test_hangs" in hung["text"]
    progress = json.loads((done.folder / "out/progress.json").read_text(encoding="utf-8"))
    assert (progress["done"], progress["failed"], progress["ended"]) == (2, 1, False)


def test_a_hang_that_ends_within_its_grace_is_not_cut_off(run: RunPytest) -> None:
    done = run(
        environ={"SEATRIAL_TEST_TIMEOUT": "0.2", "SEATRIAL_GRACE": "50"},
        conftest="""
        def pytest_unconfigure(): print("ended in order")
        """,
        test_it="""
        import threading
        def test_hangs(): threading.Event().wait()
        """,
    )

    assert "ended in order" in done.output
    assert done.seen.exit_status == done.code == 2


def test_the_way_to_each_peer_is_told_before_the_first_test(run: RunPytest) -> None:
    done = run(
        program=("main.py",),
        main="""
        import os, socket, sys
        import pytest
        with socket.create_server(("127.0.0.1", 0)) as server, socket.socket() as unused:
            unused.bind(("127.0.0.1", 0))  # bound, but nobody listens
            ports = [one.getsockname()[1] for one in (server, unused)]
            peers = ["127.0.0.1:%d" % port for port in ports] + ["no-such-name.invalid:5432"]
            os.environ["SEATRIAL_PEERS"] = " ".join(peers)
            sys.exit(pytest.main([]))
        """,
        test_it="def test_a(): pass",
    )

    told = [event["event"] for event in done.events]
    assert told.index("peer") < told.index("collected")
    answers, refuses, unknown = done.seen.reach
    assert (answers.service, answers.fault) == ("127.0.0.1", None)
    assert answers.port != refuses.port
    assert answers.resolve_seconds is not None
    assert answers.connect_seconds is not None
    assert 0 <= answers.connect_seconds < 1
    assert refuses.connect_seconds is None
    assert refuses.fault
    assert (unknown.service, unknown.port) == ("no-such-name.invalid", 5432)
    assert (unknown.resolve_seconds, unknown.connect_seconds) == (None, None)
    assert unknown.fault


def test_without_peers_nobody_is_asked(run: RunPytest) -> None:
    assert run(test_it="def test_a(): pass").seen.reach == ()


def test_a_crash_that_is_reported_in_one_piece_is_a_failure(run: RunPytest) -> None:
    """As xdist reports a test whose worker died."""
    done = run(
        conftest="""
        import pytest
        def pytest_runtest_protocol(item):
            item.ihook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
            report = pytest.TestReport(item.nodeid, item.location, {}, "failed", "died", "???")
            item.ihook.pytest_runtest_logreport(report=report)
            return True
        """,
        test_it="def test_a(): pass",
    )

    assert done.outcomes == {"test_a": "failed"}


def test_nobody_is_made_to_write_a_junit_file(run: RunPytest) -> None:
    done = run(test_it="def test_a(): pass")

    assert done.events[0]["junit"] is None
    assert not list(done.folder.rglob("*.xml"))


def test_junit_stays_where_the_user_asked_for_it(run: RunPytest) -> None:
    done = run("--junitxml=mine/$NAME.xml", environ={"NAME": "j"}, test_it="def test_a(): pass")

    assert done.events[0]["junit"] == str(done.folder / "mine/j.xml")
    assert (done.folder / "mine/j.xml").is_file()
    assert not list((done.folder / "out").glob("*.xml"))


def test_a_pytest_without_junit_plugin_runs_all_the_same(run: RunPytest) -> None:
    done = run("-p", "no:junitxml", test_it="def test_a(): pass")

    assert done.code == 0
    assert done.events[0]["junit"] is None
    assert done.outcomes == {"test_a": "passed"}


def test_a_probe_that_cannot_write_keeps_silent(run: RunPytest) -> None:
    done = run(
        "-q", environ={"SEATRIAL_EVENTS": "/proc/no/events.jsonl"}, test_it="def test_a(): pass"
    )

    assert "1 passed" in done.output
    assert "seatrial" not in done.output.lower()
    assert done.code == 0


def test_several_sessions_write_to_one_file(run: RunPytest) -> None:
    run(test_it="def test_a(): pass")
    done = run(test_it="def test_b(): assert False")

    assert done.outcomes == {"test_a": "passed", "test_b": "failed"}
    assert done.seen.exit_status == 1


def test_pytest_called_with_paths_that_are_no_strings_works(run: RunPytest) -> None:
    done = run(
        program=("main.py",),
        main="import pathlib, pytest, sys\nsys.exit(pytest.main([pathlib.Path('test_it.py')]))\n",
        test_it="def test_a(): pass",
    )

    assert done.code == 0, done.output
    assert done.seen.arguments == ("test_it.py",)


def test_a_test_that_forks_does_so_beside_no_thread_of_the_probes(run: RunPytest) -> None:
    # What is registered first is called first, so this counts before the probe's thread is back.
    done = run(
        conftest="""
            import os
            import threading

            threads = []

            def look():
                threads.extend(str(thread) for thread in threading.enumerate())

            os.register_at_fork(after_in_parent=look)
        """,
        test_it="""
            import os
            import threading
            from conftest import threads

            def test_forks():
                child = os.fork()
                if not child:
                    os._exit(0)
                os.waitpid(child, 0)
                assert [t for t in threads if "seatrial" in t] == []
        """,
    )

    assert done.outcomes == {"test_forks": "passed"}


def test_it_tells_what_was_set_up_for_several_tests_at_once(run: RunPytest) -> None:
    done = run(
        "-q",
        test_it="""
import time, pytest
@pytest.fixture(scope="session")
def wide(): time.sleep(0.05)
@pytest.fixture(scope="module")
def inner(): time.sleep(0.02)
@pytest.fixture(scope="module")
def outer(request, wide): time.sleep(0.02); request.getfixturevalue("inner")
@pytest.fixture(scope="module")
def quick(): pass
@pytest.fixture(scope="class")
def of_class(): time.sleep(0.02)
@pytest.fixture
def own(): time.sleep(0.02)
def test_a(own, outer, quick): pass
def test_b(outer, of_class): pass
""",
    )

    told = [event for event in done.events if event["event"] == "shared"]
    assert [event["id"] for event in told] == ["test_it.py::test_a"]
    test = next(event for event in done.events if event["event"] == "test")
    assert 0.04 <= told[0]["seconds"] <= test["seconds"]["setup"] - 0.07
