"""Pythons with a pytest and plugins, made on the spot: the probe must fit the users', not ours."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import distribution
from pathlib import Path

__all__ = [
    "MATRIX",
    "OWN",
    "SITE",
    "Environment",
    "Interpreter",
    "NoRegistry",
    "NotToBeHad",
    "made",
    "monitored",
]

PLUGINS = (
    "pytest-xdist",
    "pytest-asyncio",
    "pytest-django",
    "Django",
    "pytest-randomly",
    "pytest-rerunfailures",
    "pytest-timeout",
)
HOST = "host"
OLDEST = "pytest==7.0.1"
FORWARDED = re.compile(r"PYTHON|PYTEST_|SEATRIAL_|DJANGO_|NAME$")
"""Variables that a run in a container needs of those that a test sets."""
_MARK = "dev.seatrial.tests"


UNREACHABLE = re.compile(r"\(from versions: none\)|ConnectionPool\(|ReadTimeout|ConnectTimeout")
"""What pip prints when no registry gave it a single version, or the connection broke later."""


class NoRegistry(Exception):
    """No package registry answers, which a machine may lack; all else that fails is a fault."""


class NotToBeHad(Exception):
    """No engine answers."""


@dataclass(frozen=True)
class Environment:
    """What to make."""

    pytest: str
    """A requirement."""
    image: str = HOST
    """A container image with a Python, or the Python that runs this."""


@dataclass(frozen=True)
class Interpreter:
    """A Python to run the probe with."""

    command: tuple[str, ...]
    plugins: bool
    """The plugins are there and loaded."""
    container: str = ""

    def run(
        self, *arguments: str, cwd: Path, env: dict[str, str], timeout: float = 60
    ) -> subprocess.CompletedProcess[str]:
        """Run it with these arguments."""
        return subprocess.run(
            [*self._inside(cwd, env), *self.command, *arguments],
            cwd=cwd,
            env={"PATH": os.environ["PATH"], **env},
            capture_output=True,
            text=True,
            check=False,
            timeout=timeout,
        )

    def _inside(self, cwd: Path, env: dict[str, str]) -> list[str]:
        if not self.container:
            return []
        forwarded = [f"--env={name}" for name in env if FORWARDED.match(name)]
        return ["docker", "exec", f"--workdir={cwd}", *forwarded, self.container]


MATRIX = {
    "oldest pytest": Environment(OLDEST),
    "newest pytest": Environment("pytest"),
    "oldest pytest, Python 3.13": Environment(OLDEST, "python:3.13-slim"),
    "newest pytest, Python 3.13": Environment("pytest", "python:3.13-slim"),
}

OWN = Interpreter((sys.executable,), plugins=False)
"""The one that runs this, with pytest alone."""

SITE = "site-packages"


@contextmanager
def made(environment: Environment, folder: Path, *mounts: Path) -> Iterator[Interpreter]:
    """Make it in `folder`; it sees `mounts`, below one of which `folder` is.

    Raises:
        NoRegistry: there is none.
        NotToBeHad: there is no engine with that image.
    """
    python = str(folder / "venv/bin/python")
    if environment.image == HOST:
        _venv(Interpreter((sys.executable,), plugins=False), environment, folder)
        yield Interpreter((python,), plugins=True)
        return
    with _container(environment.image, mounts) as container:
        _venv(Interpreter(("python",), False, container), environment, folder)
        yield Interpreter((python,), True, container)


@contextmanager
def monitored(folder: Path, *mounts: Path, further: Sequence[str] = ()) -> Iterator[Interpreter]:
    """A Python of 3.12 or newer with pytest: this one, or one of a container that sees the folders.

    The container's has pytest in `folder / SITE`, out of this environment's own files, and beside
    it the `further` requirements, from a package registry.

    Raises:
        NoRegistry: there is none.
        NotToBeHad: there is no engine with that image.
    """
    (folder / SITE).mkdir()
    if sys.version_info >= (3, 12):
        yield OWN
        return
    for name in ("pytest", "pluggy", "iniconfig", "packaging", "pygments"):
        found = distribution(name)
        for top in {file.parts[0] for file in found.files or ()} - {".."}:
            source, target = Path(str(found.locate_file(top))), folder / SITE / top
            if source.is_dir():
                shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copyfile(source, target)
    with _container("python:3.13-slim", (folder, *mounts)) as container:
        python = Interpreter(("python",), plugins=False, container=container)
        if further:
            _pip(python, folder, "--no-deps", "--target", str(folder / SITE), *further)
        yield python


@contextmanager
def _container(image: str, mounts: Iterable[Path]) -> Iterator[str]:
    volumes = [f"--volume={path}:{path}" for path in mounts]
    user = f"--user={os.getuid()}:{os.getgid()}"
    # pytest clears away older folders of its kind, and under xdist what is mounted looks like one
    # that nobody uses: its own are to lie elsewhere.
    apart = "--env=TMPDIR=/var/tmp"
    start = ["run", "--detach", "--rm", "--init", f"--label={_MARK}", user, apart, *volumes]
    container = _docker(*start, image, "sleep", "3600")
    try:
        yield container
    finally:
        _docker("rm", "--force", container)


def _venv(base: Interpreter, environment: Environment, folder: Path) -> None:
    made = base.run("-m", "venv", str(folder / "venv"), cwd=folder, env={}, timeout=120)
    assert made.returncode == 0, made.stdout + made.stderr
    python = Interpreter((str(folder / "venv/bin/python"),), True, base.container)
    _pip(python, folder, environment.pytest, *PLUGINS)


def _pip(python: Interpreter, folder: Path, *wanted: str) -> None:
    # On the host pip keeps what the user told it about registries; in a container the image does.
    env = {} if python.container else {k: v for k, v in os.environ.items() if not _steers(k)}
    install = ["-m", "pip", "install", "--quiet", "--retries=0", "--timeout=10", *wanted]
    done = python.run(*install, cwd=folder, env=env, timeout=300)
    if done.returncode and UNREACHABLE.search(done.stdout + done.stderr):
        raise NoRegistry(done.stderr.strip()[-500:])
    assert done.returncode == 0, done.stdout + done.stderr


def _steers(name: str) -> bool:
    return name.startswith(("PYTHON", "PYTEST_"))


def _docker(*arguments: str) -> str:
    try:
        done = subprocess.run(["docker", *arguments], capture_output=True, text=True, check=False)
    except FileNotFoundError as error:
        raise NotToBeHad("there is no docker program") from error
    if done.returncode:
        raise NotToBeHad(done.stderr.strip())
    return done.stdout.strip()
