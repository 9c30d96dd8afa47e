"""Tables of credit lines: what a buyer may owe, and what each of its payments holds of that."""

from __future__ import annotations

from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from kernel.db.base import Base, CreatedAt, Currency, Id, Instant, Minor
from kernel.db.constraints import register
from kernel.errors import Conflict
from kernel.states import Machine, edges

ON_ACCOUNT: Final = "on_account"
"""The gateway's name: in payments and purchases."""


class CreditLine(Base):
    """What an organization may owe in one currency, and how many days it may owe it.

    `used_minor` is what it owes for purchases on account, `held_minor` what payments whose outcome is not known yet are about
    to add. Together they never exceed the limit: what stands above one that was lowered since (`over_minor`) only falls.
    """

    __tablename__ = "credit_line"
    __table_args__ = (
        UniqueConstraint("org_id", "currency"),
        UniqueConstraint("org_id", "id"),
        CheckConstraint("state IN ('asked', 'open', 'declined', 'closed')", name="state"),
        CheckConstraint("limit_minor >= 0 AND term_days BETWEEN 1 AND 120", name="terms"),
        CheckConstraint("held_minor >= 0 AND used_minor >= 0 AND over_minor >= 0", name="not_negative"),
        CheckConstraint("held_minor + used_minor <= limit_minor + over_minor", name="limit"),
        CheckConstraint("asked_minor > 0", name="asked"),
        CheckConstraint("state <> 'asked' OR asked_minor IS NOT NULL", name="asked_first"),
        Index("ix_credit_line_created_at", "created_at", "id"),
        Index("ix_credit_line_asked", "asked_at", postgresql_where=text("asked_minor IS NOT NULL")),
        Index("ix_credit_line_asked_by", "asked_by"),
        Index("ix_credit_line_decided_by", "decided_by"),
        {"schema": "billing"},
    )
    id: Mapped[Id]
    org_id: Mapped[UUID] = mapped_column(ForeignKey("marketplace.organization.id"))
    currency: Mapped[Currency]
    state: Mapped[str]
    limit_minor: Mapped[Minor]
    term_days: Mapped[int]
    """Days after a purchase by which its money has to be here (NET 30: 30)."""
    held_minor: Mapped[Minor] = mapped_column(default=0)
    used_minor: Mapped[Minor] = mapped_column(default=0)
    over_minor: Mapped[Minor] = mapped_column(default=0)
    first_due_at: Mapped[Instant | None]
    """When the first of the purchases that are not paid yet is due; past that, none is added."""
    asked_minor: Mapped[Minor | None]
    """What limit the buyer asks for, until that is decided."""
    asked_reason: Mapped[str] = mapped_column(default="")
    asked_by: Mapped[UUID | None] = mapped_column(ForeignKey("marketplace.person.id"))
    asked_at: Mapped[Instant | None]
    decided_by: Mapped[UUID | None] = mapped_column(ForeignKey("marketplace.person.id"))
    decided_at: Mapped[Instant | None]
    decision_reason: Mapped[str] = mapped_column(default="")
    """What the buyer is told of the latest decision."""
    created_at: Mapped[CreatedAt]

    @property
    def available_minor(self) -> int:
        """What the next purchase may add, were nothing overdue; none of a line that is not open."""
        return max(0, self.limit_minor - self.used_minor - self.held_minor) if self.state == "open" else 0

    def refusal(self, amount_minor: int, at: datetime) -> str | None:
        """Why a purchase of that amount cannot go on account at that instant; None: it can."""
        if self.state != "open":
            return "credit_line_closed"
        if self.first_due_at is not None and self.first_due_at <= at:
            return "credit_line_overdue"
        return "credit_limit_exceeded" if amount_minor > self.available_minor else None

    def hold(self, minor: int) -> None:
        """A payment that fits is about to add so much."""
        self.held_minor += minor

    def draw(self, minor: int) -> None:
        """So much of what was held is owed now."""
        self.held_minor -= minor
        self.used_minor += minor

    def release(self, minor: int) -> None:
        """So much of what was held is free again."""
        self.held_minor -= minor
        self._measure()

    def repay(self, minor: int) -> None:
        """So much is owed no longer."""
        self.used_minor -= minor
        self._measure()

    def change_limit(self, minor: int) -> None:
        """Another limit; below what is in use it keeps what exceeds it apart."""
        self.limit_minor = minor
        self._measure()

    def _measure(self) -> None:
        self.over_minor = max(0, self.used_minor + self.held_minor - self.limit_minor)


class CreditHold(Base):
    """What one payment on account takes of its line: held, then drawn when the payment succeeds, or released."""

    __tablename__ = "credit_hold"
    __table_args__ = (
        ForeignKeyConstraint(["org_id", "line_id"], ["billing.credit_line.org_id", "billing.credit_line.id"]),
        ForeignKeyConstraint(["org_id", "payment_id"], ["billing.payment.payer_org_id", "billing.payment.id"]),
        UniqueConstraint("payment_id"),
        CheckConstraint("state IN ('held', 'drawn', 'released')", name="state"),
        CheckConstraint("amount_minor > 0", name="amount"),
        Index("ix_credit_hold_org_id_line_id", "org_id", "line_id"),
        Index("ix_credit_hold_org_id_payment_id", "org_id", "payment_id"),
        {"schema": "billing"},
    )
    id: Mapped[Id]
    org_id: Mapped[UUID]
    line_id: Mapped[UUID]
    payment_id: Mapped[UUID]
    state: Mapped[str]
    amount_minor: Mapped[Minor]
    currency: Mapped[Currency]
    term_days: Mapped[int]
    """The line's when the purchase was made: a term that is changed later is for later purchases."""
    created_at: Mapped[CreatedAt]


register("uq_credit_line_org_id_currency", lambda: Conflict("credit_line_exists"))
register("ck_credit_line_limit", lambda: Conflict("credit_limit_exceeded"))

CREDIT_LINE = Machine(
    "credit_line",
    initial="asked open",
    edges=edges(asked="open declined", declined="asked open", open="closed", closed="asked open"),
)
CREDIT_HOLD = Machine("credit_hold", initial="held", edges=edges(held="drawn released", drawn="", released=""))
