"""The caller's cart over HTTP."""

from fastapi import APIRouter, status
from sqlalchemy import select

from shop import catalogue, pricing, vouchers
from shop.api.context import LoggedIn, Shop
from shop.api.schemas import CartOut, QuantityIn
from shop.models import Product

router = APIRouter(prefix="/cart", tags=["cart"])


@router.get("")
def show(shop: Shop, caller: LoggedIn, voucher: str | None = None) -> CartOut:
    """The cart at today's prices. What is no longer on sale has left it."""
    wanted = shop.carts.contents(caller.id)
    with shop.sessions.begin() as session:
        products = session.scalars(
            select(Product).where(Product.sku.in_(wanted), Product.active).order_by(Product.id)
        ).all()
        discount = vouchers.look_up(session, voucher, shop.clock()) if voucher else None
        quote = pricing.quote(
            [catalogue.priced(product, wanted[product.sku]) for product in products],
            discount=discount,
        )
    for sku in wanted.keys() - {product.sku for product in products}:
        shop.carts.put(caller.id, sku, 0)
    return CartOut.of(quote)


@router.put("/items/{sku}")
def put(shop: Shop, caller: LoggedIn, sku: str, wanted: QuantityIn) -> CartOut:
    """Set the quantity of a product."""
    with shop.sessions.begin() as session:
        catalogue.find(session, sku)
    shop.carts.put(caller.id, sku, wanted.quantity)
    return show(shop, caller)


@router.delete("/items/{sku}")
def remove(shop: Shop, caller: LoggedIn, sku: str) -> CartOut:
    """Take a product out."""
    shop.carts.put(caller.id, sku, 0)
    return show(shop, caller)


@router.delete("", status_code=status.HTTP_204_NO_CONTENT)
def clear(shop: Shop, caller: LoggedIn) -> None:
    """Empty the cart."""
    shop.carts.clear(caller.id)
