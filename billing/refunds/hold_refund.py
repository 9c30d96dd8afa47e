"""A refund is held while what it undoes stands on a Chinese tax invoice (数电票), and goes by itself when that is taken back.

What taking back is, `billing.fapiao` knows: it is above this folder and registers its word (`RefundHold`).
"""

from __future__ import annotations

from typing import Final, Literal, Protocol
from uuid import UUID

from sqlalchemy import select

from billing.refunds.apply_gateway_result import fail
from billing.refunds.models import REFUND, Refund
from kernel import clock
from kernel.db.locks import lock_aggregate, lock_row
from kernel.db.uow import UnitOfWork
from kernel.jobs.outbox import enqueue

SUBMIT: Final = "billing.refund.submit"
"""Kind of the job that calls the gateway."""
Waiver = Literal["promise", "operator"]


class RefundHold(Protocol):
    """Who says that a refund has to wait."""

    def holds(self, uow: UnitOfWork, refund: Refund, *, final: bool) -> bool:
        """Whether it may not go yet. `final`: its money is about to go, so that nothing may change that meanwhile."""

    def begin(self, uow: UnitOfWork, refund: Refund) -> None:
        """It waits from now on: do what ends that."""

    def abandon(self, uow: UnitOfWork, refund: Refund) -> None:
        """It comes to nothing: undo of it what can be undone."""


_RELEASED: Final[dict[Waiver | None, str]] = {
    None: "red_issued",
    "promise": "red_waived_by_promise",
    "operator": "red_waived_by_operator",
}
_REGISTERED: Final[list[RefundHold]] = []


def register_hold(found: RefundHold) -> None:
    """Let it say which refunds wait."""
    _REGISTERED[:] = [found]


def submit_or_hold(uow: UnitOfWork, refund: Refund) -> None:
    """Of one that was just asked for: let a job take it to the gateway, or let it wait."""
    if refund.red_waiver is None and any(one.holds(uow, refund, final=False) for one in _REGISTERED):
        _hold(uow, refund)
    else:
        _submit(uow, refund)


def hold(uow: UnitOfWork, refund: Refund) -> bool:
    """Of a locked one that is about to go: whether it has to wait after all, since a tax invoice was asked for meanwhile."""
    waits = refund.red_waiver is None and any(one.holds(uow, refund, final=True) for one in _REGISTERED)
    if waits:
        _hold(uow, refund)
    return waits


def release_refund(uow: UnitOfWork, refund_id: UUID, *, waiver: Waiver | None = None) -> bool:
    """Let the money of a held refund go: nothing holds it any more, or a waiver says why it need not wait.

    Returns False where it waits for nothing, or still has to. Locks: its order (as an aggregate), the refund.
    """
    refund = lock_held(uow, refund_id)
    if refund is None or (waiver is None and any(one.holds(uow, refund, final=False) for one in _REGISTERED)):
        return False
    refund.red_waiver, refund.next_check_at = waiver, clock.now()
    org_ids = [refund.buyer_org_id, refund.seller_org_id]
    REFUND.move(uow, refund, "requested", org_ids=org_ids, reason=_RELEASED[waiver])
    _submit(uow, refund)
    return True


def give_up_refund(uow: UnitOfWork, refund_id: UUID, code: str) -> bool:
    """A held refund comes to nothing: its reserve is free; what was begun to take a tax invoice back is undone where it can be.

    Returns False where it does not wait. Emits: RefundFailed.
    Locks: its order (as an aggregate), the refund, its red letters, what `fail` locks.
    """
    refund = lock_held(uow, refund_id)
    if refund is None:
        return False
    for one in _REGISTERED:
        one.abandon(uow, refund)
    refund.error_code = code
    fail(uow, refund, code)
    return True


def lock_held(uow: UnitOfWork, refund_id: UUID) -> Refund | None:
    """A held refund, locked behind its order; None where it does not wait any more."""
    order_id = uow.session.scalar(select(Refund.reference).where(Refund.id == refund_id))
    if order_id is None:
        return None
    lock_aggregate(uow, order_id)
    refund = lock_row(uow.session, Refund, refund_id)
    return refund if refund is not None and refund.state == "held" else None


def _hold(uow: UnitOfWork, refund: Refund) -> None:
    refund.held_at = refund.held_at or clock.now()
    REFUND.move(uow, refund, "held", org_ids=[refund.buyer_org_id, refund.seller_org_id], reason="awaits_red")
    uow.flush()
    for one in _REGISTERED:
        one.begin(uow, refund)


def _submit(uow: UnitOfWork, refund: Refund) -> None:
    held = f":{refund.held_at:%Y%m%d%H%M%S}" if refund.held_at else ""
    enqueue(uow, SUBMIT, {"refund_id": str(refund.id)}, dedupe_key=f"{refund.id}{held}")
