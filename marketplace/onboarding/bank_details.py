"""What a transfer to a bank account needs, by the bank's country, checked as far as the number itself tells.

IBAN: ISO 13616 with its check digits, in the countries of the SEPA schemes (EPC409-09) but the United Kingdom, where
transfers name sort code and account. Elsewhere: China's CNAPS number of the branch, the ABA routing number of the United
States with its check digit, a BIC (ISO 9362) for all others.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import Literal

from stdnum import bic, iban
from stdnum.exceptions import ValidationError
from stdnum.us import rtn

from kernel.errors import Invalid

Scheme = Literal["cn", "iban", "us", "gb", "other"]
IBAN_COUNTRIES = frozenset(
    "AD AT BE BG CH CY CZ DE DK EE ES FI FR GR HR HU IE IS IT LI LT LU LV MC MT NL NO PL PT RO SE SI SK SM VA".split()
)
_ACCOUNTS: dict[Scheme, re.Pattern[str]] = {
    "cn": re.compile(r"[0-9]{8,30}"),
    "us": re.compile(r"[0-9]{4,17}"),
    "gb": re.compile(r"[0-9]{8}"),
    "other": re.compile(r"[0-9A-Z]{4,34}"),
}
_CODES: dict[Scheme, re.Pattern[str]] = {"cn": re.compile(r"[0-9]{12}"), "gb": re.compile(r"[0-9]{6}")}


@dataclass(frozen=True, slots=True)
class BankNumbers:
    """Account and bank as they are stored: without blanks, in capitals."""

    account: str
    bank_code: str

    @property
    def last4(self) -> str:
        """What people recognise an account by."""
        return self.account[-4:]


def scheme_of(country: str) -> Scheme:
    """Which numbers a transfer to a bank in this country names."""
    if country in IBAN_COUNTRIES:
        return "iban"
    known: dict[str, Scheme] = {"CN": "cn", "US": "us", "GB": "gb"}
    return known.get(country, "other")


def checked_numbers(country: str, account: str, bank_code: str) -> BankNumbers:
    """Account and bank in their stored form.

    Raises:
        Invalid: `payout_account_invalid`, `payout_bank_code_invalid`: it does not fit the scheme of the country.
    """
    scheme = scheme_of(country)
    plain, code = _compact(account), _compact(bank_code)
    try:
        if scheme == "iban":
            plain = str(iban.validate(plain))
            if not plain.startswith(country):
                raise Invalid("payout_account_invalid", field="account")
        elif not _ACCOUNTS[scheme].fullmatch(plain):
            raise Invalid("payout_account_invalid", field="account")
    except ValidationError as error:
        raise Invalid("payout_account_invalid", field="account") from error
    return BankNumbers(plain, _checked_code(scheme, code))


def _checked_code(scheme: Scheme, code: str) -> str:
    try:
        if scheme == "us":
            return str(rtn.validate(code))
        if scheme == "other" or (scheme == "iban" and code):
            return str(bic.validate(code))
    except ValidationError as error:
        raise Invalid("payout_bank_code_invalid", field="bank_code") from error
    if scheme in _CODES and not _CODES[scheme].fullmatch(code):
        raise Invalid("payout_bank_code_invalid", field="bank_code")
    return code


def _compact(text: str) -> str:
    """Without the blanks and dashes people group numbers by; full-width characters as their plain ones (Unicode's NFKC)."""
    return re.sub(r"[\s./-]", "", unicodedata.normalize("NFKC", text)).upper()


def same_holder(holder: str, legal_name: str) -> bool:
    """Whether an account's holder is the organization, as banks compare names: letters and digits alone, widths and cases
    alike. An abbreviation is another name.
    """
    return bool(_letters(holder)) and _letters(holder) == _letters(legal_name)


def _letters(name: str) -> str:
    return "".join(one for one in unicodedata.normalize("NFKC", name).casefold() if one.isalnum())
