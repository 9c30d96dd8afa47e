"""What `market verify` reads of bank transfers: money that matched, that waits, that goes back and that was sent."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select

from billing.bank.ask_return import approve_return, ask_return
from billing.bank.gateway import TOKEN
from billing.bank.import_statement import ImportStatement, import_statement
from billing.bank.models import BANK_TRANSFER, BankLine, BankTransfer
from billing.bank.save_account import SaveBankAccount, save_bank_account
from billing.bank.settle_line import ReturnMoney
from billing.credit_lines.decide import GrantCreditLine, grant_credit_line
from billing.credit_lines.models import ON_ACCOUNT
from billing.on_account.dun_payers import SWEEP_DUNNING
from billing.on_account.gateway import TOKEN as TERMS
from kernel.db.uow import unit_of_work
from kernel.principal import SYSTEM
from marketplace.parties.lookups import find_default_billing_profile
from orders.checkout.create_quote import CreateQuote, QuoteItem, create_quote
from orders.checkout.place_purchase import PlacePurchase, place_purchase
from orders.order.models import Order
from tests.bank_files import ACCOUNT, Entry, generic
from tests.bank_payouts import SECOND_OPERATOR
from tests.factories_billing import OPERATOR, do_sweep

if TYPE_CHECKING:
    from tests.verify_world import MarketStage


class NoPaper:
    """Stands where the PDF process stands."""

    def render(self, document: object, timeout_s: float) -> bytes:
        """Some file."""
        return b"%PDF"


def pay_by_transfer(stage: MarketStage) -> None:
    """One purchase is paid by a statement, one waits; of money that nobody knows a part goes back, and a part waits."""
    with unit_of_work(stage.db, SYSTEM) as uow:
        account_id = save_bank_account(uow, SaveBankAccount("verify", "CNY", "平台", "银行", ACCOUNT)).id
    codes = [_buy(stage) for _ in range(2)]
    with unit_of_work(stage.db, SYSTEM) as uow:
        asked = uow.session.scalars(select(BankTransfer).where(BankTransfer.remark_code == codes[0])).one()
        entries = [Entry(asked.amount_minor, codes[0], reference="V1"), Entry(900, "?", name="Nobody", reference="V2")]
    with unit_of_work(stage.db, SYSTEM) as uow:
        report = import_statement(uow, ImportStatement(account_id, "verify.csv", generic(entries)))
        assert [line.outcome for line in report.lines] == ["matched", "unknown_payer"]
    with unit_of_work(stage.db, OPERATOR) as uow:
        unknown = uow.session.scalars(select(BankLine).where(BankLine.open_minor > 0)).one()
        assert ask_return(uow, ReturnMoney(unknown.id, 300, "not ours"), 3) is None
        waiting = ask_return(uow, ReturnMoney(unknown.id, 100, "not ours either"), 3)
        assert waiting is not None
    with unit_of_work(stage.db, SECOND_OPERATOR) as uow:
        approve_return(uow, waiting.id)
    stage.keep_running()


def owe_on_account(stage: MarketStage) -> None:
    """Of purchases on account one is paid, one is owed, and of one a part was refunded before it is paid."""
    with unit_of_work(stage.db, SYSTEM) as uow:
        grant_credit_line(uow, GrantCreditLine(stage.buyer.id, "CNY", 10_000_000, 3, "long known"))
    codes = [_buy(stage, ON_ACCOUNT, TERMS) for _ in range(3)]
    with unit_of_work(stage.db, SYSTEM) as uow:
        paid, _, partly = (
            uow.session.scalars(select(BankTransfer).where(BankTransfer.remark_code == code)).one() for code in codes
        )
        account_id, entry = paid.account_id, Entry(paid.amount_minor, codes[0], reference="V3")
        order_id = uow.session.scalars(select(Order.id).where(Order.payment_id == partly.payment_id)).one()
    with unit_of_work(stage.db, SYSTEM) as uow:
        report = import_statement(uow, ImportStatement(account_id, "verify-2.csv", generic([entry])))
        assert [line.outcome for line in report.lines] == ["matched"]
    stage.refund(order_id, 1_000)
    do_sweep(stage.db, SWEEP_DUNNING)
    stage.keep_running()


def _buy(stage: MarketStage, gateway: str = BANK_TRANSFER, token: str = TOKEN) -> str:
    """Returns the code that the payer was told."""
    with unit_of_work(stage.db, stage.buyer.owner) as uow:
        quote = create_quote(uow, CreateQuote((QuoteItem(stage.seats.id, 2),)))
    with unit_of_work(stage.db, stage.buyer.owner) as uow:
        profile = find_default_billing_profile(uow, stage.buyer.id)
        assert profile is not None
        place_purchase(uow, PlacePurchase(quote.id, profile.id, gateway, token))
    stage.keep_running()
    with unit_of_work(stage.db, SYSTEM) as uow:
        codes = uow.session.scalars(select(BankTransfer.remark_code).order_by(BankTransfer.id.desc()))
        return codes.first() or ""
