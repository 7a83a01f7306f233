from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seatrial.evidence.dockerignore import read_ignore_file
from seatrial.trial.build_context import tell_left_out, without_own_folder


def form(**build: Any) -> dict[str, Any]:
    return {"services": {"test": {"build": build}, "db": {"image": "postgres"}}}


def project(parent: Path, name: str = "shop", **files: str) -> Path:
    folder = parent / name
    folder.mkdir()
    for file, text in ({"Dockerfile": "FROM x\nCOPY . .\n"} | files).items():
        (folder / file).write_text(text)
    return folder


@pytest.mark.parametrize(
    ("named", "rules"),
    [
        ({}, {}),
        ({}, {".dockerignore": "*.md"}),
        ({}, {".dockerignore": "*.md", "Dockerfile.dockerignore": "*.txt\n!a.txt\n"}),
        ({}, {".dockerignore": ".*\n!.seatrial/runs"}),
        ({}, {".dockerignore": "*\n!*/src"}),
        ({"dockerfile": "Dockerfile.test"}, {"Dockerfile.test": "FROM y\n"}),
    ],
)
def test_a_build_is_sent_the_same_dockerfile_and_rules_with_one_more(
    tmp_path: Path, named: dict[str, str], rules: dict[str, str]
) -> None:
    folder = project(tmp_path, **rules)
    given_form = form(context=str(folder), **named)

    with without_own_folder(given_form, ["test"], folder / ".seatrial") as sent:
        copied = Path(sent["services"]["test"]["build"]["dockerfile"])
        assert copied.name == named.get("dockerfile", "Dockerfile")
        assert copied.read_bytes() == (folder / copied.name).read_bytes()
        text = Path(f"{copied}.dockerignore").read_text()

    theirs = rules.get("Dockerfile.dockerignore", rules.get(".dockerignore", ""))
    assert text == f"{theirs}\n/.seatrial\n"
    assert not copied.exists()
    assert given_form == form(context=str(folder), **named)


def test_a_dockerfile_that_stands_in_the_compose_file_is_sent_as_one(tmp_path: Path) -> None:
    folder = project(tmp_path)
    inline = form(context=str(folder), dockerfile_inline="FROM z\n", target="t")

    with without_own_folder(inline, ["test"], folder / ".seatrial") as sent:
        build = sent["services"]["test"]["build"]
        assert Path(build.pop("dockerfile")).read_text() == "FROM z\n"
        assert build == {"context": str(folder), "target": "t"}


@pytest.mark.parametrize("ignored", ["*", ".seatrial", ".*", "**/.seatrial", ".seatrial/\n!src"])
def test_where_the_rules_leave_it_out_already_nothing_is_changed(
    tmp_path: Path, ignored: str
) -> None:
    folder = project(tmp_path, **{".dockerignore": ignored})
    theirs = form(context=str(folder))

    with without_own_folder(theirs, ["test"], folder / ".seatrial") as sent:
        assert sent == theirs
    assert not list(tell_left_out(theirs, folder / ".seatrial"))


@pytest.mark.parametrize(
    "build",
    [
        {"context": "https://example.org/shop.git"},
        {"context": "/elsewhere"},
        {"context": "{folder}/docker"},
        {"context": "{folder}", "dockerfile": "there-is-none"},
    ],
)
def test_a_build_that_is_sent_nothing_of_it_or_cannot_be_read_stays_as_it_is(
    tmp_path: Path, build: dict[str, str]
) -> None:
    folder = project(tmp_path)
    theirs = form(**{key: value.format(folder=folder) for key, value in build.items()})

    with without_own_folder(theirs, ["test"], folder / ".seatrial") as sent:
        assert sent == theirs


NAMES = st.text("ab#! *?[]\\.-", min_size=1, max_size=6).filter(
    lambda name: name.strip() == name and not name.startswith(".")
)


@given(name=NAMES)
def test_a_folder_above_it_may_have_any_name(
    tmp_path_factory: pytest.TempPathFactory, name: str
) -> None:
    context = tmp_path_factory.mktemp("context")
    (context / "Dockerfile").write_text("FROM x\n")
    own = context / name / ".seatrial"

    with without_own_folder(form(context=str(context)), ["test"], own) as sent:
        build = sent["services"]["test"]["build"]
        rule = Path(f"{build['dockerfile']}.dockerignore").read_text().strip()

    assert matches_in_go(rule.removeprefix("/"), f"{name}/.seatrial")


def matches_in_go(pattern: str, path: str) -> bool:
    """What Go's `filepath.Match` does with a pattern in which all that is special is escaped."""
    literal, rest = "", pattern
    while rest:
        assert rest[0] not in "*?[", "not escaped"
        rest = rest[1:] if rest[0] == "\\" else rest
        literal, rest = literal + rest[0], rest[1:]
    return literal == path


def test_the_plan_tells_what_the_builder_is_not_sent(tmp_path: Path) -> None:
    folder = project(tmp_path)
    (told,) = tell_left_out(form(context=str(folder)), folder / ".seatrial")
    assert (told.where, told.what) == (
        "services.test.build",
        ".seatrial is left out of what the builder is sent",
    )


def test_a_rule_for_a_plain_name_is_understood_as_our_own_reader_has_it(tmp_path: Path) -> None:
    folder = project(tmp_path)
    with without_own_folder(form(context=str(folder)), ["test"], folder / ".seatrial") as sent:
        build = sent["services"]["test"]["build"]
        rules = read_ignore_file(Path(f"{build['dockerfile']}.dockerignore").read_text())
    assert rules.leaves_out(".seatrial")
    assert not rules.leaves_out("src")
