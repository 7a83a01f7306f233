"""The audit of a project: which files, which rules, and what could not be checked."""

import tempfile
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from seatrial.audit.compose_rules import Stack, audit_compose
from seatrial.audit.detect_secrets import NAME as DETECT_SECRETS
from seatrial.audit.detect_secrets import ask_detect_secrets
from seatrial.audit.dockerfile_rules import Built, audit_dockerfile, runs_scripts
from seatrial.audit.foreign import Tool, ToolFault, find_tool, missing
from seatrial.audit.hadolint import NAME as HADOLINT
from seatrial.audit.hadolint import ask_hadolint
from seatrial.audit.image_history import read_history
from seatrial.audit.places import Tree, child, entries, items, read_tree, text_of
from seatrial.audit.rules import found
from seatrial.audit.scripts import find_scripts
from seatrial.audit.shell import find_trouble
from seatrial.audit.sources import NotRead, Source, read_source
from seatrial.audit.suppress import suppress
from seatrial.audit.workflow_rules import audit_github, audit_gitlab
from seatrial.audit.zizmor import NAME as ZIZMOR
from seatrial.audit.zizmor import ask_zizmor
from seatrial.errors import SeatrialError
from seatrial.evidence.audit import AuditFinding, AuditReport, Severity, ToolRun
from seatrial.evidence.hostile import plain_text
from seatrial.evidence.record import Record
from seatrial.settings import Settings
from seatrial.stack.canonical import read_canonical
from seatrial.stack.compose import find_compose
from seatrial.stack.dockerfile import read_dockerfile
from seatrial.stack.files import find_compose_files
from seatrial.stack.model import Form, read_services

__all__ = ["audit_project", "fails"]

_SEVERITIES = (Severity.HIGH, Severity.MEDIUM, Severity.LOW, Severity.NOTE)
_COMPOSE_RULES = "what compose files mean"
_ISOLATION = "network-not-isolated"
_MAX_FILES = 50
"""Of each kind."""
_MAX_WHAT = 300


@dataclass
class _Work:
    """What has been read and found so far."""

    project: Path
    sources: dict[str, Source] = field(default_factory=dict)
    findings: list[AuditFinding] = field(default_factory=list)
    tools: list[ToolRun] = field(default_factory=list)
    not_checked: list[str] = field(default_factory=list)

    def read(self, path: Path) -> Source | None:
        """Read a file once; one that cannot be read is noted."""
        try:
            source = read_source(self.project, path)
        except NotRead as fault:
            self.not_checked.append(str(fault))
            return None
        return self.sources.setdefault(source.file, source)

    def tree(self, path: Path) -> Tree | None:
        """Read a YAML file; one that is none is noted."""
        source = self.read(path)
        try:
            return read_tree(source) if source else None
        except NotRead as fault:
            self.not_checked.append(str(fault))
            return None

    def apply(self, findings: Iterator[AuditFinding], file: str) -> None:
        """Take the findings of a rule's module; what is deeper than anything real is noted."""
        try:
            self.findings += findings
        except NotRead as fault:
            self.not_checked.append(str(fault))
        except RecursionError:
            self.not_checked.append(f"{file}: nested too deeply")


async def audit_project(
    project: Path,
    settings: Settings,
    *,
    environ: Mapping[str, str],
    record: Record | None = None,
    has_tracked_files: Callable[[Path], bool] = lambda _: False,
) -> AuditReport:
    """Audit the project's Dockerfiles, compose files, env files and CI workflows.

    Needs no trial and no engine, only the Compose program. With the `record` of a trial, the
    history of its test image is looked at too, and what the trial measured counts.
    `has_tracked_files` tells whether version control knows files in a folder. The same files,
    settings, record and programs give the same report.
    """
    work = _Work(project)
    form, files = await _form(work, settings, environ)
    trees = [tree for file in files if (tree := work.tree(file))]
    dockerfiles = _dockerfiles(work, form)
    if form is not None:
        by_service = {
            built.service: read_dockerfile(source.text, built.arguments)
            for source, all_built in dockerfiles
            for built in all_built
        }
        stack = Stack(project, form, trees, settings.outputs, by_service, has_tracked_files)
        work.apply(audit_compose(stack), "compose")
        _scripts(work, form, dockerfiles)
    for source, built in dockerfiles:
        work.apply(audit_dockerfile(source, built), source.file)
    github = _workflows(work)
    if record is not None:
        _measured(work, record, trees)
    if record is None or record.isolation is None or record.isolation.why_not:
        why = (record.isolation.why_not if record and record.isolation else "") or "no trial did"
        work.not_checked.append(f"{_ISOLATION}: not measured ({why})")
    env_files = _env_files(work, settings, trees)
    history = await read_history(record, environ, project) if record else None
    if isinstance(history, str):
        work.not_checked.append(f"secrets in the image's history: {history}")
    elif record is None:
        work.not_checked.append("secrets in the image's history: no trial has built an image")
    scanned = [*(s for s, _ in dockerfiles), *(t.source for t in trees), *github, *env_files]
    await _foreign(
        work,
        environ,
        {
            HADOLINT: (ask_hadolint, [source for source, _ in dockerfiles]),
            ZIZMOR: (ask_zizmor, [s for s in github if not s.file.startswith(".gitlab")]),
            DETECT_SECRETS: (
                ask_detect_secrets,
                [*dict.fromkeys(scanned), *([history] if isinstance(history, Source) else [])],
            ),
        },
    )
    return _report(work)


