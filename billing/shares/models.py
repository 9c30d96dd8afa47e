"""Tables of revenue share: policies and their rules, each party's part of a line, and what was taken back of it."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from kernel.db.base import Base, CreatedAt, Currency, Id, Instant, Minor, Ppm
from kernel.states import Machine, edges


class SharePolicyVersion(Base):
    """A version of the public policy: drafted, then published whole, or discarded. Unchangeable from then on.

    `rules` are `billing.shares.rules.PolicyRule`; those of a published one stand as rows in `share_policy`, too.
    """

    __tablename__ = "share_policy_version"
    __table_args__ = (
        UniqueConstraint("version"),
        CheckConstraint("state IN ('draft', 'published', 'discarded')", name="state"),
        CheckConstraint(
            "(state = 'published') = (version IS NOT NULL AND effective_at IS NOT NULL AND published_at IS NOT NULL)",
            name="published",
        ),
        CheckConstraint("effective_at >= published_at", name="not_in_the_past"),
        {"schema": "billing"},
    )
    id: Mapped[Id]
    state: Mapped[str]
    version: Mapped[int | None]
    reason: Mapped[str]
    """What changes and why, as the public reads it."""
    reason_en: Mapped[str]
    rules: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)
    effective_at: Mapped[Instant | None]
    published_at: Mapped[Instant | None]
    created_by: Mapped[UUID | None]
    published_by: Mapped[UUID | None]
    created_at: Mapped[CreatedAt]


class SharePolicy(Base):
    """One rule of a published version of the public policy. Append-only: a change is a new version.

    The rates apply to the line's net (without tax, after discount); the commission includes the tax on it.
    Which rule a sale gets: `billing.shares.rules`.
    """

    __tablename__ = "share_policy"
    __table_args__ = (
        UniqueConstraint(
            "version",
            "category",
            "listing_id",
            "seller_id",
            "channel_id",
            "deal_type",
            name="uq_share_policy_scope",
            postgresql_nulls_not_distinct=True,
        ),
        CheckConstraint("commission_ppm >= 0 AND promoter_ppm >= 0", name="positive"),
        CheckConstraint("commission_ppm + promoter_ppm <= 1000000", name="whole"),
        CheckConstraint("hold_days >= 0", name="hold"),
        CheckConstraint("deal_type IN ('new', 'renewal', 'private_offer')", name="deal_type"),
        Index("ix_share_policy_in_force", "category", "effective_at", "version"),
        Index("ix_share_policy_seller_id", "seller_id"),
        {"schema": "billing"},
    )
    id: Mapped[Id]
    version: Mapped[int]
    category: Mapped[str]
    listing_id: Mapped[UUID | None]
    """For this listing alone; None, here and below: for all."""
    seller_id: Mapped[UUID | None] = mapped_column(ForeignKey("marketplace.organization.id"))
    channel_id: Mapped[UUID | None]
    """For what videos of this channel sell."""
    deal_type: Mapped[str | None]
    commission_ppm: Mapped[Ppm]
    promoter_ppm: Mapped[Ppm]
    hold_days: Mapped[int]
    """Days after delivery during which a share cannot be paid out."""
    effective_at: Mapped[Instant]
    published_at: Mapped[Instant]


class Share(Base):
    """One party's part of one charge. `amount_minor` is positive: what the platform owes (or, for commission, keeps).

    The shares of a charge add up to its gross; of what the platform sold itself to its net, as the tax is the platform's.
    Terms are copied; a later policy changes nothing here.
    """

    __tablename__ = "share"
    __table_args__ = (
        UniqueConstraint("charge_id", "kind"),
        CheckConstraint("kind IN ('seller', 'promoter', 'commission', 'distributor', 'service_provider')", name="kind"),
        CheckConstraint("state IN ('pending', 'releasable', 'in_statement', 'paid', 'reversed')", name="state"),
        CheckConstraint("amount_minor >= 0", name="amount"),
        CheckConstraint(
            "conflict IS NULL OR (conflict IN ('same_tax_id', 'not_chosen') AND kind = 'promoter' AND amount_minor = 0)",
            name="conflict",
        ),
        CheckConstraint("cap_minor >= 0", name="cap"),
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
    conflict: Mapped[str | None]
    """Why a promoter earns nothing of it: it has the tax identifier of the buyer or of the seller, or the listing is bound to
    other promoters.
    """
    cap_minor: Mapped[Minor | None]
    """The most that promotion, all of its kinds together, got of the charge by its plan's caps."""
    base_minor: Mapped[Minor]
    """The line's net."""
    gross_minor: Mapped[Minor]
    """What was shared: the line's gross, of what the platform sold itself its net."""
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
    """Of the refunded part of the line, what had been shared: its gross, or its net."""
    currency: Mapped[Currency]
    statement_id: Mapped[UUID | None] = mapped_column(ForeignKey("billing.statement.id"))
    created_at: Mapped[CreatedAt]


SHARE_POLICY_VERSION = Machine(
    "share_policy_version", initial="draft", edges=edges(draft="published discarded", published="", discarded="")
)
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
