"""What recurs of a line that the platform sells: each amount is charged, taxed, shared, invoiced and refunded as the first."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest
from sqlalchemy import select

from app.verify.rule import Query
from app.verify.rules import RULES
from billing.charges.models import Charge
from billing.gateways.ports import GatewayStatus
from billing.refunds.models import RefundLine
from billing.shares.models import Share
from billing.statements.models import StatementLine
from kernel.db.uow import unit_of_work
from kernel.principal import SYSTEM
from marketplace.parties.models import PLATFORM_ORG_ID
from orders.order.models import OrderLine
from orders.subscriptions.schedule import CONVERTS_BEFORE, RENEWS_BEFORE
from orders.usage.jobs import SWEEP_UNPAID_USAGE
from tests import factories_marketplace
from tests.loop import test_disputes, test_instalments, test_store_credit, test_trials, test_usage_charges
from tests.loop.test_on_account import Account
from tests.loop.test_on_account import account as account  # noqa: PLC0414 - a fixture
from tests.loop.test_renewals import renewals, subscribed, until
from tests.loop_stage import Stage
from tests.milestone_stage import service_on, staged_price
from tests.month_stage import choose_monthly, documents, end_month, sweep_months
from tests.platform_party import register_platform
from tests.reseller_stage import tax_payable

if TYPE_CHECKING:
    from collections.abc import Iterator

CHECKED = (
    "ledger.",
    "payments.",
    "charges.",
    "refunds.",
    "store_credit.",
    "shares.",
    "lines.",
    "invoices.",
    "statements.",
    "disputes.",
    "incidents.",
    "orders.",
    "usage.",
    "instalments.",
    "milestones.",
)
BY_THE_CLOCK = ("ledger.sealed", "shares.held")
"""What is due by a clock that nobody here goes by; so is whatever asks what is late, of other tests' rows."""


def found(stage: Stage) -> dict[str, int]:
    rules = [
        rule
        for rule in RULES
        if rule.name.startswith(CHECKED)
        and rule.name not in BY_THE_CLOCK
        and not (isinstance(rule, Query) and re.search(":now|:late", rule.sql))
    ]
    with unit_of_work(stage.services.db, SYSTEM) as uow:
        return {rule.name: rule.find(uow).violations for rule in rules}


