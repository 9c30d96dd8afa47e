"""A term that is paid in instalments: the first with the purchase, each further one by itself when it is due."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select

from billing.charges.models import Charge
from billing.invoices.models import InvoiceLine
from kernel import clock
from kernel.db.uow import transact, unit_of_work
from kernel.principal import SYSTEM
from marketplace.pricing.components import Flat, PlanPrice
from orders.checkout.models import Purchase
from orders.checkout.quote_models import Quote
from orders.checkout.request_payment import pay_again
from orders.instalments.charge_instalment import due_instalments, take_instalment_step
from orders.instalments.jobs import SWEEP_INSTALMENTS
from orders.order.instalments import Instalment
from orders.order.models import Attribution, Order, OrderLine, SaleTerms, Subscription
from orders.subscriptions.schedule import RENEWS_BEFORE, SUSPENDED_AFTER, TERMINATED_AFTER
from orders.usage.jobs import SWEEP_UNPAID_USAGE
from tests.loop.test_end_of_term import subscriptions
from tests.loop.test_renewals import now, switch, until
from tests.loop_stage import Stage
from tests.races.crowd import at_once

PRICE = PlanPrice(
    currency="CNY",
    interval="year",
    term_months=12,
    instalments=4,
    components=(Flat(kind="flat", amount_minor=100_001),),
)


def sold(
    stage: Stage, price: PlanPrice = PRICE, quantity: int = 1, *, method: str = "sbx_ok", **plan: Any
) -> tuple[UUID, Subscription]:
    """A plan that is paid in instalments, in use, and its subscription."""
    plan_id, context = stage.offer(price=price, **plan)
    order_id = stage.place(stage.quote(plan_id, quantity, context=context), method=method)
    stage.run()
    (subscription,) = subscriptions(stage, order_id)
    return order_id, subscription


def rows(stage: Stage, subscription: Subscription) -> Sequence[Instalment]:
    mine = select(Instalment).where(Instalment.subscription_id == subscription.id)
    return stage.rows(mine.order_by(Instalment.due_at))


def charged(stage: Stage, subscription: Subscription) -> Sequence[Order]:
    mine = select(Order).where(Order.subscription_id == subscription.id, Order.instalment_id.is_not(None))
    return stage.rows(mine.order_by(Order.created_at, Order.id))


def line_of(stage: Stage, order_id: UUID) -> OrderLine:
    (line,) = stage.rows(select(OrderLine).where(OrderLine.order_id == order_id))
    return line  # type: ignore[no-any-return]  # the one line there is


def at(stage: Stage, when: datetime) -> None:
    clock.advance(when - clock.now())
    stage.tick(SWEEP_INSTALMENTS)


def decline(stage: Stage, order_id: UUID, method: str = "sbx_decline") -> None:
    """From now on the stored method is declined."""
    with unit_of_work(stage.services.db, SYSTEM) as uow:
        uow.session.get_one(Purchase, stage.order(order_id).purchase_id).method_token = method


class TestCharged:
    def test_the_first_is_paid_with_the_purchase_and_the_rest_has_dates(self, stage: Stage) -> None:
        order_id, subscription = sold(stage)
        order, line = stage.order(order_id), line_of(stage, order_id)
        quote = stage.get(Quote, stage.purchase_of(order_id).quote_id)
        told = quote.lines[0]["instalments"]
        assert [one["after_months"] for one in told] == [0, 3, 6, 9]
        later = rows(stage, subscription)
        assert [(one.number, one.count, one.state) for one in later] == [(n, 4, "scheduled") for n in (2, 3, 4)]
        assert [one.gross_minor for one in later] == [one["gross_minor"] for one in told[1:]]
        assert order.gross_minor == told[0]["gross_minor"] == quote.gross_minor
        whole = order.gross_minor + sum(one.gross_minor for one in later)
        assert whole == 100_001 + sum(one["tax_minor"] for one in told) * (not line.tax_included)
        assert sum(one["list_minor"] for one in told) == 100_001
        began = stage.entitlement(order_id).valid_from
        assert began is not None
        assert [(one.due_at - began).days // 30 for one in later] == [3, 6, 9]
        assert [one.ends_at for one in later] == [later[1].due_at, later[2].due_at, subscription.ends_at]

    def test_each_is_charged_once_when_it_is_due_as_the_first_was_sold(self, stage: Stage) -> None:
        order_id, subscription = sold(stage)
        second, third, fourth = rows(stage, subscription)
        at(stage, second.due_at - timedelta(seconds=1))
        assert charged(stage, subscription) == []
        at(stage, second.due_at)
        stage.tick(SWEEP_INSTALMENTS)
        (order,) = charged(stage, subscription)
        assert (order.state, order.gross_minor, order.instalment_id) == ("active", second.gross_minor, second.id)
        line, began = line_of(stage, order.id), line_of(stage, order_id)
        assert (line.net_minor, line.tax_minor, line.tax_rate_ppm) == (
            second.net_minor,
            second.tax_minor,
            began.tax_rate_ppm,
        )
        (charge,) = stage.rows(select(Charge).where(Charge.group_reference == order.id))
        assert charge.gross_minor == second.gross_minor
        for table, names in (
            (SaleTerms, ("commission_ppm", "promoter_org_id", "promoter_ppm", "policy_version")),
            (Attribution, ("promoter_org_id", "video_id", "placement_id", "second_ms")),
        ):
            old, new = (stage.rows(select(table).where(table.order_line_id == one.id))[0] for one in (began, line))
            assert [getattr(old, name) for name in names] == [getattr(new, name) for name in names]
        assert {share.delivered_at for share in stage.shares(order.id).values()} == {second.due_at}
        (invoice,) = stage.papers(order.id)
        (printed,) = stage.rows(select(InvoiceLine).where(InvoiceLine.invoice_id == invoice.id))
        assert "第 2 期分期款，共 4 期" in printed.description
        assert "Instalment 2 of 4" in printed.description
        for one in (third, fourth):
            at(stage, one.due_at)
        assert [one.state for one in rows(stage, subscription)] == ["paid"] * 3
        assert sum(one.gross_minor for one in charged(stage, subscription)) == sum(
            one.gross_minor for one in (second, third, fourth)
        )

    def test_a_clock_that_was_away_charges_what_it_missed(self, stage: Stage) -> None:
        _, subscription = sold(stage)
        at(stage, rows(stage, subscription)[2].due_at)
        assert [one.state for one in rows(stage, subscription)] == ["paid"] * 3

    def test_eight_at_once_charge_it_once(self, stage: Stage) -> None:
        _, subscription = sold(stage)
        second = rows(stage, subscription)[0]
        clock.advance(second.due_at - clock.now())

        with unit_of_work(stage.services.db, SYSTEM) as uow:
            assert second.id in due_instalments(uow)

        def take() -> bool:
            # The first step tells of it, where that was missed; it is due by then.
            return transact(stage.services.db, SYSTEM, lambda uow: take_instalment_step(uow, second.id))

        assert sorted(at_once([take] * 8)) == [False] * 7 + [True]
        stage.run()
        assert len(charged(stage, subscription)) == 1

    def test_a_renewal_begins_with_its_own_first(self, stage: Stage) -> None:
        order_id, subscription = sold(stage)
        switch(stage, subscription, wanted=True)
        for one in rows(stage, subscription):
            at(stage, one.due_at)
        until(stage, subscription.ends_at - RENEWS_BEFORE)
        later = rows(stage, subscription)
        assert [one.state for one in later] == ["paid"] * 3 + ["scheduled"] * 3
        assert later[3].due_at > subscription.ends_at
        (renewal,) = (
            one
            for one in stage.rows(select(Order).where(Order.subscription_id == subscription.id))
            if one.instalment_id is None
        )
        assert renewal.gross_minor == stage.order(order_id).gross_minor
        assert later[3].order_line_id == line_of(stage, renewal.id).id


class TestUnpaid:
    def test_it_is_asked_again_suspended_and_reinstated_by_payment(self, stage: Stage) -> None:
        order_id, subscription = sold(stage)
        decline(stage, order_id)
        second = rows(stage, subscription)[0]
        at(stage, second.due_at)
        (order,) = charged(stage, subscription)
        assert order.state == "pending_payment"
        clock.advance(RENEWS_BEFORE + SUSPENDED_AFTER)
        stage.tick(SWEEP_UNPAID_USAGE)
        assert stage.entitlement(order_id).state == "suspended"
        with unit_of_work(stage.services.db, SYSTEM) as uow:
            uow.session.get_one(Purchase, order.purchase_id).method_token = "sbx_ok"
        clock.advance(timedelta(days=40) - RENEWS_BEFORE - SUSPENDED_AFTER)
        transact(
            stage.services.db,
            stage.purchaser,
            lambda uow: pay_again(uow, order.purchase_id, gateway="sandbox", method_token="sbx_ok"),
        )
        stage.run()
        assert stage.order(order.id).state == "active"
        assert stage.entitlement(order_id).state == "active"
        assert rows(stage, subscription)[0].state == "paid"

    def test_not_paid_at_all_it_ends_and_nothing_more_is_asked_for(self, stage: Stage) -> None:
        order_id, subscription = sold(stage)
        decline(stage, order_id)
        at(stage, rows(stage, subscription)[0].due_at)
        clock.advance(RENEWS_BEFORE + TERMINATED_AFTER)
        stage.tick(SWEEP_UNPAID_USAGE)
        assert now(stage, subscription).state == "ended"
        assert [one.state for one in rows(stage, subscription)] == ["cancelled"] * 3
        (order,) = charged(stage, subscription)
        assert order.state in ("expired", "cancelled")
        assert stage.order(order_id).state in ("active", "completed")


class TestGoneBack:
    def test_inside_the_window_what_was_paid_goes_back_and_the_rest_is_cancelled(self, stage: Stage) -> None:
        order_id, subscription = sold(stage, refund_window_days=120)
        at(stage, rows(stage, subscription)[0].due_at)
        stage.refund(order_id)
        stage.run()
        assert stage.order(order_id).state == "refunded"
        assert now(stage, subscription).state == "ended"
        assert [one.state for one in rows(stage, subscription)] == ["cancelled"] * 3
        (order,) = charged(stage, subscription)
        assert stage.order(order.id).state == "refunded"
        at(stage, rows(stage, subscription)[2].due_at)
        assert len(charged(stage, subscription)) == 1

    def test_one_that_waits_for_its_money_is_closed(self, stage: Stage) -> None:
        order_id, subscription = sold(stage, refund_window_days=120)
        decline(stage, order_id)
        at(stage, rows(stage, subscription)[0].due_at)
        stage.refund(order_id)
        stage.run()
        (order,) = charged(stage, subscription)
        assert order.state == "cancelled"
        assert stage.purchase_of(order.id).next_try_at is None
