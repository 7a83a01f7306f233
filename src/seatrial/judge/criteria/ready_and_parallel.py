"""Criterion 7: tests begin when what they need is ready, and workers share them out."""

from collections.abc import Iterator

from seatrial.evidence.record import PhaseName, Record, ServiceRecord
from seatrial.judge.criterion import Criterion
from seatrial.judge.dossier import Dossier
from seatrial.judge.model import Confidence, Evidence, Judgement
from seatrial.judge.refusal import Refusal, against, judge_by, lacks
from seatrial.judge.speedup import SpeedUp, measure_speed_up
from seatrial.judge.suite import missing_test_containers
from seatrial.words import counted

__all__ = ["CRITERION"]


def _judge(dossier: Dossier) -> Judgement:
    trial = dossier.trial
    speed_up = measure_speed_up(dossier)
    needed = [service for service in trial.record.services if service.role == "required"]
    measured = isinstance(speed_up, SpeedUp)
    return judge_by(
        (*_not_ready(trial.record), *([] if isinstance(speed_up, SpeedUp) else [speed_up])),
        f"{counted(len(needed), 'needed service')} in all stacks were ready before their tests "
        f"began{_closest(trial.record)}; {speed_up.told if isinstance(speed_up, SpeedUp) else ''}",
        Confidence.HIGH
        if isinstance(speed_up, SpeedUp) and speed_up.against_trials
        else Confidence.MEDIUM,
        *_rows(dossier),
        *(speed_up.evidence if isinstance(speed_up, SpeedUp) and measured else ()),
    )


def _not_ready(record: Record) -> Iterator[Refusal]:
    if missing := missing_test_containers(record):
        yield lacks(missing, "run a new trial")
    for service in record.services:
        if service.role != "required":
            continue
        name = f"service {service.name}" + (f" of worker {service.worker}" if record.split else "")
        begin = _tests_begin(record, service.worker)
        if service.proof == "none":
            yield lacks(
                f"nothing shows that {name} was ready",
                f"give service {service.name} a health check, or declare its port",
            )
        elif service.ready_at is None:
            yield against(f"{name} was never ready", "see its log")
        elif begin is None:
            yield lacks(
                f"it is not known when the tests of worker {service.worker} began",
                "run a new trial",
            )
        elif service.ready_at > begin:
            yield against(
                f"{name} was ready at {service.ready_at:.2f} s, its tests began at {begin:.2f} s",
                f"let the test service depend on {service.name} with `service_healthy`",
            )


def _tests_begin(record: Record, worker: int) -> float | None:
    """Seconds since the trial began; the phase begins before the first test does."""
    if record.split:
        return next((w.start for w in record.split.workers if w.number == worker), None)
    phase = record.phase(PhaseName.TEST)
    return phase.start if phase else None


def _closest(record: Record) -> str:
    gaps = [gap for service in record.services if (gap := _gap(record, service)) is not None]
    return f", {min(gaps):.2f} s before at the least" if gaps else ""


def _gap(record: Record, service: ServiceRecord) -> float | None:
    begin = _tests_begin(record, service.worker)
    if service.role != "required" or service.ready_at is None or begin is None:
        return None
    return begin - service.ready_at


def _rows(dossier: Dossier) -> Iterator[Evidence]:
    exhibit, record = dossier.trial.exhibit, dossier.trial.record
    for number, service in enumerate(record.services):
        if service.role == "required":
            yield exhibit.row(
                f"{service.name} ready ({service.proof})",
                service.ready_at,
                "s",
                f"/services/{number}/ready_at",
            )
    for number, worker in enumerate(record.split.workers if record.split else ()):
        yield exhibit.row(
            f"tests of worker {worker.number} begin",
            worker.start,
            "s",
            f"/split/workers/{number}/start",
        )


CRITERION = Criterion(
    key="ready-and-parallel",
    statement="Tests begin when what they need is ready, and several workers run them sooner.",
    requires="For each needed service the proof and the moment of its readiness, and when its "
    "tests began; more than one worker with tests; the measured speed-up.",
    weight=10,
    judge=_judge,
)
