"""The least coverage that a project asks for, where it says so, and whether it is reached."""

from collections.abc import Sequence
from decimal import Decimal
from pathlib import PurePosixPath

from seatrial.evidence.coverage import Threshold
from seatrial.evidence.coverage_events import CoverageSession
from seatrial.evidence.coverage_result import ReportedResult
from seatrial.evidence.hostile import plain_text

__all__ = ["find_threshold", "is_below", "shortfall"]

_MAX_DIGITS = 10


def find_threshold(
    setting: float | None,
    setting_source: str,
    sessions: Sequence[CoverageSession] = (),
    reported: ReportedResult | None = None,
    *,
    folder: str = "",
) -> Threshold | None:
    """The threshold, None if there is none: the setting's, else the command's, else the file's.

    `reported` is what was measured; without it no threshold is met. Paths are named relative to
    `folder`, where pytest ran. As in pytest-cov, an option of 0 overrules a configuration file.
    """
    options = [s.fail_under_option for s in sessions if s.fail_under_option is not None]
    if setting is not None:
        percent, source = setting, setting_source
    elif options:
        percent, source = options[-1], "--cov-fail-under"
    elif reported and reported.config_file:
        percent, source = reported.fail_under, _name(reported.config_file, folder)
    else:
        return None
    if not 0 < percent <= 100:
        return None
    met = (
        reported is not None
        and reported.percent is not None
        and not is_below(reported.percent, percent, reported.precision)
    )
    return Threshold(percent=percent, source=source, met=met)


def is_below(total: float, threshold: float, precision: int) -> bool:
    """Compare as coverage.py does: rounded to `precision` digits, or to those of the threshold.

    A threshold of 100 is met by nothing but 100.
    """
    if threshold == 100:
        return total != 100
    return round(total, max(precision, _digits(threshold))) < threshold


def shortfall(total: float, threshold: Threshold) -> str:
    """The sentence for a total below its threshold, with digits enough to show that it is."""
    text = f"{total:.1f}"
    for digits in range(2, _MAX_DIGITS):
        if float(text) < threshold.percent:
            break
        text = f"{total:.{digits}f}"
    return f"coverage {text} % is below {threshold.percent:g} % ({threshold.source})"


def _digits(number: float) -> int:
    exponent = Decimal(repr(number)).normalize().as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0


def _name(path: str, folder: str) -> str:
    place = PurePosixPath(path)
    name = str(place.relative_to(folder)) if folder and place.is_relative_to(folder) else str(place)
    return plain_text(name).replace("\n", " ")
