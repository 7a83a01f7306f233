"""Reports coverage where the tests ran: by the tests' own Python, in a copy of their container.

What is a statement and what a branch depends on the interpreter, on coverage.py's version and on
the project's configuration, so only there the figures are those of a plain run. It needs nothing
but Python 3.8 and coverage 5, takes one argument, a file with a JSON object, and writes files into
the folder `out`; `result.json` says what it found.
"""

from __future__ import annotations

import glob
import hashlib
import json
import os
import shutil
import sqlite3
import sys
import traceback
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

MAX_FILES = 20000
MAX_DATA_FILES = 10000
MAX_NOTE = 500
BY_TEST = "by-test.coverage"
NOTES = "by-test.json"
"""What must be the same for the data to be used by a later trial; nobody else reads it."""
PREFIX = "seatrial "
"""What names of contexts begin with that the tracer gave."""
SESSION = PREFIX + "session"
SCHEMA = 7
"""Of the data files of coverage 5 and later."""


class CannotReport(Exception):
    """There is nothing to report on, or coverage.py refuses to."""


class CannotPutTogether(Exception):
    """The data do not say exactly what each test covered, or what was stored may not hold."""


def main() -> None:
    """Find the data, combine it, report it."""
    with open(sys.argv[1], encoding="ascii") as file:
        request = json.load(file)
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
    by_test = request.get("by_test")
    if len(found) > 1 or request["combine_only"] or (by_test and renames(request)):
        data_file = os.path.join(out, "combined.coverage")
        combining = configured(request["config_file"], data_file)
        combining.combine(found, strict=True, keep=True)
        combining.save()
        result["combined"] = True
    if request["combine_only"]:
        raise CannotReport("only the data was wanted")
    if by_test:
        data_file = keep_by_test(by_test, data_file, out, result)
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


def keep_by_test(by_test: dict[str, Any], data_file: str, out: str, result: dict[str, Any]) -> str:
    """Keep what each test covered, put together with what was stored; returns what to report.

    Where that cannot be done exactly, it is what the tests that ran covered.
    """
    kept = os.path.join(out, BY_TEST)
    try:
        shutil.copyfile(data_file, kept)
        put_together(by_test, kept, out, result)
    except (CannotPutTogether, sqlite3.Error, OSError) as error:
        result["by_test"] = str(error)[:MAX_NOTE]
        for path in (kept, os.path.join(out, NOTES)):
            if os.path.exists(path):
                os.remove(path)
        return data_file
    result["by_test"] = ""
    return kept


def put_together(by_test: dict[str, Any], kept: str, out: str, result: dict[str, Any]) -> None:
    """Make of `kept`, this run's data, those of all tests."""
    own = ByTest(kept)
    own.refuse_foreign()
    if by_test["stored"]:
        stored_file = os.path.join(out, "stored.coverage")
        shutil.copyfile(by_test["stored"], stored_file)
        with open(by_test["notes"], encoding="utf-8") as file:
            notes = json.load(file)
        with open(by_test["plan"], encoding="utf-8") as file:
            plan = json.load(file)
        for name in ("version", "python"):
            if notes[name] != result[name]:
                raise CannotPutTogether(
                    "the stored part was measured with another %s: %s, not %s"
                    % ("coverage.py" if name == "version" else name, notes[name], result[name])
                )
        stored = ByTest(stored_file)
        join(own, stored, plan, notes["sources"])
        stored.close()
        own.close()
        update(kept, stored_file)
        os.remove(stored_file)
        own = ByTest(kept)
    sources = {path: digest_of(path) for path in own.files()}
    own.close()
    missing = sorted(path for path, digest in sources.items() if digest is None)
    if missing:
        raise CannotPutTogether("%s was measured and is not there any more" % missing[0])
    with open(os.path.join(out, NOTES), "w", encoding="utf-8") as file:
        notes = {name: result[name] for name in ("version", "python")}
        json.dump({**notes, "sources": sources}, file)


def join(own: ByTest, stored: ByTest, plan: dict[str, Any], sources: dict[str, str]) -> None:
    """Leave in both data files what counts: all of this run, and of the stored what still holds."""
    if own.has_arcs() is not stored.has_arcs():
        raise CannotPutTogether("branches were measured in only one of the two parts")
    keep = {PREFIX + label for label in plan["keep"]}
    if plan["same_tests"]:
        # What runs outside of the tests was given all of them then, and now only some.
        own.drop({SESSION})
        keep.add(SESSION)
    elif own.rows({SESSION}) != stored.rows({SESSION}):
        raise CannotPutTogether(
            "other tests are there than when the stored part was measured, and what runs outside "
            "of the tests ran other lines"
        )
    changed = {path for path in stored.files() if digest_of(path) != sources.get(path)}
    lost = stored.rows({PREFIX + label for label in plan["keepers"]} - keep)
    stored.drop(stored.contexts() - keep)
    stored.forget_files()
    both = sorted(changed & set(stored.rows(stored.contexts())))
    if both:
        raise CannotPutTogether("%s differs, and not all that ran it was run again" % both[0])
    now, then = own.rows(own.contexts()), stored.rows(stored.contexts())
    for path in sorted(set(lost) - changed):
        if not lost[path] <= now.get(path, set()) | then.get(path, set()):
            raise CannotPutTogether(
                "lines of %s were run by a test that is gone or runs otherwise, and that may have "
                "kept what came of it for other tests" % path
            )


