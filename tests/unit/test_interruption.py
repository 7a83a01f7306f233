"""Signals that break a trial off."""

import asyncio
import os
import signal

import pytest

from seatrial.interruption import Interruption


@pytest.fixture(autouse=True)
def signals_as_they_were() -> object:
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {number: signal.getsignal(number) for number in numbers}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


async def test_work_that_nobody_interrupts_returns_what_it_came_to() -> None:
    assert await Interruption().bound(_answer()) == 42


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
async def test_a_signal_ends_the_work_and_later_ones_change_nothing(number: signal.Signals) -> None:
    put_in_order = []

    async def work() -> int:
        try:
            os.kill(os.getpid(), number)
            await asyncio.Event().wait()
        finally:
            os.kill(os.getpid(), number)
            await asyncio.sleep(0)
            put_in_order.append("yes")
        return 1

    assert await Interruption().bound(work()) is None
    assert put_in_order == ["yes"]
    os.kill(os.getpid(), number)  # would end the process


async def test_a_signal_before_the_work_begins_is_not_forgotten() -> None:
    interruption = Interruption()
    os.kill(os.getpid(), signal.SIGTERM)
    await interruption.asked.wait()
    begun = []

    async def work() -> bool:
        begun.append("yes")
        return True

    assert await interruption.bound(work()) is None
    assert not begun


async def test_after_the_work_a_signal_breaks_nothing_off() -> None:
    interruption = Interruption()
    await interruption.bound(_answer())

    os.kill(os.getpid(), signal.SIGTERM)  # would end the process

    await interruption.asked.wait()


async def test_a_fault_of_the_work_is_the_callers() -> None:
    async def work() -> None:
        raise LookupError

    with pytest.raises(LookupError):
        await Interruption().bound(work())


async def _answer() -> int:
    return 42
