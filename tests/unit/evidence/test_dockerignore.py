import pytest
from hypothesis import given
from hypothesis import strategies as st

from seatrial.evidence.dockerignore import Matched, read_ignore_file


def ignored(patterns: str, path: str) -> bool:
    rules = read_ignore_file(patterns)
    matched: Matched = ()
    parts = path.split("/")
    for count in range(1, len(parts) + 1):
        matched = rules.match("/".join(parts[:count]), matched)
    return rules.ignores(matched)


@pytest.mark.parametrize(
    ("patterns", "path", "expected"),
    [
        ("build", "build", True),
        ("build", "build/a/b", True),
        ("build", "src/build", False),
        ("/build/", "build/a", True),
        ("./a/../build", "build/a", True),
        ("**/build", "src/build/x", True),
        ("**/build", "build", True),
        ("src/**/x.py", "src/x.py", True),
        ("src/**/x.py", "src/a/b/x.py", True),
        ("src/**", "src/a/b", True),
        ("*.pyc", "a.pyc", True),
        ("*.pyc", "src/a.pyc", False),
        ("*/*.pyc", "src/a.pyc", True),
        ("a?.txt", "ab.txt", True),
        ("a?.txt", "a/.txt", False),
        ("a.txt", "aXtxt", False),
        ("*\n!src", "src/a.py", False),
        ("*\n!src\n**/__pycache__", "src/__pycache__/a", True),
        ("!src\n*", "src/a.py", True),
        ("*\n!src/keep", "src/keep/a", False),
        ("*\n!src/keep", "src/other", True),
        ("# a\n  \nb", "# a", False),
        ("  a  ", "a", True),
        ("\ufeffa", "a", True),
        ("a(1)+", "a(1)+", True),
        ("a\n b", "b", True),
    ],
)
def test_a_path_is_ignored_as_the_builder_ignores_it(
    patterns: str, path: str, expected: bool
) -> None:
    assert ignored(patterns, path) is expected


@pytest.mark.parametrize("pattern", ["[ab].txt", r"\a.txt", "[!b].txt", "a["])
def test_a_pattern_that_is_in_doubt_leaves_nothing_out(pattern: str) -> None:
    assert not ignored(pattern, "a.txt")
    assert not ignored(f"*\n!{pattern}", "anything")


def test_nothing_is_kept_below_a_folder_that_no_exception_leads_to() -> None:
    rules = read_ignore_file("*\n!src/a*/keep\n!docs")

    assert rules.may_keep_below("src")
    assert rules.may_keep_below("src/abc")
    assert not rules.may_keep_below("src/b")
    assert not rules.may_keep_below("node_modules")
    assert not rules.may_keep_below("docs/x")


names = st.sampled_from(["a", "b", "ab"])
paths = st.lists(names, min_size=1, max_size=4).map("/".join)
patterns = st.lists(st.sampled_from(["a", "b", "*", "**", "?"]), min_size=1, max_size=3)
lines = st.lists(
    st.builds(
        lambda keeps, parts: ("!" if keeps else "") + "/".join(parts), st.booleans(), patterns
    ),
    max_size=5,
)


@given(lines, paths)
def test_what_is_brought_back_is_below_folders_that_are_looked_into(
    lines: list[str], path: str
) -> None:
    rules = read_ignore_file("\n".join(lines))
    if not ignored("\n".join(lines), path):
        parts = path.split("/")
        above = ["/".join(parts[:count]) for count in range(1, len(parts))]
        assert all(
            not ignored("\n".join(lines), folder) or rules.may_keep_below(folder)
            for folder in above
        )