def update(kept: str, stored: str) -> None:
    """Add the one data file to the other."""
    import coverage  # noqa: PLC0415 - that it is missing is a finding, and told before

    whole, part = coverage.CoverageData(basename=kept), coverage.CoverageData(basename=stored)
    whole.read()
    part.read()
    whole.update(part)
    whole.close()
    part.close()


class ByTest:
    """A data file of coverage.py, which has a public way to read by contexts, but none to drop."""

    def __init__(self, path: str) -> None:
        self._db = sqlite3.connect(path)
        version = self._db.execute("SELECT version FROM coverage_schema").fetchone()
        if version != (SCHEMA,):
            raise CannotPutTogether("coverage's data files have an unknown form")

    def close(self) -> None:
        """Be done with it."""
        self._db.close()

    def contexts(self) -> set[str]:
        """The names of all contexts."""
        return {name for (name,) in self._db.execute("SELECT context FROM context")}

    def files(self) -> set[str]:
        """The files of which something ran."""
        return set(self.rows(self.contexts()))

    def has_arcs(self) -> bool:
        """Whether branches were measured."""
        found = self._db.execute("SELECT value FROM meta WHERE key = 'has_arcs'").fetchone()
        return found is not None and found[0] not in ("0", "False")

    def refuse_foreign(self) -> None:
        """What is in no context of the tracer's cannot be told apart."""
        foreign = {name for name in self.contexts() if not name.startswith(PREFIX)}
        rows = self.rows(foreign)
        if rows:
            raise CannotPutTogether(
                "lines of %s ran before the tests, or in a process that they started" % min(rows)
            )

    def rows(self, contexts: Collection[str]) -> dict[str, set[Any]]:
        """By file: the lines, or the pairs of lines, that ran in these contexts."""
        from coverage.numbits import numbits_to_nums  # noqa: PLC0415 - see above

        self._choose(contexts)
        found: dict[str, set[Any]] = {}
        lines_of = (
            "SELECT path, numbits FROM line_bits JOIN file ON file.id = file_id "
            "WHERE context_id IN (SELECT id FROM chosen)"
        )
        arcs_of = (
            "SELECT DISTINCT path, fromno, tono FROM arc JOIN file ON file.id = file_id "
            "WHERE context_id IN (SELECT id FROM chosen)"
        )
        for path, numbits in self._db.execute(lines_of):
            lines = numbits_to_nums(numbits)
            if lines:
                found.setdefault(path, set()).update(lines)
        for path, start, end in self._db.execute(arcs_of):
            found.setdefault(path, set()).add((start, end))
        return found

    def drop(self, contexts: Collection[str]) -> None:
        """Forget what ran in these contexts."""
        self._choose(contexts)
        for table in ("line_bits", "arc"):
            self._db.execute(
                "DELETE FROM %s WHERE context_id IN (SELECT id FROM chosen)" % table  # noqa: S608
            )
        self._db.execute("DELETE FROM context WHERE id IN (SELECT id FROM chosen)")
        self._db.commit()

    def forget_files(self) -> None:
        """Forget files of which nothing is left: they may be gone."""
        self._db.execute("CREATE TEMP TABLE left_in (id INTEGER)")
        for table in ("line_bits", "arc"):
            self._db.execute("INSERT INTO left_in SELECT file_id FROM %s" % table)  # noqa: S608
        self._db.execute("DELETE FROM tracer WHERE file_id NOT IN (SELECT id FROM left_in)")
        self._db.execute("DELETE FROM file WHERE id NOT IN (SELECT id FROM left_in)")
        self._db.commit()

    def _choose(self, contexts: Collection[str]) -> None:
        self._db.execute("CREATE TEMP TABLE IF NOT EXISTS chosen (id INTEGER)")
        self._db.execute("DELETE FROM chosen")
        self._db.executemany(
            "INSERT INTO chosen SELECT id FROM context WHERE context = ?",
            [(name,) for name in contexts],
        )


def digest_of(path: str) -> str | None:
    """SHA-256 of a file; None: it cannot be read."""
    try:
        with open(path, "rb") as file:
            return hashlib.sha256(file.read()).hexdigest()
    except OSError:
        return None


def renames(request: dict[str, Any]) -> bool:
    """Whether coverage gives files other names when it combines data (`[paths]`)."""
    made = configured(request["config_file"], os.devnull)
    return bool(getattr(getattr(made, "config", None), "paths", None))


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
