"""An organization says which of its methods is the default, and which it pays by no longer."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import select, update

from billing.payment_methods.models import PaymentMethod
from kernel import audit, clock
from kernel.db.uow import UnitOfWork
from kernel.errors import NotFound
from kernel.jobs.outbox import enqueue

FORGET = "billing.payment_method.forget"
"""Kind of the job that lets the gateway keep it no longer."""
BUY = "orders.buy"


def set_default(uow: UnitOfWork, method_id: UUID) -> None:
    """Offer this method first. Raises Forbidden, NotFound(`payment_method_not_found`). Locks: the organization's methods."""
    uow.principal.require(BUY)
    chosen = lock_methods(uow, method_id)
    _make_default(uow, chosen)


def remove_method(uow: UnitOfWork, method_id: UUID) -> PaymentMethod:
    """Pay by it no longer; the newest of the others becomes the default where it was. Its gateway forgets it by a job.

    Who calls this has seen to it that nothing which goes on is paid by it. Raises as `set_default`. Idempotent.
    """
    uow.principal.require(BUY)
    removed = lock_methods(uow, method_id, kept=False)
    if removed.removed_at is not None:
        return removed
    was_default, removed.is_default = removed.is_default, False
    removed.removed_at = clock.now()
    uow.flush()
    if was_default:
        other = uow.session.scalar(
            select(PaymentMethod)
            .where(PaymentMethod.org_id == removed.org_id, PaymentMethod.removed_at.is_(None))
            .order_by(PaymentMethod.id.desc())
            .limit(1)
        )
        if other is not None:
            other.is_default = True
    audit.record(uow, "payment_method.removed", subject_id=removed.id)
    enqueue(uow, FORGET, {"method_id": str(removed.id)}, dedupe_key=str(removed.id))
    return removed


def lock_methods(uow: UnitOfWork, method_id: UUID, *, kept: bool = True) -> PaymentMethod:
    """All methods of the acting organization, locked in one order, of which this is one; `kept`: that is not removed."""
    rows = uow.session.scalars(
        select(PaymentMethod)
        .where(PaymentMethod.org_id == uow.principal.organization())
        .order_by(PaymentMethod.id)
        .with_for_update()
    ).all()
    found = next((one for one in rows if one.id == method_id and (one.removed_at is None or not kept)), None)
    if found is None:
        raise NotFound("payment_method_not_found")
    return found


def _make_default(uow: UnitOfWork, chosen: PaymentMethod) -> None:
    if chosen.is_default:
        return
    # In two statements: there is never more than one.
    others = update(PaymentMethod).where(PaymentMethod.org_id == chosen.org_id, PaymentMethod.is_default)
    uow.session.execute(others.values(is_default=False))
    chosen.is_default = True
    audit.record(uow, "payment_method.default", subject_id=chosen.id)
