"""The products: adding, changing, finding."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from shop.errors import AlreadyExistsError, NotFoundError
from shop.models import PriceTier, Product
from shop.money import Money
from shop.pricing import Item, Tier


@dataclass(frozen=True, kw_only=True)
class NewProduct:
    """What a product needs to be put on sale."""

    sku: str
    name: str
    price: Money
    description: str = ""
    vat_rate: int = 1_900
    stock: int = 0
    tiers: Sequence[Tier] = ()


@dataclass(frozen=True, kw_only=True)
class ProductSummary:
    """A product as the listing shows it."""

    sku: str
    name: str
    price: Money
    in_stock: bool


@dataclass(frozen=True, kw_only=True)
class ProductPage:
    """One page of the listing."""

    items: tuple[ProductSummary, ...]
    total: int
    """Products on all pages."""


def add(session: Session, new: NewProduct) -> Product:
    """Put a product on sale.

    Raises:
        AlreadyExistsError: the SKU is taken.
    """
    product_id = session.scalar(
        insert(Product)
        .values(
            sku=new.sku,
            name=new.name,
            description=new.description,
            price_minor=new.price.minor,
            vat_rate=new.vat_rate,
            stock=new.stock,
        )
        .on_conflict_do_nothing(index_elements=[Product.sku])
        .returning(Product.id)
    )
    if product_id is None:
        raise AlreadyExistsError("product", new.sku)
    product = session.get_one(Product, product_id)
    set_tiers(session, product, new.tiers)
    return product


def find(session: Session, sku: str) -> Product:
    """The product on sale under that SKU.

    Raises:
        NotFoundError: there is none, or it is no longer on sale.
    """
    product = session.scalar(select(Product).where(Product.sku == sku, Product.active))
    if product is None:
        raise NotFoundError("product", sku)
    return product


def set_price(session: Session, sku: str, price: Money) -> Product:
    """Change the price for one piece. Orders that were placed keep theirs."""
    product = find(session, sku)
    product.price_minor = price.minor
    session.flush()
    return product


def set_tiers(session: Session, product: Product, tiers: Iterable[Tier]) -> None:
    """Replace the quantity prices."""
    product.tiers.clear()
    session.flush()
    product.tiers.extend(
        PriceTier(from_quantity=tier.from_quantity, price_minor=tier.price.minor) for tier in tiers
    )
    session.flush()


def withdraw(session: Session, sku: str) -> None:
    """Take the product off sale. It stays in the orders that hold it."""
    find(session, sku).active = False
    session.flush()


def page(session: Session, *, search: str = "", number: int = 1, size: int = 20) -> ProductPage:
    """One page of what is on sale, by name; `search` wants all its words in name or description."""
    wanted = select(Product).where(Product.active)
    if search.strip():
        wanted = wanted.where(
            Product.search.bool_op("@@")(func.plainto_tsquery("simple", search.strip()))
        )
    total = session.scalar(select(func.count()).select_from(wanted.subquery())) or 0
    rows = session.scalars(
        wanted.order_by(Product.name, Product.id).offset((number - 1) * size).limit(size)
    )
    return ProductPage(
        items=tuple(
            ProductSummary(sku=row.sku, name=row.name, price=row.price, in_stock=row.stock > 0)
            for row in rows
        ),
        total=total,
    )


def priced(product: Product, quantity: int) -> Item:
    """The product as pricing wants it."""
    return Item(
        sku=product.sku,
        name=product.name,
        quantity=quantity,
        price=product.price,
        vat_rate=product.vat_rate,
        tiers=[
            Tier(from_quantity=tier.from_quantity, price=Money(tier.price_minor))
            for tier in product.tiers
        ],
    )
