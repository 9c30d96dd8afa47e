"""Tables of live selling: sessions of channels, their shelves, what was explained when, and who asked to be reminded."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, UniqueConstraint, Uuid, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from kernel.db.base import Base, CreatedAt, Id, Instant
from kernel.db.constraints import register
from kernel.errors import Conflict
from kernel.states import Machine, edges

_SESSION = ["marketplace.live_session.org_id", "marketplace.live_session.id"]
_ITEM = ["marketplace.live_item.org_id", "marketplace.live_item.id"]


class LiveSession(Base):
    """A recorded film of a channel, played to everybody at the same moment, or a stream of its host's; with a shelf beside it.

    `sequence` grows with whatever its viewers are to see anew: by it they know what they have missed.
    """

    __tablename__ = "live_session"
    __table_args__ = (
        UniqueConstraint("org_id", "id"),
        ForeignKeyConstraint(["org_id", "channel_id"], ["marketplace.channel.org_id", "marketplace.channel.id"]),
        ForeignKeyConstraint(["org_id", "video_id"], ["marketplace.video.org_id", "marketplace.video.id"]),
        CheckConstraint("state IN ('scheduled', 'live', 'ended', 'cancelled')", name="state"),
        CheckConstraint("visibility IN ('public', 'unlisted', 'partners', 'internal')", name="visibility"),
        CheckConstraint("(started_at IS NULL) = (state IN ('scheduled', 'cancelled'))", name="started"),
        CheckConstraint("(ended_at IS NULL) = (state IN ('scheduled', 'live'))", name="ended"),
        CheckConstraint("ended_at >= started_at", name="ended_after_start"),
        CheckConstraint("(ends_at IS NULL) = (started_at IS NULL) AND ends_at > started_at", name="ends"),
        CheckConstraint("video_id IS NOT NULL OR stream_url IS NOT NULL", name="shows"),
        CheckConstraint("(stream_url IS NULL) = (stream_ms IS NULL) AND stream_ms > 0", name="stream"),
        CheckConstraint("stream_url IS NULL OR video_id IS NULL OR state = 'ended'", name="recorded"),
        Index("ix_live_session_org_id_channel_id", "org_id", "channel_id"),
        Index("ix_live_session_org_id_video_id", "org_id", "video_id"),
        Index("ix_live_session_org_id_starts_at", "org_id", "starts_at", "id"),
        Index("ix_live_session_state_starts_at", "state", "starts_at", "id"),
        Index("ix_live_session_channel_id_starts_at", "channel_id", "starts_at", "id"),
        # A channel shows one thing at a time.
        Index("uq_live_session_on_air", "channel_id", unique=True, postgresql_where=text("state = 'live'")),
        Index(
            "ix_live_session_to_tell",
            "starts_at",
            "id",
            postgresql_where=text("state = 'scheduled' AND soon_told_at IS NULL"),
        ),
        {"schema": "marketplace"},
    )
    id: Mapped[Id]
    org_id: Mapped[UUID]
    channel_id: Mapped[UUID]
    video_id: Mapped[UUID | None]
    """What is played; afterwards, its replay. Of a stream the recording, once its host has named it."""
    stream_url: Mapped[str | None]
    """Where the host's stream is (HLS, RFC 8216), in place of a film."""
    stream_ms: Mapped[int | None]
    """How long a stream goes on at most."""
    title: Mapped[str]
    title_en: Mapped[str]
    description: Mapped[str] = mapped_column(default="")
    description_en: Mapped[str] = mapped_column(default="")
    visibility: Mapped[str]
    """As a video's."""
    partner_ids: Mapped[list[UUID]] = mapped_column(ARRAY(Uuid), default=list)
    """The organizations that see it while it is for partners."""
    partner_groups: Mapped[list[UUID]] = mapped_column(ARRAY(Uuid), default=list, server_default="{}")
    """As of a listing (`marketplace.catalog.models.Listing`): so do these, by their partner links."""
    links_ended: Mapped[int] = mapped_column(default=0, server_default="0")
    """How many links by which somebody saw it have ended: streams that were opened before are closed."""
    state: Mapped[str]
    starts_at: Mapped[Instant]
    """When it is to begin."""
    started_at: Mapped[Instant | None]
    """When it did: second 0 of its film."""
    ends_at: Mapped[Instant | None]
    """When its film is over."""
    ended_at: Mapped[Instant | None]
    """When it ended or was cancelled."""
    soon_told_at: Mapped[Instant | None]
    """When those who asked were told that it begins soon."""
    sequence: Mapped[int] = mapped_column(default=0, server_default="0")
    questions_sequence: Mapped[int] = mapped_column(default=0, server_default="0")
    """As `sequence`, of what is asked in the room."""
    created_at: Mapped[CreatedAt]


