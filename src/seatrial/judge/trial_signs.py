"""What the trials themselves tell: the signs that are read in their records."""

from collections.abc import Callable

from seatrial.evidence.record import Status
from seatrial.judge.benchmarks import comparable_trials
from seatrial.judge.dossier import Dossier, TrialEvidence
from seatrial.judge.signs import Case, Seen, Sign
from seatrial.words import counted

__all__ = [
    "BUDGETS_KEPT",
    "ENOUGH_TRIALS",
    "FAILURE_RATE",
    "LEFT_NOTHING",
    "MEMORY_TO_SPARE",
    "NEVER_KILLED",
    "NO_RESTARTS",
    "NO_RETRIES",
    "READINESS_PROVEN",
    "SAMPLED",
    "UNTOUCHED",
    "of_trial",
]

_MIN_TRIALS = 3
"""Fewer say nothing of what usually happens; it is what the time budget asks for as well."""
_MEMORY_SHARE = 0.8
"""Of the engine's memory; beyond it what else runs there decides whether the kernel kills."""
_ENDED = frozenset({Status.PASSED, Status.FAILED, Status.OVER_BUDGET, Status.ENVIRONMENT})


def of_trial(question: str, by: str, look: Callable[[Case], Seen]) -> Sign:
    """A question to the judged trial; without one, or if its files were changed, no answer."""

    def look_if_there(case: Case) -> Seen:
        if not case.dossier.trials:
            return Seen(None, "there is no trial")
        if case.dossier.trial.faults:
            return Seen(None, "the trial's files are not as it left them")
        return look(case)

    return Sign(question, by, look_if_there)


def _untouched(case: Case) -> Seen:
    dossier = case.dossier
    if not dossier.trials:
        return Seen(None, "there is no trial")
    faults = (*dossier.trial.faults, *dossier.ledger_faults)
    doubts = case.record.doubts
    exhibit = dossier.trial.exhibit
    if faults:
        return Seen(False, faults[0], (exhibit.row("faults of the evidence", len(faults)),))
    rows = (exhibit.row("doubts", len(doubts), where="/doubts"),)
    if doubts:
        return Seen(False, f"{counted(len(doubts), 'doubt')}: {doubts[0].what}", rows)
    return Seen(True, f"0 doubts; {counted(len(case.record.files), 'file')} as recorded", rows)


def _left_nothing(case: Case) -> Seen:
    trials = comparable_trials(case.dossier)
    rows = tuple(
        one.exhibit.row("left in the engine", len(one.record.clean_up.left), where="/clean_up/left")
        for one in trials
    )
    bad = [one for one in trials if one.record.clean_up.left or one.record.clean_up.faults]
    if bad:
        return Seen(False, f"{len(bad)} of {counted(len(trials), 'trial')} left something", rows)
    return Seen(True, f"0 of {counted(len(trials), 'trial')} left anything", rows)


def _no_restarts(case: Case) -> Seen:
    services = case.record.services
    again = sorted(one.name for one in services if one.restarts)
    row = case.dossier.trial.exhibit.row(
        "restarts", sum(one.restarts for one in services), where="/services/*/restarts"
    )
    if again:
        return Seen(False, f"started again: {', '.join(again)}", (row,))
    return Seen(True, f"0 restarts of {counted(len(services), 'service')}", (row,))


def _readiness_proven(case: Case) -> Seen:
    services = [one for one in case.record.services if one.role != "test"]
    if not services:
        return Seen(None, "the tests have no services beside them")
    unproven = sorted({one.name for one in services if one.proof == "none"})
    rows = tuple(
        case.dossier.trial.exhibit.row(
            f"proof of {one.name}", one.proof, where=f"/services/{number}/proof"
        )
        for number, one in enumerate(case.record.services)
        if one.role != "test"
    )
    if unproven:
        return Seen(False, f"nothing showed that it was ready: {', '.join(unproven)}", rows)
    return Seen(True, f"{len(services)} of {counted(len(services), 'service')} proven ready", rows)


def _budgets(case: Case) -> Seen:
    limited = [one for one in case.benchmarks if one.budget is not None]
    rows = tuple(row for one in limited for row in one.evidence[:1])
    bad = [one for one in limited if one.status == "not met"]
    if bad:
        return Seen(False, f"over budget: {', '.join(one.metric for one in bad)}", rows)
    measured = [one for one in limited if one.status == "met"]
    if not measured:
        return Seen(None, "the project sets no budget, or nothing with a budget was measured")
    return Seen(True, f"{counted(len(measured), 'budget')} met", rows)


