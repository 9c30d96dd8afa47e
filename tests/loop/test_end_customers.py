"""A dealer orders for a named organization that agreed to it: that one uses it, the dealer pays; refunds, changes and ends."""

from __future__ import annotations

from functools import partial
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select, text

from app.verify.delivery import SEATS
from app.verify.end_customers import USED_BY
from app.verify.groups import ALLOCATED
from app.verify.order_sheets import RULES as SHEETS
from fulfillment.entitlements.queries import get_entitlement, launch_address
from fulfillment.entitlements.seats import assign_seat
from fulfillment.seat_allocations.assign import assign_allocated_seat
from fulfillment.seat_allocations.queries import (
    OwnAllocationRow,
    get_own_allocation,
    launch_allocated,
    list_own_allocations,
)
from kernel import clock
from kernel.db.uow import transact, unit_of_work
from kernel.errors import DomainError, NotFound
from kernel.principal import SYSTEM
from marketplace.end_customers.agree import (
    LINK_LASTS,
    AskEndCustomer,
    ask_end_customer,
    confirm_by_link,
    confirm_end_customer,
    end_end_customer,
)
from marketplace.end_customers.models import EndCustomer
from marketplace.end_customers.queries import get_end_customer, list_end_customers, read_link
from marketplace.notifications.models import Notification
from marketplace.parties.models import Organization
from orders.checkout.create_quote import CreateQuote, QuoteItem, create_quote
from orders.checkout.quote_amendment import QuoteAmendment, quote_amendment
from orders.notifications.notify_of_events import NOTIFY
from orders.order.models import Order
from orders.order_sheets.edit_sheet import MakeSheet, make_sheet
from orders.order_sheets.place_sheet import PlaceSheet, place_sheet, quote_sheet
from orders.order_sheets.queries import get_sheet
from orders.order_sheets.sheet_rows import SheetRow
from orders.subscriptions.schedule import RENEWS_BEFORE
from tests.factories_marketplace import Org, make_member, make_org
from tests.loop.test_end_of_term import subscriptions
from tests.loop.test_offers import refusal
from tests.loop.test_partner_prices import as_buyer, linked, tier
from tests.loop.test_renewals import renewals, switch, until
from tests.loop_stage import Stage
from tests.races.crowd import at_once


