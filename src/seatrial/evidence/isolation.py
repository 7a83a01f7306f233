"""Whether the stack's networks keep others out, as a packet shows that does not arrive."""

from pydantic import NonNegativeFloat, NonNegativeInt

from seatrial.evidence.model import Model

__all__ = ["Isolation", "TriedTarget"]


class TriedTarget(Model):
    """A port of a service that a container of another network tried to reach."""

    service: str
    address: str
    """The service's own IP address: another network knows no names."""
    port: NonNegativeInt
    arrived: bool
    """True: something answered, be it that nobody listens."""
    seconds: NonNegativeFloat
    """Until it answered, or was given up after a second."""


class Isolation(Model):
    """What a throwaway container on a network of its own could reach while the tests ran."""

    targets: tuple[TriedTarget, ...] = ()
    seconds: NonNegativeFloat = 0.0
    """All of it, beside the tests."""
    why_not: str = ""
    """Why it was not measured; empty: it was."""

    @property
    def isolated(self) -> bool | None:
        """Whether nothing arrived; None: not measured."""
        if self.why_not or not self.targets:
            return None
        return not any(target.arrived for target in self.targets)
