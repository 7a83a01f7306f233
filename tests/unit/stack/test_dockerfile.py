import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seatrial.stack.dockerfile import assignments, read_dockerfile

STAGES = """\
ARG VERSION=3.12
FROM python:${VERSION}-slim AS Base
RUN base
FROM base AS tools
RUN tools
FROM base AS unused
RUN unused
FROM scratch
COPY --from=tools /x /x
RUN --mount=type=bind,from=base,target=/y last
"""
LINES = [
    *("FROM a AS b", "RUN x", "RUN x \\", "  && y", "  # c", "# c", "", "run lower", "RUN \\"),
    *("RUN <<EOT", "RUN <<-EOT", 'RUN <<"EOT" x', "RUN 3<<EOT cat", "RUN echo '<<EOT'", "EOT"),
    *("\tEOT", "COPY <<a <<'b' /x", "a", "b", "ADD <<EOT /x", "CMD <<EOT", "RUN cat <<<EOT"),
    *("ONBUILD COPY . /x", "ENV a=b \\", "ENV a b", 'RUN ["a", "b"]', "RUN x \\\\", "RUN x `"),
    *("RUN --mount=type=cache,target=/x y", "COPY --from=b --chown=1:1 x y", "RUN x \\ ", "\\"),
]
TOPS = ["", "# syntax=x", "# escape=`", "# syntax=x\n# escape=`", "# other\n# escape=`"]


def read(text: str) -> list[tuple[int, str, str]]:
    stages = read_dockerfile("FROM scratch\n" + text).stages
    return [(one.line - 1, one.name, one.arguments) for s in stages for one in s.instructions]


def test_a_line_that_goes_on_is_one_instruction_and_comments_in_it_are_left_out() -> None:
    text = "RUN one \\\n  # a comment\n\n  && two\nrun three"
    assert [(line, name, words.split()) for line, name, words in read(text)] == [
        (1, "RUN", ["one", "&&", "two"]),
        (5, "RUN", ["three"]),
    ]


def test_the_body_of_a_heredoc_is_no_instruction() -> None:
    text = "RUN <<EOF bash\nCOPY . .\nEOF\nCOPY <<a <<-'b' /x/\nFROM q\na\nRUN z\n\tb\nUSER me"
    (stage,) = read_dockerfile("FROM scratch\n" + text).stages
    assert [one.name for one in stage.instructions] == ["RUN", "COPY", "USER"]
    assert [one.heredocs for one in stage.instructions] == [("COPY . .",), ("FROM q", "RUN z"), ()]


def test_a_directive_at_the_top_changes_the_escape_character() -> None:
    (stage,) = read_dockerfile("# escape=`\nFROM scratch\nRUN a `\n b\nRUN c:\\\nRUN d").stages
    assert [one.arguments.split() for one in stage.instructions] == [["a", "b"], ["c:\\"], ["d"]]


def test_flags_and_mounts_are_told_apart_from_the_arguments() -> None:
    text = (
        "FROM scratch\nRUN --network=none --mount=type=cache,dst=/c --mount=src=a,target=/b pip x"
    )
    (run,) = read_dockerfile(text).stages[0].instructions
    assert run.arguments == "pip x"
    assert run.flag("network") == "none"
    assert run.mounts == (
        {"type": "cache", "target": "/c"},
        {"type": "bind", "source": "a", "target": "/b"},
    )


def test_a_target_needs_its_bases_and_what_it_copies_from_and_nothing_else() -> None:
    dockerfile = read_dockerfile(STAGES)
    assert [stage.name for stage in dockerfile.needed(None)] == ["base", "tools", ""]
    assert [stage.name for stage in dockerfile.needed("UNUSED")] == ["base", "unused"]
    assert [stage.name for stage in dockerfile.needed("1")] == ["base", "tools"]
    assert dockerfile.needed("no such") == ()
    assert dockerfile.stages[0].base == "python:3.12-slim"
    assert read_dockerfile(STAGES, {"VERSION": "3.13"}).stages[0].base == "python:3.13-slim"


def test_what_waits_for_a_build_upon_the_stage_is_run_in_the_stage_above() -> None:
    text = "FROM x AS a\nONBUILD RUN late\nRUN early\nFROM a\nRUN own"
    dockerfile = read_dockerfile(text)
    ran = [[one.arguments for _, one in dockerfile.lineage(s)] for s in dockerfile.stages]
    assert ran == [["early"], ["early", "late", "own"]]


def test_both_forms_of_env_set_variables() -> None:
    (stage,) = read_dockerfile("FROM x\nENV A=1 B='two words'\nENV C three words\nARG D").stages
    assert [assignments(one) for one in stage.instructions] == [
        (("A", "1"), ("B", "two words")),
        (("C", "three words"),),
        (),
    ]


def test_the_words_of_the_exec_form_are_read() -> None:
    (stage,) = read_dockerfile('FROM x\nCOPY ["a b", "c"]\nCOPY a "b c"').stages
    assert [one.words for one in stage.instructions] == [("a b", "c"), ("a", "b c")]


@given(st.sampled_from(TOPS), st.lists(st.sampled_from(LINES), max_size=8))
@settings(max_examples=500, deadline=None)
def test_instructions_are_those_of_the_official_parser(top: str, lines: list[str]) -> None:
    official = pytest.importorskip("dockerfile")
    text = "\n".join([top, "FROM z", *lines])
    try:
        commands = official.parse_string(text)[1:]
    except official.GoParseError:
        return  # nobody can build from it
    if any(command.cmd is None for command in commands):
        return  # nor from a lone escape character
    expected = [
        (
            (command.sub_cmd or command.cmd).upper(),
            command.start_line,
            command.flags,
            tuple(heredoc.content.rstrip("\n") for heredoc in command.heredocs),
        )
        for command in commands
        if command.cmd.upper() != "FROM"
    ]
    found = [
        (
            one.name,
            one.line,
            tuple(f"--{name}={value}" for name, value in one.flags),
            tuple(body.rstrip("\n") for body in one.heredocs),
        )
        for stage in read_dockerfile(text).stages
        for one in stage.instructions
    ]
    assert found == expected


@given(st.text())
def test_no_text_is_too_strange_to_be_read(text: str) -> None:
    read_dockerfile(text).needed(None)
