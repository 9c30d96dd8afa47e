"""Sellers offer one price to all partners in a tier."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations import ddl

revision = "0073"
down_revision = "0072"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """There are none yet; every offer that was made is to one buyer."""
    op.execute("SET LOCAL lock_timeout = '5s'")
    # The tier that it names is of the same seller.
    op.drop_constraint("fk_tier_price_seller_org_id", "tier_price", schema="marketplace")
    _tier_offer()
    for name in ("tier_offer_id", "partner_link_id"):
        op.add_column("offer", sa.Column(name, sa.Uuid), schema="orders")
    op.create_foreign_key(
        "fk_offer_seller_org_id_tier_offer_id",
        "offer",
        "tier_offer",
        ["seller_org_id", "tier_offer_id"],
        ["seller_org_id", "id"],
        source_schema="orders",
        referent_schema="orders",
    )
    sides = ["buyer_org_id", "seller_org_id"]
    op.create_foreign_key(
        "fk_offer_buyer_org_id_seller_org_id_partner_link_id",
        "offer",
        "partner_link",
        [*sides, "partner_link_id"],
        [*sides, "id"],
        source_schema="orders",
        referent_schema="marketplace",
    )
    checks = {
        "of_tier": "(tier_offer_id IS NULL) = (partner_link_id IS NULL)",
        "tier_or_lead": "tier_offer_id IS NULL OR lead_id IS NULL",
    }
    for name, rule in checks.items():
        op.create_check_constraint(f"ck_offer_{name}", "offer", rule, schema="orders")
    op.create_index(
        "uq_offer_of_tier",
        "offer",
        ["tier_offer_id", "buyer_org_id"],
        unique=True,
        schema="orders",
        postgresql_where=sa.text("state IN ('open', 'accepted')"),
    )
    listed = ["seller_org_id", "tier_offer_id", "created_at", "id"]
    op.create_index("ix_offer_tier_offer_id", "offer", listed, schema="orders")
    op.create_index("ix_offer_partner_link_id", "offer", [*sides, "partner_link_id"], schema="orders")


def _needed(name: str, kind: Any) -> sa.Column[Any]:
    return sa.Column(name, kind, nullable=False)


def _tier_offer() -> None:
    checks = {
        "state": "state IN ('awaiting_approval', 'open', 'withdrawn', 'rejected')",
        "contract_terms": "contract_terms BETWEEN 1 AND 60",
        "contract": "contract_terms IS NULL OR contract_ends_at IS NULL",
        "decision": "decision IN ('approved', 'rejected')",
        "decided": "(decision IS NULL) = (decided_by IS NULL) AND (decision IS NULL) = (decided_at IS NULL)",
        "decision_text": "decision IS NOT NULL OR decision_text = ''",
    }
    op.create_table(
        "tier_offer",
        *(_needed(name, sa.Uuid) for name in ("id", "seller_org_id", "tier_id")),
        _needed("state", sa.Text),
        _needed("currency", sa.CHAR(3)),
        _needed("valid_until", INSTANT),
        _needed("terms", sa.Text),
        _needed("takes_more", sa.Boolean),
        sa.Column("contract_terms", sa.BigInteger),
        sa.Column("contract_ends_at", INSTANT),
        *(_needed(name, postgresql.JSONB) for name in ("lines", "below")),
        sa.Column("decision", sa.Text),
        _needed("decision_text", sa.Text),
        sa.Column("decided_by", sa.Uuid),
        sa.Column("decided_at", INSTANT),
        _needed("made_by", sa.Uuid),
        _needed("created_at", INSTANT),
        sa.PrimaryKeyConstraint("id", name="pk_tier_offer"),
        sa.UniqueConstraint("seller_org_id", "id", name="uq_tier_offer_seller_org_id_id"),
        sa.ForeignKeyConstraint(
            ["seller_org_id", "tier_id"],
            ["marketplace.partner_tier.seller_org_id", "marketplace.partner_tier.id"],
            name="fk_tier_offer_seller_org_id_tier_id",
        ),
        *(
            sa.ForeignKeyConstraint([who], ["marketplace.person.id"], name=f"fk_tier_offer_{who}")
            for who in ("decided_by", "made_by")
        ),
        *(sa.CheckConstraint(rule, name=f"ck_tier_offer_{name}") for name, rule in checks.items()),
        sa.Index("ix_tier_offer_seller_org_id_created_at", "seller_org_id", "created_at", "id"),
        sa.Index("ix_tier_offer_tier_id", "seller_org_id", "tier_id"),
        sa.Index("ix_tier_offer_made_by", "made_by"),
        sa.Index("ix_tier_offer_decided_by", "decided_by"),
        schema="orders",
    )
    ddl.grant("orders.tier_offer", "SELECT, INSERT, UPDATE")
    # Who else is offered the same, no partner learns.
    ddl.isolate("orders.tier_offer", "seller_org_id")


def downgrade() -> None:
    """Who got one keeps it as an offer of its own."""
    for name in ("ix_offer_partner_link_id", "ix_offer_tier_offer_id", "uq_offer_of_tier"):
        op.drop_index(name, table_name="offer", schema="orders")
    for name in ("tier_offer_id", "partner_link_id"):
        op.drop_column("offer", name, schema="orders")
    op.drop_table("tier_offer", schema="orders")
    op.create_foreign_key(
        "fk_tier_price_seller_org_id",
        "tier_price",
        "organization",
        ["seller_org_id"],
        ["id"],
        source_schema="marketplace",
        referent_schema="marketplace",
    )
