"""One invoice a month: what was delivered and paid waits for it, less what goes back before, credited after."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from litestar.testing import TestClient
from sqlalchemy import func, select

from billing.documents.cii import to_cii
from billing.documents.ubl import to_ubl
from billing.fapiao.models import FapiaoRequest
from billing.fapiao.request_fapiao import RequestFapiao, request_fapiao
from billing.fapiao.sandbox import SandboxFapiaoIssuer
from billing.invoices.issue_credit_note import IssueCreditNote, issue_credit_note
from billing.invoices.models import Invoice
from billing.invoices.to_document import load_document
from billing.ledger.models import LedgerTransaction
from kernel import clock
from kernel.db.uow import transact, unit_of_work
from kernel.errors import NotFound
from kernel.ids import uuid7
from kernel.principal import SYSTEM
from marketplace.access.authenticate import csrf_of
from marketplace.parties.models import BillingProfile
from orders.buyer_statements.content import month_bounds
from orders.invoicing.correct_title import CorrectTitle, correct_invoice_title
from orders.invoicing.invoice_month import fitting
from orders.invoicing.models import UnbilledOrder
from orders.refunds.refund_order import issue_credit_note_for
from tests.loop_stage import Stage
from tests.month_stage import choose_monthly, documents, end_month, lines_of, sweep_months, waiting

GROSS = 398_000
TAX_ID = "91330106MA2CF9B3RJ"
PROFILE = {"legal_name": "云帆科技", "country": "CN", "tax_id": TAX_ID, "email": "a@b.example"}


def test_a_months_orders_come_on_one_invoice(stage: Stage) -> None:
    before = stage.buy()
    stage.run()
    choose_monthly(stage)
    first, second = stage.buy(), stage.buy(quantity=3)
    stage.run()
    own = documents(stage)
    assert [one.reference for one in own] == [before], "what was delivered before the choice has its own"
    row = waiting(stage, first)
    assert row.month == clock.today("Asia/Shanghai").replace(day=1)
    booked = stage.rows(select(func.count(LedgerTransaction.id)))
    sweep_months(stage)
    assert len(documents(stage)) == 1, "the month is not over"
    end_month(stage, first)
    choose_monthly(stage, wanted=False)
    sweep_months(stage)
    sweep_months(stage)
    stage.run()
    _, invoice = documents(stage)
    orders = [stage.order(first), stage.order(second)]
    assert stage.rows(select(func.count(LedgerTransaction.id))) == booked, "no book knows of it"
    assert (invoice.month, invoice.order_number, invoice.po_number) == (row.month, "", "PO-7")
    assert (invoice.gross_minor, invoice.paid_minor) == (sum(one.gross_minor for one in orders),) * 2
    assert invoice.number is not None
    lines = lines_of(stage, invoice)
    assert [(one.order_id, one.order_number) for one in lines] == [(one.id, one.number) for one in orders]
    assert all(one.period_start_on and one.order_details == "PO PO-7" for one in lines)
    assert {waiting(stage, one).reference for one in (first, second)} == {invoice.reference}
    with unit_of_work(stage.services.db, SYSTEM) as uow:
        document = load_document(uow, invoice.id, public_url="")
    assert all(
        number.encode() in to_cii(document) and number.encode() in to_ubl(document)
        for number in (one.number for one in orders)
    )
    for principal in (stage.purchaser, stage.seller.owner):
        for any_id in (first, invoice.id):
            found = stage.trace(principal, any_id)
            assert found.is_whole
            assert {"unbilled_order", "invoice"} <= {node.kind for node in found.nodes}
    third = stage.buy()
    stage.run()
    assert len(stage.papers(third)) == 1, "the choice was taken back"


def test_what_waits_is_seen_where_it_is_looked_for(stage: Stage, browser: TestClient[Any]) -> None:
    form = PROFILE | {"monthly_invoice": "yes", "csrf": csrf_of(browser.cookies["session"])}
    told = browser.post(f"/billing-profiles/{stage.profile}", data=form)
    assert told.status_code == 200, told.text
    first, second, back = stage.buy(), stage.buy(), stage.buy()
    stage.run()
    stage.refund(first, 98_000)
    stage.refund(back)
    stage.run()
    row = waiting(stage, first)
    (coming,) = browser.get("/v1/invoices-to-come").json()
    assert (coming["month"], coming["orders"]) == (row.month.isoformat(), 2)
    assert coming["gross"]["amount"] == 2 * GROSS - 98_000
    found = browser.get("/v1/unbilled-orders").json()["items"]
    assert [(one["order_id"], one["gross"]["amount"]) for one in found] == [
        (str(second), GROSS),
        (str(first), GROSS - 98_000),
    ]
    assert browser.get(f"/v1/unbilled-orders?order_id={back}").json()["items"] == []
    listed = browser.get("/to-be-invoiced").text
    assert stage.order(first).number in listed
    assert stage.order(back).number not in listed
    assert "/to-be-invoiced" in browser.get(f"/orders/{first}").text
    browser.put(f"/v1/billing-profiles/{stage.profile}", json=PROFILE | {"legal_name": "云帆科技有限公司"})
    assert browser.get("/v1/billing-profiles").json()[0]["monthly_invoice"] is True, (
        "left as it is where nothing is said"
    )
    end_month(stage, first)
    sweep_months(stage)
    stage.run()
    assert browser.get("/v1/invoices-to-come").json() == []
    (invoice,) = browser.get(f"/v1/invoices?order_id={second}").json()["items"]
    assert (invoice["month"], invoice["gross"]["amount"]) == (row.month.isoformat(), 2 * GROSS - 98_000)
    by_number = browser.get("/v1/invoices", params={"q": stage.order(first).number}).json()["items"]
    assert [one["id"] for one in by_number] == [invoice["id"]]
    opened = browser.get(f"/invoices?open={invoice['id']}").text
    assert f"/orders/{first}" in opened


def test_months_are_those_of_the_buyers_calendar(stage: Stage) -> None:
    choose_monthly(stage)
    # One minute before and one after midnight in Shanghai, on the same day in UTC.
    ahead = datetime(clock.now().year + 1, 3, 31, 15, 59, tzinfo=UTC)
    clock.advance(ahead - clock.now())
    march = stage.buy()
    stage.run()
    clock.advance(timedelta(minutes=2))
    april = stage.buy()
    stage.run()
    months = [waiting(stage, one).month for one in (march, april)]
    assert [one.month for one in months] == [3, 4]
    end_month(stage, march)
    sweep_months(stage)
    (invoice,) = documents(stage)
    assert (invoice.month, waiting(stage, april).settled_at) == (months[0], None)


def test_what_went_back_before_the_run_is_not_on_it(stage: Stage) -> None:
    choose_monthly(stage)
    partly, wholly, kept = stage.buy(), stage.buy(), stage.buy()
    stage.run()
    refunds = [stage.refund(partly, 98_000), stage.refund(wholly)]
    stage.run()
    assert documents(stage, "credit_note") == []
    end_month(stage, kept)
    sweep_months(stage)
    stage.run()
    (invoice,) = documents(stage)
    assert [(one.order_id, one.gross_minor) for one in lines_of(stage, invoice)] == [
        (partly, GROSS - 98_000),
        (kept, GROSS),
    ]
    assert waiting(stage, wholly).settled_at is not None
    assert waiting(stage, wholly).reference is None
    # What follows a refund may come late, as a job: it credits nothing that is not on the invoice.
    for order_id, refund_id in zip((partly, wholly), refunds, strict=True):
        assert waiting(stage, order_id).deducted == [refund_id]
        with unit_of_work(stage.services.db, SYSTEM) as uow:
            issue_credit_note_for(uow, refund_id, order_id)
    assert documents(stage, "credit_note") == []


def test_what_goes_back_after_it_is_credited_once(stage: Stage) -> None:
    first, second, invoice = invoiced(stage)
    refund_id = stage.refund(first, 98_000)
    stage.refund(second)
    stage.run()
    notes = documents(stage, "credit_note")
    assert [(note.original_invoice_id, note.gross_minor) for note in notes] == [
        (invoice.id, 98_000),
        (invoice.id, GROSS),
    ]
    assert [(note.reference, note.order_number) for note in notes] == [
        (one, stage.order(one).number) for one in (first, second)
    ]
    assert None not in {note.number for note in notes}
    assert [stage.order(one).state for one in (first, second)] == ["active", "refunded"]
    with unit_of_work(stage.services.db, SYSTEM) as uow:
        issue_credit_note_for(uow, refund_id, first)
    assert len(documents(stage, "credit_note")) == len(notes)
    other = stage.buy()
    stage.run()
    with unit_of_work(stage.services.db, SYSTEM) as uow, pytest.raises(NotFound, match="invoice_not_found"):
        issue_credit_note(uow, IssueCreditNote(invoice.id, _refund_of(stage, other)))


def test_its_title_is_corrected_with_what_is_left(stage: Stage) -> None:
    first, second, invoice = invoiced(stage)
    stage.refund(first, 98_000)
    stage.run()
    command = CorrectTitle(invoice.id, "抬头写错了", legal_name="云帆公司")
    found = transact(stage.services.db, stage.buyer.owner, lambda uow: correct_invoice_title(uow, command))
    stage.run()
    _, replaced = documents(stage)
    assert (replaced.id, replaced.gross_minor) == (found.invoice_id, 2 * GROSS - 98_000)
    assert (replaced.month, replaced.reference) == (invoice.month, invoice.reference)
    assert [one.order_id for one in lines_of(stage, replaced)] == [first, second]
    stage.refund(second)
    stage.run()
    *_, last = documents(stage, "credit_note")
    assert (last.original_invoice_id, last.gross_minor) == (replaced.id, GROSS)


def test_a_tax_invoice_is_asked_for_as_of_another(stage: Stage) -> None:
    _, _, invoice = invoiced(stage)
    ask = RequestFapiao([invoice.id])
    request_id = transact(
        stage.services.db, stage.buyer.owner, lambda uow: request_fapiao(uow, ask, SandboxFapiaoIssuer()).id
    )
    request = stage.get(FapiaoRequest, request_id)
    assert (request.gross_minor, f"{invoice.month:%Y-%m}" in request.remarks) == (2 * GROSS, True)


def test_another_address_is_one_invoice_and_another_name_is_two(stage: Stage) -> None:
    choose_monthly(stage)
    orders = [stage.buy()]
    stage.run()
    for change in ({"address": "张江路 99 号"}, {"legal_name": "另一个名字"}):
        with unit_of_work(stage.services.db, SYSTEM) as uow:
            profile = uow.session.get_one(BillingProfile, stage.profile)
            for name, value in change.items():
                setattr(profile, name, value)
        orders.append(stage.buy())
        stage.run()
    end_month(stage, orders[0])
    sweep_months(stage)
    assert len(documents(stage)) == 1
    sweep_months(stage)
    both, renamed = documents(stage)
    assert ([one.order_id for one in lines_of(stage, both)], both.buyer["address_lines"]) == (
        orders[:2],
        ["张江路 99 号"],
    )
    assert ([one.order_id for one in lines_of(stage, renamed)], renamed.buyer["legal_name"]) == (
        orders[2:],
        "另一个名字",
    )


def test_what_could_not_be_delivered_is_on_none(stage: Stage) -> None:
    choose_monthly(stage)
    stage.seller_app.behave(mode="fail_permanently")
    order_id = stage.buy()
    stage.run()
    assert stage.rows(select(UnbilledOrder).where(UnbilledOrder.order_id == order_id)) == []


@given(st.lists(st.integers(1, 12), max_size=30), st.integers(1, 20))
def test_as_many_orders_as_fit_are_on_one_document(lines: list[int], most: int) -> None:
    orders = [(uuid7(), count) for count in lines]
    chosen = fitting(orders, most)
    assert chosen == [one for one, _ in orders[: len(chosen)]]
    taken = sum(lines[: len(chosen)])
    assert taken <= most or len(chosen) == 1
    assert len(chosen) == len(orders) or (chosen and taken + lines[len(chosen)] > most)


def invoiced(stage: Stage) -> tuple[UUID, UUID, Invoice]:
    """Two orders of the last days of a month, and its invoice; both could still be given back."""
    choose_monthly(stage)
    _, end = month_bounds(clock.today("Asia/Shanghai"), "Asia/Shanghai")
    clock.advance(end - timedelta(days=2) - clock.now())
    first, second = stage.buy(), stage.buy()
    stage.run()
    end_month(stage, first)
    sweep_months(stage)
    stage.run()
    (invoice,) = documents(stage)
    return first, second, invoice


def _refund_of(stage: Stage, order_id: UUID) -> UUID:
    refund_id = stage.refund(order_id, 1_000)
    stage.run()
    return refund_id
