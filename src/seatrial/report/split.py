"""Renders how the tests were split among workers."""

from rich.console import Console
from rich.text import Text

from seatrial.evidence.split import Split, WorkerRecord
from seatrial.words import counted, duration

__all__ = ["print_split"]

_WEIGHED = {
    "durations": "shares by measured durations",
    "sizes": "shares by the files' sizes, as nothing is measured yet",
    "nothing": "shares by chance, as nothing is known of the tests",
}


def print_split(out: Console, split: Split) -> None:
    """Print a line for each worker, and whether each test ran once."""
    for worker in split.workers:
        out.print(Text(f"  worker {worker.number}: {_worker(worker)}", style="dim"))
    out.print(Text.assemble(("split: ", "dim"), _WEIGHED[split.weighed_by], _xdist(split)))
    if split.proof is None:
        out.print(Text("  not every worker came to its end, so the split is not proven"))
    elif split.proof.faults:
        for fault in split.proof.faults:
            out.print(Text(f"  {fault}", style="red"))
    else:
        proof = split.proof
        told = (
            f"  each of {counted(proof.tests, 'test')} in {counted(proof.files, 'file')} ran once"
        )
        out.print(Text(told, style="dim"))


def _worker(worker: WorkerRecord) -> str:
    expected = worker.expected_seconds
    before = "" if expected is None else f" ({duration(expected)} expected)"
    took = "" if worker.seconds is None else f" in {duration(worker.seconds)}{before}"
    return f"{counted(worker.tests, 'test')}{took}"


def _xdist(split: Split) -> str:
    if split.xdist == "taken over":
        return "; the command asks for xdist, which is switched off for the workers"
    return "; xdist runs each share as the command asks" if split.xdist == "left" else ""
