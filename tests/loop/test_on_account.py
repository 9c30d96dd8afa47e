"""Purchases on account: delivered at once, never above the buyer's line, owed until the transfer has come."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from functools import partial
from uuid import UUID

import pytest
from sqlalchemy import select

from billing.bank.confirm_outgoing import ConfirmOutgoing, confirm_outgoing
from billing.bank.gateway import BankTransferGateway
from billing.bank.models import BANK_TRANSFER, BankTransfer
from billing.bank.settle_line import AssignMoney, assign_money
from billing.credit_lines.decide import (
    AskCreditLine,
    EndCreditLine,
    GrantCreditLine,
    ask_credit_line,
    close_credit_line,
    decline_credit_line,
    grant_credit_line,
)
from billing.credit_lines.models import ON_ACCOUNT, CreditLine
from billing.ledger.queries import balance_minor
from billing.on_account.dun_payers import SWEEP_DUNNING
from billing.on_account.gateway import TOKEN, OnAccountGateway
from billing.on_account.queries import list_owed, owed_totals, own_notices, own_owed
from billing.shares.release import RELEASE
from kernel import clock
from kernel.db.uow import transact, unit_of_work
from kernel.errors import Conflict
from kernel.principal import SYSTEM
from marketplace.notifications.models import Notification
from orders.checkout.models import Purchase
from orders.checkout.place_purchase import Placed, PlacePurchase, place_purchase
from orders.checkout.quote_models import Quote
from orders.checkout.request_payment import pay_again
from orders.notifications.notify_of_events import NOTIFY
from tests.bank_files import Entry
from tests.factories_marketplace import OPERATOR_PRINCIPAL
from tests.loop.test_bank_transfers import CHECKED, Bank, state
from tests.loop_stage import SETTLED, Stage
from tests.month_stage import choose_monthly
from tests.races.crowd import at_once

LIMIT = 10_000_000


class Account(Bank):
    """A buyer with a line of credit, and the bank by which it pays."""

    def grant(self, limit_minor: int = LIMIT, term_days: int = 30) -> None:
        command = GrantCreditLine(self.stage.buyer.id, "CNY", limit_minor, term_days, "long known")
        self.decide(grant_credit_line, command)

    def owe(self, quantity: int = 20, *, there: bool = True) -> UUID:
        """Buy on account; returns the purchase. Whoever is not `there` has it paid by a worker."""
        quote_id = self.stage.quote(quantity=quantity)
        command = PlacePurchase(quote_id, self.stage.profile, ON_ACCOUNT, TOKEN, pay_at_once=there)
        placed = transact(self.db, self.stage.purchaser, lambda uow: place_purchase(uow, command))
        self.call(placed)
        return placed.purchase.id

    def call(self, placed: Placed) -> None:
        """Make the call that was committed with the purchase, and what follows."""
        if placed.submission is not None and self.is_leased(placed):
            self.stage.services.runner.run_prepared(placed.submission.claim, placed.submission.request)
        self.stage.run()

    def is_leased(self, placed: Placed) -> bool:
        """Whether the call is its caller's to make."""
        return not self.stage.payments(placed.purchase.id)[-1].payer_absent

    def line(self) -> CreditLine:
        (found,) = self.stage.rows(select(CreditLine).where(CreditLine.org_id == self.stage.buyer.id))
        assert isinstance(found, CreditLine)
        return found

    def refused_to_owe(self, quantity: int = 20) -> str:
        with pytest.raises(Conflict) as caught:
            self.owe(quantity)
        return caught.value.code

    def asked_amount(self) -> int:
        """What twenty seats cost."""
        (quote,) = self.stage.rows(select(Quote).where(Quote.id == self.stage.quote()))
        assert isinstance(quote, Quote)
        return quote.gross_minor

    def last(self) -> UUID:
        """The latest purchase."""
        newest = select(Purchase.id).where(Purchase.buyer_org_id == self.stage.buyer.id).order_by(Purchase.id.desc())
        with unit_of_work(self.db, SYSTEM) as uow:
            found = uow.session.scalars(newest).first()
        assert found is not None
        return found

    def receivable(self) -> int:
        with unit_of_work(self.db, SYSTEM) as uow:
            return balance_minor(uow, self.stage.buyer.id, "receivable", "CNY")

    def pay(self, asked: BankTransfer) -> None:
        assert self.tell(Entry(asked.missing_minor, asked.remark_code)) == ["matched"]


CHECKED_TOO = (*CHECKED, "on_account.", "histories.")


