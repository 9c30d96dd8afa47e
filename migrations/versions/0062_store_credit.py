"""Credit instead of money: a balance with each seller. A term knows when the seller's system was told of what it gives more."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from migrations import ddl

revision = "0062"
down_revision = "0061"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)
SIDES = ("buyer_org_id", "seller_org_id")
ACCOUNTS = (
    "'gateway_cash', 'buyer_credit', 'party_pending', 'party_available', 'payout_clearing', "
    "'commission', 'gateway_fee', 'suspense'"
)
INCIDENTS = (
    "'refund_returned', 'payout_returned', 'payment_reversed', 'late_success', 'external_refund', "
    "'dispute_lost', 'dispute_overturned', 'payout_partly_returned', 'payout_disputed'"
)
CASES = "'refused', 'escalated', 'granted', 'rejected', 'closed', 'withdrawn'"
PARTS = (
    ("payment", "credit_minor", "amount_minor"),
    ("payment_allocation", "credit_minor", "amount_minor"),
    ("payment_allocation", "credit_back_minor", "reserved_minor"),
    ("refund", "credit_minor", "amount_minor"),
)
"""What of an amount is credit, by table."""


def upgrade() -> None:
    """Nobody has credit yet. Terms that began before are taken for delivered."""
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.add_column("subscription_term", sa.Column("told_at", INSTANT), schema="orders")
    _credit()
    _movement()
    for table, name, whole in PARTS:
        op.add_column(table, sa.Column(name, sa.BigInteger, nullable=False, server_default="0"), schema="billing")
        short = name.removesuffix("_minor")
        op.create_check_constraint(f"ck_{table}_{short}", table, f"{name} BETWEEN 0 AND {whole}", schema="billing")
    _kinds("ledger_account", f"{ACCOUNTS}, 'store_credit'")
    _kinds("incident", f"{INCIDENTS}, 'credit_paid_back'")
    _cases()


def _credit() -> None:
    op.create_table(
        "store_credit",
        *(sa.Column(name, sa.Uuid, nullable=False) for name in ("id", *SIDES)),
        sa.Column("currency", sa.CHAR(3), nullable=False),
        *(sa.Column(f"{name}_minor", sa.BigInteger, nullable=False) for name in ("balance", "reserved")),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_store_credit"),
        sa.UniqueConstraint(*SIDES, "currency", name="uq_store_credit_buyer_org_id_seller_org_id_currency"),
        sa.UniqueConstraint(*SIDES, "id", name="uq_store_credit_buyer_org_id_seller_org_id_id"),
        *(
            sa.ForeignKeyConstraint([name], ["marketplace.organization.id"], name=f"fk_store_credit_{name}")
            for name in SIDES
        ),
        sa.CheckConstraint("0 <= reserved_minor AND reserved_minor <= balance_minor", name="ck_store_credit_balance"),
        sa.Index("ix_store_credit_seller_org_id", "seller_org_id"),
        schema="billing",
    )
    ddl.grant("billing.store_credit")
    ddl.isolate("billing.store_credit", *SIDES)
    ddl.leave_room("billing.store_credit")


def _movement() -> None:
    op.create_table(
        "store_credit_movement",
        *(sa.Column(name, sa.Uuid, nullable=False) for name in ("id", *SIDES, "credit_id")),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("subject_id", sa.Uuid, nullable=False),
        sa.Column("reference", sa.Uuid),
        sa.Column("amount_minor", sa.BigInteger, nullable=False),
        sa.Column("currency", sa.CHAR(3), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_store_credit_movement"),
        sa.UniqueConstraint("kind", "subject_id", name="uq_store_credit_movement_kind_subject_id"),
        sa.ForeignKeyConstraint(
            [*SIDES, "credit_id"],
            [f"billing.store_credit.{name}" for name in (*SIDES, "id")],
            name="fk_store_credit_movement_buyer_org_id_seller_org_id_credit_id",
        ),
        sa.CheckConstraint("kind IN ('given', 'used', 'paid_back')", name="ck_store_credit_movement_kind"),
        sa.CheckConstraint(
            "amount_minor <> 0 AND (amount_minor > 0) = (kind = 'given')", name="ck_store_credit_movement_amount"
        ),
        sa.Index("ix_store_credit_movement_credit", *SIDES, "credit_id", "id"),
        schema="billing",
    )
    ddl.grant("billing.store_credit_movement")
    ddl.isolate("billing.store_credit_movement", *SIDES)


def _kinds(table: str, kinds: str) -> None:
    op.drop_constraint(f"ck_{table}_kind", table, schema="billing")
    op.create_check_constraint(f"ck_{table}_kind", table, f"kind IN ({kinds})", schema="billing")


def _cases() -> None:
    op.add_column(
        "refund_case", sa.Column("as_credit", sa.Boolean, nullable=False, server_default="false"), schema="orders"
    )
    op.add_column("refund_case", sa.Column("offered_minor", sa.BigInteger), schema="orders")
    _case_states(f"'asked', 'credit_offered', {CASES}", "'asked', 'refused', 'escalated', 'credit_offered'")
    op.create_check_constraint(
        "ck_refund_case_offered", "refund_case", "offered_minor BETWEEN 1 AND asked_minor", schema="orders"
    )
    op.create_check_constraint(
        "ck_refund_case_credit_offered",
        "refund_case",
        "state <> 'credit_offered' OR offered_minor IS NOT NULL",
        schema="orders",
    )


def _case_states(states: str, open_states: str) -> None:
    for name in ("state", "deadline"):
        op.drop_constraint(f"ck_refund_case_{name}", "refund_case", schema="orders")
    op.create_check_constraint("ck_refund_case_state", "refund_case", f"state IN ({states})", schema="orders")
    op.create_check_constraint(
        "ck_refund_case_deadline",
        "refund_case",
        f"(state IN ({open_states})) = (deadline_at IS NOT NULL)",
        schema="orders",
    )
    op.drop_index("uq_refund_case_open", "refund_case", schema="orders")
    op.create_index(
        "uq_refund_case_open",
        "refund_case",
        ["order_id"],
        unique=True,
        schema="orders",
        postgresql_where=sa.text(f"state IN ({open_states})"),
    )


def downgrade() -> None:
    """Only where nobody has credit: what was paid by it could not be told."""
    for name in ("credit_offered", "offered"):
        op.drop_constraint(f"ck_refund_case_{name}", "refund_case", schema="orders")
    _case_states(f"'asked', {CASES}", "'asked', 'refused', 'escalated'")
    for name in ("offered_minor", "as_credit"):
        op.drop_column("refund_case", name, schema="orders")
    _kinds("incident", INCIDENTS)
    _kinds("ledger_account", ACCOUNTS)
    for table, name, _ in reversed(PARTS):
        op.drop_constraint(f"ck_{table}_{name.removesuffix('_minor')}", table, schema="billing")
        op.drop_column(table, name, schema="billing")
    op.drop_table("store_credit_movement", schema="billing")
    op.drop_table("store_credit", schema="billing")
    op.drop_column("subscription_term", "told_at", schema="orders")
