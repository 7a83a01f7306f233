"""`python -m bench.mutations`: is every test that a fault breaks among those that a change selects?

The example's stack is brought up once, and all of its tests are recorded. Then one fault after
another is put into the mounted sources, and the tests that would be left out for it are run: all
of them must pass. What was tried is kept, so that a run can be stopped and taken up again.
"""

import argparse
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from bench.mutants import Mutant, pick_mutants
from bench.plain import compose_command
from seatrial import probe
from seatrial.evidence.dependencies import Dependencies, read_dependencies
from seatrial.selection.affected import Affected, affected
from seatrial.selection.changes import changes_between, snapshot

EXAMPLE = Path(__file__).parent.parent / "examples" / "shop"
COMPOSE_FILE = "docker-compose.test.yml"
SERVICES = ("db", "cache", "gateway", "reports")
MOUNTED = ("src", "tests", "migrations", "scripts", "stubs")
MUTATED = ("src", "tests")
RESULTS = Path(__file__).parent / "results" / "mutations.jsonl"
SEED = 2026
INTO = "/seatrial"
LIMIT_S = 300.0


@dataclass(frozen=True)
class Tried:
    """One fault, and what came of it."""

    key: str
    file: str
    what: str
    everything: str
    """Why all tests run; empty if some are left out."""
    tests: int
    selected: int
    left_out_run: int
    """How many of those left out were run; the rest was slow, if that was not wanted."""
    missed: tuple[str, ...]
    """Left out, and yet they fail because of the fault."""
    seconds: float


@dataclass(frozen=True)
class Stand:
    """A copy of the example whose stack is up, with its sources mounted."""

    project: Path
    out: Path
    container: str

    def pytest(self, *arguments: str, traced: bool = False) -> subprocess.CompletedProcess[str]:
        """Run the example's tests in its test container."""
        plugin = ("-p", "seatrial_trace") if traced else ()
        environ = (f"PYTHONPATH={INTO}/probe", f"SEATRIAL_EVENTS={INTO}/out/events.jsonl")
        command = ["pytest", "-q", *plugin, *arguments]
        try:
            return subprocess.run(
                ["docker", "exec", *(f"--env={e}" for e in environ), self.container, *command],
                capture_output=True,
                text=True,
                check=False,
                timeout=LIMIT_S,
            )
        except subprocess.TimeoutExpired:
            return subprocess.CompletedProcess(command, 124, "", "took too long")

    def record(self) -> Dependencies:
        """Run all tests once, and see what they use."""
        done = self.pytest(traced=True)
        if done.returncode:
            raise RuntimeError(done.stdout[-2000:] + done.stderr[-2000:])
        found = read_dependencies(
            sorted(self.out.glob("dependencies-*.jsonl")), self.project, snapshot(self.project)
        )
        if found is None:
            raise RuntimeError("the tracer wrote nothing that can be read")
        return found

    def failing(self, tests: Collection[str], *options: str) -> tuple[list[str], int]:
        """Which of some tests fail, in one run of them, and how many pass."""
        (self.out / "tests.txt").write_text("\n".join(sorted(tests)) + "\n", encoding="utf-8")
        done = self.pytest("--tb=no", "-rfE", *options, f"@{INTO}/out/tests.txt")
        passed = re.search(r"(\d+) passed", done.stdout)
        count = int(passed[1]) if passed else 0
        if done.returncode in (0, 5):
            return [], count
        lines = [line.split(" ", 2) for line in done.stdout.splitlines()]
        named = [parts[1] for parts in lines if parts[0] in ("FAILED", "ERROR") and len(parts) > 1]
        return named or [
            f"exit code {done.returncode}: {(done.stdout + done.stderr)[-300:]}"
        ], count


def main() -> int:
    """Try the faults, and fail if a test was left out that one of them breaks."""
    parser = argparse.ArgumentParser(prog="python -m bench.mutations", description=__doc__)
    parser.add_argument("--count", type=int, default=200, help="faults to try (default: 200)")
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--minutes", type=float, help="begin none after that time")
    parser.add_argument("--without-slow", action="store_true", help="leave out tests marked slow")
    arguments = parser.parse_args()
    files = {
        str(path.relative_to(EXAMPLE)): path.read_bytes()
        for top in MUTATED
        for path in sorted((EXAMPLE / top).rglob("*.py"))
    }
    mutants = pick_mutants(files, arguments.count, arguments.seed)
    before = {tried.key: tried for tried in _kept()}
    ends = time.monotonic() + arguments.minutes * 60 if arguments.minutes else float("inf")
    options = ("-m", "not slow") if arguments.without_slow else ()
    tried = [before[_key(mutant)] for mutant in mutants if _key(mutant) in before]
    waiting = [mutant for mutant in mutants if _key(mutant) not in before]
    if waiting:
        with stand() as made:
            known = made.record()
            for mutant in waiting:
                if time.monotonic() > ends:
                    break
                tried.append(_try(made, known, mutant, options))
                _keep(tried[-1])
    print(summary(tried))
    return 1 if any(each.missed for each in tried) else 0


