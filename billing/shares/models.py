"""Tables of revenue share: the published policy, each party's part of a line, and what was taken back of it."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from kernel.db.base import Base, CreatedAt, Currency, Id, Instant, Minor, Ppm
from kernel.states import Machine, edges


class SharePolicy(Base):
    """One category's rates in one version of the public policy. Append-only: a change is a new version.

    The rates apply to the line's net (without tax, after discount); the commission includes the tax on it.
    """

    __tablename__ = "share_policy"
    __table_args__ = (
        UniqueConstraint("version", "category"),
        CheckConstraint("commission_ppm >= 0 AND promoter_ppm >= 0", name="positive"),
        CheckConstraint("commission_ppm + promoter_ppm <= 1000000", name="whole"),
        CheckConstraint("hold_days >= 0", name="hold"),
        {"schema": "billing"},
    )
    id: Mapped[Id]
    version: Mapped[int]
    category: Mapped[str]
    commission_ppm: Mapped[Ppm]
    promoter_ppm: Mapped[Ppm]
    hold_days: Mapped[int]
    """Days after delivery during which a share cannot be paid out."""
    effective_at: Mapped[Instant]
    published_at: Mapped[Instant]


class Share(Base):
    """One party's part of one charge. `amount_minor` is positive: what the platform owes (or, for commission, keeps).

    The shares of a charge add up to its gross. Terms are copied; a later policy changes nothing here.
    """

    __tablename__ = "share"
    __table_args__ = (
        UniqueConstraint("charge_id", "kind"),
        CheckConstraint("kind IN ('seller', 'promoter', 'commission')", name="kind"),
        CheckConstraint("state IN ('pending', 'releasable', 'in_statement', 'paid', 'reversed')", name="state"),
        CheckConstraint("amount_minor >= 0", name="amount"),
        CheckConstraint("0 <= reversed_minor AND reversed_minor <= amount_minor", name="reversed"),
        CheckConstraint("(state IN ('in_statement', 'paid')) <= (statement_id IS NOT NULL)", name="statement"),
        Index("ix_share_org_id_state", "org_id", "state", "captured_at"),
        Index("ix_share_group_reference", "group_reference"),
        Index("ix_share_statement_id", "statement_id", postgresql_where=text("statement_id IS NOT NULL")),
        Index("ix_share_reference", "reference"),
        Index("ix_share_due", "releasable_at", postgresql_where=text("state = 'pending'")),
        Index("ix_share_releasable", "org_id", "releasable_at", postgresql_where=text("state = 'releasable'")),
        Index(
            "ix_share_sale_releasable", "seller_org_id", "releasable_at", postgresql_where=text("state = 'releasable'")
        ),
        {"schema": "billing"},
    )
    id: Mapped[Id]
    org_id: Mapped[UUID]
    """Whose money it is."""
    seller_org_id: Mapped[UUID]
    """Whose sale it was; the seller sees all parts of its own lines."""
    charge_id: Mapped[UUID] = mapped_column(ForeignKey("billing.charge.id"))
    reference: Mapped[UUID]
    """The order line."""
    part_reference: Mapped[UUID | None]
    """The milestone of it whose charge is shared, where there are several."""
    group_reference: Mapped[UUID]
    """The order."""
    video_id: Mapped[UUID | None]
    kind: Mapped[str]
    policy_version: Mapped[int]
    rate_ppm: Mapped[Ppm]
    """Of the base; for the seller what remains of the net after the others."""
    base_minor: Mapped[Minor]
    """The line's net."""
    gross_minor: Mapped[Minor]
    """The line's gross, for the statement."""
    amount_minor: Mapped[Minor]
    reversed_minor: Mapped[Minor] = mapped_column(default=0)
    """Taken back by refunds so far."""
    currency: Mapped[Currency]
    state: Mapped[str]
    hold_days: Mapped[int]
    captured_at: Mapped[Instant]
    delivered_at: Mapped[Instant | None]
    releasable_at: Mapped[Instant | None]
    """Delivery plus hold; unknown until delivered."""
    statement_id: Mapped[UUID | None] = mapped_column(ForeignKey("billing.statement.id"))


class ShareReversal(Base):
    """What one refund took back of one share. Append-only but for the statement that settles it."""

    __tablename__ = "share_reversal"
    __table_args__ = (
        UniqueConstraint("refund_id", "share_id"),
        CheckConstraint("amount_minor >= 0", name="amount"),
        Index("ix_share_reversal_org_id_statement_id", "org_id", "statement_id"),
        Index("ix_share_reversal_share_id", "share_id"),
        Index("ix_share_reversal_statement_id", "statement_id"),
        {"schema": "billing"},
    )
    id: Mapped[Id]
    org_id: Mapped[UUID]
    seller_org_id: Mapped[UUID]
    share_id: Mapped[UUID] = mapped_column(ForeignKey("billing.share.id"))
    refund_id: Mapped[UUID] = mapped_column(ForeignKey("billing.refund.id"))
    amount_minor: Mapped[Minor]
    """Lowers the share; zero where rounding gave the others everything."""
    gross_minor: Mapped[Minor]
    """Gross of the refunded part of the line."""
    currency: Mapped[Currency]
    statement_id: Mapped[UUID | None] = mapped_column(ForeignKey("billing.statement.id"))
    created_at: Mapped[CreatedAt]


SHARE = Machine(
    "share",
    initial="pending",
    edges=edges(
        pending="releasable reversed",
        releasable="in_statement reversed",
        # A payout that failed opens the statement again, not the share; a refund after this is a line of the next one.
        # One that came back makes what it had paid unpaid.
        in_statement="paid",
        paid="in_statement",
        reversed="",
    ),
)
