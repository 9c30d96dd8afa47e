"""Cards that sell nothing: put on a video, changed, given a file, taken off.

What the player shows of them stands in the video's own row, so that a feed reads nothing more for them; only the verbs here
write it, in the transaction of the change (`market verify`: `response_cards.shown`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select

from kernel import clock
from kernel.db.uow import UnitOfWork
from kernel.errors import Conflict, Invalid, NotFound
from kernel.ids import uuid7
from kernel.storage import StoredObject
from marketplace.input_text import line, optional_line, paragraphs
from marketplace.response_cards.models import ANSWER_FIELDS, CARD_KINDS, ResponseCard
from marketplace.videos.access import lock_own_video
from marketplace.videos.models import Video

MAX_CARDS = 10
MAX_TITLE, MAX_TEXT = 60, 1_000
MAX_PLACES = 100_000
MAX_MS = 24 * 3600 * 1000
KEPT_DAYS, MOST_KEPT_DAYS = 180, 1095


@dataclass(frozen=True, slots=True)
class SaveCard:
    """What a card says and asks, from `start_ms` (inclusive) to `end_ms` (exclusive) of its video. One title is enough."""

    kind: str
    start_ms: int
    end_ms: int
    title: str
    title_en: str = ""
    text: str = ""
    text_en: str = ""
    fields: tuple[str, ...] = ()
    places: int | None = None
    closes_at: datetime | None = None
    retention_days: int = KEPT_DAYS
    learn_video_id: UUID | None = None


def add_card(uow: UnitOfWork, video_id: UUID, command: SaveCard) -> ResponseCard:
    """Put a card on one of the acting organization's videos.

    Raises:
        NotFound: `video_not_found`, also for a video to learn from that is not the organization's.
        Invalid: `card_kind_unknown`, `placement_range`, `placement_beyond_end`, `card_field_unknown`, `card_places`,
            `card_retention`, `card_closes_past`, `learn_video_required`, `text_required`, `text_too_long`.
        Conflict: `too_many_placements`.

    Locks: the video.
    """
    video = lock_own_video(uow, video_id)
    if command.kind not in CARD_KINDS:
        raise Invalid("card_kind_unknown", field="kind")
    if len(_on(uow, video)) >= MAX_CARDS:
        raise Conflict("too_many_placements", limit=MAX_CARDS)
    card = ResponseCard(
        id=uuid7(), org_id=video.org_id, video_id=video.id, kind=command.kind, created_at=clock.now(), removed_at=None
    )
    for name in ("file_key", "file_name", "file_type", "file_bytes", "file_sha256"):
        setattr(card, name, None)
    _fill(uow, video, card, command)
    uow.session.add(card)
    uow.flush()
    _show(uow, video)
    return card


def change_card(uow: UnitOfWork, card_id: UUID, command: SaveCard) -> ResponseCard:
    """Say otherwise what a card says. Its kind stays, and answers that were given stay as they are.

    Raises: as `add_card`; NotFound `card_not_found`. Locks: the video.
    """
    card = get_own_card(uow, card_id)
    video = lock_own_video(uow, card.video_id)
    _fill(uow, video, card, command)
    uow.flush()
    _show(uow, video)
    return card


def remove_card(uow: UnitOfWork, card_id: UUID) -> None:
    """Take a card off its video; its answers stay in their list. Gone already, nothing changes.

    Raises: NotFound `card_not_found`. Locks: the video.
    """
    card = get_own_card(uow, card_id, removed=True)
    video = lock_own_video(uow, card.video_id)
    if card.removed_at is None:
        card.removed_at = clock.now()
        uow.flush()
        _show(uow, video)


def card_file_key(org_id: UUID) -> str:
    """Where the object store keeps the next file of a card."""
    return f"card-files/{org_id}/{uuid7()}"


def put_card_file(uow: UnitOfWork, card_id: UUID, stored: StoredObject, media_type: str, name: str) -> ResponseCard:
    """Give a card the file that its answers open, in place of the one it has.

    Raises: NotFound `card_not_found`; Conflict `card_takes_no_file` unless it is a download. Locks: the video.
    """
    card = get_own_card(uow, card_id)
    lock_own_video(uow, card.video_id)
    if card.kind != "download":
        raise Conflict("card_takes_no_file")
    card.file_key, card.file_type, card.file_name = stored.key, media_type, line("file", name, 200)
    card.file_bytes, card.file_sha256 = stored.size_bytes, stored.sha256
    uow.flush()
    return card


def get_own_card(uow: UnitOfWork, card_id: UUID, *, removed: bool = False) -> ResponseCard:
    """A card on a video of the acting organization. Raises NotFound(`card_not_found`)."""
    card = uow.session.get(ResponseCard, card_id, populate_existing=True)
    mine = card is not None and card.org_id == uow.principal.organization()
    if card is None or not mine or (card.removed_at is not None and not removed):
        raise NotFound("card_not_found")
    return card


def _fill(uow: UnitOfWork, video: Video, card: ResponseCard, command: SaveCard) -> None:
    if not 0 <= command.start_ms < command.end_ms <= MAX_MS:
        raise Invalid("placement_range", field="end_ms")
    if video.duration_ms is not None and command.end_ms > video.duration_ms:
        raise Invalid("placement_beyond_end", field="end_ms", end_ms=command.end_ms, duration_ms=video.duration_ms)
    if set(command.fields) - set(ANSWER_FIELDS):
        raise Invalid("card_field_unknown", field="fields", fields=", ".join(ANSWER_FIELDS))
    if command.places is not None and not 1 <= command.places <= MAX_PLACES:
        raise Invalid("card_places", field="places", most=MAX_PLACES)
    if not 1 <= command.retention_days <= MOST_KEPT_DAYS:
        raise Invalid("card_retention", field="retention_days", most=MOST_KEPT_DAYS)
    moved = command.closes_at != getattr(card, "closes_at", None)
    if command.closes_at is not None and moved and command.closes_at <= clock.now():
        raise Invalid("card_closes_past", field="closes_at")
    card.learn_video_id = _to_learn(uow, card, command)
    title, title_en = (
        optional_line("title", command.title, MAX_TITLE),
        optional_line("title_en", command.title_en, MAX_TITLE),
    )
    if not (title or title_en):
        raise Invalid("text_required", field="title")
    card.title, card.title_en = title or title_en, title_en or title
    card.text = paragraphs("text", command.text, MAX_TEXT)
    card.text_en = paragraphs("text_en", command.text_en, MAX_TEXT)
    card.start_ms, card.end_ms = command.start_ms, command.end_ms
    card.fields = [name for name in ANSWER_FIELDS if name in command.fields]
    card.places, card.closes_at, card.retention_days = command.places, command.closes_at, command.retention_days


def _to_learn(uow: UnitOfWork, card: ResponseCard, command: SaveCard) -> UUID | None:
    if card.kind != "learn":
        return None
    if command.learn_video_id is None:
        raise Invalid("learn_video_required", field="learn_video_id")
    own = select(Video.id).where(Video.id == command.learn_video_id, Video.org_id == card.org_id)
    if uow.session.scalar(own) is None:
        raise NotFound("video_not_found")
    return command.learn_video_id


def _on(uow: UnitOfWork, video: Video) -> list[ResponseCard]:
    present = select(ResponseCard).where(
        ResponseCard.org_id == video.org_id, ResponseCard.video_id == video.id, ResponseCard.removed_at.is_(None)
    )
    return list(uow.session.scalars(present.order_by(ResponseCard.start_ms, ResponseCard.id)))


def _show(uow: UnitOfWork, video: Video) -> None:
    video.response_cards = [shown_of(card) for card in _on(uow, video)]
    uow.flush()


def shown_of(card: ResponseCard) -> dict[str, Any]:
    """As much of a card as the player shows."""
    return {
        "id": str(card.id),
        "kind": card.kind,
        "start_ms": card.start_ms,
        "end_ms": card.end_ms,
        "title": card.title,
        "title_en": card.title_en,
    }
