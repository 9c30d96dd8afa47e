"""What a buyer asks back after the window: the seller decides, then the operator, with what both sides show."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from migrations import ddl

revision = "0054"
down_revision = "0053"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)
OPEN = "state IN ('asked', 'refused', 'escalated')"
PARTIES = ("buyer_org_id", "seller_org_id")


def upgrade() -> None:
    """Nobody has asked yet."""
    op.execute("SET LOCAL lock_timeout = '5s'")
    _case()
    _evidence()


def _case() -> None:
    op.create_table(
        "refund_case",
        *(sa.Column(name, sa.Uuid, nullable=False) for name in ("id", *PARTIES, "order_id")),
        sa.Column("currency", sa.CHAR(3), nullable=False),
        sa.Column("asked_minor", sa.BigInteger, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("requested_by", sa.Uuid),
        sa.Column("state", sa.Text, nullable=False),
        *(
            sa.Column(name, INSTANT)
            for name in ("deadline_at", "answered_at", "escalated_at", "decided_at", "ended_at")
        ),
        *(sa.Column(name, sa.Text, nullable=False) for name in ("answer", "appeal", "decision")),
        sa.Column("decided_by", sa.Uuid),
        sa.Column("granted_minor", sa.BigInteger),
        sa.Column("refund_id", sa.Uuid),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_refund_case"),
        sa.UniqueConstraint(*PARTIES, "id", name="uq_refund_case_buyer_org_id_seller_org_id_id"),
        sa.ForeignKeyConstraint(
            [*PARTIES, "order_id"],
            [f"orders.order.{name}" for name in (*PARTIES, "id")],
            name="fk_refund_case_buyer_org_id_seller_org_id_order_id",
        ),
        sa.ForeignKeyConstraint(["refund_id"], ["billing.refund.id"], name="fk_refund_case_refund_id"),
        sa.CheckConstraint(
            "state IN ('asked', 'refused', 'escalated', 'granted', 'rejected', 'closed', 'withdrawn')",
            name="ck_refund_case_state",
        ),
        sa.CheckConstraint("asked_minor > 0", name="ck_refund_case_asked"),
        sa.CheckConstraint("granted_minor BETWEEN 1 AND asked_minor", name="ck_refund_case_granted"),
        sa.CheckConstraint(
            "(state = 'granted') = (granted_minor IS NOT NULL) AND (state = 'granted') = (refund_id IS NOT NULL)",
            name="ck_refund_case_paid",
        ),
        sa.CheckConstraint(f"({OPEN}) = (deadline_at IS NOT NULL)", name="ck_refund_case_deadline"),
        sa.CheckConstraint(
            "(state IN ('granted', 'rejected', 'closed', 'withdrawn')) = (ended_at IS NOT NULL)",
            name="ck_refund_case_ended",
        ),
        sa.CheckConstraint("state <> 'escalated' OR escalated_at IS NOT NULL", name="ck_refund_case_escalated"),
        schema="orders",
    )
    _index("uq_refund_case_open", "order_id", unique=True, where=OPEN)
    _index("uq_refund_case_refund_id", "refund_id", unique=True, where="refund_id IS NOT NULL")
    _index("ix_refund_case_buyer_org_id", *PARTIES, "order_id", "created_at")
    _index("ix_refund_case_seller_org_id", "seller_org_id", "created_at", "id")
    _index("ix_refund_case_deadline_at", "deadline_at", where="deadline_at IS NOT NULL")
    _index("ix_refund_case_escalated", "escalated_at", "id", where="state = 'escalated'")
    ddl.grant("orders.refund_case", "SELECT, INSERT, UPDATE")
    ddl.isolate("orders.refund_case", *PARTIES)


def _evidence() -> None:
    op.create_table(
        "refund_evidence",
        *(sa.Column(name, sa.Uuid, nullable=False) for name in ("id", *PARTIES, "case_id")),
        *(sa.Column(name, sa.Text, nullable=False) for name in ("side", "file_key", "file_name", "media_type")),
        sa.Column("size_bytes", sa.BigInteger, nullable=False),
        sa.Column("sha256", sa.Text, nullable=False),
        sa.Column("submitted_by", sa.Uuid),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_refund_evidence"),
        sa.UniqueConstraint("case_id", "side", "sha256", name="uq_refund_evidence_case_id_side_sha256"),
        sa.ForeignKeyConstraint(
            [*PARTIES, "case_id"],
            [f"orders.refund_case.{name}" for name in (*PARTIES, "id")],
            name="fk_refund_evidence_buyer_org_id_seller_org_id_case_id",
        ),
        sa.CheckConstraint("side IN ('buyer', 'seller')", name="ck_refund_evidence_side"),
        sa.CheckConstraint("size_bytes > 0", name="ck_refund_evidence_size"),
        sa.Index("ix_refund_evidence_case", *PARTIES, "case_id"),
        schema="orders",
    )
    ddl.append_only("orders.refund_evidence")
    ddl.isolate("orders.refund_evidence", *PARTIES)


def _index(name: str, *columns: str, unique: bool = False, where: str | None = None) -> None:
    condition = sa.text(where) if where else None
    op.create_index(name, "refund_case", list(columns), unique=unique, schema="orders", postgresql_where=condition)


def downgrade() -> None:
    """What was asked is forgotten; what was granted has its refunds."""
    op.drop_table("refund_evidence", schema="orders")
    op.drop_table("refund_case", schema="orders")
