"""Shows a bench while it runs, and renders what came of it for the terminal and as Markdown."""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from seatrial.evidence.bench import BenchPlan, BenchReport, BenchRun, Finding, Scenario
from seatrial.evidence.hostile import plain_text
from seatrial.evidence.metrics import MIN_QUARTILES, Metric, metrics_csv
from seatrial.evidence.record import PhaseName, Record, Status
from seatrial.report.progress import LiveProgress, PlainProgress
from seatrial.trial.observer import Observer, SilentObserver
from seatrial.words import counted, duration

__all__ = ["BenchProgress", "bench_markdown", "print_bench", "write_bench"]

CSV_FILE, MARKDOWN_FILE, JSON_FILE = "metrics.csv", "report.md", "report.json"
_PHASES = [name.value for name in PhaseName]
_MOST_HELPFUL = 3
_MARKS = {Status.PASSED: ("  ✓ ", "green"), Status.OVER_BUDGET: ("  ! ", "yellow")}
_STYLE = {"met": "green", "not met": "red", "not measured": "yellow"}
_WIDEST_SPREAD = 0.25
"""Of the median; beyond it the machine had other work, and small differences say nothing."""


class BenchProgress:
    """A line for each run; on a terminal also the trial itself while it runs."""

    def __init__(self, out: Console, *, verbose: bool = False) -> None:
        self._out = out
        self._verbose = verbose

    def run_begins(self, number: int, total: int, scenario: Scenario, left_s: float | None) -> None:
        """Print which run of how many, and the time left."""
        left = f" · about {duration(left_s)} left" if left_s is not None else ""
        heading = Text.assemble((f"run {number} of {total}", "bold"), f"  {scenario.name}{left}")
        self._out.print(heading)

    @contextmanager
    def trial(self) -> Iterator[Observer]:
        """A live table on a terminal; elsewhere lines, if everything was asked for."""
        if self._out.is_terminal:
            shown: AbstractContextManager[Observer] = LiveProgress(self._out, verbose=self._verbose)
        elif self._verbose:
            shown = PlainProgress(self._out, verbose=True)
        else:
            yield SilentObserver()
            return
        with shown as observer:
            yield observer

    def run_ended(self, run: BenchRun, record: Record) -> None:
        """Print how it ended and what its phases took."""
        mark = _MARKS.get(record.status, ("  ✗ ", "red"))
        phases = ", ".join(f"{one.name.value} {duration(one.seconds)}" for one in record.phases)
        note = "" if run.round else "; it filled the build cache and does not count"
        self._out.print(
            Text.assemble(
                mark,
                f"{plain_text(record.reason)} in {duration(record.seconds)}",
                (f"  ({phases}){note}", "dim"),
            )
        )


