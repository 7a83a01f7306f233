from pathlib import Path

import pytest

from seatrial.engine.cgroup import find_peak_file, read_peak

ID = "c" * 64
V2 = {"CgroupVersion": "2"}


def peak(root: Path, place: str, text: str = "4096\n") -> Path:
    file = root / "sys/fs/cgroup" / place / "memory.peak"
    file.parent.mkdir(parents=True)
    file.write_text(text)
    return file


def process(root: Path, place: str) -> None:
    (root / "proc/7").mkdir(parents=True)
    (root / "proc/7/cgroup").write_text(f"0::{place}\n")


@pytest.mark.parametrize(
    "place", [f"system.slice/docker-{ID}.scope", f"docker/{ID}", f"machine.slice/libpod-{ID}.scope"]
)
def test_the_usual_places_are_known(tmp_path: Path, place: str) -> None:
    file = peak(tmp_path, place)

    assert find_peak_file(V2, ID, 7, root=tmp_path) == file


@pytest.mark.parametrize("below", ["", "/init", "/system.slice/app.service"])
def test_a_place_of_its_own_is_where_the_process_says(tmp_path: Path, below: str) -> None:
    file = peak(tmp_path, f"ci.slice/job/docker-{ID}.scope")
    process(tmp_path, f"/ci.slice/job/docker-{ID}.scope{below}")

    assert find_peak_file(V2, ID, 7, root=tmp_path) == file


@pytest.mark.parametrize("place", ["/user.slice", f"/../docker/{ID}", "/", ""])
def test_a_process_that_is_not_the_containers_counts_for_nothing(
    tmp_path: Path, place: str
) -> None:
    peak(tmp_path, "user.slice")
    process(tmp_path, place)

    assert find_peak_file(V2, ID, 7, root=tmp_path) is None


def test_with_the_first_version_the_engine_is_believed(tmp_path: Path) -> None:
    peak(tmp_path, f"docker/{ID}")

    assert find_peak_file({"CgroupVersion": "1"}, ID, 7, root=tmp_path) is None
    assert find_peak_file({}, ID, 7, root=tmp_path) is None


def test_the_mark_is_read_in_bytes_and_is_unknown_once_it_is_gone(tmp_path: Path) -> None:
    assert read_peak(peak(tmp_path, "a", "123456\n")) == 123456
    assert read_peak(peak(tmp_path, "b", "max\n")) is None
    assert read_peak(tmp_path / "none") is None
