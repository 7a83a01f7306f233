"""Questions that evidence answers with yes, no or nothing; risks and the checklist ask them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from seatrial.evidence.audit import Severity
from seatrial.evidence.record import Record
from seatrial.judge.benchmarks import Benchmark
from seatrial.judge.dossier import Dossier
from seatrial.judge.model import Confidence, CriterionResult, CriterionStatus, Evidence
from seatrial.judge.rehearsed import Rehearsal, rehearsal
from seatrial.words import counted

__all__ = [
    "Case",
    "Seen",
    "Sign",
    "audited",
    "criterion",
    "drilled",
    "look_at",
    "not_rehearsed",
]


@dataclass(frozen=True)
class Case:
    """What a sign looks at."""

    dossier: Dossier
    results: Mapping[str, CriterionResult]
    benchmarks: tuple[Benchmark, ...]

    @property
    def record(self) -> Record:
        """Of the trial that is judged."""
        return self.dossier.trial.record


@dataclass(frozen=True)
class Seen:
    """The answer to a question."""

    good: bool | None
    """None: nothing that ran tells."""
    what: str
    """With the numbers that decided."""
    evidence: tuple[Evidence, ...] = ()


@dataclass(frozen=True)
class Sign:
    """A question whose good answer is yes."""

    question: str
    """As a statement, e.g. `nothing is left in the engine`."""
    by: str
    """What must have run to answer it."""
    look: Callable[[Case], Seen]


def look_at(sign: Sign, case: Case) -> Seen:
    """The answer; a yes without a row of evidence is none."""
    seen = sign.look(case)
    if seen.good and not seen.evidence:
        return Seen(None, f"{seen.what}; no file of evidence shows it")
    return seen


def criterion(key: str, question: str) -> Sign:
    """Whether a criterion is met; what was only read in files is no answer."""

    def look(case: Case) -> Seen:
        result = case.results.get(key)
        if result is None:
            return Seen(None, f"criterion {key} was not judged")
        if result.status is not CriterionStatus.MET:
            good = False if result.status is CriterionStatus.NOT_MET else None
            return Seen(good, result.reason, result.evidence)
        if result.confidence is Confidence.LOW:
            return Seen(None, f"criterion {key} is met by what was read, not measured")
        told = f"criterion {key} is met, confidence {result.confidence.value}"
        return Seen(True, told, result.evidence)

    return Sign(question, f"criterion {key}", look)


def drilled(question: str, *keys: str) -> Sign:
    """Whether rehearsals of these failures passed."""

    def look(case: Case) -> Seen:
        made = [rehearsal(case.dossier, key) for key in keys]
        rows = tuple(row for one in made for row in one.evidence)
        failed = next((one for one in made if one.passed is False), None)
        if failed and failed.result:
            faults = "; ".join(failed.result.faults) or "it did not pass"
            return Seen(False, f"drill {failed.key}: {faults}", rows)
        unknown = next((one for one in made if one.passed is None), None)
        if unknown:
            return Seen(None, not_rehearsed(unknown), rows)
        return Seen(True, f"{counted(len(keys), 'drill')} passed: {', '.join(keys)}", rows)

    return Sign(question, f"drill {', '.join(keys)}", look)


def not_rehearsed(drill: Rehearsal) -> str:
    """Why a drill shows nothing."""
    return f"drill {drill.key}: {drill.why_not}" if drill.result else drill.why_not


def audited(question: str, severity: Severity, *rules: str) -> Sign:
    """Whether the audit found nothing of that severity; with `rules`, nothing of those rules."""

    def look(case: Case) -> Seen:
        audit, exhibit = case.dossier.audit, case.dossier.audit_exhibit
        if audit is None or exhibit is None:
            return Seen(None, "no audit was made")
        found = [
            finding
            for finding in audit.findings
            if finding.severity is severity and (not rules or _rule(finding.rule) in rules)
        ]
        rows = (exhibit.row(f"findings, {severity.value}", len(found), where="/findings"),)
        if found:
            place = f"{found[0].file}:{found[0].line}" if found[0].line else found[0].file
            more = f" and {len(found) - 1} more" if len(found) > 1 else ""
            return Seen(False, f"{found[0].rule} at {place}{more} ({severity.value})", rows)
        unchecked = [
            entry
            for entry in audit.not_checked
            if not rules or any(entry.startswith(rule) for rule in rules)
        ]
        if not rules:
            unchecked += [f"{one.name}: {one.why_not}" for one in audit.tools if not one.version]
        if unchecked:
            return Seen(None, f"not checked: {unchecked[0]}", rows)
        return Seen(
            True, f"0 findings ({severity.value}) in {counted(len(audit.files), 'file')}", rows
        )

    return Sign(question, f"audit ({', '.join(rules)})" if rules else "audit", look)


def _rule(name: str) -> str:
    return name.rpartition("/")[2]
