"""The tables. What the database can guarantee by itself, it does: see the constraints."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import (
    CheckConstraint,
    Computed,
    DateTime,
    Enum,
    ForeignKey,
    Index,
    MetaData,
    String,
    false,
    func,
    true,
)
from sqlalchemy.dialects.postgresql import JSONB, TSVECTOR
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship

from shop.money import Money


class Base(DeclarativeBase):
    """The base of all tables; constraints are named so that a migration can drop them."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {datetime: DateTime(timezone=True), dict[str, Any]: JSONB}  # noqa: RUF012


class Product(Base):
    """Something on sale, with what is left of it."""

    __tablename__ = "products"
    __table_args__ = (
        CheckConstraint("price_minor >= 0", name="price_not_negative"),
        CheckConstraint("stock >= 0", name="stock_not_negative"),
        Index("ix_products_search", "search", postgresql_using="gin"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    sku: Mapped[str] = mapped_column(String(40), unique=True)
    name: Mapped[str] = mapped_column(String(200))
    description: Mapped[str] = mapped_column(server_default="")
    price_minor: Mapped[int]
    vat_rate: Mapped[int] = mapped_column(server_default="1900")
    stock: Mapped[int] = mapped_column(server_default="0")
    active: Mapped[bool] = mapped_column(server_default=true())
    search: Mapped[str] = mapped_column(
        TSVECTOR,
        Computed(
            "to_tsvector('simple'::regconfig, (name)::text || ' '::text || description)",
            persisted=True,
        ),
        deferred=True,
    )
    tiers: Mapped[list["PriceTier"]] = relationship(
        order_by="PriceTier.from_quantity", cascade="all, delete-orphan", lazy="selectin"
    )

    @property
    def price(self) -> Money:
        """For one piece, gross."""
        return Money(self.price_minor)


class PriceTier(Base):
    """A lower price for whoever takes more."""

    __tablename__ = "price_tiers"
    __table_args__ = (CheckConstraint("from_quantity > 1", name="quantity_above_one"),)

    product_id: Mapped[int] = mapped_column(
        ForeignKey("products.id", ondelete="CASCADE"), primary_key=True
    )
    from_quantity: Mapped[int] = mapped_column(primary_key=True)
    price_minor: Mapped[int]


class Customer(Base):
    """Somebody who can log in."""

    __tablename__ = "customers"
    __table_args__ = (CheckConstraint("email = lower(email)", name="email_in_lower_case"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    email: Mapped[str] = mapped_column(String(254), unique=True)
    password_hash: Mapped[str]
    is_staff: Mapped[bool] = mapped_column(server_default=false())
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())


class OrderStatus(StrEnum):
    """Where an order is on its way."""

    PENDING = "pending"
    PAID = "paid"
    SHIPPED = "shipped"
    CANCELLED = "cancelled"


class Order(Base):
    """What somebody bought, at the prices of that moment."""

    __tablename__ = "orders"
    __table_args__ = (
        CheckConstraint("status <> 'paid' OR charge_id IS NOT NULL", name="paid_has_charge"),
        Index("ix_orders_customer_id_placed_at", "customer_id", "placed_at"),
        Index(
            "ix_orders_pending",
            "placed_at",
            postgresql_where="status = 'pending'",
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    customer_id: Mapped[int] = mapped_column(ForeignKey("customers.id"))
    status: Mapped[OrderStatus] = mapped_column(
        Enum(
            OrderStatus,
            name="status",
            native_enum=False,
            length=20,
            values_callable=lambda kinds: [kind.value for kind in kinds],
        ),
        default=OrderStatus.PENDING,
    )
    voucher_code: Mapped[str | None] = mapped_column(ForeignKey("vouchers.code"))
    discount_minor: Mapped[int] = mapped_column(server_default="0")
    shipping_minor: Mapped[int] = mapped_column(server_default="0")
    total_minor: Mapped[int]
    placed_at: Mapped[datetime]
    paid_at: Mapped[datetime | None]
    charge_id: Mapped[str | None] = mapped_column(String(64))
    refunded_at: Mapped[datetime | None]
    lines: Mapped[list["OrderLine"]] = relationship(
        order_by="OrderLine.position", cascade="all, delete-orphan", lazy="selectin"
    )

    @property
    def total(self) -> Money:
        """What is to be paid."""
        return Money(self.total_minor)


class OrderLine(Base):
    """One product of an order."""

    __tablename__ = "order_lines"
    __table_args__ = (CheckConstraint("quantity > 0", name="quantity_positive"),)

    order_id: Mapped[UUID] = mapped_column(
        ForeignKey("orders.id", ondelete="CASCADE"), primary_key=True
    )
    position: Mapped[int] = mapped_column(primary_key=True)
    product_id: Mapped[int] = mapped_column(ForeignKey("products.id"), index=True)
    sku: Mapped[str] = mapped_column(String(40))
    name: Mapped[str] = mapped_column(String(200))
    quantity: Mapped[int]
    unit_price_minor: Mapped[int]
    discount_minor: Mapped[int] = mapped_column(server_default="0")
    vat_rate: Mapped[int]


class Voucher(Base):
    """A code that takes something off an order."""

    __tablename__ = "vouchers"
    __table_args__ = (
        CheckConstraint("(rate = 0) <> (amount_minor = 0)", name="rate_or_amount"),
        CheckConstraint("uses_left >= 0", name="uses_not_negative"),
    )

    code: Mapped[str] = mapped_column(String(40), primary_key=True)
    rate: Mapped[int] = mapped_column(server_default="0")
    amount_minor: Mapped[int] = mapped_column(server_default="0")
    minimum_minor: Mapped[int] = mapped_column(server_default="0")
    valid_until: Mapped[datetime]
    uses_left: Mapped[int]


class IdempotencyKey(Base):
    """A request that must not happen twice, and what was answered the first time."""

    __tablename__ = "idempotency_keys"

    customer_id: Mapped[int] = mapped_column(
        ForeignKey("customers.id", ondelete="CASCADE"), primary_key=True
    )
    key: Mapped[str] = mapped_column(String(100), primary_key=True)
    fingerprint: Mapped[str] = mapped_column(String(64))
    status_code: Mapped[int | None]
    body: Mapped[dict[str, Any] | None]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now(), index=True)
