"""What should not be in a CI workflow around its tests: GitHub's and GitLab's."""

from collections.abc import Iterator

from ruamel.yaml.nodes import Node

from seatrial.audit.places import Tree, child, entries, items, line_of, text_of
from seatrial.audit.rules import found
from seatrial.audit.shell import find_trouble, runs_tests
from seatrial.evidence.audit import AuditFinding

__all__ = ["audit_github", "audit_gitlab"]

_OFF = frozenset({"", "false", "no", "off", "~", "null"})
_SCRIPTS = ("before_script", "script", "after_script")


def audit_github(tree: Tree) -> Iterator[AuditFinding]:
    """Findings of a workflow in `.github/workflows`, or of a composite action."""
    root = tree.root
    lists: list[tuple[Node | None, Node | None]] = [(None, child(child(root, "runs"), "steps"))]
    lists += [(job, child(job, "steps")) for _, _, job in entries(child(root, "jobs"))]
    for job, steps in lists:
        with_tests = [step for step in items(steps) if runs_tests(text_of(child(step, "run")))]
        if job is not None and with_tests:
            yield from _continues(tree, job, "the job's tests")
        for step in items(steps):
            run = child(step, "run")
            if run is None:
                continue
            if step in with_tests:
                yield from _continues(tree, step, "the step's tests")
            # GitHub starts bash with pipefail if the step names it, and without if nothing does.
            shell = text_of(child(step, "shell")) or _default_shell(root, job)
            yield from _trouble(tree, run, pipefail=shell == "bash")


def audit_gitlab(tree: Tree) -> Iterator[AuditFinding]:
    """Findings of `.gitlab-ci.yml`."""
    for name, _, job in entries(tree.root):
        scripts = [line for key in _SCRIPTS for line in _lines(child(job, key))]
        allowed = child(job, "allow_failure")
        if (
            allowed is not None
            and text_of(allowed).lower() not in _OFF
            and any(runs_tests(text_of(line)) for line in scripts)
        ):
            yield found(
                "continue-on-error",
                tree.source.file,
                line_of(allowed),
                f"{name}: its tests may fail",
            )
        for line in scripts:
            yield from _trouble(tree, line, pipefail=True)


def _continues(tree: Tree, node: Node | None, what: str) -> Iterator[AuditFinding]:
    for name, key, value in entries(node):
        if name == "continue-on-error" and text_of(value).lower() not in _OFF:
            yield found("continue-on-error", tree.source.file, line_of(key), f"{what} may fail")


def _default_shell(root: Node | None, job: Node | None) -> str:
    for node in (job, root):
        shell = text_of(child(child(child(node, "defaults"), "run"), "shell"))
        if shell:
            return shell
    return ""


def _lines(node: Node | None) -> Iterator[Node]:
    """The nodes with shell text of a script: one, or a list that may hold lists."""
    if node is not None and text_of(node):
        yield node
    for item in items(node):
        yield from [item] if text_of(item) else items(item)


def _trouble(tree: Tree, node: Node, *, pipefail: bool) -> Iterator[AuditFinding]:
    first = line_of(node) + (getattr(node, "style", None) in {"|", ">"})
    for trouble in find_trouble(text_of(node), pipefail=pipefail):
        yield found(trouble.rule, tree.source.file, first + trouble.line - 1, trouble.what)
