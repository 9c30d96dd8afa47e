"""Subscriptions renew: what the next term costs, when its next step is due, which order pays for which subscription."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0036"
down_revision = "0035"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)
BOTH = ("buyer_org_id", "seller_org_id")
NEXT_STEP = "state IN ('active', 'past_due') AND next_step_at IS NOT NULL"


def upgrade() -> None:
    """What was sold so far ends with its term, as it was sold, unless its buyer wants it renewed."""
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.add_column("order", sa.Column("subscription_id", sa.Uuid), schema="orders")
    op.create_foreign_key(
        "fk_order_buyer_org_id_seller_org_id_subscription_id",
        "order",
        "subscription",
        [*BOTH, "subscription_id"],
        [*BOTH, "id"],
        source_schema="orders",
        referent_schema="orders",
    )
    op.create_index(
        "ix_order_subscription_id",
        "order",
        ["subscription_id"],
        schema="orders",
        postgresql_where=sa.text("subscription_id IS NOT NULL"),
    )
    op.add_column(
        "subscription",
        sa.Column("auto_renew", sa.Boolean, nullable=False, server_default=sa.false()),
        schema="orders",
    )
    op.add_column("subscription", sa.Column("next_step_at", INSTANT), schema="orders")
    op.add_column("subscription", sa.Column("renewal_quote_id", sa.Uuid), schema="orders")
    op.create_foreign_key(
        "fk_subscription_buyer_org_id_renewal_quote_id",
        "subscription",
        "quote",
        ["buyer_org_id", "renewal_quote_id"],
        ["buyer_org_id", "id"],
        source_schema="orders",
        referent_schema="orders",
    )
    op.create_index(
        "ix_subscription_buyer_org_id_renewal_quote_id",
        "subscription",
        ["buyer_org_id", "renewal_quote_id"],
        schema="orders",
        postgresql_where=sa.text("renewal_quote_id IS NOT NULL"),
    )
    op.drop_constraint("ck_subscription_state", "subscription", schema="orders")
    op.create_check_constraint(
        "ck_subscription_state", "subscription", "state IN ('active', 'past_due', 'ended')", schema="orders"
    )
    op.create_check_constraint(
        "ck_subscription_past_due",
        "subscription",
        "state <> 'past_due' OR renewal_quote_id IS NOT NULL",
        schema="orders",
    )
    op.create_index(
        "ix_subscription_next_step_at",
        "subscription",
        ["next_step_at"],
        schema="orders",
        postgresql_where=sa.text(NEXT_STEP),
    )
    op.add_column("subscription_term", sa.Column("revoked_at", INSTANT), schema="orders")


def downgrade() -> None:
    """Only where nothing has been renewed: an order that pays for a later term could not say so any more."""
    op.drop_column("subscription_term", "revoked_at", schema="orders")
    op.drop_index("ix_subscription_next_step_at", "subscription", schema="orders")
    op.drop_constraint("ck_subscription_past_due", "subscription", schema="orders")
    op.drop_constraint("ck_subscription_state", "subscription", schema="orders")
    op.create_check_constraint("ck_subscription_state", "subscription", "state IN ('active', 'ended')", schema="orders")
    op.drop_index("ix_subscription_buyer_org_id_renewal_quote_id", "subscription", schema="orders")
    op.drop_constraint("fk_subscription_buyer_org_id_renewal_quote_id", "subscription", schema="orders")
    for name in ("renewal_quote_id", "next_step_at", "auto_renew"):
        op.drop_column("subscription", name, schema="orders")
    op.drop_index("ix_order_subscription_id", "order", schema="orders")
    op.drop_constraint("fk_order_buyer_org_id_seller_org_id_subscription_id", "order", schema="orders")
    op.drop_column("order", "subscription_id", schema="orders")
