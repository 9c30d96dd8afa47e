"""Orders as pages show them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Literal

from api.pages.awaited_payments.views import AwaitedNote
from api.pages.feed.views import FeedClaim
from api.pages.frame.choices import Choice
from api.pages.frame.timeline import Timeline
from api.pages.refund_cases.views import RefundCaseItem
from api.pages.services.views import MilestoneItem
from kernel.money import Money


@dataclass(frozen=True, slots=True)
class OrderPageLine:
    """One thing that was bought."""

    listing_name: str
    plan_name: str
    quantity: int
    sold_by_seat: bool
    #: The seller's terms at the time, and where they are read.
    terms_version: str = ""
    terms_address: str = ""
    #: How far its delivery is, empty before it begins; and what it opened.
    entitlement_state: str = ""
    entitlement_id: str | None = None
    #: Before tax, shown where it is one of several.
    net: Money | None = None
    may_launch: bool = False
    #: For how many days it is tried for nothing; 0 where it was bought.
    trial_days: int = 0
    #: How its list price came about, where that has several parts.
    parts: tuple[str, ...] = ()
    #: Before what a coupon took off, and that, where one did.
    list_price: Money | None = None
    discount: Money | None = None
    discount_text: str = ""


@dataclass(frozen=True, slots=True)
class PayerConfirmation:
    """A payment that waits for its payer. ``where``: the reader can be led to the bank's page, there is no page to lead
    to, or somebody with the right to buy has to do it. Withdrawn at ``deadline_at``.
    """

    where: Literal["here", "nowhere", "somebody"]
    deadline_at: datetime
    payment_id: str


@dataclass(frozen=True, slots=True)
class OrderPageView:
    """A buyer's order: the loop's line with what is known so far, and what can be done now."""

    template: ClassVar[str] = "orders/order.html"
    active: ClassVar[str] = "orders"

    id: str
    number: str
    state: str
    listing_name: str
    lines: tuple[OrderPageLine, ...]
    seller_name: str
    service_address: str
    """The conversation with its seller."""
    ticket_address: str
    """Where a ticket on it is opened; empty while it is not paid."""
    issuer_name: str
    net: Money
    tax: Money
    gross: Money
    placed_at: datetime
    placed_by: str
    billing_profile: str
    po_number: str
    department: str
    """Whose spending it is; empty where none was named."""
    timeline: Timeline
    live: bool
    percent: int
    claims: tuple[FeedClaim, ...] = ()
    entitlement_id: str | None = None
    invoice_id: str | None = None
    #: Its payment's receipt, or the pro-forma invoice of what is not paid yet; empty where there is neither.
    receipt_address: str = ""
    pro_forma_address: str = ""
    video_id: str | None = None
    video_second: int = 0
    may_cancel: bool = False
    #: What finance may say it to be instead, and what it is.
    departments: tuple[Choice, ...] = ()
    department_id: str = ""
    #: Whether its purchase, which is not paid yet, can be called off.
    may_call_off: bool = False
    #: Money that was asked back after the window; and whether it can be asked for now.
    refund_cases: tuple[RefundCaseItem, ...] = ()
    may_ask_back: bool = False
    may_accept: bool = False
    may_launch: bool = False
    #: Ways to pay once more, after a payment failed; empty when there is nothing to pay.
    pay_again: tuple[Choice, ...] = ()
    pay_error: str = ""
    confirm: PayerConfirmation | None = None
    payment_state: str = ""
    #: Whether another organization was asked to pay it, and has not yet.
    by_payer: bool = False
    dispute: str = ""
    """The address of its dispute, where the bank decides or has decided about the payment."""
    dispute_state: str = ""
    milestones: tuple[MilestoneItem, ...] = ()
    #: What was refused about one of them, and which.
    milestone_error: str = ""
    milestone_error_at: str = ""


@dataclass(frozen=True, slots=True)
class OrderItem:
    """One order in a list. Where it has several ``lines``, each is said there and ``plan_name`` is empty."""

    id: str
    number: str
    listing_name: str
    plan_name: str
    counterparty: str
    quantity: int
    gross: Money
    state: str
    placed_at: datetime
    needs: Literal["", "pay", "accept"] = ""
    #: Whether the payer's bank is deciding about its payment.
    disputed: bool = False
    lines: tuple[str, ...] = ()
    #: To its seller: the buyer's page, and that it was delivered on account and is not paid.
    customer: str = ""
    awaited: AwaitedNote | None = None


@dataclass(frozen=True, slots=True)
class OrdersView:
    """A buyer's orders; ``state`` is the filter in the address ("" for all)."""

    template: ClassVar[str] = "orders/orders.html"
    active: ClassVar[str] = "orders"

    rows: tuple[OrderItem, ...]
    states: tuple[str, ...]
    state: str = ""
    query: str = ""
    next_address: str | None = None
