from textwrap import dedent

import pytest

from seatrial.stack.dockerfile import read_dockerfile
from seatrial.stack.spoilers import Spoiler, context_sources, find_spoilers

PIP = "--mount=type=cache,target=/root/.cache/pip"
UV = "--mount=type=cache,target=/root/.cache/uv"
APT = "--mount=type=cache,target=/var/cache/apt --mount=type=cache,target=/var/lib/apt"


def spoilers(text: str, target: str | None = None) -> tuple[Spoiler, ...]:
    """Of a Dockerfile whose first line is 1; the code is in `src` and `tests`."""
    dockerfile = read_dockerfile(dedent(text).lstrip("\n"))
    code = {".", "src", "tests"}
    return find_spoilers(dockerfile, target, is_source=lambda path: path in code)


def lines(text: str, target: str | None = None) -> list[int]:
    return [spoiler.line for spoiler in spoilers(text, target)]


@pytest.mark.parametrize(
    "copy",
    [
        "COPY . .",
        "COPY ./ /app",
        "COPY --chown=1:1 --link src /app/src",
        "ADD src/ tests/ /app/",
        'COPY ["src", "/app"]',
        "COPY * ./",
        "COPY README.md src ./",
    ],
)
def test_source_that_is_copied_before_packages_are_installed_is_named(copy: str) -> None:
    (found,) = spoilers(f"FROM python\n{copy}\nRUN {PIP} pip install -r requirements.txt")
    assert found.line == 2
    assert "pip installs packages (line 3)" in found.what
    assert "copy only the requirements file" in found.remedy
    assert [(stage.base, step.line) for stage, step in found.steps] == [("python", 3)]


@pytest.mark.parametrize(
    "body",
    [
        f"COPY requirements.txt ./\nRUN {PIP} pip install -r requirements.txt\nCOPY . .",
        f"COPY uv.lock ./\nRUN {UV} uv sync --no-install-project\nCOPY . .\nRUN {UV} uv sync",
        f"COPY r.txt .\nRUN {PIP} pip install -r r.txt\nCOPY . .\nRUN {PIP} pip install -e .",
        f"COPY . .\nRUN {PIP} pip install --no-deps .",
        f"COPY --from=elsewhere . .\nRUN {PIP} pip install x",
        f"COPY <<EOF /x\nsrc\nEOF\nRUN {PIP} pip install x",
        f"ADD https://example.org/src /x\nRUN {PIP} pip install x",
        f"RUN {PIP} --mount=type=bind,source=r.txt,target=r.txt pip install -r r.txt",
        "COPY . .\nRUN pytest",
        "ONBUILD COPY . .\nRUN true",
    ],
)
def test_a_good_order_is_left_alone(body: str) -> None:
    assert spoilers(f"FROM python\n{body}") == ()


def test_tools_alone_are_not_the_packages_of_the_project() -> None:
    text = f"FROM x\nRUN {PIP} pip install -U pip\nCOPY . .\nRUN {PIP} pip install ."
    assert lines(text) == [3]


def test_one_finding_names_all_that_comes_too_early_and_all_that_waits() -> None:
    text = f"FROM x\nCOPY src s\nCOPY tests t\nRUN {PIP} pip install a\nRUN {PIP} pip install b"
    (found,) = spoilers(text)
    assert "(lines 4, 5); so does line 3" in found.what


def test_a_source_that_is_mounted_for_the_installation_counts_as_copied() -> None:
    assert lines(f"FROM x\nRUN --mount=target=/app {PIP} pip install /app") == [2]


def test_what_a_stage_inherits_comes_before_what_it_does() -> None:
    text = f"""
        FROM x AS base
        COPY . .
        FROM base AS test
        RUN {PIP} pip install x
        FROM x AS unused
        COPY . .
        RUN pip install x
        """
    assert lines(text, "test") == [2]
    assert lines(text, "base") == []
    assert lines(text) == [6, 7]


def test_an_installation_that_several_stages_inherit_is_named_once() -> None:
    (found,) = spoilers(f"FROM x AS a\nCOPY . .\nRUN {PIP} pip install y\nFROM a")
    assert "(line 3)" in found.what


def test_what_is_run_on_build_upon_a_stage_is_looked_at_there() -> None:
    text = "FROM x AS a\nONBUILD COPY . .\nONBUILD RUN pip install y\nFROM a\nRUN true"
    assert lines(text) == [2, 3]


