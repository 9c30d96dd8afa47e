"""Believe a gateway about a party's account: the one place where it takes its state, and where the checklist follows."""

from __future__ import annotations

from datetime import timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import exists, select

from billing.connected_accounts.events import GatewayAccountEnabled
from billing.connected_accounts.models import CONNECTED_ACCOUNT, ConnectedAccount
from billing.gateways.accounts import AccountAnswer
from kernel import audit, clock
from kernel.db.locks import lock_row
from kernel.db.uow import UnitOfWork
from kernel.jobs.outbox import emit
from marketplace.onboarding.checklist import find_locked_checklist, mark_done
from marketplace.onboarding.models import PayoutAccount

CHECK_AGAIN: Final = {"enabled": timedelta(days=1), "closed": timedelta(days=3650)}
CHECK_SOON: Final = timedelta(hours=1)


def apply_answer(uow: UnitOfWork, account_id: UUID, answer: AccountAnswer) -> None:
    """Bring an account to where the gateway says it is. Once it can be paid, the step of a seller's checklist is done; what the
    gateway restricts later holds money and takes the step back from nobody.

    Emits: GatewayAccountEnabled, where its party's payouts do not go there yet.
    Locks: the account, then the checklist. Idempotent by: the account's state.
    """
    account = lock_row(uow.session, ConnectedAccount, account_id)
    if account is None or account.state == "closed":
        return
    was = account.state
    account.reference = answer.reference
    account.charges_enabled, account.payouts_enabled = answer.charges_enabled, answer.payouts_enabled
    account.capabilities, account.requirements = dict(answer.capabilities), list(answer.requirements)
    account.disabled_reason, account.trouble = answer.disabled_reason[:200], None
    if answer.balance is not None:
        account.balance = dict(answer.balance)
    account.asked_at = clock.now()
    state = _state(answer, was)
    account.next_check_at = account.asked_at + CHECK_AGAIN.get(state, CHECK_SOON)
    uow.flush()
    if not CONNECTED_ACCOUNT.move(uow, account, state, org_ids=[account.org_id], reason=answer.disabled_reason or None):
        return
    audit.record(uow, "connected_account.changed", subject_id=account.id, was=was, now=state)
    checklist = find_locked_checklist(uow, account.org_id) if state == "enabled" else None
    if checklist is not None:
        mark_done(uow, checklist, "bank")
    if state == "enabled" and not _is_chosen(uow, account):
        emit(uow, GatewayAccountEnabled(account_id=account.id, org_id=account.org_id, gateway=account.gateway))
    uow.flush()


def _is_chosen(uow: UnitOfWork, account: ConnectedAccount) -> bool:
    chosen = exists().where(
        PayoutAccount.org_id == account.org_id,
        PayoutAccount.rail == account.gateway,
        PayoutAccount.gateway_account == account.reference,
        PayoutAccount.replaced_at.is_(None),
    )
    return bool(uow.session.scalar(select(chosen)))


def _state(answer: AccountAnswer, was: str) -> str:
    if answer.is_closed:
        return "closed"
    if answer.is_payable:
        return "enabled"
    return "restricted" if answer.submitted or was in {"enabled", "restricted"} else "onboarding"
