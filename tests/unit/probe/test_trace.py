"""What the tracer sees of a test, and that it changes nothing.

It needs Python 3.12: where this is an older one, a container's.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent

import pytest

from seatrial import probe
from seatrial.evidence.dependencies import Dependencies, Use, read_dependencies

from .interpreters import OWN, SITE, Interpreter, NotToBeHad, monitored

PROBE = Path(probe.__file__).parent

MONEY = """
    def cents(amount):
        return amount * 100
    """


@dataclass(frozen=True)
class Traced:
    """One run of pytest with the tracer."""

    code: int
    output: str
    known: Dependencies | None

    def use(self, test: str, file: str = "test_it.py") -> Use:
        """What a test used."""
        assert self.known is not None, self.output
        return self.known.tests[f"{file}::{test}"].use

    def ran(self, test: str, file: str = "test_it.py") -> set[str]:
        """Of which files a function ran, but the test's own."""
        return set(self.use(test, file).ran - {file})


Run = Callable[..., Traced]


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that the other Python sees."""
    folder = tmp_path_factory.getbasetemp() / "traced"
    folder.mkdir(exist_ok=True)
    return folder


@pytest.fixture(scope="module")
def python(base: Path) -> Iterator[Interpreter]:
    try:
        with monitored(base, PROBE) as found:
            yield found
    except NotToBeHad as error:
        pytest.skip(f"no Python of 3.12 or newer: {error}")


@pytest.fixture
def run(base: Path, python: Interpreter) -> Run:
    number = len(list(base.iterdir()))

    def call(*arguments: str, interpreter: Interpreter = python, **files: str) -> Traced:
        folder = base / f"project-{number}"
        out = base / f"out-{number}"
        out.mkdir()
        folder.mkdir()
        (folder / "pytest.ini").write_text("[pytest]\npythonpath = .\n", encoding="utf-8")
        for name, text in files.items():
            path = folder / (name.replace("__", "/") + ".py")
            path.parent.mkdir(exist_ok=True)
            path.write_text(dedent(text), encoding="utf-8")
        (folder / "data").mkdir(exist_ok=True)
        (folder / "data/rates.txt").write_text("1", encoding="utf-8")
        done = interpreter.run(
            *("-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "seatrial_trace", *arguments),
            cwd=folder,
            env={
                "PYTHONPATH": f"{base / SITE}:{PROBE}" if interpreter is not OWN else str(PROBE),
                "PYTHONDONTWRITEBYTECODE": "1",
                "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
                "SEATRIAL_EVENTS": str(out / "events.jsonl"),
            },
        )
        known = read_dependencies(list(out.glob("dependencies-*.jsonl")), folder, {})
        return Traced(done.returncode, done.stdout + done.stderr, known)

    return call


def test_a_test_ran_what_it_called_and_not_what_it_only_imported(run: Run) -> None:
    done = run(
        money=MONEY,
        other="RATE = 3",
        test_it="""
            import money, other
            def test_calls(): assert money.cents(2) == 200
            def test_again(): assert [money.cents(n) for n in range(3)]
            def test_does_not(): assert other.RATE == 3
            """,
    )

    assert done.code == 0
    assert done.ran("test_calls") == done.ran("test_again") == {"money.py"}
    assert done.ran("test_does_not") == set()


def test_generators_coroutines_classes_and_threads_are_seen(run: Run) -> None:
    done = run(
        money="def each():\n    yield 1\n    yield 2\n",
        later="async def wait():\n    return 1\n",
        things="class Thing:\n    def __eq__(self, other):\n        return True\n",
        test_it="""
            import asyncio, threading, things, money, later
            shared = money.each()
            def test_first(): next(shared)
            def test_resumes(): next(shared)
            def test_waits(): asyncio.run(later.wait())
            def test_compares(): assert things.Thing() == 1
            def test_threads():
                thread = threading.Thread(target=lambda: list(money.each()))
                thread.start()
                thread.join()
            def test_class_alone(): assert things.Thing
            """,
    )

    assert done.ran("test_first") == done.ran("test_resumes") == {"money.py"}
    assert done.ran("test_waits") == {"later.py"}
    assert done.ran("test_compares") == {"things.py"}
    assert done.ran("test_threads") == {"money.py"}
    assert done.ran("test_class_alone") == set()


def test_what_a_shared_fixture_did_belongs_to_all_that_use_it(run: Run) -> None:
    done = run(
        money=MONEY,
        conftest="""
            import pytest, money
            @pytest.fixture(scope="session")
            def low(): return money.cents(1)
            @pytest.fixture(scope="module")
            def high(low): return low + 1
            @pytest.fixture(scope="module")
            def asking(request): return request.getfixturevalue("low")
            """,
        test_it="""
            def test_one(low): pass
            def test_two(low): pass
            def test_above(high): pass
            def test_asks(request): request.getfixturevalue("low")
            def test_asks_through(asking): pass
            def test_asks_through_again(asking): pass
            def test_without(): pass
            """,
    )

    for name in ("one", "two", "above", "asks", "asks_through", "asks_through_again"):
        assert "money.py" in done.ran(f"test_{name}"), name
    # The last test tears the session down, and that is no use of the fixture's file.
    assert done.ran("test_without") == set()


def test_imports_are_told_with_what_they_ran_and_read(run: Run) -> None:
    done = run(
        money=MONEY,
        table="""
            import money
            LOW = money.cents(1)
            RATES = open("data/rates.txt").read()
            """,
        test_it="""
            def test_imports():
                import table
            def test_uses():
                import table
                assert table.LOW
            """,
    )

    assert done.known is not None
    assert done.known.modules["table.py"] == Use(
        ran=frozenset({"money.py"}), read=frozenset({"data/rates.txt"})
    )
    assert done.known.late_importers["table.py"] == {"test_it.py"}
    assert done.known.importers["money.py"] == {"table.py"}
    assert done.known.session == Use()
    assert done.known.roots == frozenset()


def test_a_test_read_what_it_opened_or_listed(run: Run) -> None:
    done = run(
        test_it="""
            import glob, os
            from pathlib import Path
            def test_opens(): assert open("data/rates.txt").read()
            def test_reads_path(): assert Path("data/rates.txt").read_bytes()
            def test_low_level(): os.close(os.open("data/rates.txt", os.O_RDONLY))
            def test_lists(): assert os.listdir("data") + glob.glob("data/*")
            def test_source(): assert Path("test_it.py").read_text()
            def test_writes(tmp_path):
                Path("data/new.txt").write_text("x")
                (tmp_path / "x").write_text("x")
            """,
    )

    for name in ("opens", "reads_path", "low_level"):
        assert done.use(f"test_{name}").read == {"data/rates.txt"}
    assert done.use("test_lists").listed == {"data"}
    assert done.use("test_source").read == {"test_it.py"}
    assert done.use("test_writes") == Use(ran=frozenset({"test_it.py"}))
    assert done.known is not None
    assert done.known.readers["data/rates.txt"] == {"test_it.py"}


@pytest.mark.parametrize(
    "start",
    [
        "subprocess.run(['true'])",
        "os.system('true')",
        "os.waitpid(os.fork() or os.execv('/bin/true', ['true']), 0)",
        "os.waitpid(os.posix_spawn('/bin/true', ['true'], {}), 0)",
        "asyncio.run(asyncio.create_subprocess_exec('true'))",
        "start_multiprocessing()",
    ],
)
def test_a_test_that_starts_a_process_says_so(run: Run, start: str) -> None:
    done = run(
        test_it=f"""
            import asyncio, multiprocessing, os, subprocess
            def start_multiprocessing():
                process = multiprocessing.get_context("spawn").Process(target=int)
                process.start()
                process.join()
            def test_starts(): {start}
            def test_does_not(): pass
            """,
    )

    assert done.code == 0, done.output
    assert done.use("test_starts").process
    assert not done.use("test_does_not").process


MONEY_TOOL = """
    import atexit, sys, money, table
    atexit.register(print, "end")
    print(money.cents(int(sys.argv[1])), table.RATES)
    """
TABLE = "from pathlib import Path\nRATES = Path('data/rates.txt').read_text()\ndef unused(): pass\n"
STARTS = """
    import os, subprocess, sys
    from pathlib import Path
    PYTHON = [sys.executable, "tool.py", "2"]
    def run(command=PYTHON, **options):
        return subprocess.run(command, capture_output=True, text=True, check=True, **options).stdout
    """


def test_a_python_that_a_test_starts_tells_what_it_uses(run: Run) -> None:
    done = run(
        money=MONEY,
        table=TABLE,
        tool=MONEY_TOOL,
        main__py="import money\nmoney.cents(1)\n",
        test_it=dedent(STARTS)
        + dedent("""
            def test_tool(): assert run() == "200 1\\nend\\n"
            def test_module(): assert run([sys.executable, "-m", "table"], bufsize=0) == ""
            def test_text(): run([sys.executable, "-c", "import money; money.cents(2)"])
            def test_lists(): run([sys.executable, "-c", "import os; os.listdir('data')"])
            def test_spawns():
                words = [sys.executable, "-c", "import money; money.cents(2)"]
                os.waitpid(os.posix_spawn(words[0], words, os.environ), 0)
            def test_none(): pass
            """),
    )

    assert done.code == 0, done.output
    assert done.use("test_tool") == Use(
        ran=frozenset({"test_it.py", "money.py"}),
        read=frozenset({"data/rates.txt"}),
        imported=frozenset({"tool.py", "money.py", "table.py"}),
    )
    assert done.use("test_module").imported == {"table.py"}
    for name in ("test_text", "test_spawns"):
        assert done.use(name).imported == done.ran(name) == {"money.py"}
        assert not done.use(name).process
    assert done.use("test_lists").listed == {"data"}
    assert done.use("test_none") == Use(ran=frozenset({"test_it.py"}))


@pytest.mark.parametrize(
    "starts",
    [
        pytest.param("run(['sh', '-c', ' '.join(PYTHON)])", id="a shell"),
        pytest.param("run(['sh', '-c', 'exec ' + ' '.join(PYTHON)])", id="a shell gives way"),
        pytest.param("run(' '.join(PYTHON), shell=True)", id="the system's shell"),
        pytest.param("run(['env', *PYTHON])", id="another program gives way"),
        pytest.param("run(env={'PYTHONPATH': '.'})", id="another path"),
        pytest.param("run(env={})", id="a cleaned environment"),
        pytest.param("run([sys.executable, '-I', '-c', ''])", id="isolated"),
        pytest.param("run([sys.executable, '-S', '-c', ''])", id="without site"),
        pytest.param("run(preexec_fn=lambda: None)", id="code before the program"),
        pytest.param("run(['x', *PYTHON[1:]], executable=sys.executable)", id="another name"),
        pytest.param("run([sys.executable, 'shells.py'])", id="it starts a shell"),
        pytest.param("run([sys.executable, 'gives_way.py'])", id="it gives way"),
        pytest.param("run([sys.executable, 'pool.py'])", id="it has a pool"),
        pytest.param("run([sys.executable, 'spoils.py'])", id="its report is closed"),
        pytest.param("run(); subprocess.run(PYTHON, env={})", id="one of two tells"),
        pytest.param("os.system(' '.join(PYTHON))", id="os.system"),
        pytest.param("missing()", id="it does not exist"),
    ],
)
def test_a_test_runs_always_if_it_starts_what_does_not_tell(run: Run, starts: str) -> None:
    done = run(
        money=MONEY,
        table=TABLE,
        tool=MONEY_TOOL,
        shells="import subprocess\nsubprocess.run(['sh', '-c', 'true'])\n",
        gives_way="import os\nos.execv('/bin/true', ['true'])\n",
        pool="""
            import multiprocessing
            if __name__ == "__main__":
                with multiprocessing.get_context("spawn").Pool(1) as pool:
                    pool.map(abs, [1])
            """,
        spoils="import os\nos.closerange(3, 100)\nopen('data/rates.txt')\nimport money\n",
        test_it=dedent(STARTS)
        + dedent(f"""
            def missing():
                try:
                    run([sys.executable + "-no", "tool.py"])
                except OSError:
                    pass
            def test_starts(): {starts}
            def test_does_not(): pass
            """),
    )

    assert done.code == 0, done.output
    assert done.use("test_starts").process
    assert not done.use("test_does_not").process


def test_a_killed_process_has_told_all_and_so_has_one_that_it_started(run: Run) -> None:
    done = run(
        money=MONEY,
        waits="""
            import sys, money
            money.cents(1)
            open("data/rates.txt").close()
            print("ready", flush=True)
            sys.stdin.read()
            """,
        ends="import os, table\ntable.unused()\nos._exit(0)\n",
        table=TABLE,
        between="import subprocess, sys\nsubprocess.run([sys.executable, 'ends.py'], check=True)\n",
        test_it=dedent(STARTS)
        + dedent("""
            def test_kills():
                pipe = subprocess.PIPE
                child = subprocess.Popen([sys.executable, "waits.py"], stdin=pipe, stdout=pipe)
                with child:
                    assert child.stdout.readline() == b"ready\\n"
                    child.kill()
            def test_between(): run([sys.executable, "between.py"])
            """),
    )

    assert done.code == 0, done.output
    assert done.use("test_kills").imported == {"waits.py", "money.py"}
    assert done.use("test_kills").read == {"data/rates.txt"}
    assert done.ran("test_kills") == {"money.py"}
    assert done.use("test_between").imported == {"between.py", "ends.py", "table.py"}
    assert done.ran("test_between") == {"table.py"}
    assert not done.use("test_kills").process
    assert not done.use("test_between").process


FORKS = """
    import os
    def fork(what):
        child = os.fork()
        if child == 0:
            try:
                what()
            finally:
                os._exit(0)
        assert os.waitpid(child, 0)[1] == 0
    """


def test_what_a_test_becomes_by_a_fork_tells_what_it_uses(run: Run) -> None:
    done = run(
        money=MONEY,
        table=TABLE,
        tool=MONEY_TOOL,
        forks=FORKS,
        test_it=dedent(STARTS)
        + dedent("""
            import multiprocessing, sys, time
            from forks import fork
            import money
            def imports(): import table
            def calls(): money.cents(2)
            def kills():
                calls()
                os.kill(os.getpid(), 9)
            def within(what): return lambda: fork(what)
            def both():
                fork(imports)
                fork(calls)
            def starts(): assert run() == "200 1\\nend\\n"
            def process(method):
                found = multiprocessing.get_context(method).Process(target=calls)
                found.start()
                found.join()
            def test_imports(): fork(imports)
            def test_calls(): fork(calls)
            def test_called_before():
                money.cents(1)
                fork(calls)
            def test_several(): both()
            def test_forks_again(): fork(within(within(both)))
            def test_starts(): fork(starts)
            def test_started(): run([sys.executable, "-c", "import test_it; test_it.both()"])
            def test_killed():
                child = os.fork()
                if child == 0:
                    kills()
                os.waitpid(child, 0)
            def test_multiprocessing(): process("fork")
            def test_both_ways():
                process("fork")
                process("spawn")
            def test_pool():
                with multiprocessing.get_context("fork").Pool(1) as pool:
                    assert pool.map(money.cents, [1, 2]) == [100, 200]
            def test_leaves_for_another(): fork(lambda: run(["true"]))
            def test_none(): pass
            """),
    )

    assert done.code == 0, done.output
    own = frozenset({"test_it.py", "forks.py"})
    called = own | {"money.py"}
    table, rates = frozenset({"table.py"}), frozenset({"data/rates.txt"})
    tool = frozenset({"tool.py", "money.py", "table.py"})
    again = frozenset({"test_it.py", "forks.py", "money.py"})
    assert done.use("test_imports") == Use(own, rates, imported=table)
    assert done.use("test_calls") == done.use("test_called_before") == Use(called)
    assert (
        done.use("test_several")
        == done.use("test_forks_again")
        == Use(called, rates, imported=table)
    )
    assert done.use("test_starts") == Use(called, rates, imported=tool)
    assert done.use("test_started") == Use(called, rates, imported=again | table)
    assert done.use("test_killed") == Use(called - {"forks.py"})
    assert done.use("test_multiprocessing") == Use(called - {"forks.py"})
    assert done.use("test_pool") == Use(called - {"forks.py"})
    assert done.use("test_both_ways").process
    assert done.use("test_leaves_for_another").process
    assert done.use("test_none") == Use(frozenset({"test_it.py"}))


def test_a_fork_that_goes_on_counts_for_the_tests_that_come_while_it_is_there(run: Run) -> None:
    done = run(
        money=MONEY,
        test_it="""
            import os, signal
            ends = []
            def serve(asked, answers):
                while os.read(asked, 1):
                    import money
                    money.cents(1)
                    os.write(answers, b"x")
                os._exit(0)
            def test_before(): pass
            def test_starts():
                asked, ask = os.pipe()
                answer, answers = os.pipe()
                child = os.fork()
                if child == 0:
                    os.close(ask)  # or it would wait for itself
                    # Its own child outlives it, and is nobody's.
                    if os.fork() == 0:
                        serve(asked, answers)
                    os._exit(0)
                os.waitpid(child, 0)
                ends.extend((ask, answer, asked))
            def test_asks():
                os.write(ends[0], b"x")
                assert os.read(ends[1], 1) == b"x"
            """,
    )

    assert done.code == 0, done.output
    assert done.use("test_before") == Use(frozenset({"test_it.py"}))
    # Until when it was there is seen when a test ends, not before.
    for name in ("test_starts", "test_asks"):
        assert done.ran(name) == done.use(name).imported == {"money.py"}
        assert not done.use(name).process


@pytest.mark.parametrize(
    "ends",
    [
        pytest.param("sys.exit()", id="it goes on as pytest"),
        pytest.param("os.truncate(reports()[0], 3); os._exit(0)", id="it spoils its report"),
        pytest.param("os.remove(reports()[0]); os._exit(0)", id="it removes its report"),
    ],
)
def test_a_fork_that_does_not_tell_all_is_never_taken_for_one_that_used_nothing(
    run: Run, ends: str
) -> None:
    done = run(
        money=MONEY,
        test_it=f"""
            import glob, json, os, sys
            def reports():
                out = json.loads(os.environ["SEATRIAL_TRACE_CHILDREN"])["out"]
                return glob.glob(out + f"/dependencies-child-*-{{os.getpid()}}-*")
            def test_forks():
                child = os.fork()
                if child == 0:
                    import money
                    {ends}
                os.waitpid(child, 0)
            """,
    )

    assert done.code == 0, done.output
    used = done.use("test_forks")
    assert used.process or used.imported == {"money.py"}


def test_a_server_counts_for_its_fixtures_users_or_for_all_that_come_while_it_is_there(
    run: Run,
) -> None:
    done = run(
        money=MONEY,
        server="""
            import sys
            for line in sys.stdin:
                import money
                print(money.cents(int(line)), flush=True)
            """,
        serving="""
            import subprocess, sys
            class Server:
                def __init__(self, *more):
                    pipe = subprocess.PIPE
                    command = [sys.executable, "server.py", *more]
                    self.child = subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True)
                def ask(self, amount):
                    self.child.stdin.write(f"{amount}\\n")
                    self.child.stdin.flush()
                    return int(self.child.stdout.readline())
                def end(self):
                    self.child.kill()
                    self.child.communicate()
            """,
        test_it="""
            import pytest, serving
            left = []
            @pytest.fixture(scope="module")
            def server():
                server = serving.Server()
                yield server
                server.end()
            def test_before(): pass
            def test_first(server): assert server.ask(1) == 100
            def test_beside(): pass
            def test_last(server): pass
            def test_leaves():
                left.append(serving.Server("own"))
                left[0].ask(2)
            def test_unaware(): pass
            def test_uses(): assert left[0].ask(3) == 300
            def test_ends(): left.pop().end()
            def test_after(): pass
            """,
    )

    assert done.code == 0, done.output
    using = {"first", "last", "leaves", "unaware", "uses", "ends"}
    for name in ("before", "first", "beside", "last", "leaves", "unaware", "uses", "ends", "after"):
        assert not done.use(f"test_{name}").process
        told = {"money.py", "server.py"} if name in using else set()
        assert done.use(f"test_{name}").imported == told, name


def test_a_script_is_followed_and_the_next_sitecustomize_is_run(run: Run) -> None:
    done = run(
        money=MONEY,
        own__sitecustomize="import builtins, money\nbuiltins.WORD = 'hello'\n",
        prints="print(WORD)",
        test_it=dedent(STARTS)
        + dedent("""
            def test_script():
                path = Path("bin/tool")
                path.parent.mkdir()
                path.write_text(f"#!{sys.executable}\\nimport sys\\nprint(*sys.argv[1:])\\n")
                path.chmod(0o755)
                assert run(["bin/tool", "a", "b c"]) == "a b c\\n"
            def test_next(monkeypatch):
                own = os.pathsep.join([os.environ["PYTHONPATH"], "own", "."])
                monkeypatch.setenv("PYTHONPATH", own)
                assert run([sys.executable, "prints.py"]) == "hello\\n"
            """),
    )

    assert done.code == 0, done.output
    assert done.use("test_script").imported == {"bin/tool"}
    assert done.use("test_next").imported == {"own/sitecustomize.py", "money.py", "prints.py"}
    assert not done.use("test_script").process
    assert not done.use("test_next").process


CLASS_METHOD = """
class A: pass
def get(): return B.make(A())
class B:
    held = A()
    @classmethod
    def make(cls, given):
        """
APPENDS = """
def get(): return A().go()
class A:
    def go(self):
        self.made.append(1)
        return self
