"""Finds what outlives a test in the memory of a process, and the functions that change it.

Needs Python 3.12. It looks only at what modules, classes, closures and containers have, never by
asking an object for an attribute: one that is made on first use (a database's connection, a
settings object) would be made by that.
"""

from __future__ import annotations

import collections
import functools
import gc
import sys
import types
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping

    from seatrial.probe.seatrial_keepers import MUTATORS, SETTERS, Lasting, changing_lines
    from seatrial.probe.seatrial_uses import is_function, opcodes, within
else:
    from seatrial_keepers import (
        MUTATORS,
        SETTERS,
        Lasting,
        changing_lines,
    )  # it lies beside this file
    from seatrial_uses import is_function, opcodes, within

CONTAINERS = frozenset(
    {"Counter", "OrderedDict", "WeakKeyDictionary", "WeakValueDictionary", "defaultdict", "deque"}
    | {"dict", "list", "set"}
)
HOLDING_FUNCTIONS = (classmethod, staticmethod, types.MethodType)
"""What has the function that it calls in an attribute of its own."""
PLAIN = (str, int, float, bool, bytes, complex, type(None), type, types.ModuleType)
FOLLOWED = (tuple, frozenset, types.CellType, types.MethodType, functools.partial)
CACHED = type(functools.lru_cache(lambda: None))
MAX_OBJECTS = 1000
"""Objects that are looked at in one search."""
MAX_PARTS = 1000
"""Of one of them: a table's rows are alike."""
CHANGING = (
    *("STORE_SUBSCR", "DELETE_SUBSCR", "STORE_SLICE", "STORE_ATTR", "DELETE_ATTR", "STORE_DEREF"),
    "BINARY_OP",  # among others +=
)


