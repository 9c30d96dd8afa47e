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


def rest_of_term_minor(
    before: Agreed,
    after: Agreed,
    starts_at: datetime,
    ends_at: datetime,
    at: datetime,
    *,
    priced_until: datetime | None = None,
) -> int:
    """What the change at `at` costs until the term's end: negative where the term becomes cheaper.

    The exact fraction of the microseconds of the term that the prices are for (until `priced_until`, where the end was moved),
    rounded once. What is paid once (setup, one-off) is never part of it.
    """
    left = min(max(ends_at - at, timedelta(0)), ends_at - starts_at)
    exact = (after.exact() - before.exact()) * _part(left, (priced_until or ends_at) - starts_at)
    return half_up(exact.numerator, exact.denominator)


def longer_term_minor(
    agreed: Agreed, starts_at: datetime, priced_until: datetime, ends_at: datetime, aligned_to: datetime
) -> int:
    """What it costs that a term ends at `aligned_to` instead of `ends_at`: the exact fraction of the term that its price is for,
    rounded once.
    """
    exact = agreed.exact() * _part(aligned_to - ends_at, priced_until - starts_at)
    return half_up(exact.numerator, exact.denominator)


def _part(time: timedelta, whole: timedelta) -> Fraction:
    return Fraction(time // _MICROSECOND, whole // _MICROSECOND)


def off(discount_minor: int, list_minor: int) -> Fraction:
    """The part that a discount is of a list price."""
    return Fraction(discount_minor, list_minor) if list_minor else Fraction(0)
