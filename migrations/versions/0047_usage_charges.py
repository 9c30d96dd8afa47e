"""What a closed period of usage costs is charged: by an order of its own, less what was credited before."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0047"
down_revision = "0046"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)
BOTH = ("buyer_org_id", "seller_org_id")


def upgrade() -> None:
    """What was sold so far has one price of usage, from its beginning; nothing of it was charged."""
    op.execute("SET LOCAL lock_timeout = '5s'")
    _terms()
    _periods()
    _orders()


def _terms() -> None:
    op.add_column("metered_terms", sa.Column("starts_at", INSTANT), schema="fulfillment")
    op.add_column("metered_terms", sa.Column("tried_until", INSTANT), schema="fulfillment")
    op.drop_constraint("uq_metered_terms_entitlement_id", "metered_terms", schema="fulfillment")
    op.create_unique_constraint(
        "uq_metered_terms_entitlement_id_starts_at",
        "metered_terms",
        ["entitlement_id", "starts_at"],
        schema="fulfillment",
        postgresql_nulls_not_distinct=True,
    )
    op.create_unique_constraint(
        "uq_metered_terms_buyer_org_id_seller_org_id_id", "metered_terms", [*BOTH, "id"], schema="fulfillment"
    )


def _periods() -> None:
    op.add_column("usage_period", sa.Column("terms_id", sa.Uuid), schema="fulfillment")
    op.execute(
        """UPDATE fulfillment.usage_period p SET terms_id = t.id
           FROM fulfillment.metered_terms t WHERE t.entitlement_id = p.entitlement_id"""
    )
    op.alter_column("usage_period", "terms_id", nullable=False, schema="fulfillment")
    op.create_foreign_key(
        "fk_usage_period_buyer_org_id_seller_org_id_terms_id",
        "usage_period",
        "metered_terms",
        [*BOTH, "terms_id"],
        [*BOTH, "id"],
        source_schema="fulfillment",
        referent_schema="fulfillment",
    )
    op.create_index("ix_usage_period_terms_id", "usage_period", ["terms_id"], schema="fulfillment")
    op.add_column(
        "usage_period",
        sa.Column("is_trial", sa.Boolean, nullable=False, server_default=sa.false()),
        schema="fulfillment",
    )
    op.add_column(
        "usage_period",
        sa.Column("credited_minor", sa.BigInteger, nullable=False, server_default="0"),
        schema="fulfillment",
    )
    op.create_check_constraint(
        "ck_usage_period_credited",
        "usage_period",
        "credited_minor BETWEEN 0 AND coalesce(amount_minor, 0)",
        schema="fulfillment",
    )
    op.add_column(
        "usage_challenge",
        sa.Column("drawn_minor", sa.BigInteger, nullable=False, server_default="0"),
        schema="fulfillment",
    )
    op.create_check_constraint(
        "ck_usage_challenge_drawn", "usage_challenge", "drawn_minor BETWEEN 0 AND credit_minor", schema="fulfillment"
    )
    op.create_index(
        "ix_usage_challenge_undrawn",
        "usage_challenge",
        ["buyer_org_id"],
        schema="fulfillment",
        postgresql_where=sa.text("drawn_minor < credit_minor"),
    )


def _orders() -> None:
    op.add_column("order", sa.Column("usage_period_id", sa.Uuid), schema="orders")
    op.create_foreign_key(
        "fk_order_buyer_org_id_seller_org_id_usage_period_id",
        "order",
        "usage_period",
        [*BOTH, "usage_period_id"],
        [*BOTH, "id"],
        source_schema="orders",
        referent_schema="fulfillment",
    )
    op.create_check_constraint(
        "ck_order_usage_of_subscription",
        "order",
        "usage_period_id IS NULL OR subscription_id IS NOT NULL",
        schema="orders",
    )
    op.create_index(
        "uq_order_usage_period_id",
        "order",
        ["usage_period_id"],
        unique=True,
        schema="orders",
        postgresql_where=sa.text("usage_period_id IS NOT NULL"),
    )
    op.add_column("purchase", sa.Column("next_try_at", INSTANT), schema="orders")
    op.create_index(
        "ix_purchase_next_try_at",
        "purchase",
        ["next_try_at"],
        schema="orders",
        postgresql_where=sa.text("next_try_at IS NOT NULL"),
    )


def downgrade() -> None:
    """Only where no usage was charged, and no price of usage changed: its orders could not say what they paid for."""
    op.drop_column("purchase", "next_try_at", schema="orders")
    op.drop_column("order", "usage_period_id", schema="orders")
    op.drop_column("usage_challenge", "drawn_minor", schema="fulfillment")
    for column in ("credited_minor", "is_trial", "terms_id"):
        op.drop_column("usage_period", column, schema="fulfillment")
    for name in ("uq_metered_terms_buyer_org_id_seller_org_id_id", "uq_metered_terms_entitlement_id_starts_at"):
        op.drop_constraint(name, "metered_terms", schema="fulfillment")
    for column in ("tried_until", "starts_at"):
        op.drop_column("metered_terms", column, schema="fulfillment")
    op.create_unique_constraint(
        "uq_metered_terms_entitlement_id", "metered_terms", ["entitlement_id"], schema="fulfillment"
    )
