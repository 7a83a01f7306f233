import os
import re
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seatrial.trial.identity import (
    OWNER_LABEL,
    TRIAL_LABEL,
    label_of,
    name_trial,
    owner_state,
    process_start,
    project_slug,
    this_process,
)

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def test_a_trial_is_named_by_time_and_token() -> None:
    identity = name_trial(Path("/srv/My Shop"), NOW, "a1b2c3", "owner")

    assert identity.trial == "20260102-030405-a1b2c3"
    assert identity.compose_project == "seatrial-my-shop-20260102-030405-a1b2c3"
    assert identity.labels[TRIAL_LABEL] == identity.trial
    assert identity.labels[OWNER_LABEL] == "owner"
    assert label_of(identity.trial) == f"{TRIAL_LABEL}={identity.trial}"


@given(st.text(min_size=1))
def test_any_folder_has_a_name_that_engines_allow(name: str) -> None:
    slug = project_slug(Path("/srv") / name.replace("/", "").replace("\0", "") / "")

    assert re.fullmatch(r"[a-z0-9](-?[a-z0-9]+)*", slug)
    assert len(slug) <= 30


@pytest.mark.parametrize(
    ("folder", "slug"),
    [("/srv/My_Shop.v2", "my-shop-v2"), ("/", "project"), ("/日本", "project"), ("/-a-", "a")],
)
def test_a_folders_name_becomes_a_slug(folder: str, slug: str) -> None:
    assert project_slug(Path(folder)) == slug


def test_this_process_is_alive() -> None:
    assert owner_state(this_process()) == "alive"


def test_a_process_that_ended_is_dead() -> None:
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            "from seatrial.trial.identity import this_process; print(this_process())",
        ],
        check=True,
        capture_output=True,
        text=True,
    )

    assert owner_state(done.stdout.strip()) == "dead"


def test_a_process_that_ended_and_was_not_waited_for_is_dead() -> None:
    with subprocess.Popen(["true"]) as process:
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)

        assert process_start(process.pid) == ""


def test_an_id_that_another_process_has_by_now_is_of_a_dead_one() -> None:
    machine_and_pid = this_process().rpartition("/")[0]

    assert owner_state(f"{machine_and_pid}/1") == "dead"
    assert owner_state(f"{machine_and_pid}/") == "dead"


def test_a_process_of_another_machine_is_unknown() -> None:
    assert owner_state("another-boot/4026531836/1/100") == "unknown"


@given(st.text())
def test_any_label_is_answered(owner: str) -> None:
    assert owner_state(owner) == "unknown"


@given(st.text(), st.text())
def test_any_label_of_this_machine_is_answered(process: str, start: str) -> None:
    machine = this_process().rsplit("/", 2)[0]

    assert owner_state(f"{machine}/{process}/{start}") in {"unknown", "dead"}


@pytest.mark.parametrize("process", ["²", "9" * 5000, "99999999"])
def test_a_process_id_that_is_none_is_not_alive(process: str) -> None:
    machine = this_process().rsplit("/", 2)[0]

    assert owner_state(f"{machine}/{process}/1") != "alive"
