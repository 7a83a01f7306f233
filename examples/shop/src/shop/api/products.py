"""The catalogue over HTTP: everybody reads, staff writes."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, status
from fastapi.concurrency import run_in_threadpool

from shop import catalogue, product_files, stock
from shop.api.context import Shop, Staff
from shop.api.schemas import DeliveryIn, PageOut, PriceIn, ProductIn, ProductOut
from shop.errors import ProductFileError
from shop.money import Money

router = APIRouter(prefix="/products", tags=["products"])


@router.get("")
def listing(
    shop: Shop,
    search: Annotated[str, Query(max_length=100)] = "",
    page: Annotated[int, Query(ge=1)] = 1,
    size: Annotated[int, Query(ge=1, le=100)] = 20,
) -> PageOut:
    """What is on sale, by name."""

    def load() -> catalogue.ProductPage:
        with shop.sessions.begin() as session:
            return catalogue.page(session, search=search, number=page, size=size)

    return PageOut.of(shop.listing.page(load, search=search, number=page, size=size))


@router.get("/{sku}")
def show(shop: Shop, sku: str) -> ProductOut:
    """One product."""
    with shop.sessions.begin() as session:
        return ProductOut.of(catalogue.find(session, sku))


@router.post("", status_code=status.HTTP_201_CREATED)
def add(shop: Shop, _: Staff, new: ProductIn) -> ProductOut:
    """Put a product on sale."""
    with shop.sessions.begin() as session:
        product = catalogue.add(
            session,
            catalogue.NewProduct(
                sku=new.sku,
                name=new.name,
                description=new.description,
                price=Money.parse(new.price),
                vat_rate=new.vat_rate,
                stock=new.stock,
                tiers=new.quantity_prices(),
            ),
        )
    shop.listing.invalidate()
    return ProductOut.of(product)


@router.put("/{sku}/price")
def set_price(shop: Shop, _: Staff, sku: str, new: PriceIn) -> ProductOut:
    """Change a price. Orders that were placed keep theirs."""
    with shop.sessions.begin() as session:
        product = catalogue.set_price(session, sku, Money.parse(new.price))
    shop.listing.invalidate()
    return ProductOut.of(product)


@router.post("/{sku}/deliveries")
def deliver(shop: Shop, _: Staff, sku: str, delivery: DeliveryIn) -> dict[str, int]:
    """Take in a delivery."""
    with shop.sessions.begin() as session:
        left = stock.refill(session, sku, delivery.quantity)
    shop.listing.invalidate()
    return {"stock": left}


@router.delete("/{sku}", status_code=status.HTTP_204_NO_CONTENT)
def withdraw(shop: Shop, _: Staff, sku: str) -> None:
    """Take a product off sale."""
    with shop.sessions.begin() as session:
        catalogue.withdraw(session, sku)
    shop.listing.invalidate()


@router.post("/import")
async def take_file(shop: Shop, _: Staff, request: Request) -> dict[str, int]:
    """Create and update products from a CSV file, all of them or none."""
    try:
        text = (await request.body()).decode("utf-8-sig")
    except UnicodeDecodeError:
        raise ProductFileError(["the file is not UTF-8"]) from None
    return await run_in_threadpool(_store, shop, text)


def _store(shop: Shop, text: str) -> dict[str, int]:
    products = product_files.parse(text.splitlines())
    with shop.sessions.begin() as session:
        imported = product_files.store(session, products)
    shop.listing.invalidate()
    return {"created": imported.created, "updated": imported.updated}
