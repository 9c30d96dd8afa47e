"""Credit with sellers, as its two sides see it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from kernel.money import Money
from orders.store_credit.queries import CreditSide


@dataclass(frozen=True, slots=True)
class StoreCreditItem:
    """A balance in a list. ``other``: the name of the other side."""

    address: str
    other: str
    balance: Money
    available: Money
    since: datetime


@dataclass(frozen=True, slots=True)
class StoreCreditsView:
    """What a buyer has with sellers."""

    template: ClassVar[str] = "store_credits/credits.html"
    active: ClassVar[str] = "store_credits"
    side: ClassVar[CreditSide] = "buyer"

    rows: tuple[StoreCreditItem, ...]
    next_address: str | None = None


@dataclass(frozen=True, slots=True)
class SellerStoreCreditsView(StoreCreditsView):
    """What customers have with a seller."""

    active: ClassVar[str] = "seller_store_credits"
    side: ClassVar[CreditSide] = "seller"


@dataclass(frozen=True, slots=True)
class CreditMovementItem:
    """One change of a balance; ``amount`` is negative out of it."""

    kind: str
    amount: Money
    at: datetime
    order_number: str
    address: str | None


@dataclass(frozen=True, slots=True)
class StoreCreditPage:
    """One balance with its movements, for its buyer."""

    template: ClassVar[str] = "store_credits/credit.html"
    active: ClassVar[str] = "store_credits"
    side: ClassVar[CreditSide] = "buyer"

    id: str
    buyer_name: str
    seller_name: str
    balance: Money
    available: Money
    movements: tuple[CreditMovementItem, ...]
    may_be_paid_back: bool = False
    error: str = ""


@dataclass(frozen=True, slots=True)
class SellerStoreCreditPage(StoreCreditPage):
    """One for the seller whose charges it pays."""

    active: ClassVar[str] = "seller_store_credits"
    side: ClassVar[CreditSide] = "seller"