def print_bench(out: Console, report: BenchReport, folder: Path) -> None:
    """Print the medians, the budgets, what would help most, and where the files are."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("median of")
    table.add_column("n", justify="right")
    for name in (*_PHASES, "total"):
        table.add_column(name, justify="right")
    for scenario in report.plan.scenarios:
        own = _of(report, scenario.name)
        cells = [_figure(own.get(name)) for name in (*_PHASES, "total")]
        table.add_row(scenario.name, str(own["total"].n), *cells)
    out.print(table)
    out.print()
    for metric in _judged(report):
        style = _STYLE.get(metric.status, "")
        line = f"{metric.metric}: {_figure(metric)} of {metric.budget:g} {metric.unit}"
        out.print(Text.assemble((f"{metric.status:>12}  ", style), line))
    helpful = _helpful(report)
    for finding in [one for one in helpful if one.measured or one in helpful[:_MOST_HELPFUL]]:
        out.print(Text.assemble((f"{_saving(finding)}: ", "bold"), finding.sentence))
        out.print(Text.assemble(("  next: ", "dim"), finding.advice))
    for note in report.notes:
        out.print(Text.assemble(("note: ", "yellow"), note))
    out.print(Text.assemble(("report: ", "dim"), str(folder / MARKDOWN_FILE)))


def write_bench(report: BenchReport, folder: Path) -> None:
    """Write the table of figures, the report, and the report for programs.

    Raises:
        OSError: the folder cannot be written to.
    """
    folder.mkdir(parents=True, exist_ok=True)
    files = {
        CSV_FILE: metrics_csv(report.metrics),
        MARKDOWN_FILE: bench_markdown(report),
        JSON_FILE: report.model_dump_json(indent=2) + "\n",
    }
    for name, text in files.items():
        draft = folder / f"{name}.part"
        draft.write_text(text, encoding="utf-8")
        draft.replace(folder / name)


def bench_markdown(report: BenchReport) -> str:
    """The report, as one page."""
    parts = [
        f"# Bench of {_escaped(report.project)}",
        _facts(report),
        _verdict(report),
        "## Medians",
        _medians(report),
        _spread_words(report),
        *_budget_part(report),
        "## Where the time went",
        *(_sentence(one) for one in report.findings if one.saves is None),
        "## What would help most",
        _help_words(report),
        *_slowest_part(report),
        "## How it was measured",
        _method(report.plan),
        "## Runs",
        _runs(report),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _facts(report: BenchReport) -> str:
    commit, host = report.plan.commit, report.host
    tree = f"`{commit.id[:12]}`{' and changes' if commit.dirty else ''}" if commit else "unknown"
    cores = f"{host.cores} cores{f' of {host.cpu}' if host.cpu else ''}"
    rows = [
        ("begun", f"{report.started:%Y-%m-%d %H:%M} UTC"),
        ("commit", tree),
        (
            "machine",
            f"{cores}, {host.memory_bytes / (1 << 30):.1f} GiB, Linux {host.kernel}",
        ),
        ("engine", f"{host.engine}, Compose {host.compose}, {host.storage_driver}"),
        ("Seatrial", f"{host.seatrial}, Python {host.python}"),
    ]
    return _table(
        ("what", "value"), [(name, _escaped(value, keep_code=True)) for name, value in rows]
    )


def _verdict(report: BenchReport) -> str:
    judged = _judged(report)
    if not judged:
        return "**The project sets no budgets**, so these figures are held against nothing."
    missed = [metric for metric in judged if metric.status != "met"]
    if not missed:
        return f"**All {counted(len(judged), 'budget')} met.**"
    told = ", ".join(
        f"`{one.metric}` {_figure(one)} of {one.budget:g} {one.unit} ({one.status})"
        for one in missed
    )
    return f"**{len(missed)} of {counted(len(judged), 'budget')} not met**: {told}."


def _medians(report: BenchReport) -> str:
    rows = []
    for scenario in report.plan.scenarios:
        own = _of(report, scenario.name)
        cells = [_with_spread(own.get(name)) for name in (*_PHASES, "total")]
        rows.append((f"`{scenario.name}`", str(own["total"].n), *cells))
    further = [
        (f"`{one.metric}`", _figure(one), one.unit, str(one.n), _spread(one))
        for one in report.metrics
        if one.unit != "s"
    ]
    first = _table(("scenario", "n", *_PHASES, "total"), rows)
    return f"{first}\n\n{_table(('figure', 'median', 'unit', 'n', 'spread'), further)}"


def _spread_words(report: BenchReport) -> str:
    text = (
        f"Values are medians; after ± stands the spread: with {MIN_QUARTILES} runs or more the "
        "interquartile range, which one odd run does not move; with fewer the largest less the "
        "smallest, since so few values have no quartiles of their own."
    )
    wide = [
        one
        for one in report.metrics
        if one.metric.endswith((".test", ".total"))
        and one.value
        and (one.spread or 0) > _WIDEST_SPREAD * one.value
    ]
    if wide:
        names = ", ".join(f"`{one.metric}`" for one in wide)
        text += (
            f" The spread of {names} is over {100 * _WIDEST_SPREAD:.0f} % of the median: the "
            "machine had other work, so small differences say nothing."
        )
    if report.plan.repeats == 1:
        text += " **One run has no spread: these figures are single observations.**"
    return text


def _budget_part(report: BenchReport) -> list[str]:
    rows = [
        (f"`{one.metric}`", _figure(one), f"{one.budget:g} {one.unit}", one.status, str(one.n))
        for one in _judged(report)
    ]
    return (
        ["## Budgets", _table(("figure", "median", "budget", "status", "n"), rows)] if rows else []
    )


def _help_words(report: BenchReport) -> str:
    helpful = _helpful(report)
    if not helpful:
        return "Nothing that was measured would save a tenth of a second."
    lines = [
        f"{number}. **{_saving(one)}.** {_sentence(one)} Next: {one.advice}."
        for number, one in enumerate(helpful, 1)
    ]
    words = (
        "\n\n*At most* is an upper limit: the time that is spent there now. The limits overlap, "
        "so they do not add up."
    )
    return "\n".join(lines) + words


def _slowest_part(report: BenchReport) -> list[str]:
    if not report.slowest_tests:
        return []
    rows = [(duration(seconds), f"`{_in_code(name)}`") for name, seconds in report.slowest_tests]
    heading = f"Slowest tests of trial {report.typical}, set-up and teardown included:"
    return [heading, _table(("took", "test"), rows)]


def _method(plan: BenchPlan) -> str:
    size = f"{counted(len(plan.scenarios), 'scenario')}, {counted(plan.repeats, 'round')}"
    lines = [
        f"- {size}; the scenarios take turns.",
        "- Speed-ups compare runs of one round: what else the machine does changes between them.",
        "- Each run is a trial in fresh containers and volumes; none was answered from a record.",
        "- Times are of a monotonic clock.",
        "- Build and start overlap, so the phases can add up to more than the total.",
        "- `warm`: all tests, images built with the cache.",
    ]
    if any(scenario.cold for scenario in plan.scenarios):
        lines.append(
            "- `cold`: all tests, the project's own images built with `build.no_cache`, which is "
            "`docker compose build --no-cache`. Base images are at hand and cache mounts keep what "
            "they hold; nothing is removed from the engine's cache."
        )
    if plan.quick:
        lines.append(f"- `quick`: only tests that `-m '{_escaped(plan.quick)}'` selects.")
    if plan.arguments:
        lines.append(f"- pytest was handed: `{_in_code(' '.join(plan.arguments))}`.")
    return "\n".join(lines)


def _runs(report: BenchReport) -> str:
    rows = [
        (
            str(one.round or "-"),
            f"`{one.scenario}`",
            one.trial,
            one.status.value,
            duration(one.seconds),
        )
        for one in report.runs
    ]
    table = _table(("round", "scenario", "trial", "status", "wall time"), rows)
    notes = [f"- {note}" for note in report.notes]
    if any(not one.round for one in report.runs):
        notes.append("- A run without a round filled the build cache and is in no figure.")
    return "\n\n".join(part for part in (table, "\n".join(notes)) if part)


def _helpful(report: BenchReport) -> list[Finding]:
    return [finding for finding in report.findings if finding.saves is not None]


def _saving(finding: Finding) -> str:
    return f"{'' if finding.measured else 'at most '}{duration(finding.saves or 0)}".capitalize()


def _sentence(finding: Finding) -> str:
    return _escaped(finding.sentence, keep_code=True)


def _judged(report: BenchReport) -> list[Metric]:
    return [metric for metric in report.metrics if metric.budget is not None]


def _of(report: BenchReport, scenario: str) -> dict[str, Metric]:
    found = (metric.metric.partition(".") for metric in report.metrics)
    pairs = zip(found, report.metrics, strict=True)
    return {figure: metric for (name, _, figure), metric in pairs if name == scenario}


def _figure(metric: Metric | None) -> str:
    if metric is None or metric.value is None:
        return "-"
    return _number(metric.value, metric.unit)


def _with_spread(metric: Metric | None) -> str:
    spread = _spread(metric)
    return f"{_figure(metric)} ± {spread}" if spread != "-" else _figure(metric)


def _spread(metric: Metric | None) -> str:
    if metric is None or metric.spread is None:
        return "-"
    return _number(metric.spread, metric.unit)


def _number(value: float, unit: str) -> str:
    if unit == "s":
        return duration(value)
    if unit in {"tests", "MiB", "%"}:
        return f"{value:.0f}"
    return f"{value:.2f}" if value >= 0.1 else f"{value:.1g}"


def _table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [headings, ["---"] * len(headings), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _escaped(text: str, *, keep_code: bool = False) -> str:
    """Text in which nothing is taken for Markdown or HTML; code spans are ours."""
    signs = "\\*_[]<>|#" + ("" if keep_code else "`")
    parts = plain_text(text).replace("\n", " ").split("`") if keep_code else [plain_text(text)]
    for number in range(0, len(parts), 2):
        parts[number] = "".join(f"\\{sign}" if sign in signs else sign for sign in parts[number])
    return "`".join(parts)


def _in_code(text: str) -> str:
    return " ".join(plain_text(text).replace("`", "'").replace("|", "\\|").split())
