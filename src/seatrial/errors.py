"""What a user is told when something cannot be done, and the exit code that goes with it."""

from enum import IntEnum

__all__ = ["EnvironmentFault", "ExitCode", "NothingAffected", "SeatrialError", "UsageFault"]


class ExitCode(IntEnum):
    """The process's exit codes; part of the interface, so a number never changes its meaning."""

    OK = 0
    TESTS_FAILED = 1
    USAGE = 2
    ENVIRONMENT = 3
    BUDGET = 4
    NO_TESTS = 5
    INTERRUPTED = 130


class SeatrialError(Exception):
    """A foreseeable fault, told in three parts instead of a traceback.

    `what` happened, `where` (a file, a line, a service; empty if there is no place), what to do
    `next`, and optional `details`: lines of somebody else's output that explain it.
    """

    exit_code: ExitCode = ExitCode.ENVIRONMENT

    def __init__(
        self, what: str, *, where: str = "", next_step: str = "", details: tuple[str, ...] = ()
    ) -> None:
        super().__init__(what)
        self.what = what
        self.where = where
        self.next_step = next_step
        self.details = details


class UsageFault(SeatrialError):
    """The command line, the settings or the compose files are wrong."""

    exit_code = ExitCode.USAGE


class EnvironmentFault(SeatrialError):
    """The engine, a build or a service failed: the tests could not be judged."""

    exit_code = ExitCode.ENVIRONMENT


class NothingAffected(SeatrialError):
    """What changed can affect no test, so there is nothing to run: no fault, but no trial."""

    exit_code = ExitCode.OK
