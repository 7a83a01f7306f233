"""What should not be in a Dockerfile."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from posixpath import basename

from seatrial.audit.images import lacks, read_reference
from seatrial.audit.rules import found
from seatrial.audit.secret_values import judge_value, names_secret
from seatrial.audit.shell import find_trouble
from seatrial.audit.sources import NotRead, Source
from seatrial.evidence.audit import AuditFinding, Severity
from seatrial.stack.dockerfile import (
    Dockerfile,
    Instruction,
    Stage,
    assignments,
    exec_form,
    fill_in,
    read_dockerfile,
)

__all__ = ["Built", "audit_dockerfile", "missing_check_tool", "runs_scripts"]

_ENV_FILE = re.compile(
    r"(?:^|/)(?:\.env(?:\.(?!example|sample|template|dist)[\w.-]+)?|[\w.-]+\.env|\.netrc|\.npmrc|"
    r"\.pypirc|id_(?:rsa|ed25519|ecdsa)|[\w.-]+\.pem|credentials(?:\.json)?|\.aws(?:/.*)?)$"
)
_HARMLESS_KEYS = re.compile(r"cert|ca[-_.]|public|bundle|chain", re.IGNORECASE)
_NAME = re.compile(r"^\s*(?:ONBUILD\s+)?(?:RUN|CMD|ENTRYPOINT)\b", re.IGNORECASE)
_TOOLS = ("curl", "wget", "nc", "netcat")
_MAX_STAGES = 100


@dataclass(frozen=True)
class Built:
    """An image that the compose file has built from a Dockerfile."""

    service: str
    target: str | None
    arguments: Mapping[str, str] = field(default_factory=dict)
    user: str = ""
    """What the compose file runs it as; empty: it says nothing."""


def audit_dockerfile(source: Source, built: tuple[Built, ...]) -> Iterator[AuditFinding]:
    """Every finding; `built` are the images that are made of it, none: nobody knows.

    Raises:
        NotRead: it has more stages than any real one.
    """
    makers = built or (Built("", None),)
    parsed = [(one, read_dockerfile(source.text, one.arguments)) for one in makers]
    if len(parsed[0][1].stages) > _MAX_STAGES:
        raise NotRead(f"{source.file}: over {_MAX_STAGES} stages")
    for one, dockerfile in parsed:
        stage = _target(dockerfile, one.target)
        if stage is None:
            continue
        yield from _user(source, dockerfile, stage, one)
        yield from _fat(source, dockerfile, stage)
    dockerfile = parsed[0][1]
    needed = {
        stage.number
        for one, each in parsed
        for stage in (each.needed(one.target) if built else each.stages)
    }
    for stage in dockerfile.stages:
        if stage.number in needed:
            yield from _base(source, dockerfile, stage)
            yield from _check(source, dockerfile, stage)
            for instruction in stage.instructions:
                yield from _secrets(source, instruction)
    yield from _shell(source, dockerfile)


def missing_check_tool(
    command: str, image: str, dockerfile: Dockerfile | None = None, target: str | None = None
) -> str:
    """The tool that a health check calls and that the image is known not to have; else empty.

    With a Dockerfile, `image` is not looked at: what its target is built on decides, unless
    something in it installs or copies the tool.
    """
    called = [tool for tool in _TOOLS if re.search(rf"(?<![\w.=-]){tool}\s", f"{command} ")]
    installed = ""
    if dockerfile is not None:
        stage = _target(dockerfile, target)
        if stage is None:
            return ""
        lineage = dockerfile.lineage(stage)
        image = (lineage[0][0] if lineage else stage).base
        installed = "\n".join(
            "\n".join((one.text, *one.heredocs))
            for _, one in lineage
            if one.name in {"RUN", "COPY", "ADD"}
        )
    for tool in called:
        if lacks(image, tool) and not re.search(rf"\b{tool}\b", installed):
            return tool
    return ""


def runs_scripts(source: Source, target: str | None) -> tuple[str, ...]:
    """The words of a target's entry point and command, as the container is started with them."""
    dockerfile = read_dockerfile(source.text)
    stage = _target(dockerfile, target)
    words: dict[str, tuple[str, ...]] = {}
    for _, one in dockerfile.lineage(stage) if stage else ():
        if one.name in {"ENTRYPOINT", "CMD"}:
            words[one.name] = exec_form(one.arguments) or tuple(one.arguments.split())
    return (*words.get("ENTRYPOINT", ()), *words.get("CMD", ()))


def _target(dockerfile: Dockerfile, target: str | None) -> Stage | None:
    if target:
        return dockerfile.find(target)
    return dockerfile.stages[-1] if dockerfile.stages else None


