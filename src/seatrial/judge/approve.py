"""Gathers all evidence on a commit, judges it, and draws up the document."""

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from seatrial.judge.approval import Approval, draw_up
from seatrial.judge.gather import gather
from seatrial.judge.verdict import judge
from seatrial.settings import LoadedSettings

__all__ = ["approve"]


async def approve(
    project: Path,
    loaded: LoadedSettings,
    trial: str | None,
    now: datetime,
    *,
    environ: Mapping[str, str],
) -> Approval:
    """The approval or the rejection of the project's commit on a trial; None: as `gather` chooses.

    Raises:
        UsageFault: there is no such trial, or settings or waivers are not valid.
        EnvironmentFault: what was found cannot be saved, or the ledger not be read.
    """
    dossier = await gather(project, loaded, trial, now, environ=environ)
    return draw_up(dossier, judge(dossier))
