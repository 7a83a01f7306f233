"""Found by Pythons that a watched test starts: has them watched, then runs the next of its name.

Its folder is on Python's path only while tests are traced. It never changes what a program does.
"""

from __future__ import annotations

import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))


def watch(told: str) -> None:
    """Begin to watch this process; whatever goes wrong, its test is then one that runs always."""
    folder = os.path.dirname(HERE)
    sys.path.insert(0, folder)
    try:
        import seatrial_child  # type: ignore[import-not-found]  # noqa: PLC0415

        seatrial_child.begin(told)
    except Exception:  # noqa: BLE001, S110 - the program has nothing to do with it
        pass
    finally:
        sys.path.remove(folder)


def run_next() -> None:
    """Run the `sitecustomize` that Python would have found without this one."""
    from importlib.machinery import PathFinder  # noqa: PLC0415 - few processes come here
    from importlib.util import module_from_spec  # noqa: PLC0415

    sys.path[:] = [path for path in sys.path if os.path.abspath(path) != HERE]
    spec = PathFinder.find_spec(__name__, sys.path)
    if spec is not None and spec.loader is not None:
        sys.modules[__name__] = module = module_from_spec(spec)
        spec.loader.exec_module(module)


if sys.version_info >= (3, 12) and "PYTEST_CURRENT_TEST" in os.environ:
    watch(os.environ.get("SEATRIAL_TRACE_CHILDREN", ""))
run_next()
