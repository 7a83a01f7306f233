import os
import socket
from pathlib import Path

import pytest

from seatrial.evidence import filetree
from seatrial.evidence.dockerignore import read_ignore_file
from seatrial.evidence.filetree import (
    HashCache,
    NotComparableError,
    Root,
    hash_tree,
    list_tree,
    read_cache,
    stamp_of,
    write_cache,
)

LATER_NS = 1 << 62
"""So much later that no file was changed just before."""


def places(root: Root) -> list[str]:
    return [entry.place for entry in list_tree(root)]


def digest(root: Root, cache: HashCache | None = None) -> str:
    return hash_tree(root, list_tree(root), cache or HashCache(0))


def write(path: Path, text: str = "") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def test_everything_below_a_folder_is_listed_in_a_fixed_order(tmp_path: Path) -> None:
    for name in ("b/x", "a", "b/c/y"):
        write(tmp_path / name)
    (tmp_path / "empty").mkdir()
    (tmp_path / "link").symlink_to("nowhere")

    assert places(Root(tmp_path)) == ["", "a", "b", "b/c", "b/c/y", "b/x", "empty", "link"]


def test_a_file_is_a_tree_of_its_own(tmp_path: Path) -> None:
    file = write(tmp_path / "a", "1")
    before = digest(Root(file))
    file.write_text("2")

    assert places(Root(file)) == [""]
    assert digest(Root(file)) != before


def test_seatrials_own_folder_is_left_out(tmp_path: Path) -> None:
    write(tmp_path / ".seatrial/runs/x")
    write(tmp_path / "sub/.seatrial")

    found = places(Root(tmp_path, without=tmp_path / ".seatrial"))

    assert found == ["", "sub", "sub/.seatrial"]


def test_an_ignored_folder_is_listed_only_if_something_in_it_is_brought_back(
    tmp_path: Path,
) -> None:
    for name in ("a/keep", "a/drop", "b/drop", "c"):
        write(tmp_path / name)
    rules = read_ignore_file("*\n!*/keep")

    assert places(Root(tmp_path, rules)) == ["", "a", "a/keep"]


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    write(tmp_path / "outside/secret")
    (tmp_path / "in").mkdir()
    (tmp_path / "in/link").symlink_to("../outside")
    before = digest(Root(tmp_path / "in"))
    write(tmp_path / "outside/secret", "changed")
    same = digest(Root(tmp_path / "in"))
    (tmp_path / "in/link").unlink()
    (tmp_path / "in/link").symlink_to("../elsewhere")

    assert places(Root(tmp_path / "in")) == ["", "link"]
    assert same == before != digest(Root(tmp_path / "in"))


def test_a_socket_makes_a_folder_incomparable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)  # a socket's path is at most 108 bytes
    with socket.socket(socket.AF_UNIX) as opened:
        opened.bind("s")
        with pytest.raises(NotComparableError, match="neither file nor folder"):
            list_tree(Root(tmp_path))


def test_a_missing_root_is_not_comparable(tmp_path: Path) -> None:
    with pytest.raises(NotComparableError, match="No such file"):
        list_tree(Root(tmp_path / "missing"))


def test_too_many_files_are_not_compared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(filetree, "MAX_ENTRIES", 3)
    for number in range(4):
        write(tmp_path / str(number))

    with pytest.raises(NotComparableError, match="more than 3"):
        list_tree(Root(tmp_path))


def test_a_name_of_any_bytes_can_be_hashed(tmp_path: Path) -> None:
    before = digest(Root(tmp_path))
    write(tmp_path / os.fsdecode(b"\xff\n"))

    assert digest(Root(tmp_path)) != before


def test_a_file_that_did_not_change_is_not_read_again(tmp_path: Path) -> None:
    file = write(tmp_path / "a", "1")
    cache = HashCache(LATER_NS)
    digest(Root(tmp_path), cache)
    stamp = stamp_of(file.stat())
    cache.known[str(file)] = [*stamp, "known"]

    assert cache.sha256(str(file), stamp) == "known"


def test_a_file_that_was_changed_just_now_is_read_each_time(tmp_path: Path) -> None:
    file = write(tmp_path / "a", "1")
    cache = HashCache(file.stat().st_ctime_ns + filetree.RACY_NS)
    digest(Root(tmp_path), cache)

    assert cache.known == {}


def test_the_time_that_a_file_is_given_hides_no_change(tmp_path: Path) -> None:
    file = write(tmp_path / "a", "1")
    times = (file.stat().st_atime_ns, file.stat().st_mtime_ns)
    cache = HashCache(LATER_NS)
    before = digest(Root(tmp_path), cache)
    state = file.stat()
    while file.stat().st_ctime_ns == state.st_ctime_ns:  # the clock's tick
        file.write_text("2")
        os.utime(file, ns=times)

    assert file.stat().st_mtime_ns == state.st_mtime_ns
    assert digest(Root(tmp_path), cache) != before


def test_a_file_that_changes_after_it_was_listed_is_noticed(tmp_path: Path) -> None:
    file = write(tmp_path / "a", "1")
    listed = list_tree(Root(tmp_path))
    file.write_text("22")

    with pytest.raises(NotComparableError, match="changed while"):
        hash_tree(Root(tmp_path), listed, HashCache(0))


def test_a_file_that_goes_after_it_was_listed_is_noticed(tmp_path: Path) -> None:
    file = write(tmp_path / "a", "1")
    listed = list_tree(Root(tmp_path))
    file.unlink()

    with pytest.raises(NotComparableError, match="No such file"):
        hash_tree(Root(tmp_path), listed, HashCache(0))


def test_nothing_more_is_read_once_hashing_is_broken_off(tmp_path: Path) -> None:
    write(tmp_path / "a", "1")

    with pytest.raises(NotComparableError, match="broken off"):
        digest(Root(tmp_path), HashCache(0, stopped=True))


def test_what_is_known_outlives_the_process(tmp_path: Path) -> None:
    write(tmp_path / "tree" / os.fsdecode(b"\xff"), "1")
    cache = HashCache(LATER_NS)
    digest(Root(tmp_path / "tree"), cache)

    write_cache(tmp_path / "hashes.json", cache)

    assert read_cache(tmp_path / "hashes.json", 0).known == cache.known != {}


@pytest.mark.parametrize("text", ["", "[]", "{", '{"a": 1}', '{"a": {}}', '{"a": null}'])
def test_a_broken_store_of_hashes_is_no_store(tmp_path: Path, text: str) -> None:
    assert read_cache(write(tmp_path / "hashes.json", text), 0).known == {}


def test_a_store_that_cannot_be_written_is_done_without(tmp_path: Path) -> None:
    write_cache(tmp_path / "missing" / "hashes.json", HashCache(0))

    assert not (tmp_path / "missing").exists()
