import json
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from seatrial.cli.app import app
from seatrial.errors import UsageFault
from seatrial.evidence.build import BuiltImage
from seatrial.evidence.coverage import Coverage
from seatrial.evidence.record import BudgetResult, Record, Resources, Status
from seatrial.judge.claims.against import Evidence
from seatrial.judge.claims.check import check_claims, stands
from seatrial.judge.claims.document import parse_document, read_document
from seatrial.judge.claims.model import Finding, Standing
from unit.factories import make_pytest, make_record, make_service

HERE = Path(__file__).parent
APPROVAL = HERE / "production_approval.md"


def check(text: str, record: Record | None = None, **evidence: Any) -> tuple[Finding, ...]:
    held = Evidence(record, **evidence) if record else None
    return check_claims(parse_document(text), held)


def only(text: str, record: Record | None = None, **evidence: Any) -> Finding:
    (found,) = check(text, record, **evidence)
    return found


def standing(text: str, record: Record | None = None, **evidence: Any) -> Standing:
    return only(text, record, **evidence).standing


def table(*rows: str, head: str = "Metric | Result | Target | Status") -> str:
    return "\n".join([f"| {head} |", f"| {' | '.join('-' * 3 for _ in head.split('|'))} |", *rows])


def at_line(findings: tuple[Finding, ...], line: int) -> Finding:
    return next(one for one in findings if one.line == line)


class TestTheApprovalThatStartedIt:
    found = check_claims(read_document(APPROVAL), None)

    def test_the_row_that_misses_its_own_target_contradicts_itself_and_is_an_estimate(self) -> None:
        row = at_line(self.found, 17)
        assert row.standing is Standing.CONTRADICTS_ITSELF
        assert "misses its own target, 180 s, by 2 min 00 s" in row.reasons[0]
        assert any("not measured by its own words" in reason for reason in row.reasons)

    def test_the_conclusion_that_all_targets_are_met_contradicts_that_row(self) -> None:
        conclusion = at_line(self.found, 8)
        assert conclusion.standing is Standing.CONTRADICTS_ITSELF
        assert "line 17" in conclusion.reasons[0]

    def test_the_score_that_was_raised_without_a_measurement_contradicts_itself(self) -> None:
        for line in (4, 41):
            score = at_line(self.found, line)
            assert score.standing is Standing.CONTRADICTS_ITSELF
            assert "92 (line 4), 100 (line 4)" in score.reasons[0]

    def test_the_sum_of_the_score_table_is_not_its_total(self) -> None:
        total = at_line(self.found, 32)
        assert "the rows above add up to 92, not to 100" in total.reasons

    def test_a_start_up_with_a_sleep_in_it_is_no_measurement(self) -> None:
        start = at_line(self.found, 16)
        assert start.standing is Standing.FIXED_WAIT
        assert start.reasons == ("10.0 s of its 13 s are a sleep (line 22)",)

    def test_what_nothing_speaks_against_is_only_not_supported(self) -> None:
        for line in (3, 15, 18, 19, 20, 36):
            assert at_line(self.found, line).standing is Standing.UNSUPPORTED

    def test_it_does_not_stand_even_if_claims_may_lack_support(self) -> None:
        assert not stands(self.found, allow_unsupported=True)


def test_a_document_that_says_what_was_measured_is_confirmed() -> None:
    found = check_claims(read_document(HERE / "sober.md"), Evidence(make_record()))
    assert {one.standing for one in found} == {Standing.CONFIRMED}
    assert len(found) == 8
    assert stands(found, allow_unsupported=False)


def test_a_document_without_claims_confirms_nothing() -> None:
    assert not stands(check("Some text, 3 of it."), allow_unsupported=True)


@pytest.mark.parametrize(
    ("stated", "expected"),
    [
        ("1.5 s", Standing.CONFIRMED),
        ("1 s", Standing.CONTRADICTED),
        ("2 s", Standing.CONFIRMED),
        ("1.4 s", Standing.CONTRADICTED),
        ("1.49 s", Standing.CONTRADICTED),
        ("10 s", Standing.CONFIRMED),
        ("< 2 s", Standing.CONFIRMED),
        ("< 1.5 s", Standing.CONTRADICTED),
        ("≤ 1.5 s", Standing.CONFIRMED),
        ("1 min", Standing.CONFIRMED),
        ("1-2 s", Standing.CONFIRMED),
        ("~2 s", Standing.ESTIMATE),
    ],
)
def test_a_time_is_confirmed_if_it_is_no_worse_at_its_own_precision(
    stated: str, expected: Standing
) -> None:
    assert standing(f"The build took {stated}.", make_record()) is expected


