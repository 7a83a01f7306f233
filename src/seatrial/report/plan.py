"""Renders a plan: which services, what was changed and why."""

import json

from rich.console import Console
from rich.table import Table
from rich.text import Text

from seatrial.stack.plan import Plan

__all__ = ["plan_json", "print_plan", "print_plan_heading"]


def print_plan_heading(out: Console, plan: Plan, trial: str) -> None:
    """Say in one line what is about to run."""
    files = ", ".join(_short(plan, str(file)) for file in plan.files)
    out.print(
        Text.assemble(
            ("trial ", "dim"),
            (trial, "bold"),
            (" of ", "dim"),
            plan.project.name,
            (f" ({files}, service {plan.selection.test})", "dim"),
        )
    )


def print_plan(out: Console, plan: Plan) -> None:
    """Print the services, the changes with their reasons, and the warnings."""
    selection = plan.selection
    out.print(Text.assemble(("compose files  ", "dim"), ", ".join(str(f) for f in plan.files)))
    out.print(Text.assemble(("tests run in   ", "dim"), (selection.test, "bold")))
    out.print(Text.assemble(("they need      ", "dim"), ", ".join(selection.required) or "nothing"))
    if selection.extra:
        out.print(Text.assemble(("also started   ", "dim"), ", ".join(selection.extra)))
    if plan.arguments:
        out.print(Text.assemble(("for pytest     ", "dim"), " ".join(plan.arguments)))
    out.print()
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("changed in the compose form", overflow="fold")
    table.add_column("to", overflow="fold")
    table.add_column("because", style="dim", overflow="fold")
    for change in plan.changes:
        table.add_row(Text(_short(plan, change.where)), Text(change.what), Text(change.why))
    out.print(table)
    for warning in plan.warnings:
        out.print(Text.assemble(("warning: ", "yellow"), warning))


def plan_json(plan: Plan) -> str:
    """The plan as JSON; `form` is a compose file."""
    selection = plan.selection
    return json.dumps(
        {
            "name": plan.name,
            "compose_files": [str(file) for file in plan.files],
            "test_service": selection.test,
            "required": selection.required,
            "extra": selection.extra,
            "left_out": selection.left_out,
            "arguments": plan.arguments,
            "changes": [
                {"where": change.where, "what": change.what, "why": change.why}
                for change in plan.changes
            ],
            "warnings": plan.warnings,
            "form": plan.form,
        },
        indent=2,
    )


def _short(plan: Plan, text: str) -> str:
    return text.replace(f"{plan.project}/", "")
