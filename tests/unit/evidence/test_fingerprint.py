import copy
import shutil
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from seatrial.evidence.dockerignore import read_ignore_file
from seatrial.evidence.filetree import HashCache, Root
from seatrial.evidence.fingerprint import (
    Stock,
    changed_files,
    engine_facts,
    fingerprint,
    hash_stock,
    list_stock,
    normalised,
    steering,
)

Tree = dict[str, bytes]
trees = st.dictionaries(
    st.sampled_from(["a", "b", "src/a", "src/b", "src/deep/c"]), st.binary(max_size=5), min_size=1
)
FORM: dict[str, Any] = {
    "name": "seatrial-shop-1",
    "services": {"db": {"image": "postgres:16", "environment": {"A": "1", "B": ""}}},
}
IMAGES: dict[str, str | None] = {"postgres:16": "sha256:1", "python:3.13": None}


def mark(folder: Path, form: dict[str, Any] = FORM, images: dict[str, str | None] = IMAGES) -> str:
    stock = list_stock({"form": form}, [Root(folder)], images)
    return fingerprint(hash_stock(stock, HashCache(0)), stock.images)


def plant(folder: Path, tree: Tree) -> Path:
    for name, text in tree.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text)
    return folder


@given(trees)
def test_equal_trees_have_equal_fingerprints(tree: Tree) -> None:
    with TemporaryDirectory() as name:
        folder = Path(name) / "x"
        before = mark(plant(folder, tree))
        shutil.rmtree(folder)

        assert mark(plant(folder, dict(reversed(tree.items())))) == before


@given(trees, st.data())
def test_any_single_change_of_a_file_is_another_fingerprint(
    tree: Tree, data: st.DataObject
) -> None:
    with TemporaryDirectory() as name:
        folder = plant(Path(name), tree)
        before = mark(folder)
        file = folder / data.draw(st.sampled_from(sorted(tree)))
        change = data.draw(st.sampled_from(["content", "name", "mode", "gone", "new", "link"]))
        match change:
            case "content":
                text = data.draw(st.binary(max_size=5))
                assume(text != file.read_bytes())
                file.write_bytes(text)
            case "name":
                file.rename(file.with_name("other"))
            case "mode":
                file.chmod(file.stat().st_mode ^ 0o100)
            case "gone":
                file.unlink()
            case "new":
                file.with_name("other").touch()
            case "link":
                file.with_name("other").symlink_to(file.name)

        assert mark(folder) != before


@pytest.mark.parametrize(
    "change",
    [
        lambda form: form["services"]["db"]["environment"].update(A="2"),
        lambda form: form["services"]["db"]["environment"].update(C=""),
        lambda form: form["services"]["db"]["environment"].pop("B"),
        lambda form: form["services"]["db"].update(image="postgres:17"),
        lambda form: form["services"].update(cache={}),
    ],
)
def test_any_change_of_the_form_is_another_fingerprint(
    change: Callable[[dict[str, Any]], None], tmp_path: Path
) -> None:
    changed = copy.deepcopy(FORM)
    change(changed)

    assert mark(tmp_path, changed) != mark(tmp_path)


@pytest.mark.parametrize(
    "images",
    [
        IMAGES | {"postgres:16": "sha256:2"},
        IMAGES | {"python:3.13": "sha256:2"},
        IMAGES | {"redis:7": None},
        {"postgres:16": "sha256:1"},
    ],
)
def test_a_name_that_means_another_image_is_another_fingerprint(
    images: dict[str, str | None], tmp_path: Path
) -> None:
    assert mark(tmp_path, images=images) != mark(tmp_path)


def test_what_the_builder_does_not_see_matters_only_if_something_else_mounts_it(
    tmp_path: Path,
) -> None:
    context = Root(tmp_path, read_ignore_file("notes"))

    def both() -> tuple[str, str]:
        built = hash_stock(list_stock({}, [context], {}), HashCache(0))
        mounted = hash_stock(list_stock({}, [context, Root(tmp_path / "notes")], {}), HashCache(0))
        return built, mounted

    plant(tmp_path, {"a": b"1", "notes/x": b"1"})
    built, mounted = both()
    plant(tmp_path, {"notes/x": b"2"})
    built_later, mounted_later = both()

    assert built_later == built
    assert mounted_later != mounted


def test_a_form_is_the_same_in_every_trial() -> None:
    def form(trial: str) -> Any:
        name = f"seatrial-shop-{trial}"
        return normalised(
            {"name": name, "labels": {"trial": trial}, "volumes": {"v": {"name": f"{name}_v"}}},
            (name, trial),
        )

    assert form("20260102-030405-aaaaaa") == form("20260102-030406-bbbbbb")


def test_files_that_were_touched_between_two_listings_are_named(tmp_path: Path) -> None:
    def listed() -> Stock:
        return list_stock({}, [Root(tmp_path)], {})

    plant(tmp_path, {"same": b"", "grown": b"", "gone": b""})
    before = listed()
    plant(tmp_path, {"grown": b"x", "new/a": b""})
    (tmp_path / "gone").unlink()

    assert changed_files(before, listed()) == [
        str(tmp_path / name) for name in ("gone", "grown", "new", "new/a")
    ]


def test_of_the_engine_and_the_environment_only_what_matters_counts() -> None:
    assert engine_facts({"ID": "a", "Containers": 1}) == engine_facts({"ID": "a", "Containers": 2})
    assert engine_facts({"ID": "a"}) != engine_facts({"ID": "b"})
    assert steering({"DOCKER_HOST": "x", "TERM": "y"}) == {"DOCKER_HOST": "x"}
