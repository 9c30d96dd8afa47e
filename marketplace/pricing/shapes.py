"""A plan's price in brief: the one figure that cards show and claims are held against; and prices that are written in brief."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import ValidationError

from kernel.errors import Invalid
from kernel.money import half_up
from marketplace.pricing.components import (
    MICRO,
    MONTHS_OF,
    Component,
    Flat,
    Milestones,
    OneOff,
    PerSeat,
    PlanPrice,
    Tier,
)
from marketplace.pricing.engine import price_term

Shape = Literal["per_seat", "flat", "one_off", "usage", "mixed"]
MAX_SEATS = 1_000_000
SHAPES: tuple[Shape, ...] = ("per_seat", "flat", "one_off", "usage", "mixed")


@dataclass(frozen=True, slots=True)
class Headline:
    """A price in brief.

    `unit_price_minor` is for one interval: of a seat (`per_seat`), of the whole (`flat`), once (`one_off`), the least that the
    smallest purchase pays in advance (`mixed`); nothing for `usage`, which is paid for afterwards.
    """

    shape: Shape
    unit_price_minor: int
    min_seats: int
    max_seats: int
    included_seats: int
    """What the smallest purchase contains."""


def is_by_seat(shape: str, price: Mapping[str, Any] | None) -> bool:
    """Whether a quantity of it is a number of seats. `price`: as it is stored, where there is more than its headline."""
    return shape == "per_seat" or any(
        component["kind"] == "per_seat" for component in (price or {}).get("components", ())
    )


def nearest_sold(price: PlanPrice, wanted: int) -> int:
    """The number of seats nearest above the one that is wanted in which it is sold."""
    seats = price.seats
    if seats is None:
        return 1
    above = -(-max(wanted - seats.minimum, 0) // seats.step) * seats.step + seats.minimum
    most = (seats.maximum - seats.minimum) // seats.step * seats.step + seats.minimum
    return min(above, most)


def simple_price(
    shape: str, interval: str, currency: str, unit_price_minor: int, min_seats: int = 1, max_seats: int = 1
) -> PlanPrice:
    """A price of one component: `per_seat`, `flat` or `one_off`. A term is one interval.

    Raises:
        Invalid: `interval_unfit`.
    """
    component: Component
    match shape:
        case "per_seat":
            tier = Tier(up_to=None, unit_micro=unit_price_minor * MICRO)
            component = PerSeat(kind="per_seat", minimum=min_seats, maximum=max_seats, tiers=(tier,))
        case "flat":
            component = Flat(kind="flat", amount_minor=unit_price_minor)
        case _:
            component = OneOff(kind="one_off", amount_minor=unit_price_minor)
    try:
        return PlanPrice(
            currency=currency,
            interval=interval,  # type: ignore[arg-type]  # checked by the model
            term_months=MONTHS_OF.get(interval, 0),
            components=(component,),
        )
    except ValidationError as error:
        raise Invalid("interval_unfit", field="interval") from error


def parse_price(written: Mapping[str, Any]) -> PlanPrice:
    """A price as a seller writes it, checked.

    Raises:
        Invalid: `price_invalid`, `price_code_invalid`, `interval_unfit`, `component_twice`, `instalments_unfit`,
            `price_name_invalid`,
            `commitment_without_usage`, `tiers_out_of_order`, `seats_invalid`, `milestone_named_twice`; their field is the
            place in it: price.components.0.per_seat.
    """
    try:
        price = PlanPrice.model_validate(written)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        said = str(first.get("ctx", {}).get("error", ""))
        place = ".".join(("price", *(str(part) for part in first["loc"])))
        raise Invalid(said if said in SAID else _refused_at(first), field=place) from error
    for number, component in enumerate(price.components):
        for index, tier in enumerate(component.tiers if isinstance(component, PerSeat) else ()):
            if tier.unit_micro % MICRO:
                raise Invalid("price_invalid", field=f"price.components.{number}.per_seat.tiers.{index}.unit_micro")
    return price


def _refused_at(error: Mapping[str, Any]) -> str:
    """Which code says what is wrong in one place."""
    if error["type"] == "missing" or not error["loc"]:
        return "price_invalid"
    return next((code for code, names in _REFUSED_AT.items() if error["loc"][-1] in names), "price_invalid")


_REFUSED_AT = {
    "price_code_invalid": ("dimension", "code"),
    "price_name_invalid": ("name", "name_en", "unit", "unit_en"),
}


SAID = frozenset(
    {
        "interval_unfit",
        "component_twice",
        "instalments_unfit",
        "commitment_without_usage",
        "tiers_out_of_order",
        "seats_invalid",
        "milestone_named_twice",
    }
)
"""What `PlanPrice` refuses by a name of its own."""


def headline(price: PlanPrice) -> Headline:
    """The price in brief."""
    seats = price.seats
    low, high = (seats.minimum, seats.maximum) if seats else (1, 1)
    shape, unit_price_minor = _brief(price, low)
    included = max(seats.included, seats.minimum) if seats else 0
    return Headline(shape, unit_price_minor, low, high, included)


def _brief(price: PlanPrice, low: int) -> tuple[Shape, int]:
    kinds = {component.kind for component in price.components}
    alone = price.components[0] if len(price.components) == 1 and not price.rounding_off_minor else None
    match alone:
        case PerSeat() if alone.included == 0:
            return "per_seat", half_up(alone.tiers[0].unit_micro, MICRO)
        case Flat() | OneOff():
            return ("flat" if isinstance(alone, Flat) else "one_off"), alone.amount_minor
        case Milestones():
            return "one_off", sum(step.amount_minor for step in alone.steps)
    if not kinds:
        return ("one_off" if price.interval == "none" else "flat"), 0
    if kinds <= {"metered"}:
        return "usage", 0
    if price.interval == "none":
        return "one_off", price_term(price, low).amount_minor
    term = price_term(price, low, "renewal").amount_minor
    return "mixed", half_up(term, price.intervals)


def at_unit_price(price: PlanPrice, unit_price_minor: int) -> PlanPrice:
    """A price of one component at another figure: what an offer is made of.

    Raises:
        Invalid: `offer_price` where it has several components or tiers: such a price is offered at a discount.
    """
    brief = headline(price)
    if brief.shape in ("usage", "mixed") or price.intervals != 1 or len(price.components) != 1:
        raise Invalid("offer_price", field="unit_price")
    component = price.components[0]
    match component:
        case PerSeat():
            tiers = (Tier(up_to=None, unit_micro=unit_price_minor * MICRO),)
            changed: Component = component.model_copy(
                update={"tiers": tiers, "minimum": 1, "step": 1, "maximum": MAX_SEATS}
            )
        case Flat() | OneOff():
            changed = component.model_copy(update={"amount_minor": unit_price_minor})
        case _:
            raise Invalid("offer_price", field="unit_price")
    return price.model_copy(update={"components": (changed,)})
