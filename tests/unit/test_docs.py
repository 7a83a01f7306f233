"""What the documentation says of the program is held against the program."""

import re
from pathlib import Path

import pytest
from pydantic import BaseModel

from seatrial.cli.app import app
from seatrial.errors import ExitCode
from seatrial.judge.criteria import CRITERIA
from seatrial.settings import Settings

ROOT = Path(__file__).parents[2]


def read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def keys(model: type[BaseModel], prefix: str = "") -> set[str]:
    found: set[str] = set()
    for name, field in model.model_fields.items():
        inner = field.annotation
        if isinstance(inner, type) and issubclass(inner, BaseModel):
            found |= keys(inner, f"{prefix}{name}.")
        else:
            found.add(prefix + name)
    return found


def test_every_setting_has_a_row_in_the_table_and_every_row_is_a_setting() -> None:
    documented: set[str] = set()
    for row in re.findall(r"^\| (`[^|]+) \|", read("docs/settings.md"), re.MULTILINE):
        names = re.findall(r"`([^`]+)`", row)
        group = names[0].partition(".")[0]
        documented |= {f"{group}{name}" if name.startswith(".") else name for name in names}
    assert documented == keys(Settings)


def test_the_readme_lists_every_command_and_no_other() -> None:
    table = read("README.md").split("## Commands")[1].split("##")[0]
    rows = [line for line in table.splitlines() if line.startswith("| `")]
    listed = {name for row in rows for name in re.findall(r"`seatrial ([\w-]+)", row)}
    assert listed == {command.name for command in app.registered_commands}


def test_the_readme_tells_every_exit_code() -> None:
    table = read("README.md").split("## Exit codes")[1].split("##")[0]
    assert {int(code) for code in re.findall(r"^\| (\d+) \|", table, re.MULTILINE)} == set(ExitCode)


def test_the_examples_approval_explains_every_point_of_its_score() -> None:
    rows = re.findall(r"^\| (\d+) \| `([a-z-]+)` \|", read("docs/approval.md"), re.MULTILINE)

    assert {key: int(points) for points, key in rows} == {one.key: one.weight for one in CRITERIA}
    assert sum(int(points) for points, _ in rows) == 100


@pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md"])
def test_every_make_target_that_a_page_names_exists(page: str) -> None:
    targets = set(re.findall(r"^([a-z-]+):", read("Makefile"), re.MULTILINE))
    named = set(re.findall(r"(?:`|\$ )make ([a-z-]+)", read(page)))
    assert named
    assert named <= targets


@pytest.mark.parametrize(
    "page", ["README.md", *(f"docs/{p.name}" for p in (ROOT / "docs").iterdir())]
)
def test_every_link_to_a_page_leads_somewhere(page: str) -> None:
    for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", read(page)):
        assert ((ROOT / page).parent / target).exists(), target
