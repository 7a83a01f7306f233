from seatrial.evidence.build import BuildStep, sum_up
from seatrial.report.build import print_build
from unit.report.screen import Screen


def _step(instruction: str, seconds: float, *, stage: str = "", cached: bool = False) -> BuildStep:
    return BuildStep(
        services=("test",), stage=stage, instruction=instruction, cached=cached, seconds=seconds
    )


def _show(*steps: BuildStep) -> list[str]:
    screen = Screen()
    print_build(screen.out, sum_up(steps, None))
    return screen.lines


def test_a_build_from_the_cache_is_one_line() -> None:
    steps = [_step(f"RUN {n}", 0, cached=True) for n in range(14)]

    assert _show(*steps) == ["build: 14 of 14 steps from the cache"]


def test_the_slowest_steps_of_another_are_shown_with_their_seconds() -> None:
    lines = _show(
        _step("FROM python:3.13-slim", 9.5),
        _step("RUN pip install .", 12.34, stage="deps"),
        _step("COPY . .", 0.1),
    )

    assert lines == [
        "build: 0 of 2 steps from the cache",
        "   12.3 s  deps: RUN pip install .",
        "    9.5 s  FROM python:3.13-slim",
    ]


def test_a_long_instruction_is_cut() -> None:
    assert _show(_step("RUN " + "x" * 500, 2))[-1].endswith("x…")
