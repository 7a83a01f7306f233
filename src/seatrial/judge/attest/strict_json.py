"""JSON in one form only: what was signed has one spelling, and no reader can see another."""

import json
from typing import Any, NoReturn

__all__ = ["canonical", "parse"]


def canonical(value: Any) -> bytes:
    """The one form: keys sorted, no spaces, UTF-8."""
    return json.dumps(
        value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    ).encode()


def parse(data: bytes) -> Any:
    """Read JSON that leaves nothing to the reader's choice.

    Raises:
        ValueError: it is none, names a key twice, holds NaN or an infinity, or is nested too deep.
    """
    try:
        return json.loads(
            data.decode("utf-8"), object_pairs_hook=_object, parse_constant=_no_constant
        )
    except RecursionError as error:
        raise ValueError("it is nested too deep") from error


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        raise ValueError("it names a key twice")
    return made


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"it holds {name}, which is no number of JSON")
