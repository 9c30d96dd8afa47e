"""From a price and a quantity to amounts, explained line by line. Pure, exact; each line is rounded once, half up.

Every amount is minor units of the price's currency. Tax is decided elsewhere, on these amounts.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction
from typing import Literal

from pydantic import BaseModel, ConfigDict

from kernel.errors import Invalid
from kernel.money import PPM, allocate, half_up
from marketplace.pricing.components import (
    MICRO,
    Commitment,
    Flat,
    Metered,
    Milestones,
    OneOff,
    PerSeat,
    PlanPrice,
    SetupFee,
    Tier,
)

Occasion = Literal["new", "renewal"]
Units = int | Decimal | Fraction
PLACES = 6
"""Digits of a usage quantity after the point."""
GRAIN = Fraction(1, 10**PLACES)


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True)


class Bracket(_Frozen):
    """The part of a line's quantity that one tier priced. The parts' amounts add up to the line's."""

    above: int
    up_to: int | None
    quantity: str
    unit_micro: int
    flat_minor: int
    amount_minor: int


class PriceLine(_Frozen):
    """One component's amount: brackets x `times` - `rounding_off_minor`, or a plain amount."""

    kind: str
    code: str = ""
    """The dimension or the milestone."""
    name: str = ""
    name_en: str = ""
    """What readers call it, where it has a name."""
    quantity: str = "1"
    """What was counted: seats, units. An exact decimal number."""
    charged: str = "1"
    """Of it what is paid for: after included units, or counted as a larger quantity that costs less."""
    times: int = 1
    """Intervals of the term."""
    brackets: tuple[Bracket, ...] = ()
    rounding_off_minor: int = 0
    cap_minor: int | None = None
    """Set where the cap decided the amount."""
    amount_minor: int


class Priced(_Frozen):
    """A term's, or an interval's, lines and their sum."""

    currency: str
    lines: tuple[PriceLine, ...]
    amount_minor: int


def price_term(price: PlanPrice, seats: int = 1, occasion: Occasion = "new") -> Priced:
    """What one term costs in advance: everything but usage. One-off components and setup fees are asked for once.

    Raises:
        Invalid: `quantity_out_of_range`, `quantity_step`: the plan is not sold in such a number.
    """
    check_seats(price, seats)
    lines: list[PriceLine] = []
    for component in price.components:
        match component:
            case OneOff() | SetupFee():
                if occasion == "new":
                    lines.append(PriceLine(kind=component.kind, amount_minor=component.amount_minor))
            case Flat() | Commitment():
                whole = component.amount_minor * price.intervals
                lines.append(PriceLine(kind=component.kind, times=price.intervals, amount_minor=whole))
            case PerSeat():
                lines.append(_seats_line(component, seats, price.intervals))
            case Milestones() if occasion == "new":
                lines.extend(
                    PriceLine(
                        kind=component.kind,
                        code=step.code,
                        name=step.name,
                        name_en=step.name_en,
                        amount_minor=step.amount_minor,
                    )
                    for step in component.steps
                )
            case _:
                pass
    return _sum(price, _rounded_off(lines, price.rounding_off_minor))


def price_usage(price: PlanPrice, usage: Mapping[str, Units]) -> Priced:
    """What one interval's usage costs afterwards: each dimension rated, and of all of them what exceeds the commitment.

    Raises:
        Invalid: `dimension_unknown`, `quantity_negative`, `quantity_too_fine` (more than six digits after the point).
    """
    metered = price.metered
    if unknown := sorted(set(usage) - set(metered)):
        raise Invalid("dimension_unknown", field="dimension", dimension=unknown[0])
    lines = [rate(metered[dimension], usage[dimension]) for dimension in sorted(usage)]
    commitment = price.commitment
    if commitment is not None:
        used = sum(line.amount_minor for line in lines)
        beyond = max(0, used - commitment.amount_minor)
        lines.append(
            PriceLine(
                kind="drawn",
                quantity=str(used),
                charged=str(beyond),
                amount_minor=half_up(beyond * commitment.overage_ppm, PPM) - used,
            )
        )
    return _sum(price, lines)


def rate(metered: Metered, quantity: Units) -> PriceLine:
    """What one interval's usage of one dimension costs. Raises as `price_usage`."""
    exact = Fraction(quantity)
    if exact < 0:
        raise Invalid("quantity_negative", field="quantity")
    if (exact * 10**PLACES).denominator != 1:
        raise Invalid("quantity_too_fine", field="quantity", digits=PLACES)
    charged, brackets = _tiered(metered, max(Fraction(0), exact - metered.included), GRAIN)
    amount = sum(bracket.amount_minor for bracket in brackets)
    capped = metered.cap_minor if metered.cap_minor is not None and amount > metered.cap_minor else None
    return PriceLine(
        kind=metered.kind,
        code=metered.dimension,
        name=metered.name,
        name_en=metered.name_en,
        quantity=decimal_text(exact),
        charged=decimal_text(charged),
        brackets=brackets,
        cap_minor=capped,
        amount_minor=amount if capped is None else capped,
    )


def exact_usage(metered: Metered, quantity: Fraction) -> Fraction:
    """The same before any rounding, at most its cap."""
    amount = _cost(_charged(metered, max(Fraction(0), quantity - metered.included), GRAIN)[1])
    return amount if metered.cap_minor is None else min(amount, Fraction(metered.cap_minor))


