"""Whatever a plan of net price is sold by, where no tax applies: quote, order, payment, invoice and ledger say one amount."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import func, select

from app.verify.orders import PRICED, UNTAXED
from billing.charges.models import Charge
from billing.invoices.models import Invoice
from billing.ledger.models import LedgerTransaction, Posting
from billing.shares.models import Share
from kernel.db.uow import unit_of_work
from kernel.money import net_of_included
from kernel.principal import SYSTEM
from orders.checkout.priced_line import PricedLine
from orders.checkout.quote_models import Quote
from orders.order.models import Order, OrderLine
from orders.subscriptions.queries import get_subscription
from orders.subscriptions.schedule import CONVERTS_BEFORE
from orders.subscriptions.upcoming import upcoming_charges
from tests.loop import test_offers, test_partner_prices, test_tier_offers, test_trials, test_usage_charges
from tests.loop.test_end_of_term import subscriptions
from tests.loop.test_renewals import renewals, switch, until
from tests.loop.test_untaxed_price import abroad
from tests.loop_stage import Stage
from tests.milestone_stage import AMOUNTS, GROSS, service_on, staged_price

RATE = 60_000
DAY = timedelta(days=1)
SEATS = 20


@pytest.fixture(autouse=True)
def untaxed(stage: Stage) -> None:
    """The buyer's title is of Hong Kong: what it buys of a seller in China bears no tax."""
    abroad(stage)


def net(amount_minor: int) -> int:
    return net_of_included(amount_minor, RATE)


def quoted_line(stage: Stage, quote_id: UUID) -> PricedLine:
    (line,) = stage.get(Quote, quote_id).lines
    return PricedLine.model_validate(line)


def amounts(stage: Stage, order_id: UUID) -> dict[str, int]:
    """What an order comes to, by everything that says it. None of them has any tax."""
    order = stage.order(order_id)
    charges = stage.rows(select(Charge).where(Charge.group_reference == order_id))
    (payment,) = [one for one in stage.payments(order.purchase_id) if one.state == "succeeded"]
    papers = stage.rows(select(Invoice).where(Invoice.reference == order_id, Invoice.kind == "invoice"))
    assert order.tax_minor == sum(one.tax_minor for one in (*charges, *papers)) == 0
    ids = [one.id for one in charges]
    return {
        "order": order.gross_minor,
        "lines": sum(line.gross_minor for line in lines_of(stage, order)),
        "payment": payment.amount_minor,
        "charges": sum(one.gross_minor for one in charges),
        "shares": sum(stage.rows(select(Share.amount_minor).where(Share.charge_id.in_(ids)))),
        "ledger": _booked(stage, ids),
        "cash": _booked(stage, [payment.id]),
        "invoice": sum(paper.gross_minor for paper in papers),
    }


def lines_of(stage: Stage, order: Order) -> list[OrderLine]:
    return stage.rows(select(OrderLine).where(OrderLine.order_id == order.id))


def _booked(stage: Stage, references: list[UUID]) -> int:
    """What the facts of these rows move: their debits."""
    moved = (
        select(func.coalesce(func.sum(Posting.amount_minor), 0))
        .join(LedgerTransaction, LedgerTransaction.id == Posting.transaction_id)
        .where(LedgerTransaction.reference.in_(references), Posting.amount_minor > 0)
    )
    return int(stage.rows(moved)[0])


def all_are(stage: Stage, order_id: UUID, amount_minor: int) -> None:
    found = amounts(stage, order_id)
    assert found == dict.fromkeys(found, amount_minor)
    with unit_of_work(stage.services.db, SYSTEM) as uow:
        own = {str(line.id) for line in lines_of(stage, stage.order(order_id))}
        broken = [row for rule in (UNTAXED, PRICED) for row in rule.find(uow).examples]
        assert not [row for row in broken if str(row["order_line_id"]) in own]


def test_usage_is_charged_less_its_tax_as_it_was_told(stage: Stage) -> None:
    order_id, subscription = test_usage_charges.metered(stage, untaxed_price="net")
    all_are(stage, order_id, net(12 * 9_900))
    test_usage_charges.use(stage, order_id, 2_000)
    with unit_of_work(stage.services.db, stage.purchaser) as uow:
        told = [one.amount_minor for one in upcoming_charges(uow, ahead=40 * DAY) if one.is_usage]
    assert told == [net(17_500)]
    test_usage_charges.over(stage, order_id)
    (order,) = test_usage_charges.charged(stage, subscription)
    all_are(stage, order.id, net(17_500))
    (line,) = lines_of(stage, order)
    # The period and the parts of the price stay in the price's own figures.
    assert (line.list_minor, line.plan["home_rate_ppm"], line.plan["untaxed_price"]) == (17_500, RATE, "net")


