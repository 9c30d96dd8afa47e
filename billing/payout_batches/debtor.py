"""The platform's own accounts, from which payouts by bank go out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from kernel.errors import Conflict, DomainError
from marketplace.onboarding.bank_details import checked_numbers

SANDBOX_DEBTORS: Final = "* CN 6222000000000210 102100099996"
"""Where nothing was set in a sandbox. Its files are marked, and pay nobody."""
_WORDS = range(3, 5)


@dataclass(frozen=True, slots=True)
class DebtorAccount:
    """One of them, in the stored form of `checked_numbers`."""

    country: str
    account: str
    bank_code: str


def debtor_of(accounts: str, currency: str) -> DebtorAccount:
    """The account for payouts in `currency`, as the setting `PAYOUT_BANK_ACCOUNTS` names it: `CURRENCY COUNTRY ACCOUNT BANKCODE`
    for each, separated by semicolons; `*` stands for any currency.

    Raises:
        Conflict: `payout_debtor_missing`: none is named for it, or it is no account.
    """
    for entry in accounts.split(";"):
        words = entry.split()
        if len(words) in _WORDS and words[0] in {currency, "*"}:
            country, account, bank_code = (*words[1:], "")[:3]
            try:
                numbers = checked_numbers(country, account, bank_code)
            except DomainError as error:
                raise Conflict("payout_debtor_missing", currency=currency) from error
            return DebtorAccount(country, numbers.account, numbers.bank_code)
    raise Conflict("payout_debtor_missing", currency=currency)
