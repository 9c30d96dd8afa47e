"""A subscription's line in words: the same for each of its sides, as far as it may see."""

from __future__ import annotations

from collections.abc import Iterable

from api.pages.frame import addresses
from api.pages.frame.codes import in_words
from api.pages.frame.phrases import is_known, money, reason
from api.pages.frame.site import PageRequest
from api.pages.frame.translations import translations
from api.pages.subscriptions.views import EntryState, LifeEntry
from orders.subscriptions.queries import Side
from orders.subscriptions.timeline import TimelineEntry
from orders.usage.queries import shown_state

_ICONS = {
    "term": "refresh",
    "term_revoked": "undo",
    "notice": "bell",
    "renew": "card",
    "renewal_refused": "alert",
    "amendment": "plus",
    "amendment_revoked": "undo",
    "try": "card",
    "retry": "card",
    "past_due": "alert",
    "recovered": "check",
    "suspend": "pause",
    "resumed": "play",
    "terminate": "close",
    "end": "close",
    "usage": "gauge",
    "instalment": "card",
    "refund_case": "undo",
    "seat_given": "user",
    "seat_revoked": "user",
    "episode_completed": "check",
}
_SAYS_WHY = frozenset({"renewal_refused", "try", "end", "amendment_revoked"})
_BAD = frozenset({"renewal_refused", "past_due", "suspend", "terminate"})


def life_of(page_request: PageRequest, found: Iterable[TimelineEntry], side: Side) -> tuple[LifeEntry, ...]:
    """Ready to be shown, what happened first."""
    return tuple(
        LifeEntry(
            at=one.at,
            icon=_ICONS[one.kind],
            state=_state(one),
            title=page_request.t(f"life.{one.kind}", n=one.number, days=one.days),
            text=_text(page_request, one),
            is_due=one.is_due,
            address=_address(one, side),
        )
        for one in found
    )


_WORDS_OF = {"usage": "order", "instalment": "order", "refund_case": "refund_case", "try": "try"}
"""Kinds of entries whose state is said by the words of these."""


def _state(one: TimelineEntry) -> EntryState:
    if one.is_due:
        return "todo"
    if one.kind in _BAD or one.state == "failed":
        return "failed"
    return (
        "waiting" if one.state in {"pending_payment", "processing", "requires_action", "unknown", "pending"} else "done"
    )


def _text(page_request: PageRequest, one: TimelineEntry) -> str:
    """What, what came of it, why, and what it costs; each where it is known."""
    t, number = page_request.t, page_request.formats.number
    parts: list[str] = []
    if one.kind == "term" and one.quantity is not None:
        plan = page_request.pick(one.plan_name, one.plan_name_en)
        parts.append(f"{plan} × {number(one.quantity)}")
    if one.kind == "amendment" and one.quantity is not None and one.quantity_before is not None:
        if one.quantity != one.quantity_before:
            parts.append(t("life.seats", before=number(one.quantity_before), after=number(one.quantity)))
        if one.plan_name is not None:
            parts.append(t("life.plan", name=page_request.pick(one.plan_name, one.plan_name_en)))
        if one.ends_at is not None and one.ends_at_before is not None:
            day = page_request.formats.day
            parts.append(t("life.aligned", day=day(one.ends_at), before=day(one.ends_at_before)))
        parts.append(translations(page_request.language).word("amendment", one.state or ""))
    if one.kind == "notice" and one.state is not None:
        parts.append(t("life.told_renews") if one.state == "renews" else t("life.told_ends"))
    if one.kind in _WORDS_OF and one.state is not None:
        state = shown_state(one.state) if one.kind in {"usage", "instalment"} else one.state
        parts.append(translations(page_request.language).word(_WORDS_OF[one.kind], state))
    if one.kind == "episode_completed":
        parts.append(page_request.pick(one.title, one.title_en))
    if one.kind == "retry":
        parts.append(t("life.retry_means"))
    if one.reason and one.kind in _SAYS_WHY:
        parts.append(_why(page_request, one.reason))
    if one.amount_minor is not None and one.currency is not None:
        parts.append(page_request.formats.money(money(one.amount_minor, one.currency)))
    return " · ".join(parts)


def _why(page_request: PageRequest, code: str) -> str:
    if is_known(code):
        return reason(page_request, code, {})
    return in_words(page_request.language, code)


def _address(one: TimelineEntry, side: Side) -> str | None:
    if one.order_id is None:
        return None
    return addresses.order(str(one.order_id)) if side == "buyer" else addresses.trace(str(one.order_id))
