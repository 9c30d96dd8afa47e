"""How usage of an entitlement is priced. The one place that knows where that is kept."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import or_, select

from fulfillment.entitlements.models import Entitlement
from fulfillment.entitlements.queries import bought_by_me, sold_by_me
from fulfillment.usage.models import MeteredTerms
from kernel.db.uow import UnitOfWork
from kernel.errors import NotFound
from kernel.ids import uuid7
from marketplace.pricing.components import MONTHS_OF, PlanPrice


@dataclass(frozen=True, slots=True)
class UsageTerms:
    """An entitlement whose usage is metered, and its price as it was sold."""

    entitlement_id: UUID
    buyer_org_id: UUID
    seller_org_id: UUID
    title: str
    title_en: str
    state: str
    valid_from: datetime | None
    valid_to: datetime | None
    time_zone: str
    price: PlanPrice
    units: Mapping[str, str]

    @property
    def months(self) -> int:
        """How long a period of usage is."""
        return MONTHS_OF[self.price.interval]

    def unit(self, dimension: str) -> str:
        """In what a dimension is counted."""
        return self.units.get(dimension, dimension)

    @property
    def parties(self) -> list[UUID]:
        """Both sides, for history rows."""
        return [self.buyer_org_id, self.seller_org_id]


def usage_terms(uow: UnitOfWork, entitlement_ids: Collection[UUID]) -> dict[UUID, UsageTerms]:
    """The terms of those among the entitlements that are metered, and that the acting organization bought or sold."""
    rows = uow.session.execute(
        select(Entitlement, MeteredTerms.price, MeteredTerms.units)
        .join(MeteredTerms, MeteredTerms.entitlement_id == Entitlement.id)
        .where(Entitlement.id.in_(entitlement_ids), or_(bought_by_me(uow), sold_by_me(uow)))
    )
    return {row.Entitlement.id: _terms(row.Entitlement, row.price, row.units) for row in rows}


def is_metered(uow: UnitOfWork, entitlement_id: UUID) -> bool:
    """Whether anything of an entitlement is metered."""
    found = select(MeteredTerms.id).where(MeteredTerms.entitlement_id == entitlement_id)
    return uow.session.scalar(found) is not None


def get_usage_terms(uow: UnitOfWork, entitlement_id: UUID) -> UsageTerms:
    """The same of one. Raises NotFound, also where nothing of it is metered."""
    found = usage_terms(uow, [entitlement_id]).get(entitlement_id)
    if found is None:
        raise NotFound("not_found")
    return found


def set_usage_terms(
    uow: UnitOfWork, entitlement_id: UUID, price: PlanPrice, units: Mapping[str, str] | None = None
) -> None:
    """Fix at which price an entitlement's usage is counted: once, when it is opened.

    Raises: NotFound. Idempotent by the entitlement: terms that were fixed stay as they are.
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
        ),
        "entitlement_id",
    )


def _terms(row: Entitlement, price: dict[str, Any], units: dict[str, str]) -> UsageTerms:
    return UsageTerms(
        row.id,
        row.buyer_org_id,
        row.seller_org_id,
        row.title,
        row.title_en,
        row.state,
        row.valid_from,
        row.valid_to,
        row.time_zone,
        # Through JSON: whole numbers stay strict, lists become tuples.
        PlanPrice.model_validate(price, strict=False),
        units,
    )
