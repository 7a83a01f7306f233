"""Lists what a verdict could not see, each with why."""

from collections.abc import Iterator, Sequence

from seatrial.evidence.model import Model
from seatrial.judge.benchmarks import Benchmark
from seatrial.judge.checklist import ChecklistLine
from seatrial.judge.dossier import Dossier
from seatrial.judge.model import CriterionResult, CriterionStatus
from seatrial.judge.rehearsed import rehearsal
from seatrial.judge.risk import AREAS
from seatrial.judge.signs import Case, look_at, not_rehearsed

__all__ = ["Unmeasured", "what_was_not_measured"]


class Unmeasured(Model):
    """One thing that nothing shows."""

    what: str
    why: str


def what_was_not_measured(
    dossier: Dossier,
    results: Sequence[CriterionResult],
    rows: tuple[Benchmark, ...],
    checklist: Sequence[ChecklistLine],
) -> tuple[Unmeasured, ...]:
    """Criteria, benchmarks, audit, drills, then questions about risk and readiness.

    A question that has no answer for a reason that is named already is not named again.
    """
    listed = [
        *(
            Unmeasured(what=f"criterion {one.key}", why=one.reason)
            for one in results
            if one.status is CriterionStatus.NOT_MEASURED
        ),
        *(
            Unmeasured(what=f"benchmark {one.metric}", why=_why(one))
            for one in rows
            if one.status == "not measured"
        ),
        *_audit(dossier),
        *_drills(dossier),
    ]
    if dossier.policy_base is None:
        listed.append(
            Unmeasured(
                what="whether rules were made easier to meet", why="no commit to compare with"
            )
        )
    named = {one.why for one in listed}
    case = Case(dossier, {one.key: one for one in results}, rows)
    for rules in AREAS.values():
        for rule in rules:
            seen = look_at(rule.sign, case)
            if seen.good is None and seen.what not in named:
                named.add(seen.what)
                listed.append(Unmeasured(what=rule.sign.question, why=seen.what))
    for line in checklist:
        if line.status == "nothing ran" and line.found not in named:
            named.add(line.found)
            listed.append(Unmeasured(what=line.statement, why=line.found))
    return tuple(listed)


def _why(row: Benchmark) -> str:
    if row.n:
        return f"not by the judged trial; {row.n} comparable ones have a median"
    return "no comparable trial measured it"


def _audit(dossier: Dossier) -> Iterator[Unmeasured]:
    if dossier.audit is None or dossier.audit_exhibit is None:
        yield Unmeasured(what="audit", why="no audit was made")
        return
    for entry in dossier.audit.not_checked:
        yield Unmeasured(what="audit", why=f"not checked: {entry}")
    for tool in dossier.audit.tools:
        if tool.version is None:
            yield Unmeasured(what="audit", why=f"not checked: {tool.name}: {tool.why_not}")


def _drills(dossier: Dossier) -> Iterator[Unmeasured]:
    made = dossier.drills.report.results if dossier.drills else ()
    if not made:
        yield Unmeasured(what="drills", why="no drill was made")
    for why in {
        not_rehearsed(drill): None
        for drill in (rehearsal(dossier, one.key) for one in made)
        if drill.passed is None
    }:
        yield Unmeasured(what="drills", why=why)
