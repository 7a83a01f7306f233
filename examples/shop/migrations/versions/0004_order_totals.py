"""Totals stand in the order: a report need not add up every line of every order again."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0004"
down_revision: str | None = "0003"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None


def upgrade() -> None:
    """Go forward, and work the totals of older orders out from their lines."""
    op.add_column("orders", sa.Column("total_minor", sa.Integer(), nullable=True))
    op.execute(
        """
        UPDATE orders
        SET total_minor = shipping_minor - discount_minor + coalesce(
            (
                SELECT sum(quantity * unit_price_minor)
                FROM order_lines
                WHERE order_lines.order_id = orders.id
            ),
            0
        )
        """
    )
    op.alter_column("orders", "total_minor", nullable=False)


def downgrade() -> None:
    """Go back. Nothing is lost: the lines still say what it came to."""
    op.drop_column("orders", "total_minor")
