"""A month's limit on what an organization buys."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from kernel import clock
from kernel.db.uow import transact, unit_of_work
from orders.approval_rules.set_rule import Scope, SetRule, remove_rule, set_rule
from orders.checkout.approval_reasons import ApprovalReason
from orders.checkout.decide_purchase import DecidePurchase, decide_purchase
from orders.queries import get_purchase, get_quote
from tests.loop_stage import Stage

GROSS = 398_000
"""What the tests buy."""
LIMIT = 2 * GROSS


@pytest.fixture(autouse=True)
def _limited(stage: Stage) -> None:
    limit(stage, LIMIT)


def limit(stage: Stage, minor: int | None) -> None:
    with unit_of_work(stage.services.db, stage.buyer.owner) as uow:
        set_rule(uow, SetRule("CNY", None, max_month_minor=minor))


def reasons(stage: Stage, purchase_id: UUID) -> tuple[ApprovalReason, ...]:
    with unit_of_work(stage.services.db, stage.purchaser) as uow:
        return get_purchase(uow, purchase_id).approval_reasons


def over(spent: int, limit_minor: int = LIMIT) -> tuple[ApprovalReason, ...]:
    return (ApprovalReason("month_limit", limit_minor, spent),)


def test_the_limit_itself_may_be_reached_and_what_is_above_waits(stage: Stage) -> None:
    bought = [stage.purchase(stage.quote()) for _ in range(3)]
    assert [reasons(stage, one) for one in bought] == [(), (), over(LIMIT)]
    stage.run()
    with unit_of_work(stage.services.db, stage.purchaser) as uow:
        states = [get_purchase(uow, one).state for one in bought]
    assert states == ["paid", "paid", "pending_approval"]


def test_a_quote_says_so_beforehand(stage: Stage) -> None:
    for _ in range(2):
        stage.purchase(stage.quote())
    quote_id = stage.quote()
    with unit_of_work(stage.services.db, stage.purchaser) as uow:
        assert get_quote(uow, quote_id).needs_approval


@pytest.mark.parametrize(("decision", "spent"), [("approved", 3 * GROSS), ("rejected", LIMIT)])
def test_what_an_approver_let_pass_counts_and_what_was_refused_does_not(
    stage: Stage, decision: str, spent: int
) -> None:
    held = [stage.purchase(stage.quote()) for _ in range(3)][-1]
    command = DecidePurchase(held, decision, "because")  # type: ignore[arg-type]
    transact(stage.services.db, stage.approver, lambda uow: decide_purchase(uow, command))
    assert reasons(stage, stage.purchase(stage.quote())) == over(spent)


def test_a_refund_gives_nothing_back(stage: Stage) -> None:
    order_id = stage.buy()
    stage.run()
    stage.refund(order_id)
    stage.run()
    stage.purchase(stage.quote())
    assert reasons(stage, stage.purchase(stage.quote())) == over(LIMIT)


def test_a_month_begins_at_midnight_where_the_organization_is(stage: Stage) -> None:
    """The buyer's calendar is Shanghai's: its December begins at 16:00 of 30 November in UTC."""
    december = datetime(clock.now().year, 11, 30, 16, tzinfo=UTC)
    if december <= clock.now():
        december = december.replace(year=december.year + 1)
    clock.advance(december - timedelta(seconds=1) - clock.now())
    for _ in range(2):
        stage.purchase(stage.quote())
    assert reasons(stage, stage.purchase(stage.quote())) == over(LIMIT)
    quote_id = stage.quote()
    clock.advance(timedelta(seconds=1))
    assert reasons(stage, stage.purchase(quote_id)) == ()


def test_other_currencies_and_other_organizations_are_their_own(stage: Stage) -> None:
    limit(stage, GROSS)
    assert reasons(stage, stage.purchase(stage.quote())) == ()
    with unit_of_work(stage.services.db, stage.buyer.owner) as uow:
        set_rule(uow, SetRule("USD", 0, max_month_minor=0))
        remove_rule(uow, Scope("CNY"))
    assert reasons(stage, stage.purchase(stage.quote())) == ()
