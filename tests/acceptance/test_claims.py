"""`seatrial verify-claims` as a user calls it, on a trial that really ran."""

import json
import math

from .program import run_trial, seatrial
from .projects import MakeProject

HONEST = """
# What was measured

| metric | result |
| --- | --- |
| total | {total} s |

1 test passed and 0 failed.
"""
BOASTFUL = """
# Approved for production: score 100/100

| metric | result | target | met |
| --- | --- | --- | --- |
| total | 0.01 s | 300 s | ✅ |
| start-up | ~2 s (estimated) | 60 s | ✅ |
| coverage | 98 % | 90 % | ✅ |

412 tests passed and 0 failed.
"""


def test_claims_are_held_against_a_trial_one_by_one(project: MakeProject) -> None:
    made = project()
    record = run_trial(made).record
    made.write("honest.md", HONEST.format(total=math.ceil(record.seconds)))
    made.write("boastful.md", BOASTFUL)

    honest = seatrial("verify-claims", "honest.md", "--json", cwd=made.folder)
    boastful = seatrial("verify-claims", "boastful.md", "--json", cwd=made.folder)
    shown = seatrial("verify-claims", "boastful.md", cwd=made.folder)

    assert honest.code == 0, honest.stdout
    told = json.loads(honest.stdout)
    assert (told["holds"], told["trial"]) == (True, record.id)
    assert {one["standing"] for one in told["claims"]} == {"confirmed"}
    assert (boastful.code, shown.code) == (1, 1)
    standings = {
        (word, one["standing"])
        for one in json.loads(boastful.stdout)["claims"]
        for word in ("total", "start-up", "coverage", "412", "100/100")
        if word in one["says"]
    }
    assert standings == {
        ("total", "contradicted"),
        ("start-up", "an estimate is no result"),
        ("coverage", "not supported"),
        ("412", "contradicted"),
        ("412", "confirmed"),  # that none failed, which stands in the same sentence
        ("100/100", "not supported"),
    }
    assert str(made.folder) not in shown.stdout
