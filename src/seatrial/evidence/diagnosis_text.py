"""Puts a diagnosis into words: what is wrong on a few lines, or all of it."""

from collections.abc import Collection, Iterator, Sequence

from seatrial.evidence.diagnosis import Cause, Diagnosis, ServiceDiagnosis, ServiceReach

__all__ = ["describe", "essence"]

GIB = 1 << 30
LOW_DISK = GIB
"""Bytes; below that databases and builds begin to fail in ways that name other reasons."""
LOW_MEMORY = 200 << 20
"""Bytes available; less than one common service needs."""
MAX_ESSENCE = 8
_MAX_OUTPUT = 200


def essence(diagnosis: Diagnosis) -> list[str]:
    """What is wrong, on at most eight lines; nothing if only tests failed."""
    lines: list[str] = []
    failed = [service for service in diagnosis.services if service.failed]
    for service in failed:
        lines += _service(service)
    names = {service.service for service in failed}
    for reach in diagnosis.reach:
        # That a service which has ended cannot be reached is no news.
        if reach.service not in names:
            lines += [f"from beside the tests: {problem}" for problem in _problems(reach)]
    lines += _between(diagnosis, names)
    lines += _shortages(diagnosis)
    return lines[:MAX_ESSENCE]


def describe(diagnosis: Diagnosis, causes: Sequence[Cause], what: str) -> list[str]:
    """All of it, for a file."""
    lines = [what, ""]
    for cause in causes:
        lines += [
            f"likely cause: {cause.what}",
            f"remedy: {cause.remedy}",
            f"seen in {cause.where}: {cause.line}",
            "",
        ]
    lines += ["services:", *(f"  {line}" for line in _all_services(diagnosis)), ""]
    if diagnosis.reach_error:
        lines += [f"reachability: could not be asked: {diagnosis.reach_error}", ""]
    else:
        asked = (line for reach in diagnosis.reach for line in _reached(reach))
        lines += [f"reachability, from {diagnosis.reach_from}:", *(f"  {a}" for a in asked), ""]
    for origin in diagnosis.between:
        lines.append(f"reachability, from {origin.service}:")
        if origin.error:
            lines.append(f"  could not be asked: {origin.error}")
        lines += [f"  {line}" for reach in origin.reach for line in _reached(reach)]
        lines.append("")
    around = diagnosis.surroundings
    memory = f"{_size(around.memory_available)} of {_size(around.memory_total)}"
    lines += [
        f"free disk where the engine keeps its containers: {_size(around.engine_disk_free)}",
        f"free disk of the project's folder: {_size(around.project_disk_free)}",
        f"memory available to the engine: {memory}",
        "",
    ]
    if diagnosis.tests:
        lines += ["what the services logged while a test ran that failed:"]
        lines += [f"  {test.file}  {test.test}" for test in diagnosis.tests]
    return lines


def _service(service: ServiceDiagnosis) -> Iterator[str]:
    if service.ending:
        yield f"service {service.service}: {service.ending}"
    if service.last_answer:
        yield f"service {service.service} was last asked whether it is ready: " + _short(
            service.last_answer
        )
    runs = [run for run in service.health if run.exit_code]
    if runs and not service.last_answer:
        times = f"{len(runs)} of the engine's last {len(service.health)} health checks failed"
        yield f"service {service.service}: {times}: {_short(runs[-1].output) or 'no output'}"


def _all_services(diagnosis: Diagnosis) -> Iterator[str]:
    for service in diagnosis.services:
        ended = f" at {service.ended_at.isoformat()}" if service.ended_at else ""
        log = f", last lines in {service.log}" if service.log else ""
        yield f"{service.service}: {service.state}{ended} {service.ending}".rstrip() + log
        if service.last_answer:
            yield f"  asked whether it is ready: {service.last_answer}"
        for run in service.health:
            yield f"  health check at {run.at}: exit code {run.exit_code}: {run.output}"


def _problems(reach: ServiceReach) -> Iterator[str]:
    return (what for _, what in _faults(reach))


def _faults(reach: ServiceReach) -> Iterator[tuple[tuple[str, int | None], str]]:
    """Names that do not resolve and ports that do not answer: which, and the words for it."""
    if reach.error:
        yield (reach.service, None), f"the name {reach.service} does not resolve ({reach.error})"
        return
    for port in reach.ports:
        if not port.open:
            words = f"{reach.service}:{port.port} does not answer ({port.error})"
            yield (reach.service, port.port), words


def _between(diagnosis: Diagnosis, failed: Collection[str]) -> Iterator[str]:
    """What one service does not reach although the tests would: else it has been told already."""
    told = {place for reach in diagnosis.reach for place, _ in _faults(reach)}
    for origin in diagnosis.between:
        for reach in origin.reach:
            if reach.service not in failed:
                faults = (what for place, what in _faults(reach) if place not in told)
                yield from (f"from {origin.service}: {what}" for what in faults)


def _reached(reach: ServiceReach) -> Iterator[str]:
    yield f"{reach.service}: {', '.join(reach.addresses) or f'does not resolve ({reach.error})'}"
    for port in reach.ports:
        if not reach.error:
            state = "open" if port.open else f"closed ({port.error})"
            yield f"  port {port.port}: {state} after {port.seconds * 1000:.1f} ms"


def _shortages(diagnosis: Diagnosis) -> Iterator[str]:
    around = diagnosis.surroundings
    for name, free, low in (
        ("disk free for the engine", around.engine_disk_free, LOW_DISK),
        ("disk free for the project", around.project_disk_free, LOW_DISK),
        ("memory available to the engine", around.memory_available, LOW_MEMORY),
    ):
        if free is not None and free < low:
            yield f"only {_size(free)} of {name}"


def _size(value: int | None) -> str:
    return "unknown" if value is None else f"{value / GIB:.2f} GiB"


def _short(text: str) -> str:
    return " ".join(text.split())[:_MAX_OUTPUT]
