"""Options that several commands share."""

import os
import secrets
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from seatrial.errors import UsageFault

if TYPE_CHECKING:
    from rich.console import Console

    from seatrial.trial.planning import Surroundings

__all__ = [
    "Arguments",
    "Color",
    "ColorOption",
    "Command",
    "EnvFiles",
    "External",
    "ExternalChoice",
    "Files",
    "Json",
    "Profiles",
    "Project",
    "Service",
    "Services",
    "ServicesChoice",
    "Source",
    "SourceChoice",
    "console_for",
    "overrides",
    "project_folder",
    "surroundings",
]


class Color(StrEnum):
    """When to use colour."""

    AUTO = "auto"
    ALWAYS = "always"
    NEVER = "never"


class ServicesChoice(StrEnum):
    """Which services to start."""

    AUTO = "auto"
    ALL = "all"
    NEEDED = "needed"


class ExternalChoice(StrEnum):
    """What to do about external networks and volumes."""

    REFUSE = "refuse"
    REPLACE = "replace"


class SourceChoice(StrEnum):
    """How mounted source folders are protected."""

    AUTO = "auto"
    OVERLAY = "overlay"
    COPY = "copy"


Project = Annotated[
    Path,
    typer.Option(
        "--project", "-C", metavar="FOLDER", help="The project's folder.", show_default="here"
    ),
]
Files = Annotated[
    list[str] | None,
    typer.Option(
        "--file", "-f", metavar="FILE", help="Compose file; give it several times to merge several."
    ),
]
Profiles = Annotated[
    list[str] | None,
    typer.Option("--profile", metavar="NAME", help="Compose profile to start as well."),
]
EnvFiles = Annotated[
    list[str] | None,
    typer.Option("--env-file", metavar="FILE", help="File with variables for Compose."),
]
Service = Annotated[
    str | None,
    typer.Option("--service", "-s", metavar="NAME", help="The service that runs the tests."),
]
Command = Annotated[
    str | None,
    typer.Option("--command", "-c", metavar="COMMAND", help="Replaces that service's command."),
]
Services = Annotated[
    ServicesChoice | None,
    typer.Option(help="Start all services, or only those that the tests need."),
]
External = Annotated[
    ExternalChoice | None,
    typer.Option(help="External networks and volumes: refuse them, or use fresh ones."),
]
Source = Annotated[
    SourceChoice | None,
    typer.Option(help="Protect mounted source folders by an overlay or by a copy."),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON, and nothing else, to stdout.")]
ColorOption = Annotated[
    Color, typer.Option("--color", help="Colour; NO_COLOR in the environment works too.")
]
Arguments = Annotated[
    list[str] | None,
    typer.Argument(metavar="PYTEST_ARGUMENTS", help="For pytest, after --.", show_default=False),
]


def project_folder(project: Path) -> Path:
    """The project's folder, absolute.

    Raises:
        UsageFault: it is not a folder.
    """
    folder = project.resolve()
    if not folder.is_dir():
        raise UsageFault(
            "the project's folder does not exist", where=str(folder), next_step="check --project"
        )
    return folder


def overrides(**values: Any) -> dict[str, Any]:
    """Settings given on the command line; what was not given is left out."""
    return {
        key: tuple(value) if isinstance(value, list) else value
        for key, value in values.items()
        if value not in (None, [])
    }


def console_for(color: Color, *, stderr: bool = False) -> "Console":
    """A console that follows --color."""
    from seatrial.report.text import console

    choice = {Color.AUTO: None, Color.ALWAYS: True, Color.NEVER: False}[color]
    return console(stderr=stderr, color=choice)


def surroundings() -> "Surroundings":
    """This machine: its environment, clocks and randomness."""
    from seatrial.trial.planning import Surroundings

    return Surroundings(
        environ=os.environ,
        home=Path.home(),
        wall_clock=lambda: datetime.now(UTC),
        token=lambda: secrets.token_hex(3),
    )
