"""Sellers have partners in tiers, and prices for them."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations import ddl

revision = "0064"
down_revision = "0063"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)
OF_TIER = (["seller_org_id", "tier_id"], ["marketplace.partner_tier.seller_org_id", "marketplace.partner_tier.id"])


def upgrade() -> None:
    """There are none yet."""
    op.execute("SET LOCAL lock_timeout = '5s'")
    _tier()
    _link()
    _price()
    op.add_column("quote", sa.Column("partner_link_ids", postgresql.ARRAY(sa.Uuid)), schema="orders")
    op.create_index(
        "ix_quote_partner_price",
        "quote",
        ["buyer_org_id"],
        schema="orders",
        postgresql_where=sa.text("partner_link_ids IS NOT NULL AND used_at IS NULL"),
    )


def _needed(name: str, kind: Any) -> sa.Column[Any]:
    return sa.Column(name, kind, nullable=False)


def _tier() -> None:
    op.create_table(
        "partner_tier",
        *(_needed(name, sa.Uuid) for name in ("id", "seller_org_id")),
        *(_needed(name, sa.Text) for name in ("code", "name", "name_en")),
        _needed("rank", sa.BigInteger),
        _needed("created_at", INSTANT),
        sa.PrimaryKeyConstraint("id", name="pk_partner_tier"),
        sa.UniqueConstraint("seller_org_id", "id", name="uq_partner_tier_seller_org_id_id"),
        sa.UniqueConstraint("seller_org_id", "code", name="uq_partner_tier_seller_org_id_code"),
        sa.ForeignKeyConstraint(
            ["seller_org_id"], ["marketplace.organization.id"], name="fk_partner_tier_seller_org_id"
        ),
        sa.CheckConstraint("code = upper(code) AND code <> ''", name="ck_partner_tier_code"),
        sa.CheckConstraint("rank BETWEEN 1 AND 100", name="ck_partner_tier_rank"),
        schema="marketplace",
    )
    ddl.grant("marketplace.partner_tier", "SELECT, INSERT, UPDATE")
    ddl.isolate("marketplace.partner_tier", "seller_org_id")


def _link() -> None:
    checks = {
        "of_another": "buyer_org_id <> seller_org_id",
        "state": "state IN ('asked', 'accepted', 'declined', 'withdrawn', 'ended')",
        "accepted": "(accepted_at IS NOT NULL) = (state IN ('accepted', 'ended'))",
        "ended": "(ended_at IS NOT NULL) = (state = 'ended')",
        "tier": "tier_id IS NOT NULL OR accepted_at IS NULL",
    }
    op.create_table(
        "partner_link",
        *(_needed(name, sa.Uuid) for name in ("id", "seller_org_id", "buyer_org_id")),
        sa.Column("tier_id", sa.Uuid),
        *(_needed(name, sa.Text) for name in ("seller_name", "buyer_name", "state")),
        _needed("by_seller", sa.Boolean),
        sa.Column("asked_by", sa.Uuid),
        _needed("created_at", INSTANT),
        *(sa.Column(name, INSTANT) for name in ("accepted_at", "ended_at")),
        sa.PrimaryKeyConstraint("id", name="pk_partner_link"),
        sa.UniqueConstraint(
            "buyer_org_id", "seller_org_id", "id", name="uq_partner_link_buyer_org_id_seller_org_id_id"
        ),
        *(
            sa.ForeignKeyConstraint([side], ["marketplace.organization.id"], name=f"fk_partner_link_{side}")
            for side in ("seller_org_id", "buyer_org_id")
        ),
        sa.ForeignKeyConstraint(["asked_by"], ["marketplace.person.id"], name="fk_partner_link_asked_by"),
        sa.ForeignKeyConstraint(*OF_TIER, name="fk_partner_link_seller_org_id_tier_id"),
        *(sa.CheckConstraint(rule, name=f"ck_partner_link_{name}") for name, rule in checks.items()),
        sa.Index(
            "uq_partner_link_standing",
            "buyer_org_id",
            "seller_org_id",
            unique=True,
            postgresql_where=sa.text("state IN ('asked', 'accepted')"),
        ),
        sa.Index("ix_partner_link_seller_org_id_created_at", "seller_org_id", "created_at", "id"),
        sa.Index("ix_partner_link_buyer_org_id_created_at", "buyer_org_id", "created_at", "id"),
        sa.Index("ix_partner_link_tier_id", "seller_org_id", "tier_id"),
        sa.Index("ix_partner_link_asked_by", "asked_by"),
        schema="marketplace",
    )
    ddl.grant("marketplace.partner_link", "SELECT, INSERT, UPDATE")
    ddl.isolate("marketplace.partner_link", "buyer_org_id", "seller_org_id")


def _price() -> None:
    checks = {
        "one_of_three": "num_nonnulls(discount_ppm, unit_price_minor, price) = 1",
        "discount": "discount_ppm BETWEEN 1 AND 1000000",
        "unit_price": "unit_price_minor >= 0",
        "currency": "(unit_price_minor IS NULL) = (currency IS NULL)",
        "of_all": "plan_code IS NOT NULL OR discount_ppm IS NOT NULL",
    }
    op.create_table(
        "tier_price",
        *(_needed(name, sa.Uuid) for name in ("id", "seller_org_id", "tier_id", "listing_id")),
        sa.Column("plan_code", sa.Text),
        *(sa.Column(name, sa.BigInteger) for name in ("discount_ppm", "unit_price_minor")),
        sa.Column("currency", sa.CHAR(3)),
        sa.Column("price", postgresql.JSONB),
        _needed("created_at", INSTANT),
        sa.Column("ended_at", INSTANT),
        sa.PrimaryKeyConstraint("id", name="pk_tier_price"),
        sa.ForeignKeyConstraint(["seller_org_id"], ["marketplace.organization.id"], name="fk_tier_price_seller_org_id"),
        sa.ForeignKeyConstraint(*OF_TIER, name="fk_tier_price_seller_org_id_tier_id"),
        sa.ForeignKeyConstraint(
            ["seller_org_id", "listing_id"],
            ["marketplace.listing.org_id", "marketplace.listing.id"],
            name="fk_tier_price_seller_org_id_listing_id",
        ),
        *(sa.CheckConstraint(rule, name=f"ck_tier_price_{name}") for name, rule in checks.items()),
        sa.Index(
            "uq_tier_price_running",
            "tier_id",
            "listing_id",
            "plan_code",
            unique=True,
            postgresql_where=sa.text("ended_at IS NULL"),
            postgresql_nulls_not_distinct=True,
        ),
        sa.Index("ix_tier_price_tier_id", "seller_org_id", "tier_id", "created_at"),
        sa.Index("ix_tier_price_listing_id", "seller_org_id", "listing_id"),
        schema="marketplace",
    )
    ddl.grant("marketplace.tier_price", "SELECT, INSERT, UPDATE")
    # What partners pay is read for them by the platform's own look: of a price nobody else learns that it is there.
    ddl.isolate("marketplace.tier_price", "seller_org_id")


def downgrade() -> None:
    """Partners, tiers and prices are forgotten; what orders cost stays."""
    op.drop_index("ix_quote_partner_price", table_name="quote", schema="orders")
    op.drop_column("quote", "partner_link_ids", schema="orders")
    for table in ("tier_price", "partner_link", "partner_tier"):
        op.drop_table(table, schema="marketplace")
