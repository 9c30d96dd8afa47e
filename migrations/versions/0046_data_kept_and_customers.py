"""How long a customer's data are kept after the end; and each seller's customers, in one row each."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from migrations import ddl

revision = "0046"
down_revision = "0045"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """What was sold so far was sold with nothing said of it, and stays so."""
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.add_column(
        "listing_version",
        sa.Column("data_kept_days", sa.BigInteger, nullable=False, server_default="30"),
        schema="marketplace",
    )
    op.create_check_constraint(
        "ck_listing_version_data_kept_days",
        "listing_version",
        "data_kept_days BETWEEN 0 AND 3650",
        schema="marketplace",
    )
    op.add_column("entitlement", sa.Column("data_kept_days", sa.BigInteger), schema="fulfillment")
    op.add_column("entitlement", sa.Column("data_kept_until", INSTANT), schema="fulfillment")
    op.add_column("entitlement", sa.Column("data_noticed_at", INSTANT), schema="fulfillment")
    op.create_check_constraint(
        "ck_entitlement_data_kept", "entitlement", "data_kept_until IS NULL OR state = 'ended'", schema="fulfillment"
    )
    op.create_index(
        "ix_entitlement_data_kept_until",
        "entitlement",
        ["data_kept_until"],
        schema="fulfillment",
        postgresql_where=sa.text("data_kept_until IS NOT NULL AND data_noticed_at IS NULL"),
    )
    _customers()


def _customers() -> None:
    op.create_table(
        "customer",
        sa.Column("seller_org_id", sa.Uuid, nullable=False),
        sa.Column("buyer_org_id", sa.Uuid, nullable=False),
        sa.Column("last_at", INSTANT, nullable=False),
        sa.Column("bought_at", INSTANT),
        sa.Column("bought_name", sa.Text),
        sa.Column("asked_at", INSTANT),
        sa.Column("asked_name", sa.Text),
        sa.PrimaryKeyConstraint("seller_org_id", "buyer_org_id", name="pk_customer"),
        *(
            sa.ForeignKeyConstraint([name], ["marketplace.organization.id"], name=f"fk_customer_{name}")
            for name in ("seller_org_id", "buyer_org_id")
        ),
        sa.CheckConstraint("(bought_at IS NULL) = (bought_name IS NULL)", name="ck_customer_bought"),
        sa.CheckConstraint("(asked_at IS NULL) = (asked_name IS NULL)", name="ck_customer_asked"),
        sa.CheckConstraint("bought_at IS NOT NULL OR asked_at IS NOT NULL", name="ck_customer_known"),
        schema="marketplace",
    )
    op.create_index(
        "ix_customer_seller_org_id_last_at",
        "customer",
        ["seller_org_id", "last_at", "buyer_org_id"],
        schema="marketplace",
    )
    op.create_index(
        "ix_customer_seller_org_id_bought_at",
        "customer",
        ["seller_org_id", "bought_at", "buyer_org_id"],
        schema="marketplace",
        postgresql_where=sa.text("bought_at IS NOT NULL"),
    )
    op.create_index("ix_customer_buyer_org_id", "customer", ["buyer_org_id"], schema="marketplace")
    ddl.grant("marketplace.customer", "SELECT, INSERT, UPDATE")
    ddl.isolate("marketplace.customer", "buyer_org_id", "seller_org_id")
    ddl.leave_room("marketplace.customer")
    op.execute(
        """
        INSERT INTO marketplace.customer (seller_org_id, buyer_org_id, last_at, bought_at, bought_name, asked_at, asked_name)
        SELECT seller_org_id, buyer_org_id, max(at), max(at) FILTER (WHERE act = 'bought'),
               (array_agg(name ORDER BY at DESC) FILTER (WHERE act = 'bought'))[1],
               max(at) FILTER (WHERE act = 'asked'), (array_agg(name ORDER BY at DESC) FILTER (WHERE act = 'asked'))[1]
        FROM (
            SELECT seller_org_id, buyer_org_id, paid_at AS at, 'bought' AS act, buyer_name AS name
            FROM orders."order" WHERE paid_at IS NOT NULL
            UNION ALL SELECT seller_org_id, buyer_org_id, created_at, 'asked', buyer_name FROM marketplace.lead
            UNION ALL SELECT seller_org_id, buyer_org_id, created_at, 'wrote', NULL FROM marketplace.lead_message
        ) one GROUP BY seller_org_id, buyer_org_id
        """
    )


def downgrade() -> None:
    """What was promised is forgotten; customers can be computed again."""
    op.drop_table("customer", schema="marketplace")
    op.drop_index("ix_entitlement_data_kept_until", "entitlement", schema="fulfillment")
    op.drop_constraint("ck_entitlement_data_kept", "entitlement", schema="fulfillment")
    for name in ("data_noticed_at", "data_kept_until", "data_kept_days"):
        op.drop_column("entitlement", name, schema="fulfillment")
    op.drop_constraint("ck_listing_version_data_kept_days", "listing_version", schema="marketplace")
    op.drop_column("listing_version", "data_kept_days", schema="marketplace")
