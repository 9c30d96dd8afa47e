"""How usage of an entitlement is priced, and in which periods it is counted. The one place that knows where that is kept."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import or_, select

from fulfillment.entitlements.models import Entitlement
from fulfillment.entitlements.queries import bought_by_me, sold_by_me
from fulfillment.usage.models import MeteredTerms
from fulfillment.usage.periods import period_at
from kernel import clock
from kernel.db.uow import UnitOfWork
from kernel.errors import NotFound
from kernel.ids import uuid7
from marketplace.pricing.components import MONTHS_OF, PlanPrice


@dataclass(frozen=True, slots=True)
class UsagePrice:
    """A price of usage, and from when on periods begin at it; None: from the beginning."""

    id: UUID
    starts_at: datetime | None
    price: PlanPrice
    units: Mapping[str, str]

    def unit(self, dimension: str) -> str:
        """In what a dimension is counted."""
        return self.units.get(dimension, dimension)

    def is_counted_in(self, dimension: str, unit: str) -> bool:
        """Whether an event may say so: the unit of the terms, or what the plan's readers call it."""
        return unit in {self.unit(dimension), *self.price.metered[dimension].units}


@dataclass(frozen=True, slots=True)
class Bounds:
    """A period as the terms have it, half-open."""

    starts_at: datetime
    ends_at: datetime
    terms: UsagePrice
    is_trial: bool = False


@dataclass(frozen=True, slots=True)
class UsageTerms:
    """An entitlement whose usage is metered, and its prices as they were sold, the first one first."""

    entitlement_id: UUID
    buyer_org_id: UUID
    seller_org_id: UUID
    title: str
    title_en: str
    state: str
    valid_from: datetime | None
    valid_to: datetime | None
    tried_until: datetime | None
    """Until when usage costs nothing, where it began with a trial."""
    time_zone: str
    prices: tuple[UsagePrice, ...]

    @property
    def now(self) -> UsagePrice:
        """At which price a period would begin now."""
        return self._at(clock.now())

    @property
    def parties(self) -> list[UUID]:
        """Both sides, for history rows."""
        return [self.buyer_org_id, self.seller_org_id]

    def by_id(self, terms_id: UUID) -> UsagePrice:
        """The price that a period was opened at."""
        return next(one for one in self.prices if one.id == terms_id)

    def counts(self, dimension: str) -> UsagePrice | None:
        """The latest price at which a dimension is counted; None where it never was."""
        return next((one for one in reversed(self.prices) if dimension in one.price.metered), None)

    def period_at(self, at: datetime) -> Bounds:
        """The period that holds an instant: the trial, else an interval of the price, never beyond what begins another one.

        What has ended has no period beyond its end.
        """
        assert self.valid_from is not None  # noqa: S101 - what has not begun is refused before
        at = max(at, self.valid_from)
        terms = self._at(at)
        if self.tried_until is not None and at < self.tried_until:
            return Bounds(self.valid_from, self.tried_until, terms, is_trial=True)
        began_at = terms.starts_at or self.tried_until or self.valid_from
        starts_at, ends_at = period_at(began_at, MONTHS_OF[terms.price.interval], self.time_zone, at)
        later = [one.starts_at for one in self.prices if one.starts_at is not None and one.starts_at > at]
        if self.state == "ended" and self.valid_to is not None and self.valid_to > at:
            later.append(self.valid_to)
        return Bounds(starts_at, min([ends_at, *later]), terms)

    def _at(self, at: datetime) -> UsagePrice:
        begun = [one for one in self.prices if one.starts_at is None or one.starts_at <= at]
        return (begun or self.prices[:1])[-1]


def usage_terms(uow: UnitOfWork, entitlement_ids: Collection[UUID]) -> dict[UUID, UsageTerms]:
    """The terms of those among the entitlements that are metered, and that the acting organization bought or sold."""
    rows = uow.session.execute(
        select(Entitlement, MeteredTerms)
        .join(MeteredTerms, MeteredTerms.entitlement_id == Entitlement.id)
        .where(Entitlement.id.in_(entitlement_ids), or_(bought_by_me(uow), sold_by_me(uow)))
        .order_by(MeteredTerms.starts_at.asc().nulls_first())
    )
    entitlements: dict[UUID, Entitlement] = {}
    terms: dict[UUID, list[MeteredTerms]] = defaultdict(list)
    for row in rows:
        entitlements[row.Entitlement.id] = row.Entitlement
        terms[row.Entitlement.id].append(row.MeteredTerms)
    return {found: _terms(row, terms[found]) for found, row in entitlements.items()}


def is_metered(uow: UnitOfWork, entitlement_id: UUID) -> bool:
    """Whether anything of an entitlement is metered."""
    found = select(MeteredTerms.id).where(MeteredTerms.entitlement_id == entitlement_id).limit(1)
    return uow.session.scalar(found) is not None


def get_usage_terms(uow: UnitOfWork, entitlement_id: UUID) -> UsageTerms:
    """The same of one. Raises NotFound, also where nothing of it is metered."""
    found = usage_terms(uow, [entitlement_id]).get(entitlement_id)
    if found is None:
        raise NotFound("not_found")
    return found


def set_usage_terms(
    uow: UnitOfWork,
    entitlement_id: UUID,
    price: PlanPrice,
    units: Mapping[str, str] | None = None,
    *,
    starts_at: datetime | None = None,
) -> None:
    """Fix at which price an entitlement's usage is counted: when it is opened, or from a term that `starts_at` then.

    Raises: NotFound. Idempotent by the entitlement and the instant: terms that were fixed stay as they are.
    """
    entitlement = uow.session.get(Entitlement, entitlement_id)
    if entitlement is None:
        raise NotFound("not_found")
    uow.add_if_absent(
        MeteredTerms(
            id=uuid7(),
            buyer_org_id=entitlement.buyer_org_id,
            seller_org_id=entitlement.seller_org_id,
            entitlement_id=entitlement_id,
            price=price.model_dump(mode="json"),
            units=dict(units or {}),
            starts_at=starts_at,
            tried_until=None,
        ),
        "entitlement_id",
        "starts_at",
    )


def names_in(price: Mapping[str, Any], dimension: str) -> tuple[str, str]:
    """What readers call a dimension of a price as it is kept, in Chinese and in English. Cheaper than reading all of it."""
    for component in price["components"]:
        if component.get("dimension") == dimension:
            return dimension_names(component, dimension)
    return dimension, dimension


def dimension_names(kept: Mapping[str, Any], code: str) -> tuple[str, str]:
    """The names of a component or of a price line as it is kept; its code where it was kept before there were names."""
    name, name_en = kept.get("name") or "", kept.get("name_en") or ""
    return name or name_en or code, name_en or name or code


def _price(kept: object) -> PlanPrice:
    # Through JSON: whole numbers stay strict, lists become tuples.
    return PlanPrice.model_validate(kept, strict=False)


def _terms(row: Entitlement, terms: Iterable[MeteredTerms]) -> UsageTerms:
    kept = list(terms)
    return UsageTerms(
        row.id,
        row.buyer_org_id,
        row.seller_org_id,
        row.title,
        row.title_en,
        row.state,
        row.valid_from,
        row.valid_to,
        row.valid_to if row.trial_days else kept[0].tried_until,
        row.time_zone,
        tuple(UsagePrice(one.id, one.starts_at, _price(one.price), one.units) for one in kept),
    )
