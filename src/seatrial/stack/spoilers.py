"""Finds the lines of a Dockerfile that spoil the build cache, and says what to write instead.

The advice is that of https://docs.docker.com/build/cache/optimize/: what changes seldom comes
first, and what an installer downloads is kept in a cache mount.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from posixpath import normpath

from seatrial.stack.dockerfile import Dockerfile, Instruction, Stage, assignments, fill_in
from seatrial.stack.installers import INSTALLERS, Install, find_installs

__all__ = ["Copied", "Spoiler", "context_sources", "find_spoilers"]

Step = tuple[Stage, Instruction]

_DOWNLOADS_AGAIN = "each run of the step downloads all packages again"
_FALSE = {"", "0", "false", "no", "off"}
_WIPES = {
    "/var/lib/apt": ("rm ", "/var/lib/apt/lists"),
    "/var/cache/apt": ("apt-get clean",),
}


@dataclass(frozen=True)
class Spoiler:
    """A line that makes builds slower than they need be."""

    line: int
    what: str
    why: str
    remedy: str
    steps: tuple[Step, ...]
    """The steps that take the time."""


@dataclass(frozen=True)
class Copied:
    """What an instruction takes from the build context."""

    step: Step
    sources: tuple[str, ...]
    """Paths or patterns relative to the context; `.` is all of it."""


def find_spoilers(
    dockerfile: Dockerfile, target: str | None, *, is_source: Callable[[str], bool]
) -> tuple[Spoiler, ...]:
    """What spoils the cache of a target, in the order of the lines.

    `is_source` says of a path or pattern of the context whether the project's code is in it.
    """
    spoiled: dict[Instruction, tuple[list[Copied], list[Step]]] = {}
    found: list[Spoiler] = []
    for before, step in _runs(dockerfile, target):
        copies = [
            copied
            for copied in map(_copied, (*before, step))
            if copied and any(map(is_source, copied.sources))
        ]
        if copies and _could_come_first(before, step, copies[0].step):
            spoiled.setdefault(copies[0].step[1], (copies, []))[1].append(step)
        found += _mounts(before, step)
    found += [_order(copies, steps) for copies, steps in spoiled.values()]
    return tuple(sorted(dict.fromkeys(found), key=lambda one: one.line))


def context_sources(dockerfile: Dockerfile, target: str | None) -> tuple[Copied, ...]:
    """What a target takes from its build context, by COPY, ADD or a bind mount."""
    steps = {
        step: None for stage in dockerfile.needed(target) for step in dockerfile.lineage(stage)
    }
    return tuple(copied for copied in map(_copied, steps) if copied)


def _runs(dockerfile: Dockerfile, target: str | None) -> Iterator[tuple[Sequence[Step], Step]]:
    """Each RUN that is needed, with what is run before it."""
    for stage in dockerfile.needed(target):
        lineage = dockerfile.lineage(stage)
        for number, step in enumerate(lineage):
            owner, instruction = step
            if instruction.name == "RUN" and (owner is stage or instruction.onbuild):
                yield lineage[:number], step


def _copied(step: Step) -> Copied | None:
    instruction = step[1]
    sources: list[str] = []
    if instruction.name in {"COPY", "ADD"} and not instruction.flag("from"):
        sources = [word for word in instruction.words[:-1] if "<<" not in word and ":" not in word]
    elif instruction.name == "RUN":
        sources = [
            mount.get("source", ".")
            for mount in instruction.mounts
            if mount["type"] == "bind" and not mount.get("from")
        ]
    cleaned = [normpath(source).lstrip("/") or "." for source in sources]
    return Copied(step, tuple("." if one == "*" else one for one in cleaned)) if cleaned else None


def _could_come_first(before: Sequence[Step], step: Step, copy: Step) -> bool:
    """Whether the step installs packages that it could have installed without the source."""
    earlier = before[: before.index(copy)] if copy in before else before
    prepared = {
        install.installer.python
        for _, instruction in earlier
        if instruction.name == "RUN"
        for install in find_installs(instruction)
        if install.of_packages and install.installer.python
    }
    for install in find_installs(step[1]):
        # The packages are there already, and this adds the project itself.
        finishes = install.of_project and prepared and not install.takes_requirements
        if install.of_packages and not (install.installer.python and finishes):
            return True
    return False


def _order(copies: Sequence[Copied], steps: Sequence[Step]) -> Spoiler:
    first = copies[0].step[1]
    installs = [install for _, one in steps for install in find_installs(one)]
    names = list(dict.fromkeys(install.installer.name for install in installs))
    others = [copied.step[1].line for copied in copies[1:] if copied.step not in steps]
    also = f"; so {'do' if len(others) > 1 else 'does'} {_lines(others)}" if others else ""
    return Spoiler(
        line=first.line,
        what=f"{first.name} {' '.join(copies[0].sources)} brings the source in before "
        f"{' and '.join(names)} {'install' if len(names) > 1 else 'installs'} packages "
        f"({_lines([one.line for _, one in steps])}){also}",
        why="a change of any file of it runs the installation again",
        remedy=_first_the_packages(names),
        steps=tuple(steps),
    )


def _lines(numbers: Sequence[int]) -> str:
    return f"line{'s' * (len(numbers) > 1)} {', '.join(map(str, numbers))}"


def _first_the_packages(names: Sequence[str]) -> str:
    python = [name for name in names if INSTALLERS[name].python]
    others = [name for name in names if name not in python]
    steps = [f"install with {' and '.join(others)} above it"] if others else []
    how = {
        "uv": "copy pyproject.toml and uv.lock, run uv sync --no-install-project",
        "poetry": "copy pyproject.toml and poetry.lock, run poetry install --no-root",
        "pdm": "copy pyproject.toml and pdm.lock, run pdm sync --no-self",
        "pipenv": "copy Pipfile and Pipfile.lock, run pipenv sync",
    }
    if python:
        default = "copy only the requirements file, run pip install -r"
        steps.append(f"{how.get(python[-1], default)}, and copy the source after that")
    return "; ".join(steps)


def _mounts(before: Sequence[Step], step: Step) -> Iterator[Spoiler]:
    instruction = step[1]
    installs: dict[str, Install] = {}
    for install in find_installs(instruction):
        if install.downloads and install.installer.caches:
            installs.setdefault(install.installer.name, install)
    if not installs:
        return
    values: dict[str, str] = {}
    for _, one in before:
        if one.name in {"ENV", "ARG"}:
            for name, value in assignments(one):
                values[name] = fill_in(value, values)
    targets = [
        fill_in(mount.get("target", ""), values)
        for mount in instruction.mounts
        if mount["type"] == "cache"
    ]
    if any("$" in target for target in targets):
        return  # what the base image sets is not known here
    user = next((one.arguments for _, one in reversed(before) if one.name == "USER"), "root")
    for install in installs.values():
        spoiler = _mount(install, targets, values, step, user.partition(":")[0])
        if spoiler:
            yield spoiler
        elif install.installer.name == "apt":
            yield from _apt(before, step)


def _mount(
    install: Install, targets: Sequence[str], values: dict[str, str], step: Step, user: str
) -> Spoiler | None:
    name, line = install.installer.name, step[1].line
    wanted, fixed = _caches(install, values)
    missing = [cache for cache in wanted if not _covered(cache, targets, fixed=fixed)]
    off = _switched_off(install, values)
    remedies = [f"drop {off}"] if off else []
    if missing:
        what = f"{name} installs without a cache mount"
        if targets:
            mounts = "mounts are" if len(targets) > 1 else "mount is"
            what = f"{name} caches in {' and '.join(missing)}; the {mounts} at {', '.join(targets)}"
        remedies.append("add " + " ".join(_mount_option(name, cache) for cache in missing))
        if user not in {"root", "0"} and not fixed and wanted[0].startswith("/root/"):
            remedies.append(f"with the home of user {user} for /root, and uid= that user's id")
        if name == "apt":
            remedies.append("remove docker-clean before it, and do not delete apt's lists after it")
    elif off:
        what = f"{off} makes {name} leave its cache mount alone"
    else:
        return None
    return Spoiler(line, what, _DOWNLOADS_AGAIN, ", ".join(remedies), (step,))


def _mount_option(installer: str, cache: str) -> str:
    # Two builds that use apt's folders at the same time would be in each other's way.
    sharing = ",sharing=locked" if installer == "apt" else ""
    return f"--mount=type=cache,target={cache}{sharing}"


def _caches(install: Install, values: dict[str, str]) -> tuple[tuple[str, ...], bool]:
    """Where it caches, and whether that is a fixed place rather than one in the user's home."""
    installer = install.installer
    environ = values | dict(install.environ)
    named = install.option("--cache-dir") or environ.get(installer.variable, "")
    if named:
        return (named,), True
    if installer.python and (base := environ.get("XDG_CACHE_HOME")):
        return (f"{base}/{installer.caches[0].rpartition('/')[2]}",), True
    return installer.caches, not installer.caches[0].startswith("/root/")


