"""Tells coverage.py what runs while it measures, so that its data say what each test covered.

Needs nothing but the standard library. A project that has contexts of its own keeps them: then
there is nothing to tell, and it is said why.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

PREFIX = "seatrial "
"""What the contexts' names begin with; no project's own do."""
SESSION = "session"
"""What runs outside of all tests, fixtures, files and modules."""


class Labels:
    """What runs now, and within what: coverage.py is told of the innermost.

    A module counts for itself, wherever its import began: who imports it first is chance.
    """

    def __init__(self, refuse: Callable[[], str] = lambda: "") -> None:
        self._refuse = refuse
        """Says why coverage.py must not be told; asked when it has begun to measure."""
        self._stack: list[tuple[str, Any]] = [(SESSION, None)]
        self._told: tuple[Any, str] = (None, "")
        self.fault = ""
        """Why it is not told; empty: it is, if it measures."""
        self.measured = False
        """Whether it was told anything."""

    @property
    def around(self) -> str:
        """The innermost that is no module."""
        labels: list[str] = [label for label, frame in self._stack if frame is None]
        return labels[-1]

    @property
    def in_module(self) -> bool:
        """Whether a module is being imported."""
        return any(frame is not None for _, frame in self._stack)

    def enter(self, label: str, frame: Any = None) -> int:
        """It begins; `frame` is a module's. Returns what `leave` wants."""
        self._stack.append((label.encode("utf-8", "backslashreplace").decode(), frame))
        self.tell()
        return len(self._stack) - 1

    def leave(self, depth: int) -> None:
        """It ends, and with it whatever is left of what began within it."""
        del self._stack[max(1, depth) :]
        self.tell()

    def leave_module(self, frame: Any) -> int | None:
        """A module's import ends, in whichever way; how many others go on. None: it was none."""
        for depth in range(len(self._stack) - 1, 0, -1):
            if self._stack[depth][1] is frame:
                self.leave(depth)
                return sum(frame is not None for _, frame in self._stack)
        return None

    def tell(self) -> None:
        """Have coverage.py keep what ran until now, and note what follows for what runs now."""
        if self.fault:
            return
        try:
            current = measuring()
            told = current, self._stack[-1][0]
            if current is None or told == self._told:
                return
            if current is not self._told[0]:
                self.fault = self._refuse() or why_not(current)
            if not self.fault:
                current.switch_context(PREFIX + told[1])
                self.measured, self._told = True, told
        except Exception as error:  # noqa: BLE001 - it must not become a test's fault
            self.fault = ("coverage.py could not be told: %s" % error)[:200]


def measuring() -> Any:
    """The coverage that measures this process; None: there is none, or it is paused."""
    current = getattr(getattr(sys.modules.get("coverage"), "Coverage", None), "current", None)
    return current() if current is not None else None


def why_not(current: Any) -> str:
    """Why its contexts cannot be used; empty: they can."""
    config, collector = current.config, getattr(current, "_collector", None)
    if config.dynamic_context or getattr(collector, "should_start_context", None):
        return "the project sets contexts of its own (dynamic_context)"
    if config.context or config.report_contexts:
        return "the project sets a context of its own (context, or contexts in [report])"
    core = collector.tracer_name() if collector is not None else "nothing"
    if core != "CTracer":
        # SysMonitor sees each line only once. PyTracer takes a file in which nothing has run since
        # a switch for one that it need not look at, so telling it would change what it measures.
        return "only coverage.py's core ctrace tells contexts apart, and this is %s" % core
    return ""
