"""What somebody does to kept evidence, or to the tree, after an honest trial."""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from seatrial.evidence.ledger import LEDGER, open_ledger

from .honest import PRICES, Judged, Subject

__all__ = ["TAMPERINGS", "Tampering", "forge_ledger_and_record"]

_ANOTHER = "20990101-000000-abcdef"


@dataclass(frozen=True)
class Tampering:
    """One way, on a copy of the honest project with its trial."""

    how: str
    """Completes "somebody …"."""
    do: Callable[[Subject, Judged], object]
    reasons: Mapping[str, str]
    """All reasons for the rejection, each with what its text holds; what follows left aside."""


def edit_record(subject: Subject, honest: Judged) -> None:
    record = _record(subject, honest)
    text = record.read_text()
    record.write_text(text.replace('"dirty": false', '"dirty": true'))
    assert record.read_text() != text


def edit_ledger(subject: Subject, honest: Judged) -> None:
    ledger = _ledger(subject)
    ledger.write_text(ledger.read_text().replace(honest.record.id, _ANOTHER))


def edit_record_and_its_line(subject: Subject, honest: Judged) -> None:
    """The line gets the record's new hash, and is no longer what its own hash says."""
    before = _sha256(_record(subject, honest))
    edit_record(subject, honest)
    after = _sha256(_record(subject, honest))
    ledger = _ledger(subject)
    ledger.write_text(ledger.read_text().replace(before, after))


def forge_ledger_and_record(subject: Subject, honest: Judged) -> None:
    """All hashes are made anew: this machine's files no longer contradict each other."""
    record, ledger = _record(subject, honest), _ledger(subject)
    record.write_text(record.read_text() + "\n")
    last = ledger.read_text().splitlines()[-1]
    time = datetime.fromisoformat(json.loads(last)["time"])
    ledger.unlink()
    _enter(subject, honest, honest.record.id, record.read_bytes(), time)


def swap_results(subject: Subject, honest: Judged) -> None:
    results = _record(subject, honest).with_name("tests.jsonl")
    size = results.stat().st_size
    results.write_text(results.read_text().replace("test_a_sum", "test_b_sum"))
    assert results.stat().st_size == size


def add_report(subject: Subject, honest: Judged) -> None:
    _record(subject, honest).with_name("audit.json").write_text("{}")


def take_failed_trial_away(subject: Subject, honest: Judged) -> None:
    """Of a trial that failed there is only its line in the ledger."""
    failed = honest.record.finished + timedelta(seconds=1)
    _enter(subject, honest, f"{failed:%Y%m%d-%H%M%S}-abcdef", b"{}", failed)


def set_clock_back(subject: Subject, honest: Judged) -> None:
    """Another trial is made, of the day before."""
    back = honest.record.finished - timedelta(days=1)
    record = subject.project.runs / f"{back:%Y%m%d-%H%M%S}-abcdef" / "record.json"
    record.parent.mkdir()
    record.write_text("{}")
    _enter(subject, honest, record.parent.name, b"{}", back)


def change_file(subject: Subject, honest: Judged) -> None:
    subject.repository.put("shop/prices.py", PRICES.replace("sum(prices)", "0"))


def hide_change_from_git(subject: Subject, honest: Judged) -> None:
    subject.repository.git("update-index", "--assume-unchanged", "shop/prices.py")
    change_file(subject, honest)


def filter_change_for_git(subject: Subject, honest: Judged) -> None:
    """Git is shown the commit's file in place of the changed one, which has the same size."""
    subject.repository.put(".git/info/attributes", "shop/prices.py filter=hide\n")
    subject.repository.git("config", "filter.hide.clean", "git cat-file blob HEAD:shop/prices.py")
    prices = (subject.folder / "shop/prices.py").read_text()
    subject.repository.put("shop/prices.py", prices.replace("sum(prices)", "max(prices)"))


def bring_ignored_conftest(subject: Subject, honest: Judged) -> None:
    subject.repository.put(".git/info/exclude", "conftest.py\n")
    subject.repository.put("conftest.py", "collect_ignore = ['tests']\n")


def commit_more(subject: Subject, honest: Judged) -> None:
    subject.commit({"shop/prices.py": PRICES.replace("sum(prices)", "0")})


TAMPERINGS = (
    Tampering(
        "edits the record",
        edit_record,
        {
            "evidence-changed": "the record is not the one that the ledger names",
            "ledger": "is not the one that the ledger names",
            "other-commit": "with changes, not of this one",
        },
    ),
    Tampering(
        "edits the ledger",
        edit_ledger,
        {
            "ledger": "line 1 of the ledger was changed",
            "evidence-changed": "older than the ledger",
        },
    ),
    Tampering(
        "edits a record and its line in the ledger",
        edit_record_and_its_line,
        {
            "ledger": "line 2 of the ledger was changed",
            "evidence-changed": "the record is not the one that the ledger names",
            "other-commit": "with changes, not of this one",
        },
    ),
    Tampering(
        "swaps a file of results for one of the same size",
        swap_results,
        {"evidence-changed": "tests.jsonl has another content"},
    ),
    Tampering(
        "adds a file to the evidence",
        add_report,
        {"evidence-changed": "audit.json was added"},
    ),
    Tampering(
        "takes away the trial that failed",
        take_failed_trial_away,
        {"ledger": "of this commit is gone"},
    ),
    Tampering(
        "sets the clock back before another trial",
        set_clock_back,
        {"ledger": "the clock went back by 864"},
    ),
    Tampering(
        "changes a file once the trial is over",
        change_file,
        {"dirty-tree": "files differ from the commit"},
    ),
    Tampering(
        "has git not look at the change",
        hide_change_from_git,
        {"dirty-tree": "git is told not to look at them"},
    ),
    Tampering(
        "has a filter show git the file of the commit",
        filter_change_for_git,
        {"dirty-tree": "files differ from the commit"},
    ),
    Tampering(
        "brings a conftest.py that git ignores",
        bring_ignored_conftest,
        {"dirty-tree": "files differ from the commit"},
    ),
    Tampering(
        "shows the trial of an earlier commit",
        commit_more,
        {"other-commit": "not of this one"},
    ),
)


def _record(subject: Subject, honest: Judged) -> Path:
    return subject.project.runs / honest.record.id / "record.json"


def _ledger(subject: Subject) -> Path:
    return subject.folder / ".seatrial" / LEDGER


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _enter(subject: Subject, honest: Judged, trial: str, record: bytes, now: datetime) -> None:
    """As a trial of the commit does at its end."""
    assert honest.record.commit is not None
    with open_ledger(subject.folder / ".seatrial") as ledger:
        ledger.append(trial, honest.record.commit.id, record, now)
