import hashlib
import tarfile

from seatrial.engine.hashing import hash_files, roots_of
from unit.engine.fake_engine import FakeEngine
from unit.engine.test_archive import member, pack


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def test_a_package_is_asked_for_once_and_loose_files_one_by_one() -> None:
    paths = [
        "/app/src/shop/__init__.py",
        "/app/src/shop/cart.py",
        "/app/src/shop/api/__init__.py",
        "/app/src/shop/api/orders.py",
        "/app/manage.py",
    ]

    assert roots_of(paths) == ["/app/manage.py", "/app/src/shop"]


def test_a_folder_of_many_loose_files_is_read_whole_but_never_all_there_is() -> None:
    assert roots_of([f"/app/tests/test_{n}.py" for n in range(30)]) == ["/app/tests"]
    assert len(roots_of([f"/test_{n}.py" for n in range(30)])) == 30


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
