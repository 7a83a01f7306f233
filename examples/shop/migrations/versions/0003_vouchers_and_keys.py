"""Vouchers, the discounts they give, and keys for requests that must not happen twice."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0003"
down_revision: str | None = "0002"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None


def upgrade() -> None:
    """Go forward."""
    op.create_table(
        "vouchers",
        sa.Column("code", sa.String(40), nullable=False),
        sa.Column("rate", sa.Integer(), server_default="0", nullable=False),
        sa.Column("amount_minor", sa.Integer(), server_default="0", nullable=False),
        sa.Column("minimum_minor", sa.Integer(), server_default="0", nullable=False),
        sa.Column("valid_until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("uses_left", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "(rate = 0) <> (amount_minor = 0)", name=op.f("ck_vouchers_rate_or_amount")
        ),
        sa.CheckConstraint("uses_left >= 0", name=op.f("ck_vouchers_uses_not_negative")),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_vouchers")),
    )
    op.add_column("orders", sa.Column("voucher_code", sa.String(40), nullable=True))
    op.create_foreign_key(
        op.f("fk_orders_voucher_code"), "orders", "vouchers", ["voucher_code"], ["code"]
    )
    for table in ("orders", "order_lines"):
        op.add_column(
            table, sa.Column("discount_minor", sa.Integer(), server_default="0", nullable=False)
        )
    op.create_table(
        "idempotency_keys",
        sa.Column("customer_id", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(100), nullable=False),
        sa.Column("fingerprint", sa.String(64), nullable=False),
        sa.Column("status_code", sa.Integer(), nullable=True),
        sa.Column("body", postgresql.JSONB(), nullable=True),
        sa.Column(
            "created_at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False
        ),
        sa.ForeignKeyConstraint(
            ["customer_id"],
            ["customers.id"],
            name=op.f("fk_idempotency_keys_customer_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("customer_id", "key", name=op.f("pk_idempotency_keys")),
    )
    op.create_index(op.f("ix_idempotency_keys_created_at"), "idempotency_keys", ["created_at"])


def downgrade() -> None:
    """Go back."""
    op.drop_table("idempotency_keys")
    for table in ("order_lines", "orders"):
        op.drop_column(table, "discount_minor")
    op.drop_column("orders", "voucher_code")
    op.drop_table("vouchers")
