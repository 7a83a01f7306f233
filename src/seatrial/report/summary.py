"""Renders a record for the terminal: the verdict of the tests first, then where the time went."""

import json
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from seatrial.evidence.budgets import in_words
from seatrial.evidence.hostile import plain_values
from seatrial.evidence.partial import Partial
from seatrial.evidence.record import (
    CleanUp,
    Record,
    Reused,
    ServiceRecord,
    Status,
    TestCounts,
)
from seatrial.report.build import print_build
from seatrial.report.coverage import print_coverage
from seatrial.report.diagnosis import print_diagnosis
from seatrial.report.split import print_split
from seatrial.report.text import print_fault
from seatrial.words import counted, duration

__all__ = ["print_record", "print_records", "records_json"]

_STYLE = {Status.PASSED: "bold green", Status.OVER_BUDGET: "bold yellow"}
_MAX_FAILURES = 20
_MAX_DOUBTS = 20
_AS_WANTED = frozenset({"ready", "started", "completed", "ran"})
MIB = 1 << 20


def print_record(out: Console, record: Record, folder: Path) -> None:
    """Print a trial's result; the last lines say how it ended and where everything is."""
    record = _safe(record)
    if record.reused:
        out.print(Text(f"nothing was run: what follows is of trial {record.id}", style="bold"))
    _print_phases(out, record)
    _print_services(out, record)
    if record.partial:
        out.print(Text.assemble(("partial: ", "yellow"), _partial(record.partial)))
    if record.split:
        print_split(out, record.split)
    if record.build:
        print_build(out, record.build)
    for finding in record.findings:
        out.print(Text.assemble(("note: ", "yellow"), finding))
    for doubt in record.doubts[:_MAX_DOUBTS]:
        where = f"  {doubt.where}" if doubt.where else ""
        out.print(Text.assemble(("doubt: ", "bold red"), doubt.what, (where, "dim")))
    _print_failures(out, record)
    for test in record.flaky:
        out.print(Text.assemble(("~ ", "yellow"), test, ("  passed when run again", "dim")))
    out.print()
    if record.coverage:
        print_coverage(out, record.coverage)
    if record.fault:
        print_fault(out, record.fault)
    if record.diagnosis:
        print_diagnosis(out, record.diagnosis, folder)
    style = _STYLE.get(record.status, "bold red")
    out.print(
        Text.assemble(
            (record.status.value.upper(), style), f": {record.reason} in {duration(record.seconds)}"
        )
    )
    out.print(Text(_cleaned(record.clean_up), style="dim" if not record.clean_up.left else "red"))
    out.print(Text.assemble(("record: ", "dim"), str(folder / "record.json")))
    if record.reused:
        out.print(_reused(record.reused))


def _reused(reused: Reused) -> Text:
    return Text.assemble(
        ("REUSED", "bold yellow"),
        f": nothing changed since trial {reused.trial}, measured {reused.measured:%Y-%m-%d %H:%M} "
        f"UTC, {duration(reused.age_seconds)} ago; nothing was run; measure anew: "
        "seatrial run --fresh",
    )


