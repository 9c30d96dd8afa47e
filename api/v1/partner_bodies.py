"""What partners, tiers and their prices look like on the wire."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from msgspec import Meta
from pydantic import Field

from api.schema import MoneyOut, Out, ShortText, StrictInt, Wire
from api.v1.plan_bodies import OwnPrice
from kernel.money import Money
from marketplace.pricing.shapes import MAX_SEATS
from marketplace.relations.partner_queries import PartnerRow, TierPriceRow
from marketplace.relations.save_tier import LOWEST_RANK, MOST_STEP, SetTierPrice
from marketplace.relations.territories import MOST_LISTINGS, MOST_REGIONS, SetTerritory
from marketplace.relations.tier_prices import ShownPrice

Rank = Annotated[StrictInt, Field(ge=1, le=LOWEST_RANK, description="Its place among the tiers; 1 is the highest")]
TierName = Annotated[str, Field(max_length=40)]


class PartnerTierIn(Wire):
    """A new tier. Letters of its code are kept as capitals; the code never changes."""

    code: Annotated[str, Field(min_length=1, max_length=32, examples=["GOLD"])]
    name: TierName
    name_en: TierName = ""
    rank: Rank = 1


class PartnerTierNamesIn(Wire):
    """What may be changed of a tier. Orders keep the names they were bought at."""

    name: TierName
    name_en: TierName = ""
    rank: Rank = 1


class PartnerTierOut(Out):
    """A tier of a seller."""

    id: UUID
    code: str
    name: str
    name_en: str
    rank: Annotated[int | None, Meta(description="1 is the highest; null to partners")]


class TierPriceIn(Wire):
    """What a plan costs in the tier: `discount_ppm`, `unit_price` (minor units of its currency), or a `price` of own figures.

    Without a `plan_code` every plan of the listing that has no price of its own in the tier, by `discount_ppm`.
    """

    listing_id: UUID
    plan_code: ShortText | None = None
    discount_ppm: Annotated[StrictInt, Field(ge=1, le=1_000_000)] | None = Field(
        default=None, description="Off every figure of the plan's price, in parts per million: 150000 is 15 %"
    )
    unit_price: Annotated[StrictInt, Field(ge=0)] | None = None
    price: OwnPrice = None
    min_quantity: Annotated[StrictInt, Field(ge=1, le=MAX_SEATS)] = Field(
        default=1, description="From how many seats on partners order at it"
    )
    quantity_step: Annotated[StrictInt, Field(ge=1, le=MOST_STEP)] = Field(
        default=1, description="In what steps from there on; renewals of what was bought stay as they are"
    )

    def command(self, tier_id: UUID) -> SetTierPrice:
        """As the command takes it."""
        return SetTierPrice(
            tier_id,
            self.listing_id,
            self.plan_code,
            self.discount_ppm,
            self.unit_price,
            self.price,
            self.min_quantity,
            self.quantity_step,
        )


class TierPriceOut(Out):
    """A price of a tier that stands in its list."""

    id: UUID
    tier_id: UUID
    listing_id: UUID
    plan_code: str | None
    discount_ppm: int | None
    unit_price: MoneyOut | None
    price: Annotated[dict[str, Any] | None, Meta(description="Own figures, as a plan's `price`")]
    created_at: datetime
    on_sale: Annotated[bool, Meta(description="Whether something that it is for is on sale")]
    in_force: Annotated[
        bool,
        Meta(description="Whether partners buy at it; else the plan's own price is lower by now, or made otherwise"),
    ]
    list_unit_price: Annotated[
        MoneyOut | None, Meta(description="Of one plan with a unit price: what a unit costs everybody else")
    ]
    min_quantity: Annotated[int, Meta(description="From how many seats on partners order at it")]
    quantity_step: Annotated[int, Meta(description="In what steps from there on")]

    @classmethod
    def of(cls, row: TierPriceRow) -> TierPriceOut:
        """From the query's row."""
        unit = None
        if row.unit_price_minor is not None and row.currency is not None:
            unit = MoneyOut.of_money(Money(row.unit_price_minor, row.currency))
        listed = None
        if row.list_unit_minor is not None and row.list_currency is not None:
            listed = MoneyOut.of_money(Money(row.list_unit_minor, row.list_currency))
        return cls.of_row(row, unit_price=unit, list_unit_price=listed)


