"""Tables of a hall's visitors: their badges, the booths they came to, and to which they gave their contact."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from kernel.db.base import Base, CreatedAt, Id, Instant
from kernel.db.constraints import register
from kernel.errors import Conflict
from kernel.states import Machine, edges

CONTACT: Final = ("name", "company", "job_title", "email", "phone")
"""What a badge says of its bearer, and an exchange hands on."""
_EMPTY = " AND ".join(f"{name} = ''" for name in CONTACT)
_BOOTH = ["marketplace.hall_booth.org_id", "marketplace.hall_booth.exhibitor_org_id", "marketplace.hall_booth.id"]
_BADGE = ["marketplace.hall_badge.org_id", "marketplace.hall_badge.visitor_org_id", "marketplace.hall_badge.id"]


class HallBadge(Base):
    """A person's registration for a hall, and the code it shows there. What it says is there only with consent."""

    __tablename__ = "hall_badge"
    __table_args__ = (
        UniqueConstraint("code"),
        UniqueConstraint("hall_id", "visitor_org_id", "person_id"),
        UniqueConstraint("org_id", "visitor_org_id", "id"),
        ForeignKeyConstraint(["org_id", "hall_id"], ["marketplace.hall.org_id", "marketplace.hall.id"]),
        ForeignKeyConstraint(["visitor_org_id"], ["marketplace.organization.id"]),
        CheckConstraint("state IN ('registered', 'withdrawn')", name="state"),
        CheckConstraint("(consented_at IS NOT NULL) = (state = 'registered')", name="consent"),
        CheckConstraint(
            "(consented_at IS NULL) = (consent_version IS NULL) AND (consented_at IS NULL) = (consent_text IS NULL)",
            name="consent_words",
        ),
        CheckConstraint(f"consented_at IS NOT NULL OR ({_EMPTY})", name="no_contact_without_consent"),
        Index("ix_hall_badge_hall_id", "org_id", "hall_id", "created_at", "id"),
        Index("ix_hall_badge_visitor_org_id", "visitor_org_id", "person_id"),
        Index("ix_hall_badge_person_id", "person_id"),
        {"schema": "marketplace"},
    )
    id: Mapped[Id]
    hall_id: Mapped[UUID]
    org_id: Mapped[UUID]
    """The organizer, who reads it."""
    visitor_org_id: Mapped[UUID]
    person_id: Mapped[UUID] = mapped_column(ForeignKey("marketplace.person.id"))
    state: Mapped[str]
    code: Mapped[str]
    """What its bearer shows; whoever reads it learns nothing but that it may be asked for."""
    name: Mapped[str]
    company: Mapped[str]
    job_title: Mapped[str]
    email: Mapped[str]
    phone: Mapped[str]
    consent_version: Mapped[str | None]
    consent_text: Mapped[str | None]
    consented_at: Mapped[Instant | None]
    created_at: Mapped[CreatedAt]

    @property
    def parties(self) -> list[UUID]:
        """Whose history it is."""
        return sorted({self.org_id, self.visitor_org_id})


class HallVisit(Base):
    """A registered visitor came to a booth: once for both, at the first time."""

    __tablename__ = "hall_visit"
    __table_args__ = (
        ForeignKeyConstraint(["org_id", "exhibitor_org_id", "booth_id"], _BOOTH),
        ForeignKeyConstraint(["org_id", "visitor_org_id", "badge_id"], _BADGE),
        Index("ix_hall_visit_exhibitor_org_id", "org_id", "exhibitor_org_id", "booth_id"),
        Index("ix_hall_visit_badge_id", "org_id", "visitor_org_id", "badge_id"),
        Index("ix_hall_visit_visitor_org_id", "visitor_org_id"),
        Index("ix_hall_visit_of_exhibitor", "exhibitor_org_id"),
        {"schema": "marketplace"},
    )
    booth_id: Mapped[UUID] = mapped_column(primary_key=True)
    badge_id: Mapped[UUID] = mapped_column(primary_key=True)
    org_id: Mapped[UUID]
    exhibitor_org_id: Mapped[UUID]
    visitor_org_id: Mapped[UUID]
    visited_at: Mapped[datetime]


