"""A seller invites its own dealers by a list of them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations import ddl

revision = "0126"
down_revision = "0125"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)
TABLE = "dealer_list"
INVITATION = "partner_invitation"


def upgrade() -> None:
    """There are none yet."""
    op.execute("SET LOCAL lock_timeout = '5s'")
    checks = {
        "state": "state IN ('draft', 'sent', 'discarded')",
        "ended": "(state = 'draft') = (ended_at IS NULL)",
        "mailed": "(state = 'sent') = (mailed_at IS NOT NULL)",
        "wrong": "wrong BETWEEN 0 AND jsonb_array_length(rows)",
    }
    op.create_table(
        TABLE,
        *(sa.Column(name, sa.Uuid, nullable=False) for name in ("id", "seller_org_id")),
        sa.Column("made_by", sa.Uuid),
        *(sa.Column(name, sa.Text, nullable=False) for name in ("name", "state")),
        sa.Column("rows", postgresql.JSONB, nullable=False),
        sa.Column("wrong", sa.BigInteger, nullable=False),
        sa.Column("mailings", sa.BigInteger, nullable=False, server_default="0"),
        sa.Column("mailed_at", INSTANT),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("ended_at", INSTANT),
        sa.PrimaryKeyConstraint("id", name="pk_dealer_list"),
        sa.UniqueConstraint("seller_org_id", "id", name="uq_dealer_list_seller_org_id_id"),
        sa.ForeignKeyConstraint(
            ["seller_org_id"], ["marketplace.organization.id"], name="fk_dealer_list_seller_org_id"
        ),
        sa.ForeignKeyConstraint(["made_by"], ["marketplace.person.id"], name="fk_dealer_list_made_by"),
        *(sa.CheckConstraint(rule, name=f"ck_dealer_list_{name}") for name, rule in checks.items()),
        sa.Index("ix_dealer_list_seller_org_id_created_at", "seller_org_id", "created_at", "id"),
        sa.Index("ix_dealer_list_made_by", "made_by"),
        schema="marketplace",
    )
    ddl.grant(f"marketplace.{TABLE}", "SELECT, INSERT, UPDATE")
    ddl.isolate(f"marketplace.{TABLE}", "seller_org_id")
    _invitations()


def _invitations() -> None:
    for column in (
        sa.Column("list_id", sa.Uuid),
        sa.Column("line", sa.BigInteger),
        sa.Column("email", sa.Text),
        sa.Column("tax_id", sa.Text),
        sa.Column("tax_country", sa.CHAR(2)),
        sa.Column("mailed_at", INSTANT),
    ):
        op.add_column(INVITATION, column, schema="marketplace")
    for name, rule in {
        "line": "(list_id IS NULL) = (line IS NULL)",
        "addressed": "list_id IS NOT NULL OR num_nonnulls(email, tax_id, mailed_at) = 0",
        "of_one": "list_id IS NULL OR (most_uses = 1 AND num_nonnulls(email, tax_id) > 0)",
        "tax_country": "(tax_id IS NULL) = (tax_country IS NULL)",
    }.items():
        op.create_check_constraint(f"ck_partner_invitation_{name}", INVITATION, rule, schema="marketplace")
    op.create_foreign_key(
        "fk_partner_invitation_seller_org_id_list_id",
        INVITATION,
        TABLE,
        ["seller_org_id", "list_id"],
        ["seller_org_id", "id"],
        source_schema="marketplace",
        referent_schema="marketplace",
    )
    op.create_index(
        "uq_partner_invitation_line",
        INVITATION,
        ["seller_org_id", "list_id", "line"],
        unique=True,
        schema="marketplace",
        postgresql_where=sa.text("list_id IS NOT NULL"),
    )
    op.create_index(
        "ix_partner_invitation_tax_id",
        INVITATION,
        ["tax_country", "tax_id"],
        schema="marketplace",
        postgresql_where=sa.text("tax_id IS NOT NULL"),
    )


def downgrade() -> None:
    """Who became a partner by one stays a partner; invitations of lists stay as links."""
    for index in ("uq_partner_invitation_line", "ix_partner_invitation_tax_id"):
        op.drop_index(index, table_name=INVITATION, schema="marketplace")
    op.drop_constraint("fk_partner_invitation_seller_org_id_list_id", INVITATION, schema="marketplace")
    for column in ("list_id", "line", "email", "tax_id", "tax_country", "mailed_at"):
        op.drop_column(INVITATION, column, schema="marketplace")
    op.drop_table(TABLE, schema="marketplace")
