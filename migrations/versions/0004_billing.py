"""Second floor, money: payments, refunds, charges, shares, ledger, statements, payouts, invoices.

What the database itself refuses: an unbalanced or reopened ledger transaction, a change of the books, of a numbered
document or of a closed statement, a second living payment, refund above what is left, two documents for one order.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations import ddl

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)
TABLES = (
    "ledger_seal_entry ledger_seal posting ledger_transaction ledger_account payout_attempt payout statement_line "
    "share_reversal share share_policy statement invoice_line invoice number_series refund_attempt refund_line refund "
    "charge sandbox_operation payment_allocation payment_attempt payment"
).split()
FUNCTIONS = (
    "check_ledger_transaction",
    "refuse_late_posting",
    "keep_issued_invoice",
    "keep_closed_statement",
    "refuse_deletion",
)
BOOKS = "ledger_account ledger_transaction posting ledger_seal ledger_seal_entry".split()
APPEND_ONLY = [*BOOKS, *"statement_line refund_line invoice_line share_policy".split()]
UNDELETABLE = (
    "payment payment_attempt payment_allocation charge refund refund_attempt number_series invoice statement share "
    "share_reversal payout payout_attempt sandbox_operation"
).split()
SOON_CHANGED = "payment payment_attempt sandbox_operation share invoice number_series".split()
OWNERS = {
    "payment": ("payer_org_id",),
    "payment_attempt": ("payer_org_id",),
    "payment_allocation": ("payer_org_id", "seller_org_id"),
    "charge": ("buyer_org_id", "seller_org_id"),
    "refund": ("buyer_org_id", "seller_org_id"),
    "refund_line": ("buyer_org_id", "seller_org_id"),
    "refund_attempt": ("buyer_org_id", "seller_org_id"),
    "number_series": ("org_id",),
    "invoice": ("buyer_org_id", "seller_org_id"),
    "invoice_line": ("buyer_org_id", "seller_org_id"),
    "statement": ("org_id",),
    "statement_line": ("org_id",),
    "share": ("org_id", "seller_org_id"),
    "share_reversal": ("org_id", "seller_org_id"),
    "payout": ("org_id",),
    "payout_attempt": ("org_id",),
    "ledger_account": ("org_id",),
    "ledger_transaction": ("org_ids[]",),
    "posting": ("org_id",),
}


def upgrade() -> None:
    """Create the schema, its tables, what keeps them true, and the first published share policy."""
    op.execute("SET LOCAL lock_timeout = '5s'")
    ddl.create_schema("billing")
    _payments()
    _refunds()
    _invoices()
    _statements()
    _payouts()
    _ledger()
    _truths()
    _policy()
    for table in APPEND_ONLY:
        ddl.append_only(f"billing.{table}")
    for table in UNDELETABLE:
        ddl.grant(f"billing.{table}", "SELECT, INSERT, UPDATE")
        op.execute(
            f"CREATE TRIGGER {table}_undeletable BEFORE DELETE ON billing.{table} "
            "FOR EACH ROW EXECUTE FUNCTION billing.refuse_deletion()"
        )
    ddl.leave_room(*(f"billing.{table}" for table in SOON_CHANGED))
    for table, columns in OWNERS.items():
        ddl.isolate(f"billing.{table}", *columns)


def _payments() -> None:
    op.create_table(
        "payment",
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("payer_org_id", sa.Uuid, nullable=False),
        sa.Column("reference", sa.Uuid, nullable=False),
        sa.Column("gateway", sa.Text, nullable=False),
        sa.Column("method_token", sa.Text, nullable=False),
        sa.Column("amount_minor", sa.BigInteger, nullable=False),
        sa.Column("currency", sa.CHAR(3), nullable=False),
        sa.Column("description", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("error_code", sa.Text),
        sa.Column("next_action", postgresql.JSONB),
        sa.Column("gateway_reference", sa.Text),
        sa.Column("deadline_at", INSTANT, nullable=False),
        sa.Column("next_check_at", INSTANT, nullable=False),
        sa.Column("checks", sa.BigInteger, nullable=False),
        sa.Column("captured_at", INSTANT),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.CheckConstraint("(state = 'succeeded') = (captured_at IS NOT NULL)", name="ck_payment_captured"),
        sa.CheckConstraint(
            "state IN ('processing', 'requires_action', 'unknown', 'succeeded', 'failed')",
            name="ck_payment_state",
        ),
        sa.CheckConstraint("amount_minor > 0", name="ck_payment_amount"),
        sa.Index(
            "uq_payment_gateway_reference",
            "gateway",
            "gateway_reference",
            unique=True,
            postgresql_where=sa.text("gateway_reference IS NOT NULL"),
        ),
        sa.Index("ix_payment_reference", "reference"),
        sa.PrimaryKeyConstraint("id", name="pk_payment"),
        sa.UniqueConstraint("payer_org_id", "id", name="uq_payment_payer_org_id_id"),
        sa.Index(
            "ix_payment_doubtful",
            "next_check_at",
            postgresql_where=sa.text("state IN ('processing', 'requires_action', 'unknown')"),
        ),
        sa.Index("ix_payment_payer_org_id_created_at", "payer_org_id", "created_at"),
        sa.Index("uq_payment_live", "reference", unique=True, postgresql_where=sa.text("state <> 'failed'")),
        schema="billing",
    )
    op.create_table(
        "payment_attempt",
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("payer_org_id", sa.Uuid, nullable=False),
        sa.Column("payment_id", sa.Uuid, nullable=False),
        sa.Column("operation", sa.Text, nullable=False),
        sa.Column("outcome", sa.Text, nullable=False),
        sa.Column("detail", sa.Text),
        sa.Column("started_at", INSTANT, nullable=False),
        sa.Column("ended_at", INSTANT),
        sa.CheckConstraint("operation IN ('submit', 'cancel')", name="ck_payment_attempt_operation"),
        sa.CheckConstraint(
            "outcome IN ('calling', 'answered', 'refused', 'unknown')", name="ck_payment_attempt_outcome"
        ),
        sa.ForeignKeyConstraint(
            ["payer_org_id", "payment_id"],
            ["billing.payment.payer_org_id", "billing.payment.id"],
            name="fk_payment_attempt_payer_org_id_payment_id",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_payment_attempt"),
        sa.UniqueConstraint("payment_id", "operation", name="uq_payment_attempt_payment_id_operation"),
        schema="billing",
    )
    op.create_table(
        "payment_allocation",
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("payer_org_id", sa.Uuid, nullable=False),
        sa.Column("seller_org_id", sa.Uuid, nullable=False),
        sa.Column("payment_id", sa.Uuid, nullable=False),
        sa.Column("reference", sa.Uuid, nullable=False),
        sa.Column("amount_minor", sa.BigInteger, nullable=False),
        sa.Column("currency", sa.CHAR(3), nullable=False),
        sa.Column("reserved_minor", sa.BigInteger, nullable=False),
        sa.Column("refunded_minor", sa.BigInteger, nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.CheckConstraint(
            "0 <= refunded_minor AND refunded_minor <= reserved_minor", name="ck_payment_allocation_refunded"
        ),
        sa.CheckConstraint("amount_minor > 0", name="ck_payment_allocation_amount"),
        sa.CheckConstraint("reserved_minor <= amount_minor", name="ck_payment_allocation_reserved"),
        sa.ForeignKeyConstraint(
            ["payer_org_id", "payment_id"],
            ["billing.payment.payer_org_id", "billing.payment.id"],
            name="fk_payment_allocation_payer_org_id_payment_id",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_payment_allocation"),
        sa.UniqueConstraint("payment_id", "reference", name="uq_payment_allocation_payment_id_reference"),
        sa.Index("ix_payment_allocation_reference", "reference"),
        sa.Index("ix_payment_allocation_seller_org_id_reference", "seller_org_id", "reference"),
        schema="billing",
    )
    op.create_table(
        "sandbox_operation",
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("idempotency_key", sa.Text, nullable=False),
        sa.Column("request_hash", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("reference", sa.Text, nullable=False),
        sa.Column("parent_reference", sa.Text),
        sa.Column("method_token", sa.Text, nullable=False),
        sa.Column("amount_minor", sa.BigInteger, nullable=False),
        sa.Column("currency", sa.CHAR(3), nullable=False),
        sa.Column("refunded_minor", sa.BigInteger, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("error_code", sa.Text),
        sa.Column("becomes", sa.Text),
        sa.Column("settles_at", INSTANT),
        sa.Column("metadata", postgresql.JSONB, nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("changed_at", INSTANT, nullable=False),
        sa.CheckConstraint("kind IN ('payment', 'refund', 'payout')", name="ck_sandbox_operation_kind"),
        sa.CheckConstraint(
            "state IN ('pending', 'requires_action', 'succeeded', 'failed')", name="ck_sandbox_operation_state"
        ),
        sa.CheckConstraint(
            "0 <= refunded_minor AND refunded_minor <= amount_minor", name="ck_sandbox_operation_refunded"
        ),
        sa.CheckConstraint("amount_minor > 0", name="ck_sandbox_operation_amount"),
        sa.PrimaryKeyConstraint("id", name="pk_sandbox_operation"),
        sa.UniqueConstraint("idempotency_key", name="uq_sandbox_operation_idempotency_key"),
        sa.UniqueConstraint("reference", name="uq_sandbox_operation_reference"),
        schema="billing",
    )
    op.create_table(
        "charge",
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("buyer_org_id", sa.Uuid, nullable=False),
        sa.Column("seller_org_id", sa.Uuid, nullable=False),
        sa.Column("reference", sa.Uuid, nullable=False),
        sa.Column("group_reference", sa.Uuid, nullable=False),
        sa.Column("payment_id", sa.Uuid, nullable=False),
        sa.Column("allocation_id", sa.Uuid, nullable=False),
        sa.Column("net_minor", sa.BigInteger, nullable=False),
        sa.Column("tax_minor", sa.BigInteger, nullable=False),
        sa.Column("gross_minor", sa.BigInteger, nullable=False),
        sa.Column("currency", sa.CHAR(3), nullable=False),
        sa.Column("tax_rate_ppm", sa.BigInteger, nullable=False),
        sa.Column("reserved_minor", sa.BigInteger, nullable=False),
        sa.Column("refunded_minor", sa.BigInteger, nullable=False),
        sa.Column("reserved_net_minor", sa.BigInteger, nullable=False),
        sa.Column("captured_at", INSTANT, nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.CheckConstraint("0 <= refunded_minor AND refunded_minor <= reserved_minor", name="ck_charge_refunded"),
        sa.CheckConstraint("net_minor + tax_minor = gross_minor", name="ck_charge_gross"),
        sa.CheckConstraint("net_minor >= 0 AND tax_minor >= 0", name="ck_charge_positive"),
        sa.CheckConstraint("reserved_minor <= gross_minor", name="ck_charge_reserved"),
        sa.ForeignKeyConstraint(["allocation_id"], ["billing.payment_allocation.id"], name="fk_charge_allocation_id"),
        sa.ForeignKeyConstraint(
            ["buyer_org_id", "payment_id"],
            ["billing.payment.payer_org_id", "billing.payment.id"],
            name="fk_charge_buyer_org_id_payment_id",
        ),
        sa.Index("ix_charge_group_reference", "group_reference"),
        sa.PrimaryKeyConstraint("id", name="pk_charge"),
        sa.UniqueConstraint("reference", name="uq_charge_reference"),
        sa.Index("ix_charge_allocation_id", "allocation_id"),
        sa.Index("ix_charge_payment_id", "payment_id"),
        schema="billing",
    )


def _refunds() -> None:
    op.create_table(
        "refund",
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("buyer_org_id", sa.Uuid, nullable=False),
        sa.Column("seller_org_id", sa.Uuid, nullable=False),
        sa.Column("reference", sa.Uuid, nullable=False),
        sa.Column("payment_id", sa.Uuid, nullable=False),
        sa.Column("allocation_id", sa.Uuid, nullable=False),
        sa.Column("amount_minor", sa.BigInteger, nullable=False),
        sa.Column("currency", sa.CHAR(3), nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("automatic", sa.Boolean, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("error_code", sa.Text),
        sa.Column("gateway_reference", sa.Text),
        sa.Column("next_check_at", INSTANT, nullable=False),
        sa.Column("checks", sa.BigInteger, nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("ended_at", INSTANT),
        sa.CheckConstraint(
            "state IN ('requested', 'processing', 'unknown', 'succeeded', 'failed')", name="ck_refund_state"
        ),
        sa.CheckConstraint("amount_minor > 0", name="ck_refund_amount"),
        sa.ForeignKeyConstraint(["allocation_id"], ["billing.payment_allocation.id"], name="fk_refund_allocation_id"),
        sa.ForeignKeyConstraint(["payment_id"], ["billing.payment.id"], name="fk_refund_payment_id"),
        sa.PrimaryKeyConstraint("id", name="pk_refund"),
        sa.UniqueConstraint("buyer_org_id", "seller_org_id", "id", name="uq_refund_buyer_org_id_seller_org_id_id"),
        sa.Index("ix_refund_allocation_id", "allocation_id"),
        sa.Index("ix_refund_buyer_org_id_reference", "buyer_org_id", "reference"),
        sa.Index("ix_refund_gateway_reference", "gateway_reference"),
        sa.Index(
            "ix_refund_doubtful",
            "next_check_at",
            postgresql_where=sa.text("state IN ('requested', 'processing', 'unknown')"),
        ),
        sa.Index("ix_refund_payment_id", "payment_id"),
        sa.Index("ix_refund_seller_org_id_reference", "seller_org_id", "reference"),
        schema="billing",
    )
    op.create_table(
        "refund_line",
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("buyer_org_id", sa.Uuid, nullable=False),
        sa.Column("seller_org_id", sa.Uuid, nullable=False),
        sa.Column("refund_id", sa.Uuid, nullable=False),
        sa.Column("charge_id", sa.Uuid, nullable=False),
        sa.Column("net_minor", sa.BigInteger, nullable=False),
        sa.Column("tax_minor", sa.BigInteger, nullable=False),
        sa.Column("gross_minor", sa.BigInteger, nullable=False),
        sa.Column("currency", sa.CHAR(3), nullable=False),
        sa.CheckConstraint("gross_minor > 0 AND net_minor >= 0 AND tax_minor >= 0", name="ck_refund_line_positive"),
        sa.CheckConstraint("net_minor + tax_minor = gross_minor", name="ck_refund_line_gross"),
        sa.ForeignKeyConstraint(
            ["buyer_org_id", "seller_org_id", "refund_id"],
            ["billing.refund.buyer_org_id", "billing.refund.seller_org_id", "billing.refund.id"],
            name="fk_refund_line_buyer_org_id_seller_org_id_refund_id",
        ),
        sa.ForeignKeyConstraint(["charge_id"], ["billing.charge.id"], name="fk_refund_line_charge_id"),
        sa.PrimaryKeyConstraint("id", name="pk_refund_line"),
        sa.UniqueConstraint("refund_id", "charge_id", name="uq_refund_line_refund_id_charge_id"),
        sa.Index("ix_refund_line_charge_id", "charge_id"),
        schema="billing",
    )
    op.create_table(
        "refund_attempt",
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("buyer_org_id", sa.Uuid, nullable=False),
        sa.Column("seller_org_id", sa.Uuid, nullable=False),
        sa.Column("refund_id", sa.Uuid, nullable=False),
        sa.Column("outcome", sa.Text, nullable=False),
        sa.Column("detail", sa.Text),
        sa.Column("started_at", INSTANT, nullable=False),
        sa.Column("ended_at", INSTANT),
        sa.CheckConstraint(
            "outcome IN ('calling', 'answered', 'refused', 'unknown')", name="ck_refund_attempt_outcome"
        ),
        sa.ForeignKeyConstraint(
            ["buyer_org_id", "seller_org_id", "refund_id"],
            ["billing.refund.buyer_org_id", "billing.refund.seller_org_id", "billing.refund.id"],
            name="fk_refund_attempt_buyer_org_id_seller_org_id_refund_id",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_refund_attempt"),
        sa.UniqueConstraint("refund_id", name="uq_refund_attempt_refund_id"),
        schema="billing",
    )


def _invoices() -> None:
    op.create_table(
        "number_series",
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("org_id", sa.Uuid, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("year", sa.BigInteger, nullable=False),
        sa.Column("prefix", sa.Text, nullable=False),
        sa.Column("next_number", sa.BigInteger, nullable=False),
        sa.Column("last_issued_at", INSTANT),
        sa.CheckConstraint("next_number >= 1", name="ck_number_series_next_number"),
        sa.PrimaryKeyConstraint("id", name="pk_number_series"),
        sa.UniqueConstraint("org_id", "kind", "year", name="uq_number_series_org_id_kind_year"),
        schema="billing",
    )
    op.create_table(
        "invoice",
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("buyer_org_id", sa.Uuid, nullable=False),
        sa.Column("seller_org_id", sa.Uuid, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("reference", sa.Uuid, nullable=False),
        sa.Column("refund_id", sa.Uuid),
        sa.Column("original_invoice_id", sa.Uuid),
        sa.Column("series_id", sa.Uuid),
        sa.Column("sequence", sa.BigInteger),
        sa.Column("number", sa.Text),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("currency", sa.CHAR(3), nullable=False),
        sa.Column("net_minor", sa.BigInteger, nullable=False),
        sa.Column("tax_minor", sa.BigInteger, nullable=False),
        sa.Column("gross_minor", sa.BigInteger, nullable=False),
        sa.Column("paid_minor", sa.BigInteger, nullable=False),
        sa.Column("language", sa.Text, nullable=False),
        sa.Column("seller", postgresql.JSONB, nullable=False),
        sa.Column("buyer", postgresql.JSONB, nullable=False),
        sa.Column("order_number", sa.Text, nullable=False),
        sa.Column("po_number", sa.Text, nullable=False),
        sa.Column("payment_reference", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("remarks", sa.Text, nullable=False),
        sa.Column("period_start_on", sa.Date),
        sa.Column("period_end_on", sa.Date),
        sa.Column("sandbox", sa.Boolean, nullable=False),
        sa.Column("verification_code", sa.Text, nullable=False),
        sa.Column("issued_at", INSTANT),
        sa.Column("issued_on", sa.Date),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("pdf_key", sa.Text),
        sa.Column("pdf_sha256", sa.Text),
        sa.Column("xml_key", sa.Text),
        sa.Column("xml_sha256", sa.Text),
        sa.Column("rendered_at", INSTANT),
        sa.CheckConstraint("(kind = 'credit_note') = (original_invoice_id IS NOT NULL)", name="ck_invoice_original"),
        sa.CheckConstraint("(state = 'issued') = (number IS NOT NULL)", name="ck_invoice_numbered"),
        sa.CheckConstraint("kind IN ('invoice', 'credit_note', 'commission_invoice')", name="ck_invoice_kind"),
        sa.CheckConstraint("state IN ('queued', 'issued')", name="ck_invoice_state"),
        sa.CheckConstraint("(number IS NULL) = (sequence IS NULL)", name="ck_invoice_sequence"),
        sa.CheckConstraint("gross_minor >= 0", name="ck_invoice_positive"),
        sa.CheckConstraint("net_minor + tax_minor = gross_minor", name="ck_invoice_gross"),
        sa.ForeignKeyConstraint(["original_invoice_id"], ["billing.invoice.id"], name="fk_invoice_original_invoice_id"),
        sa.ForeignKeyConstraint(["refund_id"], ["billing.refund.id"], name="fk_invoice_refund_id"),
        sa.ForeignKeyConstraint(["series_id"], ["billing.number_series.id"], name="fk_invoice_series_id"),
        sa.Index("uq_invoice_refund_id", "refund_id", unique=True, postgresql_where=sa.text("refund_id IS NOT NULL")),
        sa.Index(
            "ix_invoice_original_invoice_id",
            "original_invoice_id",
            postgresql_where=sa.text("original_invoice_id IS NOT NULL"),
        ),
        sa.Index("ix_invoice_verification_code", "verification_code"),
        sa.PrimaryKeyConstraint("id", name="pk_invoice"),
        sa.UniqueConstraint("buyer_org_id", "seller_org_id", "id", name="uq_invoice_buyer_org_id_seller_org_id_id"),
        sa.UniqueConstraint("series_id", "sequence", name="uq_invoice_series_id_sequence"),
        sa.Index("ix_invoice_buyer_org_id_created_at", "buyer_org_id", "created_at", "id"),
        sa.Index("ix_invoice_seller_org_id_created_at", "seller_org_id", "created_at", "id"),
        sa.Index("ix_invoice_unfinished", "created_at", postgresql_where=sa.text("pdf_key IS NULL")),
        sa.Index("uq_invoice_number", "seller_org_id", "kind", "number", unique=True),
        sa.Index("uq_invoice_reference", "reference", unique=True, postgresql_where=sa.text("kind <> 'credit_note'")),
        schema="billing",
    )
    op.create_table(
        "invoice_line",
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("buyer_org_id", sa.Uuid, nullable=False),
        sa.Column("seller_org_id", sa.Uuid, nullable=False),
        sa.Column("invoice_id", sa.Uuid, nullable=False),
        sa.Column("position", sa.BigInteger, nullable=False),
        sa.Column("reference", sa.Uuid, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("description", sa.Text, nullable=False),
        sa.Column("quantity", sa.Numeric(20, 6), nullable=False),
        sa.Column("unit", sa.Text, nullable=False),
        sa.Column("unit_code", sa.Text, nullable=False),
        sa.Column("tax_category", sa.Text, nullable=False),
        sa.Column("tax_rate_ppm", sa.BigInteger, nullable=False),
        sa.Column("tax_reason", sa.Text, nullable=False),
        sa.Column("net_minor", sa.BigInteger, nullable=False),
        sa.Column("tax_minor", sa.BigInteger, nullable=False),
        sa.Column("gross_minor", sa.BigInteger, nullable=False),
        sa.Column("currency", sa.CHAR(3), nullable=False),
        sa.CheckConstraint("tax_category IN ('S', 'Z', 'E', 'AE', 'O')", name="ck_invoice_line_tax_category"),
        sa.CheckConstraint("net_minor + tax_minor = gross_minor", name="ck_invoice_line_gross"),
        sa.ForeignKeyConstraint(
            ["buyer_org_id", "seller_org_id", "invoice_id"],
            ["billing.invoice.buyer_org_id", "billing.invoice.seller_org_id", "billing.invoice.id"],
            name="fk_invoice_line_buyer_org_id_seller_org_id_invoice_id",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_invoice_line"),
        sa.UniqueConstraint("invoice_id", "position", name="uq_invoice_line_invoice_id_position"),
        sa.Index("ix_invoice_line_reference", "reference"),
        schema="billing",
    )


def _statements() -> None:
    op.create_table(
        "statement",
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("org_id", sa.Uuid, nullable=False),
        sa.Column("number", sa.Text, nullable=False),
        sa.Column("currency", sa.CHAR(3), nullable=False),
        sa.Column("starts_at", INSTANT, nullable=False),
        sa.Column("ends_at", INSTANT, nullable=False),
        sa.Column("carried_minor", sa.BigInteger, nullable=False),
        sa.Column("gross_minor", sa.BigInteger, nullable=False),
        sa.Column("refunds_minor", sa.BigInteger, nullable=False),
        sa.Column("commission_minor", sa.BigInteger, nullable=False),
        sa.Column("promoter_minor", sa.BigInteger, nullable=False),
        sa.Column("commission_tax_minor", sa.BigInteger, nullable=False),
        sa.Column("adjustments_minor", sa.BigInteger, nullable=False),
        sa.Column("net_minor", sa.BigInteger, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("commission_invoice_id", sa.Uuid),
        sa.Column("closed_at", INSTANT, nullable=False),
        sa.CheckConstraint("state IN ('closed', 'paying', 'paid', 'carried')", name="ck_statement_state"),
        sa.CheckConstraint(
            "carried_minor + gross_minor + refunds_minor + commission_minor + promoter_minor + commission_tax_minor"
            " + adjustments_minor = net_minor",
            name="ck_statement_net",
        ),
        sa.CheckConstraint("starts_at < ends_at", name="ck_statement_period"),
        sa.ForeignKeyConstraint(
            ["commission_invoice_id"], ["billing.invoice.id"], name="fk_statement_commission_invoice_id"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_statement"),
        sa.UniqueConstraint("number", name="uq_statement_number"),
        sa.UniqueConstraint("org_id", "currency", "ends_at", name="uq_statement_org_id_currency_ends_at"),
        sa.UniqueConstraint("org_id", "id", name="uq_statement_org_id_id"),
        sa.Index("ix_statement_commission_invoice_id", "commission_invoice_id"),
        schema="billing",
    )
    op.create_table(
        "share_policy",
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("version", sa.BigInteger, nullable=False),
        sa.Column("category", sa.Text, nullable=False),
        sa.Column("commission_ppm", sa.BigInteger, nullable=False),
        sa.Column("promoter_ppm", sa.BigInteger, nullable=False),
        sa.Column("hold_days", sa.BigInteger, nullable=False),
        sa.Column("effective_at", INSTANT, nullable=False),
        sa.Column("published_at", INSTANT, nullable=False),
        sa.CheckConstraint("commission_ppm + promoter_ppm <= 1000000", name="ck_share_policy_whole"),
        sa.CheckConstraint("commission_ppm >= 0 AND promoter_ppm >= 0", name="ck_share_policy_positive"),
        sa.CheckConstraint("hold_days >= 0", name="ck_share_policy_hold"),
        sa.PrimaryKeyConstraint("id", name="pk_share_policy"),
        sa.UniqueConstraint("version", "category", name="uq_share_policy_version_category"),
        schema="billing",
    )
    op.create_table(
        "share",
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("org_id", sa.Uuid, nullable=False),
        sa.Column("seller_org_id", sa.Uuid, nullable=False),
        sa.Column("charge_id", sa.Uuid, nullable=False),
        sa.Column("reference", sa.Uuid, nullable=False),
        sa.Column("group_reference", sa.Uuid, nullable=False),
        sa.Column("video_id", sa.Uuid),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("policy_version", sa.BigInteger, nullable=False),
        sa.Column("rate_ppm", sa.BigInteger, nullable=False),
        sa.Column("base_minor", sa.BigInteger, nullable=False),
        sa.Column("gross_minor", sa.BigInteger, nullable=False),
        sa.Column("amount_minor", sa.BigInteger, nullable=False),
        sa.Column("reversed_minor", sa.BigInteger, nullable=False),
        sa.Column("currency", sa.CHAR(3), nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("hold_days", sa.BigInteger, nullable=False),
        sa.Column("captured_at", INSTANT, nullable=False),
        sa.Column("delivered_at", INSTANT),
        sa.Column("releasable_at", INSTANT),
        sa.Column("statement_id", sa.Uuid),
        sa.CheckConstraint(
            "(state IN ('in_statement', 'paid')) <= (statement_id IS NOT NULL)", name="ck_share_statement"
        ),
        sa.CheckConstraint("kind IN ('seller', 'promoter', 'commission')", name="ck_share_kind"),
        sa.CheckConstraint(
            "state IN ('pending', 'releasable', 'in_statement', 'paid', 'reversed')", name="ck_share_state"
        ),
        sa.CheckConstraint("0 <= reversed_minor AND reversed_minor <= amount_minor", name="ck_share_reversed"),
        sa.CheckConstraint("amount_minor >= 0", name="ck_share_amount"),
        sa.ForeignKeyConstraint(["charge_id"], ["billing.charge.id"], name="fk_share_charge_id"),
        sa.ForeignKeyConstraint(["statement_id"], ["billing.statement.id"], name="fk_share_statement_id"),
        sa.Index("ix_share_group_reference", "group_reference"),
        sa.Index("ix_share_statement_id", "statement_id", postgresql_where=sa.text("statement_id IS NOT NULL")),
        sa.PrimaryKeyConstraint("id", name="pk_share"),
        sa.UniqueConstraint("charge_id", "kind", name="uq_share_charge_id_kind"),
        sa.Index("ix_share_due", "releasable_at", postgresql_where=sa.text("state = 'pending'")),
        sa.Index("ix_share_org_id_state", "org_id", "state", "captured_at"),
        sa.Index("ix_share_reference", "reference"),
        schema="billing",
    )
    op.create_table(
        "share_reversal",
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("org_id", sa.Uuid, nullable=False),
        sa.Column("seller_org_id", sa.Uuid, nullable=False),
        sa.Column("share_id", sa.Uuid, nullable=False),
        sa.Column("refund_id", sa.Uuid, nullable=False),
        sa.Column("amount_minor", sa.BigInteger, nullable=False),
        sa.Column("gross_minor", sa.BigInteger, nullable=False),
        sa.Column("currency", sa.CHAR(3), nullable=False),
        sa.Column("statement_id", sa.Uuid),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.CheckConstraint("amount_minor >= 0", name="ck_share_reversal_amount"),
        sa.ForeignKeyConstraint(["refund_id"], ["billing.refund.id"], name="fk_share_reversal_refund_id"),
        sa.ForeignKeyConstraint(["share_id"], ["billing.share.id"], name="fk_share_reversal_share_id"),
        sa.ForeignKeyConstraint(["statement_id"], ["billing.statement.id"], name="fk_share_reversal_statement_id"),
        sa.PrimaryKeyConstraint("id", name="pk_share_reversal"),
        sa.UniqueConstraint("refund_id", "share_id", name="uq_share_reversal_refund_id_share_id"),
        sa.Index("ix_share_reversal_org_id_statement_id", "org_id", "statement_id"),
        sa.Index("ix_share_reversal_share_id", "share_id"),
        sa.Index("ix_share_reversal_statement_id", "statement_id"),
        schema="billing",
    )
    op.create_table(
        "statement_line",
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("org_id", sa.Uuid, nullable=False),
        sa.Column("statement_id", sa.Uuid, nullable=False),
        sa.Column("share_id", sa.Uuid, nullable=False),
        sa.Column("reversal_id", sa.Uuid),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("reference", sa.Uuid, nullable=False),
        sa.Column("group_reference", sa.Uuid, nullable=False),
        sa.Column("occurred_at", INSTANT, nullable=False),
        sa.Column("gross_minor", sa.BigInteger, nullable=False),
        sa.Column("refunds_minor", sa.BigInteger, nullable=False),
        sa.Column("commission_minor", sa.BigInteger, nullable=False),
        sa.Column("promoter_minor", sa.BigInteger, nullable=False),
        sa.Column("adjustments_minor", sa.BigInteger, nullable=False),
        sa.Column("net_minor", sa.BigInteger, nullable=False),
        sa.Column("currency", sa.CHAR(3), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.CheckConstraint(
            "kind IN ('sale', 'promotion', 'refund', 'promotion_refund')", name="ck_statement_line_kind"
        ),
        sa.CheckConstraint(
            "gross_minor + refunds_minor + commission_minor + promoter_minor + adjustments_minor = net_minor",
            name="ck_statement_line_net",
        ),
        sa.ForeignKeyConstraint(
            ["org_id", "statement_id"],
            ["billing.statement.org_id", "billing.statement.id"],
            name="fk_statement_line_org_id_statement_id",
        ),
        sa.ForeignKeyConstraint(["reversal_id"], ["billing.share_reversal.id"], name="fk_statement_line_reversal_id"),
        sa.ForeignKeyConstraint(["share_id"], ["billing.share.id"], name="fk_statement_line_share_id"),
        sa.PrimaryKeyConstraint("id", name="pk_statement_line"),
        sa.Index("ix_statement_line_org_id_statement_id", "org_id", "statement_id"),
        sa.Index("ix_statement_line_share_id", "share_id"),
        sa.Index("uq_statement_line_reversal", "reversal_id", unique=True),
        sa.Index("uq_statement_line_share", "share_id", unique=True, postgresql_where=sa.text("reversal_id IS NULL")),
        schema="billing",
    )


def _payouts() -> None:
    op.create_table(
        "payout",
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("org_id", sa.Uuid, nullable=False),
        sa.Column("statement_id", sa.Uuid, nullable=False),
        sa.Column("amount_minor", sa.BigInteger, nullable=False),
        sa.Column("currency", sa.CHAR(3), nullable=False),
        sa.Column("gateway", sa.Text, nullable=False),
        sa.Column("destination", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("error_code", sa.Text),
        sa.Column("gateway_reference", sa.Text),
        sa.Column("scheduled_by", sa.Text, nullable=False),
        sa.Column("next_check_at", INSTANT, nullable=False),
        sa.Column("checks", sa.BigInteger, nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("paid_at", INSTANT),
        sa.CheckConstraint("state IN ('scheduled', 'sent', 'unknown', 'paid', 'failed')", name="ck_payout_state"),
        sa.CheckConstraint("amount_minor > 0", name="ck_payout_amount"),
        sa.ForeignKeyConstraint(
            ["org_id", "statement_id"],
            ["billing.statement.org_id", "billing.statement.id"],
            name="fk_payout_org_id_statement_id",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_payout"),
        sa.UniqueConstraint("org_id", "id", name="uq_payout_org_id_id"),
        sa.Index("ix_payout_gateway_reference", "gateway_reference"),
        sa.Index(
            "ix_payout_doubtful", "next_check_at", postgresql_where=sa.text("state IN ('scheduled', 'sent', 'unknown')")
        ),
        sa.Index("ix_payout_org_id_statement_id", "org_id", "statement_id"),
        sa.Index("uq_payout_live", "statement_id", unique=True, postgresql_where=sa.text("state <> 'failed'")),
        schema="billing",
    )
    op.create_table(
        "payout_attempt",
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("org_id", sa.Uuid, nullable=False),
        sa.Column("payout_id", sa.Uuid, nullable=False),
        sa.Column("outcome", sa.Text, nullable=False),
        sa.Column("detail", sa.Text),
        sa.Column("started_at", INSTANT, nullable=False),
        sa.Column("ended_at", INSTANT),
        sa.CheckConstraint(
            "outcome IN ('calling', 'answered', 'refused', 'unknown')", name="ck_payout_attempt_outcome"
        ),
        sa.ForeignKeyConstraint(
            ["org_id", "payout_id"],
            ["billing.payout.org_id", "billing.payout.id"],
            name="fk_payout_attempt_org_id_payout_id",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_payout_attempt"),
        sa.UniqueConstraint("payout_id", name="uq_payout_attempt_payout_id"),
        schema="billing",
    )


def _ledger() -> None:
    op.create_table(
        "ledger_account",
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("org_id", sa.Uuid, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("currency", sa.CHAR(3), nullable=False),
        sa.Column("gateway", sa.Text, nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.CheckConstraint(
            "kind IN ('gateway_cash', 'buyer_credit', 'party_pending', 'party_available', 'payout_clearing', "
            "'commission', 'gateway_fee', 'suspense')",
            name="ck_ledger_account_kind",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_ledger_account"),
        sa.UniqueConstraint("org_id", "id", "currency", name="uq_ledger_account_org_id_id_currency"),
        sa.UniqueConstraint(
            "org_id", "kind", "currency", "gateway", name="uq_ledger_account_org_id_kind_currency_gateway"
        ),
        schema="billing",
    )
    op.create_table(
        "ledger_transaction",
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("business_key", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("reference", sa.Uuid, nullable=False),
        sa.Column("org_ids", postgresql.ARRAY(sa.Uuid), nullable=False),
        sa.Column("postings", sa.BigInteger, nullable=False),
        sa.Column(
            "opened_by", sa.BigInteger, server_default=sa.text("(pg_current_xact_id())::text::bigint"), nullable=False
        ),
        sa.Column("effective_at", INSTANT, nullable=False),
        sa.Column("recorded_at", INSTANT, nullable=False),
        sa.CheckConstraint("postings >= 2", name="ck_ledger_transaction_postings"),
        sa.PrimaryKeyConstraint("id", name="pk_ledger_transaction"),
        sa.UniqueConstraint("business_key", name="uq_ledger_transaction_business_key"),
        sa.Index("ix_ledger_transaction_recorded_at", "recorded_at", "id"),
        sa.Index("ix_ledger_transaction_reference", "reference"),
        schema="billing",
    )
    op.create_table(
        "posting",
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("org_id", sa.Uuid, nullable=False),
        sa.Column("transaction_id", sa.Uuid, nullable=False),
        sa.Column("account_id", sa.Uuid, nullable=False),
        sa.Column("amount_minor", sa.BigInteger, nullable=False),
        sa.Column("currency", sa.CHAR(3), nullable=False),
        sa.CheckConstraint("amount_minor <> 0", name="ck_posting_amount"),
        sa.ForeignKeyConstraint(
            ["org_id", "account_id", "currency"],
            ["billing.ledger_account.org_id", "billing.ledger_account.id", "billing.ledger_account.currency"],
            name="fk_posting_org_id_account_id_currency",
        ),
        sa.ForeignKeyConstraint(
            ["transaction_id"], ["billing.ledger_transaction.id"], name="fk_posting_transaction_id"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_posting"),
        sa.Index("ix_posting_org_id_account_id_currency", "org_id", "account_id", "currency"),
        sa.Index("ix_posting_transaction_id", "transaction_id"),
        schema="billing",
    )
    op.create_table(
        "ledger_seal",
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("number", sa.BigInteger, nullable=False),
        sa.Column("sealed_on", sa.Date, nullable=False),
        sa.Column("transactions", sa.BigInteger, nullable=False),
        sa.Column("previous_hash", sa.Text, nullable=False),
        sa.Column("hash", sa.Text, nullable=False),
        sa.Column("sealed_at", INSTANT, nullable=False),
        sa.CheckConstraint("transactions > 0", name="ck_ledger_seal_transactions"),
        sa.PrimaryKeyConstraint("id", name="pk_ledger_seal"),
        sa.UniqueConstraint("number", name="uq_ledger_seal_number"),
        sa.UniqueConstraint("sealed_on", name="uq_ledger_seal_sealed_on"),
        schema="billing",
    )
    op.create_table(
        "ledger_seal_entry",
        sa.Column("transaction_id", sa.Uuid, nullable=False),
        sa.Column("seal_id", sa.Uuid, nullable=False),
        sa.Column("position", sa.BigInteger, nullable=False),
        sa.ForeignKeyConstraint(["seal_id"], ["billing.ledger_seal.id"], name="fk_ledger_seal_entry_seal_id"),
        sa.ForeignKeyConstraint(
            ["transaction_id"], ["billing.ledger_transaction.id"], name="fk_ledger_seal_entry_transaction_id"
        ),
        sa.PrimaryKeyConstraint("transaction_id", name="pk_ledger_seal_entry"),
        sa.UniqueConstraint("seal_id", "position", name="uq_ledger_seal_entry_seal_id_position"),
        schema="billing",
    )


def _truths() -> None:
    # Once for a ledger transaction, at commit: nothing can join it afterwards, because the guard below knows who opened it.
    op.execute("""
        CREATE FUNCTION billing.check_ledger_transaction() RETURNS trigger LANGUAGE plpgsql AS $$
        DECLARE found bigint; unbalanced boolean;
        BEGIN
            SELECT coalesce(sum(legs), 0), bool_or(difference <> 0) INTO found, unbalanced
            FROM (SELECT count(*) AS legs, sum(amount_minor) AS difference
                  FROM billing.posting WHERE transaction_id = NEW.id GROUP BY currency) per_currency;
            IF found <> NEW.postings THEN
                RAISE EXCEPTION 'ledger transaction % has % postings, % were announced', NEW.id, found, NEW.postings
                    USING ERRCODE = 'check_violation', CONSTRAINT = 'ledger_complete';
            END IF;
            IF unbalanced THEN
                RAISE EXCEPTION 'ledger transaction % does not balance', NEW.id
                    USING ERRCODE = 'check_violation', CONSTRAINT = 'ledger_balanced';
            END IF;
            RETURN NULL;
        END $$""")
    op.execute(
        "CREATE CONSTRAINT TRIGGER ledger_transaction_balanced AFTER INSERT ON billing.ledger_transaction "
        "DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION billing.check_ledger_transaction()"
    )
    op.execute("""
        CREATE FUNCTION billing.refuse_late_posting() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            PERFORM FROM billing.ledger_transaction
            WHERE id = NEW.transaction_id AND opened_by = pg_current_xact_id()::text::bigint;
            IF NOT FOUND THEN
                RAISE EXCEPTION 'ledger transaction % was not opened by this database transaction', NEW.transaction_id
                    USING ERRCODE = 'check_violation', CONSTRAINT = 'ledger_closed';
            END IF;
            RETURN NEW;
        END $$""")
    op.execute(
        "CREATE TRIGGER posting_in_time BEFORE INSERT ON billing.posting "
        "FOR EACH ROW EXECUTE FUNCTION billing.refuse_late_posting()"
    )
    op.execute("""
        CREATE FUNCTION billing.refuse_deletion() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN RAISE EXCEPTION 'rows of % are never deleted', TG_TABLE_NAME
                 USING ERRCODE = 'restrict_violation'; END $$""")
    op.execute("""
        CREATE FUNCTION billing.keep_issued_invoice() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF (to_jsonb(NEW) - ARRAY['pdf_key', 'pdf_sha256', 'xml_key', 'xml_sha256', 'rendered_at'])
               IS DISTINCT FROM
               (to_jsonb(OLD) - ARRAY['pdf_key', 'pdf_sha256', 'xml_key', 'xml_sha256', 'rendered_at'])
               OR (OLD.pdf_sha256 IS NOT NULL AND NEW.pdf_sha256 IS DISTINCT FROM OLD.pdf_sha256)
               OR (OLD.xml_sha256 IS NOT NULL AND NEW.xml_sha256 IS DISTINCT FROM OLD.xml_sha256) THEN
                RAISE EXCEPTION 'document % is issued and cannot change', OLD.number
                    USING ERRCODE = 'restrict_violation';
            END IF;
            RETURN NEW;
        END $$""")
    op.execute(
        "CREATE TRIGGER invoice_immutable BEFORE UPDATE ON billing.invoice "
        "FOR EACH ROW WHEN (OLD.state = 'issued') EXECUTE FUNCTION billing.keep_issued_invoice()"
    )
    op.execute("""
        CREATE FUNCTION billing.keep_closed_statement() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF (to_jsonb(NEW) - ARRAY['state', 'commission_invoice_id'])
               IS DISTINCT FROM (to_jsonb(OLD) - ARRAY['state', 'commission_invoice_id'])
               OR (OLD.commission_invoice_id IS NOT NULL
                   AND NEW.commission_invoice_id IS DISTINCT FROM OLD.commission_invoice_id) THEN
                RAISE EXCEPTION 'statement % is closed and cannot change', OLD.number
                    USING ERRCODE = 'restrict_violation';
            END IF;
            RETURN NEW;
        END $$""")
    op.execute(
        "CREATE TRIGGER statement_immutable BEFORE UPDATE ON billing.statement "
        "FOR EACH ROW EXECUTE FUNCTION billing.keep_closed_statement()"
    )


def _policy() -> None:
    """Version 1: 15 % of software, 10 % of services, 5 % to the promoter, paid out a week after delivery."""
    for number, (category, commission_ppm) in enumerate((("saas", 150_000), ("service", 100_000)), 1):
        op.execute(
            "INSERT INTO billing.share_policy (id, version, category, commission_ppm, promoter_ppm, hold_days, "
            f"effective_at, published_at) VALUES ('00000000-0000-7000-8000-0000000b000{number}', 1, '{category}', "
            f"{commission_ppm}, 50000, 7, '2026-01-01T00:00:00Z', '2026-01-01T00:00:00Z')"
        )


def downgrade() -> None:
    """Drop everything of this floor."""
    for table in TABLES:
        op.drop_table(table, schema="billing")
    for function in FUNCTIONS:
        op.execute(f"DROP FUNCTION billing.{function}()")
    op.execute("DROP SCHEMA billing")