class Search:
    """Finds functions that keep something for later tests, and those that have a cache."""

    def __init__(
        self,
        number_of: Callable[[str], int | None],
        note_keeper: Callable[[types.CodeType, set[int], bool], None],
        note_cached: Callable[[types.CodeType], None],
    ) -> None:
        """`number_of` is asked for the number of a file; None: it is not the project's.

        The others are told what is found: of what keeps something also the files whose users may
        meet that again, and whether it does so only when it is called for an object that `lasts`.
        """
        self._number_of = number_of
        self._note_keeper = note_keeper
        self._note_cached = note_cached
        self._modules: set[str] = set()
        """The project's, by name."""
        self._spaces: dict[int, list[Mapping[str, Any]]] = {}
        """By file: what its module has, and each of its classes."""
        self._homes: dict[int, int] = {}
        """By object: the file whose module had it first."""
        self._known: dict[int, object] = {}
        """Classes and code that were dealt with, by their id."""
        self._objects: set[int] = set()
        """Ids of objects that outlive tests. One that is gone may have left its own to another."""
        self._more = False
        """Whether there are more than were looked at."""
        self._changing = set(opcodes(*CHANGING).values())

    def in_module(
        self,
        number: int,
        code: types.CodeType,
        namespace: dict[str, Any],
        storing: Collection[int],
    ) -> None:
        """Look through a module that was imported.

        `storing` has the ids of functions that set a global name, or an attribute of one.
        """
        own = str(namespace.get("__name__"))
        self._modules.add(own)
        self._spaces[number] = [namespace] + [
            vars(value)
            for value in list(namespace.values())
            if issubclass(type(value), type) and value.__module__ == own
        ]
        for space in self._spaces[number]:
            for value in list(space.values()):
                # Of nothing else is an attribute asked for.
                function = value.__func__ if type(value) in HOLDING_FUNCTIONS else value
                if type(function) is CACHED:
                    self._has_cache(function.__wrapped__)
        self.again(number)
        self._find_in_functions(number, code, storing)

    def again(self, number: int) -> None:
        """Look again at what a module has: something may have been put there."""
        for space in self._spaces.get(number, ()):
            self.in_values(list(space.values()))

    def lasts(self, value: object) -> bool:
        """Whether an object of a class that has some that outlive tests may be one of them."""
        return self._more or id(value) in self._objects

    def in_values(self, values: Iterable[Any]) -> None:
        """Find objects of the project's classes: their methods may keep something in them."""
        waiting = collections.deque(values)
        seen: set[int] = set()
        while waiting and len(seen) < MAX_OBJECTS:
            value = waiting.popleft()
            kind = type(value)
            if kind in PLAIN or id(value) in seen:
                continue
            seen.add(id(value))
            if kind is types.FunctionType:
                if self._number_of(value.__code__.co_filename) is not None:
                    self._function_lasts(value.__code__)
                    waiting += value.__closure__ or ()
                    waiting += vars(value).values()
            elif (own := self._is_own(kind)) or kind in FOLLOWED or kind.__name__ in CONTAINERS:
                if own:
                    self._objects.add(id(value))
                    self._class_lasts(kind)
                parts = gc.get_referents(value)
                self._more |= any(map(leads_on, parts[MAX_PARTS:]))
                waiting += parts[:MAX_PARTS]
        self._more |= any(map(leads_on, waiting))

    def _function_lasts(self, code: types.CodeType) -> None:
        """What it has of the function that made it, and by default, lasts as well."""
        if self._is_new(code) and self._may_change(code):
            self._judge(code, Lasting(names=frozenset(code.co_freevars)), {})

    def _class_lasts(self, kind: type) -> None:
        for each in kind.__mro__:
            if self._is_own(each) and self._is_new(each):
                values = list(vars(each).values())
                for code in functions_of(values):
                    if code.co_argcount and self._may_change(code):
                        self._judge(code, Lasting(first=code.co_varnames[0]), {}, of_object=True)
                for value in values:
                    if type(value).__name__ == "cached_property":
                        self._has_cache(getattr(value, "func", None))

    def _is_own(self, kind: type) -> bool:
        return kind.__module__ in self._modules

    def _is_new(self, thing: object) -> bool:
        new = id(thing) not in self._known
        self._known[id(thing)] = thing
        return new

    def _has_cache(self, function: Any) -> None:
        code = getattr(function, "__code__", None)
        if type(code) is types.CodeType:
            self._note_cached(code)

    def _find_in_functions(
        self, number: int, code: types.CodeType, storing: Collection[int]
    ) -> None:
        """Find functions that change what their module has, or what one has that it knows."""
        namespace, *classes = self._spaces[number]
        names: dict[str, int] = {}
        holders: dict[str, int] = {}
        parts: dict[str, set[str]] = {}
        """Of modules, classes and functions: what one must speak of, beside them."""
        for name, value in list(namespace.items()):
            if type(value).__name__ in CONTAINERS:
                names[name] = self._homes.setdefault(id(value), number)
            elif self._is_own(type(value)):
                holders[name] = self._homes.setdefault(id(value), number)
            elif (home := self._home(value)) is not None:
                holders[name] = home
                parts[name] = self._lasting_in(vars(value))
        attributes = set[str]().union(*map(containers_in, classes))
        lasting = Lasting(frozenset(names), frozenset(holders), frozenset(attributes), "cls")
        homes = {**holders, **names}
        for each in within(code):
            if not is_function(each) or not self._may_change(each):
                continue
            spoken = set(each.co_names)
            used = homes.keys() & spoken
            if (
                id(each) in storing
                or each.co_varnames[:1] == ("cls",)
                or not attributes.isdisjoint(spoken)
                or (used and not SETTERS.isdisjoint(spoken))
                or any(not parts.get(name, {name}).isdisjoint(spoken) for name in used)
            ):
                self._judge(each, lasting, homes)

    def _home(self, value: Any) -> int | None:
        """The file of a module, class or function of the project; None: it is none of them."""
        if type(value) is types.FunctionType:
            return self._number_of(value.__code__.co_filename)
        module = value
        if issubclass(type(value), type) and self._is_own(value):
            module = sys.modules.get(value.__module__)
        if type(module) is not types.ModuleType:
            return None
        path = vars(module).get("__file__")
        return self._number_of(path) if isinstance(path, str) else None

    def _lasting_in(self, space: Mapping[str, Any]) -> set[str]:
        objects = {name for name, value in list(space.items()) if self._is_own(type(value))}
        return objects | containers_in(space)

    def _may_change(self, code: types.CodeType) -> bool:
        calling = not (MUTATORS | SETTERS).isdisjoint(code.co_names)
        return calling or not self._changing.isdisjoint(code.co_code[::2])

    def _judge(
        self,
        code: types.CodeType,
        lasting: Lasting,
        homes: Mapping[str, int],
        *,
        of_object: bool = False,
    ) -> None:
        """Tell of a function if it changes what is lasting, or if nobody knows."""
        own = self._number_of(code.co_filename)
        if own is None:
            return
        found = changing_lines(code.co_filename, lasting)
        changed = {
            name for name, lines in (found or {}).items() if not lines.isdisjoint(lines_of(code))
        }
        if changed or found is None:
            files = {own, *(homes[name] for name in changed if name in homes)}
            self._note_keeper(code, files, of_object)


def leads_on(value: object) -> bool:
    """Whether there may be more behind it; rows of a table are mostly tuples of plain values."""
    parts = value if type(value) is tuple else (value,)
    return any(type(part) not in PLAIN for part in parts)


def containers_in(space: Mapping[str, Any]) -> set[str]:
    """The names of containers that a module or a class has, but for Python's own."""
    return {
        name
        for name, value in list(space.items())
        if type(value).__name__ in CONTAINERS and not name.startswith("__")
    }


def lines_of(code: types.CodeType) -> set[int | None]:
    """The lines that a function's instructions come from."""
    return {line for _, _, line in code.co_lines()}


def functions_of(values: Iterable[Any]) -> Iterator[types.CodeType]:
    """The code of functions that a class has, of those that they wrap, too."""
    waiting = list(values)
    seen: set[int] = set()
    while waiting:
        value = waiting.pop()
        if id(value) in seen:
            continue
        seen.add(id(value))
        if type(value) in HOLDING_FUNCTIONS:
            waiting.append(value.__func__)
        elif type(value) is property:
            waiting += [value.fget, value.fset, value.fdel]
        elif type(value) is types.FunctionType:
            yield value.__code__
            waiting += [part for cell in value.__closure__ or () for part in gc.get_referents(cell)]
