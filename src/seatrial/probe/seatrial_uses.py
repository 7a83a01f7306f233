"""What Seatrial's tracer sees of a process: which files of the project it runs, reads and lists.

Needs Python 3.12, and only the standard library, since it also goes into processes that tests
start. Only code of the project is watched, and each of its functions costs one callback per test:
events of `sys.monitoring` are set on the code objects that Python hands to `exec`, never on all.
"""

from __future__ import annotations

import _thread
import contextlib
import hashlib
import itertools
import json
import os
import sys
import sysconfig
import types
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator

    from seatrial.probe.seatrial_contexts import Labels
    from seatrial.probe.seatrial_lasting import Search

VERSION = 3
"""Of the lines' form."""
MAX_PATHS = 100_000
"""Different paths that are looked at; what is opened beyond them makes the test run always."""
MAX_LINES = 1000
"""Lines that wait for the next write."""
MAX_STARTS = 1000
"""Processes of one pytest that are followed: each writes a file that is taken out."""
MAX_MISSES = 1000
"""Calls of one cached function, in all tests, of which it is told what ran within them. Each makes
the functions that ran before report once more; beyond them, all counts that ran in the test."""
TOOLS = (4, 3, 2)
"""Tool ids of `sys.monitoring` that have no fixed use, the least likely to be taken first."""
CHILDREN = "SEATRIAL_TRACE_CHILDREN"
"""Variable that tells a Python which a test starts what to watch, and where to write it."""
CURRENT_TEST = "PYTEST_CURRENT_TEST"

HERE = os.path.dirname(os.path.abspath(__file__))
PASSED_OVER = (
    "/site-packages/",
    "/dist-packages/",
    "/__pycache__/",
    "/.git/",
    "/.pytest_cache/",
    "/.hypothesis/",
)
NOT_THE_PROJECTS = ("/proc/", "/sys/", "/dev/", "/etc/", "/run/", "/usr/share/")
HARMLESS_PROGRAMS = frozenset({"uname", "ldconfig", "lsb_release"})
"""What libraries ask about the machine; they read nothing of the project."""
MACHINE_MODULES = tuple(
    os.path.join(os.path.dirname(os.__file__), *path)
    for path in (("platform.py",), ("ctypes", "util.py"), ("uuid.py",))
)
"""Where the standard library starts programs of its own choice to learn about the machine."""
# An interpreter within this process has audit hooks of its own.
PROCESS_EVENTS = (
    "os.exec",
    "os.spawn",
    "os.system",
    "pty.spawn",
    "cpython.PyInterpreterState_New",
)
IMPORTERS = ("<frozen importlib", "<frozen zipimport")
REWRITER = os.sep.join(("", "_pytest", "assertion", "rewrite.py"))
READERS_OF_SOURCE = (
    REWRITER,
    os.sep.join(("", "_pytest", "_code", "source.py")),
    os.sep.join(("", "linecache.py")),
    os.sep.join(("", "coverage", "python.py")),
)
"""Who opens a Python file to import it, or to show or count its lines."""
PYTEST_MAIN = os.sep.join(("", "_pytest", "config", "__init__.py"))
OPTIMIZED = 0x1
"""Code flag of functions (inspect.CO_OPTIMIZED): bodies of modules and classes have it not."""
GENERATORS = 0x20 | 0x80 | 0x200
"""Code flags of generators, coroutines and asynchronous generators (inspect.CO_...)."""
SUBPROCESS = os.sep.join(("", "subprocess.py"))


