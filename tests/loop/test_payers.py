"""Another organization pays: within its month, however many order at once; by its own method or its people; until it ends."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select, text

from app.verify.payers import RULES
from kernel import clock
from kernel.db.uow import transact, unit_of_work
from kernel.errors import DomainError
from kernel.principal import SYSTEM
from marketplace.notifications.models import Notification
from marketplace.parties.models import BillingProfile
from marketplace.payers.agree import (
    PayerLimits,
    ProposeAgreement,
    accept_agreement,
    change_limits,
    end_agreement,
    propose_agreement,
)
from orders.checkout.cancel_purchase import cancel_purchase
from orders.checkout.payer_models import BY_PAYER, PayerCharge
from orders.checkout.place_purchase import PlacePurchase, place_purchase
from orders.checkout.request_payment import pay_again
from orders.notifications.notify_of_events import NOTIFY
from orders.payers.decide_charge import PayerWay, approve_charge, decline_charge, set_standing_method
from orders.payers.documents import find_payer_file
from orders.payers.queries import PayerMonthRow, find_own_payer, list_charges, list_months
from orders.subscriptions.change_payment_method import ChangePaymentMethod, change_payment_method
from orders.subscriptions.schedule import RENEWS_BEFORE
from tests.factories_marketplace import Org, make_org
from tests.loop.test_end_of_term import subscriptions
from tests.loop.test_renewals import renewals, switch, until
from tests.loop_stage import Stage
from tests.races.crowd import at_once

GROSS = 398_000
"""What twenty seats cost."""
OK = PayerWay("sandbox", "sbx_ok")


class Paid:
    """A stage whose buyer is paid for."""

    def __init__(self, stage: Stage, limits: PayerLimits, *, invoice_to: str = "payer") -> None:
        self.stage = stage
        with unit_of_work(stage.services.db, SYSTEM) as uow:
            self.payer: Org = make_org(uow)
        asked = ProposeAgreement(self.payer.id, by_payer=False, currency="CNY", invoice_to=invoice_to)
        self.agreement: UUID = self.do(stage.buyer.owner, lambda uow: propose_agreement(uow, asked, known=True).id)
        self.as_payer(lambda uow: accept_agreement(uow, self.agreement, limits).id)

    def do(self, principal: Any, work: Callable[[Any], Any]) -> Any:
        return transact(self.stage.services.db, principal, work)

    def as_payer(self, work: Callable[[Any], Any]) -> Any:
        return self.do(self.payer.owner, work)

    def pays_at_once(self) -> None:
        self.as_payer(lambda uow: set_standing_method(uow, self.agreement, OK))

    def buy(self, quote_id: UUID | None = None, *, own_title: bool = False) -> UUID:
        """The id of the order."""
        title = self.stage.profile if own_title else None
        command = PlacePurchase(quote_id or self.stage.quote(), title, BY_PAYER, str(self.agreement))
        placed = self.do(self.stage.purchaser, lambda uow: place_purchase(uow, command).purchase.id)
        return self.stage.orders_of(placed)[0].id

    def title(self) -> str:
        """What the payer's invoices are addressed to."""
        wanted = select(BillingProfile.legal_name).where(BillingProfile.org_id == self.payer.id)
        found: str = self.stage.rows(wanted)[0]
        return found

    def charge(self, order_id: UUID) -> PayerCharge:
        order = self.stage.order(order_id)
        wanted = select(PayerCharge).where(PayerCharge.purchase_id == order.purchase_id)
        found: PayerCharge = self.stage.rows(wanted.order_by(PayerCharge.created_at.desc()))[0]
        return found

    def used(self) -> int:
        found = self.do(self.stage.buyer.owner, find_own_payer)
        assert found is not None
        return int(found.month.used_minor)

    def months(self) -> list[PayerMonthRow]:
        rows: list[PayerMonthRow] = self.as_payer(list_months)
        return rows

    def sound(self) -> None:
        """No rule finds anything of this agreement."""
        with unit_of_work(self.stage.services.db, SYSTEM) as uow:
            for rule in RULES:
                found = [str(row) for row in uow.session.execute(text(rule.sql)).all()]
                assert not [one for one in found if str(self.agreement) in one or str(self.payer.id) in one], rule.name


