"""Where a party is paid: its bank account, whole and sealed."""

from __future__ import annotations

from dataclasses import dataclass, field

from sqlalchemy import select

from kernel import audit, clock
from kernel.db.uow import UnitOfWork
from kernel.errors import Invalid
from kernel.ids import uuid7
from kernel.money import CURRENCIES
from kernel.secrets import SecretBox, SecretUnreadable
from marketplace.input_text import line
from marketplace.onboarding.bank_details import BankNumbers, checked_numbers
from marketplace.onboarding.checklist import find_locked_checklist, mark_done
from marketplace.onboarding.models import PayoutAccount
from marketplace.parties.places import checked_country


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

    Of a seller, the step of the checklist is done.

    Raises:
        Invalid: `currency_unknown`, `country_invalid`, `text_required`, `text_too_long`, `payout_account_invalid`,
            `payout_bank_code_invalid`.
        Conflict: `payout_account_changed`: somebody else changed it at the same moment.

    Locks: the checklist, then the account that is replaced.
    """
    org_id = uow.principal.organization()
    if command.currency not in CURRENCIES:
        raise Invalid("currency_unknown", field="currency")
    country = checked_country(command.country)
    holder, bank_name = line("holder", command.holder), line("bank_name", command.bank_name)
    numbers = checked_numbers(country, command.account, command.bank_code)
    checklist = find_locked_checklist(uow, org_id)
    current = uow.session.scalar(
        select(PayoutAccount)
        .where(
            PayoutAccount.org_id == org_id,
            PayoutAccount.currency == command.currency,
            PayoutAccount.replaced_at.is_(None),
        )
        .with_for_update()
    )
    said = (country, holder, bank_name, numbers)
    if current is not None and _said(current, box) == said:
        return current
    now = clock.now()
    if current is not None:
        current.replaced_at = now
        uow.flush()
    row = PayoutAccount(
        id=uuid7(),
        org_id=org_id,
        currency=command.currency,
        country=country,
        holder=holder,
        bank_name=bank_name,
        bank_code=numbers.bank_code,
        account_last4=numbers.last4,
        added_by=uow.principal.accountable_id,
        replaced_at=None,
        created_at=now,
    )
    row.account_sealed = box.seal(numbers.account.encode(), sealing_context(row))
    uow.session.add(row)
    uow.flush()
    audit.record(uow, "payout_account.saved", subject_id=row.id, currency=command.currency)
    if checklist is not None:
        mark_done(uow, checklist, "bank")
    return row


def open_account(row: PayoutAccount, box: SecretBox) -> str:
    """The account's number, whole."""
    return box.open(row.account_sealed, sealing_context(row)).decode()


def sealing_context(row: PayoutAccount) -> str:
    """What the number is sealed to: its own row, and the organization it belongs to."""
    return f"payout_account:{row.org_id}:{row.id}"


def _said(row: PayoutAccount, box: SecretBox) -> tuple[str, str, str, BankNumbers] | None:
    """What is stored, to be compared; None when its key was lost: then whatever is said is new."""
    try:
        return row.country, row.holder, row.bank_name, BankNumbers(open_account(row, box), row.bank_code)
    except SecretUnreadable:
        return None
