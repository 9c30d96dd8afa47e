"""Which promoter plan a sale gets, and who of its chain gets what of it. Pure; the parts of promotion always add up.

A line has up to five parties: the platform (commission), the seller (what is left), and promotion: the promoter, a distributor
who brought the promoter, and a service provider who looks after them. The plan's rate is for all three together.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from kernel.money import PPM, allocate

PROMOTION: Final = ("promoter", "distributor", "service_provider")
"""Kinds of shares that promotion is split into; equal remainders of a cent go to the earlier one."""
NOT_CHOSEN: Final = "not_chosen"
"""The listing is bound to other promoters by an exclusive plan: this one earns nothing."""


@dataclass(frozen=True, slots=True)
class OfferedPromotion:
    """A plan that is in force for a listing. Rates in ppm of the line's net, out of `rate_ppm`; caps in minor units."""

    id: UUID
    kind: str
    rate_ppm: int
    distributor_org_id: UUID | None = None
    distributor_ppm: int = 0
    service_org_id: UUID | None = None
    service_ppm: int = 0
    order_cap_minor: int | None = None
    month_cap_minor: int | None = None
    currency: str | None = None
    promoters: frozenset[UUID] = frozenset()

    @classmethod
    def read(cls, stored: Mapping[str, Any]) -> OfferedPromotion:
        """From what the database's function answers."""
        ids = {
            name: UUID(stored[name]) if stored[name] is not None else None
            for name in ("distributor_org_id", "service_org_id")
        }
        promoters = frozenset(UUID(one) for one in stored["promoters"])
        return cls(**{**stored, **ids, "id": UUID(stored["id"]), "promoters": promoters})


@dataclass(frozen=True, slots=True)
class PinnedPromotion:
    """What a line pins of its plan: the chain and the caps. Without one, all of promotion is the promoter's."""

    plan_id: UUID
    distributor_org_id: UUID | None = None
    distributor_ppm: int = 0
    service_org_id: UUID | None = None
    service_ppm: int = 0
    order_cap_minor: int | None = None
    month_cap_minor: int | None = None
    cap_currency: str | None = None

    def stored(self) -> dict[str, Any]:
        """As the order keeps it."""
        return {
            name: str(value) if isinstance(value, UUID) else value
            for name in self.__dataclass_fields__
            if (value := getattr(self, name)) is not None
        }

    @classmethod
    def read(cls, stored: Mapping[str, Any]) -> PinnedPromotion:
        """From what the order keeps."""
        ids = {
            name: UUID(stored[name]) for name in ("plan_id", "distributor_org_id", "service_org_id") if name in stored
        }
        return cls(**{**stored, **ids})


def choose_promotion(
    offered: Sequence[OfferedPromotion], promoter_org_id: UUID
) -> tuple[OfferedPromotion | None, str | None]:
    """The plan that is for this promoter, and why none is for it: an exclusive one binds the listing to others.

    Exclusive before targeted before general; None and None where the seller has no plan, and the policy's own rate counts.
    """
    by_kind = {one.kind: one for one in offered}
    exclusive, targeted = by_kind.get("exclusive"), by_kind.get("targeted")
    if exclusive is not None:
        return (exclusive, None) if promoter_org_id in exclusive.promoters else (None, NOT_CHOSEN)
    if targeted is not None and promoter_org_id in targeted.promoters:
        return targeted, None
    return by_kind.get("general"), None


def promoted_rate(plan_ppm: int, policy_ppm: int, commission_ppm: int) -> int:
    """What promotion gets: the plan's rate, never less than the policy promises everybody nor more than the commission leaves."""
    return min(max(plan_ppm, policy_ppm), PPM - commission_ppm)


def pin(plan: OfferedPromotion, rate_ppm: int, promoter_org_id: UUID, excluded: Collection[UUID]) -> PinnedPromotion:
    """The chain of a sale: whoever is the promoter itself, or excluded (a side of the sale, or its taxpayer), has no part of it.

    Its part stays with the promoter. `rate_ppm`: what promotion gets of this sale; the chain is never more.
    """
    nobody = {promoter_org_id, *excluded}
    distributor = plan.distributor_org_id if plan.distributor_org_id not in nobody else None
    service = plan.service_org_id if plan.service_org_id not in nobody else None
    distributor_ppm = min(plan.distributor_ppm, rate_ppm) if distributor else 0
    service_ppm = min(plan.service_ppm, rate_ppm - distributor_ppm) if service else 0
    return PinnedPromotion(
        plan.id,
        distributor if distributor_ppm else None,
        distributor_ppm,
        service if service_ppm else None,
        service_ppm,
        plan.order_cap_minor,
        plan.month_cap_minor,
        plan.currency,
    )


def cap_of_part(cap_minor: int, part_net_minor: int, line_net_minor: int) -> int:
    """What of a line's cap is for one of the parts that it is charged in (milestones), rounded down: together never more."""
    return cap_minor * part_net_minor // line_net_minor if line_net_minor else cap_minor


def divide_promotion(promotion_minor: int, rate_ppm: int, distributor_ppm: int, service_ppm: int) -> dict[str, int]:
    """The parts of the chain by kind, by largest remainder. Raises ValueError: the chain is more than the whole."""
    weights = (rate_ppm - distributor_ppm - service_ppm, distributor_ppm, service_ppm)
    if rate_ppm == 0:
        return dict(zip(PROMOTION, (promotion_minor, 0, 0), strict=True))
    return dict(zip(PROMOTION, allocate(promotion_minor, weights), strict=True))
