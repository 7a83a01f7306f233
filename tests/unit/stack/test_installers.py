import pytest

from seatrial.stack.dockerfile import Instruction, read_dockerfile
from seatrial.stack.installers import find_installs


def run(text: str) -> Instruction:
    return read_dockerfile(f"FROM x\nRUN {text}").stages[0].instructions[0]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("pip install x", ["pip"]),
        ("pip3.12 install x", ["pip"]),
        ("/opt/venv/bin/pip install -r r.txt", ["pip"]),
        ("python -m venv /v && /v/bin/python3 -I -m pip --quiet install x", ["pip"]),
        ("PIP_INDEX_URL=x sudo pip install x", ["pip"]),
        ('["pip", "install", "x"]', ["pip"]),
        ('["sh", "-c", "cd /x && pip install y"]', ["pip"]),
        ("apt-get update && apt-get install -y git; pip install x", ["apt", "pip"]),
        ("apt-get -qq -o Debug=1 install -y git", ["apt"]),
        ("if test -f x; then uv sync --locked; fi", ["uv"]),
        ("uv --directory /app sync", ["uv"]),
        ("(uv pip install --system x)", ["uv"]),
        ("poetry install --no-root", ["poetry"]),
        ("pdm sync", ["pdm"]),
        ("pipenv install --deploy", ["pipenv"]),
        ("npm ci", ["npm"]),
        ("apk add --no-cache git", ["apk"]),
        ("<<EOF\nset -e\napt-get update\n\napt-get install -y \\\n  git\nEOF", ["apt"]),
        ("<<EOF bash -e\npip install x\nEOF", ["pip"]),
        ("pip freeze && pip --version", []),
        ("echo pip install x", []),
        ("grep 'pip install' README", []),
        ("python -m pytest", []),
        ("python <<EOF\npip install x\nEOF", []),
        ("<<EOF\n#!/usr/bin/env python3\npip install x\nEOF", []),
        ("apt-get update", []),
        ("uv lock && uv venv", []),
        ("echo 'open", []),
        ("true", []),
    ],
)
def test_commands_that_install_are_recognised(text: str, expected: list[str]) -> None:
    # A heredoc's redirection may stand before or after the program that reads it.
    assert [install.installer.name for install in find_installs(run(text))] == expected


@pytest.mark.parametrize(
    ("text", "of_project", "of_packages"),
    [
        ("pip install -r requirements.txt", False, True),
        ("pip install .", True, True),
        ("pip install -e '.[test]'", True, True),
        ("pip install --no-deps .", True, False),
        ("pip wheel --no-deps -w /wheels -r requirements.txt", False, True),
        ("pip install --upgrade pip setuptools", False, False),
        ("pip install 'uv>=0.5'", False, False),
        ("pip install --requirement=r.txt", False, True),
        ("uv sync", True, True),
        ("uv sync --no-install-project", False, True),
        ("uv pip install -e .", True, True),
        ("uv pip install x", False, True),
        ("poetry install", True, True),
        ("poetry install --only-root", True, False),
        ("poetry install --no-root", False, True),
        ("pdm install --no-self", False, True),
        ("apt-get install x", False, True),
    ],
)
def test_what_is_installed_is_told_from_the_words(
    text: str, of_project: bool, of_packages: bool
) -> None:
    (install,) = find_installs(run(text))
    assert (install.of_project, install.of_packages) == (of_project, of_packages)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("pip install x", True),
        ("pip install -e .", True),
        ("uv sync --locked", True),
        ("pip install /wheels/*", False),
        ("pip install dist/a-1-py3-none-any.whl", False),
        ("pip install --no-index x", False),
        ("pip install -U pip", False),
        ("pip install -r r.txt wheel", True),
    ],
)
def test_what_needs_no_registry_is_told_apart(text: str, expected: bool) -> None:
    (install,) = find_installs(run(text))
    assert install.downloads is expected