def told(work: Callable[[], Any]) -> Any:
    try:
        return work()
    except DomainError as refused:
        return refused.code


def test_the_standing_method_pays_at_once_and_the_invoice_bears_the_payers_title(stage: Stage) -> None:
    paid = Paid(stage, PayerLimits(monthly_limit_minor=2 * GROSS, order_limit_minor=GROSS))
    paid.pays_at_once()
    order_id, own_id = paid.buy(), stage.buy()
    stage.run()
    order = stage.order(order_id)
    (payment,) = stage.payments(order.purchase_id)
    assert (order.state, payment.state) == ("active", "succeeded")
    assert (payment.payer_org_id, payment.method_org_id) == (stage.buyer.id, paid.payer.id)
    # What pays is the payer's alone to know.
    assert stage.purchase_of(order_id).method_token == str(paid.agreement)
    assert [one.buyer["legal_name"] for one in stage.papers(order_id)] == [paid.title()]
    assert paid.used() == GROSS
    paid.sound()
    (row,) = paid.as_payer(list_charges).items
    assert [(one.number, one.is_drawn) for one in row.documents] == [(stage.papers(order_id)[0].number, False)]
    read = partial(find_payer_file, charge_id=row.id, invoice_id=row.documents[0].id, form="pdf")
    assert told(lambda: paid.as_payer(read)) == "invoice_file_not_ready"
    stage.run(documents=True)
    assert paid.as_payer(read).sha256 == stage.papers(order_id)[0].pdf_sha256
    others = partial(read, invoice_id=stage.papers(own_id)[0].id)
    assert told(lambda: paid.as_payer(others)) == "invoice_not_found"
    assert told(lambda: paid.do(stage.buyer.owner, read)) == "payer_charge_not_found"
    # What is refunded goes back to that payment, and the month has it again.
    stage.refund(order_id)
    stage.run()
    assert stage.refunds(order_id)[0].payment_id == payment.id
    assert paid.used() == 0
    (month,) = paid.months()
    assert (month.ordered_minor, month.refunded_minor, month.left_minor) == (GROSS, GROSS, 2 * GROSS)
    paid.sound()


def test_above_the_limit_of_a_purchase_the_payers_people_decide(stage: Stage) -> None:
    paid = Paid(stage, PayerLimits(order_limit_minor=GROSS - 1), invoice_to="orderer")
    paid.pays_at_once()
    assert told(paid.buy) == "billing_profile_not_found"
    order_id = paid.buy(own_title=True)
    stage.run()
    stage.tick(NOTIFY)
    charge = paid.charge(order_id)
    assert (charge.state, stage.order(order_id).state) == ("asked", "pending_payment")
    assert "payer_charge_asked" in stage.rows(select(Notification.kind).where(Notification.org_id == paid.payer.id))
    (row,) = paid.as_payer(list_charges).items
    assert (row.state, row.orders[0].order_id, row.amount_minor) == ("asked", order_id, GROSS)
    by_buyer = told(lambda: paid.do(stage.buyer.owner, lambda uow: approve_charge(uow, charge.id, OK)))
    assert by_buyer == "payer_charge_not_found"
    # A method that fails leaves it to another one.
    for token, state in (("sbx_declined", "pending_payment"), ("sbx_ok", "active")):
        way = PayerWay("sandbox", token)
        paid.as_payer(partial(approve_charge, charge_id=charge.id, way=way))
        stage.run()
        assert stage.order(order_id).state == state
        stage.tick(NOTIFY)
    # Both were told once that it failed: whoever ordered, and whoever is to choose another method.
    for org_id, kind in ((stage.buyer.id, "payment_failed"), (paid.payer.id, "payer_method_failed")):
        of_failures = select(Notification.kind).where(Notification.org_id == org_id, Notification.kind.like("%_failed"))
        assert stage.rows(of_failures) == [kind]
    assert [one.buyer["legal_name"] != paid.title() for one in stage.papers(order_id)] == [True]
    paid.sound()


