"""Writes a trial's JUnit file from its results, one by one, as pytest itself would (`xunit2`)."""

import re
from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import Path
from typing import IO
from xml.sax.saxutils import escape, quoteattr

from seatrial.evidence.tests import TestResult

__all__ = ["JUNIT_FILE", "write_junit"]

JUNIT_FILE = "junit.xml"
MAX_NAME = 4000
"""Characters of a name or a message; no more of them fit on a screen."""
_HEAD = 1000
"""Bytes kept for the opening tags, whose counts are known at the end."""
_NOT_XML = re.compile("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What no XML 1.0 file may have, not even escaped."""


def write_junit(
    path: Path,
    results: Iterable[TestResult],
    *,
    name: str = "pytest",
    started: datetime | None = None,
    seconds: float | None = None,
) -> None:
    """Write the results, of one worker or of several one after the other, as one suite.

    `seconds` is how long the tests took together; None: the sum of their times. A result costs
    no memory once it is written. An unfinished test is an error; an expected failure is skipped.

    Raises:
        OSError: the file cannot be written.
    """
    counts = dict.fromkeys(("errors", "failures", "skipped", "tests"), 0)
    total = 0.0
    with path.open("w+b") as file:
        file.write(b" " * _HEAD)
        for result in results:
            total += _time(result)
            counts["tests"] += 1
            kind = _write_case(file, result)
            if kind:
                counts[kind] += 1
        file.write(b"</testsuite></testsuites>\n")
        attributes = [("name", name[:100]), *((key, str(count)) for key, count in counts.items())]
        attributes.append(("time", f"{total if seconds is None else seconds:.3f}"))
        if started:
            attributes.append(("timestamp", started.isoformat()))
        head = '<?xml version="1.0" encoding="utf-8"?>\n<testsuites name="pytest tests"><testsuite'
        head += "".join(f" {key}={_attribute(value)}" for key, value in attributes)
        file.seek(0)
        # Between the attributes and the tag's end there may be any number of spaces.
        file.write(head.encode().ljust(_HEAD - 2) + b">\n")


def _write_case(file: IO[bytes], result: TestResult) -> str | None:
    """Write one test, and return which count besides `tests` it belongs to."""
    classname, name = _address(result.id)
    opening = (
        f"<testcase classname={_attribute(classname)} name={_attribute(name)} "
        f'time="{_time(result):.3f}"'
    )
    count, tag, extra = _KINDS.get(result.outcome, (None, "", ""))
    if count is None:
        file.write(f"{opening} />\n".encode())
        return None
    message = result.message or ("did not end" if result.outcome == "unfinished" else "")
    inner = f"<{tag}{extra} message={_attribute(message)}>{escape(_clean(result.text or ''))}"
    output = "".join(_output(result))
    file.write(f"{opening}>{inner}</{tag}>{output}</testcase>\n".encode())
    return count


def _output(result: TestResult) -> Iterator[str]:
    """What a failed test printed and logged, as pytest writes it with `junit_logging = all`."""
    parts = [("Log", result.log), ("Out", result.stdout)]
    out = "\n".join(f"{f' Captured {name} ':-^80}\n{text}" for name, text in parts if text)
    if out:
        yield f"<system-out>{escape(_clean(out))}</system-out>"
    if result.stderr:
        err = f"{' Captured Err ':-^80}\n{result.stderr}"
        yield f"<system-err>{escape(_clean(err))}</system-err>"


_KINDS = {
    "failed": ("failures", "failure", ""),
    "error": ("errors", "error", ""),
    "unfinished": ("errors", "error", ""),
    "skipped": ("skipped", "skipped", ' type="pytest.skip"'),
    "xfailed": ("skipped", "skipped", ' type="pytest.xfail"'),
}


def _address(test: str) -> tuple[str, str]:
    """A node id as pytest's files have it: dots for folders and classes, then the name."""
    place, bracket, parameters = test.partition("[")
    names = place.split("::")
    names[0] = re.sub(r"\.py$", "", names[0].replace("/", "."))
    return ".".join(names[:-1]), names[-1] + bracket + parameters


def _time(result: TestResult) -> float:
    return (result.setup or 0.0) + (result.call or 0.0) + (result.teardown or 0.0)


def _attribute(text: str) -> str:
    return quoteattr(_clean(text[:MAX_NAME]))


def _clean(text: str) -> str:
    """Spell out what XML cannot hold, as pytest does."""
    return _NOT_XML.sub(lambda found: f"#x{ord(found[0]):02X}", text)
