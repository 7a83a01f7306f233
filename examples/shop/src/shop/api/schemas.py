"""What goes over the wire."""

from datetime import date, datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, PlainSerializer, WithJsonSchema

from shop.catalogue import ProductPage
from shop.models import Order, OrderStatus, Product
from shop.money import Money
from shop.pricing import Quote, Tier
from shop.sales import BestSeller, DaySales
from shop.shipping import Carrier


def _price(text: str) -> str:
    if Money.parse(text) < Money(0):
        raise ValueError("a price cannot be negative")
    return text


def _email(text: str) -> str:
    # One @ with something around it. Whether it works, only a mail can tell.
    name, at, domain = text.strip().partition("@")
    if not (name and at and "." in domain.strip(".")) or "@" in domain or " " in text.strip():
        raise ValueError("that is not an e-mail address")
    return text.strip()


Price = Annotated[str, AfterValidator(_price), Field(examples=["19.99"])]
Email = Annotated[str, AfterValidator(_email), Field(max_length=254)]
Amount = Annotated[
    Money,
    PlainSerializer(lambda money: {"amount": money.amount, "currency": money.currency}),
    WithJsonSchema(
        {
            "type": "object",
            "properties": {"amount": {"type": "string"}, "currency": {"type": "string"}},
        },
        mode="serialization",
    ),
]


class Request(BaseModel):
    """The base of what comes in: unknown fields are mistakes."""

    model_config = ConfigDict(extra="forbid")


class TierIn(Request):
    """A quantity price."""

    from_quantity: int = Field(gt=1)
    price: Price


class ProductIn(Request):
    """A new product."""

    sku: str = Field(min_length=1, max_length=40, pattern=r"^[A-Za-z0-9._-]+$")
    name: str = Field(min_length=1, max_length=200)
    description: str = ""
    price: Price
    vat_rate: int = Field(default=1_900, ge=0, le=5_000)
    stock: int = Field(default=0, ge=0)
    tiers: list[TierIn] = []

    def quantity_prices(self) -> list[Tier]:
        """The tiers as pricing wants them."""
        return [
            Tier(from_quantity=tier.from_quantity, price=Money.parse(tier.price))
            for tier in self.tiers
        ]


class PriceIn(Request):
    """A new price."""

    price: Price


class DeliveryIn(Request):
    """Pieces that came in."""

    quantity: int = Field(gt=0, le=1_000_000)


class AccountIn(Request):
    """A new account."""

    email: Email
    password: str = Field(min_length=10, max_length=200)


class LoginIn(Request):
    """Who it is."""

    email: str = Field(max_length=254)
    password: str = Field(max_length=200)


class QuantityIn(Request):
    """How many of it."""

    quantity: int


class OrderIn(Request):
    """An order of what is in the cart."""

    card: str = Field(min_length=1, max_length=64)
    voucher: str | None = None


class PaymentIn(Request):
    """Another attempt to pay."""

    card: str = Field(min_length=1, max_length=64)


class ProductOut(BaseModel):
    """A product in full."""

    sku: str
    name: str
    description: str
    price: Amount
    vat_rate: int
    stock: int
    tiers: list[dict[str, Any]]

    @classmethod
    def of(cls, product: Product) -> "ProductOut":
        """As it goes out."""
        return cls(
            sku=product.sku,
            name=product.name,
            description=product.description,
            price=product.price,
            vat_rate=product.vat_rate,
            stock=product.stock,
            tiers=[
                {
                    "from_quantity": tier.from_quantity,
                    "price": {"amount": Money(tier.price_minor).amount, "currency": "EUR"},
                }
                for tier in product.tiers
            ],
        )


class SummaryOut(BaseModel):
    """A product in the listing."""

    sku: str
    name: str
    price: Amount
    in_stock: bool


class PageOut(BaseModel):
    """One page of the listing."""

    items: list[SummaryOut]
    total: int

    @classmethod
    def of(cls, page: ProductPage) -> "PageOut":
        """As it goes out."""
        return cls(
            items=[
                SummaryOut(sku=item.sku, name=item.name, price=item.price, in_stock=item.in_stock)
                for item in page.items
            ],
            total=page.total,
        )


class QuoteLineOut(BaseModel):
    """One line of a cart."""

    sku: str
    name: str
    quantity: int
    unit_price: Amount
    discount: Amount
    total: Amount


class CartOut(BaseModel):
    """A cart and what it costs now."""

    lines: list[QuoteLineOut]
    subtotal: Amount
    discount: Amount
    shipping: Amount
    total: Amount
    vat: dict[int, Amount]

    @classmethod
    def of(cls, quote: Quote) -> "CartOut":
        """As it goes out."""
        return cls(
            lines=[
                QuoteLineOut(
                    sku=line.item.sku,
                    name=line.item.name,
                    quantity=line.item.quantity,
                    unit_price=line.unit_price,
                    discount=line.discount,
                    total=line.total,
                )
                for line in quote.lines
            ],
            subtotal=quote.subtotal,
            discount=quote.discount,
            shipping=quote.shipping,
            total=quote.total,
            vat=quote.vat,
        )


class OrderLineOut(BaseModel):
    """One line of an order."""

    sku: str
    name: str
    quantity: int
    unit_price: Amount


class OrderOut(BaseModel):
    """An order."""

    id: UUID
    status: OrderStatus
    placed_at: datetime
    paid_at: datetime | None
    total: Amount
    lines: list[OrderLineOut]

    @classmethod
    def of(cls, order: Order) -> "OrderOut":
        """As it goes out."""
        return cls(
            id=order.id,
            status=order.status,
            placed_at=order.placed_at,
            paid_at=order.paid_at,
            total=order.total,
            lines=[
                OrderLineOut(
                    sku=line.sku,
                    name=line.name,
                    quantity=line.quantity,
                    unit_price=Money(line.unit_price_minor),
                )
                for line in order.lines
            ],
        )


class DaySalesOut(BaseModel):
    """One day."""

    day: date
    orders: int
    pieces: int
    revenue: Amount

    @classmethod
    def of(cls, sales: DaySales) -> "DaySalesOut":
        """As it goes out."""
        return cls(day=sales.day, orders=sales.orders, pieces=sales.pieces, revenue=sales.revenue)


class BestSellerOut(BaseModel):
    """One product."""

    sku: str
    pieces: int
    revenue: Amount

    @classmethod
    def of(cls, seller: BestSeller) -> "BestSellerOut":
        """As it goes out."""
        return cls(sku=seller.sku, pieces=seller.pieces, revenue=seller.revenue)


class CarrierOut(BaseModel):
    """A carrier, and what it takes for a parcel."""

    name: str
    days: int
    price: Amount
    free_from: Amount

    @classmethod
    def of(cls, carrier: Carrier) -> "CarrierOut":
        """As it goes out."""
        return cls(
            name=carrier.name,
            days=carrier.days,
            price=carrier.shipping.price,
            free_from=carrier.shipping.free_from,
        )


class DestinationOut(BaseModel):
    """A country that the shop sends to."""

    country: str
    carriers: list[CarrierOut]
