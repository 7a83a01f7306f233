"""Tells from a variable's name and value whether a secret stands there, and how bad that is."""

import math
import re
from collections import Counter

from seatrial.evidence.audit import Severity

__all__ = ["judge_value", "names_secret"]

_NAME = re.compile(
    r"(?:^|_)(?:PASSWORD|PASSWD|PASSPHRASE|PASS|PWD|SECRETS?|TOKENS?|API_?KEY|ACCESS_?KEY|"
    r"PRIVATE_?KEY|SECRET_?KEY|CREDENTIALS?|AUTH_?KEY|SIGNING_?KEY|ENCRYPTION_?KEY)(?:$|_|\d)",
    re.IGNORECASE,
)
_NOT_SECRET = re.compile(
    r"_(?:FILE|PATH|DIR|URL|TTL|EXPIRE\w*|EXPIRY|LIFETIME|LENGTH|SECONDS|MINUTES|DAYS|NAME|ALGO\w*|"
    r"HEADER|TYPE|MIN\w*|MAX\w*|ENABLED|REQUIRED|COUNT|LIMIT)$",
    re.IGNORECASE,
)
_REAL = re.compile(
    r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b|\bgh[pousr]_[A-Za-z0-9]{30,}|\bgithub_pat_\w{30,}"
    r"|\bglpat-[\w-]{20,}|\bxox[abprs]-[\w-]{10,}|\bsk_live_\w{16,}|\bAIza[\w-]{35}"
    r"|\bpypi-[\w-]{50,}|-----BEGIN [A-Z ]*PRIVATE KEY"
)
_URL = re.compile(r"^[a-z][a-z0-9+.-]*://[^/\s:@]*:([^/\s@]+)@([^/\s:@?]+)", re.IGNORECASE)
_PLACEHOLDER = re.compile(
    r"^(?:true|false|yes|no|none|null|\d{0,6}|x+|\*+|<.*>|\{\{.*\}\}|change[-_ ]?me.*|"
    r"[^:/]*example[^:/]*)$",
    re.IGNORECASE,
)
_MIN_RANDOM = 16
_RANDOM_BITS = 3.4
"""Per character: words and names stay below it at this length, keys of base64 or hex above."""


def names_secret(name: str) -> bool:
    """Whether a variable of that name holds a secret."""
    return bool(_NAME.search(name)) and not _NOT_SECRET.search(name)


def judge_value(
    name: str, value: str, *, throwaway: bool = False, hosts: frozenset[str] = frozenset()
) -> Severity | None:
    """How bad it is that the value stands in a file; None: it is no secret.

    `throwaway`: it is set for a database that lives as long as the tests do. `hosts` are the
    stack's own services: a password in their address is such a database's too.
    """
    value = value.strip()
    if "$" in value or _PLACEHOLDER.match(value):
        return Severity.HIGH if _REAL.search(value) else None
    if _REAL.search(value):
        return Severity.HIGH
    if address := _URL.match(value):
        if address[2] in hosts or address[2] in {"localhost", "127.0.0.1"}:
            return Severity.NOTE
        return Severity.HIGH if _is_random(address[1]) else Severity.MEDIUM
    if not names_secret(name):
        return None
    if throwaway:
        return Severity.NOTE
    return Severity.HIGH if _is_random(value) else Severity.LOW


def _is_random(value: str) -> bool:
    if len(value) < _MIN_RANDOM or " " in value:
        return False
    kinds = (str.islower, str.isupper, str.isdigit)
    if sum(any(map(kind, value)) for kind in kinds) < 2:
        return False
    counts = Counter(value)
    bits = -sum(n / len(value) * math.log2(n / len(value)) for n in counts.values())
    return bits >= min(_RANDOM_BITS, math.log2(len(value)) * 0.85)
