"""Every rule of ours: how much harm a broken one does, why it is one, and what to write instead."""

from collections.abc import Mapping
from dataclasses import dataclass

from seatrial.evidence.audit import AuditFinding, Severity

__all__ = ["RULES", "Rule", "found"]

HIGH, MEDIUM, LOW, NOTE = Severity.HIGH, Severity.MEDIUM, Severity.LOW, Severity.NOTE


@dataclass(frozen=True)
class Rule:
    """A rule by its key."""

    key: str
    severity: Severity
    """The usual one; where the line tells more, the finding's own differs."""
    why: str
    fix: str


RULES: Mapping[str, Rule] = {
    rule.key: rule
    for rule in (
        Rule(
            "runs-as-root",
            MEDIUM,
            "whatever breaks out of the program has all rights in the container, and files that "
            "it writes to a mounted folder belong to root",
            "make a user in the Dockerfile and end the stage with USER and its number",
        ),
        Rule(
            "unpinned-image",
            MEDIUM,
            "without a tag, or with `latest`, it is another image tomorrow",
            "name the release, as in python:3.13-slim",
        ),
        Rule(
            "image-without-digest",
            NOTE,
            "a tag can be moved to another image",
            "add the digest: name:tag@sha256:...",
        ),
        Rule(
            "fat-base-image",
            LOW,
            "compilers and libraries that nothing needs are loaded, scanned and attacked too",
            "use its -slim variant, and build in a stage of its own",
        ),
        Rule(
            "secret-in-image",
            HIGH,
            "whoever has the image has the secret: every layer and the history can be read",
            "pass it when the container starts, or with RUN --mount=type=secret",
        ),
        Rule(
            "secret-in-compose",
            HIGH,
            "whoever can read the repository has the secret, for as long as its history lasts",
            "take it from the environment (${NAME:?}) or from `secrets`",
        ),
        Rule(
            "piped-download",
            MEDIUM,
            "what the server sends is run unseen, and may be something else tomorrow",
            "download a fixed release, check its sha256, then run it",
        ),
        Rule(
            "swallowed-exit-code",
            HIGH,
            "tests that fail look like tests that pass",
            "let the command end with the tests' own exit code",
        ),
        Rule(
            "ignored-failure",
            LOW,
            "the command may fail and nobody learns of it",
            "handle the case that is expected, and let the others fail",
        ),
        Rule(
            "fixed-sleep",
            MEDIUM,
            "too short on a busy machine, and lost time on every other",
            "wait for what is awaited: a health check with depends_on, or a loop with an end",
        ),
        Rule(
            "health-check-tool-missing",
            LOW,
            "the check can never pass",
            "use what the image has (its server's own client, python -c), or install the tool",
        ),
        Rule(
            "engine-socket",
            HIGH,
            "who can talk to the engine is root on its machine",
            "drop the mount; if the tests must start containers, give them an engine of their own",
        ),
        Rule(
            "host-path",
            MEDIUM,
            "the tests depend on this machine, and can reach what is not the project's",
            "keep what the container needs in the project, or in a named volume",
        ),
        Rule(
            "privileged",
            HIGH,
            "a privileged container has all rights on the machine",
            "drop `privileged`; grant the one capability or device that is needed",
        ),
        Rule(
            "host-namespace",
            HIGH,
            "the container shares the machine's own network, processes or memory",
            "drop the key; services of one network reach each other by name",
        ),
        Rule(
            "added-capability",
            MEDIUM,
            "the container may do what containers may not",
            "drop `cap_add`, or say with an ignore comment what needs it",
        ),
        Rule(
            "unconfined",
            MEDIUM,
            "the engine's filter of system calls, or the kernel's access control, is off",
            "drop the entry of `security_opt`",
        ),
        Rule(
            "writable-mount",
            LOW,
            "containers write into the source: files of root, and state from the run before",
            "mount it read-only (`:ro`), or copy the source into the image",
        ),
        Rule(
            "published-port",
            LOW,
            "two runs on one machine collide, and others on the network can connect",
            "drop `ports`: services of one network reach each other without it",
        ),
        Rule(
            "no-health-check",
            MEDIUM,
            "nobody can tell when it is ready, so tests begin too early",
            "add a healthcheck, and wait for it with condition: service_healthy",
        ),
        Rule(
            "depends-without-condition",
            LOW,
            "its dependent starts once it is started, not once it is ready",
            "write condition: service_healthy",
        ),
        Rule(
            "continue-on-error",
            HIGH,
            "the job is green although its tests failed",
            "drop the key; a job that may fail is no test",
        ),
        Rule(
            "network-not-isolated",
            HIGH,
            "others' containers on this machine can talk to the stack, and its tests to theirs",
            "mend the engine's firewall rules: networks are separate by default",
        ),
        Rule(
            "ignore-without-reason",
            NOTE,
            "nobody can judge later whether it still holds",
            "write the reason after the bracket; without one, nothing is ignored",
        ),
    )
}


def found(
    rule: str,
    file: str,
    line: int | None,
    what: str,
    *,
    severity: Severity | None = None,
    measured: bool = False,
) -> AuditFinding:
    """A finding of one of our rules."""
    known = RULES[rule]
    return AuditFinding(
        rule=rule,
        severity=severity or known.severity,
        file=file,
        line=line,
        what=what,
        why=known.why,
        fix=known.fix,
        measured=measured,
    )
