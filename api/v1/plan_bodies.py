"""A listing's plans, as they come in and go out."""

from __future__ import annotations

from typing import Annotated, Any, Literal
from uuid import UUID

from msgspec import Meta
from pydantic import Field, WrapValidator

from api.schema import CurrencyIn, MoneyOut, Out, StrictInt, Wire, refused_unless
from kernel.errors import Invalid
from marketplace.catalog.plan_price import plan_price
from marketplace.catalog.plan_terms import (
    CODE,
    KEY,
    MAX_CONTRACT_TERMS,
    MAX_FIGURE,
    MAX_LEAD_DAYS,
    MAX_PRICE_MINOR,
    MAX_TRIAL_DAYS,
    DraftPlan,
    Feature,
)
from marketplace.catalog.queries import PlanView
from marketplace.pricing.components import PlanPrice
from marketplace.pricing.shapes import parse_price
from marketplace.pricing.words import price_in_words

_BRIEF = ("pricing", "interval", "currency", "unit_price_minor")
"""Of a price of one figure."""


def _as_the_domain_reads_it(written: Any, _handler: object) -> PlanPrice:
    """The domain's refusal has a code and names the place: it is answered, not pydantic's."""
    return parse_price(written)


OwnPrice = Annotated[
    Annotated[PlanPrice, WrapValidator(_as_the_domain_reads_it)] | None,
    Field(
        description="Own figures for a plan whose `price` has several parts: its currency, interval, term and dimensions"
    ),
]
"""Of an offer: a price in place of a plan's."""


class FeatureIn(Wire):
    """Something a plan gives, with a figure where there is one."""

    key: Annotated[str, Field(max_length=60), refused_unless(KEY)]
    zh: Annotated[str, Field(max_length=120)]
    en: Annotated[str, Field(max_length=120)]
    value: Annotated[int, Field(strict=True, ge=0, le=MAX_FIGURE)] | None = None
    unit: Annotated[str, Field(max_length=40)] | None = None


class PlanIn(Wire):
    """A plan: with its `price` of any components, or in brief with `pricing`, `interval`, `currency` and `unit_price_minor`
    (minor units for a seat (per_seat) or the whole, for one interval, which is the term).
    """

    code: Annotated[str, Field(max_length=40), refused_unless(CODE)]
    name: Annotated[str, Field(max_length=60)]
    name_en: Annotated[str, Field(max_length=60)]
    pricing: Literal["per_seat", "flat", "one_off"] | None = None
    interval: Literal["month", "year", "none"] | None = None
    currency: CurrencyIn | None = None
    unit_price_minor: (
        Annotated[StrictInt, Field(json_schema_extra={"minimum": 0, "maximum": MAX_PRICE_MINOR})] | None
    ) = None
    price: Annotated[
        Annotated[PlanPrice, WrapValidator(_as_the_domain_reads_it)] | None,
        Field(description="What decides every amount; then the fields of the brief form are left out"),
    ] = None
    tax_included: bool = True
    untaxed_price: Literal["whole", "net"] = Field(
        default="whole",
        description="What a price that contains its tax is where none applies (export, reverse charge): `whole`, or its"
        " `net` part at the rate of a sale at home",
    )
    min_seats: Annotated[int, Field(strict=True, ge=1, le=1_000_000)] = 1
    max_seats: Annotated[int, Field(strict=True, ge=1, le=1_000_000)] = 1
    included_seats: Annotated[int, Field(strict=True, ge=0, le=1_000_000)] = 0
    trial_days: Annotated[
        StrictInt,
        Field(
            json_schema_extra={"minimum": 0, "maximum": MAX_TRIAL_DAYS},
            description="For how many days it is tried for nothing before it is paid for; of what recurs. 0: not at all",
        ),
    ] = 0
    trial_needs_method: bool = Field(
        default=False,
        description="True: a trial begins with a payment method and converts by itself. False: it ends unless it is bought",
    )
    renewal_lead_days: Annotated[
        StrictInt,
        Field(
            json_schema_extra={"minimum": 0, "maximum": MAX_LEAD_DAYS},
            description="How many days before a term begins it is charged; up to 15 for each month of a term. 0: the day before",
        ),
    ] = 0
    contract_terms: Annotated[
        StrictInt,
        Field(
            json_schema_extra={"minimum": 0, "maximum": MAX_CONTRACT_TERMS},
            description="After how many paid terms the contract ends for good; of what recurs. 0: it has no end of its own",
        ),
    ] = 0
    features: Annotated[list[FeatureIn], Field(default_factory=list, max_length=40)]
    connector_id: UUID | None = None
    deadline_s: Annotated[int, Field(strict=True, ge=1, le=7_776_000)] = 86_400

    def drafted(self) -> DraftPlan:
        """As the verb takes it."""
        plain = self.model_dump(exclude={"features", "price", *_BRIEF})
        brief = {name: getattr(self, name) for name in _BRIEF if getattr(self, name) is not None}
        if self.price is not None and brief:
            raise Invalid("price_given_twice", field="price")
        if self.price is None and len(brief) < len(_BRIEF):
            raise Invalid("price_missing", field="price")
        features = tuple(Feature(**feature.model_dump()) for feature in self.features)
        return DraftPlan(**plain, **brief, features=features, price=self.price)


class PlanOut(Out):
    """A plan; the price is for one `price_unit`."""

    id: UUID
    code: str
    name: str
    name_en: str
    pricing: str
    interval: str
    term_months: int
    price_unit: str
    unit_price: Annotated[MoneyOut, Meta(description="The headline: of one component all, of several the least")]
    price: Annotated[dict[str, Any], Meta(description="What decides every amount, as it is written in a plan")]
    price_text: Annotated[list[str], Meta(description="The same in words")]
    price_text_en: list[str]
    sold_by_seat: bool
    tax_included: bool
    untaxed_price: Annotated[
        str, Meta(description="What a price that contains its tax is where none applies: `whole`, or its `net` part")
    ]
    min_seats: int
    max_seats: int
    included_seats: int
    trial_days: int
    trial_needs_method: bool
    renewal_lead_days: int
    contract_terms: int
    features: list[dict[str, Any]]
    deadline_s: int
    state: str
    connector_id: UUID | None

    @classmethod
    def of(cls, plan: PlanView) -> PlanOut:
        """From the query's row."""
        price = plan_price(plan)
        return cls.of_row(
            plan,
            price=price.model_dump(mode="json"),
            price_text=price_in_words(price, "zh-CN"),
            price_text_en=price_in_words(price, "en"),
        )