Region = Annotated[
    str,
    Field(
        min_length=2, max_length=6, examples=["CN-GD"], description="ISO 3166-1, or ISO 3166-2 of a province of China"
    ),
]


class TerritoryIn(Wire):
    """Where a partner may order for customers; `is_exclusive`: and no other partner may."""

    regions: Annotated[list[Region], Field(min_length=1, max_length=MOST_REGIONS)]
    is_exclusive: bool = False
    listing_ids: Annotated[list[UUID], Field(max_length=MOST_LISTINGS)] = Field(
        default=[], description="Of an exclusive one, what no other partner may order there; empty: anything"
    )

    def command(self, link_id: UUID) -> SetTerritory:
        """As the command takes it."""
        return SetTerritory(link_id, tuple(self.regions), self.is_exclusive, tuple(self.listing_ids))


class TerritoryOut(Out):
    """Where a partner may order for customers."""

    regions: Annotated[list[str], Meta(description="ISO 3166-1, or ISO 3166-2 of a province of China")]
    is_exclusive: Annotated[bool, Meta(description="Whether no other partner may order for customers there")]
    listing_ids: Annotated[list[UUID], Meta(description="Of an exclusive one, what is meant; empty: everything")]
    created_at: datetime


class PartnerOut(Out):
    """A link between a seller and its partner. `tier`: null while the seller has still to choose one."""

    id: UUID
    seller_org_id: UUID
    seller_name: str
    buyer_org_id: UUID
    buyer_name: str
    state: Annotated[str, Meta(description="`asked`, `accepted`, `declined`, `withdrawn` or `ended`")]
    by_seller: Annotated[bool, Meta(description="Whether the seller asked")]
    may_answer: Annotated[bool, Meta(description="Whether it waits for your organization")]
    tier: PartnerTierOut | None
    created_at: datetime
    accepted_at: datetime | None
    ended_at: datetime | None
    territory: Annotated[TerritoryOut | None, Meta(description="Null: it orders for customers everywhere")]

    @classmethod
    def of(cls, row: PartnerRow) -> PartnerOut:
        """From the query's row."""
        return cls.of_row(
            row,
            tier=PartnerTierOut.of_row(row.tier) if row.tier is not None else None,
            territory=TerritoryOut.of_row(row.territory) if row.territory is not None else None,
        )


class PartnerPriceOut(Out):
    """What your organization pays for a plan as a partner, and what others do."""

    plan_id: UUID
    plan_code: str
    tier_code: str
    tier_name: str
    tier_name_en: str
    unit_price: Annotated[MoneyOut, Meta(description="For one unit and interval")]
    list_unit_price: MoneyOut
    amount: Annotated[MoneyOut, Meta(description="Of a first term of the fewest seats you may order")]
    list_amount: MoneyOut
    price: Annotated[dict[str, Any], Meta(description="Every figure, as a plan's `price`")]
    min_quantity: Annotated[int, Meta(description="The fewest seats you may order; 1 of what is bought once")]
    quantity_step: Annotated[int, Meta(description="In what steps from there on")]

    @classmethod
    def of(cls, one: ShownPrice) -> PartnerPriceOut:
        """From the query's row."""
        money = {
            "unit_price": one.unit_price_minor,
            "list_unit_price": one.list_unit_price_minor,
            "amount": one.amount_minor,
            "list_amount": one.list_minor,
        }
        figures: dict[str, Any] = {name: MoneyOut.of_money(Money(minor, one.currency)) for name, minor in money.items()}
        return cls.of_row(one, **figures, price=one.price.model_dump(mode="json"))


class AskPartnerIn(Wire):
    """The seller whose partner one would be."""

    organization_id: Annotated[UUID, Field(description="As `GET /v1/organizations` finds it")]


class InvitePartnerIn(AskPartnerIn):
    """Whom the seller asks, and into which of its tiers."""

    tier_id: UUID


class AcceptPartnerIn(Wire):
    """A seller that was asked says in which tier; whoever was asked by a seller says nothing more."""

    tier_id: UUID | None = None


class TierChoiceIn(Wire):
    """One of the seller's tiers."""

    tier_id: UUID
