"""Reads about cards that sell nothing: as viewers meet them, as their owner works with them, and their funnel."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import func, select

from kernel.db.platform_scope import as_platform
from kernel.db.uow import UnitOfWork
from kernel.errors import NotFound
from kernel.paging import Page, cut, newest_first
from marketplace.parties.lookups import get_party
from marketplace.response_cards.answer_card import find_shown_card, places_taken
from marketplace.response_cards.consent_text import CARD_CONSENT_VERSION, card_consent_text
from marketplace.response_cards.models import OF_GUESTS, CardDay, CardResponse, ResponseCard
from marketplace.response_cards.save_card import get_own_card
from marketplace.videos.models import Video

EXPORTED = 10_000
"""Answers in one file."""


@dataclass(frozen=True, slots=True)
class ShownCard:
    """As much of a card as the player shows, from `start_ms` up to `end_ms`."""

    id: UUID
    kind: str
    start_ms: int
    end_ms: int
    title: str
    title_en: str


@dataclass(frozen=True, slots=True)
class CardFile:
    """What a download card gives: its name, type and size."""

    name: str
    media_type: str
    size_bytes: int


@dataclass(frozen=True, slots=True)
class CardPage:
    """A card as somebody meets who is about to answer it. `places_left`: None where there are as many as one likes.

    `takes_guests`: who has not signed in may answer; `is_own`: the acting organization's. `consent_zh` and `consent_en` are the
    words in force, of `consent_version`.
    """

    id: UUID
    video_id: UUID
    owner_name: str
    kind: str
    title: str
    title_en: str
    text: str
    text_en: str
    fields: tuple[str, ...]
    closes_at: datetime | None
    places_left: int | None
    takes_guests: bool
    is_own: bool
    file: CardFile | None
    consent_version: str
    consent_zh: str
    consent_en: str


@dataclass(frozen=True, slots=True)
class OwnCard:
    """A card as its owner edits it, with its funnel: shown, pressed, answered, and how many answers hold a place."""

    id: UUID
    video_id: UUID
    kind: str
    start_ms: int
    end_ms: int
    title: str
    title_en: str
    text: str
    text_en: str
    fields: tuple[str, ...]
    places: int | None
    closes_at: datetime | None
    retention_days: int
    learn_video_id: UUID | None
    file: CardFile | None
    impressions: int
    clicks: int
    answers: int
    taken: int


@dataclass(frozen=True, slots=True)
class ResponseRow:
    """An answer as the card's owner reads it. What is personal is empty once it was erased."""

    id: UUID
    card_id: UUID
    video_id: UUID
    kind: str
    title: str
    title_en: str
    state: str
    name: str
    email: str
    phone: str
    company: str
    message: str
    note: str
    second_ms: int
    consent_version: str
    consent_text: str
    consented_at: datetime
    erase_at: datetime
    erased_at: datetime | None
    created_at: datetime


def shown_cards(video: Video) -> tuple[ShownCard, ...]:
    """What the player shows, by second."""
    return tuple(ShownCard(**(one | {"id": UUID(one["id"])})) for one in video.response_cards)


def get_card_page(uow: UnitOfWork, card_id: UUID) -> CardPage:
    """A card that the principal may answer, or that is its own. Raises NotFound(`card_not_found`)."""
    card = find_shown_card(uow, card_id)
    with as_platform(uow):
        owner = get_party(uow, card.org_id).display_name
        taken = places_taken(uow, [card.id]).get(card.id, 0) if card.places is not None else 0
    return CardPage(
        id=card.id,
        video_id=card.video_id,
        owner_name=owner,
        kind=card.kind,
        title=card.title,
        title_en=card.title_en,
        text=card.text,
        text_en=card.text_en,
        fields=tuple(card.fields),
        closes_at=card.closes_at,
        places_left=None if card.places is None else max(0, card.places - taken),
        takes_guests=card.kind in OF_GUESTS,
        is_own=card.org_id == uow.principal.org_id,
        file=_file(card),
        consent_version=CARD_CONSENT_VERSION,
        consent_zh=card_consent_text("zh-CN", owner, card.title, card.retention_days),
        consent_en=card_consent_text("en", owner, card.title_en, card.retention_days),
    )


def list_own_cards(uow: UnitOfWork, video_id: UUID) -> tuple[OwnCard, ...]:
    """The cards on one of the acting organization's videos, by second. Raises NotFound(`video_not_found`)."""
    org_id = uow.principal.organization()
    if uow.session.scalar(select(Video.id).where(Video.id == video_id, Video.org_id == org_id)) is None:
        raise NotFound("video_not_found")
    rows = uow.session.scalars(
        select(ResponseCard)
        .where(ResponseCard.org_id == org_id, ResponseCard.video_id == video_id, ResponseCard.removed_at.is_(None))
        .order_by(ResponseCard.start_ms, ResponseCard.id)
    )
    return _own(uow, list(rows))


