from datetime import UTC, datetime

from seatrial.evidence.diagnosis import (
    Cause,
    Diagnosis,
    HealthOutput,
    PortReach,
    ReachFrom,
    ServiceDiagnosis,
    ServiceReach,
    Surroundings,
)
from seatrial.evidence.diagnosis_text import MAX_ESSENCE, describe, essence

NOW = datetime(2026, 5, 17, 10, 0, tzinfo=UTC)
CLOSED = PortReach(port=6379, open=False, seconds=0.001, error="Connection refused")


def _diagnosis(
    *services: ServiceDiagnosis,
    reach: tuple[ServiceReach, ...] = (),
    surroundings: Surroundings | None = None,
    reach_error: str = "",
    between: tuple[ReachFrom, ...] = (),
) -> Diagnosis:
    return Diagnosis(
        at=NOW,
        seconds=0.5,
        services=services,
        reach=reach,
        between=between,
        reach_error=reach_error,
        surroundings=surroundings or Surroundings(),
    )


def test_nothing_is_wrong_beside_failed_tests() -> None:
    running = ServiceDiagnosis(service="db", state="running")
    reach = ServiceReach(
        service="db", addresses=("172.18.0.2",), ports=(PortReach(port=1, open=True, seconds=0),)
    )

    assert essence(_diagnosis(running, reach=(reach,))) == []


def test_tells_how_a_service_ended() -> None:
    ended = ServiceDiagnosis(service="db", state="exited", ending="killed by SIGKILL (exit code 9)")

    assert essence(_diagnosis(ended)) == ["service db: killed by SIGKILL (exit code 9)"]


def test_tells_the_last_answer_to_whether_it_is_ready() -> None:
    unready = ServiceDiagnosis(service="db", state="running", last_answer="exit code 2:\nno")

    (line,) = essence(_diagnosis(unready))

    assert line == "service db was last asked whether it is ready: exit code 2: no"


def test_a_running_service_that_does_not_answer_is_told_and_one_that_ended_is_not() -> None:
    ended = ServiceDiagnosis(service="db", state="exited", ending="exit code 1")
    reach = (
        ServiceReach(service="db", error="Name or service not known"),
        ServiceReach(service="cache", addresses=("172.18.0.3",), ports=(CLOSED,)),
        ServiceReach(service="web", error="Name or service not known"),
    )

    assert essence(_diagnosis(ended, reach=reach)) == [
        "service db: exit code 1",
        "from beside the tests: cache:6379 does not answer (Connection refused)",
        "from beside the tests: the name web does not resolve (Name or service not known)",
    ]


def test_what_one_service_alone_does_not_reach_is_told_and_nothing_twice() -> None:
    lost = ServiceReach(service="web", error="Name or service not known")
    closed = ServiceReach(service="cache", addresses=("172.18.0.3",), ports=(CLOSED,))
    open_ = ServiceReach(
        service="cache", ports=(CLOSED.model_copy(update={"open": True, "error": ""}),)
    )
    between = (
        ReachFrom(service="api", reach=(lost, closed)),
        ReachFrom(service="db", error="no answer within 8 s"),
    )

    assert essence(_diagnosis(reach=(lost, open_), between=between)) == [
        "from beside the tests: the name web does not resolve (Name or service not known)",
        "from api: cache:6379 does not answer (Connection refused)",
    ]
    text = "\n".join(describe(_diagnosis(between=between), [], "W"))
    assert "reachability, from api:\n  web: does not resolve" in text
    assert "reachability, from db:\n  could not be asked: no answer within 8 s" in text


def test_what_a_service_that_has_ended_is_not_reached_by_is_no_news() -> None:
    ended = ServiceDiagnosis(service="cache", state="exited", ending="exit code 1")
    closed = ServiceReach(service="cache", error="Name or service not known")

    told = essence(_diagnosis(ended, between=(ReachFrom(service="api", reach=(closed,)),)))

    assert told == ["service cache: exit code 1"]


def test_only_a_lack_of_disk_or_memory_is_told() -> None:
    short = Surroundings(engine_disk_free=100 << 20, project_disk_free=50 << 30)

    assert essence(_diagnosis(surroundings=short)) == ["only 0.10 GiB of disk free for the engine"]


def test_what_is_wrong_fits_on_the_screen() -> None:
    services = [
        ServiceDiagnosis(service=f"s{n}", state="exited", ending="exit code 1") for n in range(30)
    ]

    assert len(essence(_diagnosis(*services))) == MAX_ESSENCE


def test_the_whole_text_has_causes_services_health_checks_ports_disk_and_memory() -> None:
    cause = Cause(key="k", what="It broke", remedy="mend it", where="logs/db.log", line="sign")
    service = ServiceDiagnosis(
        service="db",
        state="running",
        health=(HealthOutput(at="10:00", exit_code=1, output="no"),),
    )
    reach = ServiceReach(service="cache", addresses=("172.18.0.3",), ports=(CLOSED,))
    around = Surroundings(memory_available=1 << 30, memory_total=2 << 30)

    text = "\n".join(
        describe(_diagnosis(service, reach=(reach,), surroundings=around), [cause], "W")
    )

    for part in (
        "likely cause: It broke",
        "remedy: mend it",
        "seen in logs/db.log: sign",
        "db: running",
        "health check at 10:00: exit code 1: no",
        "port 6379: closed (Connection refused) after 1.0 ms",
        "1.00 GiB of 2.00 GiB",
        "engine keeps its containers: unknown",
    ):
        assert part in text


def test_that_nobody_could_ask_is_told() -> None:
    text = "\n".join(describe(_diagnosis(reach_error="no test image"), [], "W"))

    assert "could not be asked: no test image" in text
