"""Schedule the payment of a closed statement."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select

from billing.connected_accounts.held import refuse_held
from billing.gateways.sandbox import NAME as SANDBOX
from billing.ledger.post import Fact, Leg, post
from billing.ledger.queries import balance_minor
from billing.payouts.models import BANK, PAYOUT, Payout
from billing.payouts.settled_shares import HeldShare, disputed_shares, sole_sale, taken_up_minor
from billing.statements.models import STATEMENT, Statement, StatementAdjustment
from kernel import clock
from kernel.db.locks import advisory_xact_lock, lock_row
from kernel.db.uow import UnitOfWork
from kernel.errors import Conflict, Invalid, NotFound
from kernel.ids import uuid7
from kernel.jobs.outbox import enqueue
from marketplace.onboarding.payable_account import lock_payable_account
from marketplace.onboarding.save_payout_account import find_locked_account
from marketplace.parties.models import PLATFORM_ORG_ID

SUBMIT = "billing.payout.submit"
"""Kind of the job that calls the gateway."""
PARTY_LOCK = 4_202
"""Advisory lock per party: its statements are closed and paid one at a time."""


@dataclass(frozen=True, slots=True)
class PayOut:
    """Pay statement `statement_id` to the account that its party gave, by that account's rail.

    Or through `gateway` to `destination` (the party's account as the gateway names it), where the party gave no other.
    """

    statement_id: UUID
    gateway: str = ""
    destination: str = ""


def pay_out(uow: UnitOfWork, command: PayOut) -> UUID:
    """Reserve the statement's net from what its party has available, and let a job send it; by bank, it waits for a batch.
    Returns the payout's id.

    What of it is in dispute is held back: the party's next statement takes it up once the bank has decided.

    Raises:
        Forbidden: `permission_missing` without operator.payouts.
        NotFound: `statement_not_found`.
        Invalid: `payout_account_missing`; without an account nothing is reserved; `payout_account_foreign`.
        Conflict: `statement_not_payable` (paid, carried or being paid), `payout_exceeds_available`,
            `payout_already_running`, `payout_held_by_dispute` (nothing of it can be paid before the bank has decided),
            `payout_account_held`, `payout_holder_differs`, `payout_account_differs` (the party gave another account),
            `gateway_account_held` (the gateway pays nothing there now).

    Emits: later, from the job: PayoutPaid or PayoutFailed.
    Locks: the party's settlement, then the statement, then the party's account.
    """
    uow.principal.require("operator.payouts")
    gateway, destination = (named.strip() for named in (command.gateway, command.destination))
    if bool(gateway) != bool(destination):
        raise Invalid("payout_account_missing", field="destination" if gateway else "gateway")
    statement = _lock_payable(uow, command.statement_id)
    rail = _rail_of(uow, statement, gateway, destination)
    refuse_held(uow, statement.org_id, rail.gateway, rail.destination)
    held = disputed_shares(uow, statement)
    due_minor = statement.net_minor - taken_up_minor(uow, statement.id) - sum(one.left_minor for one in held)
    if due_minor <= 0:
        raise Conflict("payout_held_by_dispute")
    available = -balance_minor(uow, statement.org_id, "party_available", statement.currency)
    if available < due_minor:
        raise Conflict("payout_exceeds_available")
    now = clock.now()
    payout = Payout(
        id=uuid7(),
        org_id=statement.org_id,
        statement_id=statement.id,
        amount_minor=due_minor,
        currency=statement.currency,
        gateway=rail.gateway,
        destination=rail.destination,
        account_id=rail.account_id,
        scheduled_by=str(uow.principal.person_id or uow.principal.label),
        next_check_at=now,
        created_at=now,
    )
    PAYOUT.begin(uow, payout, org_ids=[payout.org_id])
    STATEMENT.move(uow, statement, "paying", org_ids=[payout.org_id])
    uow.session.add(payout)
    uow.flush()
    _hold_back(uow, payout, held)
    payout.group_reference, payout.payment_id = sole_sale(uow, statement, payout)
    legs = [
        Leg(payout.org_id, "party_available", payout.amount_minor),
        Leg(PLATFORM_ORG_ID, "payout_clearing", -payout.amount_minor),
    ]
    post(uow, Fact(f"payout:{payout.id}:scheduled", "payout_scheduled", payout.id, payout.currency, now, legs))
    if payout.gateway != BANK:
        enqueue(uow, SUBMIT, {"payout_id": str(payout.id)}, dedupe_key=str(payout.id))
    return payout.id


@dataclass(frozen=True, slots=True)
class _Rail:
    gateway: str
    destination: str
    account_id: UUID | None


def _rail_of(uow: UnitOfWork, statement: Statement, gateway: str, destination: str) -> _Rail:
    """By which way the statement is paid. The account that its party gave decides; the sandbox moves no money, so there an
    operator may name any account of its.
    """
    if gateway == SANDBOX:
        return _Rail(gateway, destination, None)
    given = find_locked_account(uow, statement.org_id, statement.currency)
    if gateway and given is None:
        return _Rail(gateway, destination, None)
    if gateway and given is not None and (given.rail, given.gateway_account) != (gateway, destination):
        raise Conflict("payout_account_differs")
    account = lock_payable_account(uow, statement.org_id, statement.currency)
    return _Rail(account.rail, account.gateway_account or f"•••• {account.account_last4}", account.id)


def _lock_payable(uow: UnitOfWork, statement_id: UUID) -> Statement:
    org_id = uow.session.scalar(select(Statement.org_id).where(Statement.id == statement_id))
    statement = None
    if org_id is not None:
        advisory_xact_lock(uow.session, PARTY_LOCK, org_id)
        statement = lock_row(uow.session, Statement, statement_id)
    if statement is None:
        raise NotFound("statement_not_found")
    if statement.state != "closed" or statement.net_minor <= 0:
        raise Conflict("statement_not_payable", state=statement.state)
    return statement


def _hold_back(uow: UnitOfWork, payout: Payout, held: Sequence[HeldShare]) -> None:
    uow.session.add_all(
        StatementAdjustment(
            id=uuid7(),
            org_id=payout.org_id,
            kind="disputed",
            payout_id=payout.id,
            share_id=one.share_id,
            amount_minor=one.left_minor,
            currency=payout.currency,
            created_at=payout.created_at,
        )
        for one in held
    )
    uow.flush()
