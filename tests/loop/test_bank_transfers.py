"""Payment by bank transfer: asked for by code, told of by a statement, delivered only when exactly the money is here."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from functools import partial
from uuid import UUID

import pytest
from sqlalchemy import select, update

from app.verify.rules import RULES
from billing.bank.confirm_outgoing import ConfirmOutgoing, confirm_outgoing
from billing.bank.gateway import TOKEN, BankTransferGateway
from billing.bank.import_statement import ImportReport, ImportStatement, import_statement, try_import
from billing.bank.models import BANK_TRANSFER, BankAccount, BankAssignment, BankLine, BankOutgoing, BankTransfer
from billing.bank.remind_payers import SWEEP_REMINDERS
from billing.bank.save_account import SaveBankAccount, save_bank_account
from billing.bank.settle_line import (
    AssignMoney,
    MatchOutgoing,
    ReturnMoney,
    WriteOffMoney,
    assign_money,
    match_outgoing,
    return_money,
    write_off_money,
)
from billing.gateways.janitor import JANITOR
from billing.ledger.post import Fact, post
from billing.ledger.queries import balance_minor
from kernel import clock
from kernel.db.uow import UnitOfWork, transact, unit_of_work
from kernel.errors import Conflict, DomainError, Invalid
from kernel.ids import uuid7
from kernel.principal import SYSTEM
from marketplace.parties.models import PLATFORM_ORG_ID, Organization
from orders.checkout.cancel_purchase import cancel_purchase
from orders.checkout.place_purchase import PlacePurchase, place_purchase
from orders.checkout.request_payment import pay_again
from orders.loop import SWEEP_PURCHASES
from tests.bank_files import ACCOUNT, Entry, camt053, generic, mt940
from tests.factories_marketplace import OPERATOR_PRINCIPAL
from tests.loop_stage import Stage
from tests.races.crowd import at_once

CHECKED = ("ledger.", "bank.", "payments.", "refunds.", "charges.", "gateway.")
BY_THE_CLOCK = ("ledger.sealed", "gateway.pursued")
"""What other tests of the database leave behind with another time."""


class Bank:
    """One account of the platform, and what its bank tells."""

    def __init__(self, stage: Stage) -> None:
        self.stage, self.db = stage, stage.services.db
        self.booked = 0
        with unit_of_work(self.db, SYSTEM) as uow:
            uow.session.execute(update(BankAccount).values(is_offered=False))
            command = SaveBankAccount(
                f"test-{uuid7().hex[-12:]}", "CNY", "平台有限公司", "工商银行", ACCOUNT, "102100099996"
            )
            self.account_id = save_bank_account(uow, command).id
            self.before = violations(uow)

    def buy(self, quantity: int = 20) -> tuple[UUID, BankTransfer]:
        """Buy by transfer; returns the purchase and what was asked for."""
        command = PlacePurchase(self.stage.quote(quantity=quantity), self.stage.profile, BANK_TRANSFER, TOKEN)
        purchase_id = transact(self.db, self.stage.purchaser, lambda uow: place_purchase(uow, command).purchase.id)
        self.stage.run()
        return purchase_id, self.asked(purchase_id)

    def asked(self, purchase_id: UUID) -> BankTransfer:
        payment = self.stage.payments(purchase_id)[-1]
        (found,) = self.stage.rows(select(BankTransfer).where(BankTransfer.payment_id == payment.id))
        assert isinstance(found, BankTransfer)
        return found

    def tell(self, *entries: Entry) -> list[str]:
        """Import a file with these entries; returns what became of each."""
        report = self.take(generic(self.numbered(entries)))
        assert report.faults == []
        self.stage.run()
        return [line.outcome for line in report.lines]

    def numbered(self, entries: tuple[Entry, ...]) -> list[Entry]:
        """The bank gives each entry a number."""
        self.booked += len(entries)
        return [one._replace(reference=one.reference or f"{self.booked}-{at}") for at, one in enumerate(entries)]

    def take(self, content: bytes) -> ImportReport:
        command = ImportStatement(self.account_id, "statement", content)
        return transact(self.db, OPERATOR_PRINCIPAL, lambda uow: import_statement(uow, command))

    def lines(self) -> list[BankLine]:
        return self.stage.rows(select(BankLine).where(BankLine.account_id == self.account_id).order_by(BankLine.id))

    def outgoing(self) -> list[BankOutgoing]:
        own = BankOutgoing.account_id == self.account_id
        return self.stage.rows(select(BankOutgoing).where(own).order_by(BankOutgoing.id))

    def decide(self, verb: object, command: object) -> None:
        assert callable(verb)
        transact(self.db, OPERATOR_PRINCIPAL, lambda uow: verb(uow, command) and None)
        self.stage.run()

    def refused(self, verb: object, command: object) -> str:
        with pytest.raises(DomainError) as caught:
            self.decide(verb, command)
        return caught.value.code

    def check(self) -> None:
        """The books say what the statements say, and every cent is somewhere once."""
        with unit_of_work(self.db, SYSTEM) as uow:
            account = uow.session.get_one(BankAccount, self.account_id)
            booked = balance_minor(uow, PLATFORM_ORG_ID, "gateway_cash", "CNY", f"bank:{account.code}")
            assert booked == sum(line.amount_minor for line in self.lines())
            assert account.balance_minor == booked + (account.opening_minor or 0)
            assert {name: more for name, more in violations(uow).items() if more > self.before[name]} == {}


def violations(uow: UnitOfWork) -> dict[str, int]:
    """How often each rule is broken by now; tests of other folders leave what breaks some."""
    wanted = [rule for rule in RULES if rule.name.startswith(CHECKED) and rule.name not in BY_THE_CLOCK]
    return {rule.name: rule.find(uow).violations for rule in wanted}


@pytest.fixture
def bank(stage: Stage) -> Iterator[Bank]:
    stage.services.gateways[BANK_TRANSFER] = BankTransferGateway(stage.services.db)  # type: ignore[index]
    made = Bank(stage)
    yield made
    stage.run()
    del stage.services.gateways[BANK_TRANSFER]  # type: ignore[attr-defined]


def state(bank: Bank, purchase_id: UUID) -> str:
    (order,) = bank.stage.orders_of(purchase_id)
    return order.state


class TestExactly:
    def test_a_purchase_waits_for_its_transfer_and_is_delivered_when_the_statement_tells_of_it(
        self, bank: Bank
    ) -> None:
        purchase_id, asked = bank.buy()
        assert state(bank, purchase_id) == "pending_payment"
        (payment,) = bank.stage.payments(purchase_id)
        assert payment.next_action == {"kind": "redirect", "url": f"/payments/{payment.id}/transfer"}
        assert payment.deadline_at == clock.now() + timedelta(days=30)
        assert bank.tell(Entry(asked.amount_minor, f"货款 {asked.remark_code.lower()}")) == ["matched"]
        assert state(bank, purchase_id) == "active"
        assert [line.open_minor for line in bank.lines()] == [0]
        bank.check()

    def test_by_payer_and_amount_where_nothing_else_is_named(self, bank: Bank) -> None:
        purchase_id, asked = bank.buy(21)
        name = bank.stage.get(Organization, bank.stage.buyer.id).legal_name
        assert bank.tell(Entry(asked.amount_minor, name=f" {name} ")) == ["matched"]
        assert state(bank, purchase_id) == "active"

    def test_one_transfer_for_two_purchases_and_two_for_one(self, bank: Bank) -> None:
        (one, first), (other, second) = bank.buy(5), bank.buy(6)
        both = f"{first.remark_code} {second.remark_code}"
        assert bank.tell(Entry(first.amount_minor + second.amount_minor, both)) == ["matched"]
        assert (state(bank, one), state(bank, other)) == ("active", "active")
        third_id, third = bank.buy(7)
        assert bank.tell(Entry(1_000, third.remark_code)) == ["short"]
        assert state(bank, third_id) == "pending_payment"
        assert bank.tell(Entry(third.amount_minor - 1_000, third.remark_code)) == ["matched"]
        assert state(bank, third_id) == "active"
        assert [line.open_minor for line in bank.lines()] == [0, 0, 0]
        bank.check()


class TestWhatIsNotExact:
    def test_nothing_is_provisioned_by_it_until_a_person_says_what_it_is(self, bank: Bank) -> None:
        purchase_id, asked = bank.buy()
        code = asked.remark_code
        assert bank.tell(Entry(asked.amount_minor + 500, code), Entry(77, "?", name="Nobody")) == [
            "over",
            "unknown_payer",
        ]
        assert state(bank, purchase_id) == "pending_payment"
        over, unknown = bank.lines()
        bank.check()
        too_much = AssignMoney(over.id, asked.id, asked.amount_minor + 1, "all of it")
        assert bank.refused(assign_money, too_much) == "bank_amount_exceeds"
        assert bank.refused(assign_money, AssignMoney(over.id, asked.id, 5, " ")) == "reason_missing"
        bank.decide(assign_money, AssignMoney(over.id, asked.id, asked.amount_minor, "the buyer rounded up"))
        assert state(bank, purchase_id) == "active"
        bank.decide(return_money, ReturnMoney(over.id, 500, "too much"))
        bank.decide(write_off_money, WriteOffMoney(unknown.id, 77, "test of the bank"))
        assert [line.open_minor for line in bank.lines()] == [0, 0]
        (item,) = bank.outgoing()
        assert (item.kind, item.amount_minor, item.payee_account) == ("return", 500, "6222020200001234567")
        assert bank.tell(Entry(-500, f"return {item.remark_code}")) == ["outgoing"]
        assert bank.outgoing()[0].state == "sent"
        assert bank.refused(write_off_money, WriteOffMoney(unknown.id, 1, "again")) == "bank_amount_exceeds"
        bank.check()

    def test_money_that_comes_again_or_too_late_waits(self, bank: Bank) -> None:
        purchase_id, asked = bank.buy()
        paid = Entry(asked.amount_minor, asked.remark_code)
        assert bank.tell(paid, paid) == ["matched", "duplicate"]
        late_id, late = bank.buy()
        clock.advance(timedelta(days=31))
        bank.stage.tick(JANITOR)
        bank.stage.tick(SWEEP_PURCHASES)
        assert state(bank, late_id) == "expired"
        assert bank.tell(Entry(late.amount_minor, late.remark_code)) == ["late"]
        assert state(bank, purchase_id) == "active"
        assert (
            bank.refused(assign_money, AssignMoney(bank.lines()[-1].id, late.id, 1, "?")) == "bank_transfer_not_awaited"
        )
        bank.check()

    def test_what_banks_kept_on_the_way_the_platform_may_bear(self, bank: Bank) -> None:
        purchase_id, asked = bank.buy()
        assert bank.tell(Entry(asked.amount_minor - 300, asked.remark_code)) == ["short"]
        (line,) = bank.lines()
        much = AssignMoney(line.id, asked.id, asked.amount_minor // 2, "half", bear_shortfall=True)
        assert bank.refused(assign_money, much) == "bank_shortfall_too_large"
        bank.decide(assign_money, AssignMoney(line.id, asked.id, line.open_minor, "fee", bear_shortfall=True))
        assert state(bank, purchase_id) == "active"
        bank.check()

    def test_the_first_shortfall_of_a_currency_opens_its_account_in_the_books(
        self, bank: Bank, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        _, asked = bank.buy()
        assert bank.tell(Entry(asked.amount_minor - 300, asked.remark_code)) == ["short"]
        (line,) = bank.lines()

        def written_at_once(uow: UnitOfWork, fact: Fact) -> None:
            uow.flush()
            post(uow, fact)

        # As where the account of what the platform bears is not there yet: to open it writes what is half done by then.
        monkeypatch.setattr("billing.bank.settle_line.post", written_at_once)
        bank.decide(assign_money, AssignMoney(line.id, asked.id, line.open_minor, "fee", bear_shortfall=True))
        bank.check()

    def test_a_debit_that_nobody_knows_waits_and_a_fee_is_written_off(self, bank: Bank) -> None:
        assert bank.tell(Entry(-250, "account fee")) == ["debit"]
        (line,) = bank.lines()
        bank.decide(write_off_money, WriteOffMoney(line.id, 250, "fee of the bank"))
        bank.check()


class TestFiles:
    def test_a_dry_run_says_the_same_and_leaves_nothing(self, bank: Bank) -> None:
        purchase_id, asked = bank.buy()
        content = generic([Entry(asked.amount_minor, asked.remark_code, reference="X1"), Entry(5, reference="X2")])
        command = ImportStatement(bank.account_id, "x.csv", content)
        tried = try_import(partial(transact, bank.db, OPERATOR_PRINCIPAL), command)
        assert (tried.is_dry_run, bank.lines(), state(bank, purchase_id)) == (True, [], "pending_payment")
        assert bank.take(content).lines == tried.lines

    def test_nothing_of_a_file_with_a_broken_line_is_imported(self, bank: Bank) -> None:
        _, asked = bank.buy()
        content = generic([Entry(asked.amount_minor, asked.remark_code), Entry(5, day="2026-99-01")])
        report = bank.take(content)
        assert [(fault.line, fault.code) for fault in report.faults] == [(3, "date_broken")]
        assert bank.lines() == []

    def test_the_same_file_and_the_same_line_are_known(self, bank: Bank) -> None:
        one, two, three = (Entry(100 + at, reference=f"F{at}") for at in range(3))
        first = mt940([one, two])
        assert bank.take(first).new_lines == 2
        again = bank.take(first)
        assert (again.is_known, again.new_lines) == (True, 0)
        longer = bank.take(mt940([one, two, three]))
        assert [line.outcome for line in longer.lines] == ["known", "known", "unknown_payer"]
        assert len(bank.lines()) == 3
        bank.check()

    def test_a_statement_that_does_not_follow_the_last_one_is_refused(self, bank: Bank) -> None:
        assert bank.take(camt053([Entry(100, reference="G1")], opening=1_000)).faults == []
        gap = bank.take(camt053([Entry(100, reference="G2")], opening=5_000))
        assert [fault.code for fault in gap.faults] == ["statement_gap"]
        assert bank.take(camt053([Entry(100, reference="G3")], opening=1_100)).faults == []
        bank.check()

    def test_of_two_imports_at_once_every_line_is_there_once(self, bank: Bank) -> None:
        purchase_id, asked = bank.buy()
        entries = [Entry(asked.amount_minor, asked.remark_code, reference="P1"), Entry(9, reference="P2")]
        files = [generic(entries), generic(entries), generic([*entries, Entry(8, reference="P3")])]
        at_once([partial(bank.take, content) for content in files])
        bank.stage.run()
        assert sorted(line.amount_minor for line in bank.lines()) == sorted([asked.amount_minor, 9, 8])
        assert state(bank, purchase_id) == "active"
        assert len(bank.stage.payments(purchase_id)) == 1
        bank.check()

    def test_of_two_people_at_once_one_says_what_money_is(self, bank: Bank) -> None:
        _, asked = bank.buy()
        bank.tell(Entry(asked.amount_minor, "no code", name="Third party"))
        (line,) = bank.lines()
        assign = AssignMoney(line.id, asked.id, asked.amount_minor, "theirs")
        back = ReturnMoney(line.id, asked.amount_minor, "unknown")
        at_once([partial(bank.decide, assign_money, assign), partial(bank.decide, return_money, back)])
        parts = bank.stage.rows(select(BankAssignment).where(BankAssignment.line_id == line.id))
        assert [part.amount_minor for part in parts] == [asked.amount_minor]
        bank.check()


class TestBack:
    def test_a_refund_is_sent_by_a_person_and_the_statement_tells_of_it(self, bank: Bank) -> None:
        purchase_id, asked = bank.buy()
        bank.tell(Entry(asked.amount_minor, asked.remark_code, number="DE0001"))
        (order,) = bank.stage.orders_of(purchase_id)
        bank.stage.refund(order.id)
        bank.stage.run()
        (refund,) = bank.stage.refunds(order.id)
        assert refund.state == "processing"
        (item,) = bank.outgoing()
        assert (item.kind, item.payee_account, item.amount_minor) == ("refund", "DE0001", asked.amount_minor)
        assert bank.refused(confirm_outgoing, ConfirmOutgoing(item.id, "sent", " ")) == "evidence_required"
        bank.decide(confirm_outgoing, ConfirmOutgoing(item.id, "sent", "TX-1"))
        assert bank.stage.refunds(order.id)[0].state == "succeeded"
        assert state(bank, purchase_id) == "refunded"
        assert bank.tell(Entry(-item.amount_minor, item.remark_code)) == ["outgoing"]
        bank.check()
        bank.decide(confirm_outgoing, ConfirmOutgoing(item.id, "returned", "account closed"))
        assert bank.stage.refunds(order.id)[0].state == "returned"
        bank.tell(Entry(item.amount_minor, "returned", name="Bank"))
        bank.decide(match_outgoing, MatchOutgoing(bank.lines()[-1].id, item.id, "it came back"))
        bank.check()
        assert bank.refused(confirm_outgoing, ConfirmOutgoing(item.id, "sent", "?")) == "bank_outgoing_state"


class TestOtherWays:
    def test_a_payer_may_pay_in_another_way_or_call_it_off(self, bank: Bank) -> None:
        purchase_id, asked = bank.buy()
        with pytest.raises(Conflict, match="payment_already_running"):
            transact(bank.db, bank.stage.purchaser, lambda uow: cancel_purchase(uow, purchase_id))
        bank.stage.services.gateways[BANK_TRANSFER].withdraw(f"bank_{asked.id.hex}")  # type: ignore[attr-defined]
        bank.stage.run()
        again = partial(pay_again, purchase_id=purchase_id, gateway="sandbox", method_token="sbx_ok")
        transact(bank.db, bank.stage.purchaser, again)
        bank.stage.run()
        assert state(bank, purchase_id) == "active"
        assert bank.tell(Entry(asked.amount_minor, asked.remark_code)) == ["late"]

    def test_a_currency_without_an_account_is_not_offered(self, bank: Bank) -> None:
        transact(
            bank.db, SYSTEM, lambda uow: setattr(uow.session.get_one(BankAccount, bank.account_id), "is_offered", False)
        )
        with pytest.raises(Invalid, match="bank_transfer_unavailable"):
            bank.buy()

    def test_a_payer_is_reminded_twice_before_the_time_is_over(self, bank: Bank) -> None:
        bank.buy()
        told = "billing.transfer_reminded"
        for days, times in ((22, 0), (2, 1), (1, 1), (4, 2)):
            clock.advance(timedelta(days=days))
            bank.stage.tick(SWEEP_REMINDERS)
            assert bank.stage.topics().count(told) == times
