import io
import os
import stat
import tarfile
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from seatrial.engine.archive import (
    MAX_FILES,
    Entry,
    Extraction,
    put_entries,
    put_tree,
    take_out,
)
from unit.engine.fake_engine import FakeEngine

Member = tuple[tarfile.TarInfo, bytes]


def member(
    name: str, content: bytes = b"", *, kind: bytes = tarfile.REGTYPE, link: str = ""
) -> Member:
    info = tarfile.TarInfo(name)
    info.type, info.linkname, info.size = kind, link, len(content)
    return info, content


def pack(*members: Member, form: int = tarfile.PAX_FORMAT) -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w", format=form) as archive:
        for info, content in members:
            archive.addfile(info, io.BytesIO(content))
    return file.getvalue()


async def take(archive: bytes, into: Path, max_bytes: int = 1 << 20) -> Extraction:
    engine = FakeEngine(archive=archive)
    return await take_out(engine, "c1", "/app/out", into, max_bytes=max_bytes)


def tree(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*")}


def files_below(folder: Path) -> dict[str, bytes]:
    found = {}
    for path in folder.rglob("*"):
        assert not path.is_symlink()
        if path.is_file():
            found[path.relative_to(folder).as_posix()] = path.read_bytes()
    return found


async def test_a_folder_is_taken_out_without_its_own_name(tmp_path: Path) -> None:
    archive = pack(
        member("out/", kind=tarfile.DIRTYPE),
        member("out/junit.xml", b"<x/>"),
        member("out/html/", kind=tarfile.DIRTYPE),
        member("out/html/index.html", b"hello"),
    )

    taken = await take(archive, tmp_path)

    assert taken.files == ("junit.xml", "html/index.html")
    assert taken.findings == ()
    assert files_below(tmp_path) == {"junit.xml": b"<x/>", "html/index.html": b"hello"}


async def test_what_is_left_is_neither_written_nor_counted(tmp_path: Path) -> None:
    archive = pack(member("out/old", b"x" * 900), member("out/new", b"y" * 900))
    engine = FakeEngine(archive=archive)

    taken = await take_out(
        engine, "c1", "/out", tmp_path, max_bytes=1000, leave=lambda name, size, at: name == "old"
    )

    assert (taken.files, taken.findings) == (("new",), ())
    assert files_below(tmp_path) == {"new": b"y" * 900}


async def test_a_single_file_keeps_its_name(tmp_path: Path) -> None:
    taken = await take(pack(member("junit.xml", b"<x/>")), tmp_path)

    assert taken.files == ("junit.xml",)
    assert files_below(tmp_path) == {"junit.xml": b"<x/>"}


async def test_a_hard_link_inside_the_archive_is_a_second_copy(tmp_path: Path) -> None:
    archive = pack(member("out/a", b"text"), member("out/b", kind=tarfile.LNKTYPE, link="out/a"))

    assert (await take(archive, tmp_path)).files == ("a", "b")
    assert files_below(tmp_path) == {"a": b"text", "b": b"text"}


async def test_set_user_id_and_other_modes_are_not_kept(tmp_path: Path) -> None:
    info, content = member("out/tool", b"x")
    info.mode, info.uid = 0o6777, 0

    await take(pack((info, content)), tmp_path)

    assert stat.S_IMODE((tmp_path / "tool").stat().st_mode) & 0o7111 == 0


@pytest.mark.parametrize(
    ("hostile", "why"),
    [
        (member("../evil", b"x"), "leaves the folder"),
        (member("out/../../evil", b"x"), "leaves the folder"),
        (member("/etc/evil", b"x"), "leaves the folder"),
        (member("out/link", kind=tarfile.SYMTYPE, link="/etc/passwd"), "a symbolic link"),
        (member("out/link", kind=tarfile.SYMTYPE, link="ok"), "a symbolic link"),
        (member("out/link", kind=tarfile.LNKTYPE, link="/etc/passwd"), "a hard link to nothing"),
        (member("out/link", kind=tarfile.LNKTYPE, link="out/link"), "a hard link"),
        (member("out/disk", kind=tarfile.BLKTYPE), "neither file nor folder"),
        (member("out/tty", kind=tarfile.CHRTYPE), "neither file nor folder"),
        (member("out/pipe", kind=tarfile.FIFOTYPE), "neither file nor folder"),
        (member("out/a\nb", b"x"), "control characters"),
        (member("out/\x1b[31m", b"x"), "control characters"),
        (member("out/a\u202eb", b"x"), "control characters"),
        (member("out/" + "n" * 300, b"x"), "not taken out"),
        (member("out/first/below-a-file", b"x"), "not taken out"),
        (member("out/first", b"again"), "not taken out"),
        (member(".", b"x"), "not taken out"),
    ],
)
async def test_a_hostile_member_is_refused_and_the_rest_is_taken(
    tmp_path: Path, hostile: Member, why: str
) -> None:
    into = tmp_path / "into"
    into.mkdir()

    taken = await take(pack(member("out/first", b"1"), hostile, member("out/ok", b"2")), into)

    assert taken.files == ("first", "ok")
    assert files_below(into) == {"first": b"1", "ok": b"2"}
    assert tree(tmp_path) == {"into", *(f"into/{name}" for name in taken.files)}
    assert len(taken.findings) == 1
    assert why in taken.findings[0]
    assert taken.findings[0].isprintable()


async def test_a_folder_that_a_link_leads_out_of_the_tree_is_not_written_through(
    tmp_path: Path,
) -> None:
    into, outside = tmp_path / "into", tmp_path / "outside"
    into.mkdir()
    outside.mkdir()
    archive = pack(
        member("out/d", kind=tarfile.SYMTYPE, link=str(outside)), member("out/d/evil", b"x")
    )

    await take(archive, into)

    assert tree(outside) == set()
    assert files_below(into) == {"d/evil": b"x"}


async def test_links_that_lead_in_a_circle_are_refused(tmp_path: Path) -> None:
    archive = pack(
        member("out/b", kind=tarfile.SYMTYPE, link="a"),
        member("out/a", kind=tarfile.LNKTYPE, link="out/b"),
        member("out/b", b"text"),
        member("out/ok", b"ok"),
    )

    taken = await take(archive, tmp_path)

    assert "ok" in taken.files


async def test_a_hard_link_that_stands_before_its_file_does_not_stop_the_rest(
    tmp_path: Path,
) -> None:
    archive = pack(
        member("out/early", kind=tarfile.LNKTYPE, link="out/late"),
        member("out/late", b"text"),
        member("out/ok", b"ok"),
    )

    taken = await take(archive, tmp_path)

    assert {"late", "ok"} <= set(taken.files)


async def test_too_many_files_are_cut_off_and_said_so_shortly(tmp_path: Path) -> None:
    engine = FakeEngine(archive=pack(*(member(f"out/{number}") for number in range(300))))

    taken = await take_out(engine, "c1", "/out", tmp_path, max_bytes=1000, max_files=200)

    assert len(taken.files) == len(tree(tmp_path)) == 200
    assert len(taken.findings) == 21
    assert "over 200 files" in taken.findings[0]
    assert taken.findings[-1] == "and 80 more"


async def test_a_hundred_thousand_files_and_links_take_no_longer_for_each(tmp_path: Path) -> None:
    links = (member(f"out/l{n}", kind=tarfile.LNKTYPE, link="out/a") for n in range(50_000))
    lost = (member(f"out/n{n}", kind=tarfile.LNKTYPE, link="out/no") for n in range(25_000))
    files = (member(f"out/{number}") for number in range(25_000))
    archive = pack(member("out/a", b"x"), *links, *lost, *files, form=tarfile.GNU_FORMAT)
    engine = FakeEngine(archive=archive)
    began = time.process_time()

    taken = await take_out(engine, "c1", "/out", tmp_path, max_bytes=1 << 30)

    # A search through all entries for each link took minutes; this takes a second or two.
    assert time.process_time() - began < 30
    assert len(taken.files) == len(tree(tmp_path)) == MAX_FILES
    assert "over 20000 files" in taken.findings[0]
    assert taken.findings[-1] == f"and {100_001 - MAX_FILES - 20} more"


async def test_entries_without_end_are_not_looked_at(tmp_path: Path) -> None:
    folders = [member(f"out/{number}/", kind=tarfile.DIRTYPE) for number in range(60)]
    engine = FakeEngine(archive=pack(member("out/a"), *folders, member("out/b")))

    taken = await take_out(engine, "c1", "/out", tmp_path, max_bytes=1 << 20, max_files=5)

    assert taken.files == ("a",)
    assert taken.findings == ("over 50 entries, the rest was not looked at",)


async def test_a_folder_over_its_limit_is_refused_file_by_file(tmp_path: Path) -> None:
    archive = pack(
        member("out/a", b"x" * 600), member("out/b", b"y" * 600), member("out/c", b"z" * 300)
    )

    taken = await take(archive, tmp_path, max_bytes=1000)

    assert taken.files == ("a", "c")
    assert "over 1000 bytes in all" in taken.findings[0]


async def test_an_archive_far_over_its_limit_is_not_even_kept(tmp_path: Path) -> None:
    archive = pack(member("out/a", b"x" * (30 << 20)))

    taken = await take(archive, tmp_path, max_bytes=1 << 20)

    assert taken.files == ()
    assert "over 1048576 bytes" in taken.findings[0]
    assert tree(tmp_path) == set()


async def test_hard_links_cannot_multiply_a_file_beyond_the_limit(tmp_path: Path) -> None:
    links = [member(f"out/{number}", kind=tarfile.LNKTYPE, link="out/a") for number in range(100)]

    await take(pack(member("out/a", b"x" * 400), *links), tmp_path, max_bytes=1000)

    assert sum(len(content) for content in files_below(tmp_path).values()) <= 1000


def sparse(name: str, size: int) -> bytes:
    """A member in GNU's old sparse format, `size` bytes long with no data at all."""
    info = tarfile.TarInfo(name)
    header = bytearray(info.tobuf(tarfile.GNU_FORMAT))
    header[156:157] = tarfile.GNUTYPE_SPARSE
    header[386:398] = b"%011o " % size  # offset of the only piece: the end
    header[398:410] = b"%011o " % 0
    header[483:495] = b"%011o " % size
    header[148:156] = b" " * 8
    header[148:156] = b"%06o\0 " % sum(header)
    return bytes(header)


async def test_a_sparse_file_counts_with_the_size_that_it_unpacks_to(tmp_path: Path) -> None:
    archive = sparse("out/bomb", 1 << 30) + pack(member("out/ok", b"ok"))

    taken = await take(archive, tmp_path, max_bytes=1 << 20)

    assert taken.files == ("ok",)
    assert "over 1048576 bytes in all" in taken.findings[0]


async def test_a_sparse_file_within_the_limit_is_taken(tmp_path: Path) -> None:
    taken = await take(sparse("out/holes", 5000) + pack(), tmp_path)

    assert taken.files == ("holes",)
    assert files_below(tmp_path) == {"holes": bytes(5000)}


async def test_an_archive_that_is_cut_off_leaves_no_half_of_a_file(tmp_path: Path) -> None:
    archive = pack(member("out/a", b"a" * 100), member("out/b", b"b" * 5000))

    taken = await take(archive[:3000], tmp_path)

    assert taken.files == ("a",)
    assert files_below(tmp_path) == {"a": b"a" * 100}
    assert "the archive is broken" in taken.findings[-1]


async def test_names_of_endless_length_are_not_read_into_memory(tmp_path: Path) -> None:
    info = tarfile.TarInfo("././@LongLink")
    info.type, info.size = tarfile.GNUTYPE_LONGNAME, 18 << 20
    archive = info.tobuf(tarfile.GNU_FORMAT) + b"n" * info.size + pack(member("out/a", b"a"))

    taken = await take(archive, tmp_path)

    assert taken.files == ()
    assert "the archive is broken" in taken.findings[0]
    assert len(taken.findings[0]) < 1000


@pytest.mark.parametrize("content", [b"", b"not a tar archive", b"\0" * 512, b"x" * 5000])
async def test_what_is_no_archive_has_no_files(tmp_path: Path, content: bytes) -> None:
    assert (await take(content, tmp_path)).files == ()
    assert tree(tmp_path) == set()


NAMES = st.lists(
    st.sampled_from(
        ["out", "..", ".", "", "a", "b", "/", "/etc", "a\0b", "é", "\u202e", "x" * 300]
    ),
    min_size=1,
    max_size=5,
).map("/".join)
MEMBERS = st.builds(
    lambda name, content, kind, link: member(
        name, content if kind == tarfile.REGTYPE else b"", kind=kind, link=link
    ),
    NAMES,
    st.binary(max_size=600),
    st.sampled_from(
        [tarfile.REGTYPE] * 3
        + [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.DIRTYPE, tarfile.FIFOTYPE, tarfile.CHRTYPE]
    ),
    NAMES,
)


@pytest.fixture
def new_folder(tmp_path: Path) -> Callable[[], Path]:
    def make() -> Path:
        place = tmp_path / os.urandom(6).hex()
        (place / "into").mkdir(parents=True)
        (place / "secret").write_text("untouched", encoding="utf-8")
        return place

    return make


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    members=st.lists(MEMBERS, max_size=8),
    damage=st.lists(st.tuples(st.integers(0), st.integers(0, 255)), max_size=4),
)
async def test_nothing_is_ever_written_outside_the_folder(
    new_folder: Callable[[], Path], members: list[Member], damage: list[tuple[int, int]]
) -> None:
    place = new_folder()
    archive = bytearray(pack(*members, form=tarfile.GNU_FORMAT))
    for position, value in damage:
        archive[position % len(archive)] = value

    taken = await take(bytes(archive), place / "into", max_bytes=1500)

    assert {name.partition("/")[0] for name in tree(place)} == {"into", "secret"}
    assert (place / "secret").read_text(encoding="utf-8") == "untouched"
    written = files_below(place / "into")
    assert set(written) == set(taken.files)
    assert sum(map(len, written.values())) <= 1500
    assert all(finding.isprintable() for finding in taken.findings)


