"""Priced lines: what a quote shows and an order keeps. Pure."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, field_validator

from marketplace.pricing.engine import PriceLine
from marketplace.pricing.shapes import is_by_seat
from orders.order.line_end_customer import LineEndCustomer
from orders.order.line_tier import LineTier
from orders.order.span import FirstTerm
from orders.order.untaxed import UntaxedPrice

_CODE = re.compile(r"[A-Za-z0-9_-]{1,64}")


class Context(BaseModel):
    """Where the buyer stood when asking: the video and card or the live session, the millisecond, the link that led there."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    video_id: UUID | None = None
    placement_id: UUID | None = None
    second_ms: int | None = None
    share: str | None = None
    live_session_id: UUID | None = None
    circle_id: UUID | None = None
    """The circle through which its member buys."""

    @field_validator("share")
    @classmethod
    def _only_codes(cls, share: str | None) -> str | None:
        """What cannot be a link's code leads to nobody."""
        return share if share is not None and _CODE.fullmatch(share) else None


class InvoiceParty(BaseModel):
    """Whom the invoice will name. Country and tax identifier of this party, and of nobody else, decide the tax; where it has
    no identifier, `registered_in` (the country of the buying organization) has to agree with a country abroad.

    Without a profile it is the organization itself, which has none yet.
    """

    model_config = ConfigDict(frozen=True)

    billing_profile_id: UUID | None
    legal_name: str
    country: str
    tax_id: str | None
    registered_in: str | None = None

    def is_taxed_like(self, other: InvoiceParty) -> bool:
        """Whether no tax can differ between the two."""
        return (self.country, self.tax_id, self.registered_in) == (other.country, other.tax_id, other.registered_in)


class QuotedClaim(BaseModel):
    """Something the video promised about the plan, and whether the published plan keeps it.

    The value is as in `marketplace.placements.models.Claim`: minor units of `currency` for one `unit` of a price.
    """

    model_config = ConfigDict(frozen=True)

    second_ms: int
    kind: str
    value_int: int | None
    value_text: str | None
    currency: str | None
    unit: str | None
    text: str
    text_en: str
    ok: bool


class InstalmentPart(BaseModel):
    """What one instalment of a term costs, and how many months after the term began it is due; the first at once."""

    model_config = ConfigDict(frozen=True)

    number: int
    after_months: int
    list_minor: int
    discount_minor: int
    net_minor: int
    tax_minor: int
    gross_minor: int