def _user(
    source: Source, dockerfile: Dockerfile, stage: Stage, one: Built
) -> Iterator[AuditFinding]:
    if one.user:
        return  # the compose file's own line decides
    values: dict[str, str] = {}
    last: Instruction | None = None
    for _, instruction in dockerfile.lineage(stage):
        if instruction.name in {"ENV", "ARG"}:
            for name, value in assignments(instruction):
                given = one.arguments.get(name) if instruction.name == "ARG" else None
                values[name] = given or fill_in(value, values)
        elif instruction.name == "USER":
            last = instruction
    whose = f"service {one.service}" if one.service else "the image"
    if last is not None:
        user = fill_in(last.arguments, values).partition(":")[0].strip("\"'")
        if user in {"root", "0"}:
            yield found("runs-as-root", source.file, last.line, f"{whose} runs as root")
        return
    base = _origin(dockerfile, stage)
    if "nonroot" in base or base == "scratch":
        return
    known = read_reference(base).official
    yield found(
        "runs-as-root",
        source.file,
        stage.line,
        f"no USER: {whose} runs as {'root' if known else 'what its base image says'}",
        severity=None if known else Severity.LOW,
    )


def _origin(dockerfile: Dockerfile, stage: Stage) -> str:
    """The image from elsewhere that a stage is built on in the end."""
    while parent := dockerfile.parent(stage):
        stage = parent
    return stage.base


def _fat(source: Source, dockerfile: Dockerfile, stage: Stage) -> Iterator[AuditFinding]:
    while parent := dockerfile.parent(stage):
        stage = parent
    if read_reference(stage.base).fat:
        yield found("fat-base-image", source.file, stage.line, f"{stage.base} is not slim")


def _base(source: Source, dockerfile: Dockerfile, stage: Stage) -> Iterator[AuditFinding]:
    if dockerfile.parent(stage) or stage.base == "scratch" or "$" in stage.base or not stage.base:
        return
    reference = read_reference(stage.base)
    if not reference.pinned:
        said = "is `latest`" if reference.tag else "has no tag"
        yield found("unpinned-image", source.file, stage.line, f"{stage.base} {said}")
    elif not reference.digest:
        yield found("image-without-digest", source.file, stage.line, f"{stage.base} has no digest")


def _check(source: Source, dockerfile: Dockerfile, stage: Stage) -> Iterator[AuditFinding]:
    for one in stage.instructions:
        if one.name != "HEALTHCHECK" or one.onbuild or one.words[:1] == ("NONE",):
            continue
        # Tools that come in after the line are in the image as well.
        command = " ".join(exec_form(one.arguments.removeprefix("CMD").strip())) or one.arguments
        tool = missing_check_tool(command, "", dockerfile, str(stage.number))
        if tool:
            yield found(
                "health-check-tool-missing",
                source.file,
                one.line,
                f"the health check calls {tool}, which {_origin(dockerfile, stage)} lacks",
            )


def _secrets(source: Source, one: Instruction) -> Iterator[AuditFinding]:
    if one.name in {"ENV", "ARG"}:
        given = dict(assignments(one))
        for name, value in given.items():
            severity = judge_value(name, value)
            if severity:
                yield found(
                    "secret-in-image",
                    source.file,
                    one.line,
                    f"{one.name} {name} holds a secret",
                    severity=severity,
                )
        if one.name == "ARG":
            for name in one.words:
                if "=" not in name and names_secret(name):
                    yield found(
                        "secret-in-image",
                        source.file,
                        one.line,
                        f"ARG {name}: what is passed stays in the image's history",
                        severity=Severity.MEDIUM,
                    )
    elif one.name in {"COPY", "ADD"} and not one.flag("from"):
        for word in one.words[:-1]:
            if _ENV_FILE.search(word) and not _HARMLESS_KEYS.search(basename(word)):
                yield found("secret-in-image", source.file, one.line, f"{one.name} {word}")


def _shell(source: Source, dockerfile: Dockerfile) -> Iterator[AuditFinding]:
    instructions = [one for stage in dockerfile.stages for one in stage.instructions]
    pipefail = any(one.name == "SHELL" and "pipefail" in one.arguments for one in instructions)
    begins = [one.line for one in instructions] + [stage.line for stage in dockerfile.stages]
    ends = sorted({*begins, len(source.lines) + 1})
    for one in instructions:
        if one.name not in {"RUN", "CMD", "ENTRYPOINT"}:
            continue
        end = next(end for end in ends if end > one.line)
        if words := exec_form(one.arguments):
            text = " ".join(words)
        else:
            text = "\n".join(source.lines[one.line - 1 : end - 1])
            text = _NAME.sub("", text, count=1)
        for trouble in find_trouble(text, is_script=one.name == "RUN", pipefail=pipefail):
            yield found(trouble.rule, source.file, one.line + trouble.line - 1, trouble.what)
