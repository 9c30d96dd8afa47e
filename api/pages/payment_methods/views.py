"""Kept payment methods as a page shows them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from api.pages.frame.choices import Choice


@dataclass(frozen=True, slots=True)
class PaymentMethodItem:
    """A kept method. ``expires`` is its last month, as words; ``pays`` names what goes on being paid by it."""

    id: str
    label: str
    gateway: str
    expires: str
    has_expired: bool
    is_default: bool
    kept_at: datetime
    pays: tuple[str, ...] = ()
    others: tuple[Choice, ...] = ()
    """By which others that can be paid instead."""


@dataclass(frozen=True, slots=True)
class PaymentMethodsView:
    """What gateways keep for the organization. ``gateways`` are those on whose page one is added, by name and as words."""

    template: ClassVar[str] = "payment_methods/methods.html"
    active: ClassVar[str] = "payment_methods"

    rows: tuple[PaymentMethodItem, ...]
    gateways: tuple[Choice, ...]
    may_change: bool
    error: str = ""
