"""Addresses in their parts; reference rates, and foreign-currency tax in the seller's own currency."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations import ddl

revision = "0076"
down_revision = "0075"
branch_labels = None
depends_on = None

RATES = "billing.reference_rate"
PARTS = ("street", "city", "post_code", "subdivision")


def upgrade() -> None:
    """What was issued before keeps saying its tax in its own currency alone; of addresses no parts are guessed."""
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.add_column("invoice", sa.Column("accounting_tax", postgresql.JSONB), schema="billing")
    op.create_check_constraint(
        "ck_invoice_accounting_tax", "invoice", "accounting_tax IS NULL OR tax_minor > 0", schema="billing"
    )
    for name in PARTS:
        column = sa.Column(name, sa.Text, nullable=False, server_default=sa.text("''"))
        op.add_column("billing_profile", column, schema="marketplace")
    _rates()


def _rates() -> None:
    op.create_table(
        "reference_rate",
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("base", sa.CHAR(3), nullable=False),
        sa.Column("quote", sa.CHAR(3), nullable=False),
        sa.Column("rate_on", sa.Date, nullable=False),
        sa.Column("rate", sa.Numeric(24, 12), nullable=False),
        sa.Column("imported_by", sa.Uuid),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_reference_rate"),
        sa.UniqueConstraint("source", "base", "quote", "rate_on", name="uq_reference_rate_source_base_quote_rate_on"),
        sa.ForeignKeyConstraint(["imported_by"], ["marketplace.person.id"], name="fk_reference_rate_imported_by"),
        sa.CheckConstraint("rate > 0", name="ck_reference_rate_rate"),
        sa.CheckConstraint("base <> quote", name="ck_reference_rate_pair"),
        sa.CheckConstraint("source ~ '^[A-Z0-9]{2,12}$'", name="ck_reference_rate_source"),
        sa.Index("ix_reference_rate_pair", "base", "quote", "rate_on"),
        sa.Index("ix_reference_rate_created_at", "created_at", "id"),
        sa.Index("ix_reference_rate_imported_by", "imported_by"),
        schema="billing",
    )
    ddl.grant(RATES, "SELECT, INSERT, UPDATE")
    op.execute(
        f"CREATE TRIGGER reference_rate_undeletable BEFORE DELETE ON {RATES} "
        "FOR EACH ROW EXECUTE FUNCTION billing.refuse_deletion()"
    )
    op.execute(f"ALTER TABLE {RATES} ENABLE ROW LEVEL SECURITY")
    op.execute(f"ALTER TABLE {RATES} FORCE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY platform ON {RATES} USING (kernel.is_platform())")
    # What a bank published is no secret, and whoever issues goes by it.
    op.execute(f"CREATE POLICY shown ON {RATES} FOR SELECT USING (true)")


def downgrade() -> None:
    """Documents say their tax in their own currency alone again; addresses stay on one line, which is composed of the parts."""
    for name in PARTS:
        op.drop_column("billing_profile", name, schema="marketplace")
    op.drop_table("reference_rate", schema="billing")
    op.drop_constraint("ck_invoice_accounting_tax", "invoice", schema="billing")
    op.drop_column("invoice", "accounting_tax", schema="billing")
