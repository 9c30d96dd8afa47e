"""What of payments, refunds, payouts and webhooks waits for a person of the platform."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import exists, func, select
from sqlalchemy.orm import aliased

from billing.bank.models import BankLine, BankOutgoing
from billing.credit_lines.models import CreditLine
from billing.disputes.models import Dispute
from billing.incidents.models import Incident
from billing.payments.models import Payment
from billing.payouts.models import Payout
from billing.refunds.models import Refund
from billing.statements.models import Statement
from kernel import clock
from kernel.db.uow import UnitOfWork
from kernel.jobs.models import Inbox
from kernel.states import state_in

HELD_QUIETLY: Final = timedelta(days=3)


@dataclass(frozen=True, slots=True)
class OperatorQueue:
    """A queue that a person of the platform watches: how many, and since when the oldest waits."""

    key: str
    count: int
    oldest_at: datetime | None


def list_operator_queues(uow: UnitOfWork) -> list[OperatorQueue]:
    """The platform's money queues: what is in doubt at a gateway, what failed and was not tried again, what a gateway did
    after an end or by itself, what cannot be believed.
    """
    uow.principal.require("operator.read")
    again = aliased(Refund)
    queues = {
        "payments_unknown": select(func.count(), func.min(Payment.created_at)).where(
            state_in(Payment.state, "unknown")
        ),
        "refunds_unknown": select(func.count(), func.min(Refund.created_at)).where(state_in(Refund.state, "unknown")),
        "refunds_failed": select(func.count(), func.min(Refund.created_at)).where(
            Refund.state == "failed", ~exists().where(again.reference == Refund.reference, again.id > Refund.id)
        ),
        # Within its first letter's time nobody has to do anything about one.
        "refunds_held": select(func.count(), func.min(Refund.held_at)).where(
            state_in(Refund.state, "held"), Refund.held_at < clock.now() - HELD_QUIETLY
        ),
        "payouts_unknown": select(func.count(), func.min(Payout.created_at)).where(state_in(Payout.state, "unknown")),
        "payouts_failed": select(func.count(), func.min(Payout.created_at))
        .join(Statement, Statement.id == Payout.statement_id)
        .where(Payout.state == "failed", Statement.state == "closed"),
        "incidents": select(func.count(), func.min(Incident.created_at)).where(state_in(Incident.state, "open")),
        "bank_lines": select(func.count(), func.min(BankLine.created_at)).where(BankLine.open_minor > 0),
        "credit_lines": select(func.count(), func.min(CreditLine.asked_at)).where(CreditLine.asked_minor.is_not(None)),
        "bank_outgoing": select(func.count(), func.min(BankOutgoing.created_at)).where(
            state_in(BankOutgoing.state, "to_send")
        ),
        "disputes": select(func.count(), func.min(Dispute.created_at)).where(state_in(Dispute.state, "open")),
        "notices_quarantined": select(func.count(), func.min(Inbox.received_at)).where(
            state_in(Inbox.state, "quarantined")
        ),
    }
    found = []
    for key, statement in queues.items():
        count, oldest_at = uow.session.execute(statement).one()
        found.append(OperatorQueue(key, count, oldest_at))
    return found
