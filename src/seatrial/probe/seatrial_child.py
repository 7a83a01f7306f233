"""Follows a test into a process that it starts, and writes at once what that uses of the project:
a Python, or what itself becomes by a fork.

Nothing is lost when the process is killed. Whatever cannot be told spoils the report, or says so in
it: then nobody knows what the process used, and its test runs always.
"""

from __future__ import annotations

import _thread
import fcntl
import json
import os
import re
import sys
import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import types
    from collections.abc import Iterable, Mapping

    from seatrial.probe.seatrial_uses import (
        CURRENT_TEST,
        VERSION,
        Context,
        Files,
        Tracer,
        Writer,
        caller,
        free_tool,
        key_of,
    )

    Numbers = set[int]
else:
    from seatrial_uses import (  # it lies beside this file
        CURRENT_TEST,
        VERSION,
        Context,
        Files,
        Tracer,
        Writer,
        caller,
        free_tool,
        key_of,
    )

    Numbers = set

PYTHON = re.compile(r"python[0-9.]*$")
SHEBANG = re.compile(rb"#! *(/usr/bin/env +)?\S*python[0-9.]*( .*)?$")
INSTALLED = re.compile(r"/(?:site|dist)-packages/(.+)")


class AtOnce(Writer):
    """Writes each line before the process goes on, and holds a lock until it ends."""

    def __init__(self, path: str) -> None:
        super().__init__(path)
        self._path = path
        if self._file is not None:
            # The kernel lets go of it however the process ends.
            fcntl.flock(self._file, fcntl.LOCK_EX)
            self._is = identity(self._file)

    def add(self, **values: Any) -> None:
        """Write a line; one that cannot be written makes the whole report worth nothing."""
        if self._file is None or os.getpid() != self._pid:
            return
        line = (self._encode(values) + "\n").encode()
        try:
            # A program may close what it does not know, and open something else in its place.
            if identity(self._file) == self._is and os.write(self._file, line) == len(line):
                return
        except OSError:
            pass
        self._file = None
        os.truncate(self._path, 1)

    def let_go(self) -> None:
        """Of the lock that a fork has shared: it is the other's alone."""
        if self._file is not None:
            os.close(self._file)
            self._file = None


class Told(Numbers):
    """Numbers of files; each is written when it comes."""

    def __init__(self, kind: str, writer: Writer) -> None:
        super().__init__()
        self._kind = kind
        self._writer = writer

    def add(self, number: int) -> None:
        """Add one."""
        if number not in self:
            self._writer.add(**{self._kind: number})
            super().add(number)

    def update(self, *several: Iterable[int]) -> None:
        """Add all."""
        for numbers in several:
            for number in numbers:
                self.add(number)


class Whole(Context):
    """What this process has used since it began."""

    __slots__ = ("_process", "_writer")

    def __init__(self, writer: Writer) -> None:
        self._writer = writer
        self._process = False
        super().__init__()
        self.ran = Told("ran", writer)
        self.read = Told("read", writer)
        self.listed = Told("listed", writer)
        self.imported = Told("imported", writer)

    @property
    def process(self) -> bool:
        """Whether there is something that nobody can tell."""
        return self._process

    @process.setter
    def process(self, value: bool) -> None:
        if value and not self._process:
            self._process = True
            self._writer.add(process=True)


class AllFiles(Files):
    """Its folder may be any, so what it opens counts wherever it lies."""

    def is_own(self, path: str) -> bool:
        """Whether something that is opened or listed is the project's."""
        return super().is_own(path) or self._is_elsewhere(path)

    def is_copy(self, name: str) -> bool:
        """Whether code is installed that the project has in its own folders as well."""
        found = INSTALLED.search(name)
        return found is not None and any(
            os.path.exists(os.path.join(root, found[1])) for root in self.roots
        )


