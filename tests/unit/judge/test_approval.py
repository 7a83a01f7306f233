import json
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import settings as settings_of_test
from hypothesis import strategies as st

from seatrial.errors import UsageFault
from seatrial.evidence.audit import Severity, ToolRun
from seatrial.evidence.model import schema_of
from seatrial.judge.approval import Approval, approval_json, draw_up
from seatrial.judge.dossier import Dossier, PolicyChange
from seatrial.judge.earlier_approval import approval_folder, find_earlier_approval
from seatrial.judge.model import Reason
from seatrial.judge.verdict import Verdict, judge
from seatrial.report.approval import approval_markdown, write_approval
from unit.judge.dossiers import OLDER, commit, dossier, drills, settings, trial
from unit.judge.verdicts import audit, audited, finding, verdict, waived

FINDINGS = (
    finding("fixed-sleep"),
    finding("fixed-sleep", line=9),
    finding("privileged", severity=Severity.HIGH),
    finding("published-port", severity=Severity.LOW, line=None),
)


def draw(of: Dossier | None = None, **values: Any) -> Approval:
    of = of or audited()
    return draw_up(of, verdict(of, **values))


def both(of: Dossier, judged: Verdict) -> str:
    approval = draw_up(of, judged)
    return approval_markdown(approval) + approval_json(approval)


def shuffled(of: Dossier, chance: Random) -> Dossier:
    """The same evidence, found in another order."""

    def mixed(items: Any) -> Any:
        listed = list(items)
        chance.shuffle(listed)
        return tuple(listed)

    assert of.audit
    assert of.drills
    report = of.audit.model_copy(
        update={
            "files": mixed(of.audit.files),
            "findings": mixed(of.audit.findings),
            "tools": mixed(of.audit.tools),
            "not_checked": mixed(of.audit.not_checked),
        }
    )
    results = of.drills.report.model_copy(update={"results": mixed(of.drills.report.results)})
    return replace(
        of,
        trials=(of.trial, *mixed(of.trials[1:])),
        earlier=mixed(of.earlier),
        audit=report,
        drills=replace(of.drills, report=results),
        policy_changes=mixed(of.policy_changes),
        ledger_faults=mixed(of.ledger_faults),
        command_results=dict(mixed(of.command_results.items())),
    )


def full() -> Dossier:
    """One with several of everything."""
    return audited(
        audit(
            *FINDINGS,
            not_checked=("network-not-isolated: no engine", "secret-in-image: no image"),
            tools=(ToolRun(name="zizmor", why_not="not installed"), ToolRun(name="hadolint")),
        ),
        trials=tuple(trial(number=number) for number in (9, 8, 7)),
        policy_changes=(
            PolicyChange("budgets.test", "60", "180", "seatrial.toml"),
            PolicyChange("budgets.build", "60", "90", "seatrial.toml"),
        ),
        ledger_faults=("line 3 is missing", "line 4 is missing"),
        drills=drills(
            build_fails={"passed": False, "faults": ("no cause told",)}, killed={"passed": None}
        ),
    )


def test_twenty_drawings_up_on_equal_evidence_are_equal_to_the_byte() -> None:
    assert len({both(full(), verdict(full())) for _ in range(20)}) == 1


@settings_of_test(max_examples=20, deadline=None)
@given(st.randoms(use_true_random=False))
def test_the_order_in_which_evidence_was_found_changes_nothing(chance: Random) -> None:
    of = full()
    judged = verdict(of, waived=(waived(), waived(person="Grace Hopper")))
    other = judged.model_copy(
        update={
            "reasons": tuple(chance.sample(judged.reasons, len(judged.reasons))),
            "waived": tuple(chance.sample(judged.waived, len(judged.waived))),
        }
    )

    assert both(shuffled(of, chance), other) == both(of, judged)


def test_the_time_of_judging_is_not_in_it() -> None:
    assert draw(dossier(now=None)) == draw(dossier())


def test_without_a_trial_there_is_nothing_to_draw_up() -> None:
    of = dossier(trials=())

    with pytest.raises(UsageFault, match="no trial"):
        draw_up(of, verdict(dossier()))


