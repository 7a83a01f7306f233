"""Reading product files."""

import pytest

from shop.errors import ProductFileError
from shop.money import Money
from shop.product_files import parse

HEADER = "sku,name,price,stock"


def test_each_line_is_a_product() -> None:
    first, second = parse([HEADER, "A-1,Anchor,49.90,3", '"B-2","Bell, brass",120,0'])

    assert (first.sku, first.name, first.price, first.stock) == ("A-1", "Anchor", Money(4_990), 3)
    assert (second.name, second.price) == ("Bell, brass", Money(12_000))


def test_a_file_with_other_columns_or_none_is_refused() -> None:
    for lines in (["sku;name;price;stock", "A;B;1;1"], []):
        with pytest.raises(ProductFileError, match="the columns must be sku, name, price, stock"):
            parse(lines)


def test_all_bad_lines_are_named_and_no_good_one() -> None:
    with pytest.raises(ProductFileError) as caught:
        parse(
            [
                HEADER,
                "A,Anchor,49.90,3",
                "B,Bell,cheap,3",
                ",Nameless,1,1",
                "C,Compass,-1,1",
                "D,Dinghy,1,some",
                "E,Ensign,1",
                "A,Anchor again,1,1",
                "F,Flag,1,1,1",
            ]
        )

    assert caught.value.problems == (
        "line 3: 'cheap' is not an amount in EUR",
        "line 4: sku and name must not be empty",
        "line 5: the price -1.00 EUR is negative",
        "line 6: the stock 'some' is not a whole number",
        "line 7: there must be 4 fields",
        "line 8: A was on an earlier line",
        "line 9: there must be 4 fields",
    )