class LiveItem(Base):
    """A plan on the shelf of a session. `org_id` is the session's organization, `seller_org_id` the listing's."""

    __tablename__ = "live_item"
    __table_args__ = (
        UniqueConstraint("org_id", "id"),
        UniqueConstraint("session_id", "id"),
        ForeignKeyConstraint(["org_id", "session_id"], _SESSION),
        ForeignKeyConstraint(["seller_org_id", "listing_id"], ["marketplace.listing.org_id", "marketplace.listing.id"]),
        ForeignKeyConstraint(["seller_org_id", "plan_id"], ["marketplace.plan.org_id", "marketplace.plan.id"]),
        Index("ix_live_item_org_id_session_id", "org_id", "session_id"),
        Index("ix_live_item_seller_org_id_listing_id", "seller_org_id", "listing_id"),
        Index("ix_live_item_seller_org_id_plan_id", "seller_org_id", "plan_id"),
        Index("uq_live_item_plan", "session_id", "plan_id", unique=True, postgresql_where=text("removed_at IS NULL")),
        {"schema": "marketplace"},
    )
    id: Mapped[Id]
    org_id: Mapped[UUID]
    session_id: Mapped[UUID]
    seller_org_id: Mapped[UUID]
    listing_id: Mapped[UUID]
    plan_id: Mapped[UUID]
    position: Mapped[int]
    removed_at: Mapped[Instant | None]
    """What was taken off the shelf stays as a row: what was explained of it, and orders, name it."""
    created_at: Mapped[CreatedAt]


class LiveExplanation(Base):
    """An item was explained from one moment of a session to another; without an end it is the one that is explained now.

    Moments are milliseconds since the session began, which are those of its film and its replay.
    """

    __tablename__ = "live_explanation"
    __table_args__ = (
        ForeignKeyConstraint(["org_id", "session_id"], _SESSION),
        ForeignKeyConstraint(["org_id", "item_id"], _ITEM),
        ForeignKeyConstraint(
            ["session_id", "item_id"], ["marketplace.live_item.session_id", "marketplace.live_item.id"]
        ),
        CheckConstraint("from_ms >= 0 AND to_ms >= from_ms", name="span"),
        Index("ix_live_explanation_org_id_session_id", "org_id", "session_id", "from_ms"),
        Index("ix_live_explanation_org_id_item_id", "org_id", "item_id"),
        Index("ix_live_explanation_session_id_item_id", "session_id", "item_id"),
        # However many hands push at once, one item is explained.
        Index("uq_live_explanation_open", "session_id", unique=True, postgresql_where=text("to_ms IS NULL")),
        {"schema": "marketplace"},
    )
    id: Mapped[Id]
    org_id: Mapped[UUID]
    session_id: Mapped[UUID]
    item_id: Mapped[UUID]
    from_ms: Mapped[int]
    to_ms: Mapped[int | None]
    created_at: Mapped[CreatedAt]


class LiveReminder(Base):
    """A person, acting for an organization, asked to be told when a session begins."""

    __tablename__ = "live_reminder"
    __table_args__ = (
        UniqueConstraint("org_id", "person_id", "session_id"),
        Index("ix_live_reminder_person_id", "person_id"),
        Index("ix_live_reminder_session_id", "session_id"),
        {"schema": "marketplace"},
    )
    id: Mapped[Id]
    org_id: Mapped[UUID] = mapped_column(ForeignKey("marketplace.organization.id"))
    person_id: Mapped[UUID] = mapped_column(ForeignKey("marketplace.person.id"))
    session_id: Mapped[UUID] = mapped_column(ForeignKey("marketplace.live_session.id"))
    created_at: Mapped[CreatedAt]


LIVE_SESSION = Machine(
    "marketplace.live_session",
    initial="scheduled",
    edges=edges(scheduled="live cancelled", live="ended", ended="", cancelled=""),
)
register("uq_live_session_on_air", lambda: Conflict("channel_is_live"))
register("uq_live_item_plan", lambda: Conflict("live_item_there"))