def fails(report: AuditReport, least: str) -> tuple[AuditFinding, ...]:
    """The findings of at least a severity: `high`, `medium`, `low`; `never`: none."""
    if least == "never":
        return ()
    reached = _SEVERITIES[: _SEVERITIES.index(Severity(least)) + 1]
    return tuple(finding for finding in report.findings if finding.severity in reached)


async def _form(
    work: _Work, settings: Settings, environ: Mapping[str, str]
) -> tuple[Form | None, Sequence[Path]]:
    files: Sequence[Path] = ()
    try:
        files = find_compose_files(work.project, settings.compose_files)
        # What is too large for us is nothing that Compose should be asked to unfold.
        for file in files:
            read_tree(read_source(work.project, file))
        compose = await find_compose(environ, work.project)
        canonical = await read_canonical(
            compose,
            files,
            project=work.project,
            name="seatrial-audit",
            env_files=settings.env_files,
        )
    except SeatrialError as fault:
        work.not_checked.append(f"{_COMPOSE_RULES}: {fault.what}")
        return None, files
    except NotRead as fault:
        work.not_checked.append(f"{_COMPOSE_RULES}: {fault}")
        return None, ()
    return canonical.form, files


def _dockerfiles(work: _Work, form: Form | None) -> list[tuple[Source, tuple[Built, ...]]]:
    """Those that the compose file builds from, and those that lie beside it."""
    makers: dict[Path, list[Built]] = {}
    for name, raw in ((form or {}).get("services") or {}).items():
        build = raw.get("build")
        if not build or "dockerfile_inline" in build or "://" in str(build.get("context")):
            if build:
                work.not_checked.append(f"{name}: its Dockerfile is no file of the project")
            continue
        path = Path(str(build.get("context"))) / str(build.get("dockerfile") or "Dockerfile")
        arguments = {key: str(v) for key, v in (build.get("args") or {}).items() if v is not None}
        built = Built(name, build.get("target"), arguments, str(raw.get("user") or ""))
        makers.setdefault(path, []).append(built)
    try:
        beside = sorted(
            path
            for pattern in ("Dockerfile", "Dockerfile.*", "*.Dockerfile", "Containerfile")
            for path in work.project.glob(pattern)
            if not path.name.endswith(".dockerignore")
        )
    except OSError:
        beside = []
    for path in beside[:_MAX_FILES]:
        makers.setdefault(path, [])
    return [
        (source, tuple(built))
        for path, built in makers.items()
        if (source := work.read(path)) is not None
    ]


def _scripts(
    work: _Work, form: Form, dockerfiles: Iterable[tuple[Source, tuple[Built, ...]]]
) -> None:
    """Look into the scripts that containers are started with."""
    images = {
        built.service: runs_scripts(source, built.target)
        for source, all_built in dockerfiles
        for built in all_built
    }
    seen: set[Path] = set()
    for name, service in read_services(form).items():
        own = (*service.entrypoint, *service.command)
        image = images.get(name, ())
        words = own if service.command else (*own, *image)
        for path in find_scripts(work.project, service, form["services"][name], words):
            if path in seen or len(seen) >= _MAX_FILES:
                continue
            seen.add(path)
            source = work.read(path)
            if source and path.suffix != ".py":
                work.apply(
                    (
                        found(trouble.rule, source.file, trouble.line, trouble.what)
                        for trouble in find_trouble(source.text)
                    ),
                    source.file,
                )


