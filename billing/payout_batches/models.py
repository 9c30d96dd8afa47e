"""Tables of what goes out by bank: batches of transfers, their entries, and what banks reported of them."""

from __future__ import annotations

from datetime import date
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from kernel.db.base import Base, CreatedAt, Currency, Id, Instant, Minor
from kernel.db.constraints import register
from kernel.errors import Conflict
from kernel.states import Machine, edges


class PayoutBatch(Base):
    """Transfers in one currency that are given to a bank as one file. The platform's own row; its entries name the parties.

    What the file says of the platform (`debtor_…`) is copied when it is drafted.
    """

    __tablename__ = "payout_batch"
    __table_args__ = (
        CheckConstraint(
            "state IN ('drafted', 'approved', 'sent', 'settled', 'partly', 'failed', 'discarded')", name="state"
        ),
        CheckConstraint("payouts > 0 AND control_sum_minor > 0", name="sum"),
        CheckConstraint("second_person_above_minor >= 0", name="second_person"),
        CheckConstraint("(approved_at IS NULL) = (approved_by IS NULL)", name="approved"),
        CheckConstraint("state IN ('drafted', 'discarded') OR approved_at IS NOT NULL", name="approved_first"),
        CheckConstraint("state IN ('drafted', 'approved', 'discarded') OR sent_at IS NOT NULL", name="sent"),
        Index("ix_payout_batch_created_at", "created_at", "id"),
        {"schema": "billing"},
    )
    id: Mapped[Id]
    currency: Mapped[Currency]
    state: Mapped[str]
    payouts: Mapped[int]
    control_sum_minor: Mapped[Minor]
    debtor_name: Mapped[str]
    debtor_country: Mapped[str]
    debtor_account: Mapped[str]
    debtor_bank_code: Mapped[str]
    second_person_above_minor: Mapped[Minor]
    """A batch of more is approved by somebody who neither drafted it nor had a hand in its accounts."""
    execution_on: Mapped[date]
    """The day on which the bank is asked to execute it: of its drafting, then of its being sent."""
    drafted_by: Mapped[UUID | None]
    approved_by: Mapped[UUID | None]
    approved_at: Mapped[Instant | None]
    sent_by: Mapped[UUID | None]
    sent_at: Mapped[Instant | None]
    created_at: Mapped[CreatedAt]

    @property
    def message_id(self) -> str:
        """What the file is called in it (MsgId, Max35Text), and in what a bank says of it."""
        return self.id.hex


class PayoutBatchEntry(Base):
    """One payout of a batch, with the account that it goes to. One of a discarded batch is dropped, and may be in another."""

    __tablename__ = "payout_batch_entry"
    __table_args__ = (
        ForeignKeyConstraint(["org_id", "payout_id"], ["billing.payout.org_id", "billing.payout.id"]),
        ForeignKeyConstraint(
            ["org_id", "account_id"], ["marketplace.payout_account.org_id", "marketplace.payout_account.id"]
        ),
        CheckConstraint("amount_minor > 0", name="amount"),
        Index("ix_payout_batch_entry_batch_id", "batch_id", "id"),
        Index("ix_payout_batch_entry_org_id_payout_id", "org_id", "payout_id"),
        Index("ix_payout_batch_entry_org_id_account_id", "org_id", "account_id"),
        Index(
            "uq_payout_batch_entry_payout",
            "payout_id",
            unique=True,
            postgresql_where=text("dropped_at IS NULL"),
        ),
        {"schema": "billing"},
    )
    id: Mapped[Id]
    batch_id: Mapped[UUID] = mapped_column(ForeignKey("billing.payout_batch.id"))
    org_id: Mapped[UUID]
    payout_id: Mapped[UUID]
    account_id: Mapped[UUID]
    amount_minor: Mapped[Minor]
    currency: Mapped[Currency]
    dropped_at: Mapped[Instant | None]
    created_at: Mapped[CreatedAt]


class PayoutReport(Base):
    """A file in which a bank told what became of transfers. Append-only; the same bytes are imported once."""

    __tablename__ = "payout_report"
    __table_args__ = (
        UniqueConstraint("sha256"),
        CheckConstraint("kind IN ('pain.002', 'camt.053', 'camt.054')", name="kind"),
        Index("ix_payout_report_created_at", "created_at", "id"),
        {"schema": "billing"},
    )
    id: Mapped[Id]
    kind: Mapped[str]
    message_id: Mapped[str]
    file_name: Mapped[str]
    sha256: Mapped[str]
    imported_by: Mapped[str]
    created_at: Mapped[CreatedAt]


class PayoutReportLine(Base):
    """What a report says of one transfer, and what followed here. Append-only. Without a payout it is of nothing of ours."""

    __tablename__ = "payout_report_line"
    __table_args__ = (
        ForeignKeyConstraint(["org_id", "payout_id"], ["billing.payout.org_id", "billing.payout.id"]),
        UniqueConstraint("report_id", "position"),
        CheckConstraint("says IN ('paid', 'failed', 'returned', 'pending')", name="says"),
        CheckConstraint(
            "outcome IN ('applied', 'known', 'not_ours', 'not_sent', 'amount_differs', 'contradicts', 'pending')",
            name="outcome",
        ),
        CheckConstraint("(org_id IS NULL) = (payout_id IS NULL)", name="payout"),
        Index("ix_payout_report_line_org_id_payout_id", "org_id", "payout_id"),
        {"schema": "billing"},
    )
    id: Mapped[Id]
    report_id: Mapped[UUID] = mapped_column(ForeignKey("billing.payout_report.id"))
    position: Mapped[int]
    """Of the line in its file, from 1."""
    org_id: Mapped[UUID | None]
    payout_id: Mapped[UUID | None]
    end_to_end_id: Mapped[str]
    says: Mapped[str]
    reason: Mapped[str]
    """The bank's code for why (ISO 20022 external status or return reason)."""
    reference: Mapped[str]
    """The bank's own name of the transfer."""
    amount_minor: Mapped[Minor | None]
    currency: Mapped[Currency | None]
    outcome: Mapped[str]


register("uq_payout_batch_entry_payout", lambda: Conflict("payout_batched_already"))
register("uq_payout_report_sha256", lambda: Conflict("payout_report_known"))

PAYOUT_BATCH = Machine(
    "payout_batch",
    initial="drafted",
    edges=edges(
        drafted="approved discarded",
        approved="sent discarded",
        sent="settled partly failed",
        # A bank may return what it had paid.
        settled="partly failed",
        partly="failed",
        failed="",
        discarded="",
    ),
)
