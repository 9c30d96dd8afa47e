"""Up to what a buyer wants to use: set, changed and taken away by whoever may buy."""

from __future__ import annotations

from decimal import Decimal
from uuid import UUID

from sqlalchemy import ColumnElement, delete, select

from fulfillment.usage.models import UsageCap, UsagePeriod
from fulfillment.usage.record_usage import GRAIN
from fulfillment.usage.terms import get_usage_terms
from kernel.db.uow import UnitOfWork
from kernel.errors import Invalid, NotFound
from kernel.ids import uuid7
from marketplace.pricing.components import MAX_QUANTITY

KINDS = ("soft", "hard")


def set_cap(uow: UnitOfWork, entitlement_id: UUID, dimension: str, kind: str, quantity: Decimal) -> None:
    """Set the acting buyer's cap of a dimension for each period, in place of the one before. It holds from the next event on.

    Raises: NotFound; Invalid `usage_dimension_unknown`, `usage_cap_invalid`. Locks: the open periods. Idempotent.
    """
    terms = get_usage_terms(uow, entitlement_id)
    if terms.buyer_org_id != uow.principal.organization():
        raise NotFound("not_found")
    if dimension not in terms.now.price.metered:
        raise Invalid("usage_dimension_unknown", field="dimension", dimension=dimension)
    if kind not in KINDS or not 0 <= quantity <= MAX_QUANTITY or quantity % GRAIN:
        raise Invalid("usage_cap_invalid", field="quantity")
    place = f"{dimension}/cap"
    for period in _locked(uow, entitlement_id):
        # Of another cap the buyer is told anew.
        period.alerted = {key: value for key, value in period.alerted.items() if key != place}
    uow.session.execute(delete(UsageCap).where(*_of(entitlement_id, dimension)))
    uow.session.add(
        UsageCap(
            id=uuid7(),
            buyer_org_id=terms.buyer_org_id,
            seller_org_id=terms.seller_org_id,
            entitlement_id=entitlement_id,
            dimension=dimension,
            kind=kind,
            quantity=quantity,
        )
    )
    uow.flush()


def remove_cap(uow: UnitOfWork, entitlement_id: UUID, dimension: str) -> None:
    """Take the acting buyer's cap away; without one nothing changes. Raises: NotFound."""
    terms = get_usage_terms(uow, entitlement_id)
    if terms.buyer_org_id != uow.principal.organization():
        raise NotFound("not_found")
    _locked(uow, entitlement_id)
    uow.session.execute(delete(UsageCap).where(*_of(entitlement_id, dimension)))


def _locked(uow: UnitOfWork, entitlement_id: UUID) -> list[UsagePeriod]:
    statement = (
        select(UsagePeriod)
        .where(UsagePeriod.entitlement_id == entitlement_id, UsagePeriod.state == "open")
        .order_by(UsagePeriod.id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    )
    return list(uow.session.scalars(statement))


def _of(entitlement_id: UUID, dimension: str) -> tuple[ColumnElement[bool], ...]:
    return UsageCap.entitlement_id == entitlement_id, UsageCap.dimension == dimension
