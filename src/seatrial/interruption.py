"""Hears the signals that break a trial or a drill off, until all of it is put in order."""

import asyncio
import signal
from collections.abc import Coroutine
from typing import Any, TypeVar

__all__ = ["Interruption"]

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

_T = TypeVar("_T")


class Interruption:
    """From when it is made, a signal ends the work that it is given, and nothing else."""

    def __init__(self) -> None:
        self.asked = asyncio.Event()
        """Set by the first signal; others change nothing."""
        loop = asyncio.get_running_loop()
        for number in _SIGNALS:
            loop.add_signal_handler(number, self.asked.set)

    async def bound(self, work: Coroutine[Any, Any, _T]) -> _T | None:
        """Do the work; None if a signal comes before its end, or came before its beginning.

        Afterwards no signal is heard: clean-up and the record must not be broken off.
        """
        task = asyncio.ensure_future(work)
        asking = asyncio.ensure_future(self.asked.wait())
        try:
            if not self.asked.is_set():
                await asyncio.wait({task, asking}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            asking.cancel()
        if not self.asked.is_set():
            return task.result()
        task.cancel()
        # Until the process ends, and not only the loop: whoever keeps pressing Ctrl-C would else
        # cut off the output, and change the exit code.
        for number in _SIGNALS:
            asyncio.get_running_loop().remove_signal_handler(number)
            signal.signal(number, signal.SIG_IGN)
        # Whatever the work came to, such as a fault of a program that was ended in the middle.
        await asyncio.gather(task, return_exceptions=True)
        return None
