"""What recurs, as pages show it to whoever pays for it, sold it, or runs the platform."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Literal

from api.pages.buy.views import QuotePanel
from api.pages.frame.choices import Choice

EntryState = Literal["done", "todo", "waiting", "failed"]


@dataclass(frozen=True, slots=True)
class LifeEntry:
    """One thing of a subscription's line: ready words. ``is_due``: still to come; ``icon``: its name."""

    at: datetime
    icon: str
    state: EntryState
    title: str
    text: str = ""
    is_due: bool = False
    address: str | None = None


@dataclass(frozen=True, slots=True)
class SubscriptionItem:
    """One in the list. ``next``: a sentence on what will be charged when; ``quantity`` 0: not sold by seats."""

    id: str
    listing_name: str
    plan_name: str
    seller_name: str
    state: str
    used: int
    quantity: int
    ends_at: datetime
    next: str


@dataclass(frozen=True, slots=True)
class SubscriptionsView:
    """Everything the organization has subscribed to."""

    template: ClassVar[str] = "subscriptions/subscriptions.html"
    active: ClassVar[str] = "subscriptions"

    rows: tuple[SubscriptionItem, ...]
    next_address: str | None = None


@dataclass(frozen=True, slots=True)
class ChangeForm:
    """What was chosen so far. ``plans``: those it may be changed to, an empty id for the one in force. ``others``: the
    subscriptions that it may be made to end with.
    """

    when: Literal["now", "next", "with"]
    quantity: str
    plan_id: str
    plans: tuple[Choice, ...]
    profiles: tuple[Choice, ...]
    profile_id: str
    methods: tuple[Choice, ...]
    method_id: str
    po_number: str = ""
    align_with: str = ""
    others: tuple[Choice, ...] = ()


@dataclass(frozen=True, slots=True)
class ChangePreview:
    """What a change would cost now (``quote``, with a key of its own), or what the next term would be (``next``).
    ``aligned_to``: where the change is of the term's end, the new one.
    """

    quote: QuotePanel | None = None
    idempotency_key: str = ""
    next: str = ""
    aligned_to: datetime | None = None


@dataclass(frozen=True, slots=True)
class SubscriptionPage:
    """One subscription: what it is, what follows, its changes and its line."""

    template: ClassVar[str] = "subscriptions/subscription.html"
    active: ClassVar[str] = "subscriptions"

    id: str
    listing_id: str
    listing_name: str
    plan_name: str
    seller_name: str
    state: str
    used: int
    quantity: int
    ends_at: datetime
    next: str
    next_is_told: bool
    changes_to: str
    """What the next term is to be, where that is something else."""
    auto_renew: bool
    renewal_order_id: str | None
    entitlement_id: str
    order_id: str
    may_change: bool
    may_pay: bool
    form: ChangeForm
    offered: ChangePreview | None
    life: tuple[LifeEntry, ...]
    contract_ends_at: datetime | None = None
    departments: tuple[Choice, ...] = ()
    """Whose spending it may be said to be from now on."""
    department_id: str = ""
    department: str = ""
    #: What its next terms and usage are charged to.
    charged: str = ""
    error: str | None = None
    error_field: str | None = None