class Context:
    """What was used since it began, as numbers of files."""

    __slots__ = ("imported", "keeps", "listed", "process", "ran", "read", "starts", "uses")

    def __init__(self) -> None:
        self.ran: set[int] = set()
        self.read: set[int] = set()
        self.listed: set[int] = set()
        self.keeps: set[int] = set()
        """Files of which a function ran that may keep its outcome for later tests."""
        self.uses: set[int] = set()
        """Fixtures."""
        self.imported: set[int] = set()
        """Files that a process imported; here modules have lines of their own."""
        self.starts: set[int] = set()
        """Processes that may tell by themselves what they use."""
        self.process = False
        """Whether it started one that tells nothing."""

    def line(self, **values: Any) -> dict[str, Any]:
        """Its line, without what is empty."""
        for name in ("ran", "read", "listed", "keeps", "uses", "starts"):
            if getattr(self, name):
                values[name] = sorted(getattr(self, name))
        if self.process:
            values["process"] = True
        return values


class Writer:
    """Appends lines to the file, many at a time: one that is cut short counts for nothing."""

    def __init__(self, path: str) -> None:
        self._encode = json.JSONEncoder(separators=(",", ":")).encode
        self._lines: list[str] = []
        self._pid = os.getpid()
        self._file: int | None = None
        try:
            self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o666)
        except OSError:
            return

    @property
    def works(self) -> bool:
        """Whether the file could be opened."""
        return self._file is not None

    def add(self, **values: Any) -> None:
        """Keep a line for the next write."""
        self._lines.append(self._encode(values))
        if len(self._lines) >= MAX_LINES:
            self.flush()

    def flush(self) -> None:
        """Write what was kept; a forked child has nothing to say here."""
        if self._file is None or not self._lines or os.getpid() != self._pid:
            return
        text, self._lines = "\n".join(self._lines) + "\n", []
        try:
            os.write(self._file, text.encode())
        except OSError:
            self._file = None

    def close(self) -> None:
        """Close the file; later lines are dropped."""
        if self._file is not None and os.getpid() == self._pid:
            os.close(self._file)
        self._file = None


class Files:
    """Numbers the project's files, and knows what is none."""

    def __init__(self, roots: Iterable[str], foreign: Iterable[str], writer: Writer) -> None:
        paths = sysconfig.get_paths()
        self.roots = tuple({os.path.join(root, "") for root in roots if root != os.sep})
        self.foreign = NOT_THE_PROJECTS + tuple(
            os.path.join(folder, "")
            for folder in {
                *(os.path.realpath(paths[name]) for name in ("stdlib", "platstdlib", "scripts")),
                *(paths[name] for name in ("stdlib", "platstdlib", "scripts")),
                HERE,
                *foreign,
            }
        )
        self._writer = writer
        self._free = itertools.count()
        self._numbers: dict[str, int] = {}
        self._code: dict[str, int | None] = {}
        self._opened: dict[str, tuple[int, ...]] = {}

    def of_code(self, name: str) -> int | None:
        """The number of the file that code comes from; None if it is not the project's."""
        try:
            return self._code[name]
        except KeyError:
            found = None
            if name[:1] != "<":
                path = os.path.abspath(name)
                if self.is_own(path) or self._is_elsewhere(path):
                    found = self._number(path)
            self._code[name] = found
            return found

    def of_opened(self, path: Any) -> tuple[int, ...] | None:
        """The numbers of a file that was opened: its own and that of what a link leads to.

        None: too many were opened, so nobody knows.
        """
        if isinstance(path, int):
            return ()
        name = os.path.join(os.getcwd(), os.fsdecode(path))
        try:
            return self._opened[name]
        except KeyError:
            if len(self._opened) >= MAX_PATHS:
                return None
            plain = os.path.normpath(name)
            found = {p for p in (plain, os.path.realpath(plain)) if self.is_own(p)}
            numbers = tuple(self._number(p) for p in sorted(found) if not p.endswith(".pyc"))
            self._opened[name] = numbers
            return numbers

    def is_own(self, path: str) -> bool:
        """Whether something that is opened or listed is the project's."""
        return (path + os.sep).startswith(self.roots) and not any(
            part in path for part in PASSED_OVER
        )

    def _is_elsewhere(self, path: str) -> bool:
        return not path.startswith(self.foreign) and not any(part in path for part in PASSED_OVER)

    def _number(self, path: str) -> int:
        number = self._numbers.get(path)
        if number is None:
            free = next(self._free)  # another thread may be here, too
            number = self._numbers.setdefault(path, free)
            if number == free:
                self._writer.add(file=number, path=path)
        return number


