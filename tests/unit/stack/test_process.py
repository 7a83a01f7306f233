import asyncio
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from seatrial.stack.process import MAX_CAPTURE_BYTES, Completed, run_process


async def python(
    code: str,
    *,
    stdin: bytes = b"",
    on_line: Callable[[str], None] | None = None,
    on_start: Callable[[int], None] | None = None,
) -> Completed:
    return await run_process(
        [sys.executable, "-c", code],
        cwd=Path("/"),
        environ={"WORD": "environment"},
        stdin=stdin,
        on_line=on_line,
        on_start=on_start,
    )


async def test_exit_code_and_both_streams_are_returned() -> None:
    done = await python("import sys; print('out'); print('err', file=sys.stderr); sys.exit(7)")

    assert done == Completed(7, "out\n", "err\n")


async def test_folder_environment_and_input_are_those_that_were_given() -> None:
    done = await python(
        "import os, sys; print(os.getcwd(), os.environ['WORD'], sys.stdin.read())", stdin=b"input"
    )

    assert done.stdout == "/ environment input\n"


async def test_lines_are_told_as_they_come() -> None:
    lines: list[str] = []
    pids: list[int] = []

    await python(
        "print('a'); print('b\\r'); print(''); print('no end', end='')",
        on_line=lines.append,
        on_start=pids.append,
    )

    assert lines == ["a", "b", "", "no end"]
    assert len(pids) == 1


async def test_a_program_that_does_not_read_its_input_is_no_fault() -> None:
    assert (await python("pass", stdin=b"x" * (1 << 20))).code == 0


async def test_of_endless_output_the_end_is_kept() -> None:
    count = 2 * MAX_CAPTURE_BYTES + 10

    done = await python(f"print('x' * {count}); print('the end')")

    assert len(done.stdout) == MAX_CAPTURE_BYTES
    assert done.stdout.endswith("x\nthe end\n")


async def test_output_that_is_not_utf8_is_no_fault() -> None:
    done = await python("import sys; sys.stdout.buffer.write(b'a\\xffb')")

    assert done.stdout == "a\ufffdb"


async def test_a_missing_program_is_told() -> None:
    with pytest.raises(FileNotFoundError):
        await run_process(["no-such-program-here"], cwd=Path("/"), environ={})


async def test_the_program_does_not_share_our_session() -> None:
    done = await python("import os; print(os.getsid(0) == os.getpid())")

    assert done.stdout == "True\n"


STUBBORN = """
import os, signal, sys
signal.signal(signal.SIGINT, signal.SIG_IGN)
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print(os.getpid(), flush=True)
signal.pause()
"""

LEAVES_A_STUBBORN_CHILD = f"""
import signal, subprocess, sys
subprocess.Popen([sys.executable, "-c", {STUBBORN!r}])
signal.signal(signal.SIGINT, lambda *_: sys.exit(0))
while True:
    signal.pause()
"""

ASKS_TO_BE_INTERRUPTED = """
import os, signal, sys
def end(*_):
    print("interrupted", flush=True)
    sys.exit(0)
signal.signal(signal.SIGINT, end)
print(os.getpid(), flush=True)
signal.pause()
"""


async def cancel_when_it_speaks(code: str) -> tuple[int, list[str]]:
    """Cancel the program after its first line, a process id; return that and the later lines."""
    spoke = asyncio.Event()
    lines: list[str] = []

    def on_line(line: str) -> None:
        lines.append(line)
        spoke.set()

    task = asyncio.create_task(python(code, on_line=on_line))
    async with asyncio.timeout(10):
        await spoke.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    return int(lines[0]), lines[1:]


def is_gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    stat = Path(f"/proc/{pid}/stat").read_text(encoding="ascii")
    return stat.rpartition(")")[2].split()[0] == "Z"


@pytest.mark.parametrize("code", [ASKS_TO_BE_INTERRUPTED, STUBBORN])
async def test_a_program_that_is_no_longer_wanted_is_ended(code: str) -> None:
    pid, _ = await cancel_when_it_speaks(code)

    assert is_gone(pid)


async def test_the_children_of_a_program_end_with_it() -> None:
    pid, _ = await cancel_when_it_speaks(LEAVES_A_STUBBORN_CHILD)

    async with asyncio.timeout(10):
        while not is_gone(pid):  # noqa: ASYNC110 - no event tells of a grandchild's end
            await asyncio.sleep(0)


async def test_ending_takes_less_than_the_two_seconds_that_are_promised() -> None:
    loop = asyncio.get_running_loop()
    began = loop.time()

    await cancel_when_it_speaks(STUBBORN)

    assert loop.time() - began < 2


def test_signals_reach_only_us(tmp_path: Path) -> None:
    """Ctrl-C goes to the terminal's foreground group; ours is not the program's."""

    async def group_of_program() -> int:
        done = await python("import os; print(os.getpgrp())")
        return int(done.stdout)

    before = signal.getsignal(signal.SIGINT)

    assert asyncio.run(group_of_program()) != os.getpgrp()
    assert signal.getsignal(signal.SIGINT) is before


async def test_a_program_that_is_just_being_started_is_ended_when_the_caller_is_cancelled(
    tmp_path: Path,
) -> None:
    for _ in range(5):
        task = asyncio.create_task(run_process(["sleep", "60"], cwd=tmp_path, environ=os.environ))
        await asyncio.sleep(0)  # it has begun, and no more

        task.cancel()
        async with asyncio.timeout(20):
            with pytest.raises(asyncio.CancelledError):
                await task