def _workflows(work: _Work) -> list[Source]:
    folder = work.project / ".github" / "workflows"
    try:
        paths = sorted(p for p in folder.iterdir() if p.suffix in {".yml", ".yaml"})
    except OSError:
        paths = []
    sources = []
    for path in paths[:_MAX_FILES]:
        if tree := work.tree(path):
            work.apply(audit_github(tree), tree.source.file)
            sources.append(tree.source)
    gitlab = work.project / ".gitlab-ci.yml"
    if gitlab.is_file() and (tree := work.tree(gitlab)):
        work.apply(audit_gitlab(tree), tree.source.file)
        sources.append(tree.source)
    return sources


def _measured(work: _Work, record: Record, trees: Sequence[Tree]) -> None:
    """What a trial has shown."""
    compose = trees[0].source.file if trees else "compose"
    causes = record.fault.causes if record.fault else ()
    for cause in causes:
        if cause.key == "health-check-tool-missing":
            work.findings.append(
                found(
                    "health-check-tool-missing",
                    compose,
                    None,
                    f"trial {record.id} saw it: {cause.line}",
                    severity=Severity.MEDIUM,
                    measured=True,
                )
            )
    for target in record.isolation.targets if record.isolation else ():
        if target.arrived:
            work.findings.append(
                found(
                    _ISOLATION,
                    compose,
                    None,
                    f"{target.service} port {target.port} answered a container of another network",
                    measured=True,
                )
            )


def _env_files(work: _Work, settings: Settings, trees: Sequence[Tree]) -> list[Source]:
    """Those that Compose reads by itself, by the settings, and for single services."""
    paths = [work.project / name for name in (".env", *settings.env_files)]
    for tree in trees:
        for _, _, service in entries(child(tree.root, "services")):
            for key, _, value in entries(service):
                if key == "env_file":
                    longs = [child(item, "path") for item in items(value)]
                    names = filter(None, map(text_of, (value, *items(value), *longs)))
                    paths += [(work.project / tree.source.file).parent / name for name in names]
    existing = [path for path in dict.fromkeys(paths) if path.is_file()]
    return [source for path in existing[:_MAX_FILES] if (source := work.read(path))]


_Ask = Callable[[Tool, Sequence[Source]], Awaitable[list[AuditFinding]]]


async def _foreign(
    work: _Work, environ: Mapping[str, str], asked: Mapping[str, tuple[_Ask, Sequence[Source]]]
) -> None:
    with tempfile.TemporaryDirectory(prefix="seatrial-audit-") as folder:
        for name, (ask_for, sources) in asked.items():
            try:
                tool = await find_tool(name, environ, Path(folder))
                theirs = await ask_for(tool, sources)
            except ToolFault as fault:
                work.tools.append(missing(name, fault))
                work.not_checked.append(f"{name}'s rules: {fault}")
                continue
            work.tools.append(ToolRun(name=name, version=tool.version))
            work.findings += _without_repeats(theirs, work.findings)


def _without_repeats(
    theirs: Iterable[AuditFinding], ours: Sequence[AuditFinding]
) -> list[AuditFinding]:
    """Leave out secrets in lines that a rule of ours has judged."""
    judged = {(one.file, one.line): one for one in ours if one.rule.startswith("secret-in-")}
    kept = []
    for one in theirs:
        own = judged.get((one.file, one.line))
        guessed = one.severity in {Severity.LOW, Severity.NOTE}
        repeats = own and (guessed or own.severity is Severity.HIGH)
        if not (repeats and one.rule.startswith(DETECT_SECRETS)):
            kept.append(one)
    return kept


def _report(work: _Work) -> AuditReport:
    names = {source.file: _line(source.file) for source in work.sources.values()}
    clean = {
        one.model_copy(
            update={
                "file": names.get(one.file) or _line(one.file),
                "what": _line(one.what),
                "why": _line(one.why),
                "fix": _line(one.fix),
                "rule": _line(one.rule),
            }
        )
        for one in work.findings
    }
    sources = {names[source.file]: source for source in work.sources.values()}
    findings, ignored = suppress(sorted(clean, key=_order), sources)
    return AuditReport(
        files=tuple(sorted(sources)),
        findings=tuple(sorted(findings, key=_order)),
        ignored=tuple(sorted(ignored, key=lambda one: _order(one.finding))),
        tools=tuple(sorted(work.tools, key=lambda tool: tool.name)),
        not_checked=tuple(sorted({_line(text) for text in work.not_checked})),
    )


def _order(finding: AuditFinding) -> tuple[int, str, int, str, str]:
    severity = _SEVERITIES.index(finding.severity)
    return severity, finding.file, finding.line or 0, finding.rule, finding.what


def _line(text: str) -> str:
    return " ".join(plain_text(text).split())[:_MAX_WHAT]