class Tracer:
    """Knows what runs now, and notes for it what it uses; a process has one at a time."""

    is_on = False

    def __init__(self, files: Files, writer: Writer, tool: int) -> None:
        self._files = files
        self._writer = writer
        self.tool = tool
        self._monitoring: Any = getattr(sys, "monitoring", None)  # new in Python 3.12
        self.search: Search | None = None
        """Finds who keeps something for later tests."""
        self.labels: Labels | None = None
        """Who tells coverage.py what runs now."""
        self._silent: int | None = None
        """The thread that tells it: what that opens meanwhile is nobody's."""
        self.session = Context()
        self._now = self.session
        self._fired: list[types.CodeType] = []
        self._importing = 0
        self._modules: dict[int, Context] = {}
        self._importers: dict[int, set[int]] = {}
        self._within: dict[int, set[str]] = {}
        """By module: what its import was seen to begin in."""
        self._unwritten: set[int] = set()
        self._readers: set[tuple[int, int]] = set()
        self._storing: set[int] = set()
        """Functions that set a global name or an attribute of one, by their id."""
        self._keepers: dict[int, set[int]] = {}
        """By function: the files whose users may meet again what it keeps."""
        self._methods: dict[int, set[int]] = {}
        """The same of those that keep something only in an object that outlives the test."""
        self._held: dict[int, types.CodeType] = {}
        """Functions that are known by their id, which must stay theirs."""
        self._cached: dict[int, types.CodeType] = {}
        """Functions with a cache: their bodies run only when it has no outcome yet."""
        self._misses: dict[int, int] = {}
        self._kept: dict[int, Context] = {}
        """By file: what was used while its cached functions ran."""
        self._open: list[tuple[types.CodeType, int, int]] = []
        """Cached functions that run now, each with its thread and its file."""
        self.told: dict[int, str] = {}
        """Processes that were started, and how each is known."""
        self.forking: dict[int, tuple[int, str]] = {}
        """By thread that is about to fork: this process, and how what comes of it is known."""
        self._starters: dict[int, types.CodeType] = {}
        self._free = itertools.count()
        self._stores = opcodes("STORE_GLOBAL", "STORE_ATTR", "LOAD_GLOBAL", "CACHE")
        self._handlers: dict[str, Callable[[tuple[Any, ...]], None]] = {
            "exec": lambda args: self._watch(args[0]),
            "function.__new__": lambda args: self._watch(args[0]),
            "object.__setattr__": self._set_attribute,
            "open": self._opened,
            "sqlite3.connect": lambda args: self._note_read(args[0]),
            "os.listdir": lambda args: self._listed(args[0]),
            "os.scandir": lambda args: self._listed(args[0]),
            "subprocess.Popen": self._popen,
            **{event: lambda _: self._process() for event in PROCESS_EVENTS},
            "os.posix_spawn": self._posix_spawn,
            "os.fork": lambda _: self._process(self._tell_fork()),
            "os.forkpty": lambda _: self._process(self._tell_fork()),
        }

    def start(self) -> None:
        """Begin to watch."""
        self._monitoring.use_tool_id(self.tool, "seatrial")
        self._be_told()

    def go_on_after(self, other: Tracer) -> None:
        """Watch in the place of another, of which a fork has made a copy that must not."""
        other._handlers.clear()
        self._fired, other._fired = other._fired, []
        self._be_told()
        self._again()

    def _be_told(self) -> None:
        Tracer.is_on = True
        events = self._monitoring.events
        for event in (events.PY_START, events.PY_RESUME):
            self._monitoring.register_callback(self.tool, event, self._started)
        self._monitoring.register_callback(self.tool, events.PY_RETURN, self._returned)
        self._monitoring.register_callback(self.tool, events.PY_UNWIND, self._unwound)
        add_hook: Any = sys.addaudithook
        add_hook(self._audit)
        for name in ("multiprocessing.process", "multiprocessing.util"):
            self._watch_starters(vars(sys.modules.get(name, types)).values())

    def stop(self) -> None:
        """Watch no more; an audit hook cannot be taken back, so it stays and does nothing."""
        if not self._handlers:
            return  # another goes on in its place
        Tracer.is_on = False
        self._handlers.clear()
        self._monitoring.set_events(self.tool, 0)
        self._monitoring.free_tool_id(self.tool)

    def switch(self, context: Context) -> Context:
        """From now on note for `context`; returns the one before."""
        before, self._now = self._now, context
        self._importing = 0
        if self._open:
            self._drop_ended()
        self._again()
        if self.search is not None:
            for number in before.keeps:
                self._look(self.search.again, number)
        return before

    def enter(self, label: str, frame: types.FrameType | None = None) -> int:
        """Have coverage note for `label` what runs from now on; returns what `leave` wants."""
        return self._telling(lambda labels: labels.enter(label, frame)) or 0

    def leave(self, depth: int) -> None:
        """Have it note for what it noted before."""
        self._telling(lambda labels: labels.leave(depth))

    def tell_coverage(self) -> None:
        """Have it note for what runs now, if it has only just begun to measure."""
        self._telling(lambda labels: labels.tell())

    def _telling(self, tell: Callable[[Labels], int | None]) -> int | None:
        if self.labels is None:
            return None
        before, self._silent = self._silent, _thread.get_ident()
        try:
            return tell(self.labels)
        finally:
            self._silent = before

    def tell_imports(self) -> None:
        """Write what modules did while they were imported."""
        for number in sorted(self._unwritten):
            by = sorted(self._importers.get(number, ()))
            within = sorted(self._within.get(number, ()))
            line = self._modules[number].line(module=number, by=by)
            self._writer.add(**line, **({"within": within} if within else {}))
        self._unwritten.clear()
        for number, context in sorted(self._kept.items()):
            self._writer.add(**context.line(kept=number))

    def _again(self) -> None:
        """Have the functions that ran already report once more."""
        fired, self._fired = self._fired, []
        for code in fired:
            self._ask_anew(code)

    def _ask_anew(self, code: types.CodeType) -> None:
        set_events = self._monitoring.set_local_events
        set_events(self.tool, code, 0)
        set_events(self.tool, code, self._events_of(code))

    def _events_of(self, code: types.CodeType) -> int:
        events = self._monitoring.events
        if code.co_name == "<module>":
            return int(events.PY_START | events.PY_RETURN)
        if code.co_flags & GENERATORS:
            return int(events.PY_START | events.PY_RESUME)
        if id(code) in self._cached:
            return int(events.PY_START | events.PY_RETURN)
        return int(events.PY_START)

    # What Python tells while a context is on.

    def _audit(self, event: str, args: tuple[Any, ...]) -> None:
        handler = self._handlers.get(event)
        if handler is not None and self._silent != _thread.get_ident():
            try:
                handler(args)
            except Exception:  # noqa: BLE001 - whatever happens here is not the test's fault
                self._now.process = True  # nobody knows what it used, so it runs always

    def _watch(self, code: Any) -> None:
        """Ask for the events of code that is about to run, and of the functions in it."""
        if not isinstance(code, types.CodeType):
            return
        number = self._files.of_code(code.co_filename)
        if number is None:
            if code.co_filename.endswith(("multiprocessing/process.py", "multiprocessing/util.py")):
                self._watch_starters(within(code))
            return
        for each in within(code):
            if not is_function(each) and each.co_name != "<module>":
                continue  # the body of a class is part of what runs around it
            if self._monitoring.get_local_events(self.tool, each) == 0:
                self._monitoring.set_local_events(self.tool, each, self._events_of(each))
                if self._stores_outside(each):
                    self._storing.add(id(each))
                    self.note_keeper(each, {number})

    def _watch_starters(self, values: Any) -> None:
        """Watch what starts processes in `multiprocessing`: it does so without an audit event."""
        for value in list(values):
            if type(value) is type and value.__name__ == "BaseProcess":
                self._watch_starters(vars(value).values())
            code = value if type(value) is types.CodeType else getattr(value, "__code__", None)
            if type(code) is types.CodeType and code.co_name in ("start", "spawnv_passfds"):
                self._starters[id(code)] = code
                self._monitoring.set_local_events(self.tool, code, self._monitoring.events.PY_START)

    def _set_attribute(self, args: tuple[Any, ...]) -> None:
        if args[1] == "__code__":
            self._watch(args[2])

    def _started(self, code: types.CodeType, _offset: int) -> Any:
        """A function of the project runs, for the first time in this context."""
        if not Tracer.is_on:
            return self._monitoring.DISABLE
        cached = id(code) in self._cached
        of_object = not cached and id(code) in self._methods
        if not cached and not of_object:
            self._fired.append(code)
        if id(code) in self._starters:
            if is_fork(sys._getframe(1)):  # noqa: SLF001 - documented by Python
                return None  # which it tells by itself; the next may be something else
            self._process()
            return self._monitoring.DISABLE
        number = self._files.of_code(code.co_filename)
        if number is None:
            return self._monitoring.DISABLE
        if code.co_name == "<module>":
            self._module_begins(number)
            self._label_module(number, code, sys._getframe(1))  # noqa: SLF001 - as above
            return self._monitoring.DISABLE
        modules = self._above()[1] if self._importing else ()
        if cached:
            cached = self._cached_begins(code, number)
        for context in self._contexts(modules):
            context.ran.add(number)
        if id(code) in self._keepers:
            self._now.keeps.update(self._keepers[id(code)])
        if of_object:
            if not self._lasts(sys._getframe(1).f_locals.get(code.co_varnames[0])):  # noqa: SLF001
                return None  # the next call may be for one that does
            self._now.keeps.update(self._methods[id(code)])
            self._fired.append(code)
        return None if cached else self._monitoring.DISABLE

    def _cached_begins(self, code: types.CodeType, number: int) -> bool:
        """Note what is used until it has its outcome; tells whether it will be asked again."""
        misses = self._misses[id(code)] = self._misses.get(id(code), 0) + 1
        if misses > MAX_MISSES:
            del self._cached[id(code)]
            self.note_keeper(code, {number})
            self._fired.append(code)
            return False
        self._kept.setdefault(number, Context())
        self._open.append((code, _thread.get_ident(), number))
        # What ran in this test before may run again within.
        self._again()
        return True

    def _cached_ends(self, code: types.CodeType) -> None:
        thread = _thread.get_ident()
        ended = [each for each in self._open if each[0] is code and each[1] == thread]
        if ended:
            self._close(ended[-1])

    def _close(self, entry: tuple[types.CodeType, int, int]) -> None:
        """Entries of other threads come and go meanwhile, so the list stays the same one."""
        with contextlib.suppress(ValueError):
            self._open.remove(entry)

    def _drop_ended(self) -> None:
        """Forget cached functions of this thread that ended with an exception."""
        running: list[types.CodeType] = []
        frame: types.FrameType | None = sys._getframe(1)  # noqa: SLF001 - documented by Python
        while frame is not None:
            running.append(frame.f_code)
            frame = frame.f_back
        thread = _thread.get_ident()
        for each in tuple(self._open):
            if each[1] == thread and not any(each[0] is code for code in running):
                self._close(each)

    def _module_begins(self, number: int) -> None:
        nearest, modules = self._above(skip=number)
        self._importing += 1
        self._note_import(number)
        # -1: nobody of the project; below: a function, which may import for others, too.
        by = -1 if nearest is None else nearest if nearest in modules else -2 - nearest
        self._importers.setdefault(number, set()).add(by)
        # What ran already may run again because of this import, which must show.
        self._again()

    def _label_module(self, number: int, code: types.CodeType, frame: types.FrameType) -> None:
        """Have coverage note for the module what runs until it is imported."""
        if self.labels is None or frame.f_back is None:
            return
        importer = frame.f_back.f_code.co_filename
        if not importer.startswith(IMPORTERS) and not importer.endswith(REWRITER):
            return  # run as a program, or by who may go on without an end that can be seen
        if not self.labels.in_module:
            self._monitoring.set_events(self.tool, self._monitoring.events.PY_UNWIND)
        self._within.setdefault(number, set()).add(self.labels.around)
        self.enter("module:" + os.path.abspath(code.co_filename), frame)

    def _leave_module(self, frame: types.FrameType) -> None:
        if self._telling(lambda labels: labels.leave_module(frame)) == 0:
            self._monitoring.set_events(self.tool, 0)

    def _unwound(self, code: types.CodeType, _offset: int, _error: object) -> None:
        """While modules are imported: something ends with an exception."""
        if code.co_name == "<module>" and Tracer.is_on:
            self._leave_module(sys._getframe(1))  # noqa: SLF001 - as above

    def _returned(self, code: types.CodeType, _offset: int, _value: object) -> Any:
        """A module is imported, or a cached function has its outcome."""
        if id(code) in self._cached:
            self._cached_ends(code)
            return None
        if code.co_name == "<module>":
            self._importing = max(0, self._importing - 1)
            self._leave_module(sys._getframe(1))  # noqa: SLF001 - as above
            number = self._files.of_code(code.co_filename)
            if self.search is not None and number is not None:
                namespace = sys._getframe(1).f_globals  # noqa: SLF001 - as above
                self._look(self.search.in_module, number, code, namespace, self._storing)
        return self._monitoring.DISABLE

    def _opened(self, args: tuple[Any, ...]) -> None:
        path, _, flags = args
        if isinstance(flags, int) and (flags & os.O_WRONLY or flags & os.O_TRUNC):
            return
        self._note_read(path)

    def _note_read(self, path: Any) -> None:
        numbers = self._files.of_opened(path)
        if numbers is None:
            self._now.process = True
        elif numbers:
            source = os.fsdecode(path).endswith(".py")
            nearest, modules = self._above(reading_source=source)
            if nearest == -1 or (nearest is None and self._now is self.session):
                return  # an import or a traceback; pytest and its plugins, with their own files
            for context in self._contexts(modules):
                context.read.update(numbers)
            self._note_readers(numbers, nearest)

    def _note_readers(self, numbers: tuple[int, ...], nearest: int | None) -> None:
        for number in numbers:
            pair = (number, -1 if nearest is None else nearest)
            if pair not in self._readers:
                self._readers.add(pair)
                self._writer.add(reader=pair)

    def _listed(self, path: Any) -> None:
        numbers = self._files.of_opened("." if path is None else path)
        if numbers:
            nearest, modules = self._above(reading_source=True)
            if nearest != -1 and (nearest is not None or self._counts_without_caller()):
                for context in self._contexts(modules):
                    context.listed.update(numbers)

    def _counts_without_caller(self) -> bool:
        """Whether it counts what libraries list for themselves."""
        return False

    def _popen(self, args: tuple[Any, ...]) -> None:
        executable = os.fsdecode(args[0])
        if os.path.basename(executable) not in HARMLESS_PROGRAMS and not asks_about_machine():
            self._spawned(args)

    def _posix_spawn(self, args: tuple[Any, ...]) -> None:
        frame = caller()
        if frame is None or not frame.f_code.co_filename.endswith(SUBPROCESS):
            self._spawned(args)  # of what `subprocess` starts it has told already

    def _spawned(self, args: tuple[Any, ...]) -> None:
        words = [os.fsdecode(word) for word in args[1]]
        self._process(self._tell_start(os.fsdecode(args[0]), words))

    def _tell_start(self, executable: str, words: list[str]) -> int | None:
        """Write how to know a process that begins, if it may be a Python that tells of itself."""
        frame = caller()
        if frame is None or frame.f_locals.get("preexec_fn") is not None or words[0] != executable:
            return None
        number = next(self._free)
        if number >= MAX_STARTS:
            return None
        return self._tell(number, key_of(words))

    def _tell_fork(self) -> int | None:
        """Write how to know what a fork makes: it tells of itself, and what it tells by this."""
        number = next(self._free)
        if number >= MAX_STARTS:
            return None
        key = key_of(["fork", str(number)])
        self.forking[_thread.get_ident()] = os.getpid(), key
        return self._tell(number, key)

    def _tell(self, number: int, key: str) -> int:
        self.told[number] = key
        self._writer.add(start=number, key=key)
        return number

    def _process(self, start: int | None = None) -> None:
        """Note that one begins: a `start`, or of a kind that nobody can follow."""
        nearest, modules = self._above()
        if nearest is None and self._now is self.session:
            return  # pytest's or a plugin's own
        if start is not None and self._is_followed(modules):
            self._now.starts.add(start)
            self._note_keepers()
            return
        for context in self._contexts(modules):
            context.process = True
        self._note_keepers()

    def _note_keepers(self) -> None:
        """A cached function that starts a process may keep whatever the test used."""
        self._now.keeps.update(number for _, _, number in self._open)

    def _is_followed(self, modules: Collection[int]) -> bool:
        """Whether what starts now counts for a test or a fixture, and for nothing else."""
        return not modules and self._now is not self.session

    def _above(
        self, skip: int | None = None, *, reading_source: bool = False
    ) -> tuple[int | None, set[int]]:
        """The nearest file of the project that this was called from, and all modules on the way.

        -1 if `reading_source`, and Python reads to import or to show it.
        """
        frame: types.FrameType | None = sys._getframe(2)  # noqa: SLF001 - documented by Python
        nearest: int | None = None
        modules: set[int] = set()
        inspecting = False
        while frame is not None:
            name = frame.f_code.co_filename
            number = self._files.of_code(name)
            if number is not None and number != skip:
                if nearest is None:
                    nearest = number
                if frame.f_code.co_name == "<module>":
                    modules.add(number)
            elif reading_source and nearest is None:
                inspecting = inspecting or name.endswith("inspect.py")
                if name.startswith(IMPORTERS) or name.endswith(READERS_OF_SOURCE):
                    callers = frame.f_back
                    while callers is not None and not inspecting:
                        inspecting = callers.f_code.co_filename.endswith(os.sep + "inspect.py")
                        if self._files.of_code(callers.f_code.co_filename) is not None:
                            break
                        callers = callers.f_back
                    if not inspecting:
                        return -1, set()
            elif frame.f_code.co_name == "main" and name.endswith(PYTEST_MAIN):
                break  # what called pytest has nothing to do with what pytest does
            frame = frame.f_back
        return nearest, modules

    def _contexts(self, modules: Collection[int]) -> list[Context]:
        """Whose use it is while `modules` are being imported; outside of tests only theirs."""
        found = [self._note_import(module) for module in modules]
        found += [self._kept[number] for _, _, number in self._open]
        return found if modules and self._now is self.session else [self._now, *found]

    def _note_import(self, module: int) -> Context:
        self._unwritten.add(module)
        return self._modules.setdefault(module, Context())

    # Who keeps something for later tests.

    def _stores_outside(self, code: types.CodeType) -> bool:
        """Whether a function sets a global name, or an attribute of a global thing."""
        stores = self._stores
        before = -1
        operations = code.co_code[::2]
        for operation in operations:
            if operation == stores["CACHE"]:
                continue
            if code.co_name != "<module>" and operation == stores["STORE_GLOBAL"]:
                return True
            if operation == stores["STORE_ATTR"] and before == stores["LOAD_GLOBAL"]:
                return True
            before = operation
        return False

    def note_lasting(self, value: object) -> None:
        """Something that several tests will use has come up."""
        if self.search is not None:
            self._look(self.search.in_values, [value])

    def _lasts(self, value: object) -> bool:
        return self.search is not None and self.search.lasts(value)

    def _look(self, look: Callable[..., None], *arguments: object) -> None:
        """What is read in source files for that, no test has read."""
        before, self._silent = self._silent, _thread.get_ident()
        try:
            look(*arguments)
        except Exception:  # noqa: BLE001 - a module may put anything into its namespace
            self._now.process = True
        finally:
            self._silent = before

    def note_keeper(self, code: types.CodeType, files: set[int], of_object: bool = False) -> None:
        """Note that a function keeps something for later tests that use one of the files.

        `of_object`: if the object that it is called for is there in these tests.
        """
        keepers = self._methods if of_object else self._keepers
        known = keepers.get(id(code), set())
        keepers[id(code)] = known | files
        self._held[id(code)] = code
        if not files <= known:
            self._ask_again(code)

    def note_cached(self, code: types.CodeType) -> None:
        """Note that a function has a cache."""
        if code.co_flags & GENERATORS:
            number = self._files.of_code(code.co_filename)
            self.note_keeper(code, set() if number is None else {number})
        elif id(code) not in self._keepers and id(code) not in self._cached:
            self._cached[id(code)] = code
            self._ask_again(code)

    def _ask_again(self, code: types.CodeType) -> None:
        """It may have run already in this context, as what it was not known to be."""
        if self._monitoring.get_local_events(self.tool, code) != 0:
            self._ask_anew(code)


