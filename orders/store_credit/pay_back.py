"""A buyer that goes on with nothing of a seller's has what credit is left paid back."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import select

from billing.store_credit.models import StoreCredit
from kernel import audit
from kernel.db.locks import lock_row
from kernel.db.uow import UnitOfWork
from kernel.errors import Conflict, NotFound
from kernel.ids import uuid7
from kernel.jobs.outbox import enqueue
from kernel.states import state_in
from orders.order.models import Subscription

PAY_BACK = "orders.store_credit.pay_back"


def ask_payback(uow: UnitOfWork, credit_id: UUID) -> StoreCredit:
    """Ask for all that is left of the acting organization's credit with a seller. It is reserved at once; an operator pays it.

    Raises: NotFound `store_credit_not_found`; Conflict `credit_still_used` (something of the seller's goes on, whose charges it
    pays), `no_credit_left` (used, or asked for before).
    Locks: the credit. Idempotent by: what is left of it.
    """
    found = select(StoreCredit.id).where(
        StoreCredit.id == credit_id, StoreCredit.buyer_org_id == uow.principal.organization()
    )
    credit = lock_row(uow.session, StoreCredit, credit_id) if uow.session.scalar(found) is not None else None
    if credit is None:
        raise NotFound("store_credit_not_found")
    amount_minor = credit.available_minor
    if amount_minor <= 0:
        raise Conflict("no_credit_left")
    if goes_on(uow, credit):
        raise Conflict("credit_still_used")
    credit.reserved_minor += amount_minor
    asked = {"credit_id": str(credit.id), "amount_minor": amount_minor}
    enqueue(uow, PAY_BACK, asked, dedupe_key=str(uuid7()))
    audit.record(uow, "store_credit.payback_asked", subject_id=credit.id, amount_minor=amount_minor)
    uow.flush()
    return credit


def goes_on(uow: UnitOfWork, credit: StoreCredit) -> bool:
    """Whether a subscription of the buyer's with the seller goes on, whose next charges the credit pays."""
    live = select(Subscription.id).where(
        Subscription.buyer_org_id == credit.buyer_org_id,
        Subscription.seller_org_id == credit.seller_org_id,
        state_in(Subscription.state, "active", "past_due"),
    )
    return uow.session.scalar(live.limit(1)) is not None
