"""What a file imports, and who imports it."""

from textwrap import dedent

import pytest

from seatrial.selection.imports import import_graph, importers_of, late_importers_of

FILES = {
    "src/shop/__init__.py": "",
    "src/shop/money.py": "",
    "src/shop/api/__init__.py": "from .orders import place",
    "src/shop/api/orders.py": "",
    "src/shop/api/carts.py": "",
    "tests/conftest.py": "",
    "tests/make.py": "",
    "settings.py": "",
}


def imports(text: str, file: str = "tests/test_it.py") -> set[str]:
    """What a file with this text imports, when it is imported itself."""
    files = {**FILES, file: dedent(text)}
    return set(import_graph(files, lambda name: files[name].encode()).imported[file].files)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("from shop.money import cents", {"src/shop/__init__.py", "src/shop/money.py"}),
        ("from shop import money", {"src/shop/__init__.py", "src/shop/money.py"}),
        ("from tests import make", {"tests/make.py"}),
        ("import settings", {"settings.py"}),
        ("import json", set()),
        ("import shop.money as m", {"src/shop/__init__.py", "src/shop/money.py"}),
        ("pytest_plugins = ['settings']", {"settings.py"}),
        ("patch('settings.DEBUG')", {"settings.py"}),
        ("patch('orders.id')", set()),
        (
            "patch('shop.money.cents')",
            {"src/shop/__init__.py", "src/shop/money.py"},
        ),
        ("import_module('shop.money')", {"src/shop/__init__.py", "src/shop/money.py"}),
        ("import importlib", set()),
    ],
)
def test_an_import_brings_its_module_and_the_packages_above(text: str, found: set[str]) -> None:
    assert imports(text) == found


@pytest.mark.parametrize("text", ["import shop", "import shop.money", "from shop.api import *"])
def test_a_package_that_is_held_gives_access_to_what_is_in_it(text: str) -> None:
    assert imports(text) >= {"src/shop/api/orders.py", "src/shop/api/carts.py"}


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("from . import carts", "src/shop/api/carts.py"),
        ("from .carts import put", "src/shop/api/carts.py"),
        ("from ..money import cents", "src/shop/money.py"),
        ("from .. import money", "src/shop/money.py"),
    ],
)
def test_a_relative_import_starts_at_the_package(text: str, found: str) -> None:
    assert found in imports(text, "src/shop/api/new.py")
    assert found in imports(text, "src/shop/api/__init__.py")


def test_a_relative_import_beyond_the_top_is_passed_over() -> None:
    assert imports("from .... import money", "tests/test_it.py") == set()


def test_what_a_function_imports_is_told_apart() -> None:
    files = {**FILES, "a.py": "import settings\ndef f():\n    import shop.money as m\n"}

    found = import_graph(files, lambda name: files[name].encode()).imported["a.py"]

    assert found.files == {"settings.py"}
    assert found.late == {"src/shop/__init__.py", "src/shop/money.py"}


@pytest.mark.parametrize(
    "text",
    [
        "import_module(name)",
        "__import__('a' + b)",
        "importlib.util.spec_from_file_location('a', path)",
        "pkgutil.iter_modules(path)",
        "exec(text)",
        "import_module('.carts', __package__)",
    ],
)
def test_a_file_that_may_import_anything_says_so(text: str) -> None:
    files = {"a.py": text, "b.py": f"def f():\n    {text}\n", "c.py": "exec('1')"}

    graph = import_graph(files, lambda name: files[name].encode())

    assert graph.imported["a.py"].anything
    assert not graph.imported["b.py"].anything
    assert graph.imported["b.py"].anything_late
    assert importers_of(graph, {"z.py"}) == {"z.py", "a.py"}
    assert late_importers_of(graph, {"z.py"}) == {"b.py"}


def test_a_file_that_cannot_be_parsed_may_import_anything() -> None:
    graph = import_graph(["a.py"], lambda _: b"def f(:\n")

    assert graph.imported["a.py"].anything


def test_importers_are_followed_to_the_end_and_in_circles() -> None:
    files = {"a.py": "import b", "b.py": "import c", "c.py": "import b", "d.py": "import e"}

    graph = import_graph(files, lambda name: files.get(name, "").encode())

    assert importers_of(graph, {"c.py"}) == {"a.py", "b.py", "c.py"}
    assert importers_of(graph, set()) == frozenset()


def test_imports_that_were_seen_count_like_those_in_the_text() -> None:
    files = {"a.py": "", "b.py": "", "c.py": ""}

    graph = import_graph(
        files, lambda _: b"", seen=[("a.py", "c.py")], seen_late=[("b.py", "c.py")]
    )

    assert importers_of(graph, {"c.py"}) == {"a.py", "c.py"}
    assert late_importers_of(graph, {"c.py"}) == {"b.py"}
