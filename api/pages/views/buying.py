"""Buying: the purchase sheet, the order and its line, the lists, approvals, entitlements."""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Literal

from api.pages.frame.choices import Choice
from api.pages.frame.prices import Per
from api.pages.frame.timeline import Timeline
from api.pages.views.channel import Claim
from kernel.money import Money


@dataclass(frozen=True, slots=True)
class PlanChoice:
    """A plan the sheet may switch to; term is part of the plan, so choosing the term chooses the plan."""

    id: str
    name: str
    term: str
    price: Money
    per: Per
    min_quantity: int = 1
    max_quantity: int = 10_000
    sold_by_seat: bool = True


@dataclass(frozen=True, slots=True)
class QuoteLine:
    """One line of a quote: a ready description and what it comes to, with tax where the price contains it."""

    text: str
    amount: Money


@dataclass(frozen=True, slots=True)
class Quote:
    """What the server priced. ``tax_ppm`` is the rate of the first line."""

    id: str
    lines: tuple[QuoteLine, ...]
    net: Money
    tax: Money
    tax_ppm: int
    gross: Money
    expires_at: datetime
    claims: tuple[Claim, ...]
    needs_approval: bool = False


@dataclass(frozen=True, slots=True)
class BuyView:
    """The purchase sheet, as a page of its own and (part ``sheet``) inside the player.

    ``idempotency_key`` is made per rendering, so that the form without script is safe to send twice.
    ``error`` is a ready sentence shown at the top, ``error_field`` the name of the field it is about.
    """

    template: ClassVar[str] = "buy.html"
    active: ClassVar[str] = "feed"

    placement_id: str
    video_id: str
    video_title: str
    channel_name: str
    poster: str
    second: int
    listing_name: str
    seller_name: str
    plans: tuple[PlanChoice, ...]
    plan_id: str
    quantity: int
    quote: Quote
    billing_profiles: tuple[Choice, ...]
    billing_profile_id: str
    payment_methods: tuple[Choice, ...]
    payment_method_id: str
    idempotency_key: str
    po_number: str = ""
    share: str | None = None
    error: str | None = None
    error_field: str | None = None


@dataclass(frozen=True, slots=True)
class OrderView:
    """A buyer's order: the loop's line with what is known so far, and what can be done now."""

    template: ClassVar[str] = "order.html"
    active: ClassVar[str] = "orders"

    id: str
    number: str
    state: str
    listing_name: str
    plan_name: str
    seller_name: str
    quantity: int
    sold_by_seat: bool
    net: Money
    tax: Money
    gross: Money
    placed_at: datetime
    placed_by: str
    billing_profile: str
    po_number: str
    timeline: Timeline
    live: bool
    percent: int
    claims: tuple[Claim, ...] = ()
    entitlement_id: str | None = None
    invoice_id: str | None = None
    video_id: str | None = None
    video_second: int = 0
    may_cancel: bool = False
    may_accept: bool = False
    may_launch: bool = False
    #: Ways to pay once more, after a payment failed; empty when there is nothing to pay.
    pay_again: tuple[Choice, ...] = ()
    pay_error: str = ""
    payment_state: str = ""


@dataclass(frozen=True, slots=True)
class OrderRow:
    """One order in a list."""

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


@dataclass(frozen=True, slots=True)
class OrdersView:
    """A buyer's orders; ``state`` is the filter in the address ("" for all)."""

    template: ClassVar[str] = "orders.html"
    active: ClassVar[str] = "orders"

    rows: tuple[OrderRow, ...]
    states: tuple[str, ...]
    state: str = ""
    query: str = ""
    next_address: str | None = None


@dataclass(frozen=True, slots=True)
class ApprovalRequest:
    """A purchase waiting for a decision, with all that deciding needs in view."""

    purchase_id: str
    listing_name: str
    plan_name: str
    seller_name: str
    quantity: int
    gross: Money
    term: str
    asked_by: str
    asked_at: datetime
    expires_at: datetime
    rule: str
    note: str
    claims: tuple[Claim, ...]
    video_title: str = ""
    video_src: str = ""
    poster: str = ""
    clip_from_s: int = 0
    clip_to_s: int = 0
    own_request: bool = False


@dataclass(frozen=True, slots=True)
class Decision:
    """A decision already taken."""

    purchase_id: str
    listing_name: str
    gross: Money
    asked_by: str
    approved: bool
    reason: str
    decided_at: datetime


@dataclass(frozen=True, slots=True)
class ApprovalsView:
    """The approver's inbox: what waits first, then what was decided."""

    template: ClassVar[str] = "approvals.html"
    active: ClassVar[str] = "approvals"

    waiting: tuple[ApprovalRequest, ...]
    count: int
    decided: tuple[Decision, ...] = ()
    next_address: str | None = None


@dataclass(frozen=True, slots=True)
class Seat:
    """A member's place; ``member_id`` is what revoking names."""

    member_id: str
    name: str
    email: str
    assigned_at: datetime


@dataclass(frozen=True, slots=True)
class MemberChoice:
    """A member without a seat."""

    id: str
    name: str
    email: str


@dataclass(frozen=True, slots=True)
class EntitlementView:
    """What the organization may use now, and who of it. ``quantity`` 0: sold without seats, for everybody in it."""

    template: ClassVar[str] = "entitlement.html"
    active: ClassVar[str] = "entitlements"

    id: str
    listing_name: str
    plan_name: str
    seller_name: str
    state: str
    quantity: int
    valid_from: datetime | None
    valid_until: datetime | None
    seats: tuple[Seat, ...]
    candidates: tuple[MemberChoice, ...]
    may_assign: bool
    may_launch: bool
    order_id: str
    error: str | None = None


@dataclass(frozen=True, slots=True)
class EntitlementRow:
    """One entitlement in the list."""

    id: str
    listing_name: str
    plan_name: str
    seller_name: str
    state: str
    used_seats: int
    quantity: int
    valid_until: datetime | None
    may_launch: bool


@dataclass(frozen=True, slots=True)
class EntitlementsView:
    """Everything the organization may use."""

    template: ClassVar[str] = "entitlements.html"
    active: ClassVar[str] = "entitlements"

    rows: tuple[EntitlementRow, ...]
    next_address: str | None = None