def _covered(cache: str, targets: Sequence[str], *, fixed: bool) -> bool:
    for target in targets:
        place = target.rstrip("/")
        if place == cache or cache.startswith(f"{place}/") or place.startswith(f"{cache}/"):
            return True
        if not fixed and place.startswith("/"):
            # In the home of whoever runs it; which that is the base image may have set.
            tail = cache.removeprefix("/root/").split("/")
            above = ["/".join(tail[: count + 1]) for count in range(len(tail))]
            if any(place.endswith(f"/{one}") for one in above):
                return True
    return False


def _switched_off(install: Install, values: dict[str, str]) -> str:
    environ = values | dict(install.environ)
    for name in install.installer.switch_off:
        if name.startswith("-") and name in install.words:
            return name
        if not name.startswith("-") and environ.get(name, "").lower() not in _FALSE:
            return f"{name}={environ[name]}"
    return ""


def _apt(before: Sequence[Step], step: Step) -> Iterator[Spoiler]:
    """apt's cache mounts are there; whether anything stays in them."""
    instruction = step[1]
    texts = [_script(one) for _, one in (*before, step) if one.name == "RUN"]
    if not any("docker-clean" in text for text in texts):
        yield Spoiler(
            instruction.line,
            "apt's cache mount stays empty: docker-clean is still there",
            "Debian's and Ubuntu's official images delete each package once it is installed",
            "before the first installation: RUN rm -f /etc/apt/apt.conf.d/docker-clean",
            (step,),
        )
    for cache, signs in _WIPES.items():
        if all(sign in _script(instruction) for sign in signs):
            yield Spoiler(
                instruction.line,
                f"the step empties its own cache mount at {cache}",
                "each run of the step downloads all of it again",
                "drop the command that cleans up; what is in the mount is not in the image",
                (step,),
            )


def _script(instruction: Instruction) -> str:
    return "\n".join((instruction.arguments, *instruction.heredocs))
