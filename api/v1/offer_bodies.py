"""What offers look like on the wire."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from msgspec import Meta
from pydantic import Field, StrictBool

from api.schema import MoneyOut, Out, StrictInt, Wire
from api.v1.plan_bodies import OwnPrice
from api.v1.price_out import PriceLineOut, price_lines_out
from kernel.errors import Invalid
from marketplace.catalog.plan_terms import MAX_CONTRACT_TERMS
from marketplace.pricing.words import LANGUAGES, price_in_words
from orders.offers.counter_offer import ProposedLine
from orders.offers.make_offer import MAX_LINES
from orders.offers.offered_price import OfferedPlan
from orders.offers.queries import ApprovalView, OfferLineView, OfferView

InstalmentsIn = Annotated[
    Annotated[StrictInt, Field(ge=1, le=60)] | None,
    Field(description="In how many equal parts a term is paid; null: as the plan says"),
]


class OfferedPlanIn(Wire):
    """A plan, how many of it, at which price: `unit_price`, `discount_ppm`, or a `price` of the seller's own figures."""

    plan_id: UUID
    quantity: Annotated[StrictInt, Field(ge=1, le=1_000_000)] = 1
    unit_price: Annotated[StrictInt, Field(ge=0)] | None = Field(
        default=None, description="Minor units of the plan's currency, for one unit and interval"
    )
    discount_ppm: Annotated[StrictInt, Field(ge=0, le=1_000_000)] | None = Field(
        default=None, description="Off every figure of the plan's price, in parts per million: 150000 is 15 %"
    )
    price: OwnPrice = None

    instalments: InstalmentsIn = None

    def plan(self) -> OfferedPlan:
        """As the command takes it."""
        return OfferedPlan(
            self.plan_id, self.quantity, self.unit_price, self.discount_ppm, self.price, self.instalments
        )


class OfferIn(Wire):
    """Either one plan (`plan_id`, `quantity`, its price) or several `lines`, bought together; and their last day."""

    plan_id: UUID | None = None
    quantity: Annotated[StrictInt, Field(ge=1, le=1_000_000)] = 1
    unit_price: Annotated[StrictInt, Field(ge=0)] | None = None
    discount_ppm: Annotated[StrictInt, Field(ge=0, le=1_000_000)] | None = None
    price: OwnPrice = None
    instalments: InstalmentsIn = None
    lines: Annotated[list[OfferedPlanIn], Field(max_length=MAX_LINES)] = Field(default_factory=list)
    valid_on: Annotated[date, Field(description="Where the seller keeps its calendar", examples=["2026-12-31"])]
    terms: Annotated[
        str, Field(max_length=4_000, description="Agreed on with this buyer, beside the plans' own terms")
    ] = ""
    takes_more: Annotated[
        StrictBool, Field(description="The quantities are the least: more seats may be taken at the same price")
    ] = False
    contract_terms: Annotated[
        Annotated[StrictInt, Field(ge=1, le=MAX_CONTRACT_TERMS)] | None,
        Field(description="After how many paid terms what recurs ends for good; null: as its plan says"),
    ] = None
    contract_ends_on: Annotated[
        date | None,
        Field(
            description="Or its last day, after a first term that is as much shorter and costs as much less, paid in one",
            examples=["2027-12-31"],
        ),
    ] = None

    def words(self) -> dict[str, Any]:
        """What is agreed on besides prices, by the command's names."""
        return {
            "terms": self.terms,
            "takes_more": self.takes_more,
            "contract_terms": self.contract_terms,
            "contract_ends_on": self.contract_ends_on,
        }

    def plans(self) -> tuple[OfferedPlan, ...]:
        """The plans whichever way they were given. Raises Invalid(`lines_required`)."""
        lines = tuple(line.plan() for line in self.lines)
        if self.plan_id is not None:
            first = OfferedPlan(
                self.plan_id, self.quantity, self.unit_price, self.discount_ppm, self.price, self.instalments
            )
            return (first, *lines)
        if not lines:
            raise Invalid("lines_required", field="plan_id")
        return lines


