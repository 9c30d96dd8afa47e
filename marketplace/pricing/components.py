"""Of what a plan's price is made: components that may be combined freely, as a published plan and an order keep them.

Whole amounts are minor units of the plan's currency. Prices of a single unit are millionths of a minor unit (`unit_micro`), so
that a call may cost 0.0035 cent.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

MICRO = 1_000_000
MONTHS_OF = {"none": 0, "month": 1, "quarter": 3, "year": 12}
MAX_MINOR = 1_000_000_000_00
MAX_QUANTITY = 10**15
MAX_TIERS, MAX_COMPONENTS, MAX_TERM_MONTHS = 20, 12, 60

Minor = Annotated[int, Field(ge=0, le=MAX_MINOR, strict=True)]
Micro = Annotated[int, Field(ge=0, le=MAX_MINOR * MICRO, strict=True)]
Quantity = Annotated[int, Field(ge=0, le=MAX_QUANTITY, strict=True)]
Code = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,59}$")]
MilestoneName = Annotated[str, Field(max_length=80)]
_ONE_LINE = r"^[^\x00-\x1f\x7f]*$"
DimensionName = Annotated[str, StringConstraints(max_length=80, strip_whitespace=True, pattern=_ONE_LINE)]
UnitName = Annotated[str, StringConstraints(max_length=30, strip_whitespace=True, pattern=_ONE_LINE)]
Mode = Literal["graduated", "volume"]


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Tier(_Frozen):
    """What units cost up to and with the `up_to`-th, the last tier without a bound."""

    up_to: Annotated[int, Field(ge=1, le=MAX_QUANTITY, strict=True)] | None
    unit_micro: Micro
    flat_minor: Minor = 0
    """Added once where the tier is reached."""


class _Tiered(_Frozen):
    mode: Mode = "graduated"
    """`graduated`: each unit at the price of the tier it falls into. `volume`: all units at the price of the tier that the
    quantity falls into, and never more than a larger quantity would cost."""
    tiers: Annotated[tuple[Tier, ...], Field(min_length=1, max_length=MAX_TIERS)]

    @model_validator(mode="after")
    def _in_order(self) -> _Tiered:
        bounds = [tier.up_to for tier in self.tiers[:-1] if tier.up_to is not None]
        is_ended = self.tiers[-1].up_to is None and len(bounds) == len(self.tiers) - 1
        if not is_ended or any(a >= b for a, b in pairwise(bounds)):
            msg = "tiers_out_of_order"
            raise ValueError(msg)
        return self


class OneOff(_Frozen):
    """Paid once, with the first term."""

    kind: Literal["one_off"]
    amount_minor: Minor


class SetupFee(_Frozen):
    """For setting up, paid once; a renewal does not ask for it again."""

    kind: Literal["setup"]
    amount_minor: Minor


class Flat(_Frozen):
    """The whole, for one interval."""

    kind: Literal["flat"]
    amount_minor: Minor


class PerSeat(_Tiered):
    """Seats for one interval. `included` are within what the other components cost and are not charged again."""

    kind: Literal["per_seat"]
    minimum: Annotated[int, Field(ge=1, le=1_000_000, strict=True)] = 1
    maximum: Annotated[int, Field(ge=1, le=1_000_000, strict=True)] = 1_000_000
    step: Annotated[int, Field(ge=1, le=100_000, strict=True)] = 1
    """Seats are sold in packs of so many, counted from the minimum on."""
    included: Annotated[int, Field(ge=0, le=1_000_000, strict=True)] = 0

    @model_validator(mode="after")
    def _can_be_bought(self) -> PerSeat:
        if self.minimum > self.maximum:
            msg = "seats_invalid"
            raise ValueError(msg)
        return self

    def is_sold(self, seats: int) -> bool:
        """Whether so many can be bought."""
        return self.minimum <= seats <= self.maximum and (seats - self.minimum) % self.step == 0


class Metered(_Tiered):
    """Usage of one dimension, charged after each interval. `included` units of every interval cost nothing."""

    kind: Literal["metered"]
    dimension: Code
    included: Quantity = 0
    cap_minor: Minor | None = None
    """What one interval's usage costs at most."""
    name: DimensionName = ""
    name_en: DimensionName = ""
    """What readers call it. Names and units decide no amount; what was sold before there were any is called by its code."""
    unit: UnitName = ""
    unit_en: UnitName = ""
    """In what readers count it: calls, GB."""

    @property
    def names(self) -> tuple[str, str]:
        """In Chinese and in English; where one is missing the other, else the code."""
        return self.name or self.name_en or self.dimension, self.name_en or self.name or self.dimension

    @property
    def units(self) -> tuple[str, str]:
        """In Chinese and in English; where one is missing the other, empty without either."""
        return self.unit or self.unit_en, self.unit_en or self.unit


