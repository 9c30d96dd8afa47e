"""Schedule the payment of a closed statement."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select

from billing.ledger.post import Fact, Leg, post
from billing.ledger.queries import balance_minor
from billing.payouts.models import PAYOUT, Payout
from billing.statements.models import STATEMENT, Statement
from kernel import clock
from kernel.db.locks import advisory_xact_lock, lock_row
from kernel.db.uow import UnitOfWork
from kernel.errors import Conflict, Invalid, NotFound
from kernel.ids import uuid7
from kernel.jobs.outbox import enqueue
from marketplace.parties.models import PLATFORM_ORG_ID

SUBMIT = "billing.payout.submit"
"""Kind of the job that calls the gateway."""
PARTY_LOCK = 4_202
"""Advisory lock per party: its statements are closed and paid one at a time."""


@dataclass(frozen=True, slots=True)
class PayOut:
    """Pay statement `statement_id` through `gateway` to `destination` (the party's account as the gateway names it)."""

    statement_id: UUID
    gateway: str
    destination: str


def pay_out(uow: UnitOfWork, command: PayOut) -> UUID:
    """Reserve the statement's net from what its party has available, and let a job send it. Returns the payout's id.

    Raises:
        Forbidden: `permission_missing` without operator.payouts.
        NotFound: `statement_not_found`.
        Invalid: `payout_account_missing`; without an account at a gateway nothing is reserved.
        Conflict: `statement_not_payable` (paid, carried or being paid), `payout_exceeds_available`,
            `payout_already_running`.

    Emits: later, from the job: PayoutPaid or PayoutFailed.
    Locks: the party's settlement, then the statement.
    """
    uow.principal.require("operator.payouts")
    gateway, destination = (named.strip() for named in (command.gateway, command.destination))
    if not gateway or not destination:
        raise Invalid("payout_account_missing", field="destination" if gateway else "gateway")
    org_id = uow.session.scalar(select(Statement.org_id).where(Statement.id == command.statement_id))
    statement = None
    if org_id is not None:
        advisory_xact_lock(uow.session, PARTY_LOCK, org_id)
        statement = lock_row(uow.session, Statement, command.statement_id)
    if statement is None:
        raise NotFound("statement_not_found")
    if statement.state != "closed" or statement.net_minor <= 0:
        raise Conflict("statement_not_payable", state=statement.state)
    available = -balance_minor(uow, statement.org_id, "party_available", statement.currency)
    if available < statement.net_minor:
        raise Conflict("payout_exceeds_available")
    now = clock.now()
    payout = Payout(
        id=uuid7(),
        org_id=statement.org_id,
        statement_id=statement.id,
        amount_minor=statement.net_minor,
        currency=statement.currency,
        gateway=gateway,
        destination=destination,
        scheduled_by=str(uow.principal.person_id or uow.principal.label),
        next_check_at=now,
        created_at=now,
    )
    PAYOUT.begin(uow, payout, org_ids=[payout.org_id])
    STATEMENT.move(uow, statement, "paying", org_ids=[payout.org_id])
    uow.session.add(payout)
    uow.flush()
    legs = [
        Leg(payout.org_id, "party_available", payout.amount_minor),
        Leg(PLATFORM_ORG_ID, "payout_clearing", -payout.amount_minor),
    ]
    post(uow, Fact(f"payout:{payout.id}:scheduled", "payout_scheduled", payout.id, payout.currency, now, legs))
    enqueue(uow, SUBMIT, {"payout_id": str(payout.id)}, dedupe_key=str(payout.id))
    return payout.id
