"""Discounts in words: what a coupon took off a line, what a promotion would."""

from __future__ import annotations

from datetime import datetime, timedelta

from api.pages.frame.site import PageRequest
from kernel.money import Money
from orders.coupons.promotions import PromotionView


def off_in_words(page_request: PageRequest, ppm: int | None, minor: int | None, currency: str | None) -> str:
    """20%, or an amount."""
    if ppm is not None:
        return page_request.formats.rate(ppm)
    return page_request.formats.price(Money(minor or 0, (currency or "").strip()))


def last_day(page_request: PageRequest, until: datetime) -> str:
    """The last day of a window that ends before `until`, on the reader's calendar."""
    return page_request.formats.day(until - timedelta(seconds=1))


def discount_in_words(page_request: PageRequest, coupon: str, *, every_term: bool, recurs: bool) -> str:
    """Which coupon or promotion took something off, and of what recurs for how long it will."""
    said = page_request.t("discount.line", name=coupon)
    return f"{said} · {terms_in_words(page_request, every_term=every_term)}" if recurs else said


def terms_in_words(page_request: PageRequest, *, every_term: bool) -> str:
    """Whether renewals are reduced, too."""
    return page_request.t("discount.every_term") if every_term else page_request.t("discount.first_term")


def promotion_badge(page_request: PageRequest, one: PromotionView) -> str:
    """In a few words, for a card: how much, and until when."""
    off = off_in_words(page_request, one.percent_ppm, one.amount_minor, one.currency)
    return page_request.t("discount.badge", off=off, day=last_day(page_request, one.ends_at))


def promotion_in_words(page_request: PageRequest, one: PromotionView, *, recurs: bool) -> str:
    """Name, how much, until when, and of what recurs for how long."""
    said = f"{one.name} · {promotion_badge(page_request, one)}"
    return f"{said} · {terms_in_words(page_request, every_term=one.every_term)}" if recurs else said
