"""The ten criteria, in their order."""

from seatrial.judge.criteria import (
    artifacts_extracted,
    cleaned_up,
    contained_tests,
    coverage_enforced,
    coverage_extracted,
    errors_handled,
    image_built,
    performance_kept,
    ready_and_parallel,
    time_budget,
)
from seatrial.judge.criterion import Criterion

__all__ = ["CRITERIA"]

CRITERIA: tuple[Criterion, ...] = (
    contained_tests.CRITERION,
    coverage_extracted.CRITERION,
    time_budget.CRITERION,
    coverage_enforced.CRITERION,
    image_built.CRITERION,
    artifacts_extracted.CRITERION,
    ready_and_parallel.CRITERION,
    cleaned_up.CRITERION,
    errors_handled.CRITERION,
    performance_kept.CRITERION,
)
