"""What is decided inside, called off or expired is taken back outside, where the provider lets it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from sqlalchemy import func, select

from kernel.db.locks import lock_row
from kernel.db.uow import UnitOfWork
from kernel.jobs.context import JobClaim
from kernel.jobs.kinds import Again
from kernel.jobs.outbox import enqueue
from kernel.secrets import SecretBox
from kernel.states import state_in
from orders.approval_apps.access import access_of
from orders.approval_apps.models import OUTSIDE_APPROVAL, ApprovalApp, OutsideApproval
from orders.approval_apps.ports import Access, ApprovalProvider, ProviderRefused, ProviderSilent
from orders.checkout.locking import find_locked_purchase
from orders.checkout.models import Approval, Purchase

WITHDRAW = "orders.approval_apps.withdraw"
MOST_TRIES = 8
BATCH_SIZE = 100


@dataclass(frozen=True, slots=True)
class Withdrawal:
    """What is taken back by one call."""

    outside_approval_id: UUID
    provider: str
    access: Access
    instance_id: str
    requester: str


def withdraw_decided(uow: UnitOfWork, purchase_id: UUID) -> None:
    """Withdraw what was asked outside of steps of a purchase that wait no more. Locks: the purchase, then what was asked.

    Idempotent by the state.
    """
    purchase = find_locked_purchase(uow, purchase_id)
    if purchase is None:
        return
    taken = uow.session.scalar(select(func.count()).where(Approval.purchase_id == purchase_id)) or 0
    open_ones = (
        select(OutsideApproval)
        .where(OutsideApproval.purchase_id == purchase_id, state_in(OutsideApproval.state, "asking", "asked"))
        .order_by(OutsideApproval.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    for row in uow.session.scalars(open_ones).all():
        if purchase.state != "pending_approval" or row.step <= taken:
            OUTSIDE_APPROVAL.move(uow, row, "withdrawn", org_ids=[row.buyer_org_id], reason="decided_inside")
            if row.instance_id is not None:
                withdraw(uow, row)
    uow.flush()


def waiting_in_vain(uow: UnitOfWork) -> Sequence[UUID]:
    """Purchases that wait for no approval any more, and still do so outside. For the platform."""
    wanted = (
        select(OutsideApproval.purchase_id)
        .join(Purchase, Purchase.id == OutsideApproval.purchase_id)
        .where(state_in(OutsideApproval.state, "asking", "asked"), Purchase.state != "pending_approval")
        .order_by(OutsideApproval.purchase_id)
        .limit(BATCH_SIZE)
    )
    return uow.session.scalars(wanted).all()


def withdraw(uow: UnitOfWork, row: OutsideApproval) -> None:
    """Leave a job that takes an instance back."""
    row.withdrawal = "pending"
    enqueue(uow, WITHDRAW, {"outside_approval_id": str(row.id)}, dedupe_key=str(row.id))


class WithdrawOutside:
    """The steps of the call. Taken back twice, it stays so."""

    def __init__(self, providers: Mapping[str, ApprovalProvider], box: SecretBox) -> None:
        self._providers = providers
        self._box = box

    def prepare(self, uow: UnitOfWork, claim: JobClaim) -> Withdrawal | None:
        """None: there is nothing to take back, or no way to do it."""
        row = lock_row(uow.session, OutsideApproval, UUID(claim.payload["outside_approval_id"]))
        if row is None or row.withdrawal != "pending" or row.instance_id is None:
            return None
        app = uow.session.get_one(ApprovalApp, row.app_id)
        if app.disconnected_at is not None or not self._providers[app.provider].can_withdraw:
            row.withdrawal = "impossible"
            uow.flush()
            return None
        return Withdrawal(row.id, app.provider, access_of(self._box, app), row.instance_id, row.requester)

    def call(self, request: Withdrawal) -> str:
        """Take it back: `done`, `refused` or `silent`."""
        try:
            self._providers[request.provider].withdraw(request.access, request.instance_id, request.requester)
        except ProviderRefused:
            # Whoever is asked there sees it still; their answer is not counted here.
            return "refused"
        except ProviderSilent:
            return "silent"
        return "done"

    def conclude(self, uow: UnitOfWork, claim: JobClaim, request: Withdrawal, answer: str) -> Again | None:
        """Write down what came of it, or try again later."""
        row = lock_row(uow.session, OutsideApproval, request.outside_approval_id)
        assert row is not None  # noqa: S101 - nobody deletes it
        if answer == "silent" and claim.attempts < MOST_TRIES:
            return Again(timedelta(seconds=5 * 3**claim.attempts), answer)
        row.withdrawal = "refused" if answer == "silent" else answer
        uow.flush()
        return None
