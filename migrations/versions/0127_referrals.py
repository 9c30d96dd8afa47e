"""Organizations bring others by a link of their own."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from migrations import ddl

revision = "0127"
down_revision = "0126"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Who registered before was brought by nobody."""
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.create_table(
        "referral_link",
        *(sa.Column(name, sa.Uuid, nullable=False) for name in ("id", "org_id")),
        sa.Column("code", sa.Text, nullable=False),
        sa.Column("made_by", sa.Uuid, nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_referral_link"),
        sa.UniqueConstraint("org_id", "id", name="uq_referral_link_org_id_id"),
        sa.UniqueConstraint("org_id", name="uq_referral_link_org_id"),
        sa.UniqueConstraint("code", name="uq_referral_link_code"),
        sa.ForeignKeyConstraint(["org_id"], ["marketplace.organization.id"], name="fk_referral_link_org_id"),
        sa.ForeignKeyConstraint(["made_by"], ["marketplace.person.id"], name="fk_referral_link_made_by"),
        sa.Index("ix_referral_link_made_by", "made_by"),
        schema="marketplace",
    )
    op.create_table(
        "referral",
        *(sa.Column(name, sa.Uuid, nullable=False) for name in ("id", "referrer_org_id", "referred_org_id", "link_id")),
        sa.Column("referred_name", sa.Text, nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_referral"),
        sa.UniqueConstraint("referred_org_id", name="uq_referral_referred_org_id"),
        sa.ForeignKeyConstraint(
            ["referrer_org_id", "link_id"],
            ["marketplace.referral_link.org_id", "marketplace.referral_link.id"],
            name="fk_referral_referrer_org_id_link_id",
        ),
        sa.ForeignKeyConstraint(
            ["referred_org_id"], ["marketplace.organization.id"], name="fk_referral_referred_org_id"
        ),
        sa.CheckConstraint("referrer_org_id <> referred_org_id", name="ck_referral_of_another"),
        sa.Index("ix_referral_referrer_org_id_created_at", "referrer_org_id", "created_at", "id"),
        sa.Index("ix_referral_link_id", "referrer_org_id", "link_id"),
        schema="marketplace",
    )
    ddl.grant("marketplace.referral_link", "SELECT, INSERT")
    ddl.isolate("marketplace.referral_link", "org_id")
    ddl.isolate("marketplace.referral", "referrer_org_id")
    ddl.append_only("marketplace.referral")


def downgrade() -> None:
    """Whoever was brought stays."""
    for table in ("referral", "referral_link"):
        op.drop_table(table, schema="marketplace")
