import asyncio
import itertools
from collections.abc import Iterable
from typing import Any

import pytest
from aiodocker.exceptions import DockerError

from seatrial.engine.api import ExecResult
from seatrial.engine.readiness import HealthCheck, Readiness, read_health_check, watch_service
from unit.engine.fake_engine import Answer, FakeEngine

MS = 1_000_000
"""In nanoseconds, which the engine counts in."""
QUICK_CHECK = {
    "Healthcheck": {
        "Test": ["CMD", "check"],
        "Interval": 1 * MS,
        "Timeout": 1 * MS,
        "Retries": 1,
    }
}


async def watch(
    engine: FakeEngine,
    *,
    image: str = "shop",
    declared_ports: Iterable[int] = (),
    reachable: bool = True,
    timeout_s: float = 10,
    must_complete: bool = False,
) -> Readiness:
    async with asyncio.timeout(20):
        return await watch_service(
            engine,
            "c1",
            image=image,
            declared_ports=list(declared_ports),
            reachable=reachable,
            timeout_s=timeout_s,
            clock=asyncio.get_running_loop().time,
            must_complete=must_complete,
        )


def answers(*codes: int) -> Answer:
    """Exit codes of the first execs; the last one stays."""
    return lambda number: ExecResult(codes[min(number, len(codes)) - 1], f"answer {number}")


@pytest.mark.parametrize(
    "config",
    [
        {},
        {"Healthcheck": None},
        {"Healthcheck": {}},
        {"Healthcheck": {"Test": []}},
        {"Healthcheck": {"Test": ["NONE"]}},
    ],
)
def test_a_container_may_have_no_health_check(config: dict[str, Any]) -> None:
    assert read_health_check(config) is None


def test_a_health_check_has_the_engines_defaults() -> None:
    check = read_health_check({"Healthcheck": {"Test": ["CMD", "pg_isready", "-q"]}})

    assert check == HealthCheck(("pg_isready", "-q"), timeout=30, patience=180)


def test_a_health_check_is_read_in_seconds() -> None:
    check = read_health_check(
        {
            "Healthcheck": {
                "Test": ["CMD", "x"],
                "Interval": 5000 * MS,
                "Timeout": 3000 * MS,
                "Retries": 5,
                "StartPeriod": 10_000 * MS,
            }
        }
    )

    assert check == HealthCheck(("x",), timeout=3, patience=50)


@pytest.mark.parametrize(
    ("shell", "words"),
    [(None, ("/bin/sh", "-c")), (["/bin/bash", "-ec"], ("/bin/bash", "-ec"))],
)
def test_a_health_check_in_words_of_a_shell_runs_in_the_images_shell(
    shell: list[str] | None, words: tuple[str, ...]
) -> None:
    check = read_health_check(
        {"Shell": shell, "Healthcheck": {"Test": ["CMD-SHELL", "curl -f localhost || exit 1"]}}
    )

    assert check is not None
    assert check.command == (*words, "curl -f localhost || exit 1")


async def test_a_service_is_ready_when_its_health_check_passes() -> None:
    engine = FakeEngine(config=QUICK_CHECK, answer=answers(1, 1, 0))

    ready = await watch(engine)

    assert (ready.state, ready.proof, ready.attempts) == ("ready", "health check", 3)
    assert engine.commands == [("check",)] * 3
    assert ready.exit_code is None


async def test_a_health_check_that_keeps_failing_tells_its_last_answer() -> None:
    engine = FakeEngine(config=QUICK_CHECK, answer=answers(1))

    unready = await watch(engine, timeout_s=0.1)

    assert (unready.state, unready.proof) == ("unready", "none")
    assert unready.attempts > 1
    assert "exit code 1: answer" in unready.detail


async def test_a_health_check_that_allows_itself_longer_is_given_longer() -> None:
    config = {"Healthcheck": {"Test": ["CMD", "x"], "Interval": 5000 * MS}}
    engine = FakeEngine(config=config, answer=answers(1, 1, 1, 1, 1, 0))

    assert (await watch(engine, timeout_s=0.001)).state == "ready"


async def test_a_health_check_that_hangs_is_tried_again() -> None:
    engine = FakeEngine(
        config=QUICK_CHECK, answer=lambda number: None if number == 1 else ExecResult(0, "")
    )

    ready = await watch(engine)

    assert (ready.state, ready.attempts) == ("ready", 2)


async def test_a_health_check_that_always_hangs_is_told_so() -> None:
    engine = FakeEngine(config=QUICK_CHECK, answer=lambda _: None)

    assert "did not end within 0.001 s" in (await watch(engine, timeout_s=0.1)).detail


@pytest.mark.parametrize("code", [126, 127])
async def test_a_health_check_whose_program_is_missing_is_given_up_early(code: int) -> None:
    engine = FakeEngine(config=QUICK_CHECK, answer=answers(code))

    unready = await watch(engine)

    assert unready.state == "unready"
    assert unready.attempts == 3
    assert "the image lacks the program" in unready.detail


async def test_a_program_that_is_missing_only_for_a_moment_is_waited_for() -> None:
    engine = FakeEngine(config=QUICK_CHECK, answer=answers(1, 1, 127, 1, 127, 127, 0))

    assert (await watch(engine)).state == "ready"


async def test_an_engine_that_refuses_a_check_for_a_moment_is_asked_again() -> None:
    def answer(number: int) -> ExecResult | Exception:
        if number == 1:
            return DockerError(409, "container is not running")
        return ExecResult(0, "")

    assert (await watch(FakeEngine(config=QUICK_CHECK, answer=answer))).state == "ready"


