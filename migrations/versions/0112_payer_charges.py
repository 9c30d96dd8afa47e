"""Purchases that another organization pays, and by whose method a payment is made."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from migrations import ddl

revision = "0112"
down_revision = "0111"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)
AGREEMENT = "marketplace.payer_agreement"


def upgrade() -> None:
    """Nothing is paid by another organization yet."""
    op.execute("SET LOCAL lock_timeout = '5s'")
    _charge()
    _method()
    op.add_column("payment", sa.Column("method_org_id", sa.Uuid), schema="billing")
    op.create_foreign_key(
        "fk_payment_method_org_id",
        "payment",
        "organization",
        ["method_org_id"],
        ["id"],
        source_schema="billing",
        referent_schema="marketplace",
    )
    op.create_index(
        "ix_payment_paying_org_id",
        "payment",
        ["method_org_id"],
        schema="billing",
        postgresql_where=sa.text("method_org_id IS NOT NULL"),
    )


def _charge() -> None:
    checks = {
        "state": "state IN ('asked', 'approved', 'declined', 'released')",
        "amount": "amount_minor > 0 AND used_minor >= 0",
        "limit": "used_minor + amount_minor <= limit_minor",
        "month": "extract(day FROM month) = 1",
        "declined": "(decline_reason IS NOT NULL) = (state = 'declined')",
    }
    of_agreement = ["org_id", "payer_org_id", "agreement_id"]
    op.create_table(
        "payer_charge",
        *(sa.Column(name, sa.Uuid, nullable=False) for name in ("id", *of_agreement, "purchase_id")),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("currency", sa.CHAR(3), nullable=False),
        sa.Column("amount_minor", sa.BigInteger, nullable=False),
        sa.Column("month", sa.Date, nullable=False),
        sa.Column("used_minor", sa.BigInteger, nullable=False),
        sa.Column("limit_minor", sa.BigInteger),
        sa.Column("decided_by", sa.Uuid),
        sa.Column("decided_at", INSTANT),
        sa.Column("decline_reason", sa.Text),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_payer_charge"),
        sa.ForeignKeyConstraint(
            of_agreement,
            [f"{AGREEMENT}.org_id", f"{AGREEMENT}.payer_org_id", f"{AGREEMENT}.id"],
            name="fk_payer_charge_org_id_payer_org_id_agreement_id",
        ),
        sa.ForeignKeyConstraint(
            ["org_id", "purchase_id"],
            ["orders.purchase.buyer_org_id", "orders.purchase.id"],
            name="fk_payer_charge_org_id_purchase_id",
        ),
        sa.ForeignKeyConstraint(["decided_by"], ["marketplace.person.id"], name="fk_payer_charge_decided_by"),
        *(sa.CheckConstraint(rule, name=f"ck_payer_charge_{name}") for name, rule in checks.items()),
        sa.Index(
            "uq_payer_charge_standing",
            "purchase_id",
            unique=True,
            postgresql_where=sa.text("state IN ('asked', 'approved')"),
        ),
        sa.Index("ix_payer_charge_agreement_id", *of_agreement, "month"),
        sa.Index("ix_payer_charge_payer_org_id_created_at", "payer_org_id", "created_at", "id"),
        sa.Index("ix_payer_charge_purchase_id", "org_id", "purchase_id"),
        sa.Index("ix_payer_charge_asked", "payer_org_id", postgresql_where=sa.text("state = 'asked'")),
        sa.Index("ix_payer_charge_decided_by", "decided_by"),
        schema="orders",
    )
    ddl.grant("orders.payer_charge", "SELECT, INSERT, UPDATE")
    ddl.isolate("orders.payer_charge", "org_id", "payer_org_id")


def _method() -> None:
    op.create_table(
        "payer_method",
        *(sa.Column(name, sa.Uuid, nullable=False) for name in ("id", "payer_org_id", "agreement_id")),
        *(sa.Column(name, sa.Text, nullable=False) for name in ("gateway", "method_token")),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_payer_method"),
        sa.UniqueConstraint("agreement_id", name="uq_payer_method_agreement_id"),
        sa.ForeignKeyConstraint(["payer_org_id"], ["marketplace.organization.id"], name="fk_payer_method_payer_org_id"),
        sa.ForeignKeyConstraint(["agreement_id"], [f"{AGREEMENT}.id"], name="fk_payer_method_agreement_id"),
        sa.CheckConstraint("gateway <> '' AND method_token <> ''", name="ck_payer_method_named"),
        sa.Index("ix_payer_method_payer_org_id", "payer_org_id"),
        schema="orders",
    )
    ddl.grant("orders.payer_method", "SELECT, INSERT, UPDATE, DELETE")
    # By what a payer pays is read for its orderers' purchases by the platform's own look.
    ddl.isolate("orders.payer_method", "payer_org_id")


def downgrade() -> None:
    """What was paid stays paid; by whom is forgotten."""
    op.drop_index("ix_payment_paying_org_id", table_name="payment", schema="billing")
    op.drop_constraint("fk_payment_method_org_id", "payment", schema="billing")
    op.drop_column("payment", "method_org_id", schema="billing")
    for table in ("payer_method", "payer_charge"):
        op.drop_table(table, schema="orders")