"""
OBJECT = """
class Base:
    def __init__(self): self.made, self.rows = 0, {}
    def go(self):
        """
AFTER_OBJECT = """
class A(Base): pass
def make(): return A()
def get(): return one().go()
def one(): return a
"""
CLOSURE = """
def memo(function):
    made, count = {}, 0
    def inner(*given):
        nonlocal count
        """
AFTER_CLOSURE = """
        return function(*given)
    return inner
"""


KEEPING = [
    ("@functools.cache\ndef made(): yield 1\ndef get(): return list(made())", True),
    ("made = None\ndef get():\n    global made\n    made = 1\n    return made", True),
    ("made = {}\ndef get():\n    made['a'] = 1\n    return made", True),
    ("made = []\ndef get():\n    made.append(1)\n    return made", True),
    ("class A: pass\ndef get():\n    A.made = 1\n    return A", True),
    (CLASS_METHOD + "cls.made = 1\n        return cls", True),
    ("class A: made = {}\ndef get():\n    A.made['a'] = 1\n    return A", True),
    (APPENDS + "    made = []\n", True),
    (APPENDS + "    def __init__(self): self.made = []\n", False),
    (CLASS_METHOD + "one = cls.held\n        one.made = 1\n        return one", True),
    (CLASS_METHOD + "for one in [cls]: one.made = 1\n        return one", True),
    (CLASS_METHOD + "one = cls()\n        one.made = cls.held\n        return one", False),
    (CLASS_METHOD + "given.made = 1\n        return given", False),
    ("made = {1: 2}\ndef get():\n    own = {}\n    own[1] = made[1]\n    return own", False),
    ("def get():\n    made = [1]\n    made.append(1)\n    return made", False),
    ("made = {}\ndef get():\n    own = made\n    own[1] = 1\n    return own", True),
    ("made = [[]]\ndef get():\n    for row in made: row += [1]\n    return made", True),
    ("made = [[]]\ndef get():\n    for row in made: row[:] = [1]\n    return made", True),
    ("made = [1]\ndef get():\n    own = [made]\n    own.append(1)\n    return own", False),
    ("made = {}\ndef get():\n    own = dict(made)\n    own[1] = 1\n    return own", False),
    ("made = {}\ndef get():\n    own = made.copy()\n    own[1] = 1\n    return own", False),
    ("def get():\n    get.made[1] = 1\n    return get.made\nget.made = {}", True),
    (
        "def get():\n    own = get.__name__\n    rows = {}\n    rows[own] = 1\n    return rows",
        False,
    ),
    ("class A: pass\ndef get():\n    setattr(A, 'made', 1)\n    return A", True),
    ("class A: pass\na = A()\ndef get():\n    setattr(a, 'made', 1)\n    return a", True),
    ("import heapq\nmade = []\ndef get():\n    heapq.heappush(made, 1)\n    return made", True),
    ("def get(made={}):\n    made[1] = 1\n    return made", True),
    ("def get(*, made=None):\n    made = {1: 1}\n    made[1] = 2\n    return made", False),
    (OBJECT + "self.made = 1\n        return self" + AFTER_OBJECT + "a = A()", True),
    (OBJECT + "self.rows[1] = 1\n        return self" + AFTER_OBJECT + "a = make()", True),
    (
        OBJECT
        + "self.rows.pop(1, 2)\n        return self"
        + AFTER_OBJECT
        + "all = [A()]\na = all[0]",
        True,
    ),
    (OBJECT + "return self.rows.get(1, self)" + AFTER_OBJECT + "a = A()", False),
    (OBJECT + "self.made = 1\n        return self\nget = Base().go", True),
    (OBJECT + "self.made = 1\n        return self\ndef get(): return Base().go()", False),
    (OBJECT + "pass\na = Base()\ndef get():\n    a.rows[1] = 1\n    return a", True),
    (
        OBJECT + "pass\na = Base()\ndef get():\n    rows = a.rows\n    rows[1] = 1\n    return a",
        True,
    ),
    (
        OBJECT + "pass\nclass A:\n    a = Base()\n    a.go = Base().go\ndef get(): return A.a",
        False,
    ),
    (CLOSURE + "made[given] = 1" + AFTER_CLOSURE + "@memo\ndef get(): return 1", True),
    (CLOSURE + "count += 1" + AFTER_CLOSURE + "@memo\ndef get(): return 1", True),
    (CLOSURE + "own = [count, made]" + AFTER_CLOSURE + "@memo\ndef get(): return 1", False),
    (CLOSURE + "made[given] = 1" + AFTER_CLOSURE + "def get(): return memo(len)('a')", False),
]
"""Modules whose function `get` a test calls, and whether it keeps something for later ones."""


def test_functions_that_keep_something_for_later_are_noticed(run: Run) -> None:
    numbers = range(len(KEEPING))
    modules = {f"keeper_{n}": f"import functools\n{KEEPING[n][0]}\n" for n in numbers}
    tests = (f"import keeper_{n}\ndef test_{n}(): assert keeper_{n}.get()" for n in numbers)

    done = run(test_it="\n".join(tests), **modules)

    assert done.code == 0, done.output
    seen = [(KEEPING[n][0], done.use(f"test_{n}").keeps) for n in numbers]
    assert seen == [
        (body, frozenset([f"keeper_{n}.py"] if keeps else []))
        for n, (body, keeps) in enumerate(KEEPING)
    ]


def test_what_another_module_has_is_kept_for_its_users_as_well(run: Run) -> None:
    done = run(
        store="""
            class Store:
                def __init__(self): self.rows = {}
            MADE = {}
            STORE = Store()
            """,
        imports="import store\ndef put(): store.MADE[1] = 2\n",
        names="from store import MADE as M, STORE\ndef put(): M[2] = 3\ndef get(): return M\n",
        sets="from store import STORE\ndef put():\n    rows = STORE.rows\n    rows[1] = 2\n",
        reads="import store\ndef get(): return dict(store.MADE), store.STORE.rows.get(1)\n",
        of_class="from store import Store\ndef put(): Store.made = 1\n",
        test_it="""
            import imports, names, of_class, reads, sets
            def test_module(): imports.put()
            def test_name(): names.put()
            def test_object(): sets.put()
            def test_class(): of_class.put()
            def test_reads(): assert names.get() and reads.get() == ({1: 2, 2: 3}, 2)
            """,
    )

    assert done.code == 0, done.output
    assert done.use("test_module").keeps == {"imports.py", "store.py"}
    assert done.use("test_name").keeps == {"names.py", "store.py"}
    assert done.use("test_object").keeps == {"sets.py", "store.py"}
    assert done.use("test_class").keeps == {"of_class.py", "store.py"}
    assert done.use("test_reads").keeps == set()


LAZY = """
    import functools
    import helper
    class Lazy:
        rate = None
        def first(self):
            if self.rate is None:
                self.rate = helper.rate()
            return self.rate
        @functools.cached_property
        def second(self): return helper.rate()
    """


def test_an_object_keeps_what_it_has_set_in_a_test_if_others_meet_it_again(run: Run) -> None:
    done = run(
        lazy=LAZY,
        helper="def rate(): return 3\n",
        single="""
            from lazy import Lazy
            made = None
            def get():
                global made
                made = made or Lazy()
                return made
            """,
        test_it="""
            import pytest, single
            from lazy import Lazy
            @pytest.fixture(scope="module")
            def shared(): return {"lazy": [Lazy()]}
            def test_own(shared): assert Lazy().first() == Lazy().second == 3
            def test_makes(): assert single.get()
            def test_global(): assert single.made.first() == 3
            def test_up(shared): pass
            def test_shared(shared): assert shared["lazy"][0].first() == 3
            def test_cached(shared): assert shared["lazy"][0].second == 3
            """,
    )

    assert done.code == 0, done.output
    assert done.known is not None
    assert done.use("test_own").keeps == set()  # an object of the same class, which is gone
    assert done.use("test_makes").keeps == {"single.py"}
    assert done.use("test_global").keeps == {"lazy.py"}
    assert done.use("test_up").keeps == set()
    assert done.use("test_shared").keeps == {"lazy.py"}
    assert done.use("test_cached").keeps == set()
    assert done.known.kept["lazy.py"].ran == {"lazy.py", "helper.py"}


def test_an_object_that_is_made_on_first_use_is_not_made_by_looking_for_what_a_module_keeps(
    run: Run,
) -> None:
    done = run(
        lazy="""
            class Lazy:
                made = []
                def __getattr__(self, name):
                    self.made.append(name)
                    raise RuntimeError("not ready yet")
            connection = Lazy()
            """,
        uses="from lazy import connection\ndef get(): return connection.made\n",
        test_it="import uses\ndef test_gets(): assert uses.get() == []\n",
    )

    assert done.code == 0, done.output
    assert done.ran("test_gets") == {"uses.py"}
    assert done.known is not None
    assert not done.known.session.process


CACHED = """
    import functools
    import helper
    @functools.lru_cache
    def rate(name):
        return helper.read(name)
    class Shop:
        @staticmethod
        @functools.cache
        def tax():
            return rate("tax") + 1
    """
HELPER = """
    import other
    def read(name):
        return float(open("data/rates.txt").read())
    """
OTHER = "def used(): return 1\n"


def test_of_a_cached_function_counts_what_ran_and_was_read_within_it(run: Run) -> None:
    done = run(
        cached=CACHED,
        helper=HELPER,
        other=OTHER,
        test_it="""
            import cached, helper, other
            def test_fills_it():
                assert helper.read("x")  # it reports here, and again within
                assert other.used() and cached.Shop.tax() and other.used()
            def test_finds_it(): assert cached.rate("tax")
            """,
    )

    assert done.code == 0, done.output
    assert done.known is not None
    assert done.known.kept == {
        "cached.py": Use(
            ran=frozenset({"cached.py", "helper.py"}), read=frozenset({"data/rates.txt"})
        )
    }
    assert done.use("test_fills_it").keeps == set()
    assert done.ran("test_fills_it") == {"cached.py", "helper.py", "other.py"}
    assert done.ran("test_finds_it") == set()


def test_a_cached_function_that_raises_is_over_with_its_test_at_the_latest(run: Run) -> None:
    done = run(
        cached="import functools\n@functools.cache\ndef get(): raise KeyError\n",
        other=OTHER,
        last="def used(): return 1\n",
        test_it="""
            import cached, last, other, pytest
            def test_raises():
                with pytest.raises(KeyError):
                    cached.get()
                assert other.used()
            def test_later(): assert last.used()
            """,
    )

    assert done.code == 0, done.output
    assert done.known is not None
    assert "cached.py" in done.known.kept["cached.py"].ran
    assert "last.py" not in done.known.kept["cached.py"].ran


def test_what_runs_in_other_threads_while_a_cached_function_does_counts_too(run: Run) -> None:
    done = run(
        cached="""
            import functools, threading, other
            @functools.cache
            def get():
                thread = threading.Thread(target=other.used)
                thread.start()
                thread.join()
            """,
        other=OTHER,
        test_it="import cached\ndef test_it(): cached.get()\n",
    )

    assert done.known is not None
    assert done.known.kept["cached.py"].ran == {"cached.py", "other.py"}


def test_of_a_cached_function_that_is_asked_for_much_all_counts_that_ran_in_the_test(
    run: Run,
) -> None:
    done = run(
        cached="import functools\n@functools.cache\ndef get(n): return n\n",
        other=OTHER,
        test_it="""
            import cached, other
            def test_many(): assert other.used() and [cached.get(n) for n in range(1001)]
            """,
    )

    assert done.use("test_many").keeps == {"cached.py"}
    assert done.ran("test_many") == {"cached.py", "other.py"}


def test_a_cached_function_that_starts_a_process_may_keep_all_that_the_test_used(run: Run) -> None:
    done = run(
        cached="""
            import functools, subprocess, sys
            @functools.cache
            def get(): return subprocess.check_output([sys.executable, "-c", "print(1)"])
            """,
        test_it="import cached\ndef test_it(): assert cached.get()\n",
    )

    assert done.use("test_it").keeps == {"cached.py"}


def test_what_the_standard_library_asks_the_machine_is_no_process_of_the_projects(run: Run) -> None:
    done = run(
        asks="import platform\nBITS = platform.architecture()\n",
        test_it="import asks\ndef test_it(): assert asks.BITS\n",
    )

    assert done.known is not None
    assert not done.known.modules["asks.py"].process
    assert not done.use("test_it").process


def test_hooks_and_parameters_are_told_apart_from_tests(run: Run) -> None:
    done = run(
        money=MONEY,
        hooks="def setting():\n    return 1\n",
        conftest="import hooks\ndef pytest_configure(config): hooks.setting()\n",
        test_it="""
            import money, pytest
            def pytest_generate_tests(metafunc):
                metafunc.parametrize("amount", [money.cents(1)])
            def test_one(amount): pass
            """,
    )

    assert done.known is not None
    assert done.known.session.ran == {"conftest.py", "hooks.py"}
    assert done.known.collected["test_it.py"].ran == {"test_it.py", "money.py"}
    assert done.ran("test_one[100]") == set()


def test_no_outcome_is_changed_and_nothing_is_printed(run: Run) -> None:
    files = {
        "test_it": """
            import sys, pytest
            def deep(n): return n and deep(n - 1)
            def test_passes(): deep(500)
            def test_fails(): assert 0
            def test_recurses():
                with pytest.raises(RecursionError):
                    deep(10 ** 6)
            @pytest.mark.xfail
            def test_xfails(): assert 0
            def test_odd_paths():
                for path in ("/no/such", b"data", "\\udcff", 10 ** 6):
                    try:
                        open(path)
                    except OSError:
                        pass
                with pytest.raises(ValueError):
                    open("a\\0b")
                with pytest.raises(TypeError):
                    open(None)
            """
    }

    done = run("--tb=no", "-rN", **files)

    assert done.code == 1
    assert "1 failed, 3 passed, 1 xfailed" in done.output
    assert done.known is not None


@pytest.mark.skipif("sys.version_info >= (3, 12)")
def test_an_older_python_does_nothing(run: Run) -> None:
    done = run(interpreter=OWN, test_it="def test_passes(): pass\n")

    assert done.code == 0
    assert done.known is None
