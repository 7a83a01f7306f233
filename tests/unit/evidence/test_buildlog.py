"""The logs in `build_logs` are what Compose 2.26 printed, on an engine without a registry."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seatrial.evidence.build import Build
from seatrial.evidence.buildlog import MAX_INSTRUCTION, MAX_STEPS, parse_build_log, read_build_log

LOGS = Path(__file__).parent / "build_logs"


def _read(name: str, *services: str) -> Build:
    build = read_build_log(LOGS / name, services or ("test",))
    assert build is not None
    return build


@pytest.mark.parametrize(
    ("log", "services", "cached", "total", "state"),
    [
        ("cold.log", ("test",), 0, 4, "cold"),
        ("warm.log", ("test",), 4, 4, "warm"),
        ("mixed.log", ("test",), 1, 4, "mixed"),
        ("shared-cold.log", ("test", "web"), 0, 6, "cold"),
        ("shared-warm.log", ("test", "web"), 6, 6, "warm"),
        ("failing.log", ("test",), 0, 2, "cold"),
    ],
)
def test_counts_the_steps_that_came_from_the_cache(
    log: str, services: tuple[str, ...], cached: int, total: int, state: str
) -> None:
    build = _read(log, *services)

    assert (build.cached_steps, build.total_steps, build.state) == (cached, total, state)


def test_a_step_has_its_stage_its_instruction_and_its_seconds() -> None:
    step = next(s for s in _read("shared-cold.log", "test", "web").steps if s.stage == "builder")

    assert step.instruction == "RUN mkdir /out && echo x > /out/x && sleep 0.7"
    assert (step.seconds, step.cached, step.failed) == (1.2, False, False)


def test_a_step_that_two_images_share_is_one_step_of_both() -> None:
    steps = _read("shared-warm.log", "test", "web").steps

    shared = [step for step in steps if step.instruction == "RUN echo base && sleep 0.5"]
    assert [step.services for step in shared] == [("web", "test")]


def test_what_a_step_prints_after_a_carriage_return_is_not_the_builders() -> None:
    step = _read("cold.log").steps[-1]

    assert "#5 CACHED" in step.instruction
    assert not any(step.cached for step in _read("cold.log").steps if not step.is_base)


def test_a_failed_step_is_named_and_took_no_known_time() -> None:
    step = _read("failing.log").steps[-1]

    assert (step.failed, step.cached, step.seconds) == (True, False, None)
    assert step.instruction.startswith("RUN python -c")


def test_the_slowest_steps_come_first() -> None:
    assert [s.seconds for s in _read("cold.log").slowest(2)] == [1.8, 0.7]
    assert _read("warm.log").slowest(2) == ()


@pytest.mark.parametrize(
    ("log", "size"), [("cold.log", 3_000_000), ("warm.log", 129), ("shared-cold.log", None)]
)
def test_the_context_is_what_was_sent_of_it_and_not_of_the_ignore_file(
    log: str, size: int | None
) -> None:
    assert _read(log, "test", "web").context_bytes == size


def test_base_images_are_steps_that_are_not_counted() -> None:
    bases = [s.instruction for s in _read("shared-cold.log", "test", "web").steps if s.is_base]

    assert bases == ["FROM docker.io/library/python:3.13-slim", "FROM docker.io/library/redis:7"]


def test_a_base_image_that_was_fetched_did_not_come_from_the_cache() -> None:
    digest = "sha256:" + "ab" * 32
    build = parse_build_log(
        [
            f"#4 [test  1/11] FROM docker.io/library/python:3.13-slim@{digest}",
            f"#4 {digest} 3.34MB / 12.58MB 0.2s",
            f"#4 extracting {digest} 0.4s done",
            "#4 DONE 2.5s",
        ],
        ["test"],
    )

    assert [(s.stage, s.cached, s.seconds) for s in build.steps] == [("", False, 2.5)]


def test_a_builder_that_names_no_service_or_names_a_platform_is_understood() -> None:
    build = parse_build_log(
        ["#7 [linux/arm64 builder 2/3] RUN make", "#7 DONE 1.0s", "#8 [stage-1 1/1] RUN true"],
        ["test"],
    )

    assert [(s.services, s.stage) for s in build.steps] == [
        (("test",), "builder"),
        (("test",), "stage-1"),
    ]


def test_only_the_last_run_of_the_builder_counts() -> None:
    first = ["#0 building with default", "#5 [test 2/2] RUN false", "#5 ERROR: exit code: 1"]
    second = ["#0 building with default", "#5 [test 2/2] RUN true", "#5 DONE 0.1s"]

    build = parse_build_log(first + second, ["test"])

    assert [(s.instruction, s.failed) for s in build.steps] == [("RUN true", False)]


def test_instructions_are_cleaned_and_steps_and_instructions_bounded() -> None:
    lines = [f"#{n} [test 2/2] RUN \x1b[31m{'x' * 5000}" for n in range(1, MAX_STEPS + 50)]

    build = parse_build_log(lines, ["test"])

    assert len(build.steps) == MAX_STEPS
    assert build.steps[0].instruction == f"RUN {'x' * 5000}"[:MAX_INSTRUCTION]


def test_a_log_that_is_not_there_is_no_build(tmp_path: Path) -> None:
    assert read_build_log(tmp_path / "build.log", ["test"]) is None


def test_a_dockerfile_without_steps_is_warm_as_nothing_had_to_be_run() -> None:
    build = parse_build_log(["#4 [test 1/1] FROM docker.io/library/a", "#4 CACHED"], ["test"])

    assert (build.total_steps, build.state) == (0, "warm")


@given(st.lists(st.text(alphabet=st.sampled_from("#123 [test/]RUNFOMDEC.s:\r\x1b"), max_size=60)))
def test_no_text_breaks_the_reader(lines: list[str]) -> None:
    build = parse_build_log(lines, ["test", "web"])

    assert build.cached_steps <= build.total_steps <= len(build.steps)
