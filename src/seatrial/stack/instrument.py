"""Adds to the test service what Seatrial needs in it: the probe, and the arguments for pytest."""

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from seatrial.stack.model import Form, read_services

__all__ = [
    "GUARD_MODULE",
    "PROBE_FOLDER",
    "PROBE_MODULE",
    "PROBE_OUTPUT",
    "PROBE_VOLUME",
    "SHARE_FILE",
    "SHARE_MODULE",
    "TRACE_MODULE",
    "Instrumented",
    "instrument",
    "replace_command",
]

PROBE_FOLDER = "/seatrial"
"""Where the test container sees the probe."""
SHARE_FILE = "share.json"
"""In the probe's folder: which tests to run, and in which order."""
PROBE_OUTPUT = f"{PROBE_FOLDER}/out"
"""Where the probe writes; every user may, so a test image need not run as root."""
PROBE_MODULE = "seatrial_probe"
GUARD_MODULE = "seatrial_guard"
SHARE_MODULE = "seatrial_share"
TRACE_MODULE = "seatrial_trace"
PROBE_VOLUME = "seatrial-probe"
"""Its key in the form; a project may have a volume named `probe` of its own."""

_SHELLS = ("sh", "bash", "ash", "dash", "zsh")


@dataclass(frozen=True)
class Instrumented:
    """How the arguments were handed to pytest; `none` if there were none."""

    form: Form
    arguments_by: str
    """`command`, `PYTEST_ADDOPTS` or `none`."""


def replace_command(form: Form, test: str, command: str | Sequence[str]) -> None:
    """Give the test service another command; a string is split as a shell splits words."""
    words = shlex.split(command) if isinstance(command, str) else list(command)
    form["services"][test]["command"] = [_escape(word) for word in words]


def instrument(
    form: Form,
    test: str,
    *,
    image: Mapping[str, Any],
    arguments: Sequence[str],
    volume: str,
    labels: Mapping[str, str],
    test_timeout_s: float,
    measure_coverage: bool = False,
    plugins: Sequence[str] = (),
    peers: Sequence[tuple[str, int]] = (),
) -> Instrumented:
    """Return the form with the probe switched on in service `test`.

    `image` is the `Config` of the test image as the engine tells it: its environment must be
    kept, since what a container is given replaces a variable of its image. `plugins`
    are modules to switch on beside the probe. Arguments go to the
    end of the command if that calls pytest itself; a script gets them through PYTEST_ADDOPTS.
    """
    raw = dict(form["services"][test])
    inherited = dict(entry.split("=", 1) for entry in image.get("Env") or () if "=" in entry)
    environment = dict(raw.get("environment") or {})

    def current(name: str) -> str:
        own = environment.get(name)
        return own if own is not None else _escape(inherited.get(name, ""))

    path = current("PYTHONPATH")
    # The tracer comes first: what is imported before it goes unseen.
    modules = [*plugins, PROBE_MODULE]
    options = [current("PYTEST_ADDOPTS"), *(f"-p {module}" for module in modules)]
    arguments_by = "none"
    if arguments:
        command = _direct_command(form, test, image)
        if command is None:
            arguments_by = "PYTEST_ADDOPTS"
            options.append(_escape(shlex.join(arguments)))
        else:
            arguments_by = "command"
            raw["command"] = [_escape(word) for word in (*command, *arguments)]
    environment["PYTHONPATH"] = f"{PROBE_FOLDER}:{path}" if path else PROBE_FOLDER
    environment["SEATRIAL_PEERS"] = " ".join(f"{host}:{port}" for host, port in peers)
    environment["SEATRIAL_TEST_TIMEOUT"] = f"{test_timeout_s:g}"
    if measure_coverage:
        environment["SEATRIAL_COVERAGE"] = "1"
    environment["PYTEST_ADDOPTS"] = " ".join(option for option in options if option)
    raw["environment"] = environment
    raw["volumes"] = [
        *(raw.get("volumes") or []),
        {"type": "volume", "source": PROBE_VOLUME, "target": PROBE_FOLDER},
    ]
    return Instrumented(
        form={
            **form,
            "services": {**form["services"], test: raw},
            "volumes": {
                **form["volumes"],
                PROBE_VOLUME: {"name": volume, "labels": dict(labels)},
            },
        },
        arguments_by=arguments_by,
    )


def _direct_command(form: Form, test: str, image: Mapping[str, Any]) -> tuple[str, ...] | None:
    """The command's words if further words would reach pytest, else None."""
    service = read_services({"services": {test: form["services"][test]}})[test]
    entrypoint = service.entrypoint or tuple(image.get("Entrypoint") or ())
    # The engine drops the image's CMD when the entrypoint is replaced.
    command = service.command or (() if service.entrypoint else tuple(image.get("Cmd") or ()))
    words = [word.rsplit("/", 1)[-1] for word in (*entrypoint, *command)]
    in_shell = any(
        shell in _SHELLS and "c" in flag and flag.startswith("-") for shell, flag in pairwise(words)
    )
    if in_shell or not {"pytest", "py.test"} & set(words):
        return None
    return command


def _escape(text: str) -> str:
    return text.replace("$", "$$")
