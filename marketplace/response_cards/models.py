"""Tables of cards that sell nothing: what a video asks its viewers to do, and who answered.

None of them names a listing, a plan or a price, so that nothing of theirs can come into a quote.
"""

from __future__ import annotations

from datetime import date
from typing import Final
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from kernel.db.base import Base, CreatedAt, Id, Instant
from kernel.states import Machine, edges

CARD_KINDS: Final = ("apply", "download", "learn", "register")
"""Apply for a job, download a file, learn from a video, register for an event."""
OF_GUESTS: Final = ("apply", "register")
"""Answered by whoever has consented; the others by people who have signed in."""
ANSWER_FIELDS: Final = ("phone", "company", "message")
"""What a card may ask for beside name and mail address."""


class ResponseCard(Base):
    """A card from second A to second B of a video that asks for an answer and costs nothing."""

    __tablename__ = "response_card"
    __table_args__ = (
        UniqueConstraint("org_id", "id"),
        ForeignKeyConstraint(["org_id", "video_id"], ["marketplace.video.org_id", "marketplace.video.id"]),
        ForeignKeyConstraint(["org_id", "learn_video_id"], ["marketplace.video.org_id", "marketplace.video.id"]),
        CheckConstraint("kind IN ('apply', 'download', 'learn', 'register')", name="kind"),
        CheckConstraint("start_ms >= 0 AND end_ms > start_ms", name="range"),
        CheckConstraint("places >= 1", name="places"),
        CheckConstraint("retention_days BETWEEN 1 AND 1095", name="retention"),
        CheckConstraint("kind = 'download' OR file_key IS NULL", name="file"),
        CheckConstraint("(kind = 'learn') = (learn_video_id IS NOT NULL)", name="learn"),
        Index("ix_response_card_org_id_video_id", "org_id", "video_id", "start_ms"),
        Index(
            "ix_response_card_org_id_learn_video_id",
            "org_id",
            "learn_video_id",
            postgresql_where=text("learn_video_id IS NOT NULL"),
        ),
        {"schema": "marketplace"},
    )
    id: Mapped[Id]
    org_id: Mapped[UUID]
    video_id: Mapped[UUID]
    kind: Mapped[str]
    start_ms: Mapped[int]
    end_ms: Mapped[int]
    title: Mapped[str]
    title_en: Mapped[str]
    text: Mapped[str]
    text_en: Mapped[str]
    fields: Mapped[list[str]] = mapped_column(JSONB)
    """Of `ANSWER_FIELDS`, what is asked for; each must then be given."""
    places: Mapped[int | None]
    """So many answers that are not declined; None: any number."""
    closes_at: Mapped[Instant | None]
    """No answer from then on."""
    retention_days: Mapped[int]
    """So long after an answer its personal data is kept."""
    learn_video_id: Mapped[UUID | None]
    file_key: Mapped[str | None]
    file_name: Mapped[str | None]
    """As its owner calls it; never a path."""
    file_type: Mapped[str | None]
    file_bytes: Mapped[int | None]
    file_sha256: Mapped[str | None]
    removed_at: Mapped[Instant | None]
    """A removed card stays as a row: answers name it."""
    created_at: Mapped[CreatedAt]


class CardResponse(Base):
    """Somebody's answer to a card. What is personal in it goes when `erase_at` comes, or when they ask."""

    __tablename__ = "card_response"
    __table_args__ = (
        UniqueConstraint("org_id", "id"),
        UniqueConstraint("card_id", "email_key"),
        ForeignKeyConstraint(
            ["org_id", "card_id"], ["marketplace.response_card.org_id", "marketplace.response_card.id"]
        ),
        CheckConstraint("state IN ('new', 'working', 'done', 'declined')", name="state"),
        CheckConstraint("second_ms >= 0", name="second"),
        CheckConstraint(
            "(erased_at IS NULL) = (email_key IS NOT NULL) AND (erased_at IS NULL OR (name = '' AND email = '' "
            "AND phone = '' AND company = '' AND message = '' AND note = '' AND person_id IS NULL))",
            name="erased",
        ),
        Index("ix_card_response_org_id_created_at", "org_id", "created_at", "id"),
        Index("ix_card_response_org_id_card_id", "org_id", "card_id", "created_at", "id"),
        Index("ix_card_response_person_id", "person_id", postgresql_where=text("person_id IS NOT NULL")),
        Index("ix_card_response_erase_at", "erase_at", postgresql_where=text("erased_at IS NULL")),
        {"schema": "marketplace"},
    )
    id: Mapped[Id]
    org_id: Mapped[UUID]
    card_id: Mapped[UUID]
    state: Mapped[str]
    person_id: Mapped[UUID | None] = mapped_column(ForeignKey("marketplace.person.id"))
    """Who had signed in."""
    name: Mapped[str]
    email: Mapped[str]
    email_key: Mapped[str | None]
    """SHA-256 of the address, by which one answers a card once; it goes with the address."""
    phone: Mapped[str]
    company: Mapped[str]
    message: Mapped[str]
    note: Mapped[str]
    """The owner's own."""
    second_ms: Mapped[int]
    consent_version: Mapped[str]
    consent_text: Mapped[str]
    consented_at: Mapped[Instant]
    erase_at: Mapped[Instant]
    erased_at: Mapped[Instant | None]
    created_at: Mapped[CreatedAt]


class CardDay(Base):
    """How often a card was shown and pressed on a day (UTC). Nobody is named; no money follows from it."""

    __tablename__ = "card_day"
    __table_args__ = (
        UniqueConstraint("card_id", "day"),
        ForeignKeyConstraint(
            ["org_id", "card_id"], ["marketplace.response_card.org_id", "marketplace.response_card.id"]
        ),
        CheckConstraint("impressions >= 0 AND clicks >= 0", name="not_negative"),
        Index("ix_card_day_org_id_card_id", "org_id", "card_id"),
        {"schema": "marketplace"},
    )
    id: Mapped[Id]
    org_id: Mapped[UUID]
    card_id: Mapped[UUID]
    day: Mapped[date]
    impressions: Mapped[int]
    clicks: Mapped[int]


CARD_RESPONSE = Machine(
    "marketplace.card_response",
    initial="new",
    edges=edges(new="working done declined", working="done declined", done="working", declined="working"),
)
"""Declined gives its place back; taken up again it needs one."""
