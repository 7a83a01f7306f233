"""Reports coverage where the tests ran: by the tests' own Python, in a copy of their container.

What is a statement and what a branch depends on the interpreter, on coverage.py's version and on
the project's configuration, so only there the figures are those of a plain run. It needs nothing
but Python 3.8 and coverage 5, takes one argument, a JSON object, and writes files into the folder
`out`; `result.json` says what it found.
"""

from __future__ import annotations

import glob
import json
import os
import sys
import traceback
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

MAX_FILES = 20000
MAX_DATA_FILES = 10000
MAX_NOTE = 500


class CannotReport(Exception):
    """There is nothing to report on, or coverage.py refuses to."""


def main() -> None:
    """Find the data, combine it, report it."""
    request = json.loads(sys.argv[1])
    out = request["out"]
    result: dict[str, Any] = {"notes": []}
    try:
        os.chdir(request["folder"])
        report(request, out, result)
    except CannotReport as error:
        result["error"] = str(error)[:MAX_NOTE]
    except Exception as error:  # noqa: BLE001 - whatever happens is told as the reason
        result["error"] = describe(error)
        traceback.print_exc()
    with open(os.path.join(out, "result.json"), "w", encoding="ascii") as file:
        json.dump(result, file)


def report(request: dict[str, Any], out: str, result: dict[str, Any]) -> None:
    """Fill `result`, and write the reports beside it."""
    found, stale = find_data(request["data_files"], request["since"])
    result["data_files"], result["stale"] = list(found), stale
    found += request["parts"]
    if not found:
        raise CannotReport("coverage wrote no data")
    try:
        import coverage  # noqa: PLC0415 - that it is missing is a finding
    except ImportError:
        raise CannotReport("coverage is not installed for " + sys.executable) from None
    result["version"] = coverage.__version__
    result["python"] = "%d.%d.%d" % sys.version_info[:3]
    data_file = found[0]
    if len(found) > 1 or request["combine_only"]:
        data_file = os.path.join(out, "combined.coverage")
        combining = configured(request["config_file"], data_file)
        combining.combine(found, strict=True, keep=True)
        combining.save()
        result["combined"] = True
    if request["combine_only"]:
        raise CannotReport("only the data was wanted")
    measured = configured(request["config_file"], data_file)
    read_once(measured)
    measured.load()
    result["fail_under"] = float(measured.get_option("report:fail_under") or 0)
    result["precision"] = int(measured.get_option("report:precision") or 0)
    result["config_file"] = config_file(measured)
    path = os.path.join(out, "coverage.json")
    try:
        measured.json_report(outfile=path)
    except coverage.CoverageException as error:
        raise CannotReport("coverage's own report fails: %s" % error) from None
    summarise(path, result)
    further: dict[str, Callable[[], Any]] = {
        "XML": lambda: measured.xml_report(outfile=os.path.join(out, "coverage.xml")),
        "HTML": lambda: measured.html_report(directory=os.path.join(out, "html")),
    }
    for name, write in further.items():
        try:
            write()
        except Exception as error:  # noqa: BLE001 - the figures stand without it
            result["notes"].append("there is no %s report: %s" % (name, describe(error)))


def find_data(names: list[str], since: float) -> tuple[list[str], list[str]]:
    """The data files of this run, and those that are older than it.

    A file of the very name is all there is to one measurement; without it, what parallel mode
    wrote belongs to it: the name with a suffix.
    """
    found: list[str] = []
    stale: list[str] = []
    for name in names:
        exact = [name] if os.path.isfile(name) and os.path.getmtime(name) >= since else []
        paths = exact or [
            p for p in sorted(glob.glob(glob.escape(name) + ".*")) if os.path.isfile(p)
        ]
        for path in paths:
            (found if os.path.getmtime(path) >= since else stale).append(path)
        if not exact and os.path.isfile(name):
            stale.append(name)
    return unique(found)[:MAX_DATA_FILES], unique(stale)[:MAX_DATA_FILES]


def configured(wanted: str | None, data_file: str) -> Any:
    """Coverage with the project's configuration, found as the run found it."""
    import coverage  # noqa: PLC0415 - see above

    made = coverage.Coverage(data_file=data_file)
    # Naming a setup.cfg or tox.ini makes coverage read sections that are not coverage's.
    if wanted and config_file(made) != wanted:
        made = coverage.Coverage(data_file=data_file, config_file=wanted)
    return made


def read_once(measured: Any) -> None:
    """Have all reports share what was read of a source, which is most of what each of them costs.

    coverage.py keeps a source's statements with the object that stands for the file, and makes a
    new one for each report. It has no public way to that; where it is not, all stays as it is.
    """
    make = getattr(measured, "_get_file_reporter", None)
    if make is None:
        return
    made: dict[Any, Any] = {}

    def share(source: Any) -> Any:
        if source not in made:
            made[source] = make(source)
        return made[source]

    measured._get_file_reporter = share  # noqa: SLF001 - see above


def config_file(measured: Any) -> str | None:
    """The configuration file that was read."""
    path = getattr(getattr(measured, "config", None), "config_file", None)
    return os.path.abspath(path) if path else None


def summarise(path: str, result: dict[str, Any]) -> None:
    """Take the counts out of the JSON report, so that nobody must read it whole."""
    with open(path, encoding="utf-8") as file:
        written = json.load(file)
    result["branch"] = bool(written["meta"]["branch_coverage"])
    result["percent"] = written["totals"]["percent_covered"]
    result["totals"] = counts(written["totals"])
    result["files"] = [
        {"path": name, "place": os.path.abspath(name), **counts(entry["summary"])}
        for name, entry in sorted(written["files"].items())[:MAX_FILES]
    ]
    result["file_count"] = len(written["files"])


def counts(summary: dict[str, Any]) -> dict[str, int]:
    """Lines and branches of a file or of all."""
    return {
        "lines": summary["num_statements"],
        "covered_lines": summary["covered_lines"],
        "branches": summary.get("num_branches", 0),
        "covered_branches": summary.get("covered_branches", 0),
    }


def describe(error: Exception) -> str:
    """An error in a line."""
    return ("%s: %s" % (type(error).__name__, error))[:MAX_NOTE]


def unique(paths: list[str]) -> list[str]:
    """Each once, in their order."""
    return list(dict.fromkeys(paths))


if __name__ == "__main__":
    main()
