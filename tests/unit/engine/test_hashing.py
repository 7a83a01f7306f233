import hashlib
import io
import os
import tarfile
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from aiodocker.exceptions import DockerError
from hypothesis import given
from hypothesis import strategies as st

from seatrial.engine.hashing import MAX_FOLDER_BYTES, MAX_REQUESTS, hash_files
from unit.engine.fake_engine import FakeEngine
from unit.engine.test_archive import member, pack


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


class Disk(FakeEngine):
    """Hands out a folder of this machine as an engine does a container's file system.

    Symbolic links are followed on the way to what is asked for, and not in it.
    """

    def __init__(self, root: Path) -> None:
        super().__init__()
        self._root = root
        self.requests: list[str] = []

    async def get_archive(self, container: str, path: str) -> AsyncIterator[bytes]:
        self.requests.append(path)
        content = self._pack(path)
        for start in range(0, len(content), 1 << 16):
            yield content[start : start + (1 << 16)]

    def _pack(self, path: str) -> bytes:
        place = self._root / path.lstrip("/")
        place = place.parent.resolve() / place.name
        if not os.path.lexists(place):
            raise DockerError(404, "there is no such path")
        file = io.BytesIO()
        with tarfile.open(fileobj=file, mode="w") as archive:
            archive.add(place, arcname=place.name)
        return file.getvalue()


@pytest.fixture
def disk(tmp_path: Path) -> Disk:
    return Disk(tmp_path)


