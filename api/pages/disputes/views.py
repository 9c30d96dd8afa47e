"""Disputed payments as each side sees them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from api.pages.frame.dispute_addresses import DisputeSide
from kernel.money import Money
from orders.disputes.queries import DisputeCaseView


@dataclass(frozen=True, slots=True)
class DisputeRowItem:
    """One in a list. `left_s`: how long until the nearest deadline of whoever looks; below zero it is over."""

    address: str
    orders: tuple[str, ...]
    parties: str
    reason: str
    state: str
    amount: Money
    left_s: int | None
    is_sent: bool


@dataclass(frozen=True, slots=True)
class DisputesView:
    """The disputes of one side; the operator's by the bank's deadline."""

    template: ClassVar[str] = "disputes/disputes.html"
    active: ClassVar[str] = "orders"

    side: DisputeSide
    rows: tuple[DisputeRowItem, ...]
    next_address: str | None


@dataclass(frozen=True, slots=True)
class DisputePartItem:
    """An order that it is about; `title`: of the one line, where it is about one."""

    address: str
    order_number: str
    parties: str
    title: str
    amount: Money


@dataclass(frozen=True, slots=True)
class DisputeFile:
    """A document with its address; `ticked`: the operator sends it."""

    id: str
    side: str
    name: str
    size_bytes: int
    address: str
    who: str
    ticked: bool = False


@dataclass(frozen=True, slots=True)
class AssignableLine:
    """A line that the payment paid, and what of the dispute was typed for it."""

    id: str
    order_number: str
    title: str
    seller_name: str
    gross: Money
    typed: str


@dataclass(frozen=True, slots=True)
class DisputePageView:
    """One dispute, with what its side may do about it."""

    template: ClassVar[str] = "disputes/dispute.html"
    active: ClassVar[str] = "orders"

    side: DisputeSide
    found: DisputeCaseView
    here: str
    amount: Money
    frozen: Money
    fee: Money | None
    loss: Money
    loss_left: Money
    parts: tuple[DisputePartItem, ...]
    files: tuple[DisputeFile, ...]
    names: Mapping[str, str]
    """Display names by organization, of whoever says something."""
    may_say: bool = False
    may_send: bool = False
    text: str = ""
    """What the operator sends unless it changes it."""
    lines: tuple[AssignableLine, ...] = ()
    words: str = ""
    withdraws: bool = False
    max_bytes: int = 0
    error: str | None = None
    error_field: str = ""


@dataclass(frozen=True, slots=True)
class SellerDisputesView(DisputesView):
    """Those about a seller's orders."""

    active: ClassVar[str] = "seller_disputes"


@dataclass(frozen=True, slots=True)
class OperatorDisputesView(DisputesView):
    """What banks are deciding."""

    active: ClassVar[str] = "operator_disputes"


@dataclass(frozen=True, slots=True)
class SellerDisputeView(DisputePageView):
    """One about a seller's orders."""

    active: ClassVar[str] = "seller_disputes"


@dataclass(frozen=True, slots=True)
class OperatorDisputeView(DisputePageView):
    """Anybody's."""

    active: ClassVar[str] = "operator_disputes"


LISTS: dict[DisputeSide, type[DisputesView]] = {
    "buyer": DisputesView,
    "seller": SellerDisputesView,
    "operator": OperatorDisputesView,
}
PAGES: dict[DisputeSide, type[DisputePageView]] = {
    "buyer": DisputePageView,
    "seller": SellerDisputeView,
    "operator": OperatorDisputeView,
}