@pytest.mark.parametrize(
    ("command", "cache"),
    [
        ("pip install x", "/root/.cache/pip"),
        ("uv sync", "/root/.cache/uv"),
        ("poetry install", "/root/.cache/pypoetry"),
        ("pdm sync", "/root/.cache/pdm"),
        ("pipenv sync", "/root/.cache/pipenv"),
        ("apt-get install -y git", "/var/cache/apt"),
        ("npm ci", "/root/.npm"),
        ("uv sync --cache-dir /c", "/c"),
        ("PIP_CACHE_DIR=/c pip install x", "/c"),
        ("XDG_CACHE_HOME=/c uv sync", "/c/uv"),
    ],
)
def test_an_installation_without_a_cache_mount_is_told_which_one_it_needs(
    command: str, cache: str
) -> None:
    (found,) = spoilers(f"FROM x\nRUN {command}")
    assert "without a cache mount" in found.what
    assert f"--mount=type=cache,target={cache}" in found.remedy


@pytest.mark.parametrize(
    "text",
    [
        f"RUN {PIP} pip install x",
        "RUN --mount=type=cache,dst=/root/.cache pip install x",
        "RUN --mount=type=cache,target=/root/.cache/ uv sync",
        "USER app\nRUN --mount=type=cache,target=/home/app/.cache/pip,uid=1000 pip install x",
        "ENV PIP_CACHE_DIR=/c\nRUN --mount=type=cache,target=/c pip install x",
        "ARG C=/c\nENV UV_CACHE_DIR=$C/uv\nRUN --mount=type=cache,target=${C}/uv uv sync",
        "RUN --mount=type=cache,target=$UNKNOWN pip install x",
        "RUN apk add git",
        "RUN pip install --upgrade pip",
        f"RUN rm -f /etc/apt/apt.conf.d/docker-clean\nRUN {APT} apt-get install -y git",
        "ENV PIP_NO_CACHE_DIR=0\n" + f"RUN {PIP} pip install x",
    ],
)
def test_a_mount_that_holds_the_cache_is_left_alone(text: str) -> None:
    assert spoilers(f"FROM x\n{text}") == ()


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (f"RUN {PIP} uv sync", "uv caches in /root/.cache/uv; the mount is at /root/.cache/pip"),
        (f"RUN {UV} pip install x", "pip caches in /root/.cache/pip"),
        ("RUN --mount=type=cache,target=~/.cache/pip pip install x", "the mount is at ~/.cache"),
        (f"ENV PIP_CACHE_DIR=/c\nRUN {PIP} pip install x", "pip caches in /c"),
        (
            "RUN --mount=type=cache,target=/var/cache/apt apt-get install git",
            "apt caches in /var/lib/apt;",
        ),
        (f"RUN {PIP} pip install --no-cache-dir x", "--no-cache-dir makes pip leave its cache"),
        (f"ENV PIP_NO_CACHE_DIR=1\nRUN {PIP} pip install x", "PIP_NO_CACHE_DIR=1 makes pip"),
        (f"RUN {APT} apt-get install git", "docker-clean is still there"),
    ],
)
def test_a_mount_that_does_not_help_is_named(text: str, told: str) -> None:
    (found,) = spoilers(f"FROM x\n{text}")
    assert told in found.what
    assert found.remedy


@pytest.mark.parametrize("wipe", ["rm -rf /var/lib/apt/lists/*", "apt-get clean"])
def test_a_step_that_empties_its_own_cache_mount_is_named(wipe: str) -> None:
    text = (
        f"FROM x\nRUN rm -f /etc/apt/apt.conf.d/docker-clean\nRUN {APT} apt-get install x && {wipe}"
    )
    (found,) = spoilers(text)
    assert "empties its own cache mount" in found.what


def test_another_user_is_told_to_mount_in_their_own_home() -> None:
    (found,) = spoilers("FROM x\nUSER app:app\nRUN pip install x")
    assert "home of user app" in found.remedy


def test_what_is_taken_from_the_context_is_listed_with_its_patterns() -> None:
    dockerfile = read_dockerfile("FROM x\nCOPY a* b/c/ /to/\nRUN --mount=target=/m true\nCOPY . /d")
    found = [copied.sources for copied in context_sources(dockerfile, None)]
    assert found == [("a*", "b/c"), (".",), (".",)]
