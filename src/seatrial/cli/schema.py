"""`seatrial schema`: the JSON Schemas of what Seatrial writes."""

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from seatrial.evidence.model import Model

__all__ = ["EXAMPLES", "SchemaOf", "schema"]

EXAMPLES = """\b
Examples:
  seatrial schema > record.schema.json
  seatrial schema --of approval > approval.schema.json
"""


class SchemaOf(StrEnum):
    """Documents with a schema."""

    RECORD = "record"
    APPROVAL = "approval"
    DRILLS = "drills"
    AUDIT = "audit"


def schema(
    of: Annotated[SchemaOf, typer.Option("--of", help="Of which document.")] = SchemaOf.RECORD,
) -> None:
    """Print the JSON Schema of a trial's record, or of another document."""
    import json

    from seatrial.evidence.model import schema_of

    typer.echo(json.dumps(schema_of(_model(of)), indent=2))


def _model(of: SchemaOf) -> "type[Model]":
    match of:
        case SchemaOf.RECORD:
            from seatrial.evidence.record import Record

            return Record
        case SchemaOf.APPROVAL:
            from seatrial.judge.approval import Approval

            return Approval
        case SchemaOf.DRILLS:
            from seatrial.evidence.drills import DrillReport

            return DrillReport
        case SchemaOf.AUDIT:
            from seatrial.evidence.audit import AuditReport

            return AuditReport
