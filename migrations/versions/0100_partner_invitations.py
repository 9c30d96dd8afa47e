"""A seller lets its dealers become its partners by a link that names their tier."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from migrations import ddl

revision = "0100"
down_revision = "0099"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)
TABLE = "partner_invitation"


def upgrade() -> None:
    """There are none yet."""
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.create_table(
        TABLE,
        *(sa.Column(name, sa.Uuid, nullable=False) for name in ("id", "seller_org_id", "tier_id")),
        *(sa.Column(name, sa.Text, nullable=False) for name in ("code", "name")),
        *(sa.Column(name, sa.BigInteger, nullable=False) for name in ("most_uses", "uses")),
        sa.Column("invited_by", sa.Uuid),
        *(sa.Column(name, INSTANT, nullable=False) for name in ("created_at", "expires_at")),
        sa.Column("revoked_at", INSTANT),
        sa.PrimaryKeyConstraint("id", name="pk_partner_invitation"),
        sa.UniqueConstraint("seller_org_id", "id", name="uq_partner_invitation_seller_org_id_id"),
        sa.UniqueConstraint("code", name="uq_partner_invitation_code"),
        sa.ForeignKeyConstraint(
            ["seller_org_id", "tier_id"],
            ["marketplace.partner_tier.seller_org_id", "marketplace.partner_tier.id"],
            name="fk_partner_invitation_seller_org_id_tier_id",
        ),
        sa.ForeignKeyConstraint(["invited_by"], ["marketplace.person.id"], name="fk_partner_invitation_invited_by"),
        sa.CheckConstraint("most_uses BETWEEN 1 AND 3000", name="ck_partner_invitation_most_uses"),
        sa.CheckConstraint("uses BETWEEN 0 AND most_uses", name="ck_partner_invitation_uses"),
        sa.CheckConstraint("expires_at > created_at", name="ck_partner_invitation_expires_at"),
        sa.Index("ix_partner_invitation_seller_org_id_created_at", "seller_org_id", "created_at", "id"),
        sa.Index("ix_partner_invitation_tier_id", "seller_org_id", "tier_id"),
        sa.Index("ix_partner_invitation_invited_by", "invited_by"),
        schema="marketplace",
    )
    ddl.grant(f"marketplace.{TABLE}", "SELECT, INSERT, UPDATE")
    ddl.isolate(f"marketplace.{TABLE}", "seller_org_id")
    op.add_column("partner_link", sa.Column("invitation_id", sa.Uuid), schema="marketplace")
    op.create_foreign_key(
        "fk_partner_link_seller_org_id_invitation_id",
        "partner_link",
        TABLE,
        ["seller_org_id", "invitation_id"],
        ["seller_org_id", "id"],
        source_schema="marketplace",
        referent_schema="marketplace",
    )
    op.create_index(
        "ix_partner_link_invitation_id",
        "partner_link",
        ["seller_org_id", "invitation_id"],
        schema="marketplace",
        postgresql_where=sa.text("invitation_id IS NOT NULL"),
    )


def downgrade() -> None:
    """Who became a partner by one stays a partner."""
    op.drop_index("ix_partner_link_invitation_id", table_name="partner_link", schema="marketplace")
    op.drop_constraint("fk_partner_link_seller_org_id_invitation_id", "partner_link", schema="marketplace")
    op.drop_column("partner_link", "invitation_id", schema="marketplace")
    op.drop_table(TABLE, schema="marketplace")