def test_what_comes_to_nothing_gives_the_month_back(stage: Stage) -> None:
    """Declined, paid by its buyer then; called off; more than is left."""
    paid = Paid(stage, PayerLimits(monthly_limit_minor=GROSS))
    first = paid.buy()
    assert (paid.used(), told(paid.buy)) == (GROSS, "payer_month_limit")
    paid.as_payer(lambda uow: decline_charge(uow, paid.charge(first).id, "Not this year."))
    assert (paid.used(), stage.order(first).state) == (0, "pending_payment")
    own = lambda uow: pay_again(uow, stage.order(first).purchase_id, gateway="sandbox", method_token="sbx_ok")  # noqa: E731
    paid.do(stage.purchaser, own)
    stage.run()
    assert (stage.order(first).state, paid.used()) == ("active", 0)
    assert stage.payments(stage.order(first).purchase_id)[0].method_org_id is None
    second = paid.buy()
    paid.do(stage.purchaser, lambda uow: cancel_purchase(uow, stage.order(second).purchase_id))
    assert (paid.charge(second).state, paid.used()) == ("released", 0)
    over = told(lambda: paid.as_payer(lambda uow: approve_charge(uow, paid.charge(second).id, OK)))
    assert over == "payer_charge_over"
    paid.as_payer(lambda uow: change_limits(uow, paid.agreement, PayerLimits(GROSS - 1)))
    assert told(paid.buy) == "payer_month_limit"
    paid.sound()


def test_many_at_once_never_exceed_the_month(stage: Stage) -> None:
    """Of six that order at once two fit; one is called off while another is ordered."""
    paid = Paid(stage, PayerLimits(monthly_limit_minor=2 * GROSS + 1))
    quotes = [stage.quote() for _ in range(6)]
    answers = at_once([lambda quote_id=quote_id: paid.buy(quote_id) for quote_id in quotes])  # type: ignore[misc]
    bought = [one for one in answers if isinstance(one, UUID)]
    assert len(bought) == 2
    assert answers.count("payer_month_limit") == 4
    assert paid.used() == 2 * GROSS
    purchase_id = stage.order(bought[0]).purchase_id
    quote_id = stage.quote()

    def call_off() -> Any:
        return paid.do(stage.purchaser, lambda uow: cancel_purchase(uow, purchase_id).id)

    at_once([call_off, lambda: paid.buy(quote_id)])
    assert paid.used() in (GROSS, 2 * GROSS)
    paid.sound()


def test_the_end_of_the_agreement_calls_off_what_waits_for_it(stage: Stage) -> None:
    paid = Paid(stage, PayerLimits())
    waits, quote_id = paid.buy(), stage.quote()
    paid.as_payer(lambda uow: end_agreement(uow, paid.agreement).id)
    stage.run()
    assert (stage.order(waits).state, paid.charge(waits).state) == ("cancelled", "released")
    assert told(lambda: paid.buy(quote_id)) == "payer_agreement_over"
    assert paid.do(stage.buyer.owner, find_own_payer) is None
    paid.sound()


def test_an_agreement_ends_while_something_is_ordered(stage: Stage) -> None:
    """Either it is ordered before and called off, or it is refused."""
    for _ in range(3):
        paid = Paid(stage, PayerLimits())
        quote_id = stage.quote()
        ends = lambda: paid.as_payer(lambda uow: end_agreement(uow, paid.agreement).id)  # noqa: B023, E731
        bought, _ended = at_once([lambda: paid.buy(quote_id), ends])  # noqa: B023
        stage.run()
        if isinstance(bought, UUID):
            assert stage.order(bought).state == "cancelled"
        else:
            assert bought == "payer_agreement_over"
        paid.sound()


