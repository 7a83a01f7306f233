"""Renders what was attested, and the checks of attestations."""

import dataclasses
import json
from collections.abc import Sequence

from rich.console import Console
from rich.text import Text

from seatrial.evidence.hostile import plain_text
from seatrial.judge.attest.make import Attested
from seatrial.judge.attest.verify import Check, verified
from seatrial.words import counted

__all__ = ["attested_json", "print_attested", "print_verification", "verification_json"]

_MARKS = {"passed": ("✓", "green"), "failed": ("✗", "bold red"), "not asked for": ("-", "dim")}


def print_attested(out: Console, made: Attested) -> None:
    """Print what was signed, and where it is."""
    out.print(f"signed: trial {made.trial} {made.decision}, {counted(made.files, 'file')} covered")
    for path in made.envelopes:
        out.print(Text(f"  {plain_text(str(path))}"))
    for signer in made.signers:
        out.print(Text(f"signed by: {signer}"), soft_wrap=True)


def attested_json(made: Attested) -> str:
    """The same for programs."""
    table = dataclasses.asdict(made) | {"envelopes": [str(path) for path in made.envelopes]}
    return json.dumps(table, indent=2)


_WOULD_PASS = {
    "commit": "one of any other commit would pass as well (--commit)",
    "age": "one of any age would pass as well (--max-age)",
    "policy": "one by easier rules would pass as well (--policy)",
    "waivers": "one with any waivers would pass as well (--no-waivers)",
}


def print_verification(out: Console, checks: Sequence[Check]) -> None:
    """Print first what was not checked, then every check, and what they come to."""
    for unasked in _not_checked(checks):
        head = (f"NOT CHECKED: {unasked}", "bold yellow")
        out.print(Text.assemble(head, f": {_WOULD_PASS[unasked]}"))
    for check in checks:
        aside = " (not asked for)" if check.result == "not asked for" else ""
        name = (f"{check.name}: ", "bold" if check.result == "failed" else "")
        out.print(Text.assemble(_MARKS[check.result], " ", name, check.said + aside))
    failed = sum(check.result == "failed" for check in checks)
    if verified(checks):
        passed = sum(check.result == "passed" for check in checks)
        told = f": {counted(passed, 'check')} passed, {len(checks) - passed} not asked for"
        out.print(Text.assemble(("VERIFIED", "bold green"), told))
    else:
        told = f": {failed} of {counted(len(checks), 'check')} failed"
        out.print(Text.assemble(("NOT VERIFIED", "bold red"), told))


def verification_json(checks: Sequence[Check]) -> str:
    """What the checks come to, and each of them."""
    table = {
        "verified": verified(checks),
        "not_checked": _not_checked(checks),
        "checks": [dataclasses.asdict(check) for check in checks],
    }
    return json.dumps(table, indent=2)


def _not_checked(checks: Sequence[Check]) -> list[str]:
    found = {check.name for check in checks if check.result == "not asked for"}
    return [name for name in _WOULD_PASS if name in found]