async def test_what_a_health_check_prints_is_made_safe_and_short() -> None:
    engine = FakeEngine(
        config=QUICK_CHECK, answer=lambda _: ExecResult(1, "\x1b[31mred\x1b[0m\n" + "x" * 5000)
    )

    detail = (await watch(engine, timeout_s=0.05)).detail

    assert "\x1b" not in detail
    assert "\n" not in detail
    assert len(detail) < 600


@pytest.mark.parametrize(("code", "state"), [(0, "completed"), (3, "exited")])
async def test_a_service_that_ends_while_it_is_probed_has_ended(code: int, state: str) -> None:
    engine = FakeEngine(config=QUICK_CHECK, answer=answers(1))
    watching = asyncio.create_task(watch(engine))
    await engine.asked.wait()

    engine.end(code)

    ended = await watching
    assert (ended.state, ended.exit_code) == (state, code)
    assert ended.proof == ("completed" if code == 0 else "none")


async def test_a_service_that_ended_at_once_is_not_taken_for_ready() -> None:
    engine = FakeEngine(config=QUICK_CHECK, answer=answers(1))
    engine.end(1)

    assert (await watch(engine)).state == "exited"


async def test_where_others_wait_for_the_end_nothing_else_counts() -> None:
    engine = FakeEngine(config=QUICK_CHECK)
    watching = asyncio.create_task(watch(engine, must_complete=True))
    engine.end(0)

    assert (await watching).state == "completed"
    assert engine.commands == []


async def test_a_service_that_others_wait_for_and_that_never_ends_is_unready() -> None:
    unready = await watch(FakeEngine(), must_complete=True, timeout_s=0.05)

    assert (unready.state, unready.detail) == ("unready", "it has not ended")


async def test_a_known_server_without_health_check_is_asked_by_its_client() -> None:
    engine = FakeEngine(answer=answers(2, 2, 0))

    ready = await watch(engine, image="postgres:16")

    assert (ready.state, ready.proof, ready.attempts) == ("ready", "client", 3)
    assert engine.commands[0][0] == "pg_isready"


async def test_a_known_server_that_passes_its_own_check_must_answer_over_tcp_as_well() -> None:
    engine = FakeEngine(config=QUICK_CHECK, answer=answers(0, 2, 2, 0))

    ready = await watch(engine, image="postgres:16")

    assert (ready.proof, ready.attempts) == ("health check", 4)
    assert [command[0] for command in engine.commands] == ["check", *["pg_isready"] * 3]


async def test_a_known_server_whose_client_is_missing_is_believed_its_own_check() -> None:
    engine = FakeEngine(config=QUICK_CHECK, answer=answers(0, 127))

    assert (await watch(engine, image="postgres:16")).proof == "health check"


async def hang_up(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.close()


async def test_other_services_are_tried_at_their_ports(unused_tcp_port: int) -> None:
    engine = FakeEngine(addresses=["127.0.0.1"])
    watching = asyncio.create_task(watch(engine, declared_ports=[unused_tcp_port]))
    await asyncio.sleep(0)
    async with await asyncio.start_server(hang_up, "127.0.0.1", unused_tcp_port):
        ready = await watching

    assert (ready.state, ready.proof) == ("ready", "port")


async def test_all_declared_ports_must_be_open(
    unused_tcp_port_factory: Any,
) -> None:
    open_port, closed_port = unused_tcp_port_factory(), unused_tcp_port_factory()
    engine = FakeEngine(addresses=["127.0.0.1"])
    async with await asyncio.start_server(hang_up, "127.0.0.1", open_port):
        started = await watch(engine, declared_ports=[open_port, closed_port], timeout_s=0.1)

    assert (started.state, started.proof) == ("started", "none")


async def test_of_the_ports_that_the_image_exposes_one_is_enough(
    unused_tcp_port_factory: Any,
) -> None:
    open_port, closed_port = unused_tcp_port_factory(), unused_tcp_port_factory()
    config: dict[str, Any] = {
        "ExposedPorts": {f"{closed_port}/tcp": {}, f"{open_port}/tcp": {}, "53/udp": {}}
    }
    engine = FakeEngine(config=config, addresses=["127.0.0.1"])
    async with await asyncio.start_server(hang_up, "127.0.0.1", open_port):
        assert (await watch(engine)).proof == "port"


async def test_what_cannot_be_tried_is_started_and_no_more_is_claimed() -> None:
    here = ["127.0.0.1"]

    no_ports, not_reachable, no_address = await asyncio.gather(
        watch(FakeEngine(addresses=here), declared_ports=[]),
        watch(FakeEngine(addresses=here), declared_ports=[9], reachable=False),
        watch(FakeEngine(addresses=[]), declared_ports=[9]),
    )

    for started in (no_ports, not_reachable, no_address):
        assert (started.state, started.proof) == ("started", "none")


async def test_a_watch_that_is_broken_off_leaves_no_task_behind() -> None:
    engine = FakeEngine(config=QUICK_CHECK, answer=answers(1))
    watching = asyncio.create_task(watch(engine))
    await engine.asked.wait()

    watching.cancel()
    with pytest.raises(asyncio.CancelledError):
        await watching

    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_the_time_is_measured_from_the_start_to_the_proof() -> None:
    ticks = itertools.count(100.0, 2.5)

    ready = await watch_service(
        FakeEngine(config=QUICK_CHECK),
        "c1",
        image="shop",
        declared_ports=[],
        reachable=True,
        timeout_s=5,
        clock=lambda: next(ticks),
    )

    assert ready.seconds == 2.5