def put(root: Path, files: Mapping[str, bytes]) -> None:
    for name, content in files.items():
        path = root / name.lstrip("/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


async def test_files_are_asked_for_with_the_folder_that_has_all_of_them(
    disk: Disk, tmp_path: Path
) -> None:
    files = {f"/app/tests/{a}/test_{b}.py": f"{a} {b}".encode() for a in "abc" for b in range(9)}
    put(tmp_path, files | {"/app/other": b"o"})

    found = await hash_files(disk, "c1", files, max_bytes=1 << 20)

    assert found == {path: digest(content) for path, content in files.items()}
    assert disk.requests == ["/app/tests"]


async def test_a_folder_that_is_too_large_is_asked_for_in_parts(disk: Disk, tmp_path: Path) -> None:
    files = {f"/app/{a}/{b}.py": b"1" for a in ("src", "tests") for b in "xy"} | {"/app/c.py": b"1"}
    put(tmp_path, files | {"/app/.venv/large": b"0" * (MAX_FOLDER_BYTES + 1)})

    found = await hash_files(disk, "c1", files, max_bytes=1 << 30)

    assert found.keys() == files.keys()
    assert disk.requests == ["/app", "/app/c.py", "/app/src", "/app/tests"]


async def test_never_all_there_is_is_asked_for(disk: Disk, tmp_path: Path) -> None:
    put(tmp_path, {"/a/1": b"1", "/b/2": b"2"})

    assert (await hash_files(disk, "c1", ["/a/1", "/b/2"], max_bytes=1 << 20)).keys() == {
        "/a/1",
        "/b/2",
    }
    assert disk.requests == ["/a/1", "/b/2"]


async def test_what_lies_behind_a_link_is_asked_for_by_itself_and_what_is_gone_is_not(
    disk: Disk, tmp_path: Path
) -> None:
    put(tmp_path, {"/mnt/src/shop/a.py": b"a", "/mnt/src/shop/b.py": b"b", "/app/c.py": b"c"})
    (tmp_path / "app/src").symlink_to("../mnt/src")
    wanted = ["/app/src/shop/a.py", "/app/src/shop/b.py", "/app/c.py", "/app/gone.py"]

    found = await hash_files(disk, "c1", wanted, max_bytes=1 << 20)

    assert found == {path: digest(path[-4:-3].encode()) for path in wanted[:3]}
    assert disk.requests == ["/app", "/app/src/shop"]


async def test_a_path_is_taken_as_the_engine_takes_it_and_told_as_it_was_asked_for(
    disk: Disk, tmp_path: Path
) -> None:
    put(tmp_path, {"/app/tests/a.py": b"a", "/app/b.py": b"b"})
    wanted = ["/app/tests/a.py", "/app/tests/../b.py", "//app/b.py", "app/b.py", ""]

    found = await hash_files(disk, "c1", wanted, max_bytes=1 << 20)

    assert found == {wanted[0]: digest(b"a"), wanted[1]: digest(b"b"), wanted[2]: digest(b"b")}


async def test_a_path_in_which_others_lie_is_no_file(disk: Disk, tmp_path: Path) -> None:
    put(tmp_path, {"/mnt/src/b.py": b"b", "/app/large": b"0" * (MAX_FOLDER_BYTES + 1)})
    (tmp_path / "app/src").symlink_to("../mnt/src")
    wanted = ["/app", "/app/src", "/app/src/b.py"]

    assert await hash_files(disk, "c1", wanted, max_bytes=1 << 30) == {
        "/app/src/b.py": digest(b"b")
    }


async def test_however_many_files_are_behind_links_requests_are_bounded(
    disk: Disk, tmp_path: Path
) -> None:
    put(tmp_path, {f"/mnt/{n}.py": b"1" for n in range(2 * MAX_REQUESTS)})
    (tmp_path / "app").mkdir()
    (tmp_path / "app/src").symlink_to("../mnt")
    wanted = [f"/app/src/{n}.py" for n in range(2 * MAX_REQUESTS)]

    await hash_files(disk, "c1", wanted, max_bytes=1 << 30)

    assert len(disk.requests) == MAX_REQUESTS


@given(
    st.dictionaries(
        st.lists(st.sampled_from("abc"), min_size=2, max_size=4).map(lambda p: "/" + "/".join(p)),
        st.binary(max_size=3),
        max_size=8,
    ),
    st.data(),
)
async def test_of_what_is_asked_for_all_that_is_a_file_is_found(
    files: dict[str, bytes], data: st.DataObject
) -> None:
    names = sorted(files)
    # A path that leads to another cannot be a file.
    there = {p: files[p] for p in names if not any(q.startswith(p + "/") for q in names)}
    asked = data.draw(st.sets(st.sampled_from([*names, "/gone", "/a/gone"])))
    with TemporaryDirectory() as folder:
        put(Path(folder), there)

        found = await hash_files(Disk(Path(folder)), "c1", asked, max_bytes=1 << 30)

    assert found == {path: digest(content) for path, content in there.items() if path in asked}


async def test_wanted_files_are_hashed_whatever_else_is_there() -> None:
    archive = pack(
        member("shop/", kind=tarfile.DIRTYPE),
        member("shop/__init__.py", b"1"),
        member("shop/cart.py", b"2"),
        member("shop/again.py", kind=tarfile.LNKTYPE, link="shop/cart.py"),
        member("shop/link.py", kind=tarfile.SYMTYPE, link="/etc/passwd"),
        member("../../etc/passwd", b"3"),
        member("shop/other.py", b"4"),
    )
    wanted = [f"/app/shop/{n}.py" for n in ("__init__", "cart", "again", "link", "missing")]

    found = await hash_files(FakeEngine(archive=archive), "c1", wanted, max_bytes=1 << 20)

    assert found == {
        "/app/shop/__init__.py": digest(b"1"),
        "/app/shop/cart.py": digest(b"2"),
        "/app/shop/again.py": digest(b"2"),
    }


async def test_what_is_larger_than_allowed_is_left_out() -> None:
    archive = pack(member("cart.py", b"x" * 100_000))

    found = await hash_files(FakeEngine(archive=archive), "c1", ["/app/cart.py"], max_bytes=1000)

    assert found == {}


async def test_a_broken_archive_gives_what_came_before() -> None:
    engine = FakeEngine(archive=b"no archive at all" * 100)

    assert await hash_files(engine, "c1", ["/app/cart.py"], max_bytes=1 << 20) == {}