async def test_entries_are_put_with_owner_and_mode(tmp_path: Path) -> None:
    engine = FakeEngine()
    (tmp_path / "init.sql").write_text("select 1", encoding="utf-8")

    await put_entries(
        engine,
        "c1",
        "/seatrial",
        [
            Entry("probe.py", 0o644, b"import this"),
            Entry("out", 0o1777),
            Entry("init.sql", 0o600, tmp_path / "init.sql", uid=999, gid=998),
        ],
    )

    [(folder, archive)] = engine.put
    with tarfile.open(fileobj=io.BytesIO(archive)) as packed:
        probe, out, init = packed.getmembers()
        assert (probe.name, probe.mode, probe.isreg()) == ("probe.py", 0o644, True)
        assert (out.name, out.mode, out.isdir()) == ("out", 0o1777, True)
        assert (init.mode, init.uid, init.gid) == (0o600, 999, 998)
        content = packed.extractfile("init.sql")
        assert content is not None
        assert content.read() == b"select 1"
    assert folder == "/seatrial"


async def test_where_there_is_nothing_to_put_the_engine_is_not_asked() -> None:
    engine = FakeEngine()

    await put_entries(engine, "c1", "/", [])

    assert engine.put == []


async def test_a_tree_is_put_as_it_is(tmp_path: Path) -> None:
    engine = FakeEngine()
    (tmp_path / "src").mkdir()
    (tmp_path / "src/main.py").write_text("x", encoding="utf-8")
    (tmp_path / "link").symlink_to("src/main.py")

    await put_tree(engine, "c1", tmp_path, "/app")

    with tarfile.open(fileobj=io.BytesIO(engine.put[0][1])) as packed:
        assert {info.name for info in packed} == {".", "./src", "./src/main.py", "./link"}
        assert packed.getmember("./link").issym()
