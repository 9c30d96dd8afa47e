"""Earnings, statements and payouts as pages show them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import ClassVar

from api.media_addresses import Thumbnail
from kernel.money import Money


@dataclass(frozen=True, slots=True)
class MoneyFigures:
    """The three figures, and when the next payout comes."""

    pending: Money
    releasable: Money
    paid: Money
    next_payout: Money | None
    next_payout_on: date | None


@dataclass(frozen=True, slots=True)
class ShareItem:
    """One share of one captured line. ``amount`` is the reader's own part; ``forecast_on`` when it should be paid."""

    id: str
    order_id: str
    order_number: str
    listing_name: str
    video_title: str
    gross: Money
    amount: Money
    rate_ppm: int
    state: str
    forecast_on: date | None


@dataclass(frozen=True, slots=True)
class ForecastDay:
    """What is expected on a day; ``ppm_of_most`` scales the bar."""

    on: date
    amount: Money
    ppm_of_most: int


@dataclass(frozen=True, slots=True)
class StatementItem:
    """A settlement period: carried over + gross - refunds - commission - promoter + adjustments = net."""

    id: str
    number: str
    starts_on: date
    ends_on: date
    carried: Money
    gross: Money
    refunds: Money
    commission: Money
    promoter: Money
    net: Money
    state: str
    commission_invoice_id: str | None = None
    adjustments: Money | None = None
    """What earlier payouts left unpaid, because it was in dispute or came back."""
    held: Money | None = None
    """What of the net is not paid because a bank is deciding about it, or was when the rest was paid."""


@dataclass(frozen=True, slots=True)
class CommissionInvoice:
    """The platform's bill for its commission in one statement; no number until it is issued."""

    id: str
    number: str
    issued_on: date | None
    gross: Money
    has_pdf: bool


@dataclass(frozen=True, slots=True)
class StatementItemLine:
    """One share in a statement, or what a refund took back of one. A promoter is not shown the order."""

    kind: str
    share_id: str
    order_number: str
    listing_name: str
    occurred_at: datetime
    gross: Money
    refunds: Money
    commission: Money
    promoter: Money
    net: Money


@dataclass(frozen=True, slots=True)
class SupplyItem:
    """What the platform was supplied at one rate of tax; negative amounts are to be credited."""

    tax_rate_ppm: int
    net: Money
    tax: Money
    gross: Money


@dataclass(frozen=True, slots=True)
class StatementView:
    """One closed period with every line it is made of."""

    template: ClassVar[str] = "money/statement.html"
    active: ClassVar[str] = "seller_money"

    row: StatementItem
    lines: tuple[StatementItemLine, ...]
    party: str
    back: str
    as_promoter: bool = False
    bill_drawn: bool = False
    """Whether the platform's bill for its commission can be opened; it is issued before it is drawn."""
    supplies: tuple[SupplyItem, ...] = ()
    """What the seller has to invoice the platform for, of what that sold itself."""
    platform_name: str = ""


@dataclass(frozen=True, slots=True)
class PayoutItem:
    """Money that went out, or is about to."""

    id: str
    statement_number: str
    amount: Money
    state: str
    destination: str
    scheduled_on: date
    reference: str = ""
    error: str = ""
    """Why it did not go through, or came back."""


@dataclass(frozen=True, slots=True)
class SellerMoneyView:
    """Where the seller's money is, and when it comes."""

    template: ClassVar[str] = "money/seller_money.html"
    active: ClassVar[str] = "seller_money"

    figures: tuple[MoneyFigures, ...]
    forecast: tuple[ForecastDay, ...]
    shares: tuple[ShareItem, ...]
    statements: tuple[StatementItem, ...]
    payouts: tuple[PayoutItem, ...]
    commission_invoices: tuple[CommissionInvoice, ...]
    states: tuple[str, ...]
    state: str = ""
    next_address: str | None = None


@dataclass(frozen=True, slots=True)
class PromotedVideo:
    """What one video earned for its promoter."""

    video_id: str
    title: str
    poster: Thumbnail | None
    views: int
    card_clicks: int
    orders: int
    sold: Money
    earned: Money


@dataclass(frozen=True, slots=True)
class PromoterView:
    """A promoter's earnings per video. Names no buyer."""

    template: ClassVar[str] = "money/promoter.html"
    active: ClassVar[str] = "promoter"

    figures: tuple[MoneyFigures, ...]
    videos: tuple[PromotedVideo, ...]
    statements: tuple[StatementItem, ...]
    payouts: tuple[PayoutItem, ...]
