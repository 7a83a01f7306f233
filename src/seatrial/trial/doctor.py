"""Checks what a trial needs of this machine, and says what to do about what is missing."""

import asyncio
import shutil
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from seatrial.engine.connect import find_endpoint, open_engine
from seatrial.errors import SeatrialError
from seatrial.evidence.folder import list_records
from seatrial.settings import load_settings
from seatrial.stack.compose import find_compose
from seatrial.stack.process import run_process
from seatrial.trial.build_cache import CacheFinding, examine_dockerfiles
from seatrial.trial.leftovers import find_leftovers
from seatrial.trial.planning import Surroundings, plan_only
from seatrial.words import duration

__all__ = ["Check", "examine"]

GIB = 1 << 30
MIN_DISK_GIB = 5.0
"""Free space for images and build cache of a small stack: a Python, a PostgreSQL and a Redis image
take about 1 GiB, a build with its cache the same again."""
MIN_MEMORY_GIB = 2.0
"""A PostgreSQL, a Redis and a test container of a common suite peak below 1 GiB together."""
MIN_API = (1, 40)
"""Engine 19.03: the oldest with BuildKit switched on by its clients."""


@dataclass(frozen=True)
class Check:
    """One thing that was looked at."""

    name: str
    state: Literal["ok", "warning", "failed", "skipped"]
    found: str
    next_step: str = ""
    where: str = ""
    """File and line, if it is about one."""
    why: str = ""
    cost: str = ""
    """What it has cost as measured, in words; empty for what costs no time."""
    cost_seconds: float | None = None
    cost_trial: str | None = None


async def examine(surroundings: Surroundings, project: Path) -> list[Check]:
    """Look at engine, Compose, buildx, disk, memory, name resolution, leftovers and Dockerfiles."""
    environ = surroundings.environ
    checks: list[Check] = []
    try:
        endpoint = find_endpoint(environ, surroundings.home)
        environ = endpoint.environ(environ)
        async with open_engine(endpoint) as engine:
            info, version = await engine.info(), await engine.version()
            checks.append(_engine(version, endpoint.source))
            checks += _resources(info)
            dead = [left for left in await find_leftovers(engine) if left.owner == "dead"]
            checks.append(_leftovers(len(dead)))
    except SeatrialError as error:
        checks.append(Check("engine", "failed", error.what, error.next_step))
    checks.append(await _compose(environ, project))
    checks.append(await _buildx(environ, project))
    checks.append(await asyncio.to_thread(_project_disk, project))
    checks.append(await _names())
    checks += await _build_cache(surroundings, project)
    return checks


def _engine(version: Mapping[str, Any], source: str) -> Check:
    found = f"{version.get('Version')} (API {version.get('ApiVersion')}) at {source}"
    api = tuple(int(part) for part in str(version.get("ApiVersion", "0.0")).split("."))
    if api < MIN_API:
        return Check("engine", "failed", found, "update the engine to 19.03 or newer")
    return Check("engine", "ok", found)


def _resources(info: Mapping[str, Any]) -> list[Check]:
    checks = []
    memory = info.get("MemTotal", 0) / GIB
    checks.append(
        Check("memory", "ok", f"{memory:.1f} GiB")
        if memory >= MIN_MEMORY_GIB
        else Check(
            "memory", "warning", f"{memory:.1f} GiB", "give the engine's machine at least 2 GiB"
        )
    )
    root = Path(info.get("DockerRootDir", "/nonexistent"))
    if root.is_dir():
        checks.append(_disk("engine's disk", root, "docker system df shows what takes the space"))
    return checks


def _project_disk(project: Path) -> Check:
    return _disk("project's disk", project, "trials are in .seatrial/runs; remove old ones")


def _disk(name: str, place: Path, next_step: str) -> Check:
    free = shutil.disk_usage(place).free / GIB
    found = f"{free:.1f} GiB free at {place}"
    if free < MIN_DISK_GIB:
        return Check(name, "warning", found, f"make room: {next_step}")
    return Check(name, "ok", found)


def _leftovers(count: int) -> Check:
    if count:
        return Check("leftovers", "warning", f"of {count} dead trials", "seatrial clean")
    return Check("leftovers", "ok", "none of dead trials")


async def _compose(environ: Mapping[str, str], project: Path) -> Check:
    try:
        compose = await find_compose(environ, project)
    except SeatrialError as error:
        return Check("compose", "failed", error.what, error.next_step)
    return Check("compose", "ok", f"{compose.version} ({' '.join(compose.program)})")


async def _buildx(environ: Mapping[str, str], project: Path) -> Check:
    next_step = (
        "install it (Debian 13: docker-buildx; Docker's own packages: docker-buildx-plugin); "
        "without it Compose builds with its built-in client, without newer features"
    )
    try:
        done = await run_process(["docker", "buildx", "version"], cwd=project, environ=environ)
    except FileNotFoundError:
        return Check("buildx", "warning", "there is no docker program", next_step)
    words = done.stdout.split()
    if done.code != 0 or len(words) < 2:
        return Check("buildx", "warning", "missing", next_step)
    return Check("buildx", "ok", words[1])


async def _names() -> Check:
    """Name resolution on this machine; builds fetch packages by name."""
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(5):
            await loop.getaddrinfo("localhost", None, type=socket.SOCK_STREAM)
    except (OSError, TimeoutError):
        return Check("DNS", "failed", "localhost does not resolve", "check /etc/hosts")
    servers = _name_servers()
    if not servers:
        return Check("DNS", "warning", "no name server is configured", "check /etc/resolv.conf")
    return Check("DNS", "ok", f"localhost resolves; name servers: {', '.join(servers)}")


def _name_servers() -> list[str]:
    try:
        lines = Path("/etc/resolv.conf").read_text(encoding="utf-8").splitlines()
    except OSError:
        return []
    return [line.split()[1] for line in lines if line.startswith("nameserver ")]


async def _build_cache(surroundings: Surroundings, project: Path) -> list[Check]:
    try:
        plan = await plan_only(project, load_settings(project), (), surroundings)
    except SeatrialError as error:
        return [Check("build cache", "skipped", f"not looked at: {error.what}", error.next_step)]
    records = await asyncio.to_thread(list_records, project)
    files, findings = await asyncio.to_thread(examine_dockerfiles, project, plan.form, records)
    if not files:
        return [Check("build cache", "skipped", "not looked at: no Dockerfile here is built from")]
    if not findings:
        return [Check("build cache", "ok", f"nothing spoils it in {', '.join(files)}")]
    return [_finding(finding) for finding in findings]


def _finding(finding: CacheFinding) -> Check:
    cost = finding.cost
    told = "not measured: no recorded trial has run the step"
    if cost:
        told = f"{duration(cost.seconds)} in trial {cost.trial}"
        if cost.trials > 1:
            told += f"; run in {cost.ran} of the {cost.trials} newest trials that built it"
    return Check(
        "build cache",
        "warning",
        finding.what,
        finding.remedy,
        where=finding.where,
        why=finding.why,
        cost=told,
        cost_seconds=cost.seconds if cost else None,
        cost_trial=cost.trial if cost else None,
    )