class PrivateOfferIn(OfferIn):
    """An offer of the seller's own accord: to the organization that it names, or in place of one that is open."""

    organization_id: Annotated[UUID | None, Field(description="As `GET /v1/organizations` finds it")] = None
    supersedes_id: Annotated[
        UUID | None, Field(description="An open private offer, whose buyer this one is for, too")
    ] = None


class TakenLineIn(Wire):
    """How many are taken of a line of the offer."""

    number: Annotated[StrictInt, Field(ge=1, le=MAX_LINES)]
    quantity: Annotated[StrictInt, Field(ge=1, le=1_000_000)]


class OfferQuoteIn(Wire):
    """Whom the invoice will name, which decides the tax; null for the default profile."""

    billing_profile_id: UUID | None = None
    quantities: Annotated[
        list[TakenLineIn],
        Field(max_length=MAX_LINES, description="Where the offer `takes_more`; of other lines as many as offered"),
    ] = Field(default_factory=list)
    coupon: Annotated[str, Field(max_length=32, description="A code of the seller's that goes with offers")] = ""


class DeclineIn(Wire):
    """Why it is declined, which the seller reads; null and no words without a reason."""

    reason: Annotated[
        Literal["price", "scope", "timing", "budget", "other_supplier", "other"] | None, Field(examples=["price"])
    ] = None
    text: Annotated[str, Field(max_length=1_000)] = ""


class ProposedLineIn(Wire):
    """What would be taken of a line of the offer, named by its number."""

    number: Annotated[StrictInt, Field(ge=1, le=MAX_LINES, examples=[1])]
    quantity: Annotated[StrictInt, Field(ge=1, le=1_000_000, examples=[20])]
    unit_price: Annotated[
        StrictInt,
        Field(
            ge=0,
            description="Minor units of the offer's currency, for one unit and interval; of a line with a `price` for its"
            " first term in all",
        ),
    ]


class CounterOfferIn(Wire):
    """The lines that shall be otherwise, what is not among them stays as offered; and what is said to it."""

    lines: Annotated[list[ProposedLineIn], Field(min_length=1, max_length=MAX_LINES)]
    text: Annotated[str, Field(max_length=1_000)] = ""

    def proposed(self) -> tuple[ProposedLine, ...]:
        """As the command takes it."""
        return tuple(ProposedLine(one.number, one.quantity, one.unit_price) for one in self.lines)


class CounterLineOut(Out):
    """What the buyer would take of a line of the offer."""

    number: int
    quantity: int
    unit_price: MoneyOut
    total: MoneyOut


class CounterOfferOut(Out):
    """What the buyer proposed in place of an offer: every line of it."""

    id: UUID
    lines: Sequence[CounterLineOut]
    text: str
    total: MoneyOut
    created_at: datetime


class OfferLineOut(Out):
    """A plan in an offer."""

    number: Annotated[int, Meta(description="Counts from 1")]
    listing_id: UUID
    plan_id: UUID
    title: str
    title_en: str
    plan_name: str
    plan_name_en: str
    pricing: str
    interval: str
    term_months: int
    price_unit: str
    tax_included: bool
    untaxed_price: Annotated[
        str, Meta(description="What a price that contains its tax is where none applies: `whole`, or its `net` part")
    ]
    quantity: int
    unit_price: Annotated[
        MoneyOut,
        Meta(description="For one unit and interval; of a line with a `price` for its first term in all, in advance"),
    ]
    list_price: Annotated[MoneyOut, Meta(description="The same at the plan's own price when it was offered")]
    total: Annotated[
        MoneyOut, Meta(description="Of the first term in advance, with the tax where the price contains it")
    ]
    instalments: Annotated[int, Meta(description="In how many equal parts a term is paid", examples=[1])]
    price: Annotated[
        dict[str, Any] | None,
        Meta(description="The seller's own, as a plan's `price`; null where the unit price says it"),
    ]
    price_in_words: Annotated[Sequence[str], Meta(description="What each component of `price` costs")]
    price_in_words_en: Sequence[str]
    price_lines: Annotated[Sequence[PriceLineOut], Meta(description="How the first term's total comes about")]

    @classmethod
    def of(cls, row: OfferLineView) -> OfferLineOut:
        """From the query's row."""
        own = row.own_price
        zh, en = ([], []) if own is None else (price_in_words(own, language) for language in LANGUAGES)
        lines = price_lines_out(row.price_lines, row.interval, row.currency)
        price = own.model_dump(mode="json") if own is not None else None
        return cls.of_row(row, price=price, price_in_words=zh, price_in_words_en=en, price_lines=lines)


