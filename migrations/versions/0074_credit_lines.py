"""Purchases on account: credit lines of buyers, what is held of them, and what is owed by transfer."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from migrations import ddl

revision = "0074"
down_revision = "0073"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)
ACCOUNTS = (
    "'gateway_cash', 'buyer_credit', 'party_pending', 'party_available', 'payout_clearing', "
    "'commission', 'gateway_fee', 'gateway_exchange', 'bank_clearing', 'suspense', 'store_credit'"
)
OWED_BY = {"owed": ["payment_id"], "due": ["deadline_at", "id"]}
"""Indexes of what is owed."""
CODES = {
    "voucher": ("1122", "应收账款"),
    "datev": ("1400", "Receivable from buyers on account"),
    "iif": ("Accounts Receivable - On Account", "Receivable from buyers on account"),
    "xero": ("610", "Receivable from buyers on account"),
}
"""Of the new kind of account: number and name by the Chinese chart of accounts, SKR03, QuickBooks and Xero."""


def upgrade() -> None:
    """Nobody has a line yet; what was paid by transfer was never owed."""
    op.execute("SET LOCAL lock_timeout = '5s'")
    _kinds(f"{ACCOUNTS}, 'receivable'")
    _line()
    _hold()
    _transfers()
    _notices()
    op.add_column("invoice", sa.Column("due_on", sa.Date), schema="billing")
    _account_codes()


def _account_codes() -> None:
    columns = ("format", "kind", "code", "name")
    table = sa.table("account_code", *(sa.column(name, sa.Text) for name in columns), schema="billing")
    rows = [{"format": form, "kind": "receivable", "code": code, "name": name} for form, (code, name) in CODES.items()]
    op.bulk_insert(table, rows)


def _kinds(kinds: str) -> None:
    op.drop_constraint("ck_ledger_account_kind", "ledger_account", schema="billing")
    op.create_check_constraint("ck_ledger_account_kind", "ledger_account", f"kind IN ({kinds})", schema="billing")


def _needed(kind: Any, *names: str) -> list[sa.Column[Any]]:
    return [sa.Column(name, kind, nullable=False) for name in names]


def _line() -> None:
    checks = {
        "state": "state IN ('asked', 'open', 'declined', 'closed')",
        "terms": "limit_minor >= 0 AND term_days BETWEEN 1 AND 120",
        "not_negative": "held_minor >= 0 AND used_minor >= 0 AND over_minor >= 0",
        "limit": "held_minor + used_minor <= limit_minor + over_minor",
        "asked": "asked_minor > 0",
        "asked_first": "state <> 'asked' OR asked_minor IS NOT NULL",
    }
    op.create_table(
        "credit_line",
        *_needed(sa.Uuid(), "id", "org_id"),
        *_needed(sa.CHAR(3), "currency"),
        *_needed(sa.Text(), "state"),
        *_needed(sa.BigInteger(), "limit_minor", "term_days", "held_minor", "used_minor", "over_minor"),
        sa.Column("first_due_at", INSTANT),
        sa.Column("asked_minor", sa.BigInteger),
        *_needed(sa.Text(), "asked_reason"),
        sa.Column("asked_by", sa.Uuid),
        sa.Column("asked_at", INSTANT),
        sa.Column("decided_by", sa.Uuid),
        sa.Column("decided_at", INSTANT),
        *_needed(sa.Text(), "decision_reason"),
        *_needed(INSTANT, "created_at"),
        sa.PrimaryKeyConstraint("id", name="pk_credit_line"),
        sa.UniqueConstraint("org_id", "currency", name="uq_credit_line_org_id_currency"),
        sa.UniqueConstraint("org_id", "id", name="uq_credit_line_org_id_id"),
        sa.ForeignKeyConstraint(["org_id"], ["marketplace.organization.id"], name="fk_credit_line_org_id"),
        *(
            sa.ForeignKeyConstraint([who], ["marketplace.person.id"], name=f"fk_credit_line_{who}")
            for who in ("asked_by", "decided_by")
        ),
        *(sa.CheckConstraint(rule, name=f"ck_credit_line_{name}") for name, rule in checks.items()),
        sa.Index("ix_credit_line_created_at", "created_at", "id"),
        sa.Index("ix_credit_line_asked", "asked_at", postgresql_where=sa.text("asked_minor IS NOT NULL")),
        sa.Index("ix_credit_line_asked_by", "asked_by"),
        sa.Index("ix_credit_line_decided_by", "decided_by"),
        schema="billing",
    )
    ddl.grant("billing.credit_line", "SELECT, INSERT, UPDATE")
    ddl.isolate("billing.credit_line", "org_id")
    ddl.leave_room("billing.credit_line")


def _hold() -> None:
    op.create_table(
        "credit_hold",
        *_needed(sa.Uuid(), "id", "org_id", "line_id", "payment_id"),
        *_needed(sa.Text(), "state"),
        *_needed(sa.BigInteger(), "amount_minor"),
        *_needed(sa.CHAR(3), "currency"),
        *_needed(sa.BigInteger(), "term_days"),
        *_needed(INSTANT, "created_at"),
        sa.PrimaryKeyConstraint("id", name="pk_credit_hold"),
        sa.UniqueConstraint("payment_id", name="uq_credit_hold_payment_id"),
        sa.ForeignKeyConstraint(
            ["org_id", "line_id"],
            ["billing.credit_line.org_id", "billing.credit_line.id"],
            name="fk_credit_hold_org_id_line_id",
        ),
        sa.ForeignKeyConstraint(
            ["org_id", "payment_id"],
            ["billing.payment.payer_org_id", "billing.payment.id"],
            name="fk_credit_hold_org_id_payment_id",
        ),
        sa.CheckConstraint("state IN ('held', 'drawn', 'released')", name="ck_credit_hold_state"),
        sa.CheckConstraint("amount_minor > 0", name="ck_credit_hold_amount"),
        sa.Index("ix_credit_hold_org_id_line_id", "org_id", "line_id"),
        sa.Index("ix_credit_hold_org_id_payment_id", "org_id", "payment_id"),
        schema="billing",
    )
    ddl.grant("billing.credit_hold", "SELECT, INSERT, UPDATE")
    ddl.isolate("billing.credit_hold", "org_id")
    ddl.leave_room("billing.credit_hold")


def _transfers() -> None:
    op.add_column(
        "bank_transfer",
        sa.Column("gateway", sa.Text, nullable=False, server_default="bank_transfer"),
        schema="billing",
    )
    op.add_column(
        "bank_transfer",
        sa.Column("credited_minor", sa.BigInteger, nullable=False, server_default=sa.text("0")),
        schema="billing",
    )
    _transfer_rules(
        state="state IN ('awaited', 'received', 'withdrawn', 'credited')",
        received="received_minor >= 0 AND written_off_minor >= 0 AND credited_minor >= 0",
        not_exceeded="received_minor + written_off_minor + credited_minor <= amount_minor",
        received_in_full="(state IN ('received', 'credited')) = "
        "(received_minor + written_off_minor + credited_minor = amount_minor)",
    )
    more = {
        "gateway": "gateway IN ('bank_transfer', 'on_account')",
        "credited": "credited_minor = 0 OR gateway = 'on_account'",
    }
    for name, rule in more.items():
        op.create_check_constraint(f"ck_bank_transfer_{name}", "bank_transfer", rule, schema="billing")
    for name, columns in OWED_BY.items():
        op.create_index(
            f"ix_bank_transfer_{name}",
            "bank_transfer",
            columns,
            schema="billing",
            postgresql_where=sa.text("state = 'awaited' AND gateway = 'on_account'"),
        )
    op.create_table(
        "transfer_credit",
        *_needed(sa.Uuid(), "id", "transfer_id"),
        *_needed(sa.Text(), "idempotency_key"),
        *_needed(sa.BigInteger(), "amount_minor"),
        *_needed(sa.CHAR(3), "currency"),
        *_needed(INSTANT, "created_at"),
        sa.PrimaryKeyConstraint("id", name="pk_transfer_credit"),
        sa.UniqueConstraint("idempotency_key", name="uq_transfer_credit_idempotency_key"),
        sa.ForeignKeyConstraint(["transfer_id"], ["billing.bank_transfer.id"], name="fk_transfer_credit_transfer_id"),
        sa.CheckConstraint("amount_minor > 0", name="ck_transfer_credit_amount"),
        sa.Index("ix_transfer_credit_transfer_id", "transfer_id"),
        schema="billing",
    )
    ddl.append_only("billing.transfer_credit")
    op.execute("ALTER TABLE billing.transfer_credit ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE billing.transfer_credit FORCE ROW LEVEL SECURITY")
    op.execute("CREATE POLICY platform ON billing.transfer_credit USING (kernel.is_platform())")


def _notices() -> None:
    op.create_table(
        "dunning_notice",
        *_needed(sa.Uuid(), "id", "payer_org_id", "transfer_id"),
        *_needed(sa.BigInteger(), "days", "owed_minor"),
        *_needed(sa.CHAR(3), "currency"),
        *_needed(INSTANT, "due_at"),
        *_needed(JSONB(), "files"),
        *_needed(INSTANT, "created_at"),
        sa.PrimaryKeyConstraint("id", name="pk_dunning_notice"),
        sa.UniqueConstraint("transfer_id", "days", name="uq_dunning_notice_transfer_id_days"),
        sa.ForeignKeyConstraint(
            ["payer_org_id"], ["marketplace.organization.id"], name="fk_dunning_notice_payer_org_id"
        ),
        sa.ForeignKeyConstraint(["transfer_id"], ["billing.bank_transfer.id"], name="fk_dunning_notice_transfer_id"),
        sa.CheckConstraint("owed_minor > 0", name="ck_dunning_notice_owed"),
        sa.Index("ix_dunning_notice_payer_org_id_created_at", "payer_org_id", "created_at", "id"),
        sa.Index("ix_dunning_notice_created_at", "created_at", "id"),
        schema="billing",
    )
    ddl.grant("billing.dunning_notice", "SELECT, INSERT, UPDATE")
    ddl.isolate("billing.dunning_notice", "payer_org_id")


def _transfer_rules(**rules: str) -> None:
    for name, rule in rules.items():
        op.drop_constraint(f"ck_bank_transfer_{name}", "bank_transfer", schema="billing")
        op.create_check_constraint(f"ck_bank_transfer_{name}", "bank_transfer", rule, schema="billing")


def downgrade() -> None:
    """Only where nothing was bought on account."""
    op.execute("DELETE FROM billing.account_code WHERE kind = 'receivable'")
    op.drop_column("invoice", "due_on", schema="billing")
    for table in ("dunning_notice", "transfer_credit"):
        op.drop_table(table, schema="billing")
    for name in OWED_BY:
        op.drop_index(f"ix_bank_transfer_{name}", table_name="bank_transfer", schema="billing")
    for name in ("gateway", "credited"):
        op.drop_constraint(f"ck_bank_transfer_{name}", "bank_transfer", schema="billing")
    _transfer_rules(
        state="state IN ('awaited', 'received', 'withdrawn')",
        received="received_minor >= 0 AND written_off_minor >= 0",
        not_exceeded="received_minor + written_off_minor <= amount_minor",
        received_in_full="(state = 'received') = (received_minor + written_off_minor = amount_minor)",
    )
    for name in ("credited_minor", "gateway"):
        op.drop_column("bank_transfer", name, schema="billing")
    for table in ("credit_hold", "credit_line"):
        op.drop_table(table, schema="billing")
    _kinds(ACCOUNTS)
