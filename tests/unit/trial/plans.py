"""Makes plans out of patched forms, without Compose."""

from pathlib import Path
from typing import Any

from seatrial.stack.plan import Plan
from seatrial.stack.select import Selection
from seatrial.trial.identity import OWNER_LABEL, TRIAL_LABEL
from unit.stack.forms import make_form


def make_plan_of(project: Path, services: dict[str, dict[str, Any]], **values: Any) -> Plan:
    """A plan whose tests run in the first service; what is not named is as in most plans."""
    rest = {key: values.pop(key) for key in ("volumes", "secrets", "configs") if key in values}
    defaults: dict[str, Any] = {
        "name": "seatrial-shop-t1",
        "project": project,
        "files": (project / "compose.test.yml",),
        "selection": Selection(test=next(iter(services)), required=(), extra=(), left_out=()),
        "services": {},
        "form": make_form(services, **rest),
        "changes": (),
        "outputs": (),
        "sources": (),
        "file_copies": (),
        "labels": {TRIAL_LABEL: "t1", OWNER_LABEL: "machine/1/2"},
        "arguments": (),
        "warnings": (),
    }
    return Plan(**(defaults | values))
