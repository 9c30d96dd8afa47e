"""The books close by the month, are exported by account numbers, and are reconciled with what stands beside them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from migrations import ddl

revision = "0069"
down_revision = "0068"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)
FORMATS = ("voucher", "datev", "iif", "xero")
CODES = {
    "gateway_cash": ("1012", "其他货币资金", "Cash at gateways", "1360", "Gateway Cash", "090"),
    "buyer_credit": ("2203", "预收账款", "Buyers' prepayments", "1710", "Customer Deposits", "810"),
    "party_pending": ("2241.01", "其他应付款-待结算", "Payable to parties, pending", "1701", "Payable Pending", "811"),
    "party_available": ("2241.02", "其他应付款-可提", "Payable to parties", "1702", "Payable Available", "812"),
    "payout_clearing": ("2241.03", "其他应付款-打款在途", "Payouts on their way", "1361", "Payout Clearing", "813"),
    "commission": ("6001", "主营业务收入-佣金", "Commission", "8510", "Commission Income", "200"),
    "gateway_fee": ("6603", "财务费用-手续费", "Gateway fees", "4970", "Gateway Fees", "404"),
    "gateway_exchange": ("6061", "汇兑损益", "Exchange differences", "2150", "Exchange Gain or Loss", "497"),
    "bank_clearing": ("1002.09", "银行存款-在途", "Transfers to the bank", "1362", "Bank Clearing", "815"),
    "suspense": ("1901", "待处理财产损溢", "Suspense", "1370", "Suspense", "850"),
    "store_credit": ("2203.01", "预收账款-抵用金", "Store credit", "1711", "Store Credit", "814"),
}
"""Of each kind of account: numbers and names by the Chinese chart of accounts, SKR03, QuickBooks and Xero."""


def upgrade() -> None:
    """No month is closed and nothing was compared yet."""
    op.execute("SET LOCAL lock_timeout = '5s'")
    _periods()
    _account_codes()
    _reconciliation()


def _periods() -> None:
    op.create_table(
        "accounting_period",
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("month", sa.Date, nullable=False),
        *(sa.Column(name, INSTANT, nullable=False) for name in ("starts_at", "ends_at")),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("transactions", sa.BigInteger),
        sa.Column("closed_at", INSTANT, nullable=False),
        sa.Column("closed_by", sa.Text, nullable=False),
        sa.Column("reopened_at", INSTANT),
        *(sa.Column(name, sa.Text) for name in ("reopened_by", "reason")),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_accounting_period"),
        sa.UniqueConstraint("month", name="uq_accounting_period_month"),
        sa.CheckConstraint("state IN ('closed', 'reopened')", name="ck_accounting_period_state"),
        sa.CheckConstraint("starts_at < ends_at", name="ck_accounting_period_range"),
        sa.CheckConstraint(
            "state = 'closed' OR (reopened_at IS NOT NULL AND reopened_by IS NOT NULL AND reason IS NOT NULL)",
            name="ck_accounting_period_reopened",
        ),
        sa.Index("ix_accounting_period_closed", "ends_at", postgresql_where=sa.text("state = 'closed'")),
        schema="billing",
    )
    ddl.grant("billing.accounting_period", "SELECT, INSERT, UPDATE")
    op.create_table(
        "accounting_period_balance",
        *(sa.Column(name, sa.Uuid, nullable=False) for name in ("period_id", "account_id")),
        *(sa.Column(name, sa.BigInteger, nullable=False) for name in ("debit_minor", "credit_minor", "balance_minor")),
        sa.Column("currency", sa.CHAR(3), nullable=False),
        sa.PrimaryKeyConstraint("period_id", "account_id", name="pk_accounting_period_balance"),
        sa.ForeignKeyConstraint(
            ["period_id"], ["billing.accounting_period.id"], name="fk_accounting_period_balance_period_id"
        ),
        sa.ForeignKeyConstraint(
            ["account_id"], ["billing.ledger_account.id"], name="fk_accounting_period_balance_account_id"
        ),
        sa.CheckConstraint("debit_minor >= 0 AND credit_minor >= 0", name="ck_accounting_period_balance_sides"),
        sa.Index("ix_accounting_period_balance_account_id", "account_id"),
        schema="billing",
    )
    ddl.grant("billing.accounting_period_balance", "SELECT, INSERT, DELETE")
    op.add_column("ledger_transaction", sa.Column("occurred_at", INSTANT), schema="billing")
    op.create_check_constraint(
        "ck_ledger_transaction_occurred", "ledger_transaction", "occurred_at < effective_at", schema="billing"
    )
    op.create_index(
        "ix_ledger_transaction_effective_at", "ledger_transaction", ["effective_at", "id"], schema="billing"
    )
    # An account's postings are read page by page, the latest first.
    op.drop_index("ix_posting_org_id_account_id_currency", "posting", schema="billing")
    op.create_index(
        "ix_posting_org_id_account_id_currency_id",
        "posting",
        ["org_id", "account_id", "currency", "id"],
        schema="billing",
    )
    # Whoever closes a month holds the same lock alone, so that no fact is on its way into it meanwhile.
    op.execute("""
        CREATE FUNCTION billing.keep_closed_period() RETURNS trigger LANGUAGE plpgsql AS $$
        DECLARE open_from timestamptz;
        BEGIN
            PERFORM pg_advisory_xact_lock_shared(4202, 0);
            SELECT max(ends_at) INTO open_from FROM billing.accounting_period WHERE state = 'closed';
            IF NEW.effective_at < open_from THEN
                NEW.occurred_at := NEW.effective_at;
                NEW.effective_at := open_from;
            END IF;
            RETURN NEW;
        END $$""")
    op.execute(
        "CREATE TRIGGER ledger_transaction_in_open_period BEFORE INSERT ON billing.ledger_transaction "
        "FOR EACH ROW EXECUTE FUNCTION billing.keep_closed_period()"
    )


def _account_codes() -> None:
    op.create_table(
        "account_code",
        *(sa.Column(name, sa.Text, nullable=False) for name in ("format", "kind", "code", "name")),
        sa.Column("changed_at", INSTANT),
        sa.Column("changed_by", sa.Text),
        sa.PrimaryKeyConstraint("format", "kind", name="pk_account_code"),
        sa.CheckConstraint(f"format IN {FORMATS}", name="ck_account_code_format"),
        sa.CheckConstraint("code <> '' AND name <> ''", name="ck_account_code_named"),
        schema="billing",
    )
    ddl.grant("billing.account_code", "SELECT, INSERT, UPDATE")
    table = sa.table(
        "account_code", *(sa.column(name, sa.Text) for name in ("format", "kind", "code", "name")), schema="billing"
    )
    rows = []
    for kind, (chinese, zh, en, datev, quickbooks, xero) in CODES.items():
        codes = ((chinese, zh), (datev, en), (quickbooks, quickbooks), (xero, en))
        rows += [
            {"format": name, "kind": kind, "code": code, "name": title}
            for name, (code, title) in zip(FORMATS, codes, strict=True)
        ]
    op.bulk_insert(table, rows)


def _reconciliation() -> None:
    op.create_table(
        "reconciliation_run",
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("leg", sa.Text, nullable=False),
        *(sa.Column(name, sa.BigInteger, nullable=False) for name in ("compared", "differing")),
        sa.Column("kinds", JSONB, nullable=False),
        sa.Column("asked_by", sa.Text, nullable=False),
        *(sa.Column(name, INSTANT, nullable=False) for name in ("started_at", "ended_at")),
        sa.PrimaryKeyConstraint("id", name="pk_reconciliation_run"),
        sa.CheckConstraint("0 <= differing AND differing <= compared", name="ck_reconciliation_run_differing"),
        sa.Index("ix_reconciliation_run_leg", "leg", "ended_at"),
        schema="billing",
    )
    ddl.append_only("billing.reconciliation_run")
    op.create_table(
        "reconciliation_difference",
        sa.Column("id", sa.Uuid, nullable=False),
        *(sa.Column(name, sa.Text, nullable=False) for name in ("leg", "kind", "subject")),
        sa.Column("currency", sa.CHAR(3), nullable=False),
        *(sa.Column(name, sa.BigInteger) for name in ("expected_minor", "found_minor")),
        sa.Column("state", sa.Text, nullable=False),
        *(sa.Column(name, INSTANT, nullable=False) for name in ("created_at", "seen_at")),
        sa.Column("owner_id", sa.Uuid),
        sa.Column("reason", sa.Text),
        sa.Column("decided_by", sa.Text),
        sa.Column("resolved_at", INSTANT),
        sa.PrimaryKeyConstraint("id", name="pk_reconciliation_difference"),
        sa.ForeignKeyConstraint(["owner_id"], ["marketplace.person.id"], name="fk_reconciliation_difference_owner_id"),
        sa.CheckConstraint("state IN ('open', 'explained', 'resolved')", name="ck_reconciliation_difference_state"),
        sa.CheckConstraint("expected_minor IS DISTINCT FROM found_minor", name="ck_reconciliation_difference_differs"),
        sa.CheckConstraint(
            "state = 'open' OR (reason IS NOT NULL AND decided_by IS NOT NULL)",
            name="ck_reconciliation_difference_decided",
        ),
        sa.CheckConstraint(
            "(state = 'resolved') = (resolved_at IS NOT NULL)", name="ck_reconciliation_difference_resolved"
        ),
        sa.Index(
            "uq_reconciliation_difference_live",
            *("leg", "kind", "subject", "currency"),
            unique=True,
            postgresql_where=sa.text("state <> 'resolved'"),
        ),
        sa.Index("ix_reconciliation_difference_created_at", "created_at", "id"),
        sa.Index("ix_reconciliation_difference_owner_id", "owner_id"),
        schema="billing",
    )
    ddl.grant("billing.reconciliation_difference", "SELECT, INSERT, UPDATE")


def downgrade() -> None:
    """Only where no fact came late: when it happened would be forgotten."""
    for table in ("reconciliation_difference", "reconciliation_run", "account_code"):
        op.drop_table(table, schema="billing")
    op.execute("DROP TRIGGER ledger_transaction_in_open_period ON billing.ledger_transaction")
    op.execute("DROP FUNCTION billing.keep_closed_period()")
    op.drop_index("ix_posting_org_id_account_id_currency_id", "posting", schema="billing")
    op.create_index(
        "ix_posting_org_id_account_id_currency", "posting", ["org_id", "account_id", "currency"], schema="billing"
    )
    op.drop_index("ix_ledger_transaction_effective_at", "ledger_transaction", schema="billing")
    op.drop_constraint("ck_ledger_transaction_occurred", "ledger_transaction", schema="billing")
    op.drop_column("ledger_transaction", "occurred_at", schema="billing")
    op.drop_table("accounting_period_balance", schema="billing")
    op.drop_table("accounting_period", schema="billing")
