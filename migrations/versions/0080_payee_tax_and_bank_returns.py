"""What payees state about themselves for the tax authorities. Returns of transfers that wait for a second person."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from migrations import ddl

revision = "0080"
down_revision = "0079"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)
PROFILES = "billing.payee_tax_profile"


def upgrade() -> None:
    """Nobody has stated anything yet: facts of past years are there without it. What went back before was one person's word."""
    op.execute("SET LOCAL lock_timeout = '5s'")
    _profiles()
    _returns()


def _profiles() -> None:
    op.create_table(
        "payee_tax_profile",
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("org_id", sa.Uuid, nullable=False),
        sa.Column("payee_type", sa.Text, nullable=False),
        sa.Column("residence_country", sa.CHAR(2), nullable=False),
        sa.Column("us_form", sa.Text),
        sa.Column("us_classification", sa.Text),
        *(sa.Column(name, sa.Text, nullable=False) for name in ("tin_kind", "tin_sealed", "tin_last4", "vat_status")),
        sa.Column("stated_by", sa.Uuid),
        sa.Column("replaced_at", INSTANT),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_payee_tax_profile"),
        sa.ForeignKeyConstraint(["org_id"], ["marketplace.organization.id"], name="fk_payee_tax_profile_org_id"),
        sa.CheckConstraint("payee_type IN ('person', 'organization')", name="ck_payee_tax_profile_payee_type"),
        sa.CheckConstraint("residence_country ~ '^[A-Z]{2}$'", name="ck_payee_tax_profile_residence_country"),
        sa.CheckConstraint("us_form IN ('w9', 'w8ben', 'w8ben_e')", name="ck_payee_tax_profile_us_form"),
        sa.CheckConstraint(
            "(us_form IS NOT DISTINCT FROM 'w9') = (us_classification IS NOT NULL)",
            name="ck_payee_tax_profile_classification",
        ),
        sa.CheckConstraint(
            "tin_kind IN ('ssn', 'itin', 'ein', 'resident_id', 'uscc', 'other')", name="ck_payee_tax_profile_tin_kind"
        ),
        sa.CheckConstraint(
            "vat_status IN ('general', 'small_scale', 'not_registered')", name="ck_payee_tax_profile_vat_status"
        ),
        sa.Index(
            "uq_payee_tax_profile_current", "org_id", unique=True, postgresql_where=sa.text("replaced_at IS NULL")
        ),
        sa.Index("ix_payee_tax_profile_org_id_created_at", "org_id", "created_at"),
        schema="billing",
    )
    ddl.grant(PROFILES, "SELECT, INSERT, UPDATE")
    ddl.isolate(PROFILES, "org_id")
    op.execute(
        f"CREATE TRIGGER payee_tax_profile_undeletable BEFORE DELETE ON {PROFILES} "
        "FOR EACH ROW EXECUTE FUNCTION billing.refuse_deletion()"
    )


def _returns() -> None:
    op.create_table(
        "bank_return",
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("line_id", sa.Uuid, nullable=False),
        sa.Column("amount_minor", sa.BigInteger, nullable=False),
        sa.Column("currency", sa.CHAR(3), nullable=False),
        *(sa.Column(name, sa.Text, nullable=False) for name in ("payee_name", "payee_account", "reason", "state")),
        sa.Column("second_person_above_minor", sa.BigInteger, nullable=False),
        *(sa.Column(name, sa.Uuid) for name in ("asked_by", "decided_by")),
        sa.Column("decided_at", INSTANT),
        sa.Column("outgoing_id", sa.Uuid),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_bank_return"),
        sa.ForeignKeyConstraint(["line_id"], ["billing.bank_line.id"], name="fk_bank_return_line_id"),
        sa.ForeignKeyConstraint(["outgoing_id"], ["billing.bank_outgoing.id"], name="fk_bank_return_outgoing_id"),
        sa.UniqueConstraint("outgoing_id", name="uq_bank_return_outgoing_id"),
        sa.CheckConstraint("amount_minor > 0 AND second_person_above_minor >= 0", name="ck_bank_return_amounts"),
        sa.CheckConstraint("state IN ('asked', 'approved', 'withdrawn')", name="ck_bank_return_state"),
        sa.CheckConstraint("(state = 'asked') = (decided_at IS NULL)", name="ck_bank_return_decided"),
        sa.CheckConstraint("(state = 'approved') = (outgoing_id IS NOT NULL)", name="ck_bank_return_outgoing"),
        sa.CheckConstraint("state <> 'approved' OR decided_by IS NOT NULL", name="ck_bank_return_approver"),
        sa.Index("uq_bank_return_waiting", "line_id", unique=True, postgresql_where=sa.text("state = 'asked'")),
        sa.Index("ix_bank_return_line_id", "line_id"),
        sa.Index("ix_bank_return_created_at", "created_at", "id"),
        schema="billing",
    )
    ddl.grant("billing.bank_return", "SELECT, INSERT, UPDATE")
    op.execute("ALTER TABLE billing.bank_return ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE billing.bank_return FORCE ROW LEVEL SECURITY")
    op.execute("CREATE POLICY platform ON billing.bank_return USING (kernel.is_platform())")


def downgrade() -> None:
    """What was stated is forgotten, and what waits for a second person is to be asked for anew."""
    op.drop_table("bank_return", schema="billing")
    op.drop_table("payee_tax_profile", schema="billing")
