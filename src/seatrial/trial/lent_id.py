"""Tells by which other id a test container knows itself, if it shares another's network.

From inside, a container is told by the files that the engine mounts into it (`/etc/hosts` and the
like), which stand in a folder of its id. With the network, an engine lends it the other's files.
"""

from collections.abc import Mapping

from seatrial.trial.rig import Journal, Rig

__all__ = ["lent_ids"]

_OF_SERVICE = "service:"


def lent_ids(rig: Rig, journal: Journal, container: str) -> Mapping[str, str]:
    """The test container's id by the one that it knows itself by; empty if that is the same."""
    service, seen = rig.plan.selection.test, set[str]()
    while service not in seen:
        seen.add(service)
        mode = str(rig.plan.form["services"].get(service, {}).get("network_mode") or "")
        if not mode.startswith(_OF_SERVICE):
            break
        service = mode.removeprefix(_OF_SERVICE)
    lender = journal.services.get(service)
    if lender is None or not lender.container or lender.container == container:
        return {}
    return {lender.container: container}