@pytest.mark.parametrize(
    ("stated", "expected"),
    [
        ("95 %", Standing.CONFIRMED),
        ("94.6 %", Standing.CONFIRMED),
        ("94.7 %", Standing.CONTRADICTED),
        ("96 %", Standing.CONTRADICTED),
        ("≥ 80 %", Standing.CONFIRMED),
        ("100 %", Standing.CONTRADICTED),
    ],
)
def test_coverage_may_be_higher_than_it_is_said_to_be(stated: str, expected: Standing) -> None:
    record = make_record(coverage=Coverage(measured=True, percent=94.6))
    assert standing(f"Coverage: {stated}", record) is expected


def test_all_is_not_rounded_to() -> None:
    record = make_record(coverage=Coverage(measured=True, percent=99.6))
    assert standing("Coverage is 100 %.", record) is Standing.CONTRADICTED


def test_a_contradiction_says_by_how_much() -> None:
    found = only("Clean-up: 1 s", make_record())
    assert found.reasons == ("measured 1.5 s (phase clean), 0.50 s more than it says (50 %)",)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("3 tests passed", Standing.CONFIRMED),
        ("4 tests passed", Standing.CONTRADICTED),
        ("0 failures", Standing.CONFIRMED),
        ("The suite has 3 tests.", Standing.CONFIRMED),
        ("2 parallel workers", Standing.CONTRADICTED),
        ("All tests pass.", Standing.CONFIRMED),
        ("Every test passed, no failures", Standing.CONFIRMED),
        ("Peak memory: 200 MiB", Standing.CONFIRMED),
        ("Peak memory: 120 MiB", Standing.UNSUPPORTED),
        ("Peak memory: 50 MiB", Standing.CONTRADICTED),
        ("The image has a size of 300 MB", Standing.CONFIRMED),
        ("Branch coverage: 90 %", Standing.UNSUPPORTED),
        ("Latency: 5 ms ✅", Standing.UNSUPPORTED),
    ],
)
def test_each_metric_is_held_against_what_the_trial_measured(text: str, expected: Standing) -> None:
    used = Resources(
        cpu_seconds=1,
        cpu_mean=1,
        memory_peak_bytes=100 << 20,
        memory_peak_source="kernel",
        received_bytes=0,
        sent_bytes=0,
        read_bytes=0,
        written_bytes=0,
        samples=3,
    )
    image = BuiltImage(services=("test",), name="t", id="sha256:1", size_bytes=250_000_000)
    record = make_record(
        services=(
            make_service(resources=used),
            make_service("test", role="test", state="ran", proof="none", resources=used),
        ),
        build={
            "steps": (), "cached_steps": 0, "total_steps": 0, "context_bytes": 0,
            "state": "warm", "images": (image,),
        },
    )  # fmt: skip
    assert standing(text, record) is expected


def test_a_suite_that_died_early_confirms_no_time() -> None:
    died = make_record(status=Status.FAILED, reason="exit code 1", pytest=None)
    found = only("Tests took 180 s.", died)
    assert found.standing is Standing.UNSUPPORTED
    assert "did not pass: exit code 1" in found.reasons[0]
    assert standing("Tests took 1 s.", died) is Standing.CONTRADICTED


def test_failed_tests_contradict_that_all_passed() -> None:
    failed = make_record(status=Status.FAILED, pytest=make_pytest(1, passed=5, failed=2, errors=1))
    found = only("All tests are passing ✅", failed)
    assert (found.standing, found.reasons) == (Standing.CONTRADICTED, ("3 tests failed",))


def test_failures_that_the_document_counts_contradict_its_conclusion() -> None:
    found = check("236 failures were seen.\n\nAll tests pass.")
    assert at_line(found, 3).standing is Standing.CONTRADICTS_ITSELF


@pytest.mark.parametrize(
    "text",
    [
        "Not all targets are met.",
        "All targets are not met.",
        "It is not approved.",
        "Once all tests pass we ship.",
        "- [ ] All of it",
    ],
)
def test_what_is_denied_or_open_is_not_claimed(text: str) -> None:
    assert all(one.standing is not Standing.CONFIRMED for one in check(text, make_record()))


def test_a_missed_budget_contradicts_that_all_targets_are_met() -> None:
    budget = BudgetResult(metric="test", limit=1, measured=1.5, met=False)
    found = only("All performance targets have been met.", make_record(budgets=(budget,)))
    assert found.standing is Standing.CONTRADICTED
    assert found.reasons == ("test took 1.5 s, its budget is 1.0 s",)


def test_the_documents_own_target_is_held_against_the_measured_value() -> None:
    found = check(table("| Build | 0.9 s | 1 s | ✅ |") + "\n\nAll targets met.", make_record())
    assert [one.standing for one in found] == [Standing.CONTRADICTED] * 2
    assert "misses its target, 1 s, by 0.50 s" in found[0].reasons[0]


