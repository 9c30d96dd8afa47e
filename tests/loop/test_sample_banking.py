"""The sample market's past by bank: what came, what is owed and overdue, what nobody knows; all of it with play money."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select, update

from app.composition import fapiao_issuer, register_jobs
from app.sample.history import acts, live
from app.sample.history.bank_acts import GiveCredit, OpenBankAccount, TellOfStranger, TellOfTransfer
from app.sample.history.banking import ACCOUNT
from app.sample.history.live import APART, Past
from billing.bank.gateway import BankTransferGateway
from billing.bank.models import BANK_TRANSFER, BankAccount, BankLine, BankTransfer
from billing.bank.sandbox_bank import PREFIX
from billing.bank.save_account import SaveBankAccount, save_bank_account
from billing.credit_lines.models import ON_ACCOUNT
from billing.gateways.ports import PaymentGateway
from billing.on_account.gateway import OnAccountGateway
from billing.on_account.models import DunningNotice
from kernel import clock, sandbox_history
from kernel.db.uow import UnitOfWork, transact, unit_of_work
from kernel.errors import Invalid
from kernel.ids import uuid7
from kernel.jobs import kinds
from kernel.principal import SYSTEM
from kernel.sandbox_history import SandboxHistory
from kernel.settings import Settings
from orders.checkout.models import Purchase
from orders.order.models import Order
from tests.bank_files import ACCOUNT as REAL
from tests.factories_marketplace import OPERATOR_PRINCIPAL
from tests.loop.test_bank_transfers import Bank
from tests.loop_stage import RENDERERS, Stage

DAY = timedelta(days=1)
STRANGER = "厦门鹭岛进出口有限公司"


@pytest.fixture
def by_bank(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    """A stage that takes the sandbox's money alone, by transfer too; a past of fifty days is to be made."""
    monkeypatch.setattr(kinds, "_kinds", dict(kinds._kinds))
    monkeypatch.setattr(sandbox_history, "_seen", sandbox_history._Seen())
    made = {
        BANK_TRANSFER: BankTransferGateway(stage.services.db, plays=True),
        ON_ACCOUNT: OnAccountGateway(stage.services.db, plays=True),
    }
    stage.services.gateways.update(made)  # type: ignore[attr-defined]
    with unit_of_work(stage.services.db, SYSTEM) as uow:
        uow.session.execute(update(BankAccount).values(is_offered=False))
        sandbox_history.begin(uow, clock.now() - 50 * DAY, clock.now())
    yield stage
    transact(stage.services.db, SYSTEM, _forget)
    for name in made:
        del stage.services.gateways[name]  # type: ignore[attr-defined]
    register_jobs(stage.services, RENDERERS)


def _forget(uow: UnitOfWork) -> None:
    uow.session.delete(uow.session.get_one(SandboxHistory, 1))
    uow.session.execute(update(BankAccount).values(is_offered=False))
    uow.session.flush()


def live_through(
    stage: Stage,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    told: list[tuple[int, acts.Act]],
    gateways: dict[str, PaymentGateway] | None = None,
) -> None:
    monkeypatch.setattr(live, "plan", lambda ends_at: [acts.Step(ends_at - days * DAY, act) for days, act in told])
    kinds.work_apart(APART)
    services = replace(stage.services, gateways=gateways or stage.services.gateways)
    Past(services, tmp_path, stage.seller_app.address, lambda _: None).live()


