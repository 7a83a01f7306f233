from pathlib import Path

import pytest

from seatrial.drill.dockerfile import BUILD_FAILS_WITH, break_build, with_failing_step
from seatrial.stack.dockerfile import read_dockerfile

STAGES = """\
ARG BASE=python
FROM $BASE AS base
RUN pip install x \\
    && true

# the tests
FROM base AS Test
COPY . .
RUN <<END
FROM nowhere
END

FROM base
CMD ["x"]
"""


def failing(text: str) -> list[int]:
    """The numbers of the stages that hold the step, and hold it last."""
    return [
        stage.number
        for stage in read_dockerfile(text).stages
        if stage.instructions and BUILD_FAILS_WITH in stage.instructions[-1].text
    ]


@pytest.mark.parametrize(
    ("target", "number"), [("base", 0), ("test", 1), ("TEST", 1), ("2", 2), (None, 2)]
)
def test_the_step_is_the_last_of_the_stage_that_is_asked_for(
    target: str | None, number: int
) -> None:
    broken = with_failing_step(STAGES, target)

    assert broken is not None
    assert failing(broken) == [number]
    assert len(broken.splitlines()) == len(STAGES.splitlines()) + 1


def test_a_stage_of_nothing_but_from_is_broken_too() -> None:
    assert with_failing_step("FROM a AS x\nFROM x", "x") is not None
    assert failing(with_failing_step("FROM a AS x\nFROM x", "x") or "") == [0]


@pytest.mark.parametrize(("text", "target"), [(STAGES, "nope"), ("# nothing\n", None)])
def test_without_such_a_stage_there_is_nothing_to_break(text: str, target: str | None) -> None:
    assert with_failing_step(text, target) is None


def test_the_very_dockerfile_of_the_service_is_broken(tmp_path: Path) -> None:
    (tmp_path / "docker").mkdir()
    (tmp_path / "docker/Dockerfile.test").write_text(STAGES, encoding="utf-8")
    raw = {"build": {"context": f"{tmp_path}/docker", "dockerfile": "Dockerfile.test"}}

    changed = break_build(raw, tmp_path)

    assert not isinstance(changed, str)
    files, build = changed
    assert list(files) == ["docker/Dockerfile.test"]
    assert failing(files["docker/Dockerfile.test"]) == [2]
    assert build == {}


def test_a_dockerfile_in_the_compose_file_is_broken_there(tmp_path: Path) -> None:
    raw = {"build": {"context": str(tmp_path), "dockerfile_inline": "FROM a\nRUN b\n"}}

    changed = break_build(raw, tmp_path)

    assert not isinstance(changed, str)
    assert changed[0] == {}
    assert failing(changed[1]["dockerfile_inline"]) == [0]


@pytest.mark.parametrize(
    "build",
    [
        {"context": "https://example.org/x.git"},
        {"context": "/elsewhere"},
        {"context": ".", "dockerfile": "missing"},
    ],
)
def test_a_dockerfile_that_is_not_the_copys_is_left_alone(
    tmp_path: Path, build: dict[str, str]
) -> None:
    context = str(tmp_path) if build["context"] == "." else build["context"]

    changed = break_build({"build": {**build, "context": context}}, tmp_path)

    assert isinstance(changed, str)
    assert "Dockerfile" in changed
