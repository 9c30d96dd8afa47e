"""Payment by bank transfer: the platform's accounts, what is expected on them, their statements, and what is to be sent."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from migrations import ddl

revision = "0067"
down_revision = "0065"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)
TABLES = (
    "bank_assignment",
    "bank_outgoing",
    "bank_line",
    "bank_statement",
    "bank_transfer",
    "bank_account",
)


def upgrade() -> None:
    """There is no account yet: nobody is offered to pay by transfer."""
    op.execute("SET LOCAL lock_timeout = '5s'")
    _account()
    _transfer()
    _statement()
    _line()
    _outgoing()
    _assignment()
    for table in ("bank_statement", "bank_line", "bank_outgoing", "bank_assignment"):
        op.execute(f"ALTER TABLE billing.{table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE billing.{table} FORCE ROW LEVEL SECURITY")
        op.execute(f"CREATE POLICY platform ON billing.{table} USING (kernel.is_platform())")


def downgrade() -> None:
    """Only where nothing was imported: the books name what these tables tell of."""
    for table in TABLES:
        op.drop_table(table, schema="billing")


def _ids(*names: str, nullable: bool = False) -> tuple[sa.Column[object], ...]:
    return tuple(sa.Column(name, sa.Uuid, nullable=nullable) for name in names)


def _texts(*names: str) -> tuple[sa.Column[str], ...]:
    return tuple(sa.Column(name, sa.Text, nullable=False) for name in names)


def _amounts(*names: str) -> tuple[sa.Column[int], ...]:
    return tuple(sa.Column(f"{name}_minor", sa.BigInteger, nullable=False) for name in names)


def _currency() -> sa.Column[str]:
    return sa.Column("currency", sa.CHAR(3), nullable=False)


def _of_account(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["account_id", "currency"],
        ["billing.bank_account.id", "billing.bank_account.currency"],
        name=f"fk_{table}_account_id_currency",
    )


def _names(table: str, column: str, of: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [f"{of}.id"], name=f"fk_{table}_{column}")


def _account() -> None:
    op.create_table(
        "bank_account",
        *_ids("id"),
        *_texts("code"),
        _currency(),
        *_texts("holder", "bank_name", "account_number", "bank_code", "virtual_prefix"),
        sa.Column("term_days", sa.BigInteger, nullable=False),
        sa.Column("is_offered", sa.Boolean, nullable=False),
        sa.Column("opening_minor", sa.BigInteger),
        *_amounts("balance"),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_bank_account"),
        sa.UniqueConstraint("code", name="uq_bank_account_code"),
        sa.UniqueConstraint("id", "currency", name="uq_bank_account_id_currency"),
        sa.CheckConstraint("term_days BETWEEN 1 AND 90", name="ck_bank_account_term_days"),
        sa.Index("uq_bank_account_offered", "currency", unique=True, postgresql_where=sa.text("is_offered")),
        schema="billing",
    )
    ddl.grant("billing.bank_account", "SELECT, INSERT, UPDATE")


def _transfer() -> None:
    op.create_table(
        "bank_transfer",
        *_ids("id", "payer_org_id", "payment_id", "account_id"),
        *_texts("idempotency_key", "remark_code"),
        sa.Column("virtual_account", sa.Text),
        *_texts("payer_name", "payer_key", "description"),
        *_amounts("amount"),
        _currency(),
        *_amounts("received", "written_off"),
        *_texts("state"),
        sa.Column("deadline_at", INSTANT, nullable=False),
        sa.Column("remind_at", INSTANT),
        sa.Column("files", JSONB, nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_bank_transfer"),
        _of_account("bank_transfer"),
        sa.ForeignKeyConstraint(
            ["payer_org_id", "payment_id"],
            ["billing.payment.payer_org_id", "billing.payment.id"],
            name="fk_bank_transfer_payer_org_id_payment_id",
        ),
        sa.UniqueConstraint("idempotency_key", name="uq_bank_transfer_idempotency_key"),
        sa.UniqueConstraint("remark_code", name="uq_bank_transfer_remark_code"),
        sa.CheckConstraint("state IN ('awaited', 'received', 'withdrawn')", name="ck_bank_transfer_state"),
        sa.CheckConstraint("amount_minor > 0", name="ck_bank_transfer_amount"),
        sa.CheckConstraint("received_minor >= 0 AND written_off_minor >= 0", name="ck_bank_transfer_received"),
        sa.CheckConstraint("received_minor + written_off_minor <= amount_minor", name="ck_bank_transfer_not_exceeded"),
        sa.CheckConstraint(
            "(state = 'received') = (received_minor + written_off_minor = amount_minor)",
            name="ck_bank_transfer_received_in_full",
        ),
        sa.Index("uq_bank_transfer_virtual_account", "virtual_account", unique=True),
        sa.Index("ix_bank_transfer_payer_org_id_created_at", "payer_org_id", "created_at"),
        sa.Index("ix_bank_transfer_payment_id", "payer_org_id", "payment_id"),
        sa.Index("ix_bank_transfer_account_id", "account_id"),
        sa.Index("ix_bank_transfer_awaited", "remind_at", postgresql_where=sa.text("state = 'awaited'")),
        sa.Index("ix_bank_transfer_payer_key", "payer_key", postgresql_where=sa.text("state = 'awaited'")),
        schema="billing",
    )
    ddl.grant("billing.bank_transfer", "SELECT, INSERT, UPDATE")
    ddl.isolate("billing.bank_transfer", "payer_org_id")
    ddl.leave_room("billing.bank_transfer")


def _statement() -> None:
    op.create_table(
        "bank_statement",
        *_ids("id", "account_id"),
        *_texts("file_name", "sha256", "format"),
        _currency(),
        *(sa.Column(f"{name}_minor", sa.BigInteger) for name in ("opening", "closing")),
        *(sa.Column(name, sa.BigInteger, nullable=False) for name in ("new_lines", "known_lines")),
        *_ids("imported_by", nullable=True),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_bank_statement"),
        _names("bank_statement", "account_id", "billing.bank_account"),
        sa.UniqueConstraint("account_id", "sha256", name="uq_bank_statement_account_id_sha256"),
        sa.CheckConstraint("new_lines >= 0 AND known_lines >= 0", name="ck_bank_statement_lines"),
        sa.Index("ix_bank_statement_account_id_created_at", "account_id", "created_at"),
        schema="billing",
    )
    ddl.append_only("billing.bank_statement")


def _line() -> None:
    op.create_table(
        "bank_line",
        *_ids("id", "account_id", "statement_id"),
        sa.Column("position", sa.BigInteger, nullable=False),
        *_texts("fingerprint"),
        sa.Column("booked_on", sa.Date, nullable=False),
        *_amounts("amount"),
        _currency(),
        *_texts("counterparty_name", "counterparty_account", "remark", "bank_reference", "virtual_account"),
        *_amounts("open"),
        sa.Column("reason", sa.Text),
        *_ids("transfer_id", nullable=True),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_bank_line"),
        _of_account("bank_line"),
        _names("bank_line", "statement_id", "billing.bank_statement"),
        _names("bank_line", "transfer_id", "billing.bank_transfer"),
        sa.UniqueConstraint("account_id", "fingerprint", name="uq_bank_line_account_id_fingerprint"),
        sa.CheckConstraint("amount_minor <> 0", name="ck_bank_line_amount"),
        sa.CheckConstraint("open_minor BETWEEN 0 AND abs(amount_minor)", name="ck_bank_line_open"),
        sa.Index("ix_bank_line_statement_id", "statement_id", "position"),
        sa.Index("ix_bank_line_open", "created_at", "id", postgresql_where=sa.text("open_minor > 0")),
        sa.Index("ix_bank_line_transfer_id", "transfer_id"),
        sa.Index("ix_bank_line_created_at", "created_at", "id"),
        schema="billing",
    )
    ddl.grant("billing.bank_line", "SELECT, INSERT, UPDATE")
    ddl.leave_room("billing.bank_line")


def _outgoing() -> None:
    op.create_table(
        "bank_outgoing",
        *_ids("id", "account_id"),
        *_texts("kind", "idempotency_key", "remark_code"),
        *_ids("transfer_id", nullable=True),
        *_amounts("amount"),
        _currency(),
        *_texts("payee_name", "payee_account", "state", "bank_reference"),
        *_ids("decided_by", "left_line_id", "back_line_id", nullable=True),
        sa.Column("sent_at", INSTANT),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_bank_outgoing"),
        _of_account("bank_outgoing"),
        _names("bank_outgoing", "transfer_id", "billing.bank_transfer"),
        _names("bank_outgoing", "left_line_id", "billing.bank_line"),
        _names("bank_outgoing", "back_line_id", "billing.bank_line"),
        *(
            sa.UniqueConstraint(name, name=f"uq_bank_outgoing_{name}")
            for name in ("idempotency_key", "remark_code", "left_line_id", "back_line_id")
        ),
        sa.CheckConstraint("kind IN ('refund', 'return')", name="ck_bank_outgoing_kind"),
        sa.CheckConstraint("amount_minor > 0", name="ck_bank_outgoing_amount"),
        sa.CheckConstraint("state IN ('to_send', 'sent', 'returned', 'failed')", name="ck_bank_outgoing_state"),
        sa.CheckConstraint("(state IN ('sent', 'returned')) = (sent_at IS NOT NULL)", name="ck_bank_outgoing_sent_at"),
        sa.Index("ix_bank_outgoing_state_created_at", "state", "created_at"),
        sa.Index("ix_bank_outgoing_transfer_id", "transfer_id"),
        sa.Index("ix_bank_outgoing_account_id", "account_id"),
        sa.Index("ix_bank_outgoing_created_at", "created_at", "id"),
        schema="billing",
    )
    ddl.grant("billing.bank_outgoing", "SELECT, INSERT, UPDATE")
    ddl.leave_room("billing.bank_outgoing")


def _assignment() -> None:
    op.create_table(
        "bank_assignment",
        *_ids("id", "line_id"),
        *_texts("kind"),
        *_amounts("amount"),
        _currency(),
        *_ids("transfer_id", "outgoing_id", nullable=True),
        sa.Column("reason", sa.Text),
        *_ids("decided_by", nullable=True),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_bank_assignment"),
        _names("bank_assignment", "line_id", "billing.bank_line"),
        _names("bank_assignment", "transfer_id", "billing.bank_transfer"),
        _names("bank_assignment", "outgoing_id", "billing.bank_outgoing"),
        sa.CheckConstraint(
            "kind IN ('payment', 'outgoing', 'return', 'write_off', 'shortfall')", name="ck_bank_assignment_kind"
        ),
        sa.CheckConstraint("amount_minor > 0", name="ck_bank_assignment_amount"),
        sa.CheckConstraint(
            "(kind IN ('payment', 'shortfall')) = (transfer_id IS NOT NULL)", name="ck_bank_assignment_transfer"
        ),
        sa.CheckConstraint(
            "(kind IN ('outgoing', 'return')) = (outgoing_id IS NOT NULL)", name="ck_bank_assignment_outgoing"
        ),
        *(sa.Index(f"ix_bank_assignment_{name}", name) for name in ("line_id", "transfer_id", "outgoing_id")),
        schema="billing",
    )
    ddl.append_only("billing.bank_assignment")