def print_records(out: Console, records: list[Record]) -> None:
    """Print a line for each trial."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("trial", "status", "tests", "failed", "test phase", "total", "commit"):
        table.add_column(
            heading, justify="left" if heading in {"trial", "status", "commit"} else "right"
        )
    for record in map(_safe, records):
        counts = record.pytest.counts if record.pytest else None
        phase = next((p for p in record.phases if p.name.value == "test"), None)
        commit = record.commit
        table.add_row(
            record.id,
            Text(record.status.value, style=_STYLE.get(record.status, "bold red")),
            _collected(record, counts) if counts else "-",
            str(counts.failed + counts.errors) if counts else "-",
            duration(phase.seconds) if phase else "-",
            duration(record.seconds),
            f"{commit.id[:10]}{' + changes' if commit.dirty else ''}" if commit else "-",
        )
    out.print(table)


def _collected(record: Record, counts: TestCounts) -> str:
    if record.partial is None:
        return str(counts.collected)
    return f"{counts.collected} of {record.partial.selected + record.partial.left_out}"


def records_json(records: list[Record]) -> str:
    """The records as a JSON array."""
    return json.dumps([record.model_dump(mode="json") for record in records], indent=2)


def _safe(record: Record) -> Record:
    """The record with nothing in it that controls a terminal: whoever has the file may edit it."""
    return Record.model_validate(plain_values(record.model_dump()))


def _print_phases(out: Console, record: Record) -> None:
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(width=1)
    table.add_column()
    table.add_column(justify="right")
    table.add_column()
    for phase in record.phases:
        budget = next((b for b in record.budgets if b.metric == phase.name.value), None)
        mark = Text("✓", style="green") if phase.completed else Text("✗", style="red")
        limit = (
            Text(f"of {budget.limit:g} s", style="dim" if budget.met else "red") if budget else ""
        )
        table.add_row(mark, phase.name.value, duration(phase.seconds), limit)
    for one in record.budgets:
        if one.unit != "s":
            mark = Text("✓", style="green") if one.met else Text("✗", style="red")
            value = "?" if one.measured is None else in_words(one.metric, one.measured)
            limit = Text(f"of {in_words(one.metric, one.limit)}", style="dim" if one.met else "red")
            table.add_row(mark, one.metric, value, limit)
    out.print(table)


def _partial(partial: Partial) -> str:
    changed = partial.changed[0] if partial.changed else "no file"
    more = f" and {len(partial.changed) - 1} more" if len(partial.changed) > 1 else ""
    whole = partial.selected + partial.left_out
    return (
        f"{changed}{more} changed since trial {partial.since}, which can affect "
        f"{partial.selected} of {counted(whole, 'test')}; the others were not run"
    )


def _print_services(out: Console, record: Record) -> None:
    table = Table.grid(padding=(0, 2, 0, 0))
    for _ in range(5):
        table.add_column()
    for service in record.services:
        if service.worker > 1 and service.state in _AS_WANTED:
            continue  # as on the first worker, whose services are shown
        image = service.image
        stand_in = f"image: {image.stand_in}" if image and image.stand_in else ""
        table.add_row(
            " ",
            f"{service.name} ({service.worker})" if service.worker > 1 else service.name,
            _state(service),
            _usage(service),
            Text(stand_in, style="dim", overflow="fold"),
        )
    out.print(table)


def _usage(service: ServiceRecord) -> Text:
    used = service.resources
    if used is None:
        return Text()
    mean = "" if used.cpu_mean is None else f" · {used.cpu_mean:.2f} cores"
    return Text(f"peak {used.memory_peak_bytes / MIB:.0f} MiB{mean}", style="dim")


def _state(service: ServiceRecord) -> Text:
    if service.role == "test":
        return Text("" if service.state == "ran" else service.state, style="dim")
    if service.ready_seconds is not None:
        proof = "" if service.proof == "completed" else f" by {service.proof}"
        return Text(f"{service.state}{proof} after {duration(service.ready_seconds)}")
    return Text(service.state, style="yellow" if service.state == "started" else "red")


def _print_failures(out: Console, record: Record) -> None:
    failures = record.pytest.failures if record.pytest else ()
    if failures:
        out.print()
    for failure in failures[:_MAX_FAILURES]:
        out.print(Text.assemble(("✗ ", "red"), failure.test, (f"  {failure.message}", "dim")))
    if len(failures) > _MAX_FAILURES:
        out.print(Text(f"  … and {len(failures) - _MAX_FAILURES} more", style="dim"))


def _cleaned(clean_up: CleanUp) -> str:
    removed = ", ".join(
        (
            counted(len(clean_up.removed_containers), "container"),
            counted(len(clean_up.removed_networks), "network"),
            counted(len(clean_up.removed_volumes), "volume"),
        )
    )
    if clean_up.left:
        return f"removed {removed}; LEFT BEHIND: {', '.join(clean_up.left)}"
    return f"cleaned up: removed {removed}; nothing is left in the engine"