def test_a_partner_pays_its_tiers_price_less_its_tax_and_renews_at_it(stage: Stage) -> None:
    stage.seat_plan, _ = stage.offer(untaxed_price="net")
    tier_id = test_partner_prices.tier(stage)
    test_partner_prices.priced(stage, tier_id)
    test_partner_prices.linked(stage, tier_id)
    quote = test_partner_prices.quoted(stage)
    gold = test_partner_prices.GOLD
    assert (quote.net_minor, quote.tax_minor, quote.gross_minor) == (net(gold), 0, net(gold))
    order_id = stage.place(quote.id)
    stage.run()
    all_are(stage, order_id, net(gold))
    (line,) = lines_of(stage, stage.order(order_id))
    assert (line.list_minor, line.plan["tier"]["list_minor"]) == (gold, test_partner_prices.LIST)
    (subscription,) = subscriptions(stage, order_id)
    switch(stage, subscription, wanted=True)
    with unit_of_work(stage.services.db, stage.purchaser) as uow:
        assert get_subscription(uow, subscription.id).expected_minor == net(gold)
    until(stage, subscription.ends_at - DAY)
    (renewal,) = renewals(stage, subscription)
    all_are(stage, renewal.id, net(gold))


def test_an_offered_price_is_less_its_tax_on_every_line(stage: Stage) -> None:
    stage.seat_plan, seen = stage.offer(untaxed_price="net")
    assert seen.placement_id is not None
    stage.placement = seen.placement_id
    offer_id = test_offers.offered(stage, test_offers.requested(stage))
    quote_id = test_offers.quoted(stage, offer_id)
    assert quoted_line(stage, quote_id).gross_minor == net(test_offers.GROSS)
    order_id = stage.place(quote_id)
    stage.run()
    all_are(stage, order_id, net(test_offers.GROSS))


def test_an_offer_to_a_tier_is_accepted_less_its_tax(stage: Stage) -> None:
    stage.seat_plan, _ = stage.offer(untaxed_price="net")
    tier_id = test_partner_prices.tier(stage)
    test_partner_prices.linked(stage, tier_id)
    test_tier_offers.offered(stage, tier_id)
    (offer,) = test_tier_offers.theirs(stage)
    quote = test_tier_offers.priced(stage, offer)
    line = quoted_line(stage, quote.id)
    assert quote.gross_minor == net(line.list_minor - line.discount_minor) < line.list_minor
    order_id = stage.place(quote.id)
    stage.run()
    all_are(stage, order_id, quote.gross_minor)


def test_a_trial_converts_at_what_was_told_when_it_began(stage: Stage) -> None:
    plan = test_trials.trial_plan(stage, untaxed_price="net", trial_needs_method=True)
    quote_id = test_trials.quote_trial(stage, plan)
    trial = quoted_line(stage, quote_id).trial
    assert trial is not None
    assert (trial.after.net_minor, trial.after.tax_minor, trial.after.gross_minor) == (
        net(test_trials.MONTH_MINOR),
        0,
        net(test_trials.MONTH_MINOR),
    )
    order_id = stage.place(quote_id)
    stage.run()
    subscription = test_trials.of_order(stage, order_id)
    assert test_trials.shown(stage, subscription).expected_minor == net(test_trials.MONTH_MINOR)
    until(stage, subscription.ends_at - CONVERTS_BEFORE)
    (paid,) = renewals(stage, subscription)
    all_are(stage, paid.id, net(test_trials.MONTH_MINOR))


def test_milestones_are_parts_of_the_price_less_its_tax(stage: Stage) -> None:
    """To the cent: each is released for itself, and together they are what was paid."""
    service = service_on(stage, staged_price(), untaxed_price="net")
    quote_id = stage.quote(service.plan, 1)
    assert quoted_line(stage, quote_id).gross_minor == net(GROSS)
    order_id = service.buy()
    all_parts = [one.gross_minor for one in service.milestones(order_id)]
    assert sum(all_parts) == net(GROSS)
    assert all(abs(part - net(amount)) <= 1 for part, amount in zip(all_parts, AMOUNTS, strict=True))
    service.take_on(order_id)
    all_are(stage, order_id, net(GROSS))
    first = service.milestones(order_id)[0]
    service.deliver(first)
    service.accept(first)
    released = sum(one.amount_minor for one in service.shares(service.milestones(order_id)[0]))
    assert released == all_parts[0]
