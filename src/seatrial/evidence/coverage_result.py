"""Reads what was reported on coverage in the copy of the test container; it is untrusted."""

import math
from pathlib import Path, PurePosixPath
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, NonNegativeInt, ValidationError

from seatrial.evidence.coverage import CoverageCounts
from seatrial.evidence.hostile import plain_text

__all__ = ["ReportedFile", "ReportedResult", "read_result"]

_MAX_BYTES = 32 << 20
_Text = Annotated[str, Field(max_length=4096)]


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class ReportedFile(CoverageCounts):
    """A row of the report, and the container's absolute path of the file."""

    path: _Text
    place: _Text


class ReportedResult(_Model):
    """What the reporter found; `error` says why there are no figures."""

    error: _Text | None = None
    notes: tuple[_Text, ...] = ()
    data_files: tuple[_Text, ...] = ()
    stale: tuple[_Text, ...] = ()
    combined: bool = False
    by_test: _Text | None = None
    """Why it was not kept which test covered what; empty: it was; None: nobody asked."""
    version: Annotated[str, Field(max_length=50)] | None = None
    python: Annotated[str, Field(max_length=50)] | None = None
    fail_under: float = 0.0
    """0: there is no threshold."""
    precision: Annotated[int, Field(ge=0, le=10)] = 0
    """Digits that coverage.py rounds to before it compares with the threshold."""
    config_file: _Text | None = None
    branch: bool = False
    percent: Annotated[float, Field(ge=0, le=100)] | None = None
    totals: CoverageCounts | None = None
    files: tuple[ReportedFile, ...] = ()
    file_count: NonNegativeInt = 0


def read_result(path: Path) -> ReportedResult | None:
    """The result, its texts cleaned; None if there is none, or it is none that can be believed."""
    try:
        if path.stat().st_size > _MAX_BYTES:
            return None
        result = ReportedResult.model_validate_json(path.read_bytes())
    except (OSError, ValidationError):
        return None
    if not _plausible(result):
        return None
    return result.model_copy(
        update={
            "error": None if result.error is None else _line(result.error),
            "notes": tuple(_line(note) for note in result.notes[:20]),
            "by_test": None if result.by_test is None else _line(result.by_test),
            "version": None if result.version is None else _line(result.version),
            "python": None if result.python is None else _line(result.python),
            "data_files": tuple(p for p in result.data_files if PurePosixPath(p).is_absolute()),
        }
    )


def _plausible(result: ReportedResult) -> bool:
    counts = [*result.files, *((result.totals,) if result.totals else ())]
    return (
        all(c.covered_lines <= c.lines and c.covered_branches <= c.branches for c in counts)
        and math.isfinite(result.fail_under)
        and (result.error is not None or None not in (result.percent, result.totals))
    )


def _line(text: str) -> str:
    return " ".join(plain_text(text).split())
