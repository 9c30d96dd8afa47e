"""Let shares go from pending to available once delivered and held long enough."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import exists, select

from billing.bank.models import BankTransfer
from billing.credit_lines.models import ON_ACCOUNT
from billing.disputes.queries import disputed_lines, in_dispute
from billing.ledger.post import Fact, Leg, post
from billing.payments.models import PaymentAllocation
from billing.shares.models import SHARE, Share
from kernel import clock
from kernel.db.locks import lock_rows
from kernel.db.uow import Transact, UnitOfWork
from kernel.jobs.kinds import sweep
from kernel.states import state_in

RELEASE = "billing.shares.release"
_BATCH = 500
_IS_OWED = exists().where(
    PaymentAllocation.reference == Share.group_reference,
    BankTransfer.payment_id == PaymentAllocation.payment_id,
    state_in(BankTransfer.gateway, ON_ACCOUNT),
    state_in(BankTransfer.state, "awaited"),
)
"""Whether the buyer still owes the money of a share's order."""


def release_due(uow: UnitOfWork, until: datetime) -> int:
    """Release a batch of shares whose hold ended before `until`, none whose line is in dispute, and none of a purchase on account
    that its buyer has not paid: nobody is paid out of money that is not here. Returns how many.

    Locks: the shares, by id.
    Idempotent by: the share's state.
    """
    due = uow.session.scalars(
        select(Share.id)
        .where(
            state_in(Share.state, "pending"),
            Share.releasable_at <= until,
            ~in_dispute(Share.group_reference, Share.reference),
            ~_IS_OWED,
        )
        .order_by(Share.releasable_at)
        .limit(_BATCH)
    ).all()
    released = 0
    shares = lock_rows(uow.session, Share, due)
    # Asked after the locks: a dispute that was opened meanwhile is seen.
    disputed = disputed_lines(uow, {(share.group_reference, share.reference) for share in shares})
    for share in shares:
        if share.reference in disputed:
            continue
        if share.state != "pending" or share.releasable_at is None or share.releasable_at > until:
            continue
        SHARE.move(uow, share, "releasable", org_ids=sorted({share.org_id, share.seller_org_id}), reason="hold_over")
        left = share.amount_minor - share.reversed_minor
        if share.kind != "commission":
            legs = [Leg(share.org_id, "party_pending", left), Leg(share.org_id, "party_available", -left)]
            post(uow, Fact(f"release:{share.id}", "release", share.id, share.currency, clock.now(), legs))
        released += 1
    uow.flush()
    return released


def release_all(transact: Transact, until: datetime) -> None:
    """Release everything whose hold ended before `until`, a batch a unit of work."""
    while transact(lambda uow: release_due(uow, until)):
        pass


def register() -> None:
    """Register the releasing sweep."""

    @sweep(RELEASE, every=timedelta(minutes=1))
    def release(transact: Transact) -> None:
        release_all(transact, clock.now())