class Child(Tracer):
    """Notes all for the one test that started the process; what libraries read counts too."""

    def __init__(self, files: AllFiles, writer: Writer, tool: int) -> None:
        super().__init__(files, writer, tool)
        self._now = Whole(writer)
        self._looked_at: set[str] = set()
        self._is_copy = files.is_copy
        self._handlers["cpython.run_file"] = self._runs_file

    def check(self, modules: Iterable[Any]) -> None:
        """What was imported before cannot be watched."""
        for module in modules:
            path = getattr(module, "__file__", None)
            if isinstance(path, str) and self._files.of_code(path) is not None:
                self._now.process = True

    def _contexts(self, _: Any) -> list[Context]:
        return [self._now]

    def _events_of(self, code: types.CodeType) -> int:
        return int(super()._events_of(code) & ~self._monitoring.events.PY_RETURN)

    def _watch(self, code: Any) -> None:
        name = getattr(code, "co_filename", "")
        if name not in self._looked_at:
            self._looked_at.add(name)
            if self._files.of_code(name) is None and self._is_copy(name):
                self._now.process = True
        super()._watch(code)

    def _module_begins(self, number: int) -> None:
        self._now.imported.add(number)

    def _stores_outside(self, _: types.CodeType) -> bool:
        return False  # it shares nothing with later tests but what it does for them itself

    def _note_read(self, path: Any) -> None:
        if caller() is not None:  # Python itself opens only the file that it is told to run
            super()._note_read(path)

    def _note_readers(self, *_: Any) -> None:
        pass

    def _is_followed(self, _: Any) -> bool:
        return True

    def _counts_without_caller(self) -> bool:
        return True

    def _runs_file(self, args: tuple[Any, ...]) -> None:
        if os.fsdecode(args[0]).endswith(".pyc"):
            self._now.process = True  # nobody hands its code to `exec`


class Forks:
    """Has what this process becomes by a fork watched as a process of its own."""

    def __init__(self, tracer: Tracer, writer: Writer, told: Mapping[str, Any]) -> None:
        self._tracer = tracer
        self._writer = writer
        self._told = told
        os.register_at_fork(after_in_parent=self._forked, after_in_child=self._become)

    def _forked(self) -> tuple[int, str] | None:
        return self._tracer.forking.pop(_thread.get_ident(), None)

    def _become(self) -> None:
        known_by = self._forked()
        if known_by is None or not Tracer.is_on:
            return
        if isinstance(self._writer, AtOnce):
            self._writer.let_go()
        self._writer = writer = report_for(self._told, known_by[0], [known_by[1]])
        try:
            files = AllFiles(self._told["roots"], self._told["foreign"], writer)
            before, self._tracer = self._tracer, Child(files, writer, self._tracer.tool)
            self._tracer.go_on_after(before)
        except Exception:  # noqa: BLE001 - the program has nothing to do with it
            writer.add(process=True)


def begin(text: str) -> None:
    """Watch this process from now on, if a test started it and somebody wants to know."""
    tool = free_tool()
    if tool is None or Tracer.is_on or not text or CURRENT_TEST not in os.environ:
        return
    told = json.loads(text)
    # The parent's id now: it may end before this process does.
    writer = report_for(told, os.getppid(), own_keys())
    if not writer.works:
        return
    tracer = Child(AllFiles(told["roots"], told["foreign"], writer), writer, tool)
    tracer.check(list(sys.modules.values()))
    tracer.start()
    Forks(tracer, writer, told)


def report_for(told: Mapping[str, Any], by: int, keys: list[str]) -> AtOnce:
    """Begin this process's report, with who started it and what that may know it by."""
    name = "dependencies-child-%d-%d-%d.jsonl" % (told["top"], os.getpid(), time.time_ns())
    writer = AtOnce(os.path.join(told["out"], name))
    writer.add(version=VERSION, child=os.getpid(), by=by, keys=keys)
    return writer


def own_keys() -> list[str]:
    """How whoever started this process may know it: by its words, or as a script's name."""
    words = list(getattr(sys, "orig_argv", ()))  # new in Python 3.10
    if not words or not PYTHON.match(os.path.basename(words[0])):
        return []
    keys = [key_of(words)]
    if len(words) > 1 and has_shebang(words[1]):
        # The system puts the interpreter before the script, and the place where it was found.
        keys += [key_of([name, *words[2:]]) for name in {words[1], os.path.basename(words[1])}]
    return keys


def has_shebang(path: str) -> bool:
    """Whether a file is a script that the system runs with Python itself."""
    try:
        with open(path, "rb") as file:
            return SHEBANG.match(file.readline(200).rstrip()) is not None
    except OSError:
        return False


def identity(file: int) -> tuple[int, int]:
    """What an open file is."""
    found = os.fstat(file)
    return found.st_dev, found.st_ino
