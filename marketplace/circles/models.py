"""Tables of circles: what each is, who is in it, and which channels it follows."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from kernel.db.base import Base, CreatedAt, Id, Instant
from kernel.states import Machine, edges

KINDS: Final = ("internal", "teaching", "exchange", "community")
"""内部圈子, 在线教学圈子, 商务交流圈子, 社群运营圈子: each has its own tools.

Internal: of one company's people alone. Teaching: a list of videos to watch. Exchange: a directory of the members who agree to
stand in it. Community: one post that stays above the others.
"""
VISIBILITIES: Final = ("open", "closed")
JOININGS: Final = ("open", "approval")
MODERATIONS: Final = ("before", "after")
LEADERS: Final = ("owner", "moderator")


class Circle(Base):
    """A community. Its organization is of the kind `circle`, has its name, and is its owner's to act for."""

    __tablename__ = "circle"
    __table_args__ = (
        UniqueConstraint("code"),
        CheckConstraint("kind IN ('internal', 'teaching', 'exchange', 'community')", name="kind"),
        CheckConstraint("visibility IN ('open', 'closed')", name="visibility"),
        CheckConstraint("joining IN ('open', 'approval')", name="joining"),
        CheckConstraint("moderation IN ('before', 'after')", name="moderation"),
        CheckConstraint("(kind = 'internal') = (company_org_id IS NOT NULL)", name="company"),
        CheckConstraint("kind <> 'internal' OR visibility = 'closed'", name="internal_closed"),
        CheckConstraint("company_org_id <> org_id", name="of_a_company"),
        Index("ix_circle_company_org_id", "company_org_id"),
        Index("ix_circle_founded_by", "founded_by"),
        Index("ix_circle_listed", "created_at", "org_id", postgresql_where=text("kind <> 'internal'")),
        {"schema": "marketplace"},
    )
    org_id: Mapped[UUID] = mapped_column(ForeignKey("marketplace.organization.id"), primary_key=True)
    kind: Mapped[str]
    about: Mapped[str]
    visibility: Mapped[str]
    """Closed: what is written in it only its members read; that there is one everybody may know, but of an internal one."""
    joining: Mapped[str]
    """By approval, whoever finds it asks first; whoever has its link joins at once."""
    moderation: Mapped[str]
    """Before: what members write waits until a leader shows it. After: it is shown, and may be hidden."""
    code: Mapped[str]
    """What its link ends in; another takes its place whenever its owner likes."""
    company_org_id: Mapped[UUID | None] = mapped_column(ForeignKey("marketplace.organization.id"))
    """Whose people an internal circle is for."""
    founded_by: Mapped[UUID] = mapped_column(ForeignKey("marketplace.person.id"))
    created_at: Mapped[CreatedAt]


class CircleMember(Base):
    """A person in a circle, for the organization that they joined for. One row for each, whatever became of it."""

    __tablename__ = "circle_member"
    __table_args__ = (
        UniqueConstraint("org_id", "person_id"),
        UniqueConstraint("org_id", "id"),
        ForeignKeyConstraint(["org_id"], ["marketplace.circle.org_id"]),
        ForeignKeyConstraint(["member_org_id"], ["marketplace.organization.id"]),
        ForeignKeyConstraint(["person_id"], ["marketplace.person.id"]),
        CheckConstraint("state IN ('asked', 'active', 'declined', 'left', 'removed')", name="state"),
        CheckConstraint("role IN ('owner', 'moderator', 'member')", name="role"),
        CheckConstraint("role <> 'owner' OR state = 'active'", name="owner_active"),
        CheckConstraint("state <> 'active' OR joined_at IS NOT NULL", name="joined"),
        CheckConstraint("listed_at IS NULL OR state = 'active'", name="listed"),
        Index("uq_circle_member_owner", "org_id", unique=True, postgresql_where=text("role = 'owner'")),
        Index("ix_circle_member_org_id_state", "org_id", "state", "created_at", "id"),
        Index("ix_circle_member_person_id", "person_id", "created_at", "id"),
        Index("ix_circle_member_member_org_id", "member_org_id"),
        {"schema": "marketplace"},
    )
    id: Mapped[Id]
    org_id: Mapped[UUID]
    """The circle."""
    person_id: Mapped[UUID]
    member_org_id: Mapped[UUID]
    """Which organization they represent: the one that they acted for."""
    person_name: Mapped[str]
    org_name: Mapped[str]
    """As both were called when they joined."""
    role: Mapped[str]
    state: Mapped[str]
    listed_at: Mapped[Instant | None]
    """When they agreed to stand in the directory that all members read; None: they do not."""
    created_at: Mapped[CreatedAt]
    joined_at: Mapped[Instant | None]

    @property
    def parties(self) -> list[UUID]:
        """Whose history it is."""
        return sorted({self.org_id, self.member_org_id})


class CircleChannel(Base):
    """A channel that a circle follows: its members find its latest videos on the circle's page."""

    __tablename__ = "circle_channel"
    __table_args__ = (
        ForeignKeyConstraint(["org_id"], ["marketplace.circle.org_id"]),
        ForeignKeyConstraint(["channel_id"], ["marketplace.channel.id"]),
        Index("ix_circle_channel_channel_id", "channel_id"),
        {"schema": "marketplace"},
    )
    org_id: Mapped[UUID] = mapped_column(primary_key=True)
    channel_id: Mapped[UUID] = mapped_column(primary_key=True)
    created_at: Mapped[CreatedAt]


CIRCLE_MEMBER = Machine(
    "marketplace.circle_member",
    initial="asked active",
    edges=edges(
        asked="active declined left",
        active="left removed",
        declined="asked active",
        left="asked active",
        removed="asked",
    ),
)
"""Whoever was removed comes back by asking alone, not by the link."""
