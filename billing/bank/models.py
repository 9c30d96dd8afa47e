"""Tables of the platform's bank accounts: what is expected on them, what their statements say, and what is to be sent."""

from __future__ import annotations

from datetime import date
from typing import Final
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from kernel.db.base import Base, CreatedAt, Currency, Id, Instant, Json, Minor
from kernel.db.constraints import register
from kernel.errors import Conflict
from kernel.states import Machine, edges

BANK_TRANSFER: Final = "bank_transfer"
"""The gateway's name: in settings, payments and ledger accounts."""


class BankAccount(Base):
    """An account of the platform to which buyers pay. Of a currency one at most is offered.

    `opening_minor` is what stood on it before the first statement that was imported; null until then.
    """

    __tablename__ = "bank_account"
    __table_args__ = (
        UniqueConstraint("code"),
        UniqueConstraint("id", "currency"),
        CheckConstraint("term_days BETWEEN 1 AND 90", name="term_days"),
        Index("uq_bank_account_offered", "currency", unique=True, postgresql_where=text("is_offered")),
        {"schema": "billing"},
    )
    id: Mapped[Id]
    code: Mapped[str]
    """A short name of the platform's own; the ledger's account is `bank:<code>`."""
    currency: Mapped[Currency]
    holder: Mapped[str]
    bank_name: Mapped[str]
    account_number: Mapped[str]
    """An IBAN, or the number as the bank writes it."""
    bank_code: Mapped[str]
    """A BIC, or the twelve digits of CNAPS (联行号); empty where the payer needs none."""
    virtual_prefix: Mapped[str]
    """What the numbers of virtual accounts begin with, by the platform's agreement with the bank; empty: there are none."""
    term_days: Mapped[int]
    """How long a purchase waits for its transfer."""
    is_offered: Mapped[bool]
    opening_minor: Mapped[Minor | None]
    balance_minor: Mapped[Minor]
    """`opening_minor` and every imported line since."""
    created_at: Mapped[CreatedAt]


class BankTransfer(Base):
    """What a payer was asked to send for one payment: the gateway's own row of it, found by our idempotency key."""

    __tablename__ = "bank_transfer"
    __table_args__ = (
        ForeignKeyConstraint(["account_id", "currency"], ["billing.bank_account.id", "billing.bank_account.currency"]),
        ForeignKeyConstraint(["payer_org_id", "payment_id"], ["billing.payment.payer_org_id", "billing.payment.id"]),
        UniqueConstraint("idempotency_key"),
        UniqueConstraint("remark_code"),
        Index("uq_bank_transfer_virtual_account", "virtual_account", unique=True),
        CheckConstraint("state IN ('awaited', 'received', 'withdrawn', 'credited')", name="state"),
        CheckConstraint("gateway IN ('bank_transfer', 'on_account')", name="gateway"),
        CheckConstraint("amount_minor > 0", name="amount"),
        CheckConstraint("received_minor >= 0 AND written_off_minor >= 0 AND credited_minor >= 0", name="received"),
        CheckConstraint("received_minor + written_off_minor + credited_minor <= amount_minor", name="not_exceeded"),
        CheckConstraint(
            "(state IN ('received', 'credited')) = (received_minor + written_off_minor + credited_minor = amount_minor)",
            name="received_in_full",
        ),
        CheckConstraint("credited_minor = 0 OR gateway = 'on_account'", name="credited"),
        Index("ix_bank_transfer_payer_org_id_created_at", "payer_org_id", "created_at"),
        Index("ix_bank_transfer_payment_id", "payer_org_id", "payment_id"),
        Index("ix_bank_transfer_account_id", "account_id"),
        Index("ix_bank_transfer_awaited", "remind_at", postgresql_where=text("state = 'awaited'")),
        Index("ix_bank_transfer_payer_key", "payer_key", postgresql_where=text("state = 'awaited'")),
        Index(
            "ix_bank_transfer_due",
            "deadline_at",
            "id",
            postgresql_where=text("state = 'awaited' AND gateway = 'on_account'"),
        ),
        Index(
            "ix_bank_transfer_owed",
            "payment_id",
            postgresql_where=text("state = 'awaited' AND gateway = 'on_account'"),
        ),
        {"schema": "billing"},
    )
    id: Mapped[Id]
    payer_org_id: Mapped[UUID]
    payment_id: Mapped[UUID]
    gateway: Mapped[str] = mapped_column(default=BANK_TRANSFER, server_default=BANK_TRANSFER)
    """Whose it is: of `on_account` the purchase was delivered already, and is owed until this has come."""
    account_id: Mapped[UUID]
    idempotency_key: Mapped[str]
    remark_code: Mapped[str]
    virtual_account: Mapped[str | None]
    payer_name: Mapped[str]
    payer_key: Mapped[str]
    """`payer_name` as names are compared (`same_name`)."""
    description: Mapped[str]
    amount_minor: Mapped[Minor]
    currency: Mapped[Currency]
    received_minor: Mapped[Minor] = mapped_column(default=0)
    written_off_minor: Mapped[Minor] = mapped_column(default=0)
    """What never came and is borne by the platform: what banks on the way kept."""
    credited_minor: Mapped[Minor] = mapped_column(default=0, server_default=text("0"))
    """What of a purchase on account was refunded before it was paid (`TransferCredit`)."""
    state: Mapped[str]
    deadline_at: Mapped[Instant]
    remind_at: Mapped[Instant | None]
    """When its payer is told again; null: no more."""
    files: Mapped[Json] = mapped_column(default=dict)
    """The drawn request by language: `{"en": {"key": …, "sha256": …}}`; empty until it is drawn."""
    created_at: Mapped[CreatedAt]

    @property
    def missing_minor(self) -> int:
        """What has not come yet."""
        return self.amount_minor - self.received_minor - self.written_off_minor - self.credited_minor