def test_what_goes_by_bank_is_paid_owed_and_looked_into(
    by_bank: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage, (sent, awaited, owed) = by_bank, [f"PO-{uuid7().hex[-12:]}" for _ in range(3)]
    told: list[tuple[int, acts.Act]] = [
        (49, acts.Join("lanqiao")),
        (48, acts.Join("haishi")),
        (47, OpenBankAccount()),
        (46, GiveCredit("haishi", 10_000_000, 30, "long known")),
        (45, acts.Buy("haishi", owed, "docs", 8, "terms", gateway=ON_ACCOUNT)),
        (20, acts.Buy("haishi", sent, "docs", 9, "transfer", gateway=BANK_TRANSFER)),
        (18, TellOfTransfer("haishi", sent)),
        (14, acts.Tick()),
        (8, acts.Tick()),
        (3, acts.Buy("haishi", awaited, "docs", 10, "transfer", gateway=BANK_TRANSFER)),
        (1, TellOfStranger(STRANGER, "货款", 1_280_000)),
    ]
    live_through(stage, tmp_path, monkeypatch, told)
    transfers = {number: _transfer(stage, number) for number in (sent, awaited, owed)}
    assert {number: one.state for number, one in transfers.items()} == {
        sent: "received",
        awaited: "awaited",
        owed: "awaited",
    }
    letters = select(DunningNotice.days).where(DunningNotice.transfer_id == transfers[owed].id)
    assert sorted(stage.rows(letters)) == [1, 7]
    lines = stage.rows(select(BankLine).where(BankLine.account_id == transfers[sent].account_id).order_by(BankLine.id))
    assert [(line.counterparty_name == STRANGER, line.amount_minor) for line in lines] == [
        (False, transfers[sent].amount_minor),
        (True, 1_280_000),
    ]
    # Delivered at once where it is owed (its month is over), after the money where it is sent; neither has a tax document.
    orders = {number: _order(stage, number) for number in transfers}
    assert [orders[number].state for number in (sent, awaited, owed)] == ["active", "pending_payment", "completed"]
    papers = [paper for number in (sent, owed) for paper in stage.papers(orders[number].id)]
    assert [paper.sandbox for paper in papers] == [True, True]


def test_it_is_left_out_where_the_sandboxs_bank_is_not_used(
    by_bank: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    number = f"PO-{uuid7().hex[-12:]}"
    bought = acts.Buy("haishi", number, "docs", 8, "transfer", gateway=BANK_TRANSFER)
    before = len(by_bank.rows(select(BankAccount)))
    told: list[tuple[int, acts.Act]] = [(9, acts.Join("haishi")), (8, OpenBankAccount()), (7, bought)]
    live_through(by_bank, tmp_path, monkeypatch, told, {"sandbox": by_bank.services.gateways["sandbox"]})
    assert by_bank.rows(select(Purchase.id).where(Purchase.po_number == number)) == []
    assert len(by_bank.rows(select(BankAccount))) == before


def test_where_money_is_played_nobody_is_asked_for_a_real_transfer(by_bank: Stage) -> None:
    """An account that was entered while real money was taken stays, and is not used."""
    bank = Bank(by_bank)
    with pytest.raises(ValueError, match="not enough values"):
        bank.buy()
    assert by_bank.rows(select(BankTransfer.id).where(BankTransfer.account_id == bank.account_id)) == []


@pytest.mark.parametrize(
    ("number", "plays", "refused"),
    [
        (REAL, True, "bank_account_not_sandbox"),
        (ACCOUNT.account_number, False, "bank_account_is_sandbox"),
    ],
)
def test_an_account_is_of_the_kind_of_money_that_is_taken(
    by_bank: Stage, number: str, *, plays: bool, refused: str
) -> None:
    command = SaveBankAccount(f"t-{uuid7().hex[-8:]}", "CNY", "平台", "银行", number)
    with unit_of_work(by_bank.services.db, OPERATOR_PRINCIPAL) as uow, pytest.raises(Invalid) as caught:
        save_bank_account(uow, command, plays=plays)
    assert (caught.value.code, caught.value.field) == (refused, "account_number")


def test_no_account_of_the_sandboxs_bank_has_numbers_that_might_be_somebodys(by_bank: Stage) -> None:
    command = replace(ACCOUNT, code=f"t-{uuid7().hex[-8:]}", virtual_prefix="6222")
    with unit_of_work(by_bank.services.db, OPERATOR_PRINCIPAL) as uow, pytest.raises(Invalid) as caught:
        save_bank_account(uow, command, plays=True)
    assert caught.value.field == "virtual_prefix"
    assert ACCOUNT.account_number.startswith(PREFIX)


@pytest.mark.parametrize(
    ("gateways", "plays"),
    [
        (("sandbox",), True),
        (("sandbox", "bank_transfer"), True),
        (("bank_transfer",), False),
        (("sandbox", "stripe", "bank_transfer"), False),
    ],
)
def test_numbers_are_drawn_where_no_real_money_is_taken(gateways: tuple[str, ...], *, plays: bool) -> None:
    settings = Settings(payment_gateways=gateways)  # type: ignore[arg-type]
    assert settings.plays_money is plays
    assert (fapiao_issuer(settings) is not None) is plays


def _transfer(stage: Stage, po_number: str) -> BankTransfer:
    (purchase_id,) = stage.rows(select(Purchase.id).where(Purchase.po_number == po_number))
    (payment,) = stage.payments(purchase_id)
    (found,) = stage.rows(select(BankTransfer).where(BankTransfer.payment_id == payment.id))
    assert isinstance(found, BankTransfer)
    return found


def _order(stage: Stage, po_number: str) -> Order:
    (found,) = stage.rows(select(Order).join(Purchase).where(Purchase.po_number == po_number))
    assert isinstance(found, Order)
    return found
