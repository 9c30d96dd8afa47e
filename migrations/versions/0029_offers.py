"""A seller answers a request with an offer or a time for a demo; an order names its request. Drafts promise no trial."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations import ddl

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)
OF_OFFER = ("buyer_org_id", "seller_org_id", "lead_id")
HOURS = (("from", "minute"), ("to", "minute"), ("length", "minutes"))


def upgrade() -> None:
    """Offers; quotes and orders made from one say so. No order begins a trial: what is not published yet promises none."""
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("UPDATE marketplace.plan SET trial_days = 0 WHERE published_at IS NULL AND trial_days > 0")
    _offer()
    op.add_column("quote", sa.Column("offer_id", sa.Uuid), schema="orders")
    op.create_foreign_key(
        "fk_quote_offer_id", "quote", "offer", ["offer_id"], ["id"], source_schema="orders", referent_schema="orders"
    )
    given = sa.text("offer_id IS NOT NULL")
    op.create_index("ix_quote_offer_id", "quote", ["offer_id"], schema="orders", postgresql_where=given)
    for name in ("lead_id", "offer_id"):
        op.add_column("order", sa.Column(name, sa.Uuid), schema="orders")
    op.create_foreign_key(
        "fk_order_buyer_org_id_seller_org_id_lead_id_offer_id",
        "order",
        "offer",
        [*OF_OFFER, "offer_id"],
        [*OF_OFFER, "id"],
        source_schema="orders",
        referent_schema="orders",
    )
    op.create_check_constraint(
        "ck_order_offer_of_lead", "order", "(lead_id IS NULL) = (offer_id IS NULL)", schema="orders"
    )
    op.create_index("ix_order_offer_id", "order", ["offer_id"], schema="orders", postgresql_where=given)
    _demo_calendar()
    _demo_booking()


def _offer() -> None:
    ids = ("id", "lead_id", "buyer_org_id", "seller_org_id", "plan_id", "made_by")
    op.create_table(
        "offer",
        *(sa.Column(name, sa.Uuid, nullable=False) for name in ids),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("quantity", sa.BigInteger, nullable=False),
        sa.Column("currency", sa.CHAR(3), nullable=False),
        sa.Column("unit_price_minor", sa.BigInteger, nullable=False),
        sa.Column("list_price_minor", sa.BigInteger, nullable=False),
        sa.Column("valid_until", INSTANT, nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_offer"),
        sa.UniqueConstraint(*OF_OFFER, "id", name="uq_offer_buyer_org_id_seller_org_id_lead_id_id"),
        sa.ForeignKeyConstraint(
            list(OF_OFFER),
            ["marketplace.lead.buyer_org_id", "marketplace.lead.seller_org_id", "marketplace.lead.id"],
            name="fk_offer_buyer_org_id_seller_org_id_lead_id",
        ),
        sa.ForeignKeyConstraint(
            ["seller_org_id", "plan_id"],
            ["marketplace.plan.org_id", "marketplace.plan.id"],
            name="fk_offer_seller_org_id_plan_id",
        ),
        sa.ForeignKeyConstraint(["made_by"], ["marketplace.person.id"], name="fk_offer_made_by"),
        sa.CheckConstraint("state IN ('open', 'accepted', 'withdrawn')", name="ck_offer_state"),
        sa.CheckConstraint("quantity >= 1", name="ck_offer_quantity"),
        sa.CheckConstraint("unit_price_minor BETWEEN 0 AND list_price_minor", name="ck_offer_unit_price"),
        sa.Index("uq_offer_open", "lead_id", unique=True, postgresql_where=sa.text("state = 'open'")),
        sa.Index("ix_offer_lead_id", "lead_id", "created_at"),
        sa.Index("ix_offer_seller_org_id_plan_id", "seller_org_id", "plan_id"),
        sa.Index("ix_offer_made_by", "made_by"),
        schema="orders",
    )
    ddl.grant("orders.offer", "SELECT, INSERT, UPDATE")
    ddl.isolate("orders.offer", "buyer_org_id", "seller_org_id")


def _demo_calendar() -> None:
    op.create_table(
        "demo_calendar",
        *(sa.Column(name, sa.Uuid, nullable=False) for name in ("id", "org_id", "saved_by")),
        sa.Column("weekdays", postgresql.JSONB, nullable=False),
        *(sa.Column(f"{name}_{unit}", sa.BigInteger, nullable=False) for name, unit in HOURS),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_demo_calendar"),
        sa.UniqueConstraint("org_id", name="uq_demo_calendar_org_id"),
        sa.ForeignKeyConstraint(["org_id"], ["marketplace.organization.id"], name="fk_demo_calendar_org_id"),
        sa.ForeignKeyConstraint(["saved_by"], ["marketplace.person.id"], name="fk_demo_calendar_saved_by"),
        sa.CheckConstraint(
            "0 <= from_minute AND from_minute < to_minute AND to_minute <= 1440", name="ck_demo_calendar_hours"
        ),
        sa.CheckConstraint("length_minutes BETWEEN 15 AND 240", name="ck_demo_calendar_length"),
        sa.Index("ix_demo_calendar_saved_by", "saved_by"),
        schema="marketplace",
    )
    ddl.grant("marketplace.demo_calendar", "SELECT, INSERT, UPDATE")
    ddl.isolate("marketplace.demo_calendar", "org_id", also_read="true")


def _demo_booking() -> None:
    ids = ("id", "lead_id", "buyer_org_id", "seller_org_id")
    seller = "uuid_hash_extended(seller_org_id, 0)"
    op.create_table(
        "demo_booking",
        *(sa.Column(name, sa.Uuid, nullable=False) for name in ids),
        sa.Column("state", sa.Text, nullable=False),
        *(sa.Column(name, INSTANT, nullable=False) for name in ("starts_at", "ends_at", "created_at")),
        sa.Column("sequence", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_demo_booking"),
        sa.UniqueConstraint("lead_id", name="uq_demo_booking_lead_id"),
        sa.ForeignKeyConstraint(
            list(OF_OFFER),
            ["marketplace.lead.buyer_org_id", "marketplace.lead.seller_org_id", "marketplace.lead.id"],
            name="fk_demo_booking_buyer_org_id_seller_org_id_lead_id",
        ),
        sa.CheckConstraint("state IN ('booked', 'cancelled')", name="ck_demo_booking_state"),
        sa.CheckConstraint("starts_at < ends_at", name="ck_demo_booking_forward"),
        sa.CheckConstraint("sequence >= 0", name="ck_demo_booking_sequence"),
        postgresql.ExcludeConstraint(
            (sa.text(f"int8range({seller}, {seller}, '[]')"), "&&"),
            (sa.text("tstzrange(starts_at, ends_at)"), "&&"),
            name="ex_demo_booking_overlap",
            using="gist",
            where=sa.text("state = 'booked'"),
        ),
        sa.Index("ix_demo_booking_seller_org_id_starts_at", "seller_org_id", "starts_at"),
        schema="marketplace",
    )
    ddl.grant("marketplace.demo_booking", "SELECT, INSERT, UPDATE")
    ddl.isolate("marketplace.demo_booking", "buyer_org_id", "seller_org_id")


def downgrade() -> None:
    """Forget demos, offers, and that orders came of them. What drafts promised is not known any more."""
    op.drop_table("demo_booking", schema="marketplace")
    op.drop_table("demo_calendar", schema="marketplace")
    op.drop_index("ix_order_offer_id", table_name="order", schema="orders")
    op.drop_constraint("ck_order_offer_of_lead", "order", schema="orders")
    op.drop_constraint("fk_order_buyer_org_id_seller_org_id_lead_id_offer_id", "order", schema="orders")
    for name in ("offer_id", "lead_id"):
        op.drop_column("order", name, schema="orders")
    op.drop_index("ix_quote_offer_id", table_name="quote", schema="orders")
    op.drop_constraint("fk_quote_offer_id", "quote", schema="orders")
    op.drop_column("quote", "offer_id", schema="orders")
    op.drop_table("offer", schema="orders")
