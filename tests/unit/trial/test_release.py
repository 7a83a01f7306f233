"""Services go while results are still taken out, and only those; what stays is nobody's fault."""

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

from aiodocker.exceptions import DockerError

from seatrial.engine.api import Container, Held
from seatrial.trial.release import end_services, remove_services
from unit.engine.fake_engine import FakeEngine

if TYPE_CHECKING:
    from seatrial.trial.rig import Journal, Rig


class Stack(FakeEngine):
    """Containers and networks by their names; some cannot be killed or removed."""

    def __init__(self, *containers: str, stuck: tuple[str, ...] = ()) -> None:
        super().__init__()
        self.there = {*containers, "net", "other-net"}
        self.running = set(containers)
        self._stuck = stuck

    async def containers(self, label: str | None = None) -> list[Container]:
        return [Container(name, name, name, "running", {}) for name in sorted(self.running)]

    async def networks(self, label: str | None = None) -> list[dict[str, Any]]:
        return [{"Name": "net"}, {"Name": "other-net"}]

    async def kill(self, container: str) -> None:
        self._refuse(container)

    async def remove_container(self, container: str) -> None:
        self._refuse(container)
        self.there.remove(container)

    async def remove_network(self, network: str) -> None:
        self._refuse(network)
        self.there.remove(network)

    def _refuse(self, name: str) -> None:
        if name in self._stuck:
            raise DockerError(500, "not now")


async def release(engine: Stack) -> "Journal":
    """End and remove the services of a stack whose tests ran in the container `test`."""
    services = {name: SimpleNamespace(container=name) for name in ("test", "db", "cache")}
    services["never-made"] = SimpleNamespace(container=cast("str", None))
    journal = SimpleNamespace(services=services, released={}, beside=[], removed=[], releasing=None)
    plan = SimpleNamespace(name="shop", selection=SimpleNamespace(test="test"))
    rig = SimpleNamespace(engine=engine, plan=plan)
    end_services(cast("Rig", rig), cast("Journal", journal))
    remove_services(cast("Rig", rig), cast("Journal", journal))
    assert journal.releasing is not None
    await journal.releasing
    return cast("Journal", journal)


async def test_services_and_networks_go_and_what_is_read_from_stays() -> None:
    engine = Stack("test", "db", "cache", "coverage-reader")

    journal = await release(engine)

    assert engine.there == {"test", "coverage-reader"}
    assert journal.removed == [Held(("cache", "db"), ("net", "other-net"))]


async def test_what_cannot_be_removed_keeps_nothing_else_and_is_not_called_removed() -> None:
    engine = Stack("test", "db", "cache", stuck=("db", "net"))

    journal = await release(engine)

    assert engine.there == {"test", "db", "net"}
    assert journal.removed == [Held(("cache",), ("other-net",))]