def get_one_card(uow: UnitOfWork, card_id: UUID) -> OwnCard:
    """One of the acting organization's cards. Raises NotFound(`card_not_found`)."""
    return _own(uow, [get_own_card(uow, card_id)])[0]


def list_responses(
    uow: UnitOfWork,
    *,
    cursor: str | None = None,
    limit: int = 20,
    state: str | None = None,
    card_id: UUID | None = None,
) -> Page[ResponseRow]:
    """Answers to the acting organization's cards, the newest first. Raises Invalid(`cursor_invalid`)."""
    statement = newest_first(_responses(uow, state, card_id), CardResponse.created_at, CardResponse.id, cursor, limit)
    rows = [(response, card) for response, card in uow.session.execute(statement)]
    page = cut(rows, limit, lambda row: (row[0].created_at, row[0].id))
    return Page([_row(*row) for row in page.items], page.next_cursor)


def get_response(uow: UnitOfWork, response_id: UUID) -> ResponseRow:
    """One of them. Raises NotFound(`card_response_not_found`)."""
    found = uow.session.execute(_responses(uow, None, None).where(CardResponse.id == response_id)).one_or_none()
    if found is None:
        raise NotFound("card_response_not_found")
    return _row(*found)


def export_responses(
    uow: UnitOfWork, *, state: str | None = None, card_id: UUID | None = None
) -> Iterator[ResponseRow]:
    """The newest of them for a file, as `list_responses` has them."""
    uow.principal.require("leads.manage")
    newest = _responses(uow, state, card_id).order_by(CardResponse.created_at.desc(), CardResponse.id.desc())
    return (_row(*row) for row in uow.session.execute(newest.limit(EXPORTED)).all())


def of_receipt(uow: UnitOfWork, response: CardResponse) -> ResponseRow:
    """An answer for whoever gave it, without its owner's note. The caller has opened its receipt."""
    card = uow.session.get_one(ResponseCard, response.card_id)
    return _row(response, card, note="")


def _responses(uow: UnitOfWork, state: str | None, card_id: UUID | None) -> Any:
    found = (
        select(CardResponse, ResponseCard)
        .join(ResponseCard, ResponseCard.id == CardResponse.card_id)
        .where(CardResponse.org_id == uow.principal.organization())
    )
    if state is not None:
        found = found.where(CardResponse.state == state)
    return found if card_id is None else found.where(CardResponse.card_id == card_id)


def _row(response: CardResponse, card: ResponseCard, *, note: str | None = None) -> ResponseRow:
    names = "id card_id state name email phone company message second_ms consent_version consent_text consented_at"
    values = {name: getattr(response, name) for name in f"{names} erase_at erased_at created_at".split()}
    return ResponseRow(
        **values,
        note=response.note if note is None else note,
        video_id=card.video_id,
        kind=card.kind,
        title=card.title,
        title_en=card.title_en,
    )


def _file(card: ResponseCard) -> CardFile | None:
    if card.file_key is None:
        return None
    return CardFile(card.file_name or "", card.file_type or "", card.file_bytes or 0)


def _own(uow: UnitOfWork, cards: Sequence[ResponseCard]) -> tuple[OwnCard, ...]:
    ids = [card.id for card in cards]
    sights = {
        row.card_id: row
        for row in uow.session.execute(
            select(
                CardDay.card_id,
                func.sum(CardDay.impressions).label("impressions"),
                func.sum(CardDay.clicks).label("clicks"),
            )
            .where(CardDay.org_id == uow.principal.organization(), CardDay.card_id.in_(ids))
            .group_by(CardDay.card_id)
        )
    }
    answered = uow.session.execute(
        select(CardResponse.card_id, func.count())
        .where(CardResponse.org_id == uow.principal.organization(), CardResponse.card_id.in_(ids))
        .group_by(CardResponse.card_id)
    )
    answers = {row[0]: row[1] for row in answered}
    taken = places_taken(uow, ids)
    return tuple(
        OwnCard(
            id=card.id,
            video_id=card.video_id,
            kind=card.kind,
            start_ms=card.start_ms,
            end_ms=card.end_ms,
            title=card.title,
            title_en=card.title_en,
            text=card.text,
            text_en=card.text_en,
            fields=tuple(card.fields),
            places=card.places,
            closes_at=card.closes_at,
            retention_days=card.retention_days,
            learn_video_id=card.learn_video_id,
            file=_file(card),
            impressions=int(sights[card.id].impressions) if card.id in sights else 0,
            clicks=int(sights[card.id].clicks) if card.id in sights else 0,
            answers=answers.get(card.id, 0),
            taken=taken.get(card.id, 0),
        )
        for card in cards
    )
