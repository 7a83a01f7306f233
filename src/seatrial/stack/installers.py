"""Recognises, in a RUN instruction, the commands that install packages, and where each caches."""

import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from seatrial.stack.dockerfile import Instruction, exec_form

__all__ = ["INSTALLERS", "Install", "Installer", "find_installs", "shell_commands"]


@dataclass(frozen=True)
class Installer:
    """A program that installs packages, and what is to be known of its cache."""

    name: str
    verbs: tuple[tuple[str, ...], ...]
    """The words after the program's name that make it install."""
    caches: tuple[str, ...]
    """Folders that it caches in, by default and for root; empty: a cache mount is of no use."""
    variable: str = ""
    """The environment variable that moves its cache."""
    switch_off: tuple[str, ...] = ()
    """Options and variables that make it leave its cache alone."""
    python: bool = False
    """It installs Python packages, so that one can stand in for the other."""


INSTALLERS: Mapping[str, Installer] = {
    installer.name: installer
    for installer in (
        Installer(
            "pip",
            (("install",), ("wheel",), ("download",)),
            ("/root/.cache/pip",),
            "PIP_CACHE_DIR",
            ("--no-cache-dir", "--no-cache", "PIP_NO_CACHE_DIR"),
            python=True,
        ),
        Installer(
            "uv",
            (("sync",), ("pip", "install"), ("pip", "sync"), ("tool", "install")),
            ("/root/.cache/uv",),
            "UV_CACHE_DIR",
            ("--no-cache", "-n", "UV_NO_CACHE"),
            python=True,
        ),
        Installer(
            "poetry",
            (("install",), ("sync",), ("add",)),
            ("/root/.cache/pypoetry",),
            "POETRY_CACHE_DIR",
            ("--no-cache",),
            python=True,
        ),
        Installer("pdm", (("install",), ("sync",), ("add",)), ("/root/.cache/pdm",), python=True),
        Installer(
            "pipenv",
            (("install",), ("sync",)),
            ("/root/.cache/pipenv",),
            "PIPENV_CACHE_DIR",
            python=True,
        ),
        Installer(
            "apt", (("install",), ("upgrade",), ("build-dep",)), ("/var/cache/apt", "/var/lib/apt")
        ),
        Installer("dnf", (("install",),), ("/var/cache/dnf",)),
        Installer("yum", (("install",),), ("/var/cache/yum",)),
        Installer("apk", (("add",),), ()),
        Installer("npm", (("ci",), ("install",)), ("/root/.npm",), "npm_config_cache"),
    )
}
"""Default caches: pip, uv, Poetry, PDM, Pipenv and npm say them in their own documentation; for apt
and the mounts it needs, see the Dockerfile reference, `RUN --mount=type=cache`."""

_ALIASES = {"apt-get": "apt", "microdnf": "dnf", "pip3": "pip"}
_PIP = re.compile(r"pip3?(?:\.\d+)?")
_PYTHON = re.compile(r"(?:python|pypy)(?:\d+(?:\.\d+)?)?")
_PREFIXES = {"sudo", "env", "exec", "command", "time", "nice", "eatmydata"}
_ASSIGNMENT = re.compile(r"[A-Za-z_]\w*=")
_SHELLS = {"sh", "bash", "dash", "ash", "zsh"}
_SEPARATOR = re.compile(r"[;&|()]+$")
_KEYWORDS = {"if", "then", "else", "elif", "do", "while", "until", "!", "{"}

_TOOLS = {  # that install or build, and are no packages of the project
    "pip",
    "setuptools",
    "wheel",
    "uv",
    "poetry",
    "pdm",
    "pipenv",
    "hatch",
    "build",
    "virtualenv",
}

_WITH_VALUE = {
    *("-r", "--requirement", "-c", "--constraint", "-w", "--wheel-dir", "-d", "--dest"),
    *("-t", "--target", "-i", "--index-url", "--extra-index-url", "-f", "--find-links"),
    *("--prefix", "--root", "--cache-dir", "--python", "-p"),
}
"""Options of pip and uv after which the next word is not what is installed."""


