"""Whether a party can be paid to its account, and if not, why: the one place that decides it."""

from __future__ import annotations

from datetime import datetime
from typing import Literal
from uuid import UUID

from kernel import audit, clock
from kernel.db.locks import lock_row
from kernel.db.uow import UnitOfWork
from kernel.errors import Conflict, Invalid, NotFound
from marketplace.onboarding.bank_details import same_holder
from marketplace.onboarding.models import PayoutAccount
from marketplace.onboarding.save_payout_account import BANK, find_locked_account
from marketplace.parties.lookups import get_party

Trouble = Literal["missing", "held", "holder_differs"]
"""Why nothing is paid: there is no account, it has just been changed, or its holder is called otherwise than the party."""


def trouble_of(account: PayoutAccount | None, legal_name: str, now: datetime) -> Trouble | None:
    """What stands against paying a party to its present account."""
    if account is None:
        return "missing"
    if account.held_until is not None and account.held_until > now:
        return "held"
    if account.rail == BANK and account.name_confirmed_at is None and not same_holder(account.holder, legal_name):
        return "holder_differs"
    return None


def lock_payable_account(uow: UnitOfWork, org_id: UUID, currency: str) -> PayoutAccount:
    """The account to which a party is to be paid, locked against its being replaced meanwhile.

    Raises:
        Invalid: `payout_account_missing`.
        Conflict: `payout_account_held`, `payout_holder_differs`.
    """
    account = find_locked_account(uow, org_id, currency)
    trouble = trouble_of(account, get_party(uow, org_id).legal_name, clock.now())
    if account is None:
        raise Invalid("payout_account_missing", field="destination")
    if trouble == "held" and account.held_until is not None:
        raise Conflict("payout_account_held", until=account.held_until.isoformat(timespec="minutes"))
    if trouble is not None:
        raise Conflict("payout_holder_differs")
    return account


def confirm_holder(uow: UnitOfWork, account_id: UUID) -> None:
    """Take an account whose holder is called otherwise (a bank's abbreviation, a former name) for the party's own.

    Raises: Forbidden `permission_missing` without operator.payouts, `person_required` for keys. NotFound
        `payout_account_not_found`: it is none, or another replaced it.
    Idempotent by: the account.
    """
    uow.principal.require("operator.payouts")
    person_id = uow.principal.person()
    account = lock_row(uow.session, PayoutAccount, account_id)
    if account is None or account.replaced_at is not None:
        raise NotFound("payout_account_not_found")
    if account.name_confirmed_at is None:
        account.name_confirmed_at, account.name_confirmed_by = clock.now(), person_id
        audit.record(uow, "payout_account.holder_confirmed", subject_id=account.id)
