"""A tax identifier is claimed, and verified by a document; who claims one that another claims too has it looked into."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations import ddl

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """One holder of an identifier that is verified, any number who claim it.

    Sellers whose document was approved have shown that theirs is their own.
    """
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.add_column("organization", sa.Column("tax_id_verified_at", INSTANT), schema="marketplace")
    op.add_column("legal_proof", sa.Column("tax_id", sa.Text), schema="marketplace")
    op.execute("""UPDATE marketplace.legal_proof p SET tax_id = o.tax_id
        FROM marketplace.organization o WHERE o.id = p.org_id""")
    op.execute("""UPDATE marketplace.organization o SET tax_id_verified_at = s.legal_done_at
        FROM marketplace.seller_onboarding s WHERE s.org_id = o.id AND o.tax_id IS NOT NULL""")
    op.create_check_constraint(
        "ck_organization_tax_id_verified",
        "organization",
        "tax_id_verified_at IS NULL OR tax_id IS NOT NULL",
        schema="marketplace",
    )
    op.drop_index("uq_organization_country_tax_id", "organization", schema="marketplace")
    op.create_index(
        "ix_organization_country_tax_id",
        "organization",
        ["country", "tax_id"],
        schema="marketplace",
        postgresql_where=sa.text("tax_id IS NOT NULL"),
    )
    op.create_index(
        "uq_organization_verified_tax_id",
        "organization",
        ["country", "tax_id"],
        unique=True,
        schema="marketplace",
        postgresql_where=sa.text("tax_id_verified_at IS NOT NULL"),
    )
    _dispute()


def _dispute() -> None:
    undecided = sa.text("state IN ('open', 'evidence_asked')")
    op.create_table(
        "tax_id_dispute",
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("country", sa.CHAR(2), nullable=False),
        sa.Column("tax_id", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("winner_id", sa.Uuid),
        sa.Column("party_ids", postgresql.ARRAY(sa.Uuid), nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("asked_at", INSTANT),
        sa.Column("decided_by", sa.Uuid),
        sa.Column("decided_at", INSTANT),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_tax_id_dispute"),
        sa.ForeignKeyConstraint(["winner_id"], ["marketplace.organization.id"], name="fk_tax_id_dispute_winner_id"),
        sa.CheckConstraint(
            "state IN ('open', 'evidence_asked', 'settled', 'dismissed')", name="ck_tax_id_dispute_state"
        ),
        sa.CheckConstraint(
            "(state IN ('settled', 'dismissed')) = (decided_at IS NOT NULL)", name="ck_tax_id_dispute_decided"
        ),
        sa.CheckConstraint("(state = 'settled') = (winner_id IS NOT NULL)", name="ck_tax_id_dispute_winner"),
        sa.CheckConstraint("country ~ '^[A-Z]{2}$'", name="ck_tax_id_dispute_country"),
        sa.Index("uq_tax_id_dispute_undecided", "country", "tax_id", unique=True, postgresql_where=undecided),
        sa.Index("ix_tax_id_dispute_waiting", "created_at", "id", postgresql_where=undecided),
        sa.Index("ix_tax_id_dispute_winner_id", "winner_id"),
        schema="marketplace",
    )
    ddl.grant("marketplace.tax_id_dispute")
    op.execute("ALTER TABLE marketplace.tax_id_dispute ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE marketplace.tax_id_dispute FORCE ROW LEVEL SECURITY")
    op.execute("CREATE POLICY platform ON marketplace.tax_id_dispute USING (kernel.is_platform())")


def downgrade() -> None:
    """One organization for an identifier again: who has it verified, else who was first, keeps it."""
    op.drop_table("tax_id_dispute", schema="marketplace")
    op.drop_index("uq_organization_verified_tax_id", "organization", schema="marketplace")
    op.drop_index("ix_organization_country_tax_id", "organization", schema="marketplace")
    op.drop_constraint("ck_organization_tax_id_verified", "organization", schema="marketplace")
    op.execute("""UPDATE marketplace.organization o SET tax_id = NULL WHERE o.id IN (
        SELECT id FROM (SELECT id, row_number() OVER (
            PARTITION BY country, tax_id ORDER BY tax_id_verified_at IS NULL, created_at, id) AS place
        FROM marketplace.organization WHERE tax_id IS NOT NULL) ranked WHERE place > 1)""")
    op.create_index(
        "uq_organization_country_tax_id", "organization", ["country", "tax_id"], unique=True, schema="marketplace"
    )
    op.drop_column("legal_proof", "tax_id", schema="marketplace")
    op.drop_column("organization", "tax_id_verified_at", schema="marketplace")
