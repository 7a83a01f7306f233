"""Reads which tests failed in a past trial, however many they were."""

from dataclasses import dataclass
from typing import Annotated

from pydantic import Field, TypeAdapter, ValidationError

from seatrial.evidence.events import MAX_FAILURES
from seatrial.evidence.folder import RunFolder
from seatrial.evidence.record import Record
from seatrial.evidence.tests import TEST_RESULTS_FILE, result_lines

__all__ = ["failed_tests"]

_FAILED = frozenset({"failed", "error"})


@dataclass(slots=True)
class _Result:
    """What is read of a line; the rest is not even decoded."""

    id: Annotated[str, Field(max_length=2000)]
    outcome: str


_RESULT = TypeAdapter(_Result)


def failed_tests(record: Record, folder: RunFolder) -> frozenset[str]:
    """Node ids, and files that could not be collected; what was only cut off is not among them."""
    if record.pytest is None:
        return frozenset()
    named = frozenset(failure.test for failure in record.pytest.failures)
    if len(record.pytest.failures) < MAX_FAILURES:
        return named
    # The record names no more; the file of results has them all.
    found = set(named)
    for line in result_lines(folder.path / TEST_RESULTS_FILE):
        try:
            result = _RESULT.validate_json(line)
        except ValidationError:
            continue
        if result.outcome in _FAILED and result.id.isprintable():
            found.add(result.id)
    return frozenset(found)
