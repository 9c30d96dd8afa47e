"""Tables of halls: the hall, its exhibitors' booths with what they show, and the agenda."""

from __future__ import annotations

from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from kernel.db.base import Base, CreatedAt, Id, Instant
from kernel.db.constraints import register
from kernel.errors import Conflict
from kernel.states import Machine, edges

VISIBILITIES: Final = ("public", "unlisted")
STANDING: Final = ("invited", "accepted")
"""Of a hall an exhibitor has one booth at most in these."""


class Hall(Base):
    """An exhibition or a launch of one organizer, open from one instant to another."""

    __tablename__ = "hall"
    __table_args__ = (
        UniqueConstraint("org_id", "id"),
        CheckConstraint("state IN ('draft', 'published', 'archived')", name="state"),
        CheckConstraint("visibility IN ('public', 'unlisted')", name="visibility"),
        CheckConstraint("closes_at > opens_at", name="dates"),
        CheckConstraint("(published_at IS NOT NULL) = (state <> 'draft')", name="published"),
        Index("ix_hall_org_id_created_at", "org_id", "created_at", "id"),
        Index(
            "ix_hall_shown",
            "opens_at",
            "id",
            postgresql_where=text("state = 'published' AND visibility = 'public'"),
        ),
        {"schema": "marketplace"},
    )
    id: Mapped[Id]
    org_id: Mapped[UUID] = mapped_column(ForeignKey("marketplace.organization.id"))
    """The organizer: a seller, or the platform."""
    organizer_name: Mapped[str]
    title: Mapped[str]
    title_en: Mapped[str]
    about: Mapped[str]
    about_en: Mapped[str]
    visibility: Mapped[str]
    """Unlisted: whoever has the link may come, and no list shows it."""
    state: Mapped[str]
    opens_at: Mapped[datetime]
    closes_at: Mapped[datetime]
    """A published hall is open from the one until just before the other; the clock alone says so."""
    published_at: Mapped[Instant | None]
    created_at: Mapped[CreatedAt]


class HallBooth(Base):
    """An exhibitor's place in a hall, from the organizer's invitation on. What it shows is the exhibitor's own to say."""

    __tablename__ = "hall_booth"
    __table_args__ = (
        UniqueConstraint("exhibitor_org_id", "id"),
        UniqueConstraint("org_id", "exhibitor_org_id", "id"),
        ForeignKeyConstraint(["exhibitor_org_id"], ["marketplace.organization.id"]),
        ForeignKeyConstraint(["org_id", "hall_id"], ["marketplace.hall.org_id", "marketplace.hall.id"]),
        ForeignKeyConstraint(
            ["exhibitor_org_id", "channel_id"], ["marketplace.channel.org_id", "marketplace.channel.id"]
        ),
        CheckConstraint("state IN ('invited', 'accepted', 'declined', 'removed')", name="state"),
        CheckConstraint("position >= 1", name="position"),
        Index(
            "uq_hall_booth_standing",
            "hall_id",
            "exhibitor_org_id",
            unique=True,
            postgresql_where=text("state IN ('invited', 'accepted')"),
        ),
        Index("ix_hall_booth_hall_id", "org_id", "hall_id", "position"),
        Index("ix_hall_booth_exhibitor_org_id_created_at", "exhibitor_org_id", "created_at", "id"),
        Index("ix_hall_booth_channel_id", "exhibitor_org_id", "channel_id"),
        {"schema": "marketplace"},
    )
    id: Mapped[Id]
    hall_id: Mapped[UUID]
    org_id: Mapped[UUID]
    """The organizer."""
    exhibitor_org_id: Mapped[UUID]
    exhibitor_name: Mapped[str]
    """As it was called when it was invited."""
    state: Mapped[str]
    position: Mapped[int]
    """Its number in the hall, from 1, as the organizer lays it out."""
    channel_id: Mapped[UUID | None]
    words: Mapped[str]
    words_en: Mapped[str]
    created_at: Mapped[CreatedAt]

    @property
    def parties(self) -> list[UUID]:
        """Whose history it is."""
        return sorted({self.org_id, self.exhibitor_org_id})


class HallBoothItem(Base):
    """A product or a video of the exhibitor that its booth shows, in its order."""

    __tablename__ = "hall_booth_item"
    __table_args__ = (
        UniqueConstraint("booth_id", "position"),
        ForeignKeyConstraint(
            ["exhibitor_org_id", "booth_id"], ["marketplace.hall_booth.exhibitor_org_id", "marketplace.hall_booth.id"]
        ),
        ForeignKeyConstraint(
            ["exhibitor_org_id", "listing_id"], ["marketplace.listing.org_id", "marketplace.listing.id"]
        ),
        ForeignKeyConstraint(["exhibitor_org_id", "video_id"], ["marketplace.video.org_id", "marketplace.video.id"]),
        CheckConstraint("num_nonnulls(listing_id, video_id) = 1", name="one_of_two"),
        CheckConstraint("position >= 1", name="position"),
        Index("ix_hall_booth_item_booth_id", "exhibitor_org_id", "booth_id"),
        Index("ix_hall_booth_item_listing_id", "exhibitor_org_id", "listing_id"),
        Index("ix_hall_booth_item_video_id", "exhibitor_org_id", "video_id"),
        {"schema": "marketplace"},
    )
    id: Mapped[Id]
    booth_id: Mapped[UUID]
    exhibitor_org_id: Mapped[UUID]
    position: Mapped[int]
    listing_id: Mapped[UUID | None]
    video_id: Mapped[UUID | None]


class HallAgendaItem(Base):
    """What happens in a hall from one time to another, with a video of it where there is one."""

    __tablename__ = "hall_agenda_item"
    __table_args__ = (
        ForeignKeyConstraint(["org_id", "hall_id"], ["marketplace.hall.org_id", "marketplace.hall.id"]),
        CheckConstraint("ends_at > starts_at", name="times"),
        Index("ix_hall_agenda_item_hall_id", "org_id", "hall_id", "starts_at"),
        Index("ix_hall_agenda_item_video_id", "video_id"),
        {"schema": "marketplace"},
    )
    id: Mapped[Id]
    hall_id: Mapped[UUID]
    org_id: Mapped[UUID]
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    title: Mapped[str]
    title_en: Mapped[str]
    speaker: Mapped[str]
    video_id: Mapped[UUID | None] = mapped_column(ForeignKey("marketplace.video.id"))
    """Anybody's that everybody may watch; shown for as long as they may."""


register("uq_hall_booth_standing", lambda: Conflict("booth_invited_already"))

HALL = Machine(
    "marketplace.hall", initial="draft", edges=edges(draft="published", published="archived", archived="published")
)
BOOTH = Machine(
    "marketplace.hall_booth",
    initial="invited accepted",
    edges=edges(invited="accepted declined removed", accepted="removed", declined="", removed=""),
)
"""An organizer's own booth is accepted from the start."""
