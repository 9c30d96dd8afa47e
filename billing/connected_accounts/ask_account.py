"""Ask a gateway how a party's account stands: after a webhook, by the clock, and when its owner comes back."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import select

from billing.connected_accounts.apply_answer import CHECK_SOON, apply_answer
from billing.connected_accounts.models import ConnectedAccount
from billing.connected_accounts.open_account import account_request
from billing.gateways.accounts import AccountAnswer, AccountRequest
from billing.gateways.call import Gateways
from billing.gateways.ports import GatewayRefused, NotReached, OutcomeUnknown
from kernel import clock
from kernel.db.locks import lock_row
from kernel.db.uow import Transact, UnitOfWork
from kernel.jobs.context import JobClaim
from kernel.jobs.kinds import call, sweep
from kernel.jobs.outbox import enqueue

ASK: Final = "billing.account.ask"
"""Kind of the job; its payload names the row."""
SWEEP: Final = "billing.accounts.due"
_BATCH: Final = 100


@dataclass(frozen=True, slots=True)
class AccountQuestion:
    """Which account to ask about; without a reference it is opened, which the same key does once."""

    account_id: UUID
    gateway: str
    reference: str | None
    request: AccountRequest


@dataclass(frozen=True, slots=True)
class AccountSaid:
    """An answer, or why there is none."""

    answer: AccountAnswer | None = None
    trouble: str | None = None


def question_about(row: ConnectedAccount) -> AccountQuestion:
    """What to ask about a row."""
    return AccountQuestion(row.id, row.gateway, row.reference, account_request(row))


def ask_gateway(gateways: Gateways, question: AccountQuestion) -> AccountSaid:
    """Open the account or look it up. Called with no transaction open."""
    gateway = gateways.get(question.gateway)
    if gateway is None or gateway.accounts is None:
        return AccountSaid(trouble="gateway_unknown")
    try:
        if question.reference is None:
            return AccountSaid(gateway.accounts.open(question.request))
        return AccountSaid(gateway.accounts.look_up(question.reference))
    except GatewayRefused as refused:
        return AccountSaid(trouble=refused.code)
    except NotReached:
        return AccountSaid(trouble="not_reached")
    except OutcomeUnknown:
        return AccountSaid(trouble="unknown")


def conclude_question(uow: UnitOfWork, account_id: UUID, said: AccountSaid) -> None:
    """Take over what the gateway said, or note that it said nothing."""
    if said.answer is not None:
        apply_answer(uow, account_id, said.answer)
        return
    row = lock_row(uow.session, ConnectedAccount, account_id)
    if row is not None:
        row.trouble, row.next_check_at = said.trouble, clock.now() + CHECK_SOON
        uow.flush()


class AskAccount:
    """The steps of the job."""

    def __init__(self, gateways: Gateways) -> None:
        self._gateways = gateways

    def prepare(self, uow: UnitOfWork, claim: JobClaim) -> AccountQuestion | None:
        """Find what to ask."""
        row = lock_row(uow.session, ConnectedAccount, UUID(claim.payload["account_id"]))
        if row is None or row.state == "closed":
            return None
        row.next_check_at = clock.now() + CHECK_SOON
        return question_about(row)

    def call(self, request: AccountQuestion) -> AccountSaid:
        """Ask."""
        return ask_gateway(self._gateways, request)

    def conclude(self, uow: UnitOfWork, claim: JobClaim, request: AccountQuestion, answer: AccountSaid) -> None:
        """Apply what was said."""
        conclude_question(uow, request.account_id, answer)


def ask_by_reference(uow: UnitOfWork, gateway: str, reference: str) -> UUID | None:
    """A webhook says that this account changed: let a job ask. Returns its id, None when it is nobody's here."""
    row_id = uow.session.scalar(
        select(ConnectedAccount.id).where(ConnectedAccount.gateway == gateway, ConnectedAccount.reference == reference)
    )
    if row_id is not None:
        enqueue(uow, ASK, {"account_id": str(row_id)}, dedupe_key=str(row_id))
    return row_id


def register(gateways: Gateways) -> None:
    """Register the job and the sweep over accounts that are due to be asked about."""
    call(ASK)(AskAccount(gateways))

    @sweep(SWEEP, every=timedelta(minutes=5))
    def ask_due(transact: Transact) -> None:
        transact(_enqueue_due)


def _enqueue_due(uow: UnitOfWork) -> None:
    due = (
        select(ConnectedAccount.id)
        .where(ConnectedAccount.next_check_at <= clock.now(), ConnectedAccount.state != "closed")
        .order_by(ConnectedAccount.next_check_at)
        .limit(_BATCH)
    )
    for row_id in uow.session.scalars(due):
        enqueue(uow, ASK, {"account_id": str(row_id)}, dedupe_key=str(row_id))