class BelowFloorOut(Out):
    """A line below the floor of its product."""

    number: int
    floor_ppm: Annotated[int, Meta(description="The share of the list price below which approval was asked")]
    least_ppm: Annotated[
        int | None, Meta(description="The least share of the list price that anything in the line is paid for at")
    ]


class OfferApprovalOut(Out):
    """Why an offer waits, or waited, for its seller's approval, and what was decided; both null until then."""

    lines: Sequence[BelowFloorOut]
    decision: Annotated[str | None, Meta(examples=["approved"])]
    text: str
    decided_at: datetime | None


def approval_out(row: ApprovalView | None) -> OfferApprovalOut | None:
    """From the query's row."""
    if row is None:
        return None
    lines = [
        BelowFloorOut(number=number, floor_ppm=ppm, least_ppm=row.shares.get(number))
        for number, ppm in row.floors.items()
    ]
    return OfferApprovalOut.of_row(row, lines=lines)


class OfferOut(Out):
    """An offer of plans that are bought together. `is_expired`: past the day on which it could be accepted, and nothing was
    decided.
    """

    id: UUID
    lead_id: Annotated[UUID | None, Meta(description="The request that it answers; null of a private offer")]
    buyer_org_id: UUID
    buyer_name: str
    seller_org_id: UUID
    seller_name: str
    terms: str
    takes_more: Annotated[bool, Meta(description="The quantities are the least")]
    contract_terms: Annotated[
        int | None,
        Meta(description="After how many paid terms what recurs ends for good; null: as its plan says"),
    ]
    contract_ends_at: Annotated[
        datetime | None,
        Meta(description="Or when, after a first term that is as much shorter and costs as much less, paid in one"),
    ]
    state: Annotated[str, Meta(examples=["open"])]
    is_expired: bool
    lines: Sequence[OfferLineOut]
    total: Annotated[MoneyOut, Meta(description="Of the lines, with the tax where their prices contain it")]
    valid_until: datetime
    created_at: datetime
    order_id: UUID | None
    decline_reason: str | None
    decline_text: str
    is_drawn: Annotated[bool, Meta(description="Whether its PDF can be downloaded")]
    supersedes_id: Annotated[UUID | None, Meta(description="The offer on the request whose place it took")]
    counter_offers: Annotated[
        Sequence[CounterOfferOut],
        Meta(description="What its buyer proposed instead, the oldest first; the last counts"),
    ]
    approval: Annotated[
        OfferApprovalOut | None,
        Meta(description="For its seller alone; null where nobody was asked"),
    ]
    tier_offer_id: Annotated[
        UUID | None, Meta(description="For its seller alone: the offer to a tier by which its buyer got it")
    ]

    @classmethod
    def of(cls, row: OfferView) -> OfferOut:
        """From the query's row."""
        return cls.of_row(
            row,
            lines=[OfferLineOut.of(one) for one in row.lines],
            counter_offers=[
                CounterOfferOut.of_row(one, lines=[CounterLineOut.of_row(line) for line in one.lines])
                for one in row.counter_offers
            ],
            approval=approval_out(row.approval),
        )
