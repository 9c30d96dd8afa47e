"""Where a party is paid: its account at a bank or a gateway, whole and sealed."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import select

from kernel import audit, clock
from kernel.db.uow import UnitOfWork
from kernel.errors import Invalid
from kernel.ids import uuid7
from kernel.jobs.outbox import emit
from kernel.money import CURRENCIES
from kernel.secrets import SecretBox, SecretUnreadable
from marketplace.input_text import line
from marketplace.onboarding.bank_details import BankNumbers, checked_numbers
from marketplace.onboarding.checklist import find_locked_checklist, mark_done
from marketplace.onboarding.events import PayoutAccountReplaced
from marketplace.onboarding.models import PayoutAccount
from marketplace.parties.lookups import get_party
from marketplace.parties.places import checked_country
from marketplace.parties.require_company import require_company

BANK: Final = "bank"
"""The rail of accounts at banks; every other rail is called as its gateway."""
HOLD: Final = timedelta(hours=48)
"""How long nothing is paid to an account that replaced another."""


@dataclass(frozen=True, slots=True)
class SavePayoutAccount:
    """The account for payouts in one currency. What `bank_code` is depends on the bank's country."""

    currency: str
    country: str
    holder: str
    bank_name: str
    account: str = field(repr=False)
    bank_code: str = ""


def save_payout_account(uow: UnitOfWork, command: SavePayoutAccount, box: SecretBox) -> PayoutAccount:
    """Let payouts in this currency go there from now on. The same account again changes nothing.

    Of a seller, the step of the checklist is done. An account that replaces another is held for 48 hours, so that a payout
    never follows a stolen password: the owners read of it in time.

    Raises:
        Invalid: `currency_unknown`, `country_invalid`, `text_required`, `text_too_long`, `payout_account_invalid`,
            `payout_bank_code_invalid`.
        Conflict: `payout_account_changed`: somebody else changed it at the same moment; `circle_is_no_company`.

    Emits: PayoutAccountReplaced, where there was another.
    Locks: the checklist, then the account that is replaced.
    """
    org_id = uow.principal.organization()
    require_company(uow)
    if command.currency not in CURRENCIES:
        raise Invalid("currency_unknown", field="currency")
    country = checked_country(command.country)
    holder, bank_name = line("holder", command.holder), line("bank_name", command.bank_name)
    numbers = checked_numbers(country, command.account, command.bank_code)
    checklist = find_locked_checklist(uow, org_id)
    current = find_locked_account(uow, org_id, command.currency)
    said = (BANK, country, holder, bank_name, numbers)
    if current is not None and _said(current, box) == said:
        return current
    row = PayoutAccount(
        id=uuid7(),
        org_id=org_id,
        currency=command.currency,
        country=country,
        holder=holder,
        bank_name=bank_name,
        bank_code=numbers.bank_code,
        account_last4=numbers.last4,
        rail=BANK,
    )
    _replace(uow, current, row, numbers.account, box)
    if checklist is not None:
        mark_done(uow, checklist, "bank")
    return row


@dataclass(frozen=True, slots=True)
class UseGatewayAccount:
    """Be paid in a currency through a gateway, to the account that it calls `account`."""

    currency: str
    gateway: str
    account: str = field(repr=False)


def use_gateway_account(uow: UnitOfWork, command: UseGatewayAccount, box: SecretBox) -> PayoutAccount:
    """Let payouts in this currency go to an account at a gateway from now on. The same account again changes nothing.

    Raises:
        Invalid: `currency_unknown`, `text_required`, `text_too_long`.
        Conflict: `payout_account_changed`: somebody else changed it at the same moment; `circle_is_no_company`.

    Locks: the checklist, then the account that is replaced.
    """
    org_id = uow.principal.organization()
    require_company(uow)
    if command.currency not in CURRENCIES:
        raise Invalid("currency_unknown", field="currency")
    account = line("account", command.account)
    checklist = find_locked_checklist(uow, org_id)
    current = find_locked_account(uow, org_id, command.currency)
    party = get_party(uow, org_id)
    said = (command.gateway, party.country, party.legal_name, "", BankNumbers(account, ""))
    if current is not None and _said(current, box) == said:
        return current
    row = PayoutAccount(
        id=uuid7(),
        org_id=org_id,
        currency=command.currency,
        country=party.country,
        holder=party.legal_name,
        bank_name="",
        bank_code="",
        account_last4=account[-4:],
        rail=command.gateway,
        gateway_account=account,
    )
    _replace(uow, current, row, account, box)
    if checklist is not None:
        mark_done(uow, checklist, "bank")
    return row


def find_locked_account(uow: UnitOfWork, org_id: UUID, currency: str) -> PayoutAccount | None:
    """The present account of a party in a currency, locked against its being replaced."""
    statement = (
        select(PayoutAccount)
        .where(PayoutAccount.org_id == org_id, PayoutAccount.currency == currency, PayoutAccount.replaced_at.is_(None))
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    # Whoever waited for a replacement finds the old row replaced and the new one only when it looks again.
    return uow.session.scalar(statement) or uow.session.scalar(statement)


def _replace(uow: UnitOfWork, current: PayoutAccount | None, row: PayoutAccount, account: str, box: SecretBox) -> None:
    """Write the new account. Payouts to one that replaces another are held, and its party's owners are told."""
    now = clock.now()
    row.account_sealed = box.seal(account.encode(), sealing_context(row))
    row.added_by = uow.principal.accountable_id
    row.created_at = now
    if current is not None:
        current.replaced_at = now
        row.held_until = now + HOLD
        uow.flush()
    uow.session.add(row)
    uow.flush()
    if current is not None:
        emit(
            uow,
            PayoutAccountReplaced(
                account_id=row.id,
                org_id=row.org_id,
                currency=row.currency,
                account_last4=row.account_last4,
                held_until=now + HOLD,
            ),
        )
    audit.record(uow, "payout_account.saved", subject_id=row.id, currency=row.currency)


def open_account(row: PayoutAccount, box: SecretBox) -> str:
    """The account's number, whole."""
    return box.open(row.account_sealed, sealing_context(row)).decode()


def sealing_context(row: PayoutAccount) -> str:
    """What the number is sealed to: its own row, and the organization it belongs to."""
    return f"payout_account:{row.org_id}:{row.id}"


def _said(row: PayoutAccount, box: SecretBox) -> tuple[str, str, str, str, BankNumbers] | None:
    """What is stored, to be compared; None when its key was lost: then whatever is said is new."""
    try:
        return row.rail, row.country, row.holder, row.bank_name, BankNumbers(open_account(row, box), row.bank_code)
    except SecretUnreadable:
        return None