@pytest.fixture(autouse=True)
def _resold(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Whatever the seller offers in here the platform sells; afterwards no rule finds more than before."""
    register_platform(stage.services.db)

    def resold(*named: str) -> Any:
        return replace(factories_marketplace.words(*named), selling_model="reseller")

    for module in ("tests.loop_stage", "tests.milestone_stage"):
        monkeypatch.setattr(f"{module}.words", resold)
    before = found(stage)
    yield
    stage.run()
    after = found(stage)
    assert {name: count for name, count in after.items() if count != before[name]} == {}


def sold_by_platform(stage: Stage, order_id: UUID) -> None:
    """Every charge of an order: the platform owes the tax, the parties have the net, and the platform invoices it."""
    order = stage.order(order_id)
    assert order.selling_model == "reseller"
    charges = stage.rows(select(Charge).where(Charge.group_reference == order_id))
    lines = stage.rows(select(OrderLine).where(OrderLine.order_id == order_id))
    assert {one.selling_model for one in lines} == {"reseller"}
    assert sum(one.gross_minor for one in charges) == order.gross_minor > 0
    for charge in charges:
        shares = stage.rows(select(Share).where(Share.charge_id == charge.id))
        assert charge.is_resold
        assert (charge.supply_tax_rate_ppm, charge.supply_tax_category) == (60_000, "S")
        assert charge.tax_minor > 0
        assert sum(one.amount_minor for one in shares) == charge.net_minor


def issued_by_platform(stage: Stage, order_id: UUID) -> None:
    order = stage.order(order_id)
    (invoice,) = stage.papers(order_id)
    assert (invoice.seller_org_id, invoice.gross_minor) == (PLATFORM_ORG_ID, order.gross_minor)
    assert invoice.number is not None
    notes = stage.papers(order_id, "credit_note")
    assert {one.seller_org_id for one in notes} <= {PLATFORM_ORG_ID}


def tax_of(stage: Stage, *order_ids: UUID) -> int:
    """What of the tax of these orders is still with us, by their charges and refunds."""
    charges = stage.rows(select(Charge).where(Charge.group_reference.in_(order_ids)))
    refunded = stage.rows(select(RefundLine).where(RefundLine.charge_id.in_([one.id for one in charges])))
    return sum(int(one.tax_minor) for one in charges) - sum(int(one.tax_minor) for one in refunded)


def test_terms_renewed_used_and_paid_in_parts(stage: Stage) -> None:
    before = tax_payable(stage)
    first, subscription = subscribed(stage)
    until(stage, subscription.ends_at - RENEWS_BEFORE)
    (renewal,) = renewals(stage, subscription)
    until(stage, subscription.ends_at + timedelta(hours=1))
    used, metered = test_usage_charges.metered(stage)
    test_usage_charges.use(stage, used, 1_400)
    test_usage_charges.over(stage, used)
    (charged,) = test_usage_charges.charged(stage, metered)
    parts, split = test_instalments.sold(stage)
    (second, *_) = test_instalments.rows(stage, split)
    test_instalments.at(stage, second.due_at)
    (further,) = test_instalments.charged(stage, split)
    stage.tick(SWEEP_UNPAID_USAGE)
    orders = [first, renewal.id, used, charged.id, parts, further.id]
    for order_id in orders:
        sold_by_platform(stage, order_id)
        issued_by_platform(stage, order_id)
    assert tax_payable(stage) - before == tax_of(stage, *orders)


def test_a_trial_bought_and_a_service_in_milestones(stage: Stage) -> None:
    before = tax_payable(stage)
    tried, subscription = test_trials.trying(stage)
    assert stage.order(tried).selling_model == "reseller"
    until(stage, subscription.ends_at - CONVERTS_BEFORE)
    bought = test_trials.convert(stage, subscription, "sbx_ok") if not renewals(stage, subscription) else None
    stage.run()
    (conversion,) = renewals(stage, subscription)
    assert bought in {None, conversion.id}
    service = service_on(stage, staged_price())
    staged = service.begun()
    first, *_ = service.milestones(staged)
    service.deliver(first)
    service.accept(first)
    sold_by_platform(stage, conversion.id)
    sold_by_platform(stage, staged)
    issued_by_platform(stage, staged)
    stage.refund(staged)
    stage.run()
    (charge,) = stage.rows(select(Charge).where(Charge.part_reference == first.id))
    (note,) = stage.papers(staged, "credit_note")
    assert (note.seller_org_id, note.gross_minor) == (
        PLATFORM_ORG_ID,
        stage.order(staged).gross_minor - charge.gross_minor,
    )
    assert tax_payable(stage) - before == tax_of(stage, conversion.id, staged)
    assert tax_of(stage, staged) == charge.tax_minor


def test_what_goes_back_in_parts_as_credit_and_by_a_bank(stage: Stage, account: Account) -> None:
    before = tax_payable(stage)
    stage.seat_plan, _ = stage.offer()
    credited = test_store_credit.given(stage, 100_003)
    assert test_store_credit.have(stage) == (100_003, 0)
    by_credit = test_store_credit.bought(stage)
    assert test_store_credit.have(stage) == (0, 0)
    parts, lost = (test_store_credit.bought(stage, quantity=quantity) for quantity in (7, 3))
    for minor in (1, 33_333, 7):
        stage.refund(parts, minor)
        stage.run()
    for status in (GatewayStatus.PENDING, GatewayStatus.FAILED):
        test_disputes.say(stage, lost, status, 20_001)
    account.grant()
    (owed,) = stage.orders_of(account.owe(quantity=5))
    orders = [credited, by_credit, parts, lost, owed.id]
    for order_id in orders:
        sold_by_platform(stage, order_id)
        issued_by_platform(stage, order_id)
    credited_minor = [sum(one.gross_minor for one in stage.papers(each, "credit_note")) for each in orders]
    assert credited_minor == [100_003, 0, 33_341, 20_001, 0]
    assert tax_payable(stage) - before == tax_of(stage, *orders)
    account.pay(account.asked(owed.purchase_id))
    stage.run()
    for order_id in orders[1:4]:
        stage.refund(order_id)
        stage.run()
        assert stage.order(order_id).state == "refunded"
    assert tax_payable(stage) - before == tax_of(stage, credited, owed.id)
    stage.settle()
    (statement,) = stage.statements(stage.seller)
    lines = stage.rows(select(StatementLine).where(StatementLine.statement_id == statement.id))
    assert {one.kind for one in lines} == {"supply", "supply_refund"}
    supplied = [stage.shares(each)["seller"] for each in orders]
    assert statement.net_minor == sum(one.amount_minor - one.reversed_minor for one in supplied)
    assert [one.amount_minor - one.reversed_minor for one in supplied[1:4]] == [0, 0, 0]


def test_a_month_has_what_is_left_and_a_part_that_goes_back_later(stage: Stage) -> None:
    before = tax_payable(stage)
    choose_monthly(stage)
    stage.seat_plan, _ = stage.offer(refund_window_days=60)
    orders = [test_store_credit.bought(stage, quantity=quantity) for quantity in (3, 11)]
    stage.refund(orders[0], 12_347)
    stage.run()
    end_month(stage, orders[0])
    sweep_months(stage)
    stage.run()
    (invoice,) = documents(stage)
    assert (invoice.seller_org_id, invoice.tax_minor) == (PLATFORM_ORG_ID, tax_payable(stage) - before)
    stage.refund(orders[1], 54_321)
    stage.run()
    (note,) = documents(stage, "credit_note")
    assert (note.seller_org_id, note.gross_minor) == (PLATFORM_ORG_ID, 54_321)
    assert invoice.tax_minor - note.tax_minor == tax_payable(stage) - before == tax_of(stage, *orders)
