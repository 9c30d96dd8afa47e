"""Coupons and promotions of sellers, and every use of one."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations import ddl

revision = "0045"
down_revision = "0042"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """There are none yet."""
    op.execute("SET LOCAL lock_timeout = '5s'")
    _coupon()
    _use()


def _needed(name: str, kind: Any) -> sa.Column[Any]:
    return sa.Column(name, kind, nullable=False)


def _coupon() -> None:
    checks = {
        "share_or_amount": "(percent_ppm IS NULL) <> (amount_minor IS NULL)",
        "percent": "percent_ppm BETWEEN 1 AND 1000000",
        "amount": "amount_minor > 0",
        "currency": "(amount_minor IS NULL) = (currency IS NULL)",
        "limits": "coalesce(most_uses, 1) >= 1 AND coalesce(most_per_org, 1) >= 1",
        "window": "starts_at < ends_at",
    }
    op.create_table(
        "coupon",
        *(_needed(name, sa.Uuid) for name in ("id", "seller_org_id")),
        sa.Column("made_by", sa.Uuid),
        sa.Column("code", sa.Text),
        _needed("name", sa.Text),
        sa.Column("percent_ppm", sa.BigInteger),
        sa.Column("amount_minor", sa.BigInteger),
        sa.Column("currency", sa.CHAR(3)),
        *(_needed(name, postgresql.ARRAY(sa.Uuid)) for name in ("listing_ids", "named_buyers")),
        _needed("plan_codes", postgresql.ARRAY(sa.Text)),
        *(sa.Column(name, sa.BigInteger) for name in ("most_uses", "most_per_org")),
        *(_needed(name, sa.Boolean) for name in ("with_offers", "every_term")),
        *(_needed(name, INSTANT) for name in ("starts_at", "ends_at", "created_at")),
        sa.Column("ended_at", INSTANT),
        sa.PrimaryKeyConstraint("id", name="pk_coupon"),
        sa.UniqueConstraint("seller_org_id", "id", name="uq_coupon_seller_org_id_id"),
        sa.ForeignKeyConstraint(["seller_org_id"], ["marketplace.organization.id"], name="fk_coupon_seller_org_id"),
        sa.ForeignKeyConstraint(["made_by"], ["marketplace.person.id"], name="fk_coupon_made_by"),
        *(sa.CheckConstraint(rule, name=f"ck_coupon_{name}") for name, rule in checks.items()),
        sa.Index("uq_coupon_code", "seller_org_id", "code", unique=True, postgresql_where=sa.text("ended_at IS NULL")),
        sa.Index("ix_coupon_promotion", "seller_org_id", "ends_at", postgresql_where=sa.text("code IS NULL")),
        sa.Index("ix_coupon_seller_org_id_created_at", "seller_org_id", "created_at"),
        sa.Index("ix_coupon_made_by", "made_by"),
        schema="orders",
    )
    ddl.grant("orders.coupon", "SELECT, INSERT, UPDATE")
    # A promotion is shown to whom it is for; a code to whoever knows it, by the platform's own look.
    ddl.isolate(
        "orders.coupon",
        "seller_org_id",
        also_read="code IS NULL AND (named_buyers = '{}' OR named_buyers @> ARRAY[kernel.current_org()])",
    )


def _use() -> None:
    parties = ("buyer_org_id", "seller_org_id", "order_id")
    op.create_table(
        "coupon_use",
        *(_needed(name, sa.Uuid) for name in ("id", "coupon_id", *parties)),
        _needed("discount_minor", sa.BigInteger),
        _needed("currency", sa.CHAR(3)),
        sa.Column("released_at", INSTANT),
        _needed("created_at", INSTANT),
        sa.PrimaryKeyConstraint("id", name="pk_coupon_use"),
        sa.UniqueConstraint("order_id", "coupon_id", name="uq_coupon_use_order_id_coupon_id"),
        sa.ForeignKeyConstraint(
            ["seller_org_id", "coupon_id"],
            ["orders.coupon.seller_org_id", "orders.coupon.id"],
            name="fk_coupon_use_seller_org_id_coupon_id",
        ),
        sa.ForeignKeyConstraint(
            list(parties),
            ["orders.order.buyer_org_id", "orders.order.seller_org_id", "orders.order.id"],
            name="fk_coupon_use_buyer_org_id_seller_org_id_order_id",
        ),
        sa.CheckConstraint("discount_minor > 0", name="ck_coupon_use_discount"),
        sa.Index("ix_coupon_use_held", "coupon_id", "buyer_org_id", postgresql_where=sa.text("released_at IS NULL")),
        sa.Index("ix_coupon_use_coupon", "seller_org_id", "coupon_id"),
        sa.Index("ix_coupon_use_order", *parties),
        schema="orders",
    )
    ddl.grant("orders.coupon_use", "SELECT, INSERT, UPDATE")
    ddl.isolate("orders.coupon_use", "buyer_org_id", "seller_org_id")


def downgrade() -> None:
    """Coupons and their uses are forgotten; what orders cost stays."""
    op.drop_table("coupon_use", schema="orders")
    op.drop_table("coupon", schema="orders")
