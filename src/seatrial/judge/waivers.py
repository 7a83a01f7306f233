"""Reasons for a rejection that a person set aside, until a day that is named."""

import tomllib
from datetime import date, datetime
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, ValidationError

from seatrial.errors import UsageFault

__all__ = ["WAIVERS_FILE", "Waiver", "read_waivers"]

WAIVERS_FILE = "seatrial-waivers.toml"
_MAX_DAYS = 366


def _not_blank(text: str) -> str:
    if not text.strip():
        raise ValueError("must not be empty")
    return text.strip()


_Text = Annotated[str, AfterValidator(_not_blank)]


class Waiver(BaseModel):
    """A person takes the responsibility for one reason."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    waives: _Text
    """The key of a criterion or of a reason, as the verdict names it."""
    person: _Text
    reason: _Text
    expires: date
    """The last day on which it counts, UTC."""

    def counts(self, now: datetime) -> bool:
        """Whether it has not expired, and does not reach further than a year."""
        return 0 <= (self.expires - now.date()).days <= _MAX_DAYS


def read_waivers(project: Path) -> tuple[Waiver, ...]:
    """The waivers of a project; none if it has no such file.

    Raises:
        UsageFault: the file is not as docs/verdict.md says.
    """
    path = project / WAIVERS_FILE
    if not path.is_file():
        return ()
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
        rows = table.pop("waiver", [])
        if table or not isinstance(rows, list):
            raise UsageFault(
                f"{WAIVERS_FILE} holds something else than [[waiver]] tables",
                where=str(path),
                next_step="docs/verdict.md shows what a waiver looks like",
            )
        return tuple(Waiver.model_validate(row) for row in rows)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
        raise UsageFault(f"{WAIVERS_FILE} cannot be read: {error}", where=str(path)) from error
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        raise UsageFault(
            f"a waiver's {key!r} is not valid: {first['msg']}",
            where=str(path),
            next_step="a waiver has waives, person, reason and expires (a date)",
        ) from error