def key_of(words: list[str]) -> str:
    """How a process is known that this test started: by the words of its command line."""
    told = json.dumps([os.environ.get(CURRENT_TEST), *words])
    return hashlib.sha256(told.encode()).hexdigest()[:32]


def caller() -> types.FrameType | None:
    """The frame of Python code that an audit event comes from."""
    frame: types.FrameType | None = sys._getframe(1)  # noqa: SLF001 - documented by Python
    while frame is not None and os.path.dirname(frame.f_code.co_filename) == HERE:
        frame = frame.f_back
    return frame


def is_fork(frame: types.FrameType) -> bool:
    """Whether what begins in a frame is a process of `multiprocessing` that it starts by a fork."""
    method = getattr(frame.f_locals.get("self"), "_start_method", "unknown")
    if method is None:  # as is usual, which the first that is started settles
        method = sys.modules["multiprocessing"].get_start_method()
    return bool(method == "fork")


def asks_about_machine() -> bool:
    """Whether it is the standard library that starts a program, to learn about the machine."""
    frame = caller()
    while frame is not None and frame.f_code.co_filename.endswith(SUBPROCESS):
        frame = frame.f_back
    return frame is not None and frame.f_code.co_filename in MACHINE_MODULES


def within(code: types.CodeType) -> Iterator[types.CodeType]:
    """A code object and all that are nested in it."""
    yield code
    for constant in code.co_consts:
        if type(constant) is types.CodeType:
            yield from within(constant)


def is_function(code: types.CodeType) -> bool:
    """Whether it is a function's, and not a module's or a class's."""
    return bool(code.co_flags & OPTIMIZED)


def opcodes(*names: str) -> dict[str, int]:
    """Numbers of instructions; -1 for what this Python has not."""
    import opcode  # noqa: PLC0415 - only where it is needed

    return {name: opcode.opmap.get(name, -1) for name in names}


def _nothing() -> None:
    pass


def free_tool() -> int | None:
    """A tool id that nobody uses; None below Python 3.12."""
    monitoring: Any = getattr(sys, "monitoring", None)
    if monitoring is None:
        return None
    return next((tool for tool in TOOLS if monitoring.get_tool(tool) is None), None)