def _enough_trials(case: Case) -> Seen:
    trials = comparable_trials(case.dossier)
    rows = tuple(one.exhibit.row("seconds", one.record.seconds, "s", "/seconds") for one in trials)
    if len(trials) < _MIN_TRIALS:
        return Seen(None, f"n = {len(trials)} comparable trials; {_MIN_TRIALS} are needed", rows)
    return Seen(True, f"n = {len(trials)} comparable trials", rows)


def _memory(case: Case) -> Seen:
    found = next(one for one in case.benchmarks if one.unit == "bytes")
    host = case.record.host.memory_bytes
    if found.result is None or not host:
        return Seen(None, "the peak of memory was not measured")
    share = found.result / host
    told = f"peak {100 * share:.1f} % of the engine's memory"
    if share > _MEMORY_SHARE:
        return Seen(False, f"{told}, over {100 * _MEMORY_SHARE:.0f} %", found.evidence[:1])
    return Seen(True, told, found.evidence[:1])


def _never_killed(case: Case) -> Seen:
    """Trials that ran out of memory did not pass, so they are looked for among all."""
    trials = _of_this_commit(case.dossier)
    bad = [one for one in trials if any(each.out_of_memory for each in one.record.services)]
    rows = tuple(
        one.exhibit.row("out of memory", one in bad, where="/services/*/out_of_memory")
        for one in trials
    )
    told = f"{len(bad)} of {counted(len(trials), 'trial')} of this commit ran out of memory"
    return Seen(not bad, told, rows)


def _sampled(case: Case) -> Seen:
    missing = sorted({one.name for one in case.record.services if one.resources is None})
    row = case.dossier.trial.exhibit.row(
        "services without samples", len(missing), where="/services/*/resources"
    )
    if missing:
        return Seen(None, f"ended before a sample was taken: {', '.join(missing)}", (row,))
    return Seen(True, f"{counted(len(case.record.services), 'service')} sampled", (row,))


def _no_retries(case: Case) -> Seen:
    flaky = case.record.flaky
    row = case.dossier.trial.exhibit.row("retries", len(case.record.retries), where="/retries")
    if flaky:
        told = f"{counted(len(flaky), 'test')} passed only when run again: {min(flaky)}"
        return Seen(False, told, (row,))
    return Seen(True, "0 tests passed only when run again", (row,))


def _failure_rate(case: Case) -> Seen:
    """Failures of the environment count: whoever waits for a trial waits for them too."""
    trials = [one for one in _of_this_commit(case.dossier) if one.record.status in _ENDED]
    bad = [one for one in trials if one.record.status is not Status.PASSED]
    rows = tuple(
        one.exhibit.row("status", one.record.status.value, "", "/status") for one in trials
    )
    passed = len(trials) - len(bad)
    told = f"{passed} of {counted(len(trials), 'trial')} of this commit passed"
    limit = case.dossier.settings.verdict.monitoring_failure_rate
    if trials and len(bad) / len(trials) > limit:
        return Seen(False, f"{told}; at most {100 * limit:g} % may fail", rows)
    if len(trials) < _MIN_TRIALS:
        return Seen(None, f"{told}; {_MIN_TRIALS} are needed to tell", rows)
    return Seen(True, told, rows)


def _of_this_commit(dossier: Dossier) -> list[TrialEvidence]:
    """Those whose files are as the trial left them, newest first."""
    intact = {one.record.id: one for one in dossier.trials if not one.faults}
    return [intact[key] for key in sorted(intact, reverse=True)]


_RECORD, _RECORDS = "the judged trial", "comparable trials"

UNTOUCHED = Sign("the evidence is as the trial left it, and free of doubt", _RECORD, _untouched)
LEFT_NOTHING = of_trial("no comparable trial left anything in the engine", _RECORDS, _left_nothing)
NO_RESTARTS = of_trial("no service was started again", _RECORD, _no_restarts)
READINESS_PROVEN = of_trial("every service was shown to be ready", _RECORD, _readiness_proven)
BUDGETS_KEPT = of_trial("the budgets that are set were kept", "benchmarks", _budgets)
ENOUGH_TRIALS = of_trial(f"{_MIN_TRIALS} or more comparable trials", _RECORDS, _enough_trials)
MEMORY_TO_SPARE = of_trial(
    f"the peak of memory is at most {100 * _MEMORY_SHARE:.0f} % of the engine's", _RECORD, _memory
)
NEVER_KILLED = of_trial(
    "no trial of this commit ran out of memory", "trials of this commit", _never_killed
)
SAMPLED = of_trial("every service's use of resources was sampled", _RECORD, _sampled)
NO_RETRIES = of_trial("no test passed only when it was run again", _RECORD, _no_retries)
FAILURE_RATE = of_trial(
    "the share of this commit's trials that failed is within the limit of the monitoring period",
    "trials of this commit",
    _failure_rate,
)
