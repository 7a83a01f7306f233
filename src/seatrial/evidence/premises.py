"""What a run of tests rested on beside the project's files: told apart by a hash for each thing."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

__all__ = ["Premises", "difference", "premise"]

Premises = Mapping[str, str]
"""By what it is, in words: a hash of it, or the id of an image."""


def premise(value: Any) -> str:
    """The hash of a value in terms of JSON."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()


def difference(before: Premises, now: Premises) -> str:
    """Say what differs, naming the first thing; empty if nothing does.

    Nothing at all is no premise: it differs from everything.
    """
    if not before or not now:
        return "nobody knows what it rested on"
    for name in dict.fromkeys((*now, *before)):
        if name not in before:
            return f"{name} is new"
        if name not in now:
            return f"{name} is gone"
        if before[name] != now[name]:
            return f"{name} changed"
    return ""