class PricedLine(BaseModel):
    """One plan at one quantity, every amount broken down; amounts in minor units of `currency`."""

    model_config = ConfigDict(frozen=True)

    seller_org_id: UUID
    seller_name: str
    seller_time_zone: str = "UTC"
    """Where the seller keeps its calendar: the order's number names that day, as the invoice does."""
    listing_id: UUID
    listing_version_id: UUID
    plan_id: UUID
    title: str
    title_en: str
    plan_code: str
    plan_name: str
    plan_name_en: str
    features: list[Any]
    pricing: str
    interval: str
    term_months: int
    quantity: int
    currency: str
    unit_price_minor: int
    price: dict[str, Any] | None = None
    """What decides its amounts (`marketplace.pricing.components.PlanPrice`) where that is more than one figure."""
    price_lines: list[PriceLine] = []
    """Then, how its list price came about. They add up to it."""
    taxed_as: str
    """The listing's tax category: `service` or `software`."""
    list_minor: int
    discount_minor: int
    net_minor: int
    tax_rate_ppm: int
    tax_category: str
    tax_reason: str
    tax_included: bool
    untaxed_price: str = "whole"
    """What a price that contains its tax is where none applies: `whole`, or its `net` part."""
    selling_model: str = "agency"
    """Who sells it to the buyer: its seller, or (`reseller`) the platform, which then is named as the issuer of the invoice."""
    issuer_name: str = ""
    """Of a reseller line, the platform's registered name."""
    supply_tax_rate_ppm: int | None = None
    """Of a reseller line, the tax inside what its seller gets of it from the platform."""
    supply_tax_category: str | None = None
    home_rate_ppm: int = 0
    """Where none was charged: the rate at home that the price contains; of a `net` one list and discount still do."""
    tax_minor: int
    gross_minor: int
    kind: str
    """`saas` or `service`: the category whose share terms apply."""
    category: str = ""
    """The listing's place in the catalogue, by which an organization may hold its purchases to a rule."""
    connector_id: UUID | None
    deadline_s: int
    refund_window_days: int
    data_kept_days: int = 30
    renewal_lead_days: int = 0
    """How many days before a further term begins it is charged; 0: the day before."""
    contract_terms: int = 0
    """After how many paid terms it ends for good; 0: never by itself."""
    offered: bool = False
    """Whether its price is one that the seller offered to this buyer."""
    tier: LineTier | None = None
    """Of a line at a partner's price, whose that is."""
    end_customer: LineEndCustomer | None = None
    """For whom a dealer orders it."""
    claims: list[QuotedClaim]
    trial: TrialTerms | None = None
    """Of a line that begins a trial, for which nothing is paid: how long, and what follows."""
    first_term: FirstTerm | None = None
    """Of a line whose first term ends together with another subscription; None where it is a whole one."""
    live_session_id: UUID | None = None
    """In whose room it was priced: what it sells at a live price, it does there alone."""
    circle_id: UUID | None = None
    """Through which circle it was priced."""
    coupon_id: UUID | None = None
    """What `discount_minor` is by."""
    coupon: str = ""
    """Its code, or a promotion's name."""
    coupon_ppm: int | None = None
    """The share that it takes off; None of one over an amount."""
    coupon_every_term: bool = False
    """Whether it comes off renewals, too; else off the first term alone."""
    coupon_until: datetime | None = None
    """Until when it could be bought with; a quote that was given holds beyond it."""
    instalments: list[InstalmentPart] = []
    """Of a term that is paid in several, all of them: the line's own amounts are then those of the first one."""

    @property
    def whole(self) -> PricedLine:
        """What it costs in the end: of a trial, what follows it."""
        return self if self.trial is None else self.trial.after

    @property
    def agreed(self) -> PricedLine:
        """What whoever buys it agrees to pay: of a trial, what it converts to by itself."""
        return self.trial.after if self.trial is not None and self.trial.converts else self

    @property
    def order_key(self) -> tuple[UUID, str, UUID | None]:
        """Lines of one key are one order: of one seller, invoiced by one party, for one end customer or for none."""
        return self.seller_org_id, self.selling_model, self.end_customer.org_id if self.end_customer else None

    @property
    def untaxed(self) -> UntaxedPrice:
        """What became of the tax that its price contains, where none is charged."""
        return UntaxedPrice(self.home_rate_ppm, self.untaxed_price == "net")

    @property
    def sold_by_seat(self) -> bool:
        """Whether the quantity is a number of seats."""
        return is_by_seat(self.pricing, self.price)

    @property
    def lifetime_minor(self) -> int:
        """What the buyer commits to in all: one term for a subscription, the whole for a one-off."""
        return sum(part.gross_minor for part in self.instalments) or self.gross_minor

    @property
    def lifetime_discount_minor(self) -> int:
        """Of it, what was taken off."""
        return sum(part.discount_minor for part in self.instalments) if self.instalments else self.discount_minor


class TrialTerms(BaseModel):
    """A trial of so many days. Then the line `after` is paid for: by itself where it `converts`, else where it is bought."""

    model_config = ConfigDict(frozen=True)

    days: int
    converts: bool
    after: PricedLine


PricedLine.model_rebuild()


def totals(lines: list[PricedLine]) -> tuple[int, int, int]:
    """Net, tax and gross of a set of lines: sums of the lines, never recomputed from their total."""
    return (
        sum(line.net_minor for line in lines),
        sum(line.tax_minor for line in lines),
        sum(line.gross_minor for line in lines),
    )


def coupons_of(orders: list[list[PricedLine]]) -> list[dict[UUID, int]]:
    """What coupons take off each order of lines, by coupon."""
    found: list[dict[UUID, int]] = []
    for lines in orders:
        taken: dict[UUID, int] = {}
        for line in lines:
            if line.coupon_id is not None:
                taken[line.coupon_id] = taken.get(line.coupon_id, 0) + line.lifetime_discount_minor
        found.append(taken)
    return found


def by_order(lines: list[PricedLine]) -> list[list[PricedLine]]:
    """The lines split into one group per seller, issuer of its invoice and end customer, in order of first appearance: each is an
    order.
    """
    groups: dict[tuple[UUID, str, UUID | None], list[PricedLine]] = {}
    for line in lines:
        groups.setdefault(line.order_key, []).append(line)
    return list(groups.values())
