"""Cards that sell nothing, with answers, through the product's own verbs."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

from kernel import clock
from kernel.db.uow import UnitOfWork
from kernel.ids import uuid7
from kernel.principal import ANONYMOUS
from marketplace.response_cards.answer_card import AnswerCard, answer_card
from marketplace.response_cards.consent_text import CARD_CONSENT_VERSION
from marketplace.response_cards.models import CARD_RESPONSE, CardResponse, ResponseCard
from marketplace.response_cards.save_card import SaveCard, add_card
from marketplace.videos.models import Video
from tests.factories_marketplace import acting


def card(**changes: Any) -> SaveCard:
    """A job that asks for a phone number."""
    values: dict[str, Any] = {"kind": "apply", "start_ms": 1_000, "end_ms": 9_000, "title": "校招工程师"}
    return SaveCard(**(values | {"title_en": "Graduate engineer", "fields": ("phone",)} | changes))


def guest(card_id: UUID, email: str = "", **changes: Any) -> AnswerCard:
    """Somebody who has not signed in."""
    values: dict[str, Any] = {"name": "王芳", "email": email or f"{uuid7().hex}@guest.example", "phone": "139 0000"}
    return AnswerCard(card_id, **(values | {"consent_version": CARD_CONSENT_VERSION} | changes))


def answer_as_guest(uow: UnitOfWork, card_id: UUID, email: str = "", **changes: Any) -> None:
    """Answer a card without signing in."""
    with acting(uow, ANONYMOUS):
        answer_card(uow, guest(card_id, email, **changes))


def stage_card(uow: UnitOfWork, video: Video) -> UUID:
    """A card on a video of whoever acts."""
    return add_card(uow, video.id, card()).id


def stage_response(uow: UnitOfWork, card_id: UUID) -> UUID:
    """An answer to a card, whether or not its video is published. For the platform."""
    asked = uow.session.get_one(ResponseCard, card_id)
    now = clock.now()
    row = CardResponse(
        id=uuid7(),
        org_id=asked.org_id,
        card_id=card_id,
        person_id=None,
        email_key=uuid7().hex,
        second_ms=0,
        consent_version=CARD_CONSENT_VERSION,
        consented_at=now,
        erase_at=now + timedelta(days=180),
        erased_at=None,
        created_at=now,
        **dict.fromkeys(("name", "email", "phone", "company", "message", "note", "consent_text"), "x"),
    )
    CARD_RESPONSE.begin(uow, row, org_ids=[asked.org_id])
    uow.session.add(row)
    uow.flush()
    return row.id
