"""Take back from a party's account at a gateway what a refund or a lost dispute took of a share that was paid there.

The share's reversal stands in the party's next statement in any case. What comes back stands beside it there, as of any payout of
which a part came back, so that both cancel; where the gateway cannot take it back (the party has spent it), the reversal alone
stands and is set off against what the party earns.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final
from uuid import UUID

from sqlalchemy import func, select

from billing.connected_accounts.models import ConnectedAccount
from billing.gateways.accounts import TakeBackRequest, TakenBack
from billing.gateways.call import Gateways
from billing.gateways.ports import GatewayRefused, NotReached, OutcomeUnknown
from billing.gateways.result import wait_before_check
from billing.payouts.apply_gateway_result import note_returned
from billing.payouts.models import TRANSFER_REVERSAL, Payout, TransferReversal
from billing.shares.models import Share, ShareReversal
from billing.statements.models import StatementAdjustment
from kernel import audit, clock
from kernel.db.locks import lock_row
from kernel.db.uow import UnitOfWork
from kernel.ids import uuid7
from kernel.jobs.context import JobClaim
from kernel.jobs.kinds import Again, call
from kernel.jobs.outbox import enqueue
from kernel.money import Money

REVERSE: Final = "billing.payout.reverse"
"""Kind of the job; its payload names the row."""


def reverse_transfers(uow: UnitOfWork, refund_id: UUID) -> None:
    """Let jobs take back what a refund took of shares that were paid to accounts at gateways, as far as their payouts reach.

    What was paid to a bank cannot be taken back, and a share whose payout is still on its way stays as it is.

    What several refunds at once would take too much, the gateway refuses. Idempotent by: the share's reversal.
    """
    found = uow.session.execute(
        select(ShareReversal, Payout.id)
        .join(Share, Share.id == ShareReversal.share_id)
        .join(Payout, Payout.statement_id == Share.statement_id)
        .join(
            ConnectedAccount,
            (ConnectedAccount.gateway == Payout.gateway) & (ConnectedAccount.reference == Payout.destination),
        )
        .where(
            ShareReversal.refund_id == refund_id,
            ShareReversal.amount_minor > 0,
            Share.kind != "commission",
            Share.state == "paid",
            Payout.state == "paid",
            ConnectedAccount.state != "closed",
            ~select(TransferReversal.id).where(TransferReversal.share_reversal_id == ShareReversal.id).exists(),
        )
        .order_by(Payout.id, ShareReversal.id)
    ).all()
    for reversal, payout_id in found:
        payout = uow.session.get_one(Payout, payout_id)
        if left_minor(uow, payout) >= reversal.amount_minor:
            _begin(uow, payout, reversal)


def left_minor(uow: UnitOfWork, payout: Payout) -> int:
    """What of a payout could still be taken back: it neither came back nor is on its way."""
    returned = select(func.coalesce(func.sum(StatementAdjustment.amount_minor), 0)).where(
        StatementAdjustment.payout_id == payout.id, StatementAdjustment.kind == "returned"
    )
    sending = select(func.coalesce(func.sum(TransferReversal.amount_minor), 0)).where(
        TransferReversal.payout_id == payout.id, TransferReversal.state == "sending"
    )
    return payout.amount_minor - int(uow.session.scalar(returned) or 0) - int(uow.session.scalar(sending) or 0)


def _begin(uow: UnitOfWork, payout: Payout, reversal: ShareReversal) -> None:
    row = TransferReversal(
        id=uuid7(),
        org_id=payout.org_id,
        payout_id=payout.id,
        share_reversal_id=reversal.id,
        amount_minor=reversal.amount_minor,
        currency=payout.currency,
        tries=0,
        created_at=clock.now(),
    )
    TRANSFER_REVERSAL.begin(uow, row, org_ids=[row.org_id])
    uow.session.add(row)
    uow.flush()
    enqueue(uow, REVERSE, {"reversal_id": str(row.id)}, dedupe_key=str(row.id))


@dataclass(frozen=True, slots=True)
class _Reversing:
    """What to take back, where; `fresh`: it was never asked for."""

    gateway: str
    request: TakeBackRequest
    fresh: bool


@dataclass(frozen=True, slots=True)
class _Outcome:
    """What the gateway answered: what is back, a refusal, or nothing definite."""

    back: TakenBack | None = None
    refused: str | None = None


class ReverseTransfer:
    """The steps of the job. What was asked for without an answer is looked for before it is asked for again by its key."""

    def __init__(self, gateways: Gateways) -> None:
        self._gateways = gateways

    def prepare(self, uow: UnitOfWork, claim: JobClaim) -> _Reversing | None:
        """What to take back from which transfer."""
        row = lock_row(uow.session, TransferReversal, UUID(claim.payload["reversal_id"]))
        if row is None or row.state != "sending":
            return None
        payout = uow.session.get_one(Payout, row.payout_id)
        fresh, row.tries = row.tries == 0, row.tries + 1
        metadata = {"transfer_reversal_id": str(row.id), "payout_id": str(payout.id)}
        amount = Money(row.amount_minor, row.currency)
        request = TakeBackRequest(str(row.id), payout.gateway_reference or "", amount, metadata)
        return _Reversing(payout.gateway, request, fresh)

    def call(self, request: _Reversing) -> _Outcome:
        """Ask for it, unless it is done."""
        gateway = self._gateways.get(request.gateway)
        if gateway is None or gateway.accounts is None:
            return _Outcome(refused="gateway_unknown")
        try:
            found = None if request.fresh else gateway.accounts.find_taken_back(request.request)
            return _Outcome(found or gateway.accounts.take_back(request.request))
        except GatewayRefused as refusal:
            return _Outcome(refused=refusal.code)
        except (OutcomeUnknown, NotReached):
            return _Outcome()

    def conclude(self, uow: UnitOfWork, claim: JobClaim, request: _Reversing, answer: _Outcome) -> Again | None:
        """Book what is back for the party, whose next statement takes it up beside the reversal of its share.

        Locks: the payout, then the row.
        """
        row_id = UUID(request.request.key)
        payout_id = uow.session.get_one(TransferReversal, row_id).payout_id
        payout, row = lock_row(uow.session, Payout, payout_id), lock_row(uow.session, TransferReversal, row_id)
        if payout is None or row is None or row.state != "sending":
            return None
        if answer.back is None and answer.refused is None:
            return Again(wait_before_check(row.tries), "the gateway has not answered")
        row.ended_at = clock.now()
        if answer.back is None:
            row.error_code = (answer.refused or "")[:200]
            TRANSFER_REVERSAL.move(uow, row, "failed", org_ids=[row.org_id], reason=row.error_code)
            audit.record(uow, "transfer_reversal.failed", subject_id=row.id, code=row.error_code)
            uow.flush()
            return None
        row.gateway_reference = answer.back.reference
        TRANSFER_REVERSAL.move(uow, row, "succeeded", org_ids=[row.org_id])
        uow.flush()
        note_returned(uow, payout, answer.back.returned_minor)
        return None


def register(gateways: Gateways) -> None:
    """Register the job."""
    call(REVERSE)(ReverseTransfer(gateways))