class TransferCredit(Base):
    """A refund of a purchase on account that is not paid: so much less is to be sent. Append-only; found by its key."""

    __tablename__ = "transfer_credit"
    __table_args__ = (
        UniqueConstraint("idempotency_key"),
        CheckConstraint("amount_minor > 0", name="amount"),
        Index("ix_transfer_credit_transfer_id", "transfer_id"),
        {"schema": "billing"},
    )
    id: Mapped[Id]
    transfer_id: Mapped[UUID] = mapped_column(ForeignKey("billing.bank_transfer.id"))
    idempotency_key: Mapped[str]
    amount_minor: Mapped[Minor]
    currency: Mapped[Currency]
    created_at: Mapped[CreatedAt]


class BankStatement(Base):
    """One imported file. It is imported as a whole or not at all, and never changed."""

    __tablename__ = "bank_statement"
    __table_args__ = (
        UniqueConstraint("account_id", "sha256"),
        CheckConstraint("new_lines >= 0 AND known_lines >= 0", name="lines"),
        Index("ix_bank_statement_account_id_created_at", "account_id", "created_at"),
        {"schema": "billing"},
    )
    id: Mapped[Id]
    account_id: Mapped[UUID] = mapped_column(ForeignKey("billing.bank_account.id"))
    file_name: Mapped[str]
    sha256: Mapped[str]
    format: Mapped[str]
    currency: Mapped[Currency]
    opening_minor: Mapped[Minor | None]
    closing_minor: Mapped[Minor | None]
    new_lines: Mapped[int]
    known_lines: Mapped[int]
    imported_by: Mapped[UUID | None]
    created_at: Mapped[CreatedAt]