@pytest.mark.parametrize(
    "row",
    [
        "| Test run | 300 s | ≤ 180 s | ✅ |",
        "| Test run | 5 min | < 3 min | ✔️ |",
        "| Test run | 5 min | 180 s | passed |",
        "| Test run | 180 s | < 180 s | ✅ |",
        "| Test run | 300 | 180 s | OK |",
        "| Coverage | 70 % | 80 % | ✓ |",
        "| Coverage | 70,5 % | ≥ 80 % | yes |",
        "| Memory | 2.5 GiB | 2 GiB | met |",
        "| Something else | 9 ms | ≤ 5 ms | ✅ |",
        "| **Test run** | **300 s** | `180 s` | <b>✅</b> |",
    ],
)
def test_a_row_that_misses_its_target_and_is_ticked_contradicts_itself(row: str) -> None:
    assert standing(table(row)) is Standing.CONTRADICTS_ITSELF


@pytest.mark.parametrize(
    "row",
    [
        "| Test run | 100 s | ≤ 180 s | ✅ |",
        "| Test run | 180 s | ≤ 180 s | ✅ |",
        "| Test run | 300 s | ≤ 180 s | ❌ |",
        "| Test run | 300 s | ≤ 180 s | not met |",
        "| Coverage | 90 % | 80 % | ✓ |",
        "| Something else | 9 | 5 | ✅ |",
        "| Throughput | 9 | ≥ 5 | ✅ |",
    ],
)
def test_a_row_that_keeps_its_target_or_admits_that_it_does_not_is_left_alone(row: str) -> None:
    assert standing(table(row)) is Standing.UNSUPPORTED


@pytest.mark.parametrize(
    "head",
    [
        "Metric | Target | Result | Status",
        "Metrik | Ziel | Ergebnis | erfüllt",
        "Métrique | Objectif | Résultat | Statut",
        "? | Goal | Actual | ?",
    ],
)
def test_columns_are_known_by_their_heads_in_any_order(head: str) -> None:
    assert standing(table("| Test | 180 s | 300 s | ✅ |", head=head)) is (
        Standing.CONTRADICTS_ITSELF
    )


def test_columns_without_known_heads_are_known_by_what_is_in_them() -> None:
    text = table("| Test | ≤ 180 s | ✅ | 300 s |", head="a | b | c | d")
    assert standing(text) is Standing.CONTRADICTS_ITSELF


def test_a_unit_in_the_head_is_that_of_its_column() -> None:
    text = table("| Build | 900 | ✅ |", head="Step | Duration (ms) | Status")
    assert standing(text, make_record()) is Standing.CONTRADICTED
    text = table("| Build | 1500 | ✅ |", head="Step | Duration (ms) | Status")
    assert standing(text, make_record()) is Standing.CONFIRMED


def test_scores_may_be_summed_or_averaged() -> None:
    head = "Part | Score"
    summed = check(table("| a | 40/50 |", "| b | 45/50 |", "| Total | 85/100 |", head=head))
    averaged = check(table("| a | 80/100 |", "| b | 90/100 |", "| Overall | 85/100 |", head=head))
    wrong = check(table("| a | 40/50 |", "| b | 45/50 |", "| Total | 95/100 |", head=head))
    assert summed[-1].standing is averaged[-1].standing is Standing.UNSUPPORTED
    assert wrong[-1].standing is Standing.CONTRADICTS_ITSELF


def test_each_table_of_scores_has_its_own_total() -> None:
    head = "Part | Score"
    first = table("| a | 40/50 |", "| b | 45/50 |", head=head)
    second = table("| c | 40/50 |", "| d | 45/50 |", "| Total | 85/100 |", head=head)
    assert check(f"{first}\n\n{second}")[-1].standing is Standing.UNSUPPORTED


def test_an_estimate_cannot_hide_behind_what_is_not_seen() -> None:
    assert standing("Tests took 300 s (esti\u200bmated).") is Standing.ESTIMATE
    assert standing("Tests took 300 s (\uff45stimated).") is Standing.ESTIMATE


def test_the_score_that_is_asked_for_is_no_second_score() -> None:
    assert standing("The score is 92/100 (passing score: 90).") is Standing.UNSUPPORTED


def test_a_sleep_beside_a_figure_is_told() -> None:
    assert standing("Start-up takes 13 s, with sleep 10 in it.") is Standing.FIXED_WAIT
    assert standing("Start-up takes 13 s, no sleep in it.") is Standing.UNSUPPORTED


def test_evidence_that_was_tampered_with_supports_nothing() -> None:
    found = only("Build: 2 s", make_record(), faults=("tests.jsonl has another content",))
    assert found.standing is Standing.UNSUPPORTED
    assert "another content" in found.reasons[0]