class Resale:
    """The stage's buyer as a dealer, with an organization that it orders for."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        linked(stage, tier(stage))
        self.customer = known(stage)
        asked = AskEndCustomer(self.customer.id)
        self.id: UUID = as_buyer(stage, lambda uow: ask_end_customer(uow, asked).id)

    def as_customer(self, work: Any) -> Any:
        return transact(self.stage.services.db, self.customer.owner, work)

    def confirm(self) -> None:
        self.as_customer(lambda uow: confirm_end_customer(uow, self.id).id)

    def quote(self, *customers: UUID | None, plan_id: UUID | None = None, quantity: int = 20) -> UUID:
        lines = tuple(QuoteItem(plan_id or self.stage.seat_plan, quantity, one) for one in customers or (self.id,))
        return UUID(str(as_buyer(self.stage, lambda uow: create_quote(uow, CreateQuote(lines)).id)))

    def buy(self, quantity: int = 20) -> UUID:
        order_id = self.stage.place(self.quote(quantity=quantity))
        self.stage.run()
        return order_id

    def allocations(self) -> list[OwnAllocationRow]:
        rows: list[OwnAllocationRow] = self.as_customer(lambda uow: list_own_allocations(uow).items)
        return rows

    def give_seat(self) -> UUID:
        (row,) = self.allocations()
        with unit_of_work(self.stage.services.db, SYSTEM) as uow:
            person = make_member(uow, self.customer, "viewer").person()
        seat_id: UUID = self.as_customer(lambda uow: assign_allocated_seat(uow, row.id, person))
        return seat_id


def known(stage: Stage) -> Org:
    """One that is found by its name or tax identifier."""
    with unit_of_work(stage.services.db, SYSTEM) as uow:
        made = make_org(uow)
        uow.session.get_one(Organization, made.id).tax_id_verified_at = clock.now()
    return made


def violations(stage: Stage) -> list[int]:
    with unit_of_work(stage.services.db, SYSTEM) as uow:
        return [rule.find(uow).violations for rule in (USED_BY, SEATS, ALLOCATED)]


@pytest.fixture
def resale(stage: Stage) -> Resale:
    made = Resale(stage)
    made.confirm()
    return made


def test_who_agreed_uses_what_its_dealer_ordered_and_reads_no_price(stage: Stage, resale: Resale) -> None:
    order_id = resale.buy()
    order = stage.order(order_id)
    assert (order.state, order.end_customer_org_id, order.buyer_org_id) == (
        "active",
        resale.customer.id,
        stage.buyer.id,
    )
    entitlement = stage.entitlement(order_id)
    told = entitlement.context
    assert (told["end_customer"]["id"], told["organization"]["id"]) == (str(resale.customer.id), str(stage.buyer.id))
    (row,) = resale.allocations()
    assert (row.seats, row.seats_used, row.state, row.may_launch, row.by_dealer) == (20, 0, "active", True, True)
    resale.give_seat()
    assert resale.as_customer(lambda uow: launch_allocated(uow, row.id)).startswith("http")
    detail = resale.as_customer(lambda uow: get_own_allocation(uow, row.id))
    assert len(detail.seats) == 1
    # The dealer reads numbers: no address that opens it, no seat to give, no names.
    owned = as_buyer(stage, lambda uow: get_entitlement(uow, entitlement.id))
    assert (owned.row.end_customer, owned.row.launch_url, owned.seats) == (told["end_customer"]["name"], None, ())
    assert (
        refusal(lambda: as_buyer(stage, lambda uow: launch_address(uow, entitlement.id)))
        == "entitlement_of_end_customer"
    )
    person = stage.purchaser.person()
    refused = refusal(lambda: as_buyer(stage, lambda uow: assign_seat(uow, entitlement.id, person)))
    assert refused == "entitlement_of_end_customer"
    # Nor is the order anything of the end customer's.
    with pytest.raises(NotFound):
        resale.as_customer(lambda uow: get_entitlement(uow, entitlement.id))
    with unit_of_work(stage.services.db, resale.customer.owner) as uow:
        assert uow.session.get(Order, order_id) is None
        seen = uow.session.execute(text("SELECT count(*) FROM orders.order_line")).scalar_one()
    assert seen == 0
    assert violations(stage) == [0, 0, 0]


def test_nothing_is_ordered_for_whoever_did_not_agree(stage: Stage) -> None:
    resale = Resale(stage)
    assert refusal(resale.quote) == "end_customer_over"
    assert (
        refusal(lambda: as_buyer(stage, lambda uow: confirm_end_customer(uow, resale.id))) == "end_customer_not_yours"
    )
    other = known(stage)
    with pytest.raises(NotFound):
        transact(stage.services.db, other.owner, lambda uow: confirm_end_customer(uow, resale.id).id)
    with pytest.raises(NotFound):
        transact(stage.services.db, other.owner, lambda uow: get_end_customer(uow, resale.id))
    resale.confirm()
    resale.confirm()
    quote_id = resale.quote()
    asked = AskEndCustomer(resale.customer.id)
    assert refusal(lambda: as_buyer(stage, lambda uow: ask_end_customer(uow, asked))) == "end_customer_there_already"
    # What is done for its buyer alone, and what another seller sells, is not ordered for others.
    assert refusal(lambda: resale.quote(plan_id=stage.service_plan, quantity=1)) == "end_customer_kind_unfit"
    _, plan_id, _ = stage.second_seller()
    assert refusal(lambda: resale.quote(plan_id=plan_id)) == "end_customer_needs_partner"
    resale.as_customer(lambda uow: end_end_customer(uow, resale.id).id)
    assert refusal(lambda: stage.place(quote_id)) == "end_customer_over"
    assert refusal(resale.quote) == "end_customer_over"


def test_one_basket_for_two_end_customers_and_oneself_is_an_order_for_each(stage: Stage, resale: Resale) -> None:
    second = known(stage)
    other: UUID = as_buyer(stage, lambda uow: ask_end_customer(uow, AskEndCustomer(second.id)).id)
    transact(stage.services.db, second.owner, lambda uow: confirm_end_customer(uow, other).id)
    purchase_id = stage.purchase(resale.quote(resale.id, other, None, resale.id))
    stage.run()
    orders = {one.end_customer_org_id: one for one in stage.orders_of(purchase_id)}
    assert set(orders) == {resale.customer.id, second.id, None}
    assert sum(one.gross_minor for one in orders.values()) == stage.purchase_of(orders[None].id).gross_minor
    assert {one.state for one in orders.values()} == {"active"}
    assert [row.seats for row in resale.allocations()] == [20, 20]
    assert violations(stage) == [0, 0, 0]


def test_a_sheet_orders_for_end_customers_and_oneself(stage: Stage, resale: Resale) -> None:
    with unit_of_work(stage.services.db, SYSTEM) as uow:
        name = uow.session.get_one(EndCustomer, resale.id).name
    rows = [
        SheetRow(at, str(stage.seat_plan), "20", end_customer=one)
        for at, one in enumerate((name, str(resale.id), ""), 1)
    ]
    sheet_id: UUID = as_buyer(stage, lambda uow: make_sheet(uow, MakeSheet("sheet", (*rows,))).id)
    assert as_buyer(stage, lambda uow: get_sheet(uow, sheet_id)).item.wrong == 0
    (quote_id,) = as_buyer(stage, lambda uow: [one.id for one in quote_sheet(uow, sheet_id)])
    assert quote_id
    command = PlaceSheet(sheet_id, stage.profile, "sandbox", "sbx_ok")
    placed = as_buyer(stage, lambda uow: place_sheet(uow, command))
    for one in placed.submissions:
        stage.services.runner.run_prepared(one.claim, one.request)
    stage.run()
    found = as_buyer(stage, lambda uow: get_sheet(uow, sheet_id))
    orders = [stage.order(one.id) for one in found.orders]
    assert {one.end_customer_org_id for one in orders} == {resale.customer.id, None}
    assert [row.seats for row in resale.allocations()] == [40]
    with unit_of_work(stage.services.db, SYSTEM) as uow:
        assert [rule.find(uow).violations for rule in SHEETS] == [0] * len(SHEETS)
    wrong = (SheetRow(1, str(stage.seat_plan), "20", end_customer="nobody"),)
    other: UUID = as_buyer(stage, lambda uow: make_sheet(uow, MakeSheet("wrong", wrong)).id)
    assert refusal(lambda: as_buyer(stage, lambda uow: quote_sheet(uow, other))) == "order_sheet_wrong"


@pytest.mark.parametrize("at", ["before delivery", "after it"])
def test_money_that_goes_back_takes_the_end_customers_use_with_it(stage: Stage, resale: Resale, at: str) -> None:
    if at == "before delivery":
        order_id = stage.place(resale.quote())
        resale.as_customer(lambda uow: end_end_customer(uow, resale.id).id)
        # Paid, but for somebody who wants nothing of it: refunded by itself unless it was begun before.
        stage.run()
        assert stage.order(order_id).state in ("refunded", "active")
    else:
        order_id = resale.buy()
        resale.give_seat()
        stage.refund(order_id)
        stage.run()
        assert stage.order(order_id).state == "refunded"
        (row,) = resale.allocations()
        assert (row.ended_for, row.seats_used, row.may_launch) == ("entitlement_ended", 0, False)
    assert violations(stage) == [0, 0, 0]


def test_more_and_fewer_seats_are_the_end_customers(stage: Stage, resale: Resale) -> None:
    order_id = resale.buy()
    resale.give_seat()
    (subscription,) = subscriptions(stage, order_id)
    quote_id = as_buyer(stage, lambda uow: quote_amendment(uow, QuoteAmendment(subscription.id, 25)).id)
    stage.purchase(quote_id)
    stage.run()
    (row,) = resale.allocations()
    assert (row.seats, row.seats_used, stage.entitlement(order_id).seats) == (25, 1, 25)
    (changed,) = renewals(stage, subscription)
    assert changed.end_customer_org_id == resale.customer.id
    resale.as_customer(lambda uow: end_end_customer(uow, resale.id).id)

    def more() -> UUID:
        found: UUID = as_buyer(stage, lambda uow: quote_amendment(uow, QuoteAmendment(subscription.id, 30)).id)
        return found

    assert refusal(more) == "end_customer_over"
    assert violations(stage) == [0, 0, 0]


def test_it_is_renewed_for_the_end_customer_until_either_side_ends_it(stage: Stage, resale: Resale) -> None:
    order_id = resale.buy()
    (subscription,) = subscriptions(stage, order_id)
    switch(stage, subscription, wanted=True)
    until(stage, subscription.ends_at - RENEWS_BEFORE)
    stage.run()
    (renewal,) = renewals(stage, subscription)
    assert (renewal.state, renewal.end_customer_org_id) == ("active", resale.customer.id)
    resale.as_customer(lambda uow: end_end_customer(uow, resale.id).id)
    stage.run()
    (now,) = subscriptions(stage, order_id)
    assert (now.auto_renew, now.state) == (False, "active")
    assert refusal(lambda: switch(stage, now, wanted=True)) == "end_customer_over"
    # What is paid for is used until its end, and then ends.
    (row,) = resale.allocations()
    assert row.state == "active"
    until(stage, now.ends_at)
    stage.run()
    (row,) = resale.allocations()
    assert row.state == "ended"
    assert violations(stage) == [0, 0, 0]


def test_of_an_end_and_an_order_at_once_one_is_first(stage: Stage, resale: Resale) -> None:
    quote_id = resale.quote()
    works = [
        lambda: str(stage.place(quote_id)),
        lambda: resale.as_customer(lambda uow: end_end_customer(uow, resale.id).state),
    ]
    placed, ended = at_once(works)
    assert ended == "ended"
    stage.run()
    if placed == "end_customer_over":
        assert stage.rows(select(Order).where(Order.end_customer_id == resale.id)) == []
    else:
        # It was ordered first; delivered or refunded, there is no third way.
        assert stage.order(UUID(placed)).state in ("active", "refunded")
    assert violations(stage) == [0, 0, 0]


def test_a_link_makes_one_organization_the_end_customer(stage: Stage) -> None:
    linked(stage, tier(stage))
    first, second = known(stage), known(stage)
    asked = AskEndCustomer(name="Blue Ocean")
    row = as_buyer(stage, lambda uow: get_end_customer(uow, ask_end_customer(uow, asked).id))
    assert row.code is not None
    assert row.org_id is None
    code: str = row.code
    own = refusal(lambda: as_buyer(stage, lambda uow: confirm_by_link(uow, code)))
    assert own == "end_customer_is_oneself"
    joins = [partial(_open, stage, one, code) for one in (first, second)]
    answers = at_once(joins)
    assert sorted(answers) == ["active", "end_customer_link_over"]
    (winner,) = [one for one, said in zip((first, second), answers, strict=True) if said == "active"]
    found = as_buyer(stage, lambda uow: get_end_customer(uow, row.id))
    assert (found.org_id, found.code, found.state) == (winner.id, None, "active")
    assert _open(stage, winner, code) == "active", "opened again, nothing changes"
    with unit_of_work(stage.services.db, SYSTEM) as uow:
        assert read_link(uow, code).state == "over"
    # Of a named identifier only the one that has it, and nobody after thirty days.
    named = AskEndCustomer(name="Green Hill", tax_id="91 3100 00MA1FL000 0X")
    narrow: str = as_buyer(stage, lambda uow: ask_end_customer(uow, named).code)
    assert _refused(stage, second, narrow) == "end_customer_other_tax_id"
    clock.advance(LINK_LASTS)
    assert _refused(stage, second, narrow) == "end_customer_link_over"


def test_an_organization_is_found_by_its_tax_identifier(stage: Stage) -> None:
    linked(stage, tier(stage))
    customer = known(stage)
    with unit_of_work(stage.services.db, SYSTEM) as uow:
        tax_id = uow.session.get_one(Organization, customer.id).tax_id
    assert tax_id is not None
    row = as_buyer(stage, lambda uow: get_end_customer(uow, ask_end_customer(uow, AskEndCustomer(tax_id=tax_id)).id))
    assert (row.org_id, row.code, row.state) == (customer.id, None, "asked")


def test_each_side_is_told(stage: Stage) -> None:
    resale = Resale(stage)
    resale.confirm()
    resale.buy()
    resale.as_customer(lambda uow: end_end_customer(uow, resale.id).id)
    stage.run()
    stage.tick(NOTIFY)
    kinds = {
        org_id: set(stage.rows(select(Notification.kind).where(Notification.org_id == org_id)))
        for org_id in (resale.customer.id, stage.buyer.id)
    }
    assert {"end_customer_asked", "end_customer_supplied"} <= kinds[resale.customer.id]
    assert {"end_customer_confirmed", "end_customer_ended_by_customer"} <= kinds[stage.buyer.id]
    (listed,) = resale.as_customer(lambda uow: list_end_customers(uow, is_dealer=False).items)
    assert (listed.state, listed.ended_by_dealer) == ("ended", False)


def _open(stage: Stage, org: Org, code: str) -> str:
    state: str = transact(stage.services.db, org.owner, lambda uow: confirm_by_link(uow, code).state)
    return state


def _refused(stage: Stage, org: Org, code: str) -> str:
    with pytest.raises(DomainError) as raised:
        _open(stage, org, code)
    return raised.value.code
