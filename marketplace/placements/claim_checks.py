"""Does the plan keep what the video says? A pure comparison of one structured claim with one plan.

A price must be the plan's headline in its currency and for the same unit, of several components the least that one pays;
of what is priced by usage alone no price can be said; included seats and trial days may not be more than the plan
gives; a feature or service level must be one of the plan's, with at least the figure that is said (a service level with
at most it: it is a time).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from marketplace.placements.models import Claim

TRIAL = "trial_days"
KINDS = ("price", "included_seats", TRIAL, "feature", "service_level")
USAGE = "usage"
"""The unit of what is priced by usage alone."""
LEAST = "≥ "
"""Before the price that a plan holds, where it is the least that one pays."""
UNITS = ("seat/year", "seat/quarter", "seat/month", "year", "quarter", "month", "once")


@dataclass(frozen=True, slots=True)
class ClaimValue:
    """A claim as it is compared. `value_int` is minor units for a price."""

    kind: str
    value_int: int | None = None
    value_text: str | None = None
    currency: str | None = None
    unit: str | None = None

    @classmethod
    def of(cls, claim: Claim) -> ClaimValue:
        """From a claim's row."""
        return cls(claim.kind, claim.value_int, claim.value_text, claim.currency, claim.unit)


@dataclass(frozen=True, slots=True)
class Terms:
    """A plan as it is compared."""

    unit_price_minor: int
    currency: str
    unit: str
    included_seats: int
    trial_days: int
    features: Mapping[str, int | None]
    is_least: bool = False
    """Whether the unit price is the least that one pays, of a price of several components."""


@dataclass(frozen=True, slots=True)
class Contradiction:
    """What is said, and what the plan holds, both short enough for a sentence."""

    said: str
    holds: str


def price_unit(pricing: str, interval: str) -> str:
    """What one unit price is for: seat/year, seat/quarter, seat/month, year, quarter, month, once, or usage alone."""
    if pricing == "one_off":
        return "once"
    if pricing == "usage":
        return USAGE
    return f"seat/{interval}" if pricing == "per_seat" else interval


def find_contradiction(said: ClaimValue, terms: Terms) -> Contradiction | None:
    """What the plan does not keep of what is said, or None when it keeps it."""
    if said.kind == "price":
        if (said.value_int, said.currency, said.unit) == (terms.unit_price_minor, terms.currency, terms.unit):
            return None
        holds = f"{terms.unit_price_minor} {terms.currency}/{terms.unit}"
        if terms.unit == USAGE:
            holds = USAGE
        elif terms.is_least:
            holds = f"{LEAST}{holds}"
        return Contradiction(f"{said.value_int} {said.currency}/{said.unit}", holds)
    if said.kind == "included_seats":
        return _at_least(said.value_int, terms.included_seats)
    if said.kind == TRIAL:
        return _at_least(said.value_int, terms.trial_days)
    key = said.value_text or ""
    if key not in terms.features:
        return Contradiction(key, "—")
    held = terms.features[key]
    if said.value_int is None:
        return None
    if held is None:
        return Contradiction(f"{key} {said.value_int}", key)
    kept = held <= said.value_int if said.kind == "service_level" else held >= said.value_int
    return None if kept else Contradiction(f"{key} {said.value_int}", f"{key} {held}")


def _at_least(said: int | None, held: int) -> Contradiction | None:
    return None if said is not None and said <= held else Contradiction(str(said), str(held))
