import hashlib
from pathlib import Path

from seatrial.evidence.sources import ComparedFile, compare_sources, shared_tail


def write(project: Path, **files: str) -> dict[str, str]:
    """Write files (`__` for `/`), and return the digest of each by its path."""
    digests = {}
    for key, text in files.items():
        name = key.replace("__", "/") + ".py"
        path = project / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        digests[name] = hashlib.sha256(text.encode()).hexdigest()
    return digests


def compare(
    project: Path, digests: dict[str, str], *mounts: tuple[str, Path], place: str
) -> ComparedFile:
    return compare_sources(project, digests, [place], mounts)[place]


def test_shared_tails_are_counted_in_parts() -> None:
    assert shared_tail("/app/src/shop/cart.py", "src/shop/cart.py") == 3
    assert shared_tail("/app/shop/cart.py", "src/shop/cart.py") == 2
    assert shared_tail("/a/b.py", "a/c.py") == 0


def test_the_file_with_the_longest_tail_is_the_projects_own(tmp_path: Path) -> None:
    own = write(tmp_path, src__shop__cart="1", old__src__shop__cart="1", cart="1")

    found = compare(
        tmp_path,
        {"/app/old/src/shop/cart.py": own["cart.py"]},
        place="/app/old/src/shop/cart.py",
    )

    assert found == ComparedFile("old/src/shop/cart.py", equal=True)


def test_an_installed_package_is_found_in_the_source_folder(tmp_path: Path) -> None:
    own = write(tmp_path, src__shop__cart="1")
    place = "/usr/lib/python3.13/site-packages/shop/cart.py"

    assert compare(tmp_path, {place: own["src/shop/cart.py"]}, place=place).equal is True
    assert compare(tmp_path, {place: "0" * 64}, place=place).equal is False


def test_a_mere_name_is_no_match_but_at_the_top(tmp_path: Path) -> None:
    own = write(tmp_path, tools__util="1", setup="2")
    other, top = "/usr/lib/other/util.py", "/app/setup.py"

    found = compare_sources(
        tmp_path, {other: own["tools/util.py"], top: own["setup.py"]}, [other, top]
    )

    assert found[other] == ComparedFile(None, None)
    assert found[top] == ComparedFile("setup.py", equal=True)


def test_of_several_that_tie_an_equal_one_is_the_one(tmp_path: Path) -> None:
    own = write(tmp_path, a__shop__cart="1", b__shop__cart="2")
    place = "/x/shop/cart.py"

    assert compare(tmp_path, {place: own["b/shop/cart.py"]}, place=place).project_file == (
        "b/shop/cart.py"
    )
    assert compare(tmp_path, {place: "0" * 64}, place=place) == ComparedFile(None, None)


def test_below_a_mount_it_is_that_very_file(tmp_path: Path) -> None:
    own = write(tmp_path, src__shop__cart="1", other__shop__cart="2")
    place = "/code/shop/cart.py"
    mounts = ("/code", tmp_path / "src"), ("/", tmp_path)

    found = compare(tmp_path, {place: own["other/shop/cart.py"]}, *mounts, place=place)

    assert found == ComparedFile("src/shop/cart.py", equal=False)


def test_a_place_that_climbs_out_of_a_mount_leads_nowhere(tmp_path: Path) -> None:
    project = tmp_path / "project"
    project.mkdir()
    (tmp_path / "secret.py").write_text("1")

    found = compare(project, {}, ("/code", project), place="/code/../secret.py")

    assert found == ComparedFile(None, None)


def test_without_a_digest_of_the_container_nothing_is_claimed(tmp_path: Path) -> None:
    write(tmp_path, shop__cart="1")

    assert compare(tmp_path, {}, place="/app/shop/cart.py") == ComparedFile("shop/cart.py", None)


def test_environments_and_hidden_folders_are_not_the_projects(tmp_path: Path) -> None:
    own = write(tmp_path, env__shop__cart="1")
    (tmp_path / "env" / "pyvenv.cfg").touch()
    hidden = tmp_path / ".tox" / "shop"
    hidden.mkdir(parents=True)
    (hidden / "cart.py").write_text("1")
    place = "/app/shop/cart.py"

    assert compare(tmp_path, {place: own["env/shop/cart.py"]}, place=place).equal is None
