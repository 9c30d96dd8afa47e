"""What goes by bank in a market's past: the platform's account, who may owe, and what the bank's files tell."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from uuid import UUID
from zlib import crc32

from sqlalchemy import select

from app.sample.history.acts import Banking
from app.sample.history.bank_acts import GiveCredit, OpenBankAccount, TellOfStranger, TellOfTransfer
from app.sample.history.world import PARTICIPANTS, World
from billing.bank.import_statement import ImportStatement, import_statement
from billing.bank.models import BankAccount, BankTransfer
from billing.bank.sandbox_bank import PREFIX, SANDBOX_NUMBER
from billing.bank.save_account import SaveBankAccount, save_bank_account
from billing.credit_lines.decide import GrantCreditLine, grant_credit_line
from billing.payments.models import Payment
from kernel import clock
from kernel.db.uow import UnitOfWork
from kernel.money import to_decimal
from kernel.principal import Principal
from orders.checkout.models import Purchase

ZONE = "Asia/Shanghai"
ACCOUNT = SaveBankAccount("sandbox", "CNY", "沙箱平台备付金", "沙箱银行", SANDBOX_NUMBER, term_days=14)
_COLUMNS = ("Date", "Amount", "Payer", "Account", "Remark", "Bank reference")
Work = Callable[[UnitOfWork], object]


def banked(world: World, act: Banking) -> tuple[Principal, Work]:
    """Who does it, and its transaction: all of it is the operator's."""
    match act:
        case OpenBankAccount():
            return world.operator, lambda uow: save_bank_account(uow, ACCOUNT, plays=True)
        case GiveCredit():
            command = GrantCreditLine(world.org_id(act.buyer), "CNY", act.limit_minor, act.term_days, act.reason)
            return world.operator, lambda uow: grant_credit_line(uow, command)
        case TellOfTransfer():
            return world.operator, _transfer(world.org_id(act.buyer), act)
        case TellOfStranger():
            return world.operator, lambda uow: _tell(uow, act.name, act.remark, act.amount_minor)
    raise ValueError(act)


def _transfer(buyer_id: UUID, act: TellOfTransfer) -> Work:
    def work(uow: UnitOfWork) -> None:
        asked = uow.session.scalars(
            select(BankTransfer)
            .join(Payment, Payment.id == BankTransfer.payment_id)
            .join(Purchase, Purchase.id == Payment.reference)
            .where(Purchase.buyer_org_id == buyer_id, Purchase.po_number == act.po_number)
        ).one()
        _tell(uow, PARTICIPANTS[act.buyer].legal_name, f"货款 {asked.remark_code}", asked.missing_minor)

    return work


def _tell(uow: UnitOfWork, name: str, remark: str, amount_minor: int) -> None:
    """A file of one entry, of today."""
    account_id = uow.session.scalars(select(BankAccount.id).where(BankAccount.code == ACCOUNT.code)).one()
    written, now = io.StringIO(), clock.now()
    rows = csv.writer(written, delimiter=";")
    amount, reference = to_decimal(amount_minor, "CNY"), f"{now:%y%m%d%H%M%S}"
    number = f"{PREFIX}{crc32(name.encode()):016d}"
    rows.writerows([_COLUMNS, (clock.today(ZONE), amount, name, number, remark, reference)])
    report = import_statement(uow, ImportStatement(account_id, f"{now:%Y-%m-%d}.csv", written.getvalue().encode()))
    if report.faults:
        raise ValueError(report.faults)
