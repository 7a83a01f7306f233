"""Draws a table of ratios: what was measured, with its range, and what was to be reached."""

import textwrap
from collections.abc import Sequence
from pathlib import Path

import altair as alt

from bench.table import Row

__all__ = ["draw"]

_LABEL = 48
"""Characters of a line of a row's name."""


def draw(rows: Sequence[Row], path: Path) -> None:
    """Write the rows that are ratios as an SVG or PNG; nothing if there are none."""
    data = [
        {
            "what": "\n".join(textwrap.wrap(f"{row.what} / {row.against}", _LABEL)),
            "value": row.value,
            "low": row.low,
            "high": row.high,
            "at most": row.at_most,
            "met": "reached" if row.met else "not reached",
        }
        for row in rows
        if row.unit == "ratio"
    ]
    if not data:
        return
    names = alt.Axis(title=None, labelLimit=400, labelExpr="split(datum.value, '\\n')")
    base = alt.Chart(alt.InlineData(values=data), width=400, height=36 * len(data)).encode(
        y=alt.Y("what:N", sort=None, axis=names)
    )
    colours = alt.Scale(domain=["reached", "not reached"], range=["#4c9a6a", "#c9553d"])
    bars = base.mark_bar(size=14).encode(
        x=alt.X("value:Q", title="ratio: median, its range, and the limit"),
        color=alt.Color("met:N", scale=colours, title=None),
    )
    ranges = base.mark_rule(strokeWidth=2).encode(x="low:Q", x2="high:Q")
    limits = base.mark_tick(color="black", thickness=3, size=24).encode(x="at most:Q")
    (bars + ranges + limits).save(str(path))
