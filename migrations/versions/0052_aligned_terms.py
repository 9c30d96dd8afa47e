"""A term can be made to end with another subscription's; plans say how early a renewal is charged, and when a contract ends."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0052"
down_revision = "0051"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)
PLAN = ("renewal_lead_days", "contract_terms")
ANCHORS = ("anchor_day", "anchor_day_before")


def upgrade() -> None:
    """No end was moved so far."""
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.add_column("amendment", sa.Column("aligned_to", INSTANT), schema="orders")
    for name in ANCHORS:
        op.add_column("amendment", sa.Column(name, sa.BigInteger), schema="orders")
    op.create_check_constraint("ck_amendment_aligned_to", "amendment", "aligned_to > ends_at", schema="orders")
    same = [f"(aligned_to IS NULL) = ({name} IS NULL)" for name in ANCHORS]
    op.create_check_constraint("ck_amendment_anchored", "amendment", " AND ".join(same), schema="orders")
    op.add_column("subscription_term", sa.Column("priced_until", INSTANT), schema="orders")
    _plans()


def _plans() -> None:
    for name in PLAN:
        op.add_column("plan", _count(name), schema="marketplace")
    op.create_check_constraint(
        "ck_plan_renewal_lead_days",
        "plan",
        "renewal_lead_days BETWEEN 0 AND least(30, 15 * term_months)",
        schema="marketplace",
    )
    op.create_check_constraint(
        "ck_plan_contract_terms",
        "plan",
        "contract_terms BETWEEN 0 AND 60 AND (contract_terms = 0 OR term_months > 0)",
        schema="marketplace",
    )
    op.add_column("subscription", _count("renewal_lead_days"), schema="orders")
    op.add_column("subscription", sa.Column("contract_terms_left", sa.BigInteger), schema="orders")


def _count(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger, nullable=False, server_default="0")


def downgrade() -> None:
    """Only where no end was moved: what it was paid for could not be told. Contracts are forgotten."""
    for name in ("contract_terms_left", "renewal_lead_days"):
        op.drop_column("subscription", name, schema="orders")
    for name in reversed(PLAN):
        op.drop_constraint(f"ck_plan_{name}", "plan", schema="marketplace")
        op.drop_column("plan", name, schema="marketplace")
    op.drop_column("subscription_term", "priced_until", schema="orders")
    for name in ("anchored", "aligned_to"):
        op.drop_constraint(f"ck_amendment_{name}", "amendment", schema="orders")
    for name in (*reversed(ANCHORS), "aligned_to"):
        op.drop_column("amendment", name, schema="orders")
