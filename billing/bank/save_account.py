"""The platform's own bank accounts: which there are, and to which buyers pay."""

from __future__ import annotations

import re
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select
from stdnum import bic, iban

from billing.bank.models import BankAccount, BankLine
from billing.bank.sandbox_bank import PREFIX, is_at_sandbox_bank
from billing.bank.settle_line import MANAGE
from billing.bank.statements.model import is_currency
from kernel import audit, clock
from kernel.db.locks import lock_row
from kernel.db.uow import UnitOfWork
from kernel.errors import Conflict, Invalid, NotFound
from kernel.ids import uuid7
from kernel.text import plain_text

_CODE = re.compile(r"[a-z0-9][a-z0-9-]{1,30}")
_NUMBER = re.compile(r"[A-Z0-9]{5,34}")
_IBAN = re.compile(r"[A-Z]{2}[0-9]{2}[A-Z0-9]+")
_VIRTUAL = re.compile(r"[0-9]{0,20}")
_CLEARING = re.compile(r"[0-9]{6}|[0-9]{7,9}|[0-9]{12}|[A-Z]{4}0[A-Z0-9]{6}")
"""Sort code or BSB; Zengin's, the Bankleitzahl, and the routing number of the American Bankers Association; CNAPS; IFSC."""


@dataclass(frozen=True, slots=True)
class SaveBankAccount:
    """An account, new without an id. Currency, code and number of one that has lines never change."""

    code: str
    currency: str
    holder: str
    bank_name: str
    account_number: str
    bank_code: str = ""
    virtual_prefix: str = ""
    term_days: int = 30
    is_offered: bool = True
    account_id: UUID | None = None


def save_bank_account(uow: UnitOfWork, command: SaveBankAccount, *, plays: bool = False) -> BankAccount:
    """Add an account, or change what payers are told of it. `plays`: nothing but the sandbox's money is taken here, to its bank.

    Raises: Forbidden `permission_missing` without operator.payouts; NotFound; Invalid `validation_failed`,
    `bank_account_not_sandbox`, `bank_account_is_sandbox`; Conflict `bank_account_code_taken`, `bank_account_currency_taken`
    (another is offered), `bank_account_in_use`. What looks like an IBAN has its check digits: buyers are told the number, and
    their banks refuse another.
    """
    uow.principal.require(MANAGE)
    number = re.sub(r"[\s-]", "", command.account_number).upper()
    bank_code = re.sub(r"[\s-]", "", plain_text(command.bank_code)).upper()
    code, currency = command.code.strip().lower(), command.currency.strip().upper()
    texts = {"holder": plain_text(command.holder), "bank_name": plain_text(command.bank_name)}
    checks = {
        "code": bool(_CODE.fullmatch(code)),
        "currency": is_currency(currency),
        "account_number": bool(_NUMBER.fullmatch(number)) and (not _IBAN.fullmatch(number) or iban.is_valid(number)),
        "bank_code": not bank_code or bool(_CLEARING.fullmatch(bank_code)) or bic.is_valid(bank_code),
        # Digits alone might be somebody's account.
        "virtual_prefix": bool(_VIRTUAL.fullmatch(command.virtual_prefix))
        and not (command.virtual_prefix and is_at_sandbox_bank(number)),
        "term_days": 1 <= command.term_days <= 90,
        **{name: 0 < len(value) <= 200 for name, value in texts.items()},
    }
    for name, is_right in checks.items():
        if not is_right:
            raise Invalid("validation_failed", field=name)
    if is_at_sandbox_bank(number) != plays:
        code_of_refusal = "bank_account_not_sandbox" if plays else "bank_account_is_sandbox"
        raise Invalid(code_of_refusal, field="account_number", prefix=PREFIX)
    values = {
        "code": code,
        "currency": currency,
        **texts,
        "account_number": number,
        "bank_code": bank_code,
        "virtual_prefix": command.virtual_prefix,
        "term_days": command.term_days,
        "is_offered": command.is_offered,
    }
    if command.account_id is None:
        row = BankAccount(id=uuid7(), **values, opening_minor=None, balance_minor=0, created_at=clock.now())
        uow.add(row)
    else:
        row = _change(uow, command.account_id, values)
    uow.flush()
    audit.record(uow, "bank_account.saved", subject_id=row.id, code=code, currency=currency)
    return row


def _change(uow: UnitOfWork, account_id: UUID, values: dict[str, object]) -> BankAccount:
    found = lock_row(uow.session, BankAccount, account_id)
    if found is None:
        raise NotFound("not_found")
    same = (found.code, found.currency.strip()) == (values["code"], values["currency"])
    if not same:
        # The ledger's account is named after them.
        raise Conflict("bank_account_in_use")
    if found.account_number != values["account_number"] and _has_lines(uow, account_id):
        # Its statements are of the old number; another one is another account.
        raise Conflict("bank_account_in_use")
    for name, value in values.items():
        setattr(found, name, value)
    return found


def _has_lines(uow: UnitOfWork, account_id: UUID) -> bool:
    return uow.session.scalar(select(BankLine.id).where(BankLine.account_id == account_id).limit(1)) is not None