def summary(tried: Sequence[Tried]) -> str:
    """What was found, in a few lines."""
    missed = [each for each in tried if each.missed]
    some = [each for each in tried if each.selected < each.tests]
    share = sum(each.selected / each.tests for each in tried) / max(1, len(tried))
    lines = [
        f"{len(tried)} faults; {len(tried) - len(missed)} of them break no test that is left out",
        f"{len(some)} leave tests out; on average {share:.0%} of the tests run",
        f"{sum(each.left_out_run for each in tried)} tests that are left out were run",
        *(f"MISSED {each.file}, {each.what}: {', '.join(each.missed)}" for each in missed),
    ]
    return "\n".join(lines)


@contextmanager
def stand() -> Iterator[Stand]:
    """Bring the example's stack up, and take it down whatever happens."""
    name = f"seatrial-bench-mutations-{os.getpid()}"
    compose = compose_command(name, COMPOSE_FILE)
    with tempfile.TemporaryDirectory(prefix="seatrial-bench-") as folder:
        project, out = Path(folder) / "shop", Path(folder) / "out"
        shutil.copytree(EXAMPLE, project, ignore=shutil.ignore_patterns(".seatrial", "__pycache__"))
        out.mkdir()
        out.chmod(0o777)
        Path(folder).chmod(0o755)
        _said(*compose, "build", cwd=project)
        try:
            _said(*compose, "up", "--detach", *SERVICES, cwd=project)
            mounts = [
                *(f"--volume={project / top}:/app/{top}:ro" for top in MOUNTED),
                f"--volume={Path(probe.__file__).parent}:{INTO}/probe:ro",
                f"--volume={out}:{INTO}/out",
            ]
            command = ["run", "--detach", "-T", *mounts, "test"]
            begin = ["sh", "-c", "alembic upgrade head && touch /tmp/ready && exec sleep 86400"]
            container = _said(*compose, *command, *begin, cwd=project).split()[-1]
            for _ in range(600):
                ready = ["docker", "exec", container, "test", "-e", "/tmp/ready"]
                if subprocess.run(ready, capture_output=True, check=False).returncode == 0:
                    break
                time.sleep(0.2)
            yield Stand(project, out, container)
        finally:
            down = [*compose, "down", "--volumes", "--remove-orphans", "--rmi", "local"]
            subprocess.run([*down, "--timeout", "1"], cwd=project, capture_output=True, check=False)


def _try(made: Stand, known: Dependencies, mutant: Mutant, options: Sequence[str]) -> Tried:
    began = time.monotonic()
    path = made.project / mutant.file
    content = path.read_bytes()
    path.write_bytes(mutant.content)
    ran = 0
    missed: list[str] = []
    try:
        selection = _select(made, known)
        left_out = selection.left_out if not selection.everything else frozenset()
        if left_out:
            failing, passed = made.failing(left_out, *options)
            ran = passed + len(failing)
            # A busy machine fails tests, too: what counts fails again, and passes without it.
            missed = made.failing(failing)[0] if failing else []
            if missed:
                path.write_bytes(content)
                innocent = set(made.failing(missed)[0])
                missed = [test for test in missed if test not in innocent]
    finally:
        path.write_bytes(content)
    seconds = time.monotonic() - began
    total = len(known.tests)
    _say(
        f"{mutant.file}, {mutant.what}: {total - len(left_out)} of {total} selected"
        f"{f', {selection.reason}' if selection.everything else ''}, {seconds:.0f} s"
        f"{f', MISSED {missed}' if missed else ''}"
    )
    return Tried(
        key=_key(mutant),
        file=mutant.file,
        what=mutant.what,
        everything=selection.reason,
        tests=total,
        selected=total - len(left_out),
        left_out_run=ran,
        missed=tuple(missed),
        seconds=seconds,
    )


def _select(made: Stand, known: Dependencies) -> Affected:
    def read(name: str) -> bytes | None:
        path = made.project / name
        return path.read_bytes() if path.is_file() else None

    now = snapshot(made.project, known.states)
    return affected(known, changes_between(known.states, now), read, files=now)


def _key(mutant: Mutant) -> str:
    return f"{mutant.file}:{hashlib.sha256(mutant.content).hexdigest()[:16]}"


def _kept() -> list[Tried]:
    try:
        lines = RESULTS.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return []
    found = [json.loads(line) for line in lines]
    return [Tried(**{**line, "missed": tuple(line["missed"])}) for line in found]


def _keep(tried: Tried) -> None:
    RESULTS.parent.mkdir(exist_ok=True)
    with RESULTS.open("a", encoding="utf-8") as file:
        file.write(json.dumps(asdict(tried)) + "\n")


def _said(*command: str, cwd: Path) -> str:
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}: {done.stderr[-2000:]}")
    return done.stdout


def _say(text: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {text}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
