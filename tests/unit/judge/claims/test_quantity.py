import pytest
from hypothesis import given
from hypothesis import strategies as st

from seatrial.judge.claims.quantity import find_quantities, is_hedged, parse_number, unit_of

MINUTE, HOUR = 60.0, 3600.0


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        ("12 s", "time", 12),
        ("12s", "time", 12),
        ("850 ms", "time", 0.85),
        ("3 min", "time", 3 * MINUTE),
        ("2 min 05 s", "time", 125),
        ("1m30s", "time", 90),
        ("1h 2m 3s", "time", HOUR + 2 * MINUTE + 3),
        ("0,5 s", "time", 0.5),
        ("1.234,5 ms", "time", 1.2345),
        ("95 %", "share", 95),
        ("87,5%", "share", 87.5),
        ("2 GiB", "size", 2 << 30),
        ("512 MB", "size", 512e6),
        ("1,234.5", "number", 1234.5),
        ("1 234 567", "number", 1234567),
        ("1'234", "number", 1234),
        ("170", "number", 170),
        ("2.5x", "ratio", 2.5),
    ],
)
def test_a_number_with_its_unit_is_read_as_people_write_it(
    text: str, kind: str, value: float
) -> None:
    (found,) = find_quantities(text)
    assert found.kind == kind
    assert found.value == pytest.approx(value)
    assert found.text == text


@pytest.mark.parametrize(
    ("text", "bound", "value"),
    [
        ("≤ 180 s", "<=", 180),
        ("<=180s", "<=", 180),
        ("< 3 min", "<", 180),
        ("at most 3 min", "<=", 180),
        ("under 2 minutes", "<", 120),
        (">= 80 %", ">=", 80),
        ("≥80%", ">=", 80),
        ("at least 80 %", ">=", 80),
        ("> 80 %", ">", 80),
        ("max. 30 s", "<=", 30),
        ("~180 s", "", 180),
    ],
)
def test_a_comparison_before_a_number_is_its_bound(text: str, bound: str, value: float) -> None:
    (found,) = find_quantities(text)
    assert (found.bound, found.value) == (bound, value)


def test_of_a_range_both_ends_are_known() -> None:
    for text in ("120-180 s", "120s–180s", "120 to 180 s"):  # noqa: RUF001 - a dash
        (found,) = find_quantities(text)
        assert (found.low, found.value) == (120, 180)


def test_a_change_is_two_numbers_and_no_range() -> None:
    assert [one.value for one in find_quantities("raised from 92 to 100")] == [92, 100]
    assert [one.value for one in find_quantities("from 300 s to 2 min")] == [300, 120]


def test_a_score_is_out_of_something() -> None:
    (found,) = find_quantities("92/100")
    assert (found.value, found.of) == (92, 100)


@pytest.mark.parametrize(
    "text", ["", "none", "v1.2.3", "2026-01-02 12:30", "python3.11", "SHA256", "a1b2", "IPv6"]
)
def test_names_versions_and_dates_are_no_quantities(text: str) -> None:
    assert find_quantities(text) == ()


def test_the_last_digit_says_how_exact_a_number_is() -> None:
    steps = {text: find_quantities(text)[0].step for text in ("300 s", "1.50 s", "5 min", "2 ms")}
    assert steps == {"300 s": 1, "1.50 s": 0.01, "5 min": 60, "2 ms": pytest.approx(0.001)}


@pytest.mark.parametrize(
    "text",
    [
        "~300s",
        "≈ 5 s",
        "300 s (estimated)",
        "approx. 3 min",
        "expected: 12 s",
        "projected",
        "ca. 5",
    ],
)
def test_an_estimate_is_known_by_its_words(text: str) -> None:
    assert is_hedged(text)


def test_a_plain_result_is_no_estimate() -> None:
    assert not is_hedged("300 s, measured in CI")


def test_a_head_names_the_unit_of_its_column() -> None:
    unit = unit_of("Duration (ms)")
    assert unit == ("time", 0.001)
    assert find_quantities("850", unit)[0].value == pytest.approx(0.85)
    assert unit_of("Duration (median)") is None


@given(st.integers(0, 10**9), st.integers(0, 6), st.sampled_from([",.", ".,", " .", " ,", "'."]))
def test_grouped_numbers_are_read_back_as_they_were_written(
    whole: int, decimals: int, marks: str
) -> None:
    number = whole / 10**decimals
    text = f"{number:,.{decimals}f}"
    written = text.replace(",", "G").replace(".", marks[1]).replace("G", marks[0])
    # One comma before three digits groups them, and one point never does: docs/claims.md.
    ambiguous = (marks == ".," and decimals == 0 and 1000 <= number < 10**6) or (
        marks[1] == "," and decimals == 3 and 1 <= number < 1000
    )
    found = parse_number(written)
    assert found is not None
    assert ambiguous or (found[0] == pytest.approx(number) and found[1] == decimals)


@given(
    st.floats(0.01, 9999, allow_nan=False),
    st.sampled_from(["ms", "s", "min", "h", "%", "MiB", "GB"]),
    st.sampled_from(["", "≤ ", "~", "< ", "about "]),
    st.sampled_from(["", " (estimated)", " ✅", "."]),
)
def test_a_quantity_is_found_in_what_surrounds_it(
    number: float, unit: str, before: str, after: str
) -> None:
    found = find_quantities(f"{before}{number:.2f} {unit}{after}")
    assert len(found) == 1
    assert found[0].value / found[0].scale == pytest.approx(round(number, 2))


@given(st.text(max_size=200))
def test_no_text_breaks_the_reader(text: str) -> None:
    for one in find_quantities(text):
        assert one.step > 0


@pytest.mark.parametrize("text", ["1" * 1000, "1," * 1000, "1 " * 1000, "1-" * 1000, "<" * 2000])
def test_long_texts_are_read_in_no_time(text: str) -> None:
    import time

    began = time.perf_counter()
    find_quantities(text)
    assert time.perf_counter() - began < 2