def test_of_a_trial_whose_files_were_changed_nothing_counts_as_measured() -> None:
    of = audited(trials=(trial(faults=("junit.xml has another content",)),))
    approval = draw(of)

    assert {row.status for row in approval.benchmarks} == {"not measured"}
    assert {one.level for one in approval.risks if one.area in {"security", "clean-up"}} <= {
        "high",
        "medium",
    }
    lines = {one.statement: one for one in approval.checklist}
    assert lines["the tests pass"].status == "nothing ran"
    assert "junit.xml has another content" in next(
        one.reason for one in approval.risks if one.area == "security"
    )


def test_other_evidence_gives_another_document() -> None:
    other = dossier(trials=(trial(number=9, seconds=71.0), trial(number=8)))

    assert both(other, verdict(other)) != both(dossier(), verdict(dossier()))


def test_it_fits_its_schema_and_reads_back_as_it_was() -> None:
    approval = draw(full())
    text = approval_json(approval)

    jsonschema.validate(json.loads(text), schema_of(Approval))
    assert Approval.model_validate_json(text) == approval


def test_the_monitoring_period_begins_with_an_approval_and_lasts_as_the_settings_say() -> None:
    approved = draw()
    watch = approved.monitoring

    assert approved.decision == "approved"
    assert watch
    assert watch.begins == approved.trial.ended
    assert (watch.ends - watch.begins).days == watch.days == 30
    assert watch.success == "no confirmed degradation, and fewer than 1 % of the trials fail"


def test_a_rejection_has_nothing_to_watch() -> None:
    assert draw(approved=False).monitoring is None


def test_each_thing_that_was_not_measured_is_listed_with_why() -> None:
    of = full()
    listed = {one.why for one in draw(of).not_measured}

    assert {
        "not checked: network-not-isolated: no engine",
        "not checked: secret-in-image: no image",
        "not checked: zizmor: not installed",
        "drill killed: it does not say why it was not rehearsed",
        "no commit to compare with",
        "no rollback was rehearsed",
        "no earlier approval is kept here",
        "ended before a sample was taken: db, test",
    } <= listed


@given(
    st.fixed_dictionaries(
        {
            "drills": st.sampled_from([None, drills(), drills(outdated="old")]),
            "audit": st.sampled_from([None, audit(not_checked=("privileged: why",))]),
            "trials": st.sampled_from([(trial(),), (trial(coverage=None, pytest=None),)]),
            "policy_base": st.sampled_from([None, OLDER]),
            "settings": st.sampled_from([settings(), settings(budgets={})]),
        }
    )
)
def test_whatever_is_not_measured_anywhere_in_the_document_is_in_its_list(
    parts: dict[str, Any],
) -> None:
    approval = draw(audited(parts.pop("audit"), **parts))
    listed = {one.why for one in approval.not_measured}
    what = {one.what for one in approval.not_measured}

    for criterion in approval.verdict.criteria:
        assert criterion.status != "not measured" or criterion.reason in listed
    for row in approval.benchmarks:
        assert row.status != "not measured" or f"benchmark {row.metric}" in what
    for line in approval.checklist:
        assert line.status != "nothing ran" or line.found in listed
    assert (
        parts["drills"] is None or not parts["drills"].outdated or any("old" in w for w in listed)
    )
    assert parts["drills"] is not None or "no drill was made" in listed
    assert (parts["policy_base"] is None) == ("no commit to compare with" in listed)


def test_what_blocks_comes_first_among_the_next_steps_and_then_what_is_worth_most() -> None:
    of = audited(audit(*FINDINGS), drills=None, settings=settings(budgets={}))
    first = Reason(key="dirty-tree", what="2 files", remedy="commit them", waivable=False)

    steps = draw_up(of, verdict(of).model_copy(update={"reasons": (first,)})).next_steps

    assert [step.blocks for step in steps] == [True] + [False] * (len(steps) - 1)
    assert (steps[0].remedy, steps[0].settles) == ("commit them", ("dirty-tree",))
    points = [step.points for step in steps[1:]]
    assert points == sorted(points, reverse=True)
    assert [step.settles[0] for step in steps if step.settles[0].startswith("audit")] == [
        "audit, high: privileged at Dockerfile.test:3",
        "audit, medium: fixed-sleep at Dockerfile.test:3 and 1 more",
        "audit, low: published-port at Dockerfile.test",
    ]


def steps_of(of: Dossier) -> dict[str, bool]:
    """What is to be done, and whether it blocks."""
    steps = draw_up(of, judge(of)).next_steps
    return {step.settles[0]: step.blocks for step in steps}