class HallExchange(Base):
    """A badge for a booth: asked for by the exhibitor, or given. Given, the exhibitor has the contact and a lead."""

    __tablename__ = "hall_exchange"
    __table_args__ = (
        ForeignKeyConstraint(["org_id", "exhibitor_org_id", "booth_id"], _BOOTH),
        ForeignKeyConstraint(["org_id", "visitor_org_id", "badge_id"], _BADGE),
        ForeignKeyConstraint(
            ["visitor_org_id", "exhibitor_org_id", "lead_id"],
            ["marketplace.lead.buyer_org_id", "marketplace.lead.seller_org_id", "marketplace.lead.id"],
        ),
        CheckConstraint("visitor_org_id <> exhibitor_org_id", name="of_another"),
        CheckConstraint("state IN ('asked', 'given', 'declined', 'revoked')", name="state"),
        CheckConstraint("(consented_at IS NOT NULL) = (state = 'given')", name="consent"),
        CheckConstraint("(lead_id IS NOT NULL) = (given_at IS NOT NULL)", name="lead"),
        CheckConstraint("(given_at IS NOT NULL) = (state IN ('given', 'revoked'))", name="given"),
        CheckConstraint(
            "(consented_at IS NULL) = (consent_version IS NULL) AND (consented_at IS NULL) = (consent_text IS NULL)",
            name="consent_words",
        ),
        CheckConstraint(f"consented_at IS NOT NULL OR ({_EMPTY})", name="no_contact_without_consent"),
        Index(
            "uq_hall_exchange_standing",
            "booth_id",
            "badge_id",
            unique=True,
            postgresql_where=text("state IN ('asked', 'given')"),
        ),
        Index("ix_hall_exchange_booth_id", "exhibitor_org_id", "booth_id", "created_at", "id"),
        Index("ix_hall_exchange_org_id", "org_id", "exhibitor_org_id", "booth_id"),
        Index("ix_hall_exchange_badge_id", "org_id", "visitor_org_id", "badge_id"),
        Index("ix_hall_exchange_lead_id", "visitor_org_id", "exhibitor_org_id", "lead_id"),
        {"schema": "marketplace"},
    )
    id: Mapped[Id]
    booth_id: Mapped[UUID]
    badge_id: Mapped[UUID]
    org_id: Mapped[UUID]
    """The organizer, who reads how many there are."""
    exhibitor_org_id: Mapped[UUID]
    visitor_org_id: Mapped[UUID]
    state: Mapped[str]
    by_exhibitor: Mapped[bool]
    """Whether the exhibitor asked, by the badge's code."""
    name: Mapped[str] = mapped_column(default="")
    company: Mapped[str] = mapped_column(default="")
    job_title: Mapped[str] = mapped_column(default="")
    email: Mapped[str] = mapped_column(default="")
    phone: Mapped[str] = mapped_column(default="")
    """As the badge said them when it was given."""
    consent_version: Mapped[str | None]
    consent_text: Mapped[str | None]
    consented_at: Mapped[Instant | None]
    given_at: Mapped[Instant | None]
    """When it was given; a revoked one keeps it."""
    lead_id: Mapped[UUID | None]
    created_at: Mapped[CreatedAt]

    @property
    def parties(self) -> list[UUID]:
        """Whose history it is."""
        return [self.exhibitor_org_id, self.visitor_org_id]

    @property
    def fact(self) -> dict[str, Any]:
        """What each of its events says."""
        return {
            "exchange_id": self.id,
            "exhibitor_org_id": self.exhibitor_org_id,
            "visitor_org_id": self.visitor_org_id,
        }


register("uq_hall_exchange_standing", lambda: Conflict("badge_exchanged_already"))
register("uq_hall_badge_hall_id_visitor_org_id_person_id", lambda: Conflict("registered_already"))

BADGE = Machine(
    "marketplace.hall_badge", initial="registered", edges=edges(registered="withdrawn", withdrawn="registered")
)
EXCHANGE = Machine(
    "marketplace.hall_exchange",
    initial="asked given",
    edges=edges(asked="given declined", given="revoked", declined="", revoked=""),
)
