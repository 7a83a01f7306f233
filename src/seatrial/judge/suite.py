"""Whether a trial ran the whole suite as the commit has it, or what somebody chose of it."""

from seatrial.evidence.record import Pytest, Record

__all__ = ["left_out_uncounted", "missing_test_containers", "part_of_the_suite"]

_HARMLESS = frozenset(
    {"-v", "-vv", "-vvv", "-q", "-qq", "-s", "-l", "-x", "-ra", "-rA", "--exitfirst"}
    | {"--showlocals", "--verbose", "--quiet"}
)
"""They change what is printed, or end a run that has failed."""
_HARMLESS_WITH_VALUE = ("--tb=", "--durations=", "--durations-min=", "--color=", "--verbosity=")
_CHOSEN_AT_RUN = ("command", "service", "services", "compose_files", "profiles", "env_files")
"""Settings that decide what runs. Typed on the command line they are not the commit's."""
_LEAVE_OUT = frozenset(
    {"--collect-only", "--co", "--deselect", "--ignore", "--ignore-glob"}
    | {"--last-failed", "--lf", "--stepwise", "--sw"}
)
"""Options with which pytest leaves tests out that it does not always count as deselected."""
_LEAVE_OUT_FILES = frozenset({"--ignore", "--ignore-glob", "collect_ignore", "collect_ignore_glob"})
"""The same as the probe sees them, wherever they were set."""


def part_of_the_suite(record: Record) -> str:
    """Why the trial is not one of the whole suite as the commit has it; empty: it is."""
    if record.partial:
        return (
            f"only tests that a change can affect were run, {record.partial.left_out} were left out"
        )
    chosen = [argument for argument in record.arguments if not _harmless(argument)]
    if chosen:
        return f"arguments were handed to pytest that can select tests: {' '.join(chosen)}"
    for key in _CHOSEN_AT_RUN:
        value = record.settings.get(key)
        if isinstance(value, dict) and value.get("source") == "command line":
            return f"the setting {key} was given on the command line, so it is not the commit's"
    return ""


def missing_test_containers(record: Record) -> str:
    """What the record does not tell of the containers in which tests ran; empty: it tells all."""
    told = {service.worker for service in record.services if service.role == "test"}
    if record.split is None:
        ran = len(record.pytest.containers) if record.pytest else 0
        if len(told) == ran == 1:
            return ""
        return (
            f"the record tells of no split, and {ran} containers in which tests ran, of "
            f"{len(told)} that were started"
        )
    missing = sorted({worker.number for worker in record.split.workers} - told)
    return f"the record has no test container of worker {missing[0]}" if missing else ""


def left_out_uncounted(pytest: Pytest) -> tuple[str, ...]:
    """What can leave tests out before they are collected, so that nobody counts them.

    Options of the test command itself, and what pytest had of them from its configuration, the
    environment or a conftest.py. `-k` and `-m` are none: what they leave out is counted.
    """
    told = [one for one in pytest.left_out_by if one.partition(" ")[0] in _LEAVE_OUT_FILES]
    known = {one.partition(" ")[0] for one in told}
    options = (one for one in pytest.arguments if one.partition("=")[0] in _LEAVE_OUT)
    return (*told, *(one for one in options if one.partition("=")[0] not in known))


def _harmless(argument: str) -> bool:
    return argument in _HARMLESS or argument.startswith(_HARMLESS_WITH_VALUE)
