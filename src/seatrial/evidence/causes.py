"""Known causes of failed trials, recognised by what they leave in logs and messages.

To add one: a line in `_TABLE` and a real sample of its text in the tests. The first entry that
fits a line has it, so what is special stands before what is general.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from seatrial.evidence.diagnosis import Cause
from seatrial.evidence.hostile import plain_text

__all__ = ["MAX_LINE", "MAX_LINES", "Known", "Source", "find_causes", "known_causes"]

MAX_LINE = 300
"""Characters of a line that are looked at. Signs stand near a line's start, and no pattern takes
more than quadratic time, so a line made to be slow costs less than a millisecond per entry."""
MAX_LINES = 300
"""Lines of one source; the last ones, since what ends a program stands at the end."""
MAX_CAUSES = 3
_MAX_NAME = 80
_OPTIONAL = re.compile(r"\[([^\]]*)\]")


@dataclass(frozen=True)
class Known:
    """A cause, its sign, and what to do about it.

    `{name}` is the pattern's group of that name; what stands in brackets around it is left out if
    the line did not name it.
    """

    key: str
    sign: re.Pattern[str]
    what: str
    remedy: str
    general: bool
    """True: it follows from other faults too, so it is told only if nothing special was seen."""


@dataclass(frozen=True)
class Source:
    """Text to look at, oldest line first, as it came."""

    where: str
    lines: Sequence[str]


def find_causes(sources: Iterable[Source]) -> tuple[Cause, ...]:
    """The causes whose signs are in the sources, at most three.

    Earlier sources come first; causes that follow from others are left out beside those. Of
    several signs of one cause the first that names something is told.
    """
    found: dict[str, tuple[Known, Cause]] = {}
    named: set[str] = set()
    for source in sources:
        for line in source.lines[-MAX_LINES:]:
            # Cut before cleaning, so that cleaning is bounded too; escapes are short.
            text = " ".join(plain_text(line[: 4 * MAX_LINE]).split())[:MAX_LINE]
            if text and (match := _first(text)):
                known, sign = match
                names = any(sign.groupdict().values())
                if known.key not in found or (names and known.key not in named):
                    found[known.key] = (known, _cause(known, sign, source.where, text))
                if names:
                    named.add(known.key)
    special = [cause for known, cause in found.values() if not known.general]
    return tuple(special or [cause for _, cause in found.values()])[:MAX_CAUSES]


def known_causes() -> tuple[Known, ...]:
    """The whole table."""
    return _TABLE


def _first(text: str) -> tuple[Known, re.Match[str]] | None:
    for known in _TABLE:
        if match := known.sign.search(text):
            return known, match
    return None


def _cause(known: Known, sign: re.Match[str], where: str, line: str) -> Cause:
    name = next((value.strip()[:_MAX_NAME] for value in sign.groupdict().values() if value), "")
    return Cause(
        key=known.key,
        what=_OPTIONAL.sub(r"\1" if name else "", known.what).replace("{name}", name),
        remedy=known.remedy,
        where=where,
        line=line,
    )


def _known(key: str, sign: str, what: str, remedy: str, *, general: bool = False) -> Known:
    return Known(key, re.compile(sign, re.IGNORECASE), what, remedy, general)


_TABLE: tuple[Known, ...] = (
    _known(
        "probe-not-importable",
        r"(?:importing plugin|no module named) ['\"]?seatrial_probe",
        "the test command replaces PYTHONPATH, so pytest cannot import Seatrial's probe",
        "keep what is there: PYTHONPATH=src:$PYTHONPATH (tox and nox must pass it on)",
    ),
    # Databases
    _known(
        "database-password-not-set",
        r"database is uninitialized and (?:superuser password|password option) is not specified"
        r"|no password for the superuser",
        "the database was given no password for its first start",
        "set POSTGRES_PASSWORD (MySQL: MYSQL_ROOT_PASSWORD) in the service's environment",
    ),
    _known(
        "password-not-given",
        r"no password supplied|NOAUTH Authentication required"
        r"|Access denied for user '[^']{1,80}'@'[^']{1,80}' \(using password: NO\)",
        "the server asks for a password and the tests give none",
        "put the password into the URL or variable that the tests connect with",
    ),
    _known(
        "authentication-failed",
        r"(?:authentication failed for user|Access denied for user) ['\"](?P<name>[^'\"]{1,80})"
        r"|WRONGPASS",
        "the server does not accept the user[ {name}] with the password that was given",
        "use the same user and password in the server's environment and in the tests' URL",
    ),
    _known(
        "database-does-not-exist",
        r"database \"(?P<name>[^\"]{1,80})\" does not exist|Unknown database '",
        "the database[ {name}] does not exist on the server",
        "set POSTGRES_DB (MySQL: MYSQL_DATABASE) to the name that the tests use, or create it",
    ),
    _known(
        "role-does-not-exist",
        r"role \"(?P<name>[^\"]{1,80})\" does not exist",
        "the database server has no user {name}",
        "set POSTGRES_USER to the user that the tests connect as (nobody given: the system user)",
    ),
    _known(
        "migration-heads",
        r"multiple head revisions are present|multiple heads are present"
        r"|conflicting migrations detected",
        "the database migrations have several heads",
        "merge them (alembic merge heads; manage.py makemigrations --merge)",
    ),
    _known(
        "migration-revision-missing",
        r"can't locate revision identified by '(?P<name>[^']{1,80})'",
        "the database is at migration {name}, which the source tree does not have",
        "start from an empty database, or bring the migration's file into the image",
    ),
    _known(
        "relation-does-not-exist",
        r"relation \"(?P<name>[^\"]{1,80})\" does not exist|no such table: "
        r"|table '[^']{1,160}' doesn't exist",
        "a table is not there: the migrations did not run, or ran on another database[ ({name})]",
        "run the migrations before the tests, with the tests' own database URL",
    ),
    _known(
        "database-files-of-another-version",
        r"database files are incompatible with server|initialized by PostgreSQL version",
        "the database's files were made by another version of the server",
        "remove the volume or pin the image's version",
    ),
    _known(
        "too-many-connections",
        r"too many clients already|remaining connection slots are reserved"
        r"|too many connections|max number of clients reached",
        "the server has no free connection: the tests keep theirs open, or use too many at once",
        "close connections in teardown, use a pool, or raise max_connections",
    ),
    _known(
        "database-starting-up",
        r"the database system is starting up|the database system is not yet accepting",
        "the tests connected before the database was ready",
        "give the service a health check and depend on it with condition: service_healthy",
        general=True,
    ),
    # Python and pytest
    _known(
        "environment-variable-not-set",
        r"(?-i:KeyError: ['\"](?P<name>[A-Z][A-Z0-9]{1,30}_[A-Z0-9_]{1,60})['\"])"
        r"|(?-i:(?P<other>[A-Z][A-Z0-9_]{2,60})): (?:parameter not set|unbound variable)"
        r"|The SECRET_KEY setting must not be empty",
        "an environment variable is not set[: {name}]",
        "set it in the test service's environment in the compose file",
    ),
    _known(
        "missing-module",
        r"No module named ['\"]?(?P<name>\w[\w.]{0,100})",
        "the image lacks the Python module {name}, or Python does not look where it is",
        "add its package to what the image installs; if it is the project's own, check WORKDIR, "
        "PYTHONPATH and what is copied or mounted",
    ),
    _known(
        "unknown-pytest-option",
        r"error: unrecognized arguments: (?P<name>.{1,80})",
        "pytest does not know {name}: the option is misspelled, or its plugin is not installed",
        "install the plugin in the image (--cov: pytest-cov, -n: pytest-xdist, --reruns: "
        "pytest-rerunfailures, --timeout: pytest-timeout)",
    ),
    _known(
        "missing-pytest-plugin",
        r"Missing required plugins: (?P<name>.{1,80})"
        r"|fixture '(?P<fixture>aiohttp_client|benchmark|celery_app|client|db|django_user_model"
        r"|freezer|httpx_mock|mocker|requests_mock|respx_mock|settings|snapshot)' not found"
        r"|async def functions are not natively supported",
        "a pytest plugin is not installed in the image[: {name}]",
        "add it to what the image installs (mocker: pytest-mock, db and settings: pytest-django, "
        "async tests: pytest-asyncio)",
    ),
    _known(
        "stale-bytecode",
        r"import file mismatch",
        "two test files have the same name, or compiled files of another folder are in the tree",
        "give the test folders an __init__.py or use --import-mode=importlib; keep __pycache__ out",
    ),
    _known(
        "encoding",
        r"'ascii' codec can't|unsupported locale setting|cannot change locale"
        r"|(?:new )?encoding \"?\(?\w{1,20}\)?\"? (?:is incompatible|does not match locale)"
        r"|has encoding \"?SQL_ASCII|between \w{1,20} and \"?SQL_ASCII",
        "the container has no UTF-8 locale",
        "set LANG=C.UTF-8 in the image; a database gets its encoding when it is first made",
    ),
    _known(
        "package-not-found",
        r"No matching distribution found for (?P<name>\S{1,80})"
        r"|Could not find a version that satisfies the requirement (?P<other>\S{1,80})",
        "pip finds no package[ {name}] that fits: no such version for this Python, or no "
        "way to the package index",
        "check the requirement against the image's Python, and proxy and DNS of builds",
    ),
    # Files
    _known(
        "crlf-script",
        r"\\r['\u2019\"]?: |\^M|[\w/-]\.sh: no such file or directory"
        r"|(?:exec|exec user process caused[^/]{0,40}) /[^ :]{1,120}: no such file or directory",
        "a script has Windows line ends, or names an interpreter that the image does not have",
        "save it with LF line ends (.gitattributes: *.sh text eol=lf) and check its first line",
    ),
    _known(
        "script-not-executable",
        r"exec:? [\"']?(?P<name>/?[\w./-]{1,80})[\"']?: (?:stat [^:]{1,80}: )?permission denied",
        "the file {name} is not executable",
        "chmod +x it and commit that (git update-index --chmod=+x), or call it through sh",
    ),
    _known(
        "wrong-owner",
        r"has wrong ownership|dubious ownership"
        r"|could not (?:change permissions of|access) (?:the )?(?:directory|status file) \""
        r"|Permission ?(?:Error: \[Errno 13\] Permission )?denied:? ['\"]?(?P<name>/[^'\"]{1,80})"
        r"|(?:can't|cannot|could not) (?:create|open|touch|write to|remove|make)[^:]{0,120}: "
        r"Permission denied|mkdir: [^:]{1,100}: Permission denied",
        "the container's user may not write where it has to: a mount belongs to another user"
        "[: {name}]",
        "let the image's user own the folder (COPY --chown, RUN chown), or set user: in the "
        "compose file to the owner of what is mounted",
    ),
    _known(
        "read-only-file-system",
        r"Read-only file ?system(?:: ['\"]?(?P<name>/[^'\"]{1,80}))?",
        "something writes to a place that is read-only[: {name}]",
        "mount it without :ro, give the service a tmpfs there, or let the tests write to /tmp",
    ),
    _known(
        "shared-memory-too-small",
        r"could not resize shared memory segment|/dev/shm[^:]{0,80}: no space left"
        r"|\bBus error\b|SIGBUS",
        "the shared memory is too small: the engine gives a container 64 MiB of it",
        "set shm_size: 256m for the service in the compose file",
    ),
    _known(
        "no-space-left",
        r"no space left on device|ENOSPC|disk quota exceeded|database or disk is full",
        "a disk is full",
        "make room: docker system df shows what the engine holds; a tmpfs may be too small too",
    ),
    _known(
        "too-many-open-files",
        r"too many open files|\bEMFILE\b",
        "the limit of open files is reached: something does not close what it opens",
        "close files and sockets in teardown, or raise ulimits.nofile of the service",
    ),
    _known(
        "copied-file-missing",
        r"failed to (?:compute cache key|calculate checksum)|COPY failed",
        "a COPY line of the Dockerfile names a file that is not in the build's context",
        "check the path, build.context and .dockerignore",
    ),
    # Programs and images
    _known(
        "architecture",
        r"exec format error|cannot execute binary file"
        r"|requested image's platform \([^)]{1,40}\) does not match",
        "a program or image was made for another processor",
        "rebuild it here, or set platform: to what this machine runs",
    ),
    _known(
        "health-check-tool-missing",
        r"health (?:output|check)[^:]{0,60}: (?:the image lacks the program|.{0,120}"
        r"(?:executable file not found|: not found|command not found))",
        "the health check calls a program that the image does not have",
        "use one that it has (pg_isready, redis-cli ping, python -c …), or install it",
    ),
    _known(
        "image-not-found",
        r"pull access denied|manifest unknown|manifest for \S{1,120} not found"
        r"|failed to resolve (?:source metadata|reference)|repository does not exist"
        r"|is not here and cannot be pulled|failed to do request: head",
        "an image is neither in the engine nor to be had from a registry",
        "check its name and tag, log in to its registry, or load it with docker load",
    ),
    _known(
        "certificate",
        r"certificate[ _]verify[ _]failed|certificate signed by unknown authority"
        r"|self[- ]signed certificate|unable to get local issuer certificate",
        "a TLS certificate is not trusted inside the container",
        "install ca-certificates and your proxy's or test server's CA in the image",
    ),
    _known(
        "clock",
        r"certificate (?:is not yet valid|has expired)|used before issued|token is not yet valid"
        r"|clock skew|Requesttimetooskewed",
        "two clocks disagree, or a fixed date in the tests has passed",
        "compare date in the container and here; freeze the time in tests that depend on it",
    ),
    _known(
        "port-in-use",
        r"address already in use|port is already allocated|\bEADDRINUSE\b",
        "a port is taken by somebody else",
        "end what uses it, or let the tests take a free one (port 0)",
    ),
    _known(
        "address-pool",
        r"pool overlaps with other|non-overlapping IPv4 address pool"
        r"|predefined address pools have been fully subnetted",
        "the engine has no free subnet for another network",
        "docker network prune; seatrial clean; or remove the fixed subnet",
    ),
    _known(
        "segmentation-fault",
        r"segmentation fault|SIGSEGV|\bexit code 139\b",
        "a program crashed in native code",
        "see which extension the stack names; rebuild it for this Python and C library",
    ),
    _known(
        "out-of-memory",
        r"out of memory|cannot allocate memory|^MemoryError|\bMemoryError\b|std::bad_alloc"
        r"|Worker \(pid:\d{1,9}\) was sent SIGKILL! Perhaps",
        "there was not enough memory",
        "raise mem_limit of the service, run fewer processes in it, or find the test that grows",
    ),
    _known(
        "deadlock",
        r"deadlock detected|Lock wait timeout exceeded",
        "two transactions wait for each other",
        "close the sessions of one test before the next, and lock tables in one order",
    ),
    # What follows from other faults too
    _known(
        "command-not-found",
        r"[\"'](?P<name>[^\"']{1,80})[\"']: executable file not found"
        r"|(?P<other>[\w./-]{1,80}): (?:command )?not found$|\bexit code 127\b",
        "a command is not in the image[: {name}]",
        "install it in the image, or check the command's spelling and PATH",
        general=True,
    ),
    _known(
        "name-not-resolved",
        r"name or service not known|failure in name resolution|could not translate host name "
        r"\"(?P<name>[^\"]{1,80})\"|no address associated with hostname|\bno such host\b"
        r"|nodename nor servname|\bENOTFOUND\b",
        "a host name does not resolve[: {name}]",
        "use the service's name in the compose file, on a network that both are on; a service "
        "that has ended has no name any more",
        general=True,
    ),
    _known(
        "connection-refused",
        r"connection refused|\bECONNREFUSED\b|could not connect to server",
        "a service was asked where nothing listens: it has ended, is not ready, listens only on "
        "its own localhost, or on another port",
        "connect to the service's name and the container's port (not localhost, not the published "
        "port), and depend on it with condition: service_healthy",
        general=True,
    ),
    _known(
        "connection-lost",
        r"server closed the connection unexpectedly|connection reset by peer|broken pipe"
        r"|terminating connection due to|connection not open|lost connection to",
        "a service closed its connections: it ended, was restarted, or a proxy timed out",
        "see that service's log at that time",
        general=True,
    ),
    _known(
        "timeout",
        r"did not end (?:with)?in|timed out|timeout (?:expired|error|exceeded)|\bETIMEDOUT\b",
        "something waited for an answer that did not come",
        "see which address and port it waited for; --test-timeout and timeouts.one_test allow "
        "more time where it is only slow",
        general=True,
    ),
    _known(
        "killed",
        r"\bexit code 137\b|killed by SIGKILL|\bkilled by signal 9\b|^Killed$",
        "a program was killed from outside: by the kernel for want of memory, or by somebody",
        "see the machine's kernel log (dmesg) for the out-of-memory killer",
        general=True,
    ),
)
