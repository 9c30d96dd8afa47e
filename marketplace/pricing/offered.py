"""A seller's own figures in place of a plan's price: what fits, what a discount leaves, how the two compare. Pure, exact."""

from __future__ import annotations

from fractions import Fraction

from kernel.errors import Invalid
from kernel.money import PPM, apply_ppm
from marketplace.pricing.components import (
    MAX_QUANTITY,
    MICRO,
    Commitment,
    Component,
    Flat,
    Metered,
    Milestones,
    OneOff,
    PerSeat,
    PlanPrice,
    SetupFee,
    Tier,
)
from marketplace.pricing.engine import GRAIN, check_seats, exact_usage, price_term
from marketplace.pricing.shapes import MAX_SEATS, headline

Compared = tuple[Fraction, Fraction]
"""The own amount, and the plan's for the same."""


def is_one_figure(price: PlanPrice) -> bool:
    """Whether a unit price says all of it, so that another unit price is all that an offer of it needs."""
    match price.components:
        case (Flat() | OneOff(),):
            pass
        case (PerSeat() as seats,) if len(seats.tiers) == 1 and not seats.tiers[0].flat_minor:
            pass
        case _:
            return False
    return headline(price).shape != "mixed" and price.intervals == 1


def discounted(price: PlanPrice, ppm: int) -> PlanPrice:
    """Every figure less this share, rounded once; included amounts, bounds and steps stay. A seat costs whole minor units."""
    components = tuple(_less(component, ppm) for component in price.components)
    changed = {"components": components, "rounding_off_minor": _off(price.rounding_off_minor, ppm)}
    return price.model_copy(update=changed)


def with_seat_floor(price: PlanPrice, seats: int) -> PlanPrice:
    """Sold from so many seats on, in the packs that it is sold in. Raises as `check_seats`."""
    check_seats(price, seats)
    changed = tuple(
        one.model_copy(update={"minimum": seats}) if isinstance(one, PerSeat) else one for one in price.components
    )
    return price.model_copy(update={"components": changed})


def require_fit(listed: PlanPrice, own: PlanPrice) -> None:
    """What is delivered, counted and renewed is the plan's: currency, interval, term, whether seats are counted, what is metered,
    which milestones there are. Their figures are the seller's.

    Raises: Invalid `offer_price_unfit`.
    """
    if _shape(listed) != _shape(own):
        raise Invalid("offer_price_unfit", field="price")


def compared(listed: PlanPrice, own: PlanPrice, seats: int) -> list[Compared]:
    """Both prices of whatever is paid for: the first term, each further one, and usage at each quantity at which either changes.

    Nothing is rounded but a term's amount. In between quantities the relation of two graduated prices is never below the lower
    of its ends.
    """
    plain = _sold_in_any_number(listed)
    found = [
        (
            Fraction(price_term(own, seats, occasion).amount_minor),
            Fraction(price_term(plain, seats, occasion).amount_minor),
        )
        for occasion in ("new", "renewal")
    ]
    rates = [Fraction(one.commitment.overage_ppm if one.commitment else PPM, PPM) for one in (own, listed)]
    for dimension, metered in own.metered.items():
        theirs = listed.metered[dimension]
        for quantity in sorted(_turns(metered) | _turns(theirs)):
            amounts = exact_usage(metered, quantity), exact_usage(theirs, quantity)
            found.append((amounts[0] * rates[0], amounts[1] * rates[1]))
    return found


def first_terms(listed: PlanPrice, own: PlanPrice, seats: int) -> tuple[int, int]:
    """What the first term costs in advance: at the own figures, and at the plan's. Raises as `price_term`."""
    plain = _sold_in_any_number(listed)
    return price_term(own, seats).amount_minor, price_term(plain, seats).amount_minor


def _less(component: Component, ppm: int) -> Component:
    match component:
        case OneOff() | SetupFee() | Flat() | Commitment():
            return component.model_copy(update={"amount_minor": _off(component.amount_minor, ppm)})
        case Milestones():
            steps = tuple(
                step.model_copy(update={"amount_minor": _off(step.amount_minor, ppm)}) for step in component.steps
            )
            return component.model_copy(update={"steps": steps})
        case PerSeat():
            tiers = tuple(_tier(one, _off(one.unit_micro // MICRO, ppm) * MICRO, ppm) for one in component.tiers)
            return component.model_copy(update={"tiers": tiers})
        case Metered():
            tiers = tuple(_tier(one, _off(one.unit_micro, ppm), ppm) for one in component.tiers)
            cap = None if component.cap_minor is None else _off(component.cap_minor, ppm)
            return component.model_copy(update={"tiers": tiers, "cap_minor": cap})


def _tier(tier: Tier, unit_micro: int, ppm: int) -> Tier:
    return tier.model_copy(update={"unit_micro": unit_micro, "flat_minor": _off(tier.flat_minor, ppm)})


def _off(amount: int, ppm: int) -> int:
    return amount - apply_ppm(amount, ppm)


def _shape(price: PlanPrice) -> tuple[object, ...]:
    steps = [step.code for step in price.milestones.steps] if price.milestones else []
    return price.currency, price.interval, price.term_months, price.seats is None, price.metered.keys(), steps


def _sold_in_any_number(price: PlanPrice) -> PlanPrice:
    """The same figures for a number of seats that the plan itself may not be sold in."""
    every = {"minimum": 1, "step": 1, "maximum": MAX_SEATS}
    changed = tuple(one.model_copy(update=every) if isinstance(one, PerSeat) else one for one in price.components)
    return price.model_copy(update={"components": changed})


def _turns(metered: Metered) -> set[Fraction]:
    """Where its price changes: at each bound and just beyond, and far out."""
    bounds = {metered.included, *(metered.included + one.up_to for one in metered.tiers if one.up_to is not None)}
    return {Fraction(one) for one in bounds} | {one + GRAIN for one in bounds} | {Fraction(MAX_QUANTITY)}