def instalments(price: PlanPrice, amount_minor: int) -> list[int]:
    """The parts in which a term is paid, equal but for the odd minor units, which the earlier parts carry."""
    return allocate(amount_minor, [1] * price.instalments)


def check_seats(price: PlanPrice, seats: int) -> None:
    """Refuse a number of seats that the plan is not sold in. Raises as `price_term`."""
    per_seat = price.seats
    least, most = (per_seat.minimum, per_seat.maximum) if per_seat else (1, 1)
    if not least <= seats <= most:
        raise Invalid("quantity_out_of_range", field="quantity", least=least, most=most)
    if per_seat and not per_seat.is_sold(seats):
        raise Invalid("quantity_step", field="quantity", least=least, step=per_seat.step)


def decimal_text(exact: Fraction) -> str:
    """A quantity as people write it. At most six digits after the point, none that say nothing."""
    scaled = half_up(exact.numerator * 10**PLACES, exact.denominator)
    return f"{Decimal(scaled).scaleb(-PLACES).normalize():f}"


def _seats_line(per_seat: PerSeat, seats: int, times: int) -> PriceLine:
    most = per_seat.maximum - per_seat.included
    charged, brackets = _tiered(per_seat, Fraction(max(0, seats - per_seat.included)), Fraction(1), times, most)
    return PriceLine(
        kind=per_seat.kind,
        quantity=str(seats),
        charged=decimal_text(charged),
        times=times,
        brackets=brackets,
        amount_minor=sum(bracket.amount_minor for bracket in brackets),
    )


def _tiered(
    priced: PerSeat | Metered, quantity: Fraction, grain: Fraction, times: int = 1, most: int | None = None
) -> tuple[Fraction, tuple[Bracket, ...]]:
    """How many units are paid for, and the brackets whose amounts add up to the line's, rounded once. As `_charged`."""
    charged, slices = _charged(priced, quantity, grain, most)
    return charged, _brackets(slices, times)


def _charged(
    priced: PerSeat | Metered, quantity: Fraction, grain: Fraction, most: int | None = None
) -> tuple[Fraction, list[_Slice]]:
    """How many units are paid for, and at which tiers.

    By volume nobody pays more than a larger quantity costs: who needs 95 where a hundred are cheaper pays for a hundred.
    `grain` is the smallest quantity there is, `most` the largest that is sold.
    """
    tiers = priced.tiers
    if priced.mode == "graduated" or quantity == 0:
        return quantity, _slices(tiers, quantity)
    starts = [tier.up_to + grain for tier in tiers if tier.up_to is not None]
    larger = [start for start in starts if start > quantity and (most is None or start <= most)]
    best = min((quantity, *larger), key=lambda units: _cost([_slice_of(tiers, units)]))
    return best, [_slice_of(tiers, best)]


_Slice = tuple[int, Fraction, Tier]
"""From above which unit, how many, at which tier."""


def _slices(tiers: tuple[Tier, ...], quantity: Fraction) -> list[_Slice]:
    found: list[_Slice] = []
    above = 0
    for tier in tiers:
        if quantity <= above:
            break
        upper = quantity if tier.up_to is None else min(quantity, Fraction(tier.up_to))
        found.append((above, upper - above, tier))
        above = tier.up_to or above
    return found


def _slice_of(tiers: tuple[Tier, ...], quantity: Fraction) -> _Slice:
    above = 0
    for tier in tiers:
        if tier.up_to is None or quantity <= tier.up_to:
            return above, quantity, tier
        above = tier.up_to
    raise AssertionError


def _cost(slices: list[_Slice]) -> Fraction:
    """The exact amount for one interval."""
    return sum((units * tier.unit_micro / MICRO + tier.flat_minor for _, units, tier in slices), Fraction(0))


def _brackets(slices: list[_Slice], times: int) -> tuple[Bracket, ...]:
    found: list[Bracket] = []
    before = 0
    for index, (above, units, tier) in enumerate(slices, 1):
        until = _rounded(_cost(slices[:index]) * times)
        found.append(
            Bracket(
                above=above,
                up_to=tier.up_to,
                quantity=decimal_text(units),
                unit_micro=tier.unit_micro,
                flat_minor=tier.flat_minor,
                amount_minor=until - before,
            )
        )
        before = until
    return tuple(found)


def _rounded(amount: Fraction) -> int:
    return half_up(amount.numerator, amount.denominator)


def _rounded_off(lines: list[PriceLine], rounding_off_minor: int) -> list[PriceLine]:
    """Take the rounding off from the recurring lines, never below zero."""
    left = rounding_off_minor
    found: list[PriceLine] = []
    for line in lines:
        off = min(left, line.amount_minor) if line.kind in ("flat", "per_seat", "commitment") else 0
        left -= off
        changed = {"rounding_off_minor": off, "amount_minor": line.amount_minor - off}
        found.append(line.model_copy(update=changed) if off else line)
    return found


def _sum(price: PlanPrice, lines: list[PriceLine]) -> Priced:
    return Priced(currency=price.currency, lines=tuple(lines), amount_minor=sum(line.amount_minor for line in lines))
