"""Asks the engine itself, through its own client, what it holds."""

import subprocess
import time
from collections.abc import Callable
from pathlib import Path

__all__ = ["containers", "docker", "held", "poll", "programs_naming", "remove_images"]

_LISTS = {
    "container": ("ps", "--all", "--format", "{{.Names}}"),
    "network": ("network", "ls", "--format", "{{.Name}}"),
    "volume": ("volume", "ls", "--format", "{{.Name}}"),
}
_PAUSE_S = 0.05


def docker(*arguments: str, stdin: str | None = None) -> str:
    """Run Docker's own client and return what it printed."""
    done = subprocess.run(
        ["docker", *arguments], input=stdin, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def held(label: str) -> list[str]:
    """What the engine holds under a label, as `volume NAME` and the like."""
    # Side by side: this is asked after every trial.
    asked = {
        kind: subprocess.Popen(
            ["docker", *command, "--filter", f"label={label}"], stdout=subprocess.PIPE, text=True
        )
        for kind, command in _LISTS.items()
    }
    answers = {kind: client.communicate()[0] for kind, client in asked.items()}
    assert not any(client.returncode for client in asked.values())
    return [f"{kind} {name}" for kind, names in answers.items() for name in names.split()]


def containers(label: str, *, service: str, state: str = "running") -> list[str]:
    """The ids of a service's containers in the given state."""
    filters = [f"label={label}", f"label=com.docker.compose.service={service}", f"status={state}"]
    arguments = [word for one in filters for word in ("--filter", one)]
    return docker("ps", "--all", "--quiet", *arguments).split()


def programs_naming(text: str) -> list[str]:
    """The command lines of running processes that hold `text`."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = path.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue  # it has just ended
        if text in words:
            found.append(words.strip())
    return found


def poll(fact: Callable[[], object], what: str, *, seconds: float = 20.0) -> None:
    """Wait until `fact` holds; a test that waits longer has failed."""
    deadline = time.monotonic() + seconds
    while not fact():
        assert time.monotonic() < deadline, f"not within {seconds:g} s: {what}"
        time.sleep(_PAUSE_S)


def remove_images(pattern: str) -> None:
    """Remove the images whose name fits a pattern, as far as the engine lets them go."""
    listing = ["docker", "image", "ls", "--quiet", "--filter", f"reference={pattern}"]
    images = subprocess.run(listing, capture_output=True, text=True, check=False).stdout.split()
    if images:
        remove = ["docker", "image", "rm", "--force", *images]
        subprocess.run(remove, capture_output=True, check=False)