def test_renewals_are_paid_until_the_agreement_ends(stage: Stage) -> None:
    """The next term is the payer's; the one after its end is its buyer's own to pay, who is told."""
    paid = Paid(stage, PayerLimits(monthly_limit_minor=10 * GROSS))
    paid.pays_at_once()
    plan_id, context = stage.offer(interval="month")
    first = paid.buy(stage.quote(plan_id, context=context))
    stage.run()
    (subscription,) = subscriptions(stage, first)
    switch(stage, subscription, wanted=True)
    until(stage, subscription.ends_at - RENEWS_BEFORE)
    stage.run()
    (second,) = renewals(stage, subscription)
    assert (second.state, paid.charge(second.id).state) == ("active", "approved")
    assert [one.buyer["legal_name"] for one in stage.papers(second.id)] == [paid.title()]
    paid.as_payer(lambda uow: end_agreement(uow, paid.agreement).id)
    stage.run()
    assert stage.entitlement(first).state == "active"
    (running,) = subscriptions(stage, first)
    until(stage, running.ends_at - RENEWS_BEFORE)
    stage.run()
    stage.tick(NOTIFY)
    third = renewals(stage, subscription)[1]
    assert (third.state, stage.payments(third.purchase_id)) == ("pending_payment", [])
    assert stage.purchase_of(third.id).billing_profile["id"] == str(stage.profile)
    assert "payer_charge_refused" in stage.rows(select(Notification.kind).where(Notification.org_id == stage.buyer.id))
    paid.do(
        stage.purchaser,
        lambda uow: pay_again(uow, third.purchase_id, gateway="sandbox", method_token="sbx_ok"),
    )
    stage.run()
    assert stage.order(third.id).state == "active"
    paid.sound()


def test_who_cannot_be_invoiced_buys_through_a_payer_alone(stage: Stage) -> None:
    """Without a billing profile of its own: nothing is ordered, nor paid by itself what a payer declined."""
    with unit_of_work(stage.services.db, SYSTEM) as uow:
        own = uow.session.get_one(BillingProfile, stage.profile)
        own.is_default, own.retired_at = False, clock.now()
    alone = PlacePurchase(stage.quote(), None, "sandbox", "sbx_ok")
    with pytest.raises(DomainError, match="payer_needed"):
        transact(stage.services.db, stage.purchaser, lambda uow: place_purchase(uow, alone))
    paid = Paid(stage, PayerLimits())
    order_id = paid.buy()
    paid.as_payer(lambda uow: decline_charge(uow, paid.charge(order_id).id, "Not this year."))
    purchase_id = stage.order(order_id).purchase_id
    own_way = {"gateway": "sandbox", "method_token": "sbx_ok"}
    again = partial(pay_again, purchase_id=purchase_id, **own_way)  # type: ignore[arg-type]
    assert told(lambda: paid.do(stage.purchaser, again)) == "payer_needed"
    second = paid.buy()
    paid.as_payer(lambda uow: approve_charge(uow, paid.charge(second).id, OK))
    stage.run()
    assert stage.order(second).state == "active"
    paid.sound()


def test_another_method_for_what_follows_leaves_what_the_payer_paid(stage: Stage) -> None:
    paid = Paid(stage, PayerLimits())
    paid.pays_at_once()
    plan_id, context = stage.offer(interval="month")
    first = paid.buy(stage.quote(plan_id, context=context))
    stage.run()
    (subscription,) = subscriptions(stage, first)
    own = ChangePaymentMethod(subscription.id, "sandbox", "sbx_ok")
    paid.do(stage.purchaser, partial(change_payment_method, command=own))
    assert (paid.charge(first).state, paid.used()) == ("approved", stage.order(first).gross_minor)
    paid.sound()
