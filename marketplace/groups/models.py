"""Groups of organizations: a headquarters, its subsidiaries, and what each of these lets its headquarters do."""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, Text, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from kernel.db import constraints
from kernel.db.base import Base, CreatedAt, Id, Instant
from kernel.errors import Conflict
from kernel.states import Machine, edges

PAY: Final = "pay"
RIGHTS = ("see_orders", "see_usage", "see_seat_holders", "allocate_seats", PAY)
"""All that a subsidiary may let its headquarters do. None of them signs in, orders, or reads anybody's mail address."""


class GroupMembership(Base):
    """An organization as a subsidiary of its headquarters, from `accepted_at` until `ended_at`.

    Its two sides never change. An organization has one headquarters at most, and whoever has one is nobody's: two levels.
    """

    __tablename__ = "group_membership"
    __table_args__ = (
        UniqueConstraint("hq_org_id", "org_id", "id"),
        ForeignKeyConstraint(["hq_org_id"], ["marketplace.organization.id"]),
        ForeignKeyConstraint(["org_id"], ["marketplace.organization.id"]),
        CheckConstraint("hq_org_id <> org_id", name="of_another"),
        CheckConstraint("state IN ('requested', 'active', 'declined', 'withdrawn', 'ended')", name="state"),
        CheckConstraint("(accepted_at IS NOT NULL) = (state IN ('active', 'ended'))", name="accepted"),
        CheckConstraint("(ended_at IS NOT NULL) = (state = 'ended')", name="ended"),
        CheckConstraint(
            "rights <@ ARRAY['see_orders', 'see_usage', 'see_seat_holders', 'allocate_seats', 'pay']", name="rights"
        ),
        Index(
            "uq_group_membership_standing",
            "hq_org_id",
            "org_id",
            unique=True,
            postgresql_where=text("state IN ('requested', 'active')"),
        ),
        Index("uq_group_membership_headquarters", "org_id", unique=True, postgresql_where=text("state = 'active'")),
        Index("ix_group_membership_hq_org_id_created_at", "hq_org_id", "created_at", "id"),
        Index("ix_group_membership_org_id_created_at", "org_id", "created_at", "id"),
        Index("ix_group_membership_asked_by", "asked_by"),
        {"schema": "marketplace"},
    )
    id: Mapped[Id]
    hq_org_id: Mapped[UUID]
    org_id: Mapped[UUID]
    """The subsidiary."""
    hq_name: Mapped[str]
    org_name: Mapped[str]
    """As both were called when it was asked for: neither may look the other up."""
    state: Mapped[str]
    by_hq: Mapped[bool]
    """Whether the headquarters asked; the other side answers."""
    rights: Mapped[list[str]] = mapped_column(ARRAY(Text))
    """What the headquarters may do: asked for by it or offered by the subsidiary, and since it is active what that gives."""
    asked_by: Mapped[UUID | None] = mapped_column(ForeignKey("marketplace.person.id"))
    created_at: Mapped[CreatedAt]
    accepted_at: Mapped[Instant | None]
    ended_at: Mapped[Instant | None]

    @property
    def parties(self) -> list[UUID]:
        """Whose history it is."""
        return [self.hq_org_id, self.org_id]

    @property
    def fact(self) -> dict[str, Any]:
        """What each of its events says."""
        return {"membership_id": self.id, "hq_org_id": self.hq_org_id, "member_org_id": self.org_id}


constraints.register("uq_group_membership_standing", lambda: Conflict("group_asked_already"))
constraints.register("uq_group_membership_headquarters", lambda: Conflict("group_has_headquarters"))

GROUP_MEMBERSHIP = Machine(
    "group_membership",
    initial="requested",
    edges=edges(requested="active declined withdrawn", active="ended", declined="", withdrawn="", ended=""),
)
