"""Where the shop sends to, and the VAT that is due there; the table is in `data/countries.json`."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from shop.errors import NotFoundError

HOME = "DE"
"""Where the shop is, and where orders go."""


@dataclass(frozen=True, kw_only=True)
class Country:
    """A country, with its VAT rates in basis points."""

    code: str
    """ISO 3166-1, two letters."""

    name: str
    standard_rate: int
    reduced_rate: int


def find(code: str) -> Country:
    """The country under that code.

    Raises:
        NotFoundError: the shop does not send there.
    """
    try:
        return _table()[code.upper()]
    except KeyError:
        raise NotFoundError("country", code) from None


@cache
def _table() -> Mapping[str, Country]:
    text = files("shop").joinpath("data", "countries.json").read_text(encoding="utf-8")
    return {code: Country(code=code, **fields) for code, fields in json.loads(text).items()}