def test_a_failed_trial_contradicts_an_approval() -> None:
    failed = make_record(status=Status.FAILED, reason="2 tests failed")
    assert standing("Approved for production!", failed) is Standing.CONTRADICTED
    assert standing("Approved for production!", make_record()) is Standing.UNSUPPORTED


def test_lines_that_go_on_are_one_sentence_and_lists_are_not() -> None:
    found = check(
        "It is long: all\ntests are\npassing. The build took 9 s.\n\n- Build: 8 s\n- Build: 7 s"
    )
    assert [one.line for one in found] == [1, 3, 5, 6]


def test_tables_in_html_and_code_are_read_as_lines() -> None:
    found = check("<table>\n<tr><td>Build</td><td>1 s</td></tr>\n</table>\n\n```\nBuild: 1 s\n```")
    assert [one.line for one in found] == [2, 6]
    assert check("<!-- Build: 1 s -->\n\n<!--\nScore: 100/100\n-->") == ()


HOSTILE = [
    "\x1b[2J\x1b]0;title\x07Build: 5 s \x9b31m",
    "Build\u202e: 5 s \u2066",
    "| a | \x1b[31mBuild |\n| - | - |\n| Build \x1b]8;;http://x\x07 | 5 s ✅ |",
    "\ud800 Build: 5 s",
    "Build: 5 s \x00\x08\x7f",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_no_escape_code_reaches_the_terminal(text: str, tmp_path: Path) -> None:
    path = tmp_path / "claims.md"
    path.write_bytes(text.encode("utf-8", "surrogatepass"))
    for extra in ([], ["--json"]):
        done = CliRunner().invoke(app, ["verify-claims", str(path), "--no-evidence", *extra])
        assert done.exit_code == 1
        assert "5 s" in done.output
        assert not {char for char in done.output if ord(char) < 32 and char != "\n"}
        assert not {"\x9b", "\x7f", "\u202e", "\u2066"} & set(done.output)


@pytest.mark.parametrize(
    "text",
    [
        "> " * 5_000 + "Build: 5 s",
        "- " * 5_000 + "x",
        "[" * 100_000,
        "*a " * 50_000,
        "`" * 100_000,
        "<" * 100_000,
        "| a " * 20_000 + "\n" + "| - " * 20_000 + "\n" + "| 1 s " * 20_000,
        "all " * 100_000,
        ("all " * 400 + "\n") * 250,
        ("approved 1 s not " * 100 + "\n") * 200,
        "\n" * 19_000,
    ],
    ids=lambda text: repr(text[:6]),
)
def test_hostile_documents_are_read_in_bounded_time(text: str) -> None:
    import time

    began = time.perf_counter()
    with suppress(UsageFault):
        check(text)
    assert time.perf_counter() - began < 10


@given(st.text(max_size=400))
def test_no_text_breaks_the_reader(text: str) -> None:
    check(text, make_record())


@given(
    st.lists(
        st.sampled_from([*"|-:\n #*[]x`~ 19s%/✅❌<>.,", "All targets met", "Score"]), max_size=80
    )
)
def test_no_markdown_breaks_the_reader(parts: list[str]) -> None:
    check("".join(parts), make_record())


def test_a_document_that_is_too_large_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "large.md"
    path.write_bytes(b"x" * (1 << 20) + b"y")
    with pytest.raises(UsageFault, match="larger than"):
        read_document(path)
    path.write_bytes(b"Build: 1 s\n" * 6_000)
    with pytest.raises(UsageFault, match="more than"):
        check_claims(read_document(path), None)


@pytest.mark.parametrize("place", ["none.md", "."])
def test_a_document_that_is_not_there_is_a_usage_fault(tmp_path: Path, place: str) -> None:
    done = CliRunner().invoke(app, ["verify-claims", str(tmp_path / place)])
    assert isinstance(done.exception, UsageFault)


def test_a_project_without_a_trial_supports_nothing(tmp_path: Path) -> None:
    done = CliRunner().invoke(
        app, ["verify-claims", str(HERE / "sober.md"), "-C", str(tmp_path), "--json"]
    )
    told = json.loads(done.output)
    assert done.exit_code == 1
    assert (told["holds"], told["trial"]) == (False, None)
    assert {one["standing"] for one in told["claims"]} == {"not supported"}
    allowed = ["verify-claims", str(HERE / "sober.md"), "-C", str(tmp_path), "--allow-unsupported"]
    assert CliRunner().invoke(app, allowed).exit_code == 0
    named = ["verify-claims", str(HERE / "sober.md"), "-C", str(tmp_path), "--trial", "abc"]
    assert isinstance(CliRunner().invoke(app, named).exception, UsageFault)


def test_a_trial_and_no_evidence_exclude_each_other() -> None:
    arguments = ["verify-claims", str(APPROVAL), "--trial", "a", "--no-evidence"]
    assert isinstance(CliRunner().invoke(app, arguments).exception, UsageFault)
