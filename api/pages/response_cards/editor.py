"""The editor of a card that sells nothing: what stands in its form, and what the form says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from api.pages.frame import addresses, card_addresses
from api.pages.frame.choices import Choice
from api.pages.frame.phrases import failure, reason
from api.pages.frame.site import Form, PageRequest, parse_uuid_or_404
from api.pages.response_cards.views import CardEditView
from api.pages.seller.views import FunnelStep
from api.pages.videos.presenter import FIELD, MS, moment_of
from kernel.db.uow import UnitOfWork
from kernel.errors import DomainError
from marketplace.publishing.queries import VideoDetail, get_own_video, list_own_videos
from marketplace.response_cards.models import ANSWER_FIELDS, CARD_KINDS
from marketplace.response_cards.queries import OwnCard, get_one_card
from marketplace.response_cards.save_card import KEPT_DAYS, MAX_PLACES, MOST_KEPT_DAYS, SaveCard

MANAGE = "leads.manage"
TYPED = (
    *("kind", "from_s", "to_s", "title", "title_en", "text", "text_en", "places", "closes_at", "retention_days"),
    *("learn_video_id", *ANSWER_FIELDS),
)
_FIELDS = {"start_ms": "from_s", "end_ms": "to_s", "fields": "phone"}
"""Where a mistake is said: the form's names for the API's."""
_LEARNABLE = 100


def refusal(page_request: PageRequest, refused: DomainError) -> dict[str, Any]:
    """A mistake in a field is said there, anything else above the form."""
    field = str(refused.params.get("field", ""))
    field = _FIELDS.get(field, field)
    if field in {*TYPED, "name", "email", "message", "note"}:
        return {"error_field": field, "field_error": reason(page_request, refused.code, refused.params)}
    return {"error": failure(page_request, refused)}


def typed_in(form: Form) -> dict[str, str]:
    """What stands in the form that was refused."""
    return {name: form.values.get(name, "")[:3_000] for name in TYPED}


def card_of(page_request: PageRequest, form: Form) -> SaveCard:
    """What the form says. Raises Invalid(`number_out_of_range`, `validation_failed`, `text_too_long`), NotFound."""
    kind, learn = form.text("kind", most=20), form.text("learn_video_id", most=36)
    return SaveCard(
        kind,
        form.number("from_s", most=86_400) * MS,
        form.number("to_s", most=86_400) * MS,
        form.text("title", most=200),
        form.text("title_en", most=200),
        form.text("text", most=3_000),
        form.text("text_en", most=3_000),
        tuple(name for name in ANSWER_FIELDS if form.text(name, most=3) == "yes"),
        form.number("places", least=1, most=MAX_PLACES) if form.text("places", most=10) else None,
        moment_of(form, "closes_at", page_request.time_zone) if form.text("closes_at", most=16) else None,
        form.number("retention_days", least=1, most=MOST_KEPT_DAYS),
        parse_uuid_or_404(learn, "video_not_found") if learn and kind == "learn" else None,
    )


def new_view(page_request: PageRequest, video_id: UUID, typed: Mapping[str, str]) -> CardEditView:
    """The form of a new card on a video. Raises NotFound(`video_not_found`)."""
    with page_request.work() as uow:
        detail = get_own_video(uow, video_id)
        videos = _learnable(page_request, uow)
    seconds = (detail.row.duration_ms or 0) // MS
    start = {"kind": "apply", "from_s": "0", "to_s": str(min(seconds, 10)), "retention_days": str(KEPT_DAYS)}
    return _view(page_request, detail, card_addresses.new_card(video_id), {**start, **typed}, videos, CARD_KINDS)


def edit_view(page_request: PageRequest, card_id: UUID, typed: Mapping[str, str] | None = None) -> CardEditView:
    """The editor of a card. Raises NotFound(`card_not_found`)."""
    with page_request.work() as uow:
        card = get_one_card(uow, card_id)
        detail = get_own_video(uow, card.video_id)
        videos = _learnable(page_request, uow)
    stands = _stands(card, page_request.time_zone) if typed is None else typed
    view = _view(page_request, detail, card_addresses.edit_card(card_id), stands, videos, (card.kind,))
    steps = (("impression", card.impressions), ("card_click", card.clicks), ("card_answer", card.answers))
    first = max(card.impressions, card.clicks, card.answers, 1)
    return replace(
        view,
        card=card,
        funnel=tuple(FunnelStep(key, count, count * 1_000_000 // first) for key, count in steps),
        responses=addresses.with_query(card_addresses.RESPONSES, card=str(card_id)),
        remove=card_addresses.edit_card(card_id, "/remove"),
        file_address=card_addresses.edit_card(card_id, "/file"),
    )


def _view(
    page_request: PageRequest,
    detail: VideoDetail,
    address: str,
    typed: Mapping[str, str],
    videos: tuple[Choice, ...],
    kinds: tuple[str, ...],
) -> CardEditView:
    row = detail.row
    return CardEditView(
        address,
        addresses.seller_video(str(row.id)),
        page_request.pick(row.title, row.title_en),
        (row.duration_ms or 0) // MS,
        kinds,
        typed,
        videos,
        page_request.time_zone,
    )


def _stands(card: OwnCard, time_zone: str) -> dict[str, str]:
    closes: datetime | None = card.closes_at
    return {
        "kind": card.kind,
        "from_s": str(card.start_ms // MS),
        "to_s": str(-(-card.end_ms // MS)),
        "title": card.title,
        "title_en": card.title_en,
        "text": card.text,
        "text_en": card.text_en,
        "places": "" if card.places is None else str(card.places),
        "closes_at": closes.astimezone(ZoneInfo(time_zone)).strftime(FIELD) if closes else "",
        "retention_days": str(card.retention_days),
        "learn_video_id": str(card.learn_video_id or ""),
        **{name: "yes" if name in card.fields else "" for name in ANSWER_FIELDS},
    }


def _learnable(page_request: PageRequest, uow: UnitOfWork) -> tuple[Choice, ...]:
    rows = list_own_videos(uow, limit=_LEARNABLE, state="published").items
    return tuple(Choice(str(row.id), page_request.pick(row.title, row.title_en)) for row in rows)
