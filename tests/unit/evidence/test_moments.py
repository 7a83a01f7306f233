from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seatrial.evidence.moments import MAX_BYTES, MAX_TEXT, parse_moment, read_between

START = datetime(2026, 5, 17, 10, 0, tzinfo=UTC)


def _log(tmp_path: Path, *entries: tuple[float, str]) -> Path:
    """A log whose lines were written so many seconds after START."""
    path = tmp_path / "db.log"
    lines = [f"{_stamp(seconds)} {text}\n" for seconds, text in entries]
    path.write_bytes("".join(lines).encode())
    return path


def _stamp(seconds: float) -> str:
    return f"{START + timedelta(seconds=seconds):%Y-%m-%dT%H:%M:%S.%f}000Z"


def _between(path: Path, start: float, end: float, max_lines: int = 200) -> list[str]:
    begin = START.timestamp()
    found, _ = read_between(path, "db", begin + start, begin + end, max_lines=max_lines)
    return [line.text for line in found]


@pytest.mark.parametrize(
    ("line", "seconds"),
    [
        (b"2026-05-17T10:00:01.500000000Z hello", 1.5),
        (b"2026-05-17T10:00:01Z hello", 1.0),
        (b"2026-05-17T10:00:01.25Z hello", 1.25),
        (b"hello", None),
        (b"2026-13-99T10:00:01Z hello", None),
        (b"", None),
    ],
)
def test_reads_the_engines_timestamp(line: bytes, seconds: float | None) -> None:
    expected = None if seconds is None else START.timestamp() + seconds

    assert parse_moment(line) == expected


def test_only_lines_between_the_two_moments_are_returned(tmp_path: Path) -> None:
    path = _log(tmp_path, (0, "a"), (1, "b"), (2, "c"), (2, "d"), (3, "e"))

    assert _between(path, 1, 2) == ["b", "c", "d"]
    assert _between(path, 0.5, 0.9) == []
    assert _between(path, -5, 50) == ["a", "b", "c", "d", "e"]
    assert _between(path, 4, 50) == []


@given(
    times=st.lists(st.integers(0, 30), max_size=40).map(sorted),
    start=st.integers(-1, 31),
    length=st.integers(0, 31),
)
def test_bisection_finds_what_a_search_line_by_line_finds(
    tmp_path_factory: pytest.TempPathFactory, times: list[int], start: int, length: int
) -> None:
    entries = [(float(time), f"line {n}{'x' * (n * 7 % 40)}") for n, time in enumerate(times)]
    path = _log(tmp_path_factory.mktemp("log"), *entries)

    assert _between(path, start, start + length) == [
        text for at, text in entries if start <= at <= start + length
    ]


def test_of_too_many_lines_the_last_are_kept_and_that_is_told(tmp_path: Path) -> None:
    path = _log(tmp_path, *((1, str(number)) for number in range(10)))
    begin = START.timestamp()

    lines, cut = read_between(path, "db", begin, begin + 5, max_lines=3)

    assert [line.text for line in lines] == ["7", "8", "9"]
    assert cut


def test_a_slice_of_a_large_log_reads_only_its_end(tmp_path: Path) -> None:
    path = _log(tmp_path, *((n / 1000, "x" * 500) for n in range(5000)), (6, "last"))
    begin = START.timestamp()

    lines, cut = read_between(path, "db", begin, begin + 10, max_lines=10_000)

    assert lines[-1].text == "last"
    assert cut
    assert len(lines) <= MAX_BYTES // 500


def test_lines_are_cleaned_and_cut_and_one_without_a_time_belongs_to_the_one_before(
    tmp_path: Path,
) -> None:
    path = tmp_path / "db.log"
    path.write_bytes(
        f"{_stamp(1)} \x1b[31mred\x1b[0m\rover\n  and more\n{_stamp(2)} {'y' * 9000}\n".encode()
    )

    assert _between(path, 0, 1.5) == ["red", "over", "  and more"]
    assert _between(path, 1.5, 3) == ["y" * MAX_TEXT]


def test_a_log_that_is_not_there_or_has_no_times_is_no_lines(tmp_path: Path) -> None:
    assert _between(tmp_path / "none.log", 0, 1) == []
    (tmp_path / "db.log").write_bytes(b"\xff\xfe no times \n" * 100)
    assert _between(tmp_path / "db.log", 0, 1) == []
