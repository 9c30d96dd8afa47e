"""How soon sellers answer: counted, and shown with the seller on cards and pages."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations import ddl

revision = "0130"
down_revision = "0127"
branch_labels = None
depends_on = None

BEFORE = "display_name, state, is_seller"
ASKED = ("conversation_message", "ticket")


def upgrade() -> None:
    """Nothing is shown until the first count, which takes minutes."""
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.add_column("organization", sa.Column("response_time", postgresql.JSONB), schema="marketplace")
    _watch(f"{BEFORE}, response_time")
    op.create_table(
        "seller_response_time",
        sa.Column("seller_org_id", sa.Uuid, nullable=False),
        *(sa.Column(name, sa.BigInteger, nullable=False) for name in ("counted", "in_time")),
        sa.Column("median_s", sa.BigInteger),
        sa.Column("counted_until", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("seller_org_id", name="pk_seller_response_time"),
        sa.ForeignKeyConstraint(
            ["seller_org_id"], ["marketplace.organization.id"], name="fk_seller_response_time_seller_org_id"
        ),
        sa.CheckConstraint("in_time BETWEEN 0 AND counted", name="ck_seller_response_time_in_time"),
        sa.CheckConstraint("median_s >= 0", name="ck_seller_response_time_median"),
        sa.CheckConstraint("in_time = 0 OR median_s IS NOT NULL", name="ck_seller_response_time_timed"),
        schema="orders",
    )
    ddl.grant("orders.seller_response_time", "SELECT, INSERT, UPDATE")
    ddl.isolate("orders.seller_response_time", "seller_org_id")
    for table in ASKED:
        op.create_index(f"ix_{table}_created_at", table, ["created_at"], schema="orders")


def _watch(columns: str) -> None:
    op.execute("DROP TRIGGER organization_replaces_catalogue_version ON marketplace.organization")
    op.execute(
        f"CREATE CONSTRAINT TRIGGER organization_replaces_catalogue_version AFTER UPDATE OF {columns} "
        "ON marketplace.organization DEFERRABLE INITIALLY DEFERRED FOR EACH ROW "
        "EXECUTE FUNCTION marketplace.replace_catalogue_version()"
    )


def downgrade() -> None:
    """Forget what was counted."""
    op.execute("SET LOCAL lock_timeout = '5s'")
    for table in ASKED:
        op.drop_index(f"ix_{table}_created_at", table, schema="orders")
    op.drop_table("seller_response_time", schema="orders")
    _watch(BEFORE)
    op.drop_column("organization", "response_time", schema="marketplace")
