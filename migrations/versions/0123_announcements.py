"""Announcements: what a seller tells its customers, to whom it went, and who wants to hear of it no more."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

from migrations import ddl

revision = "0123"
down_revision = "0122"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)
TABLES = ("announcement", "announcement_delivery", "announcement_opt_out")
ORGANIZATION, PERSON = "marketplace.organization.id", "marketplace.person.id"


def upgrade() -> None:
    """Three tables. Whoever opted out is not named to the seller."""
    op.execute("SET LOCAL lock_timeout = '5s'")
    _announcements()
    _deliveries()
    _opt_outs()
    for table in TABLES:
        ddl.grant(f"orders.{table}")
    ddl.isolate("orders.announcement", "seller_org_id")
    ddl.isolate("orders.announcement_delivery", "seller_org_id", "buyer_org_id")
    ddl.isolate("orders.announcement_opt_out", "buyer_org_id")
    ddl.leave_room("orders.announcement", "orders.announcement_delivery")


def _columns(kind: Any, *names: str, null: bool = False) -> list[sa.Column[object]]:
    return [sa.Column(name, kind, nullable=null) for name in names]


def _announcements() -> None:
    op.create_table(
        "announcement",
        *_columns(sa.Uuid, "id", "seller_org_id"),
        *_columns(sa.Text, "title", "text", "audience"),
        *_columns(sa.Uuid, "tier_id", "listing_id", null=True),
        *_columns(sa.Text, "state"),
        sa.Column("recipients", sa.BigInteger, nullable=False),
        *_columns(sa.Uuid, "created_by"),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("ended_at", INSTANT),
        sa.PrimaryKeyConstraint("id", name="pk_announcement"),
        sa.UniqueConstraint("seller_org_id", "id", name="uq_announcement_seller_org_id_id"),
        sa.ForeignKeyConstraint(["seller_org_id"], [ORGANIZATION], name="fk_announcement_seller_org_id"),
        sa.ForeignKeyConstraint(
            ["seller_org_id", "tier_id"],
            ["marketplace.partner_tier.seller_org_id", "marketplace.partner_tier.id"],
            name="fk_announcement_seller_org_id_tier_id",
        ),
        sa.ForeignKeyConstraint(
            ["seller_org_id", "listing_id"],
            ["marketplace.listing.org_id", "marketplace.listing.id"],
            name="fk_announcement_seller_org_id_listing_id",
        ),
        sa.ForeignKeyConstraint(["created_by"], [PERSON], name="fk_announcement_created_by"),
        sa.CheckConstraint("audience IN ('customers', 'tier', 'listing')", name="ck_announcement_audience"),
        sa.CheckConstraint("(audience = 'tier') = (tier_id IS NOT NULL)", name="ck_announcement_tier"),
        sa.CheckConstraint("(audience = 'listing') = (listing_id IS NOT NULL)", name="ck_announcement_listing"),
        sa.CheckConstraint("state IN ('sending', 'sent', 'withdrawn')", name="ck_announcement_state"),
        sa.CheckConstraint("(state = 'sending') = (ended_at IS NULL)", name="ck_announcement_ended"),
        sa.CheckConstraint(
            "recipients > 0 AND title <> '' AND text <> ''", name="ck_announcement_something_to_somebody"
        ),
        sa.Index("ix_announcement_seller_org_id_created_at", "seller_org_id", "created_at", "id"),
        sa.Index(
            "ix_announcement_tier_id", "seller_org_id", "tier_id", postgresql_where=sa.text("tier_id IS NOT NULL")
        ),
        sa.Index(
            "ix_announcement_listing_id",
            "seller_org_id",
            "listing_id",
            postgresql_where=sa.text("listing_id IS NOT NULL"),
        ),
        sa.Index("ix_announcement_created_by", "created_by"),
        schema="orders",
    )


def _deliveries() -> None:
    op.create_table(
        "announcement_delivery",
        *_columns(sa.Uuid, "id", "seller_org_id", "announcement_id", "buyer_org_id"),
        *_columns(sa.Text, "buyer_name", "title", "state"),
        *_columns(sa.Text, "reason", null=True),
        *_columns(sa.Uuid, "message_id", null=True),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("ended_at", INSTANT),
        sa.PrimaryKeyConstraint("id", name="pk_announcement_delivery"),
        sa.UniqueConstraint(
            "announcement_id", "buyer_org_id", name="uq_announcement_delivery_announcement_id_buyer_org_id"
        ),
        sa.UniqueConstraint("message_id", name="uq_announcement_delivery_message_id"),
        sa.ForeignKeyConstraint(
            ["seller_org_id", "announcement_id"],
            ["orders.announcement.seller_org_id", "orders.announcement.id"],
            name="fk_announcement_delivery_seller_org_id_announcement_id",
        ),
        sa.ForeignKeyConstraint(["buyer_org_id"], [ORGANIZATION], name="fk_announcement_delivery_buyer_org_id"),
        sa.ForeignKeyConstraint(
            ["message_id"], ["orders.conversation_message.id"], name="fk_announcement_delivery_message_id"
        ),
        sa.CheckConstraint("state IN ('pending', 'delivered', 'skipped')", name="ck_announcement_delivery_state"),
        sa.CheckConstraint("reason IN ('opted_out', 'too_many', 'withdrawn')", name="ck_announcement_delivery_reason"),
        sa.CheckConstraint("(state = 'skipped') = (reason IS NOT NULL)", name="ck_announcement_delivery_skipped"),
        sa.CheckConstraint(
            "(state = 'delivered') = (message_id IS NOT NULL)", name="ck_announcement_delivery_delivered"
        ),
        sa.CheckConstraint("(state = 'pending') = (ended_at IS NULL)", name="ck_announcement_delivery_ended"),
        sa.Index("ix_announcement_delivery_pending", "created_at", "id", postgresql_where=sa.text("state = 'pending'")),
        sa.Index("ix_announcement_delivery_announcement_id", "seller_org_id", "announcement_id"),
        sa.Index("ix_announcement_delivery_buyer_org_id", "buyer_org_id", "ended_at", "id"),
        schema="orders",
    )


def _opt_outs() -> None:
    op.create_table(
        "announcement_opt_out",
        *_columns(sa.Uuid, "buyer_org_id", "seller_org_id", "person_id"),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("buyer_org_id", "seller_org_id", name="pk_announcement_opt_out"),
        sa.ForeignKeyConstraint(["buyer_org_id"], [ORGANIZATION], name="fk_announcement_opt_out_buyer_org_id"),
        sa.ForeignKeyConstraint(["seller_org_id"], [ORGANIZATION], name="fk_announcement_opt_out_seller_org_id"),
        sa.ForeignKeyConstraint(["person_id"], [PERSON], name="fk_announcement_opt_out_person_id"),
        sa.Index("ix_announcement_opt_out_seller_org_id", "seller_org_id"),
        sa.Index("ix_announcement_opt_out_person_id", "person_id"),
        schema="orders",
    )


def downgrade() -> None:
    """What was delivered stays in the conversations."""
    op.execute("DELETE FROM marketplace.notification WHERE kind = 'announcement_received'")
    for table in ("announcement_opt_out", "announcement_delivery", "announcement"):
        op.execute(f"DROP TABLE orders.{table}")
