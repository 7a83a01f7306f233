"""Puts it together: the project's files in, the patched form and the list of changes out."""

import copy
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from seatrial.settings import Settings
from seatrial.stack import patch
from seatrial.stack.canonical import read_canonical
from seatrial.stack.compose import Compose
from seatrial.stack.files import find_compose_files
from seatrial.stack.instrument import replace_command
from seatrial.stack.model import Form, Service, read_services
from seatrial.stack.outputs import OutputPath, find_outputs
from seatrial.stack.patch import Change
from seatrial.stack.redirect import (
    FileCopy,
    OutputMount,
    Redirected,
    SourceMount,
    redirect_mounts,
)
from seatrial.stack.select import Selection, select_services
from seatrial.stack.throwaway import throwaway_databases

__all__ = ["Plan", "make_plan"]


@dataclass(frozen=True)
class Plan:
    """Everything that is known about a stack before it runs."""

    name: str
    """The compose project's name; it starts the engine names of all that the trial makes."""
    project: Path
    files: tuple[Path, ...]
    selection: Selection
    services: Mapping[str, Service]
    """The services that take part, as the project wrote them."""
    form: Form
    changes: tuple[Change, ...]
    outputs: tuple[OutputMount, ...]
    sources: tuple[SourceMount, ...]
    file_copies: tuple[FileCopy, ...]
    labels: Mapping[str, str]
    arguments: tuple[str, ...]
    """Handed to pytest."""
    warnings: tuple[str, ...]
    output_paths: tuple[OutputPath, ...] = ()
    """Outputs that the settings name and that are no mounts of their own."""
    prepared: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """By service that starts from a prepared image: what stands in the form without that."""


async def make_plan(
    compose: Compose,
    *,
    project: Path,
    name: str,
    slug: str,
    settings: Settings,
    labels: Mapping[str, str],
    arguments: Sequence[str] = (),
    copy_sources: Callable[[], Awaitable[bool]],
    has_tracked_files: Callable[[Path], bool],
) -> Plan:
    """Read the compose files and patch their canonical form for one trial.

    `copy_sources` is asked once Compose has read the files: whether mounted folders are copied.

    Raises:
        UsageFault: the files, the settings or the choice of the test service are wrong.
        EnvironmentFault: Compose cannot be run.
    """
    files = find_compose_files(project, settings.compose_files)
    canonical = await read_canonical(
        compose, files, project=project, name=name, env_files=settings.env_files
    )
    copy_all = await copy_sources()
    services = read_services(canonical.form)
    selection = select_services(
        services, named=settings.service, mode=settings.services, profiles=settings.profiles
    )
    chosen = (*selection.required, *selection.extra, selection.test)
    form = copy.deepcopy(canonical.form)
    found: list[Redirected] = [
        *patch.keep_only(form, chosen),
        *patch.own_names(form, name, settings.external),
        *patch.no_container_names(form),
        *patch.no_published_ports(form),
        *patch.no_restarts(form),
        *patch.plain_logging(form),
        *patch.one_container_for_tests(form, selection.test),
        *patch.calm_health_checks(form),
        *patch.built_image_names(form, slug),
        *(
            throwaway_databases(form, selection.test, settings.throwaway_services)
            if settings.throwaway
            else ()
        ),
        *patch.label_everything(form, labels),
        *redirect_mounts(
            form,
            project=project,
            prefix=name,
            outputs=settings.outputs,
            copy_all=copy_all,
            labels=labels,
            has_tracked_files=has_tracked_files,
        ),
    ]
    if settings.command is not None:
        replace_command(form, selection.test, settings.command)
        found.append(Change(f"services.{selection.test}.command", "replaced", "you asked for it"))
    warnings = list(canonical.warnings)
    warnings += [
        f"service {fixed} has a fixed address: two such stacks cannot run side by side"
        for fixed in patch.static_addresses(form)
    ]
    outputs = tuple(item for item in found if isinstance(item, OutputMount))
    taking_part = {service: services[service] for service in chosen}
    return Plan(
        name=name,
        project=project,
        files=files,
        selection=selection,
        services=taking_part,
        form=form,
        changes=tuple(item for item in found if isinstance(item, Change)),
        outputs=outputs,
        sources=tuple(item for item in found if isinstance(item, SourceMount)),
        file_copies=tuple(item for item in found if isinstance(item, FileCopy)),
        labels=labels,
        arguments=tuple(arguments),
        warnings=tuple(warnings),
        output_paths=tuple(
            find_outputs(
                taking_part,
                selection.test,
                project=project,
                outputs=settings.outputs,
                taken=[output.name for output in outputs],
            )
        ),
    )
