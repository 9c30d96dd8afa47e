"""An order sheet becomes ordinary purchases: nothing while a line is wrong, all of it at once, and only once."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select, text

from app.verify.order_sheets import ORDERED
from billing.credit_lines.models import ON_ACCOUNT
from billing.on_account.gateway import TOKEN
from kernel.db.uow import unit_of_work
from kernel.principal import SYSTEM
from orders.checkout.models import Purchase
from orders.checkout.quote_models import Quote
from orders.order.models import Order, OrderLine
from orders.order_sheets.edit_sheet import (
    MakeSheet,
    correct_rows,
    discard_sheet,
    leave_out_wrong,
    make_sheet,
    replace_rows,
)
from orders.order_sheets.models import OrderSheet
from orders.order_sheets.place_sheet import PlacedSheet, PlaceSheet, place_sheet, quote_sheet
from orders.order_sheets.queries import get_sheet
from orders.order_sheets.sheet_rows import RowChange, SheetRow
from orders.partners.end_partner import end_partner
from tests.loop.test_offers import refusal
from tests.loop.test_on_account import Account, account  # noqa: F401 - a fixture
from tests.loop.test_partner_prices import as_buyer, as_seller, linked, priced, tier
from tests.loop_stage import Stage
from tests.races.crowd import at_once
from tests.statement_counter import counting


@pytest.fixture
def gold(stage: Stage) -> UUID:
    """The buyer orders the seat plan in Gold from 20 on, in tens, at 30 % off. The link."""
    tier_id = tier(stage)
    priced(stage, tier_id, min_quantity=20, quantity_step=10)
    return linked(stage, tier_id)


def made(stage: Stage, *rows: SheetRow) -> UUID:
    sheet_id: UUID = as_buyer(stage, lambda uow: make_sheet(uow, MakeSheet("november.csv", rows)).id)
    return sheet_id


def line(stage: Stage, number: int, quantity: str, note: str = "") -> SheetRow:
    return SheetRow(number, str(stage.seat_plan), quantity, note)


def priced_sheet(stage: Stage, sheet_id: UUID) -> list[Quote]:
    as_buyer(stage, lambda uow: len(quote_sheet(uow, sheet_id)))
    return [stage.get(Quote, one) for one in stage.get(OrderSheet, sheet_id).quote_ids]


def ordered(stage: Stage, sheet_id: UUID, gateway: str = "sandbox", token: str = "sbx_ok") -> list[UUID]:
    command = PlaceSheet(sheet_id, stage.profile, gateway, token)
    placed: PlacedSheet = as_buyer(stage, lambda uow: place_sheet(uow, command))
    for one in placed.submissions:
        stage.services.runner.run_prepared(one.claim, one.request)
    stage.run()
    return stage.get(OrderSheet, sheet_id).purchase_ids


def bought(stage: Stage) -> list[Any]:
    return stage.rows(select(Purchase).where(Purchase.buyer_org_id == stage.buyer.id))


@pytest.mark.usefixtures("gold")
def test_nothing_is_ordered_until_every_line_is_right_or_left_out(stage: Stage) -> None:
    before = len(bought(stage))
    rows = (line(stage, 2, "20", "Wuhan"), line(stage, 3, "15", "Xi'an"), SheetRow(4, "no/such", "1"))
    sheet_id = made(stage, *rows)
    assert stage.get(OrderSheet, sheet_id).wrong == 2
    assert refusal(lambda: priced_sheet(stage, sheet_id)) == "order_sheet_wrong"
    assert refusal(lambda: ordered(stage, sheet_id)) == "order_sheet_unpriced"
    as_buyer(stage, lambda uow: correct_rows(uow, sheet_id, [RowChange(3, quantity="30")]).id)
    as_buyer(stage, lambda uow: leave_out_wrong(uow, sheet_id).id)
    with unit_of_work(stage.services.db, stage.purchaser) as uow:
        view = get_sheet(uow, sheet_id)
    assert (view.item.wrong, view.left_out) == (0, 1)
    (quote,) = priced_sheet(stage, sheet_id)
    assert [(one["quantity"], one["unit_price_minor"]) for one in quote.lines] == [(50, 13_930)]
    # What is changed after its price is another sheet.
    as_buyer(stage, lambda uow: correct_rows(uow, sheet_id, [RowChange(3, quantity="20")]).id)
    assert refusal(lambda: ordered(stage, sheet_id)) == "order_sheet_unpriced"
    assert len(bought(stage)) == before
    priced_sheet(stage, sheet_id)
    (purchase_id,) = ordered(stage, sheet_id)
    assert ordered(stage, sheet_id) == [purchase_id]
    (sold,) = stage.rows(select(OrderLine).join(Order).where(Order.purchase_id == purchase_id))
    assert (sold.quantity, sold.plan["tier"]["min_quantity"]) == (40, 20)
    assert stage.get(Purchase, purchase_id).state == "paid"
    assert refusal(lambda: as_buyer(stage, lambda uow: discard_sheet(uow, sheet_id).id)) == "order_sheet_ended"
    with unit_of_work(stage.services.db, SYSTEM) as uow:
        assert uow.session.execute(text(ORDERED.sql)).all() == []


def test_a_sheet_of_several_sellers_is_one_purchase_with_an_order_for_each(stage: Stage) -> None:
    seller, other, _ = stage.second_seller()
    sheet_id = made(stage, line(stage, 1, "20"), SheetRow(2, str(other), "20"))
    (quote,) = priced_sheet(stage, sheet_id)
    (purchase_id,) = ordered(stage, sheet_id)
    orders = stage.rows(select(Order).where(Order.purchase_id == purchase_id))
    assert {one.seller_org_id for one in orders} == {stage.seller.id, seller.id}
    assert sum(one.gross_minor for one in orders) == quote.gross_minor


def test_a_link_that_ends_takes_the_price_with_it_and_nothing_is_ordered(stage: Stage, gold: UUID) -> None:
    sheet_id = made(stage, line(stage, 1, "20"))
    priced_sheet(stage, sheet_id)
    as_seller(stage, lambda uow: end_partner(uow, gold).id)
    assert refusal(lambda: ordered(stage, sheet_id)) == "quote_expired"
    assert stage.get(OrderSheet, sheet_id).state == "draft"
    (quote,) = priced_sheet(stage, sheet_id)
    assert quote.lines[0]["unit_price_minor"] == 19_900


def test_asked_for_by_two_at_once_it_is_ordered_once(stage: Stage) -> None:
    before = len(bought(stage))
    sheet_id = made(stage, line(stage, 1, "20"))
    priced_sheet(stage, sheet_id)
    outcomes = at_once([lambda: ordered(stage, sheet_id)] * 2)
    assert outcomes[0] == outcomes[1]
    assert len(bought(stage)) == before + 1


def test_a_change_and_an_order_at_once_agree(stage: Stage) -> None:
    """Either the changed sheet has no price, or what was ordered changes no more."""
    sheet_id = made(stage, line(stage, 1, "20"))
    priced_sheet(stage, sheet_id)
    other = (line(stage, 1, "99"),)

    outcomes = at_once(
        [
            lambda: str(len(ordered(stage, sheet_id))),
            lambda: str(as_buyer(stage, lambda uow: replace_rows(uow, sheet_id, other).state)),
        ]
    )
    assert outcomes in (["1", "order_sheet_ended"], ["order_sheet_unpriced", "draft"])
    lines = stage.rows(select(OrderLine).where(OrderLine.buyer_org_id == stage.buyer.id))
    assert all(one.quantity == 20 for one in lines)


def test_above_the_buyers_credit_nothing_is_ordered(account: Account) -> None:  # noqa: F811 - the fixture
    stage = account.stage
    sheet_id = made(stage, line(stage, 1, "20"))
    (quote,) = priced_sheet(stage, sheet_id)
    account.grant(quote.gross_minor - 1)
    before = len(bought(stage))
    assert refusal(lambda: ordered(stage, sheet_id, ON_ACCOUNT, TOKEN)) == "credit_limit_exceeded"
    assert (len(bought(stage)), stage.get(OrderSheet, sheet_id).state) == (before, "draft")
    account.grant(quote.gross_minor)
    (purchase_id,) = ordered(stage, sheet_id, ON_ACCOUNT, TOKEN)
    assert stage.get(Purchase, purchase_id).state == "paid"
    assert account.line().used_minor == quote.gross_minor


@pytest.mark.usefixtures("gold")
def test_three_thousand_lines_are_looked_at_in_as_many_statements_as_one(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []
    for lines in (1, 3_000):
        rows = tuple(line(stage, at, "20", f"Branch {at}") for at in range(1, lines + 1))
        with counting(monkeypatch) as count:
            sheet_id = made(stage, *rows)
        asked.append(len(count.statements))
        # Of three thousand lines the last is beyond what the plan is sold in, all of them together.
        assert stage.get(OrderSheet, sheet_id).wrong == (lines > 1)
    assert asked[0] == asked[1]