class BankLine(Base):
    """One entry of a statement: positive came in, negative went out. `open_minor` (unsigned) is what nobody has assigned yet."""

    __tablename__ = "bank_line"
    __table_args__ = (
        ForeignKeyConstraint(["account_id", "currency"], ["billing.bank_account.id", "billing.bank_account.currency"]),
        UniqueConstraint("account_id", "fingerprint"),
        CheckConstraint("amount_minor <> 0", name="amount"),
        CheckConstraint("open_minor BETWEEN 0 AND abs(amount_minor)", name="open"),
        Index("ix_bank_line_statement_id", "statement_id", "position"),
        Index("ix_bank_line_open", "created_at", "id", postgresql_where=text("open_minor > 0")),
        Index("ix_bank_line_transfer_id", "transfer_id"),
        Index("ix_bank_line_created_at", "created_at", "id"),
        {"schema": "billing"},
    )
    id: Mapped[Id]
    account_id: Mapped[UUID]
    statement_id: Mapped[UUID] = mapped_column(ForeignKey("billing.bank_statement.id"))
    position: Mapped[int]
    fingerprint: Mapped[str]
    booked_on: Mapped[date]
    amount_minor: Mapped[Minor]
    currency: Mapped[Currency]
    counterparty_name: Mapped[str]
    counterparty_account: Mapped[str]
    remark: Mapped[str]
    bank_reference: Mapped[str]
    virtual_account: Mapped[str]
    open_minor: Mapped[Minor]
    reason: Mapped[str | None]
    """Why a person has to look, while something of it is open."""
    transfer_id: Mapped[UUID | None] = mapped_column(ForeignKey("billing.bank_transfer.id"))
    """Which transfer it seems to be for, as far as that can be told."""
    created_at: Mapped[CreatedAt]


class BankAssignment(Base):
    """What a part of a line was for. Never changed; with what is open, the parts of a line are the line."""

    __tablename__ = "bank_assignment"
    __table_args__ = (
        CheckConstraint("kind IN ('payment', 'outgoing', 'return', 'write_off', 'shortfall')", name="kind"),
        CheckConstraint("amount_minor > 0", name="amount"),
        CheckConstraint("(kind IN ('payment', 'shortfall')) = (transfer_id IS NOT NULL)", name="transfer"),
        CheckConstraint("(kind IN ('outgoing', 'return')) = (outgoing_id IS NOT NULL)", name="outgoing"),
        Index("ix_bank_assignment_line_id", "line_id"),
        Index("ix_bank_assignment_transfer_id", "transfer_id"),
        Index("ix_bank_assignment_outgoing_id", "outgoing_id"),
        {"schema": "billing"},
    )
    id: Mapped[Id]
    line_id: Mapped[UUID] = mapped_column(ForeignKey("billing.bank_line.id"))
    kind: Mapped[str]
    """`shortfall` is no part of the line: what it lacked of its transfer, borne by the platform."""
    amount_minor: Mapped[Minor]
    currency: Mapped[Currency]
    transfer_id: Mapped[UUID | None] = mapped_column(ForeignKey("billing.bank_transfer.id"))
    outgoing_id: Mapped[UUID | None] = mapped_column(ForeignKey("billing.bank_outgoing.id"))
    reason: Mapped[str | None]
    decided_by: Mapped[UUID | None]
    """Null: it matched by itself."""
    created_at: Mapped[CreatedAt]


