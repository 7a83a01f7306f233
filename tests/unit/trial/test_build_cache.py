from pathlib import Path
from typing import Any

import pytest

from seatrial.evidence.build import BuildStep, sum_up
from seatrial.evidence.record import Record
from seatrial.stack.dockerfile import read_dockerfile
from seatrial.trial.build_cache import Cost, examine_dockerfiles, find_cost
from unit.factories import make_record

SPOILED = "FROM x AS test\nCOPY . .\nRUN --mount=type=cache,target=/root/.cache/pip pip install y\n"


def step(instruction: str, seconds: float | None = 0.0, **values: Any) -> BuildStep:
    defaults: dict[str, Any] = {"services": ("test",), "stage": "test", "cached": not seconds}
    return BuildStep(instruction=instruction, seconds=seconds, **(defaults | values))


def built(trial: str, *steps: BuildStep) -> Record:
    return make_record(id=trial, build=sum_up(steps, None))


def cost(text: str, *records: Record) -> Cost | None:
    """Of all instructions of the last stage."""
    stage = read_dockerfile(text).stages[-1]
    return find_cost(records, ["test"], [(stage, one) for one in stage.instructions])


def form(project: Path, **build: Any) -> dict[str, Any]:
    return {"services": {"test": {"build": {"context": str(project), **build}}, "db": {}}}


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("RUN  pip \\\n   install x", "RUN pip install x"),
        ("RUN pip install $WHAT ${HOW:-fast}", "RUN pip install x very fast"),
        ("RUN echo \"a 'b'\" \\$HOME", "RUN echo a b $HOME"),
        ("run pip install x", "RUN pip install x"),
        ('COPY ["a", "b"]', "COPY [a, b]"),
        ("RUN <<EOF\npip install x\nEOF", "RUN <<EOF (pip install x...)"),
        (f"RUN echo {'long ' * 60}", f"RUN echo {'long ' * 60}"[:200]),
    ],
)
def test_a_step_is_recognised_as_the_builder_shows_it(text: str, shown: str) -> None:
    found = cost(f"FROM x AS test\n{text}", built("t", step(shown, 2.5)))
    assert found == Cost(2.5, "t", 1, 1)


@pytest.mark.parametrize(
    "other",
    [
        step("RUN pip install xy", 1.0),
        step("RUN pip install x", 1.0, stage="other"),
        step("RUN pip install x", 1.0, services=("web",)),
        step("RUN pip install x", None, failed=True),
    ],
)
def test_a_step_that_is_another_or_did_not_end_costs_nothing(other: BuildStep) -> None:
    assert cost("FROM x AS test\nRUN pip install x", built("t", other)) is None


@pytest.mark.parametrize("stage", ["", "stage-0"])
def test_a_stage_without_a_name_is_found_by_its_number(stage: str) -> None:
    record = built("t", step("RUN a", 1.0, stage=stage))
    assert cost("FROM x\nRUN a", record) == Cost(1.0, "t", 1, 1)


def test_the_cost_is_that_of_the_newest_trial_that_ran_a_step() -> None:
    text = "FROM x AS test\nRUN a\nRUN b"
    newest = built("3", step("RUN a"), step("RUN b"))
    ran = built("2", step("RUN a"), step("RUN b", 4.0))
    oldest = built("1", step("RUN a", 3.0), step("RUN b", 5.0))
    assert cost(text, newest, make_record(), ran, oldest) == Cost(4.0, "2", ran=2, trials=3)
    assert cost(text, newest) is None


def test_the_dockerfiles_that_a_form_builds_are_looked_at(tmp_path: Path) -> None:
    (tmp_path / "a.py").touch()
    (tmp_path / ".dockerignore").write_text("docs")
    (tmp_path / "Dockerfile.test").write_text(SPOILED)
    (tmp_path / "Dockerfile").write_text(SPOILED)
    record = built(
        "t",
        step("COPY . .", 0.1),
        step("RUN --mount=type=cache,target=/root/.cache/pip pip install y", 9.0),
    )

    files, findings = examine_dockerfiles(
        tmp_path, form(tmp_path, dockerfile="Dockerfile.test"), [record]
    )

    assert files == ("Dockerfile.test",)
    (found,) = findings
    assert found.where == "Dockerfile.test:2"
    assert found.cost == Cost(9.0, "t", 1, 1)


def test_code_that_is_kept_out_of_the_context_is_no_source(tmp_path: Path) -> None:
    (tmp_path / "a.py").touch()
    (tmp_path / "Dockerfile").write_text(SPOILED)
    (tmp_path / ".dockerignore").write_text("*\n!requirements.txt\n")
    assert examine_dockerfiles(tmp_path, form(tmp_path), [])[1] == ()


def test_what_nobody_needs_in_a_context_is_named_with_its_size(tmp_path: Path) -> None:
    for name, size in ((".git/x", 3 << 20), ("a/__pycache__/b.pyc", 1 << 20), ("c.txt", 1 << 20)):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"0" * size)
    (tmp_path / "Dockerfile").write_text("FROM x\nCOPY . .\n")

    (found,) = examine_dockerfiles(tmp_path, form(tmp_path), [])[1]
    assert found.where == "Dockerfile:2"
    assert ".git (3.0 MiB), a/__pycache__ (1.0 MiB) of a context of 5.0 MiB" in found.what
    assert "there is no .dockerignore" in found.what
    assert found.remedy == "put into .dockerignore: .git **/__pycache__"
    assert found.cost is None

    (tmp_path / "Dockerfile.dockerignore").write_text("**/__pycache__\n")
    (found,) = examine_dockerfiles(tmp_path, form(tmp_path), [])[1]
    assert "Dockerfile.dockerignore lets it in" in found.what
    assert "__pycache__" not in found.what

    (tmp_path / "Dockerfile.dockerignore").write_text("**/__pycache__\n.git\n")
    assert examine_dockerfiles(tmp_path, form(tmp_path), [])[1] == ()


def test_a_context_that_is_copied_in_parts_needs_no_ignore_file(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    (tmp_path / "Dockerfile").write_text("FROM x\nCOPY src src\n")
    assert examine_dockerfiles(tmp_path, form(tmp_path), [])[1] == ()


def test_services_that_share_a_dockerfile_share_its_findings(tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text("FROM x AS a\nRUN pip install y\nFROM a AS b\nFROM a")
    build = {"context": str(tmp_path)}
    services = {"a": {"build": build | {"target": "a"}}, "b": {"build": build | {"target": "b"}}}
    files, findings = examine_dockerfiles(tmp_path, {"services": services}, [])
    assert (files, [one.where for one in findings]) == (("Dockerfile",), ["Dockerfile:2"])


def test_a_dockerfile_in_the_compose_file_has_its_lines_too(tmp_path: Path) -> None:
    inline = form(tmp_path, dockerfile_inline="FROM x\nRUN pip install y\n")
    (found,) = examine_dockerfiles(tmp_path, inline, [])[1]
    assert found.where == "services.test.build.dockerfile_inline:2"


@pytest.mark.parametrize("context", ["https://example.org/x.git", "/nonexistent"])
def test_what_is_not_on_this_machine_is_passed_over(tmp_path: Path, context: str) -> None:
    assert examine_dockerfiles(tmp_path, form(Path(context)), []) == ((), ())
