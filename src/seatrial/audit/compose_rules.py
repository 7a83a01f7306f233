"""What should not be in a compose file.

What it means is read from Compose's canonical form, where it stands from the files themselves.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from seatrial.audit.dockerfile_rules import missing_check_tool
from seatrial.audit.images import read_reference
from seatrial.audit.places import Place, Tree, child, entries, find_place, items, line_of, text_of
from seatrial.audit.rules import found
from seatrial.audit.secret_values import judge_value
from seatrial.audit.shell import find_trouble
from seatrial.evidence.audit import AuditFinding, Severity
from seatrial.stack.dockerfile import Dockerfile
from seatrial.stack.model import Form, Mount, Service, read_services
from seatrial.stack.mounts import Treatment, treat_mount
from seatrial.stack.servers import recognise

__all__ = ["Stack", "audit_compose"]

_SOCKET = re.compile(r"(?:^|/)(?:docker|podman|containerd|crio|buildkitd)\.sock$")
_SENSITIVE = re.compile(r"^/(?:$|(?:etc|proc|sys|dev|boot|root|home|var|run|usr|lib)(?:/|$))")
_HARMLESS = ("/etc/localtime", "/etc/timezone", "/etc/ssl/certs", "/usr/share/zoneinfo")
_STRONG = frozenset(
    {"ALL", "SYS_ADMIN", "SYS_MODULE", "SYS_RAWIO", "SYS_PTRACE", "DAC_READ_SEARCH", "BPF"}
)
_LOOPBACK = ("127.", "::1", "[::1]")
_SHELLS = frozenset({"sh", "bash", "dash", "ash", "zsh"})


@dataclass(frozen=True)
class Stack:
    """A compose file as Compose understands it, and as it stands."""

    project: Path
    form: Form
    trees: Sequence[Tree]
    outputs: Sequence[str] = ()
    """Folders that the settings name as outputs."""
    dockerfiles: Mapping[str, Dockerfile] = field(default_factory=dict)
    """By service that is built: its Dockerfile, as far as it was read."""
    has_tracked_files: Callable[[Path], bool] = lambda _: False

    def place(self, service: str, *keys: str) -> Place:
        """Where a key of a service stands."""
        return find_place(self.trees, ("services", service, *keys))

    def entry(self, service: str, key: str, *signs: str) -> Place:
        """Where the entry of a list stands that has one of the signs in it, or the list."""
        place = self.place(service, key)
        for item in items(place.node):
            told = text_of(item) or text_of(child(item, "target"))
            if any(sign and sign in told for sign in signs):
                return Place(place.file, line_of(item), item)
        return place


def audit_compose(stack: Stack) -> Iterator[AuditFinding]:
    """Every finding in the compose files."""
    services = read_services(stack.form)
    for name, service in services.items():
        raw = stack.form["services"][name]
        for rule in (_image, _rights, _secrets, _commands, _ports, _user):
            yield from rule(stack, name, raw)
        yield from _mounts(stack, service)
        yield from _dependencies(stack, service, services)
        yield from _check(stack, name, raw)


def _image(stack: Stack, name: str, raw: Mapping[str, Any]) -> Iterator[AuditFinding]:
    image = str(raw.get("image") or "")
    if not image or "build" in raw:
        return
    place, reference = stack.place(name, "image"), read_reference(image)
    if not reference.pinned:
        said = "is `latest`" if reference.tag else "has no tag"
        yield found("unpinned-image", place.file, place.line, f"{name}: {image} {said}")
    elif not reference.digest:
        yield found("image-without-digest", place.file, place.line, f"{name}: {image}")
    if reference.fat:
        yield found("fat-base-image", place.file, place.line, f"{name}: {image} is not slim")


def _rights(stack: Stack, name: str, raw: Mapping[str, Any]) -> Iterator[AuditFinding]:
    if raw.get("privileged"):
        place = stack.place(name, "privileged")
        yield found("privileged", place.file, place.line, f"{name} is privileged")
    for key in ("network_mode", "pid", "ipc", "uts", "userns_mode", "cgroup"):
        if raw.get(key) == "host":
            place = stack.place(name, key)
            yield found("host-namespace", place.file, place.line, f"{name}: {key} is the host's")
    for capability in raw.get("cap_add") or ():
        place = stack.entry(name, "cap_add", str(capability))
        strong = str(capability).upper().removeprefix("CAP_") in _STRONG
        yield found(
            "added-capability",
            place.file,
            place.line,
            f"{name} may {capability}",
            severity=Severity.HIGH if strong else None,
        )
    for option in raw.get("security_opt") or ():
        if re.search(r"[:=](?:unconfined|disable)$", str(option)):
            place = stack.entry(name, "security_opt", str(option))
            yield found("unconfined", place.file, place.line, f"{name}: {option}")


def _user(stack: Stack, name: str, raw: Mapping[str, Any]) -> Iterator[AuditFinding]:
    if str(raw.get("user") or "").partition(":")[0] in {"root", "0"}:
        place = stack.place(name, "user")
        yield found(
            "runs-as-root",
            place.file,
            place.line,
            f"{name} runs as root by its own line",
            severity=Severity.MEDIUM if "build" in raw else Severity.LOW,
        )


def _secrets(stack: Stack, name: str, raw: Mapping[str, Any]) -> Iterator[AuditFinding]:
    """Only what stands in the compose files; what comes from env files is looked at there."""
    command = raw.get("command") or ()
    throwaway = recognise(str(raw.get("image") or ""), command) is not None
    hosts = frozenset(stack.form["services"])
    for key in ("environment", "build.args"):
        place = stack.place(name, *key.split("."))
        for variable, value, line in _variables(place):
            severity = judge_value(variable, value, throwaway=throwaway, hosts=hosts)
            if severity:
                yield found(
                    "secret-in-compose",
                    place.file,
                    line,
                    f"{name}: {variable} holds "
                    + ("a throwaway password" if severity is Severity.NOTE else "a secret"),
                    severity=severity,
                )


def _variables(place: Place) -> Iterator[tuple[str, str, int]]:
    """Names, values as they stand, and lines; from either syntax."""
    for item in items(place.node):
        name, _, value = text_of(item).partition("=")
        yield name, value, line_of(item)
    for name, key, node in entries(place.node):
        yield name, text_of(node), line_of(key)


def _commands(stack: Stack, name: str, raw: Mapping[str, Any]) -> Iterator[AuditFinding]:
    for key in ("entrypoint", "command"):
        words = raw.get(key)
        if not words:
            continue
        place = stack.place(name, key)
        for text, line in _scripts([str(word) for word in words], place):
            for trouble in find_trouble(text.replace("$$", "$"), is_script=False):
                at = line + trouble.line - 1 if line else None
                yield found(trouble.rule, place.file, at, f"{name}: {trouble.what}")


def _scripts(words: Sequence[str], place: Place) -> Iterator[tuple[str, int | None]]:
    """What a shell is given, or the command itself, with the line where it begins."""
    if words[0].rsplit("/", 1)[-1] in _SHELLS and len(words) > 1:
        scripts = [word for word in words[1:] if not word.startswith("-")]
    elif len(words) == 1 and " " in words[0]:
        scripts = [words[0]]  # an entry point of `sh -c` has it as its only word
    else:
        scripts = [" ".join(words)]
    nodes = list(items(place.node)) or ([place.node] if place.node is not None else [])
    for script in scripts:
        line = place.line
        for node in nodes:
            told = text_of(node)
            if script.strip() and (script.strip() in told or told.strip() == script.strip()):
                line = line_of(node) + (getattr(node, "style", None) in {"|", ">"})
        yield script, line


def _ports(stack: Stack, name: str, raw: Mapping[str, Any]) -> Iterator[AuditFinding]:
    for port in raw.get("ports") or ():
        published, target = str(port.get("published") or ""), str(port.get("target") or "")
        if not published:
            continue  # the engine chooses a free one
        place = stack.entry(name, "ports", f"{published}:{target}", target)
        local = str(port.get("host_ip") or "").startswith(_LOOPBACK)
        yield found(
            "published-port",
            place.file,
            place.line,
            f"{name} publishes {published} " + ("on this machine" if local else "on all addresses"),
            severity=Severity.LOW if local else Severity.MEDIUM,
        )


def _mounts(stack: Stack, service: Service) -> Iterator[AuditFinding]:
    for mount in service.mounts:
        if mount.kind != "bind":
            continue
        place = stack.entry(service.name, "volumes", mount.target)
        finding = _mount(stack, mount)
        if finding:
            rule, what, severity = finding
            yield found(rule, place.file, place.line, f"{service.name}: {what}", severity=severity)


def _mount(stack: Stack, mount: Mount) -> tuple[str, str, Severity | None] | None:
    if _SOCKET.search(mount.source) or _SOCKET.search(mount.target):
        return "engine-socket", f"mounts the engine's socket {mount.source}", None
    source = Path(mount.source)
    if not source.is_relative_to(stack.project):
        if mount.read_only and mount.source.startswith(_HARMLESS):
            return None
        severity = Severity.LOW if mount.read_only else Severity.MEDIUM
        if _SENSITIVE.match(mount.source) and not stack.project.is_relative_to(source):
            severity = Severity.MEDIUM if mount.read_only else Severity.HIGH
        elif mount.source == "/":
            severity = Severity.HIGH
        how = "read-only" if mount.read_only else "writable"
        return "host-path", f"mounts {mount.source} from outside the project, {how}", severity
    treatment = treat_mount(
        mount,
        project=stack.project,
        outputs=stack.outputs,
        has_tracked_files=stack.has_tracked_files,
    )
    if treatment in {Treatment.KEEP, Treatment.OUTPUT}:
        return None
    inside = source.relative_to(stack.project)
    return "writable-mount", f"can write to {inside} of the project", None


def _dependencies(
    stack: Stack, service: Service, services: Mapping[str, Service]
) -> Iterator[AuditFinding]:
    for dependency in service.depends_on:
        other = services.get(dependency.service)
        if other is None or dependency.condition == "service_completed_successfully":
            continue
        raw = stack.form["services"][other.name]
        if not _has_check(stack, other.name, raw):
            place = stack.place(other.name)
            yield found(
                "no-health-check",
                place.file,
                place.line,
                f"{other.name} has no health check, and others depend on it",
            )
        if dependency.condition == "service_started":
            place = stack.entry(service.name, "depends_on", other.name)
            keyed = stack.place(service.name, "depends_on", other.name)
            if keyed.node is not None:
                place = keyed
            yield found(
                "depends-without-condition",
                place.file,
                place.line,
                f"{service.name} waits only until {other.name} is started",
            )


def _has_check(stack: Stack, name: str, raw: Mapping[str, Any]) -> bool:
    check = raw.get("healthcheck")
    if check:
        return not check.get("disable") and list(check.get("test") or ["CMD"])[:1] != ["NONE"]
    dockerfile = stack.dockerfiles.get(name)
    target = (raw.get("build") or {}).get("target")
    if dockerfile is None or not dockerfile.stages:
        return False
    stage = dockerfile.find(target) if target else dockerfile.stages[-1]
    checks = [
        one for _, one in (dockerfile.lineage(stage) if stage else ()) if one.name == "HEALTHCHECK"
    ]
    return bool(checks) and checks[-1].words[:1] != ("NONE",)


def _check(stack: Stack, name: str, raw: Mapping[str, Any]) -> Iterator[AuditFinding]:
    test = (raw.get("healthcheck") or {}).get("test") or ()
    if len(test) < 2:
        return
    build = raw.get("build")
    image = str(raw.get("image") or "")
    dockerfile = stack.dockerfiles.get(name)
    if build and dockerfile is None:
        return
    command = " ".join(str(word) for word in test[1:])
    target = (build or {}).get("target")
    tool = missing_check_tool(command, image, dockerfile if build else None, target)
    if tool:
        place = stack.place(name, "healthcheck", "test")
        yield found(
            "health-check-tool-missing",
            place.file,
            place.line,
            f"the health check of {name} calls {tool}, which its image lacks",
        )