@pytest.fixture
def account(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> Iterator[Account]:
    monkeypatch.setattr("tests.loop.test_bank_transfers.CHECKED", CHECKED_TOO)
    made = {BANK_TRANSFER: BankTransferGateway(stage.services.db), ON_ACCOUNT: OnAccountGateway(stage.services.db)}
    stage.services.gateways.update(made)  # type: ignore[attr-defined]
    yield Account(stage)
    stage.run()
    for name in made:
        del stage.services.gateways[name]  # type: ignore[attr-defined]


class TestOwed:
    def test_it_is_delivered_at_once_owed_until_due_and_paid_by_its_code(self, account: Account) -> None:
        account.grant()
        purchase_id = account.owe()
        asked = account.asked(purchase_id)
        assert state(account, purchase_id) == "active"
        assert (account.line().used_minor, account.line().held_minor) == (asked.amount_minor, 0)
        assert account.receivable() == asked.amount_minor
        (order,) = account.stage.orders_of(purchase_id)
        (invoice,) = account.stage.papers(order.id)
        assert (invoice.paid_minor, invoice.payment_reference) == (0, asked.remark_code)
        assert invoice.due_on is not None
        assert timedelta(days=29) <= asked.deadline_at - clock.now() <= timedelta(days=30)
        with unit_of_work(account.db, account.stage.purchaser) as uow:
            (owed,) = own_owed(uow).items
            assert (owed.owed_minor, owed.age, owed.days_overdue) == (asked.amount_minor, "current", 0)
        account.check()
        account.pay(asked)
        assert (account.line().used_minor, account.line().first_due_at, account.receivable()) == (0, None, 0)
        account.check()

    def test_it_has_its_own_invoice_where_others_wait_for_their_months(self, account: Account) -> None:
        account.grant()
        choose_monthly(account.stage)
        (order,) = account.stage.orders_of(account.owe())
        (invoice,) = account.stage.papers(order.id)
        assert (invoice.paid_minor, invoice.month) == (0, None)
        account.check()

    def test_nobody_is_paid_of_it_before_its_buyer_has_paid(self, account: Account) -> None:
        account.grant()
        purchase_id = account.owe()
        clock.advance(SETTLED)
        account.stage.tick(RELEASE)
        (order,) = account.stage.orders_of(purchase_id)
        assert {share.state for share in account.stage.shares(order.id).values()} == {"pending"}
        account.check()
        account.pay(account.asked(purchase_id))
        account.stage.tick(RELEASE)
        assert {share.state for share in account.stage.shares(order.id).values()} == {"releasable"}
        account.check()

    def test_less_than_all_is_kept_until_the_rest_is_here(self, account: Account) -> None:
        account.grant()
        asked = account.asked(account.owe())
        account.tell(Entry(asked.amount_minor - 500, "?", name="Somebody"), Entry(500, "?", name="Somebody else"))
        first, rest = account.lines()
        part = AssignMoney(first.id, asked.id, 100, "a part of it")
        assert account.refused(assign_money, part) == "bank_owed_whole"
        account.decide(assign_money, AssignMoney(first.id, asked.id, first.open_minor, "theirs"))
        assert account.line().used_minor == asked.amount_minor
        account.decide(assign_money, AssignMoney(rest.id, asked.id, 500, "theirs, too"))
        assert (account.line().used_minor, [line.open_minor for line in account.lines()]) == (0, [0, 0])
        account.check()


class TestLimit:
    def test_what_does_not_fit_is_refused_with_the_reason_and_nothing_is_bought(self, account: Account) -> None:
        assert account.refused_to_owe() == "credit_line_missing"
        one_minor = account.asked_amount()
        account.grant(one_minor)
        account.owe()
        assert account.refused_to_owe(1) == "credit_limit_exceeded"
        account.grant(one_minor - 1)
        assert account.line().over_minor == 1
        account.check()
        account.pay(account.asked(account.last()))
        assert account.line().over_minor == 0
        assert account.refused_to_owe() == "credit_limit_exceeded"
        account.decide(close_credit_line, EndCreditLine(account.line().id, "as agreed"))
        assert account.refused_to_owe(1) == "credit_line_closed"
        account.check()

    def test_whoever_is_not_there_is_refused_by_the_gateway_and_pays_another_way(self, account: Account) -> None:
        account.grant(1)
        purchase_id = account.owe(there=False)
        (payment,) = account.stage.payments(purchase_id)
        assert (payment.state, payment.error_code) == ("failed", "credit_limit_exceeded")
        again = partial(pay_again, purchase_id=purchase_id, gateway="sandbox", method_token="sbx_ok")
        transact(account.db, account.stage.purchaser, again)
        account.stage.run()
        assert state(account, purchase_id) == "active"
        account.check()

    def test_while_something_is_overdue_nothing_is_added(self, account: Account) -> None:
        account.grant(term_days=10)
        purchase_id = account.owe()
        clock.advance(timedelta(days=11))
        assert account.refused_to_owe(1) == "credit_line_overdue"
        with unit_of_work(account.db, OPERATOR_PRINCIPAL) as uow:
            mine = list_owed(uow, overdue=True, limit=100).items
            assert {one.age for one in mine if one.org_id == account.stage.buyer.id} == {"to_30"}
        with unit_of_work(account.db, account.stage.purchaser) as uow:
            assert [one.age for one in owed_totals(uow)] == ["to_30"]
        account.pay(account.asked(purchase_id))
        assert state(account, account.owe(1)) == "active"

    def test_of_purchases_at_once_no_more_than_fit_are_made(self, account: Account) -> None:
        one_minor = account.asked_amount()
        account.grant(one_minor * 3 + one_minor // 2)
        stage = account.stage
        commands = [PlacePurchase(stage.quote(), stage.profile, ON_ACCOUNT, TOKEN, pay_at_once=True) for _ in range(8)]

        def buy(command: PlacePurchase) -> Placed:
            return transact(account.db, stage.purchaser, lambda uow: place_purchase(uow, command))

        said = at_once([partial(buy, command) for command in commands])
        made = [one for one in said if isinstance(one, Placed)]
        assert [one for one in said if not isinstance(one, Placed)] == ["credit_limit_exceeded"] * 5
        assert (len(made), account.line().held_minor) == (3, one_minor * 3)
        for one in made:
            account.call(one)
        assert (account.line().held_minor, account.line().used_minor) == (0, one_minor * 3)
        account.check()


class TestReminders:
    def test_a_buyer_is_told_before_it_is_due_and_by_a_letter_for_each_step_after_it(self, account: Account) -> None:
        account.grant(term_days=10)
        purchase_id = account.owe()
        counts = []
        for days in (6, 1, 3, 1, 0, 6, 24, 30):
            clock.advance(timedelta(days=days, minutes=10))
            account.stage.tick(SWEEP_DUNNING)
            account.stage.tick(NOTIFY)
            with unit_of_work(account.db, account.stage.purchaser) as uow:
                counts.append([one.days for one in own_notices(uow).items])
        # Of steps that were missed only the latest is taken.
        assert counts == [[], [-3], [-3], [1, -3], [1, -3], [7, 1, -3], [30, 7, 1, -3], [30, 7, 1, -3]]
        assert state(account, purchase_id) == "active"
        with unit_of_work(account.db, SYSTEM) as uow:
            mine = select(Notification.kind).where(Notification.org_id == account.stage.buyer.id)
            kinds = [kind for kind in uow.session.scalars(mine) if kind.startswith("owed_")]
        assert sorted(set(kinds)) == ["owed_due_soon", "owed_overdue"]
        account.pay(account.asked(purchase_id))
        account.check()


class TestBack:
    def test_before_it_is_paid_a_refund_makes_less_owed(self, account: Account) -> None:
        account.grant()
        purchase_id = account.owe()
        (order,) = account.stage.orders_of(purchase_id)
        account.stage.refund(order.id)
        account.stage.run()
        assert [one.state for one in account.stage.refunds(order.id)] == ["succeeded"]
        assert state(account, purchase_id) == "refunded"
        assert (account.asked(purchase_id).state, account.line().used_minor, account.receivable()) == ("credited", 0, 0)
        assert account.outgoing() == []
        (note,) = account.stage.papers(order.id, "credit_note")
        assert note.paid_minor == 0
        account.check()

    def test_after_it_is_paid_the_money_goes_back(self, account: Account) -> None:
        account.grant()
        purchase_id = account.owe()
        account.pay(account.asked(purchase_id))
        (order,) = account.stage.orders_of(purchase_id)
        account.stage.refund(order.id)
        account.stage.run()
        (item,) = account.outgoing()
        account.decide(confirm_outgoing, ConfirmOutgoing(item.id, "sent", "TX-9"))
        assert state(account, purchase_id) == "refunded"
        account.check()
        assert account.tell(Entry(-item.amount_minor, item.remark_code)) == ["outgoing"]
        assert account.receivable() == 0
        account.check()


class TestAsked:
    def test_a_buyer_asks_and_the_platform_decides(self, account: Account) -> None:
        finance = account.stage.purchaser
        ask = AskCreditLine("cny", 500_000, "regular orders")
        transact(account.db, finance, lambda uow: ask_credit_line(uow, ask).id)
        assert (account.line().state, account.line().asked_minor) == ("asked", 500_000)
        account.decide(decline_credit_line, EndCreditLine(account.line().id, "too new"))
        assert (account.line().state, account.line().decision_reason) == ("declined", "too new")
        transact(account.db, finance, lambda uow: ask_credit_line(uow, ask).id)
        account.grant(400_000)
        assert (account.line().state, account.line().asked_minor, account.line().limit_minor) == ("open", None, 400_000)
        transact(account.db, finance, lambda uow: ask_credit_line(uow, ask).id)
        account.decide(decline_credit_line, EndCreditLine(account.line().id, "not yet"))
        assert (account.line().state, account.line().limit_minor) == ("open", 400_000)
        again = EndCreditLine(account.line().id, "?")
        assert account.refused(decline_credit_line, again) == "credit_line_not_asked"
