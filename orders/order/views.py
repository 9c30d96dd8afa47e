"""What reads of orders return: frozen rows that pages and JSON use alike."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from marketplace.pricing.shapes import is_by_seat
from orders.order.dealer_margin import DealerMargin, margin_at_list
from orders.order.line_end_customer import LineEndCustomer
from orders.order.line_tier import LineTier
from orders.order.models import Attribution, Order, OrderLine
from orders.order.span import first_term_of
from orders.order.untaxed import NOTHING_UNTAXED, UntaxedPrice, untaxed_of


@dataclass(frozen=True, slots=True)
class LineView:
    """A line as both parties see it; commission and promoter are the seller's business and not in here."""

    id: UUID
    listing_id: UUID
    listing_version_id: UUID
    plan_id: UUID
    title: str
    title_en: str
    plan_name: str
    plan_name_en: str
    pricing: str
    interval: str
    term_months: int
    quantity: int
    unit_price_minor: int
    price: dict[str, Any] | None
    price_lines: list[dict[str, Any]]
    list_minor: int
    discount_minor: int
    net_minor: int
    tax_rate_ppm: int
    tax_minor: int
    gross_minor: int
    tax_included: bool
    claims: list[dict[str, Any]]
    video_id: UUID | None
    placement_id: UUID | None
    second_ms: int | None
    rule: str
    trial_days: int = 0
    """For how many days it is tried, where it begins a trial; its amounts are then nothing."""
    trial_after_minor: int = 0
    """What it costs afterwards, with tax."""
    coupon: str = ""
    """The code that the discount is by, or the promotion's name."""
    coupon_every_term: bool = False
    """Whether it comes off renewals, too; else off the first term alone."""
    tier: LineTier | None = None
    """Whose partner's price it is at."""
    end_customer: LineEndCustomer | None = None
    """For whom its buyer, a dealer, ordered it."""
    margin_at_list: DealerMargin | None = None
    """What that dealer earns of it where it asks the plan's price. The dealer's business: pages show it to nobody else."""
    contract_terms: int = 0
    """After how many paid terms it ends for good; 0: never by itself."""
    first_term_ends_at: datetime | None = None
    """When the first term ends by what was agreed on, where that is no whole one."""
    untaxed: UntaxedPrice = NOTHING_UNTAXED
    """What became of the tax that its price contains, where none was charged."""
    issuer_name: str = ""
    """Where the platform sells it, the platform's name, as on the invoice; empty where its seller does."""
    live_session_id: UUID | None = None
    """The live session in whose room it was bought, at `second_ms`."""
    circle_id: UUID | None = None
    """The circle through which its member bought it."""
    instalments: tuple[dict[str, int], ...] = ()
    """Of a term that is paid in several, all of them (`PricedLine.instalments`); its own amounts are those of the first."""

    @property
    def sold_by_seat(self) -> bool:
        """Whether a quantity of it is a number of seats."""
        return is_by_seat(self.pricing, self.price)


@dataclass(frozen=True, slots=True)
class OrderView:
    """An order with its parties and lines."""

    id: UUID
    number: str
    purchase_id: UUID
    buyer_org_id: UUID
    buyer_name: str
    seller_org_id: UUID
    seller_name: str
    selling_model: str
    """Who sold it to the buyer: `agency`, its seller; `reseller`, the platform."""
    state: str
    currency: str
    net_minor: int
    tax_minor: int
    gross_minor: int
    po_number: str | None
    payment_id: UUID | None
    deadline_at: datetime | None
    paid_at: datetime | None
    active_at: datetime | None
    accepted_at: datetime | None
    failure: str | None
    created_at: datetime
    lead_id: UUID | None
    subscription_id: UUID | None
    """What it goes on with, or changes; none of an order that begins one."""
    lines: tuple[LineView, ...]

    @property
    def issuer_name(self) -> str:
        """Who invoices it."""
        return next((line.issuer_name for line in self.lines if line.issuer_name), self.seller_name)

    @property
    def awaits_acceptance(self) -> bool:
        """Whether the buyer still has to accept a one-off service, which then has a deadline; milestones have their own."""
        waits = self.state == "active" and self.accepted_at is None and self.deadline_at is not None
        return waits and any(line.term_months == 0 for line in self.lines)


def order_view(order: Order, lines: Sequence[LineView]) -> OrderView:
    """An order's row with its lines."""
    return OrderView(**{name: getattr(order, name) for name in _OF_ORDER}, lines=tuple(lines))


def line_view(line: OrderLine, credit: Attribution | None) -> LineView:
    """A line's row with what is said of its attribution."""
    first = first_term_of(line.plan)
    return LineView(
        **{name: getattr(line, name) for name in _OF_LINE},
        **{name: line.plan[name] for name in _FROM_PLAN},
        video_id=credit.video_id if credit is not None else None,
        placement_id=credit.placement_id if credit is not None else None,
        second_ms=credit.second_ms if credit is not None else None,
        live_session_id=credit.live_session_id if credit is not None else None,
        circle_id=credit.circle_id if credit is not None else None,
        rule=credit.rule if credit is not None else "none",
        trial_days=int(line.plan.get("trial_days") or 0),
        trial_after_minor=int(line.plan.get("trial_after_minor") or 0),
        coupon=line.plan.get("coupon", ""),
        coupon_every_term=line.plan.get("coupon_every_term", False),
        tier=LineTier.model_validate(line.plan["tier"]) if line.plan.get("tier") else None,
        end_customer=LineEndCustomer.model_validate(line.plan["end_customer"])
        if line.plan.get("end_customer")
        else None,
        margin_at_list=margin_at_list(line.plan, line.list_minor, line.discount_minor),
        contract_terms=int(line.plan.get("contract_terms") or 0),
        first_term_ends_at=first.ends_at if first is not None else None,
        untaxed=untaxed_of(line.plan),
        issuer_name=line.plan.get("issuer_name", ""),
        instalments=tuple(line.plan.get("instalments") or ()),
    )


_FROM_PLAN = ("title", "title_en", "plan_name", "plan_name_en")


_FROM_CREDIT = ("video_id", "placement_id", "live_session_id", "circle_id", "second_ms", "rule")


_COMPUTED = (
    *_FROM_PLAN,
    *_FROM_CREDIT,
    "trial_days",
    "trial_after_minor",
    "coupon",
    "coupon_every_term",
    "tier",
    "end_customer",
    "margin_at_list",
    "contract_terms",
    "first_term_ends_at",
    "untaxed",
    "issuer_name",
    "instalments",
)


_OF_LINE = [name for name in LineView.__slots__ if name not in _COMPUTED]


_OF_ORDER = [name for name in OrderView.__slots__ if name != "lines"]
