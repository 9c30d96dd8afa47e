"""A seller's start: documents that are reviewed, payout accounts, who accepted the agreement, what a connector's test saw."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations import ddl

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Three tables of a seller, and what is kept of a connector's secret and test.

    Of bank accounts only four digits were kept: whoever gave one gives it again, whole.
    """
    op.execute("SET LOCAL lock_timeout = '5s'")
    _legal_proofs()
    _payout_accounts()
    _acceptances()
    for table in ("legal_proof", "payout_account"):
        ddl.grant(f"marketplace.{table}")
        ddl.isolate(f"marketplace.{table}", "org_id")
    ddl.append_only("marketplace.agreement_acceptance")
    ddl.isolate("marketplace.agreement_acceptance", "org_id")
    op.execute("UPDATE marketplace.seller_onboarding SET bank_done_at = NULL, completed_at = NULL")
    for column in ("bank_holder", "bank_name", "bank_account_masked"):
        op.drop_column("seller_onboarding", column, schema="marketplace")
    op.add_column("connector", sa.Column("secret_made_at", INSTANT), schema="fulfillment")
    _transcripts()
    op.execute("UPDATE fulfillment.connector SET secret_made_at = created_at WHERE secret_sealed IS NOT NULL")


def downgrade() -> None:
    """Forget them."""
    op.drop_table("connector_transcript", schema="fulfillment")
    op.drop_column("connector", "secret_made_at", schema="fulfillment")
    for column in ("bank_holder", "bank_name", "bank_account_masked"):
        op.add_column("seller_onboarding", sa.Column(column, sa.Text), schema="marketplace")
    for table in ("agreement_acceptance", "payout_account", "legal_proof"):
        op.drop_table(table, schema="marketplace")


def _legal_proofs() -> None:
    op.create_table(
        "legal_proof",
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("org_id", sa.Uuid, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("file_key", sa.Text, nullable=False),
        sa.Column("file_name", sa.Text, nullable=False),
        sa.Column("media_type", sa.Text, nullable=False),
        sa.Column("size_bytes", sa.BigInteger, nullable=False),
        sa.Column("sha256", sa.Text, nullable=False),
        sa.Column("submitted_by", sa.Uuid),
        sa.Column("reviewed_by", sa.Uuid),
        sa.Column("reviewed_at", INSTANT),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_legal_proof"),
        sa.ForeignKeyConstraint(["org_id"], ["marketplace.organization.id"], name="fk_legal_proof_org_id"),
        sa.CheckConstraint("state IN ('submitted', 'approved', 'rejected', 'superseded')", name="ck_legal_proof_state"),
        sa.CheckConstraint(
            "(state IN ('approved', 'rejected')) = (reviewed_at IS NOT NULL)", name="ck_legal_proof_reviewed"
        ),
        sa.CheckConstraint("state <> 'rejected' OR reason <> ''", name="ck_legal_proof_rejected_with_reason"),
        sa.Index("uq_legal_proof_submitted", "org_id", unique=True, postgresql_where=sa.text("state = 'submitted'")),
        sa.Index("ix_legal_proof_org_id_created_at", "org_id", "created_at"),
        sa.Index("ix_legal_proof_waiting", "created_at", postgresql_where=sa.text("state = 'submitted'")),
        schema="marketplace",
    )


def _payout_accounts() -> None:
    op.create_table(
        "payout_account",
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("org_id", sa.Uuid, nullable=False),
        sa.Column("currency", sa.CHAR(3), nullable=False),
        sa.Column("country", sa.CHAR(2), nullable=False),
        sa.Column("holder", sa.Text, nullable=False),
        sa.Column("bank_name", sa.Text, nullable=False),
        sa.Column("bank_code", sa.Text, nullable=False),
        sa.Column("account_sealed", sa.Text, nullable=False),
        sa.Column("account_last4", sa.Text, nullable=False),
        sa.Column("added_by", sa.Uuid),
        sa.Column("replaced_at", INSTANT),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_payout_account"),
        sa.ForeignKeyConstraint(["org_id"], ["marketplace.organization.id"], name="fk_payout_account_org_id"),
        sa.CheckConstraint("country ~ '^[A-Z]{2}$'", name="ck_payout_account_country"),
        sa.Index(
            "uq_payout_account_current",
            "org_id",
            "currency",
            unique=True,
            postgresql_where=sa.text("replaced_at IS NULL"),
        ),
        sa.Index("ix_payout_account_org_id_created_at", "org_id", "created_at"),
        schema="marketplace",
    )


def _acceptances() -> None:
    op.create_table(
        "agreement_acceptance",
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("org_id", sa.Uuid, nullable=False),
        sa.Column("version", sa.Text, nullable=False),
        sa.Column("locale", sa.Text, nullable=False),
        sa.Column("text_sha256", sa.Text, nullable=False),
        sa.Column("accepted_by", sa.Uuid, nullable=False),
        sa.Column("accepted_name", sa.Text, nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_agreement_acceptance"),
        sa.ForeignKeyConstraint(["org_id"], ["marketplace.organization.id"], name="fk_agreement_acceptance_org_id"),
        sa.UniqueConstraint("org_id", "version", name="uq_agreement_acceptance_org_id_version"),
        schema="marketplace",
    )


def _transcripts() -> None:
    op.create_table(
        "connector_transcript",
        sa.Column("connector_id", sa.Uuid, nullable=False),
        sa.Column("org_id", sa.Uuid, nullable=False),
        sa.Column("steps", postgresql.JSONB, nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("connector_id", name="pk_connector_transcript"),
        sa.ForeignKeyConstraint(
            ["org_id", "connector_id"],
            ["fulfillment.connector.org_id", "fulfillment.connector.id"],
            name="fk_connector_transcript_org_id_connector_id",
        ),
        sa.UniqueConstraint("org_id", "connector_id", name="uq_connector_transcript_org_id_connector_id"),
        schema="fulfillment",
    )
    ddl.grant("fulfillment.connector_transcript")
    ddl.isolate("fulfillment.connector_transcript", "org_id")
