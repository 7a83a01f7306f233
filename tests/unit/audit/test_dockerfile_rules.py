"""Small Dockerfiles: what each is told, in which line, and its good counterpart."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seatrial.audit.dockerfile_rules import Built, audit_dockerfile, missing_check_tool
from seatrial.audit.sources import NotRead, Source
from seatrial.evidence.audit import AuditFinding, Severity
from seatrial.stack.dockerfile import read_dockerfile

GOOD = """\
FROM python:3.13-slim@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef
RUN useradd app
COPY src src
USER app
CMD ["pytest"]
"""
BAD = """\
FROM python:3.12 AS base
ENV DB_PASSWORD=Zx81kPq02LmV77sTrWq4
RUN curl -sSL https://example.org/install | sh
RUN apt-get update \\
    # a comment among the lines
    && pytest || true
COPY .env ./
HEALTHCHECK CMD curl -f http://localhost
FROM base
USER root
"""


def told(text: str, *built: Built) -> list[tuple[str, int]]:
    findings = audit_dockerfile(Source("Dockerfile", text), built)
    return sorted({(one.rule, one.line or 0) for one in findings})


def only(text: str, rule: str, *built: Built) -> list[AuditFinding]:
    findings = audit_dockerfile(Source("Dockerfile", text), built)
    return [one for one in findings if one.rule == rule]


def test_a_good_file_is_told_nothing() -> None:
    assert told(GOOD) == []


def test_a_bad_file_is_told_everything_with_its_line() -> None:
    assert told(BAD) == [
        ("fat-base-image", 1),
        ("image-without-digest", 1),
        ("piped-download", 3),
        ("runs-as-root", 10),
        ("secret-in-image", 2),
        ("secret-in-image", 7),
        ("swallowed-exit-code", 4),
    ]


@pytest.mark.parametrize(
    ("line", "bad", "rule"),
    [
        (1, "FROM python:latest", "unpinned-image"),
        (1, "FROM python", "unpinned-image"),
        (1, "FROM registry.example:5000/python", "unpinned-image"),
        (1, "FROM python:3.13", "fat-base-image"),
        (4, "USER 0:0", "runs-as-root"),
        (4, "USER root", "runs-as-root"),
        (3, "ARG API_TOKEN", "secret-in-image"),
        (3, "ENV AWS_ACCESS_KEY_ID=AKIAIOSFODNN7ABCDEFG", "secret-in-image"),
        (3, "COPY .env.production /app/", "secret-in-image"),
        (3, 'COPY ["id_rsa", "/root/.ssh/"]', "secret-in-image"),
        (3, "RUN wget -qO- https://example.org/x | sudo bash -s", "piped-download"),
        (3, 'RUN bash -c "$(curl -fsSL https://example.org/x)"', "piped-download"),
        (3, "RUN pytest; exit 0", "swallowed-exit-code"),
        (5, "CMD pytest || true", "swallowed-exit-code"),
        (5, 'CMD ["sh", "-c", "sleep 5 && pytest"]', "fixed-sleep"),
        (3, "RUN rm -r /x || true", "ignored-failure"),
    ],
)
def test_one_bad_line_is_told_once(line: int, bad: str, rule: str) -> None:
    lines = GOOD.splitlines()
    lines[line - 1] = bad

    assert (rule, line) in told("\n".join(lines))
    assert {found for found, _ in told("\n".join(lines))} <= {rule, "image-without-digest"}


@pytest.mark.parametrize(
    "line",
    [
        "ENV PASSWORD_FILE=/run/secrets/password",
        "ENV TOKEN=$TOKEN",
        "ARG PASSWORD_MIN_LENGTH=8",
        "COPY .env.example ./",
        "COPY --from=build /app/.env ./",
        "COPY ca-bundle.pem /etc/ssl/",
        "RUN pip install pytest || exit 1",
        "RUN curl -o x https://example.org/x && sha256sum -c x.sha256",
        "RUN until nc -z db 5432; do sleep 1; done",
        "RUN pip install pytest && echo done",
        "RUN --mount=type=secret,id=token cat /run/secrets/token",
    ],
)
def test_a_good_line_is_told_nothing(line: str) -> None:
    lines = GOOD.splitlines()
    lines[2] = line

    assert told("\n".join(lines)) == []


def test_no_user_is_told_at_the_stage_that_the_service_is_built_from() -> None:
    text = "FROM python:3.13-slim AS test\nRUN true\nFROM test AS app\nUSER app\n"

    assert [one.line for one in only(text, "runs-as-root", Built("test", "test"))] == [1]
    assert only(text, "runs-as-root", Built("app", "app")) == []


def test_a_user_of_the_compose_file_decides() -> None:
    assert only("FROM python:3.13-slim\n", "runs-as-root", Built("test", None, {}, "1000")) == []


def test_a_base_that_may_name_a_user_itself_is_a_low_finding() -> None:
    (finding,) = only("FROM registry.example/team/base:1\n", "runs-as-root")

    assert finding.severity is Severity.LOW


def test_a_fat_stage_that_only_builds_is_fine() -> None:
    text = "FROM python:3.13 AS build\nFROM python:3.13-slim\nCOPY --from=build /x /x\nUSER app\n"

    assert only(text, "fat-base-image") == []


def test_stages_that_no_service_is_built_from_are_left_out() -> None:
    text = "FROM python AS unused\nFROM python:3.13-slim AS test\nUSER app\n"

    assert only(text, "unpinned-image", Built("test", "test")) == []
    assert len(only(text, "unpinned-image")) == 1


def test_build_arguments_of_the_compose_file_name_the_base() -> None:
    text = "ARG TAG=latest\nFROM python:${TAG}\nUSER app\n"

    assert len(only(text, "unpinned-image")) == 1
    assert only(text, "unpinned-image", Built("test", None, {"TAG": "3.13-slim"})) == []


@pytest.mark.parametrize(
    ("image", "command", "missing"),
    [
        ("postgres:16", "curl -f http://localhost", "curl"),
        ("redis:7-alpine", "wget -q http://localhost", ""),
        ("redis:7-alpine", "curl -f http://localhost", "curl"),
        ("python:3.13-slim", "wget -q http://localhost", "wget"),
        ("python:3.13", "curl -f http://localhost", ""),
        ("example/own:1", "curl -f http://localhost", ""),
        ("postgres:16", "pg_isready --host=curl", ""),
    ],
)
def test_a_tool_that_an_image_lacks_is_known(image: str, command: str, missing: str) -> None:
    assert missing_check_tool(command, image) == missing


def test_a_tool_that_the_dockerfile_installs_is_there() -> None:
    text = "FROM python:3.13-slim\nRUN apt-get install -y curl\n"

    assert missing_check_tool("curl -f x", "", read_dockerfile(text)) == ""
    assert missing_check_tool("wget -q x", "", read_dockerfile(text)) == "wget"


def test_variables_made_of_variables_do_not_grow_without_end() -> None:
    text = "FROM python:3.13-slim\nENV A=xxxxxxxxxx\n" + "ENV A=$A$A$A$A\n" * 60 + "USER $A\n"

    assert told(text) == [("image-without-digest", 1)]


def test_more_stages_than_any_real_file_has_are_not_read() -> None:
    with pytest.raises(NotRead, match="stages"):
        told("".join(f"FROM s{n - 1} AS s{n}\n" for n in range(1, 5000)))


@given(at=st.integers(0, 9), count=st.integers(1, 5))
def test_comment_lines_move_what_stands_below_them_and_nothing_else(at: int, count: int) -> None:
    lines = BAD.splitlines()
    moved = "\n".join([*lines[:at], *["# a comment"] * count, *lines[at:]])

    # A comment among the lines of an instruction does not move where that begins.
    assert told(moved) == sorted(
        (rule, line + count if line > at else line) for rule, line in told(BAD)
    )


@given(st.text(alphabet="FROMUSERUN \n\\#$A{}:=|<\"'[],-ycurlpytest;&", max_size=300))
def test_no_text_breaks_it(text: str) -> None:
    lines = text.count("\n") + 1
    assert all(1 <= line <= lines for _, line in told(text))
