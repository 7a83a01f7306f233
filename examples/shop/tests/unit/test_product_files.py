"""Reading product files."""

import pytest

from shop.errors import ProductFileError
from shop.money import Money
from shop.product_files import parse
from tests.samples import sample


def test_each_line_is_a_product() -> None:
    first, second, *others = parse(sample("products.csv").splitlines())

    assert (first.sku, first.name, first.price, first.stock) == ("A-1", "Anchor", Money(4_990), 3)
    assert (second.name, second.price) == ("Bell, brass", Money(12_000))
    assert [(other.sku, other.stock) for other in others] == [("C-3", 12), ("R-10", 40)]


def test_a_file_with_other_columns_or_none_is_refused() -> None:
    for lines in (["sku;name;price;stock", "A;B;1;1"], []):
        with pytest.raises(ProductFileError, match="the columns must be sku, name, price, stock"):
            parse(lines)


def test_all_bad_lines_are_named_and_no_good_one() -> None:
    with pytest.raises(ProductFileError) as caught:
        parse(sample("bad_products.csv").splitlines())

    assert caught.value.problems == tuple(sample("bad_products.txt").splitlines())
