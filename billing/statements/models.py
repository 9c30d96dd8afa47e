"""Tables of settlement: a party's closed period and the lines it is made of. Frozen when closed."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from kernel.db.base import Base, CreatedAt, Currency, Id, Instant, Minor
from kernel.states import Machine, edges

_NET = (
    "carried_minor + gross_minor + refunds_minor + commission_minor + promoter_minor + commission_tax_minor"
    " + adjustments_minor = net_minor"
)


class Statement(Base):
    """What a party earned in [starts_at, ends_at) in one currency. Signed from the party's side."""

    __tablename__ = "statement"
    __table_args__ = (
        UniqueConstraint("org_id", "id"),
        UniqueConstraint("org_id", "currency", "ends_at"),
        UniqueConstraint("number"),
        CheckConstraint("state IN ('closed', 'paying', 'paid', 'carried')", name="state"),
        CheckConstraint("starts_at < ends_at", name="period"),
        CheckConstraint(_NET, name="net"),
        Index("ix_statement_commission_invoice_id", "commission_invoice_id"),
        {"schema": "billing"},
    )
    id: Mapped[Id]
    org_id: Mapped[UUID]
    number: Mapped[str]
    currency: Mapped[Currency]
    starts_at: Mapped[Instant]
    ends_at: Mapped[Instant]
    carried_minor: Mapped[Minor]
    """Net of earlier statements that were not positive and so were never paid."""
    gross_minor: Mapped[Minor]
    refunds_minor: Mapped[Minor]
    commission_minor: Mapped[Minor]
    promoter_minor: Mapped[Minor]
    """For a seller what promoters got (negative); for a promoter what it earned (positive)."""
    commission_tax_minor: Mapped[Minor]
    """Zero while the published commission includes its tax."""
    adjustments_minor: Mapped[Minor]
    net_minor: Mapped[Minor]
    state: Mapped[str]
    commission_invoice_id: Mapped[UUID | None] = mapped_column(ForeignKey("billing.invoice.id"))
    closed_at: Mapped[Instant]


class StatementLine(Base):
    """One share, or one reversal of a share, in a statement. The first five amounts add up to `net_minor`.

    Of a `supply`, which the platform sold, the seller's gross is what the platform pays for it: no commission is taken of that.
    """

    __tablename__ = "statement_line"
    __table_args__ = (
        ForeignKeyConstraint(["org_id", "statement_id"], ["billing.statement.org_id", "billing.statement.id"]),
        CheckConstraint(
            "kind IN ('sale', 'promotion', 'refund', 'promotion_refund', 'supply', 'supply_refund')", name="kind"
        ),
        CheckConstraint(
            "gross_minor + refunds_minor + commission_minor + promoter_minor + adjustments_minor = net_minor",
            name="net",
        ),
        Index("uq_statement_line_share", "share_id", unique=True, postgresql_where=text("reversal_id IS NULL")),
        Index("uq_statement_line_reversal", "reversal_id", unique=True),
        Index("ix_statement_line_org_id_statement_id", "org_id", "statement_id"),
        Index("ix_statement_line_share_id", "share_id"),
        {"schema": "billing"},
    )
    id: Mapped[Id]
    org_id: Mapped[UUID]
    statement_id: Mapped[UUID]
    share_id: Mapped[UUID] = mapped_column(ForeignKey("billing.share.id"))
    reversal_id: Mapped[UUID | None] = mapped_column(ForeignKey("billing.share_reversal.id"))
    kind: Mapped[str]
    reference: Mapped[UUID]
    """The order line."""
    group_reference: Mapped[UUID]
    """The order."""
    occurred_at: Mapped[Instant]
    gross_minor: Mapped[Minor]
    refunds_minor: Mapped[Minor]
    commission_minor: Mapped[Minor]
    promoter_minor: Mapped[Minor]
    adjustments_minor: Mapped[Minor] = mapped_column(default=0)
    net_minor: Mapped[Minor]
    currency: Mapped[Currency]
    created_at: Mapped[CreatedAt]


class StatementAdjustment(Base):
    """What a payout left unpaid of its statement, positive; the party's next statement takes it up.

    `disputed`: a share whose payment was in dispute when the statement was paid, taken up once the bank has decided (if it was
    lost, beside the reversal of the share). `returned`: a part of the payout that came back. It counts while the payout is
    paid; one that failed or came back altogether leaves its whole statement to be paid.
    """

    __tablename__ = "statement_adjustment"
    __table_args__ = (
        ForeignKeyConstraint(["org_id", "payout_id"], ["billing.payout.org_id", "billing.payout.id"]),
        ForeignKeyConstraint(["org_id", "statement_id"], ["billing.statement.org_id", "billing.statement.id"]),
        UniqueConstraint("payout_id", "share_id"),
        CheckConstraint("kind IN ('disputed', 'returned')", name="kind"),
        CheckConstraint("(kind = 'disputed') = (share_id IS NOT NULL)", name="share"),
        CheckConstraint("amount_minor > 0", name="amount"),
        Index("ix_statement_adjustment_org_id_payout_id", "org_id", "payout_id"),
        Index("ix_statement_adjustment_org_id_statement_id", "org_id", "statement_id"),
        Index("ix_statement_adjustment_share_id", "share_id"),
        {"schema": "billing"},
    )
    id: Mapped[Id]
    org_id: Mapped[UUID]
    kind: Mapped[str]
    payout_id: Mapped[UUID]
    share_id: Mapped[UUID | None] = mapped_column(ForeignKey("billing.share.id"))
    amount_minor: Mapped[Minor]
    currency: Mapped[Currency]
    statement_id: Mapped[UUID | None]
    """The statement that takes it up."""
    created_at: Mapped[CreatedAt]


STATEMENT = Machine(
    "statement",
    initial="closed",
    edges=edges(
        closed="paying carried",
        paying="paid closed",
        # A payout that came back opens the statement again.
        paid="closed",
        carried="",
    ),
)
