"""`python -m bench.readme`: publishes a bench, and writes what it saves into the README.

The results of a whole `make bench` become docs/measured.json, which is committed, and the table in
the README is made of that. Given another file, it publishes that one.
"""

import argparse
import sys
import textwrap
from pathlib import Path

from bench.suites import NAMES
from bench.table import Bench, as_json, from_json

__all__ = ["PUBLISHED", "put_into", "savings"]

ROOT = Path(__file__).parent.parent
MEASURED = ROOT / "bench" / "results" / "bench.json"
PUBLISHED = ROOT / "docs" / "measured.json"
README = ROOT / "README.md"
BEGIN = "<!-- savings: made by `python -m bench.readme` -->\n"
END = "<!-- end of savings -->\n"

SUITES = {"shop": "the example", "rq": "rq's own suite", "pgqueuer": "pgqueuer's own suite"}
SHOWN = (
    ("start-up until all services are ready", "`docker compose up --wait`"),
    ("the same with a prepared database, migrations included", "`docker compose up --wait`"),
    ("a full warm trial, 2 workers", "plain flow"),
    ("a full warm trial, 2 workers", "plain flow with `pytest -n 2`"),
    ("after changing one leaf module", "a full warm trial"),
    ("nothing changed", "a full warm trial"),
    ("clean-up of 2 workers", "`docker compose down -v`"),
)
"""What rows are called behind the suite's name, and what they are held against."""


def main() -> int:
    """Publish, and write the table."""
    parser = argparse.ArgumentParser(prog="python -m bench.readme", description=__doc__)
    parser.add_argument("bench", type=Path, nargs="?", default=MEASURED)
    path = parser.parse_args().bench
    try:
        bench = from_json(path.read_text(encoding="utf-8"))
        readme = put_into(README.read_text(encoding="utf-8"), savings(bench))
    except (OSError, ValueError, KeyError, TypeError) as error:
        print(f"nothing is published: {path}: {error}", file=sys.stderr)
        return 2
    PUBLISHED.write_text(as_json(bench) + "\n", encoding="utf-8")
    README.write_text(readme, encoding="utf-8")
    return 0


def savings(bench: Bench) -> str:
    """The table: what Seatrial takes of the time of what it replaces; what was not measured: -."""
    days = sorted({part.measured.split(" ")[0] for part in bench.parts})
    told = (
        "Seatrial's time as a share of what it replaces: medians of rounds that took turns on one "
        f"machine, with the smallest and largest. {' to '.join(dict.fromkeys((days[0], days[-1])))}"
        f" on {bench.machine}."
    )
    lines = [
        *textwrap.wrap(told, 100, break_long_words=False, break_on_hyphens=False),
        "",
        f"| | instead of | {' | '.join(SUITES[name] for name in NAMES)} |",
        f"| --- | --- |{' --- |' * len(NAMES)}",
    ]
    for what, against in SHOWN:
        cells = [_cell(bench, f"{name}: {what}", against) for name in NAMES]
        if any(cells):
            lines.append(f"| {what} | {against} | {' | '.join(cell or '-' for cell in cells)} |")
    return "\n".join(lines) + "\n"


def put_into(readme: str, table: str) -> str:
    """The README with another table between the two markers.

    Raises:
        ValueError: it does not have both, once each and in order.
    """
    before, begin, rest = readme.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end or BEGIN in after or END in after:
        raise ValueError("the README has no place for the table")
    return f"{before}{BEGIN}\n{table}\n{END}{after}"


def _cell(bench: Bench, what: str, against: str) -> str:
    # Remarks may follow: to what it is held against in parentheses, to what was done after a comma.
    found = [
        row
        for row in bench.rows
        if (row.what == what or row.what.startswith(f"{what}, "))
        and row.against.partition(" (")[0] == against
    ]
    return "<br>".join(
        f"{row.value:.2f} ({row.low:.2f} to {row.high:.2f}, n = {row.rounds})"
        f"{row.what.removeprefix(what)}"
        for row in found
    )


if __name__ == "__main__":
    sys.exit(main())
