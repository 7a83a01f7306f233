"""A copy of the example whose stack is up and whose sources are mounted, to put faults into."""

import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.plain import compose_command
from seatrial import probe
from seatrial.evidence.dependencies import Dependencies, read_dependencies
from seatrial.selection.assign import file_of
from seatrial.selection.changes import snapshot

__all__ = ["EXAMPLE", "Outcome", "Stand", "read_outcome", "stand"]

EXAMPLE = Path(__file__).parent.parent / "examples" / "shop"
COMPOSE_FILE = "docker-compose.test.yml"
SERVICES = ("db", "cache", "gateway", "reports")
MOUNTED = ("src", "tests", "migrations", "scripts", "stubs", "alembic.ini")
INTO = "/seatrial"
LIMIT_S = 1800.0
"""So much because the machine may be busy; who knows what a run takes, sets a stand's own."""
NOT_COPIED = (".seatrial", "__pycache__", ".*_cache", "reports")


@dataclass(frozen=True)
class Outcome:
    """What came of a run of tests."""

    failed: frozenset[str]
    """Tests that failed, and files of which no test could be run."""
    passed: int
    broken: str
    """How the run ended, if not in order; empty if it did."""

    def breaks(self, tests: Collection[str]) -> frozenset[str]:
        """Those of some tests that failed, alone or with their file; all if the run broke off."""
        if self.broken:
            return frozenset(tests)
        return frozenset(t for t in tests if t in self.failed or file_of(t) in self.failed)


@dataclass(frozen=True)
class Stand:
    """A copy of the example, and the container that its tests run in."""

    project: Path
    out: Path
    container: str
    limit_s: float = LIMIT_S
    """Of one run of tests, in seconds; a fault may have them wait for ever."""

    def run(self, tests: Collection[str] | None, *options: str) -> Outcome:
        """Run some tests, or all of them, in one process."""
        named = []
        if tests is not None:
            (self.out / "tests.txt").write_text("\n".join(sorted(tests)) + "\n", encoding="utf-8")
            named = [f"@{INTO}/out/tests.txt"]
        done = self._pytest(
            *("--tb=no", "-rfE", "--continue-on-collection-errors", *options, *named)
        )
        return read_outcome(done.returncode, done.stdout)

    def record(self) -> Dependencies:
        """Run all tests once, and see what they use.

        Raises:
            RuntimeError: one failed, or what was seen cannot be read.
        """
        done = self._pytest("-p", "seatrial_trace")
        if done.returncode:
            raise RuntimeError(done.stdout[-2000:] + done.stderr[-2000:])
        found = read_dependencies(
            sorted(self.out.glob("dependencies-*.jsonl")), self.project, snapshot(self.project)
        )
        if found is None:
            raise RuntimeError("the tracer wrote nothing that can be read")
        return found

    def _pytest(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        environ = (f"PYTHONPATH={INTO}/probe", f"SEATRIAL_EVENTS={INTO}/out/events.jsonl")
        return subprocess.run(
            [
                *("docker", "exec", *(f"--env={each}" for each in environ), self.container),
                # Ended in the container, since the client's end would not end it there.
                *("timeout", "--kill-after=5", f"{self.limit_s:.0f}", "pytest", "-q", *arguments),
            ],
            capture_output=True,
            text=True,
            check=False,
            # Ctrl-C is for this program: a run that it breaks off says nothing of the fault.
            start_new_session=True,
        )


def read_outcome(code: int, said: str) -> Outcome:
    """What `pytest -q -rfE` said, and its exit code."""
    found = re.findall(r"^(?:FAILED|ERROR) (.+?)(?: - .*)?$", said, re.MULTILINE)
    passed = re.search(r"(\d+) passed", said)
    whole = code in (0, 5) or (code in (1, 2) and found)
    return Outcome(
        failed=frozenset(found),
        passed=int(passed[1]) if passed else 0,
        broken="" if whole else f"the run ended with exit code {code}",
    )


@contextmanager
def stand(name: str, *, cpu_shares: int | None = None) -> Iterator[Stand]:
    """Bring the example's stack up under a name, and take it down whatever happens.

    `cpu_shares` are the weight of its containers, of 1024 that others have.

    Raises:
        RuntimeError: it does not come up.
    """
    compose = compose_command(name, COMPOSE_FILE)
    with tempfile.TemporaryDirectory(prefix="seatrial-bench-") as folder:
        project, out = Path(folder) / "shop", Path(folder) / "out"
        shutil.copytree(EXAMPLE, project, ignore=shutil.ignore_patterns(*NOT_COPIED))
        (project / "reports").mkdir()
        # As in the example's own repository: what a run leaves there is no change of the project.
        (project / ".gitignore").write_text("reports/\n", encoding="utf-8")
        out.mkdir()
        out.chmod(0o777)
        Path(folder).chmod(0o755)
        _said("git", "init", "--quiet", cwd=project)
        try:
            _said(*compose, "build", cwd=project)
            _said(*compose, "up", "--detach", *SERVICES, cwd=project)
            mounts = [
                *(f"--volume={project / top}:/app/{top}:ro" for top in MOUNTED),
                f"--volume={Path(probe.__file__).parent}:{INTO}/probe:ro",
                f"--volume={out}:{INTO}/out",
            ]
            command = ["run", "--detach", "-T", *mounts, "test"]
            begin = ["sh", "-c", "alembic upgrade head && touch /tmp/ready && exec sleep 86400"]
            container = _said(*compose, *command, *begin, cwd=project).split()[-1]
            if cpu_shares is not None:
                made = _said(*compose, "ps", "--quiet", cwd=project).split()
                _said("docker", "update", f"--cpu-shares={cpu_shares}", container, *made)
            _wait_until_ready(container)
            yield Stand(project, out, container)
        finally:
            down = [*compose, "down", "--volumes", "--remove-orphans", "--rmi", "local"]
            subprocess.run([*down, "--timeout", "1"], cwd=project, capture_output=True, check=False)


def _wait_until_ready(container: str) -> None:
    for _ in range(600):
        ready = ["docker", "exec", container, "test", "-e", "/tmp/ready"]
        if subprocess.run(ready, capture_output=True, check=False).returncode == 0:
            return
        time.sleep(0.2)
    raise RuntimeError("the example's database was not migrated within two minutes")


def _said(*command: str, cwd: Path | None = None) -> str:
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}: {done.stderr[-2000:]}")
    return done.stdout
