"""Tables of videos: one published piece of media each, and files on their way."""

from __future__ import annotations

from hashlib import sha256
from typing import Any, Final
from uuid import UUID

from sqlalchemy import (
    CheckConstraint,
    FetchedValue,
    ForeignKeyConstraint,
    Index,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from kernel.db.base import Base, CreatedAt, Id, Instant, Json
from kernel.states import Machine, edges

VISIBILITIES: Final = ("public", "unlisted", "partners", "internal")


class Video(Base):
    """A video post. What is known of the media comes from examining the file, never from its name or header alone."""

    __tablename__ = "video"
    __table_args__ = (
        UniqueConstraint("org_id", "id"),
        ForeignKeyConstraint(["org_id", "channel_id"], ["marketplace.channel.org_id", "marketplace.channel.id"]),
        CheckConstraint(
            "state IN ('draft', 'processing', 'ready', 'published', 'withdrawn', 'refused', 'removed')", name="state"
        ),
        CheckConstraint("visibility IN ('public', 'unlisted', 'partners', 'internal')", name="visibility"),
        CheckConstraint(
            "state NOT IN ('ready', 'published', 'withdrawn') OR (media_key IS NOT NULL AND duration_ms > 0)",
            name="playable",
        ),
        Index("ix_video_org_id_channel_id", "org_id", "channel_id"),
        Index("ix_video_org_id_created_at", "org_id", "created_at"),
        Index("ix_video_processing", "id", postgresql_where=text("state = 'processing'")),
        Index("ix_video_partners", "created_at", postgresql_where=text("visibility = 'partners'")),
        Index("ix_video_publish_at", "publish_at", "id", postgresql_where=text("publish_at IS NOT NULL")),
        Index("ix_video_cover_request_id", "id", postgresql_where=text("cover_request_id IS NOT NULL")),
        Index("ix_video_feed", "published_at", "id", postgresql_where=text("state = 'published'")),
        Index("ix_video_ranked", "ranked_at", "id", postgresql_where=text("state = 'published'")),
        # Nulls first, unlike the one above, which serves no statement that orders by these.
        *(
            Index(
                f"ix_video_{name}_ranked",
                column,
                text("ranked_at NULLS FIRST"),
                "id",
                postgresql_where=text("state = 'published'"),
            )
            for name, column in (("channel", "channel_id"), ("category", "category"))
        ),
        {"schema": "marketplace"},
    )
    id: Mapped[Id]
    org_id: Mapped[UUID]
    channel_id: Mapped[UUID]
    title: Mapped[str]
    title_en: Mapped[str]
    description: Mapped[str] = mapped_column(default="")
    description_en: Mapped[str] = mapped_column(default="")
    visibility: Mapped[str]
    partner_ids: Mapped[list[UUID]] = mapped_column(ARRAY(Uuid), default=list)
    """The organizations that see it while it is for partners."""
    partner_groups: Mapped[list[UUID]] = mapped_column(ARRAY(Uuid), default=list, server_default="{}")
    """As of a listing (`marketplace.catalog.models.Listing`): so do these, by their partner links."""
    links_ended: Mapped[int] = mapped_column(default=0, server_default="0")
    """How many links by which it was seen have ended: what was signed before is for readers who may not watch any more."""
    state: Mapped[str]
    file_name: Mapped[str | None]
    """The uploader's name for the file, shown back to them and held against the content; never used as a path."""
    media_key: Mapped[str | None]
    """Where the object store keeps the bytes. A new upload has a new key, so an address may be cached for ever."""
    media_sha256: Mapped[str | None]
    media_bytes: Mapped[int | None]
    media_type: Mapped[str | None]
    cover_key: Mapped[str | None]
    duration_ms: Mapped[int | None]
    width: Mapped[int | None]
    height: Mapped[int | None]
    video_codec: Mapped[str | None]
    audio_codec: Mapped[str | None]
    refused_code: Mapped[str | None]
    refused_params: Mapped[Json | None]
    captions: Mapped[dict[str, str]] = mapped_column(JSONB, default=dict)
    """By language, the SHA-256 of the WebVTT that the object store keeps under `captions_key`."""
    chapters: Mapped[list[Any]] = mapped_column(JSONB, default=list)
    """As `Chapter`, in their order."""
    response_cards: Mapped[list[Any]] = mapped_column(JSONB, default=list, server_default="[]")
    """What the player shows of its cards that sell nothing, by second; `response_cards.save_card` alone writes it."""
    cover_request_id: Mapped[UUID | None]
    """Another cover is being made: the latest that was asked for."""
    cover_refused_code: Mapped[str | None]
    """Why what was asked for last could not be a cover; the one there was stays."""
    publish_at: Mapped[Instant | None]
    """When it is to be published."""
    publish_refused_code: Mapped[str | None]
    """What stood in the way when it was due."""
    publish_refused_params: Mapped[Json | None]
    published_at: Mapped[Instant | None]
    """When it was published first; withdrawn and published again, it is no newer."""
    category: Mapped[str | None]
    """Of the first product it shows."""
    outcome_h: Mapped[int] = mapped_column(default=0, server_default="0")
    newcomer_h: Mapped[int] = mapped_column(default=0, server_default="0")
    crowding_h: Mapped[int] = mapped_column(default=0, server_default="0")
    """Hours by which the feed takes it for newer, for what it delivered and as one of a new channel's first, or older."""
    ranked_at: Mapped[Instant | None] = mapped_column(FetchedValue(), server_onupdate=FetchedValue())
    """Its place in the feed: `published_at` and those hours. The database works it out."""
    created_at: Mapped[CreatedAt]


class MediaUpload(Base):
    """A file that arrives in pieces and may go on where it stopped. What has arrived is in `parts`, never more and never less.

    It stays for a while when it is whole, so that whoever missed the last answer learns of it.
    """

    __tablename__ = "media_upload"
    __table_args__ = (
        ForeignKeyConstraint(["org_id", "video_id"], ["marketplace.video.org_id", "marketplace.video.id"]),
        CheckConstraint("size_bytes > 0 AND received_bytes BETWEEN 0 AND size_bytes", name="received"),
        CheckConstraint("(completed_at IS NULL) = (received_bytes < size_bytes)", name="completed"),
        Index("ix_media_upload_org_id_video_id", "org_id", "video_id"),
        Index("uq_media_upload_open", "org_id", "video_id", unique=True, postgresql_where=text("completed_at IS NULL")),
        Index("ix_media_upload_expires_at", "expires_at"),
        {"schema": "marketplace"},
    )
    id: Mapped[Id]
    org_id: Mapped[UUID]
    video_id: Mapped[UUID]
    file_name: Mapped[str]
    """As in `Video`: shown back, never a path."""
    metadata_header: Mapped[str]
    """What its sender said of it (tus `Upload-Metadata`), to be said back."""
    size_bytes: Mapped[int]
    received_bytes: Mapped[int]
    parts: Mapped[list[Any]] = mapped_column(JSONB)
    """Names of the objects under `key_of_upload`, in the order of their bytes."""
    expires_at: Mapped[Instant]
    completed_at: Mapped[Instant | None]
    created_at: Mapped[CreatedAt]


VIDEO = Machine(
    "marketplace.video",
    initial="draft",
    edges=edges(
        draft="processing",
        processing="ready refused",
        refused="processing",
        ready="processing published",
        published="withdrawn removed",
        withdrawn="published removed",
        removed="",
    ),
)
"""Withdrawn by its channel, which may publish it again; removed by the platform, for good."""


def key_of_upload(video_id: UUID, upload_id: UUID) -> str:
    """What the parts of an upload lie under in the object store; the video's `media_key` while it is examined."""
    return f"uploads/{video_id}/{upload_id}"


def part_keys(upload: MediaUpload) -> tuple[str, ...]:
    """Where the bytes of an upload lie in the object store, in their order."""
    place = key_of_upload(upload.video_id, upload.id)
    return tuple(f"{place}/{name}" for name in upload.parts)


def captions_key(video_id: UUID, digest: str) -> str:
    """Where captions are kept: under what they say, so that an address may be cached for ever."""
    return f"media/{video_id}/{digest}.vtt"


def media_version(video: Video) -> str:
    """What an address carries: another one with other bytes or another cover, so that it may be cached for ever; and with other
    readers, or none any more, so that a signed one ends with what it was signed for.
    """
    readers = (video.visibility, *sorted(map(str, video.partner_ids)), video.state == "withdrawn")
    if video.visibility == "partners" and video.partner_groups:
        readers = (*readers, *sorted(map(str, video.partner_groups)), video.links_ended)
    return sha256(repr((video.media_sha256, video.cover_key, readers)).encode()).hexdigest()[:16]
