"""A plan's price may have several components; an order line keeps the price and how its amount came about."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0037"
down_revision = "0036"
branch_labels = None
depends_on = None

TERM = (
    "CASE \"interval\" WHEN 'none' THEN term_months = 0 AND pricing = 'one_off'"
    " WHEN 'month' THEN term_months BETWEEN 1 AND 60 AND pricing <> 'one_off'"
    " WHEN 'quarter' THEN term_months BETWEEN 3 AND 60 AND term_months % 3 = 0 AND pricing <> 'one_off'"
    " WHEN 'year' THEN term_months BETWEEN 12 AND 60 AND term_months % 12 = 0 AND pricing <> 'one_off'"
    " ELSE false END"
)
SIMPLE_TERM = (
    "(\"interval\" = 'none' AND term_months = 0 AND pricing = 'one_off')"
    " OR (\"interval\" = 'month' AND term_months = 1 AND pricing <> 'one_off')"
    " OR (\"interval\" = 'year' AND term_months = 12 AND pricing <> 'one_off')"
)


def upgrade() -> None:
    """What was published so far has one figure, which stays its whole price."""
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.add_column("plan", sa.Column("price", JSONB), schema="marketplace")
    _checks(
        pricing="pricing IN ('per_seat', 'flat', 'one_off', 'usage', 'mixed')",
        term=TERM,
        single="pricing = 'per_seat' OR price IS NOT NULL OR max_seats = 1",
    )
    op.create_check_constraint(
        "ck_plan_price_known",
        "plan",
        "price IS NOT NULL OR pricing IN ('per_seat', 'flat', 'one_off')",
        schema="marketplace",
    )
    op.add_column("order_line", sa.Column("price", JSONB), schema="orders")
    op.add_column("order_line", sa.Column("price_lines", JSONB, nullable=False, server_default="[]"), schema="orders")


def downgrade() -> None:
    """Only where no plan has a price of several components."""
    op.drop_column("order_line", "price_lines", schema="orders")
    op.drop_column("order_line", "price", schema="orders")
    op.drop_constraint("ck_plan_price_known", "plan", schema="marketplace")
    _checks(
        pricing="pricing IN ('per_seat', 'flat', 'one_off')",
        term=SIMPLE_TERM,
        single="pricing = 'per_seat' OR max_seats = 1",
    )
    op.drop_column("plan", "price", schema="marketplace")


def _checks(**conditions: str) -> None:
    for name, condition in conditions.items():
        op.drop_constraint(f"ck_plan_{name}", "plan", schema="marketplace")
        op.create_check_constraint(f"ck_plan_{name}", "plan", condition, schema="marketplace")
