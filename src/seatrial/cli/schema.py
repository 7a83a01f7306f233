"""`seatrial schema`: the record's JSON Schema."""

import typer

__all__ = ["EXAMPLES", "schema"]

EXAMPLES = """\b
Examples:
  seatrial schema > record.schema.json
"""


def schema() -> None:
    """Print the JSON Schema of a trial's record."""
    import json

    from seatrial.evidence.record import record_schema

    typer.echo(json.dumps(record_schema(), indent=2))