class Commitment(_Frozen):
    """What the buyer pays for each interval at least: usage is drawn from it, and only what exceeds it is charged."""

    kind: Literal["commitment"]
    amount_minor: Minor
    overage_ppm: Annotated[int, Field(ge=0, le=10_000_000, strict=True)] = 1_000_000
    """At which part of its price usage beyond the commitment is charged."""


class Milestone(_Frozen):
    """A step of a service, charged with the order and released to the seller when the buyer has accepted it."""

    code: Code
    amount_minor: Minor
    name: MilestoneName = ""
    name_en: MilestoneName = ""
    days: Annotated[int, Field(ge=1, le=730, strict=True)] = 14
    """How long the seller has for it, from when the step before is due; for the first, from its word to begin."""


class Milestones(_Frozen):
    """A service in steps."""

    kind: Literal["milestones"]
    steps: Annotated[tuple[Milestone, ...], Field(min_length=1, max_length=20)]
    accept_days: Annotated[int, Field(ge=1, le=60, strict=True)] = 7
    """How long the buyer has to look at what was delivered; who says nothing has accepted it."""

    @model_validator(mode="after")
    def _named_once(self) -> Milestones:
        if len({step.code for step in self.steps}) != len(self.steps):
            msg = "milestone_named_twice"
            raise ValueError(msg)
        return self


Component = Annotated[
    OneOff | SetupFee | Flat | PerSeat | Metered | Commitment | Milestones, Field(discriminator="kind")
]


class PlanPrice(_Frozen):
    """Everything about a plan's price that decides an amount: the same in, the same amounts out, for ever.

    Without components it is free. `interval` is what recurring prices are for; a term is a whole number of them.
    """

    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")]
    interval: Literal["none", "month", "quarter", "year"]
    term_months: Annotated[int, Field(ge=0, le=MAX_TERM_MONTHS, strict=True)]
    instalments: Annotated[int, Field(ge=1, le=MAX_TERM_MONTHS, strict=True)] = 1
    """In how many equal parts a term is paid."""
    rounding_off_minor: Minor = 0
    """抹零: taken off the recurring price of each term, so that it is a round sum."""
    components: Annotated[tuple[Component, ...], Field(max_length=MAX_COMPONENTS)] = ()

    @model_validator(mode="after")
    def _fits_together(self) -> PlanPrice:
        for wrong, code in (
            (self._term_is_unfit(), "interval_unfit"),
            (self._repeats(), "component_twice"),
            (not self.fits(self.instalments), "instalments_unfit"),
            (self.interval == "none" and any(c.kind in RECURRING for c in self.components), "interval_unfit"),
            (self._has("commitment") and not self._has("metered"), "commitment_without_usage"),
        ):
            if wrong:
                raise ValueError(code)
        return self

    def _term_is_unfit(self) -> bool:
        months = MONTHS_OF[self.interval]
        return self.term_months != 0 if months == 0 else self.term_months == 0 or self.term_months % months != 0

    def _repeats(self) -> bool:
        kinds = [component.kind for component in self.components if not isinstance(component, Metered)]
        dimensions = [component.dimension for component in self.components if isinstance(component, Metered)]
        return len(set(kinds)) != len(kinds) or len(set(dimensions)) != len(dimensions)

    def _has(self, kind: str) -> bool:
        return any(component.kind == kind for component in self.components)

    def fits(self, instalments: int) -> bool:
        """Whether a term can be paid in so many: its months divide by them, and what is paid once has one."""
        return instalments == 1 or (instalments > 1 and self.term_months > 0 and self.term_months % instalments == 0)

    @property
    def intervals(self) -> int:
        """How many intervals a term has; 1 where nothing recurs."""
        return self.term_months // MONTHS_OF[self.interval] if self.term_months else 1

    @property
    def seats(self) -> PerSeat | None:
        """How seats are priced."""
        return next((component for component in self.components if isinstance(component, PerSeat)), None)

    @property
    def metered(self) -> dict[str, Metered]:
        """What is metered, by its dimension."""
        return {component.dimension: component for component in self.components if isinstance(component, Metered)}

    @property
    def milestones(self) -> Milestones | None:
        """In which steps a service is delivered, accepted and released."""
        return next((component for component in self.components if isinstance(component, Milestones)), None)

    @property
    def commitment(self) -> Commitment | None:
        """What is committed to."""
        return next((component for component in self.components if isinstance(component, Commitment)), None)


RECURRING = frozenset({"flat", "per_seat", "metered", "commitment"})
