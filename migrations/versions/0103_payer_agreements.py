"""One organization pays for what another orders."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from migrations import ddl

revision = "0103"
down_revision = "0102"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)
TABLE = "payer_agreement"
CHECKS = {
    "for_another": "org_id <> payer_org_id",
    "state": "state IN ('proposed', 'active', 'ended')",
    "invoice_to": "invoice_to IN ('payer', 'orderer')",
    "limits": "monthly_limit_minor >= 0 AND order_limit_minor >= 0",
    "proposed": "state <> 'proposed' OR accepted_at IS NULL",
    "accepted": "state <> 'active' OR accepted_at IS NOT NULL",
    "ended": "(ended_at IS NOT NULL) = (state = 'ended')",
    "ended_by": "(ended_by_payer IS NOT NULL) = (state = 'ended')",
}


def upgrade() -> None:
    """There are none yet."""
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.create_table(
        TABLE,
        *(sa.Column(name, sa.Uuid, nullable=False) for name in ("id", "org_id", "payer_org_id")),
        *(sa.Column(name, sa.Text, nullable=False) for name in ("org_name", "payer_name", "state")),
        sa.Column("by_payer", sa.Boolean, nullable=False),
        sa.Column("proposed_by", sa.Uuid),
        sa.Column("invoice_to", sa.Text, nullable=False),
        sa.Column("currency", sa.CHAR(3), nullable=False),
        *(sa.Column(name, sa.BigInteger) for name in ("monthly_limit_minor", "order_limit_minor")),
        sa.Column("created_at", INSTANT, nullable=False),
        *(sa.Column(name, INSTANT) for name in ("accepted_at", "ended_at")),
        sa.Column("ended_by_payer", sa.Boolean),
        sa.PrimaryKeyConstraint("id", name=f"pk_{TABLE}"),
        sa.UniqueConstraint("org_id", "payer_org_id", "id", name=f"uq_{TABLE}_org_id_payer_org_id_id"),
        *(
            sa.ForeignKeyConstraint([side], ["marketplace.organization.id"], name=f"fk_{TABLE}_{side}")
            for side in ("org_id", "payer_org_id")
        ),
        sa.ForeignKeyConstraint(["proposed_by"], ["marketplace.person.id"], name=f"fk_{TABLE}_proposed_by"),
        *(sa.CheckConstraint(rule, name=f"ck_{TABLE}_{name}") for name, rule in CHECKS.items()),
        sa.Index(f"uq_{TABLE}_active", "org_id", unique=True, postgresql_where=sa.text("state = 'active'")),
        sa.Index(
            f"uq_{TABLE}_standing",
            "org_id",
            "payer_org_id",
            unique=True,
            postgresql_where=sa.text("state IN ('proposed', 'active')"),
        ),
        sa.Index(f"ix_{TABLE}_org_id_created_at", "org_id", "created_at", "id"),
        sa.Index(f"ix_{TABLE}_payer_org_id_created_at", "payer_org_id", "created_at", "id"),
        sa.Index(f"ix_{TABLE}_payer_active", "payer_org_id", postgresql_where=sa.text("state = 'active'")),
        sa.Index(f"ix_{TABLE}_proposed_by", "proposed_by"),
        schema="marketplace",
    )
    ddl.grant(f"marketplace.{TABLE}", "SELECT, INSERT, UPDATE")
    ddl.isolate(f"marketplace.{TABLE}", "org_id", "payer_org_id")


def downgrade() -> None:
    """Who pays for whom is forgotten."""
    op.execute("DELETE FROM marketplace.notification WHERE kind LIKE 'payer_%'")
    op.drop_table(TABLE, schema="marketplace")
