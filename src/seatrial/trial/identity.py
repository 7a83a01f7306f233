"""Names a trial, labels what belongs to it, and tells whether its owner still lives."""

import os
import re
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal

from seatrial.engine.labels import TRIAL_LABEL, label_of

__all__ = [
    "OWNER_LABEL",
    "STACK_LABEL",
    "TRIAL_LABEL",
    "Identity",
    "label_of",
    "label_of_stack",
    "name_trial",
    "owner_state",
    "process_start",
    "project_slug",
    "this_process",
]

PROJECT_LABEL = "dev.seatrial.project"
OWNER_LABEL = "dev.seatrial.owner"
STACK_LABEL = "dev.seatrial.stack"
"""Tells apart the stacks of one trial; its value is the compose project's name."""

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


@dataclass(frozen=True)
class Identity:
    """What a trial and everything of it is called."""

    trial: str
    """E.g. `20260102-030405-a1b2c3`: sorts by time."""
    compose_project: str
    slug: str
    """The project folder's name, as engine names allow it."""
    labels: dict[str, str]


def name_trial(project: Path, now: datetime, token: str, owner: str) -> Identity:
    """Name a trial of the project in folder `project`; `token` tells apart those of one second."""
    slug = project_slug(project)
    trial = f"{now:%Y%m%d-%H%M%S}-{token}"
    stack = f"seatrial-{slug}-{trial}"
    return Identity(
        trial=trial,
        compose_project=stack,
        slug=slug,
        labels={
            TRIAL_LABEL: trial,
            PROJECT_LABEL: slug,
            OWNER_LABEL: owner,
            STACK_LABEL: stack,
        },
    )


def label_of_stack(stack: str) -> str:
    """The label that finds everything of one stack, by its compose project's name."""
    return f"{STACK_LABEL}={stack}"


def project_slug(project: Path) -> str:
    """The folder's name in lower case letters, digits and dashes, at most 30 characters."""
    return re.sub(r"[^a-z0-9]+", "-", project.name.lower()).strip("-")[:30].strip("-") or "project"


def this_process() -> str:
    """Who owns a trial: machine, process id space, process id and the process's start time.

    A process id alone is used again after a while, and in each container.
    """
    pid = os.getpid()
    return f"{_machine()}/{pid}/{process_start(pid)}"


def owner_state(owner: str) -> Literal["alive", "dead", "unknown"]:
    """Whether the process that owns a trial lives; unknown if it is of another machine."""
    machine, _, process = owner.rpartition("/")[0].rpartition("/")
    started = owner.rpartition("/")[2]
    if machine != _machine() or not process.isdecimal():
        return "unknown"
    return "alive" if started and process_start(process) == started else "dead"


def _machine() -> str:
    try:
        boot = _BOOT_ID.read_text(encoding="ascii").strip()
        space = Path("/proc/self/ns/pid").readlink().name
    except OSError:
        return os.uname().nodename
    return f"{boot}/{re.sub(r'[^0-9]', '', space)}"


def process_start(pid: int | str) -> str:
    """When a process began: clock ticks from boot, field 22 of /proc/PID/stat (proc(5)).

    Empty if there is no such process, or none that still runs.
    """
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace")
    except OSError:
        return ""
    fields = stat.rpartition(")")[2].split()  # the name in parentheses may hold spaces
    return "" if fields[0] == "Z" else fields[19]
