"""What a change within a term costs: the difference of two terms' prices, for what is left of the term. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from fractions import Fraction

from kernel.money import half_up
from marketplace.pricing.components import PlanPrice
from marketplace.pricing.engine import price_term

_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Agreed:
    """What a term costs at a quantity: its recurring list price less the same part that was taken off when it was bought."""

    price: PlanPrice
    quantity: int
    discount: Fraction = Fraction(0)
    """The part of the list price that was taken off."""

    def exact(self) -> Fraction:
        """For the whole term, in minor units, before any rounding. Raises Invalid as `price_term`."""
        return price_term(self.price, self.quantity, "renewal").amount_minor * (1 - self.discount)


def rest_of_term_minor(before: Agreed, after: Agreed, starts_at: datetime, ends_at: datetime, at: datetime) -> int:
    """What the change at `at` costs until the term's end: negative where the term becomes cheaper.

    The exact fraction of the term's microseconds, rounded once. What is paid once (setup, one-off) is never part of it.
    """
    whole = (ends_at - starts_at) // _MICROSECOND
    left = min(max((ends_at - at) // _MICROSECOND, 0), whole)
    exact = (after.exact() - before.exact()) * Fraction(left, whole)
    return half_up(exact.numerator, exact.denominator)


def off(discount_minor: int, list_minor: int) -> Fraction:
    """The part that a discount is of a list price."""
    return Fraction(discount_minor, list_minor) if list_minor else Fraction(0)
