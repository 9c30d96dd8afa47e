"""The sandbox's bank: accounts to which no bank can send money, for markets that move none.

Their numbers begin with `SBX`. No account number of a country does: an IBAN has two digits after its country's letters
(ISO 13616-1 §5), and numbers of CNAPS are digits. What was paid there was paid with the sandbox's money: documents say so,
and only those may have a number that the sandbox's issuer of tax invoices draws.
"""

from __future__ import annotations

from typing import Final
from uuid import UUID

from sqlalchemy import ColumnElement, exists, func, or_, select
from sqlalchemy.orm import InstrumentedAttribute, aliased

from billing.bank.models import BANK_TRANSFER, BankAccount, BankTransfer
from billing.credit_lines.models import ON_ACCOUNT
from billing.gateways.sandbox import NAME as SANDBOX
from billing.payments.models import Payment
from kernel.db.uow import UnitOfWork

PREFIX: Final = "SBX"
SANDBOX_NUMBER: Final = f"{PREFIX}6222000000000210"
"""Of the account that the sample market has."""
# Under names of their own: whoever asks may read transfers, too.
_transfer, _account = aliased(BankTransfer), aliased(BankAccount)


def is_at_sandbox_bank(account_number: str) -> bool:
    """Whether an account is one to which nobody can send money."""
    return account_number.startswith(PREFIX)


def is_played(uow: UnitOfWork, payment: Payment) -> bool:
    """As `was_played`, of one payment."""
    if payment.gateway not in (BANK_TRANSFER, ON_ACCOUNT):
        return payment.gateway == SANDBOX
    own = select(was_played(Payment.gateway, Payment.payer_org_id, Payment.id)).where(Payment.id == payment.id)
    return uow.session.scalar(own) is True


def was_played(
    gateway: InstrumentedAttribute[str],
    payer_org_id: InstrumentedAttribute[UUID],
    payment_id: InstrumentedAttribute[UUID] | InstrumentedAttribute[UUID | None],
) -> ColumnElement[bool]:
    """Whether a payment was, or is to be, made with the sandbox's money: through its gateway, or to an account of its bank."""
    to_its_bank = exists().where(
        _transfer.payer_org_id == payer_org_id,
        _transfer.payment_id == payment_id,
        _account.id == _transfer.account_id,
        func.starts_with(_account.account_number, PREFIX),
    )
    return or_(gateway == SANDBOX, to_its_bank)