def test_a_criterion_blocks_if_the_score_cannot_be_reached_without_it() -> None:
    of = audited(settings=settings(budgets={}))

    assert steps_of(of) == {"criterion time-budget": True}


def test_where_a_part_of_what_is_lacking_is_enough_the_score_is_what_blocks() -> None:
    of = audited(
        settings=settings({"passing_score": 95}, budgets={}),
        drills=drills(without=("build-fails",)),
    )

    assert steps_of(of) == {
        "criterion time-budget": True,
        "score": True,
        "criterion errors-handled": False,
    }


def test_one_step_is_for_all_that_the_same_remedy_settles() -> None:
    approval = draw(audited(drills=None))
    [step] = [one for one in approval.next_steps if "drill" in one.remedy]

    lacking = [one for one in approval.verdict.criteria if one.status != "met"]
    assert len(lacking) >= 3
    assert {f"criterion {one.key}" for one in lacking} <= set(step.settles)
    assert step.points == sum(one.weight for one in lacking)
    assert step.blocks


def test_every_file_that_a_value_was_read_in_is_listed_with_its_hash() -> None:
    approval = draw(full())
    listed = {(one.file, one.sha256): one.cited for one in approval.evidence}

    rows = [
        row
        for part in (
            approval.verdict.criteria,
            approval.benchmarks,
            approval.risks,
            approval.checklist,
        )
        for one in part
        for row in one.evidence
    ]
    assert rows
    assert all(listed[row.file, row.sha256] for row in rows)
    assert f".seatrial/runs/{approval.trial.id}/junit.xml" in {file for file, _ in listed}
    assert list(listed) == sorted(listed)


def test_control_codes_do_not_get_into_it() -> None:
    of = dossier(trials=(trial(reason="\x1b[2Jall is \u202ewell\ud800"),))

    assert draw(of).trial.reason == "all is well"


def keep(project: Path, of: Dossier, **values: Any) -> Approval:
    approval = draw_up(of, verdict(of, **values))
    write_approval(approval_folder(project, approval.trial.id), approval)
    return approval


def test_the_newest_approval_of_another_commit_is_what_a_rollback_returns_to(
    tmp_path: Path,
) -> None:
    for number, name in ((1, "a"), (3, "b"), (2, "c")):
        of = dossier(commit=commit(name * 40), trials=(trial(number=number, of=name * 40),))
        keep(tmp_path, of, approved=True)

    found = find_earlier_approval(tmp_path, trial(number=9).record)

    assert found
    assert found.commit == "b" * 40
    assert found.exhibit.file == f".seatrial/approvals/{found.trial}/approval.json"
    assert [image.name for image in found.images] == ["shop-test"]


def test_what_is_rejected_later_broken_or_of_this_commit_is_nothing_to_go_back_to(
    tmp_path: Path,
) -> None:
    older = {"commit": commit(OLDER), "trials": (trial(number=1, of=OLDER),)}
    keep(tmp_path, dossier(**older), approved=False)
    keep(tmp_path, dossier(trials=(trial(number=2),)), approved=True)
    keep(
        tmp_path, dossier(commit=commit(OLDER), trials=(trial(number=9, of=OLDER),)), approved=True
    )
    evil = commit("0; rm -rf ~")
    keep(tmp_path, dossier(commit=evil, trials=(trial(number=3),)), approved=True)
    broken = approval_folder(tmp_path, "broken")
    broken.mkdir()
    (broken / "approval.json").write_text("{}")

    assert find_earlier_approval(tmp_path, trial(number=8).record) is None


def test_a_rollback_names_the_commit_the_commands_and_what_is_not_known(tmp_path: Path) -> None:
    keep(
        tmp_path,
        dossier(commit=commit(OLDER), trials=(trial(number=1, of=OLDER),)),
        approved=True,
    )
    before = find_earlier_approval(tmp_path, trial(number=9).record)

    plan = draw(dossier(approved_before=before)).rollback

    assert plan.commit == OLDER
    assert plan.commands[0] == f"git checkout {OLDER}"
    assert "how this project is deployed" in plan.not_known
    assert "digests of shop-test: no registry knows them" in plan.not_known


def test_without_an_earlier_approval_the_rollback_plan_invents_none() -> None:
    plan = draw().rollback

    assert (plan.commit, plan.commands, plan.images) == (None, (), ())
    assert plan.not_known