class BankOutgoing(Base):
    """Money to be sent: a refund of what was paid by transfer, or a return of what was for nothing here."""

    __tablename__ = "bank_outgoing"
    __table_args__ = (
        ForeignKeyConstraint(["account_id", "currency"], ["billing.bank_account.id", "billing.bank_account.currency"]),
        UniqueConstraint("idempotency_key"),
        UniqueConstraint("remark_code"),
        CheckConstraint("kind IN ('refund', 'return')", name="kind"),
        CheckConstraint("amount_minor > 0", name="amount"),
        CheckConstraint("state IN ('to_send', 'sent', 'returned', 'failed')", name="state"),
        CheckConstraint("(state IN ('sent', 'returned')) = (sent_at IS NOT NULL)", name="sent_at"),
        UniqueConstraint("left_line_id"),
        UniqueConstraint("back_line_id"),
        Index("ix_bank_outgoing_state_created_at", "state", "created_at"),
        Index("ix_bank_outgoing_transfer_id", "transfer_id"),
        Index("ix_bank_outgoing_account_id", "account_id"),
        Index("ix_bank_outgoing_created_at", "created_at", "id"),
        {"schema": "billing"},
    )
    id: Mapped[Id]
    account_id: Mapped[UUID]
    kind: Mapped[str]
    idempotency_key: Mapped[str]
    remark_code: Mapped[str]
    """To be named in the transfer's remark, so that the statement tells of it again."""
    transfer_id: Mapped[UUID | None] = mapped_column(ForeignKey("billing.bank_transfer.id"))
    amount_minor: Mapped[Minor]
    currency: Mapped[Currency]
    payee_name: Mapped[str]
    payee_account: Mapped[str]
    state: Mapped[str]
    bank_reference: Mapped[str]
    decided_by: Mapped[UUID | None]
    left_line_id: Mapped[UUID | None] = mapped_column(ForeignKey("billing.bank_line.id"))
    """The line by which the statement tells that it left."""
    back_line_id: Mapped[UUID | None] = mapped_column(ForeignKey("billing.bank_line.id"))
    """And by which it came back."""
    sent_at: Mapped[Instant | None]
    created_at: Mapped[CreatedAt]


class BankReturn(Base):
    """A return of money that came, above the limit of one person: it waits for another. Nothing is taken of its line before."""

    __tablename__ = "bank_return"
    __table_args__ = (
        CheckConstraint("amount_minor > 0 AND second_person_above_minor >= 0", name="amounts"),
        CheckConstraint("state IN ('asked', 'approved', 'withdrawn')", name="state"),
        CheckConstraint("(state = 'asked') = (decided_at IS NULL)", name="decided"),
        CheckConstraint("(state = 'approved') = (outgoing_id IS NOT NULL)", name="outgoing"),
        CheckConstraint("state <> 'approved' OR decided_by IS NOT NULL", name="approver"),
        UniqueConstraint("outgoing_id"),
        Index("uq_bank_return_waiting", "line_id", unique=True, postgresql_where=text("state = 'asked'")),
        Index("ix_bank_return_line_id", "line_id"),
        Index("ix_bank_return_created_at", "created_at", "id"),
        {"schema": "billing"},
    )
    id: Mapped[Id]
    line_id: Mapped[UUID] = mapped_column(ForeignKey("billing.bank_line.id"))
    amount_minor: Mapped[Minor]
    currency: Mapped[Currency]
    payee_name: Mapped[str]
    payee_account: Mapped[str]
    reason: Mapped[str]
    state: Mapped[str]
    second_person_above_minor: Mapped[Minor]
    """The limit when it was asked for."""
    asked_by: Mapped[UUID | None]
    decided_by: Mapped[UUID | None]
    decided_at: Mapped[Instant | None]
    outgoing_id: Mapped[UUID | None] = mapped_column(ForeignKey("billing.bank_outgoing.id"))
    """What is to be sent since it was approved."""
    created_at: Mapped[CreatedAt]


register("uq_bank_return_waiting", lambda: Conflict("bank_return_waiting"))
register("uq_bank_statement_account_id_sha256", lambda: Conflict("bank_file_known"))
register("uq_bank_account_offered", lambda: Conflict("bank_account_currency_taken"))
register("uq_bank_account_code", lambda: Conflict("bank_account_code_taken"))

AWAITED_TRANSFER = Machine(
    "bank_transfer",
    initial="awaited",
    edges=edges(awaited="received withdrawn credited", received="", withdrawn="", credited=""),
)
OUTGOING_TRANSFER = Machine(
    "bank_outgoing", initial="to_send", edges=edges(to_send="sent failed", sent="returned", returned="", failed="")
)
RETURNED_TRANSFER = Machine(
    "bank_return", initial="asked", edges=edges(asked="approved withdrawn", approved="", withdrawn="")
)
