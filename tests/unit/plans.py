"""Plans of a project with a database that can be prepared."""

import os
from pathlib import Path
from typing import Any

from seatrial.settings import Settings
from seatrial.stack.compose import Compose
from seatrial.stack.plan import Plan, make_plan
from seatrial.trial.identity import PROJECT_LABEL

__all__ = ["SERVICE", "TEST", "make_database_plan"]

SERVICE = "image: postgres:16, environment: {POSTGRES_PASSWORD: a$$b}"


TEST = "image: app, command: pytest"


async def make_database_plan(
    folder: Path, service: str = SERVICE, *, test: str = TEST, **settings: Any
) -> Plan:
    (folder / "compose.test.yml").write_text(
        f"services:\n  test: {{{test}}}\n  db: {{{service}}}\n",
        encoding="utf-8",
    )
    (folder / "init.sql").write_text("SELECT 1;\n", encoding="utf-8")

    async def overlays() -> bool:
        return False

    return await make_plan(
        Compose(("docker", "compose"), "2", {"PATH": os.environ["PATH"]}),
        project=folder,
        name="seatrial-shop-t1",
        slug="shop",
        settings=Settings(**settings),
        labels={PROJECT_LABEL: "shop"},
        copy_sources=overlays,
        has_tracked_files=lambda _: False,
    )
