"""In what numbers something is ordered: a least number and a step, a plan's own and those of a partner beside them. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from math import gcd

from kernel.errors import Invalid
from marketplace.pricing.components import PlanPrice


@dataclass(frozen=True, slots=True)
class Quantities:
    """`least`, and from it on in steps, up to `most`."""

    least: int = 1
    step: int = 1
    most: int = 1

    def has(self, quantity: int) -> bool:
        """Whether so many can be ordered."""
        return self.least <= quantity <= self.most and (quantity - self.least) % self.step == 0

    def nearest(self, wanted: int) -> tuple[int, ...]:
        """The numbers next to one that cannot be ordered: below and above it, or the one end that it lies beyond."""
        last = self.most - (self.most - self.least) % self.step
        if wanted <= self.least:
            return (self.least,)
        if wanted >= last:
            return (last,)
        below = wanted - (wanted - self.least) % self.step
        return (below,) if below == wanted else (below, below + self.step)


def quantities_of(price: PlanPrice) -> Quantities:
    """Those that a price itself says; what is not sold by seat is bought once."""
    seats = price.seats
    return Quantities(seats.minimum, seats.step, seats.maximum) if seats is not None else Quantities()


def narrowed(sold: Quantities, minimum: int, step: int) -> Quantities | None:
    """What of these a least number and a step beside them leave; None where nothing meets both. Of what is bought once: all.

    Each is counted from its own least number on, so that both are met by every common multiple of the steps.
    """
    if sold.most == 1:
        return sold
    common = gcd(sold.step, step)
    apart = minimum - sold.least
    if apart % common:
        return None
    whole = sold.step // common * step
    times = apart // common * pow(sold.step // common, -1, step // common) % (step // common)
    first = sold.least + times * sold.step
    floor = max(sold.least, minimum)
    first += max(0, -((first - floor) // whole)) * whole
    return Quantities(first, whole, sold.most) if first <= sold.most else None


def require_quantity(ordered: Quantities, quantity: int) -> None:
    """Refuse a number that a partner's terms leave out, naming the nearest.

    Raises: Invalid `partner_minimum`, `partner_step`.
    """
    if ordered.has(quantity):
        return
    code = "partner_minimum" if quantity < ordered.least else "partner_step"
    nearest = " / ".join(str(one) for one in ordered.nearest(quantity))
    raise Invalid(code, field="quantity", least=ordered.least, step=ordered.step, nearest=nearest)