@dataclass(frozen=True)
class Install:
    """One such command."""

    installer: Installer
    words: tuple[str, ...]
    """After the program's name."""
    environ: tuple[tuple[str, str], ...]
    """Variables set for this command alone."""

    @property
    def of_project(self) -> bool:
        """Whether it (also) installs the project's own code, and so needs the source."""
        flags = {"uv": "--no-install-project", "poetry": "--no-root", "pdm": "--no-self"}
        if self.installer.name == "pip" or self.words[0] == "pip":
            return any(_is_local(word) for word in self._named)
        flag = flags.get(self.installer.name)
        return flag is not None and flag not in self.words

    @property
    def of_packages(self) -> bool:
        """Whether it can bring in packages that the project depends on."""
        if self.takes_requirements:
            return True
        if {"--no-deps", "--only-root"} & set(self.words):
            return False
        if self.installer.name != "pip":
            return True
        return any(re.split(r"[\[=<>~!;@]", word)[0].lower() not in _TOOLS for word in self._named)

    @property
    def downloads(self) -> bool:
        """Whether it asks a registry; wheels that are there already are only unpacked."""
        if "--no-index" in self.words:
            return False
        wheels = bool(self._named) and all("wheel" in w or ".whl" in w for w in self._named)
        return self.takes_requirements or (
            (self.of_packages or self.of_project) and not (self.installer.python and wheels)
        )

    @property
    def _named(self) -> list[str]:
        """What is to be installed."""
        pairs = zip(self.words, self.words[1:], strict=False)
        return [
            word for before, word in pairs if not word.startswith("-") and before not in _WITH_VALUE
        ]

    @property
    def takes_requirements(self) -> bool:
        """Whether it names a file with requirements."""
        return any(word.startswith(("-r", "--requirement")) for word in self.words)

    def option(self, name: str) -> str:
        """The value of `--name value` or `--name=value`."""
        for word, following in zip(self.words, (*self.words[1:], ""), strict=True):
            if word == name:
                return following
            if word.startswith(f"{name}="):
                return word.partition("=")[2]
        return ""


def find_installs(instruction: Instruction) -> tuple[Install, ...]:
    """The installing commands of a RUN instruction, its heredocs included."""
    found = (_install(words) for words in shell_commands(instruction))
    return tuple(install for install in found if install is not None)


def shell_commands(instruction: Instruction) -> Iterator[tuple[str, ...]]:
    """The simple commands of a RUN instruction, roughly as a shell would split them."""
    if words := exec_form(instruction.arguments):
        if PurePosixPath(words[0]).name in _SHELLS and len(words) > 2:
            yield from _split(words[-1])
        else:
            yield words
        return
    line = re.sub(r"\d*<<-?\S+", "", instruction.arguments).strip()
    yield from _split(line)
    program = PurePosixPath(line.split()[0]).name if line else "sh"
    if program in _SHELLS:
        for body in instruction.heredocs:
            shebang = body.startswith("#!") and body.partition("\n")[0].split("/")[-1].split()[-1]
            if not shebang or shebang in _SHELLS:
                # A line that goes on ends in a backslash here too, whatever the file's escape is.
                for one in body.replace("\\\n", " ").splitlines():
                    yield from _split(one)


def _split(text: str) -> Iterator[tuple[str, ...]]:
    lexer = shlex.shlex(text, posix=True, punctuation_chars=";&|()")
    lexer.whitespace_split = True
    lexer.commenters = "#"
    words: list[str] = []
    try:
        for word in lexer:
            if _SEPARATOR.fullmatch(word):
                yield tuple(words)
                words = []
            else:
                words.append(word)
    except ValueError:  # an open quotation: what was read so far is all that is known
        pass
    yield tuple(words)


def _install(words: Sequence[str]) -> Install | None:
    rest = list(words)
    environ: list[tuple[str, str]] = []
    while rest and (rest[0] in _PREFIXES | _KEYWORDS or _ASSIGNMENT.match(rest[0])):
        word = rest.pop(0)
        if _ASSIGNMENT.match(word):
            name, _, value = word.partition("=")
            environ.append((name, value))
    if not rest:
        return None
    program = PurePosixPath(rest.pop(0)).name
    if _PYTHON.fullmatch(program):
        if "-m" not in rest or rest.index("-m") + 1 >= len(rest):
            return None
        rest = rest[rest.index("-m") + 1 :]
        program = rest.pop(0)
    name = "pip" if _PIP.fullmatch(program) else _ALIASES.get(program, program)
    installer = INSTALLERS.get(name)
    if installer is None:
        return None
    plain = [word for word in rest if not word.startswith("-")]
    for verb in installer.verbs:
        # Options may stand before the verb, with or without a value of their own.
        if verb[0] in rest and tuple(plain[: len(verb)]) == verb:
            return Install(installer, tuple(rest[rest.index(verb[0]) :]), tuple(environ))
    for verb in installer.verbs:
        if len(verb) == 1 and verb[0] in plain[:3]:
            return Install(installer, tuple(rest[rest.index(verb[0]) :]), tuple(environ))
    return None


def _is_local(word: str) -> bool:
    return word.startswith((".", "/")) and not word.endswith((".txt", ".whl", ".in"))
