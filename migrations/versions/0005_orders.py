"""The agreement: quotes, purchases, orders and their lines, attribution, sale terms, subscriptions."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations import ddl

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

TABLES = (
    "purchase_rule",
    "quote",
    "purchase",
    "approval",
    "order",
    "order_line",
    "attribution",
    "sale_terms",
    "subscription",
    "subscription_term",
)
"""In order of creation: later ones refer to earlier ones."""
BUYERS_OWN = ("quote", "purchase", "approval")
BOTH_SIDES = ("order", "order_line", "attribution", "subscription", "subscription_term")
APPEND_ONLY = ("approval", "order_line", "attribution", "sale_terms")


def upgrade() -> None:
    """Create the tables, who may see them, and what may never change."""
    op.execute("SET LOCAL lock_timeout = '5s'")
    ddl.create_schema("orders")
    _purchase_rule()
    _quote()
    _purchase()
    _approval()
    _order()
    _order_line()
    _attribution()
    _sale_terms()
    _subscription()
    _subscription_term()
    for table in TABLES:
        ddl.grant(f'orders."{table}"')
    for table in APPEND_ONLY:
        ddl.append_only(f"orders.{table}")
    ddl.leave_room("orders.quote", "orders.purchase", 'orders."order"')
    ddl.isolate("orders.purchase_rule", "org_id")
    for table in BUYERS_OWN:
        ddl.isolate(f"orders.{table}", "buyer_org_id")
    for table in BOTH_SIDES:
        ddl.isolate(f'orders."{table}"', "buyer_org_id", "seller_org_id")
    ddl.isolate("orders.sale_terms", "seller_org_id")
    # The buyer's checkout writes the seller's terms; it may not read them back.
    op.execute("CREATE POLICY placed ON orders.sale_terms FOR INSERT WITH CHECK (buyer_org_id = kernel.current_org())")


def downgrade() -> None:
    """Drop the floor."""
    for table in reversed(TABLES):
        op.drop_table(table, schema="orders")
    op.execute("DROP SCHEMA orders")


def _purchase_rule() -> None:
    op.create_table(
        "purchase_rule",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("org_id", sa.Uuid(), nullable=False),
        sa.Column("currency", sa.CHAR(length=3), nullable=False),
        sa.Column("max_order_minor", sa.BigInteger(), nullable=False),
        sa.Column("self_approval", sa.Boolean(), nullable=False),
        sa.CheckConstraint("max_order_minor >= 0", name=op.f("ck_purchase_rule_not_negative")),
        sa.ForeignKeyConstraint(["org_id"], ["marketplace.organization.id"], name=op.f("fk_purchase_rule_org_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_purchase_rule")),
        sa.UniqueConstraint("org_id", "currency", name=op.f("uq_purchase_rule_org_id_currency")),
        schema="orders",
    )


def _quote() -> None:
    op.create_table(
        "quote",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("buyer_org_id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=True),
        sa.Column("currency", sa.CHAR(length=3), nullable=False),
        sa.Column("net_minor", sa.BigInteger(), nullable=False),
        sa.Column("tax_minor", sa.BigInteger(), nullable=False),
        sa.Column("gross_minor", sa.BigInteger(), nullable=False),
        sa.Column("lines", postgresql.JSONB(), nullable=False),
        sa.Column("context", postgresql.JSONB(), nullable=False),
        sa.Column("needs_approval", sa.Boolean(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("gross_minor = net_minor + tax_minor", name=op.f("ck_quote_sum")),
        sa.CheckConstraint("gross_minor >= 0", name=op.f("ck_quote_not_negative")),
        sa.ForeignKeyConstraint(["buyer_org_id"], ["marketplace.organization.id"], name=op.f("fk_quote_buyer_org_id")),
        sa.ForeignKeyConstraint(["person_id"], ["marketplace.person.id"], name=op.f("fk_quote_person_id")),
        sa.UniqueConstraint("buyer_org_id", "id", name="uq_quote_buyer_org_id_id"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_quote")),
        schema="orders",
    )
    op.create_index("ix_quote_person_id", "quote", ["person_id"], unique=False, schema="orders")


def _purchase() -> None:
    op.create_table(
        "purchase",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("buyer_org_id", sa.Uuid(), nullable=False),
        sa.Column("quote_id", sa.Uuid(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("currency", sa.CHAR(length=3), nullable=False),
        sa.Column("net_minor", sa.BigInteger(), nullable=False),
        sa.Column("tax_minor", sa.BigInteger(), nullable=False),
        sa.Column("gross_minor", sa.BigInteger(), nullable=False),
        sa.Column("billing_profile", postgresql.JSONB(), nullable=False),
        sa.Column("po_number", sa.Text(), nullable=True),
        sa.Column("requested_by", sa.Uuid(), nullable=True),
        sa.Column("gateway", sa.Text(), nullable=False),
        sa.Column("method_token", sa.Text(), nullable=False),
        sa.Column("deadline_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "state IN ('pending_approval', 'pending_payment', 'paid', 'rejected', 'expired', 'cancelled')",
            name=op.f("ck_purchase_state"),
        ),
        sa.CheckConstraint("gross_minor = net_minor + tax_minor", name=op.f("ck_purchase_sum")),
        sa.ForeignKeyConstraint(["requested_by"], ["marketplace.person.id"], name=op.f("fk_purchase_requested_by")),
        sa.ForeignKeyConstraint(
            ["buyer_org_id", "quote_id"],
            ["orders.quote.buyer_org_id", "orders.quote.id"],
            name="fk_purchase_buyer_org_id_quote_id",
        ),
        sa.UniqueConstraint("buyer_org_id", "id", name="uq_purchase_buyer_org_id_id"),
        sa.Index("ix_purchase_deadline_at", "deadline_at", postgresql_where=sa.text("deadline_at IS NOT NULL")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_purchase")),
        sa.UniqueConstraint("quote_id", name=op.f("uq_purchase_quote_id")),
        schema="orders",
    )
    op.create_index(
        "ix_purchase_buyer_org_id_created_at", "purchase", ["buyer_org_id", "created_at"], unique=False, schema="orders"
    )
    op.create_index("ix_purchase_requested_by", "purchase", ["requested_by"], unique=False, schema="orders")


def _approval() -> None:
    op.create_table(
        "approval",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("buyer_org_id", sa.Uuid(), nullable=False),
        sa.Column("purchase_id", sa.Uuid(), nullable=False),
        sa.Column("decision", sa.Text(), nullable=False),
        sa.Column("decided_by", sa.Uuid(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("decision IN ('approved', 'rejected')", name=op.f("ck_approval_decision")),
        sa.ForeignKeyConstraint(["decided_by"], ["marketplace.person.id"], name=op.f("fk_approval_decided_by")),
        sa.ForeignKeyConstraint(
            ["buyer_org_id", "purchase_id"],
            ["orders.purchase.buyer_org_id", "orders.purchase.id"],
            name="fk_approval_buyer_org_id_purchase_id",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_approval")),
        sa.UniqueConstraint("purchase_id", name=op.f("uq_approval_purchase_id")),
        schema="orders",
    )
    op.create_index("ix_approval_decided_by", "approval", ["decided_by"], unique=False, schema="orders")


def _order() -> None:
    op.create_table(
        "order",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("buyer_org_id", sa.Uuid(), nullable=False),
        sa.Column("seller_org_id", sa.Uuid(), nullable=False),
        sa.Column("buyer_name", sa.Text(), nullable=False),
        sa.Column("seller_name", sa.Text(), nullable=False),
        sa.Column("purchase_id", sa.Uuid(), nullable=False),
        sa.Column("po_number", sa.Text(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("currency", sa.CHAR(length=3), nullable=False),
        sa.Column("net_minor", sa.BigInteger(), nullable=False),
        sa.Column("tax_minor", sa.BigInteger(), nullable=False),
        sa.Column("gross_minor", sa.BigInteger(), nullable=False),
        sa.Column("payment_id", sa.Uuid(), nullable=True),
        sa.Column("deadline_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("paid_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("active_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("accepted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("failure", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "state IN ('pending_approval', 'pending_payment', 'paid', 'fulfilling', 'active', 'completed', "
            "'delivery_failed', 'refunded', 'rejected', 'expired', 'cancelled')",
            name=op.f("ck_order_state"),
        ),
        sa.CheckConstraint("buyer_org_id <> seller_org_id", name=op.f("ck_order_two_parties")),
        sa.CheckConstraint("gross_minor = net_minor + tax_minor", name=op.f("ck_order_sum")),
        sa.ForeignKeyConstraint(
            ["seller_org_id"], ["marketplace.organization.id"], name=op.f("fk_order_seller_org_id")
        ),
        sa.ForeignKeyConstraint(
            ["buyer_org_id", "purchase_id"],
            ["orders.purchase.buyer_org_id", "orders.purchase.id"],
            name="fk_order_buyer_org_id_purchase_id",
        ),
        sa.UniqueConstraint("buyer_org_id", "seller_org_id", "id", name="uq_order_buyer_org_id_seller_org_id_id"),
        sa.Index("ix_order_deadline_at", "deadline_at", postgresql_where=sa.text("deadline_at IS NOT NULL")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_order")),
        sa.UniqueConstraint("number", name=op.f("uq_order_number")),
        schema="orders",
    )
    op.create_index(
        "ix_order_buyer_org_id_created_at", "order", ["buyer_org_id", "created_at"], unique=False, schema="orders"
    )
    op.create_index("ix_order_purchase_id", "order", ["purchase_id"], unique=False, schema="orders")
    op.create_index(
        "ix_order_seller_org_id_created_at", "order", ["seller_org_id", "created_at"], unique=False, schema="orders"
    )


def _order_line() -> None:
    op.create_table(
        "order_line",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("buyer_org_id", sa.Uuid(), nullable=False),
        sa.Column("seller_org_id", sa.Uuid(), nullable=False),
        sa.Column("listing_id", sa.Uuid(), nullable=False),
        sa.Column("listing_version_id", sa.Uuid(), nullable=False),
        sa.Column("plan_id", sa.Uuid(), nullable=False),
        sa.Column("plan", postgresql.JSONB(), nullable=False),
        sa.Column("pricing", sa.Text(), nullable=False),
        sa.Column("interval", sa.Text(), nullable=False),
        sa.Column("term_months", sa.BigInteger(), nullable=False),
        sa.Column("quantity", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.CHAR(length=3), nullable=False),
        sa.Column("unit_price_minor", sa.BigInteger(), nullable=False),
        sa.Column("list_minor", sa.BigInteger(), nullable=False),
        sa.Column("discount_minor", sa.BigInteger(), nullable=False),
        sa.Column("net_minor", sa.BigInteger(), nullable=False),
        sa.Column("tax_rate_ppm", sa.BigInteger(), nullable=False),
        sa.Column("tax_category", sa.Text(), nullable=False),
        sa.Column("tax_reason", sa.Text(), nullable=False),
        sa.Column("tax_included", sa.Boolean(), nullable=False),
        sa.Column("tax_minor", sa.BigInteger(), nullable=False),
        sa.Column("gross_minor", sa.BigInteger(), nullable=False),
        sa.Column("claims", postgresql.JSONB(), nullable=False),
        sa.Column("refund_window_days", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("gross_minor = net_minor + tax_minor", name=op.f("ck_order_line_sum")),
        sa.CheckConstraint("net_minor = list_minor - discount_minor OR tax_included", name=op.f("ck_order_line_net")),
        sa.CheckConstraint("quantity > 0", name=op.f("ck_order_line_quantity")),
        sa.ForeignKeyConstraint(
            ["buyer_org_id", "seller_org_id", "order_id"],
            ["orders.order.buyer_org_id", "orders.order.seller_org_id", "orders.order.id"],
            name="fk_order_line_buyer_org_id_seller_org_id_order_id",
        ),
        sa.ForeignKeyConstraint(
            ["seller_org_id", "listing_id"],
            ["marketplace.listing.org_id", "marketplace.listing.id"],
            name="fk_order_line_seller_org_id_listing_id",
        ),
        sa.ForeignKeyConstraint(
            ["seller_org_id", "plan_id"],
            ["marketplace.plan.org_id", "marketplace.plan.id"],
            name="fk_order_line_seller_org_id_plan_id",
        ),
        sa.UniqueConstraint("buyer_org_id", "seller_org_id", "id", name="uq_order_line_buyer_org_id_seller_org_id_id"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_order_line")),
        schema="orders",
    )
    op.create_index("ix_order_line_listing_id", "order_line", ["listing_id"], unique=False, schema="orders")
    op.create_index("ix_order_line_order_id", "order_line", ["order_id"], unique=False, schema="orders")
    op.create_index("ix_order_line_plan_id", "order_line", ["plan_id"], unique=False, schema="orders")


def _attribution() -> None:
    op.create_table(
        "attribution",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("order_line_id", sa.Uuid(), nullable=False),
        sa.Column("buyer_org_id", sa.Uuid(), nullable=False),
        sa.Column("seller_org_id", sa.Uuid(), nullable=False),
        sa.Column("promoter_org_id", sa.Uuid(), nullable=True),
        sa.Column("rule", sa.Text(), nullable=False),
        sa.Column("video_id", sa.Uuid(), nullable=True),
        sa.Column("placement_id", sa.Uuid(), nullable=True),
        sa.Column("second_ms", sa.BigInteger(), nullable=True),
        sa.Column("touchpoint_id", sa.Uuid(), nullable=True),
        sa.Column("touched_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("path", postgresql.JSONB(), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("rule IN ('context', 'last_click', 'last_view', 'none')", name=op.f("ck_attribution_rule")),
        sa.ForeignKeyConstraint(
            ["placement_id"], ["marketplace.placement.id"], name=op.f("fk_attribution_placement_id")
        ),
        sa.ForeignKeyConstraint(
            ["promoter_org_id"], ["marketplace.organization.id"], name=op.f("fk_attribution_promoter_org_id")
        ),
        sa.ForeignKeyConstraint(["video_id"], ["marketplace.video.id"], name=op.f("fk_attribution_video_id")),
        sa.ForeignKeyConstraint(
            ["buyer_org_id", "seller_org_id", "order_line_id"],
            ["orders.order_line.buyer_org_id", "orders.order_line.seller_org_id", "orders.order_line.id"],
            name="fk_attribution_buyer_org_id_seller_org_id_order_line_id",
        ),
        sa.Index(
            "ix_attribution_promoter_org_id", "promoter_org_id", postgresql_where=sa.text("promoter_org_id IS NOT NULL")
        ),
        sa.Index("ix_attribution_video_id", "video_id", postgresql_where=sa.text("video_id IS NOT NULL")),
        sa.Index("ix_attribution_placement_id", "placement_id", postgresql_where=sa.text("placement_id IS NOT NULL")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_attribution")),
        sa.UniqueConstraint("order_line_id", name=op.f("uq_attribution_order_line_id")),
        schema="orders",
    )


def _sale_terms() -> None:
    op.create_table(
        "sale_terms",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("order_line_id", sa.Uuid(), nullable=False),
        sa.Column("buyer_org_id", sa.Uuid(), nullable=False),
        sa.Column("seller_org_id", sa.Uuid(), nullable=False),
        sa.Column("commission_ppm", sa.BigInteger(), nullable=False),
        sa.Column("promoter_org_id", sa.Uuid(), nullable=True),
        sa.Column("promoter_ppm", sa.BigInteger(), nullable=False),
        sa.Column("policy_version", sa.BigInteger(), nullable=False),
        sa.Column("hold_days", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "commission_ppm + promoter_ppm <= 1000000", name=op.f("ck_sale_terms_never_more_than_the_line")
        ),
        sa.CheckConstraint("commission_ppm >= 0 AND promoter_ppm >= 0", name=op.f("ck_sale_terms_not_negative")),
        sa.ForeignKeyConstraint(
            ["promoter_org_id"], ["marketplace.organization.id"], name=op.f("fk_sale_terms_promoter_org_id")
        ),
        sa.ForeignKeyConstraint(
            ["buyer_org_id", "seller_org_id", "order_line_id"],
            ["orders.order_line.buyer_org_id", "orders.order_line.seller_org_id", "orders.order_line.id"],
            name="fk_sale_terms_buyer_org_id_seller_org_id_order_line_id",
        ),
        sa.Index(
            "ix_sale_terms_promoter_org_id", "promoter_org_id", postgresql_where=sa.text("promoter_org_id IS NOT NULL")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sale_terms")),
        sa.UniqueConstraint("order_line_id", name=op.f("uq_sale_terms_order_line_id")),
        schema="orders",
    )


def _subscription() -> None:
    op.create_table(
        "subscription",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("buyer_org_id", sa.Uuid(), nullable=False),
        sa.Column("seller_org_id", sa.Uuid(), nullable=False),
        sa.Column("order_line_id", sa.Uuid(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("quantity", sa.BigInteger(), nullable=False),
        sa.Column("anchor_day", sa.BigInteger(), nullable=False),
        sa.Column("auto_renew", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("state IN ('active', 'ended')", name=op.f("ck_subscription_state")),
        sa.ForeignKeyConstraint(
            ["buyer_org_id", "seller_org_id", "order_line_id"],
            ["orders.order_line.buyer_org_id", "orders.order_line.seller_org_id", "orders.order_line.id"],
            name="fk_subscription_buyer_org_id_seller_org_id_order_line_id",
        ),
        sa.UniqueConstraint(
            "buyer_org_id", "seller_org_id", "id", name="uq_subscription_buyer_org_id_seller_org_id_id"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_subscription")),
        sa.UniqueConstraint("order_line_id", name=op.f("uq_subscription_order_line_id")),
        schema="orders",
    )


def _subscription_term() -> None:
    op.create_table(
        "subscription_term",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("subscription_id", sa.Uuid(), nullable=False),
        sa.Column("buyer_org_id", sa.Uuid(), nullable=False),
        sa.Column("seller_org_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("order_line_id", sa.Uuid(), nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("starts_at < ends_at", name=op.f("ck_subscription_term_forward")),
        sa.ForeignKeyConstraint(
            ["buyer_org_id", "seller_org_id", "order_line_id"],
            ["orders.order_line.buyer_org_id", "orders.order_line.seller_org_id", "orders.order_line.id"],
            name="fk_subscription_term_buyer_org_id_seller_org_id_order_line_id",
        ),
        sa.ForeignKeyConstraint(
            ["buyer_org_id", "seller_org_id", "subscription_id"],
            ["orders.subscription.buyer_org_id", "orders.subscription.seller_org_id", "orders.subscription.id"],
            name="fk_subscription_term_buyer_org_id_seller_org_id_subscription_id",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_subscription_term")),
        sa.UniqueConstraint("subscription_id", "number", name=op.f("uq_subscription_term_subscription_id_number")),
        schema="orders",
    )
    op.create_index(
        "ix_subscription_term_order_line_id", "subscription_term", ["order_line_id"], unique=False, schema="orders"
    )
