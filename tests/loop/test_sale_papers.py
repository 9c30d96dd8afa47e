"""Receipts of payments, pro-forma invoices of quotes and unpaid purchases: drawn when asked for, by their buyer alone."""

from __future__ import annotations

import io
from typing import Any

import pytest
from litestar.testing import TestClient
from python_calamine import CalamineWorkbook
from sqlalchemy import func, select

from billing.documents.model import Language
from billing.invoices.models import NumberSeries
from kernel.db.uow import transact
from kernel.errors import Conflict, NotFound
from kernel.principal import Principal
from orders.papers.draw_paper import AskPaper, PaperFile, find_or_draw
from orders.papers.models import SalePaper
from tests.loop_stage import Stage


def ask(stage: Stage, command: AskPaper, by: Principal | None = None) -> PaperFile | None:
    return transact(stage.services.db, by or stage.purchaser, lambda uow: find_or_draw(uow, command))


def numbers_taken(stage: Stage) -> int:
    return int(stage.rows(select(func.coalesce(func.sum(NumberSeries.next_number), 0)))[0])


def test_a_receipt_is_of_money_that_came(stage: Stage, browser: TestClient[Any]) -> None:
    order_id = stage.buy(method="sbx_timeout")
    (payment,) = stage.payments(stage.order(order_id).purchase_id)
    command = AskPaper("receipt", payment.id, Language.BILINGUAL)
    with pytest.raises(Conflict, match="payment_not_received"):
        ask(stage, command)
    assert browser.get(f"/payments/{payment.id}/receipt").status_code == 200
    paid = stage.buy()
    stage.run()
    (payment,) = stage.payments(stage.order(paid).purchase_id)
    before, command = numbers_taken(stage), AskPaper("receipt", payment.id, Language.BILINGUAL)
    with pytest.raises(NotFound, match="payment_not_found"):
        ask(stage, command, stage.seller.owner)
    assert ask(stage, command) is None
    assert ask(stage, command) is None
    refused = browser.get(f"/v1/payments/{payment.id}/receipt?language=bilingual")
    assert (refused.status_code, refused.json()["code"]) == (409, "paper_not_ready")
    stage.run(documents=True)
    found = ask(stage, command)
    assert found is not None
    assert stage.services.storage.get_bytes(found.key).startswith(b"%PDF-1.7")
    assert found.file_name.startswith("RC-")
    assert len(stage.rows(select(SalePaper.id).where(SalePaper.subject_id == payment.id))) == 1
    assert numbers_taken(stage) == before, "no series of invoices knows of it"
    assert browser.get(f"/v1/payments/{payment.id}/receipt?language=bilingual").content.startswith(b"%PDF")
    page = browser.get(f"/payments/{payment.id}/receipt")
    assert f"/payments/{payment.id}/receipt?language=en" in page.text
    assert f"/payments/{payment.id}/receipt" in browser.get(f"/orders/{paid}").text


def test_a_pro_forma_invoice_is_of_what_waits_for_its_money(stage: Stage, browser: TestClient[Any]) -> None:
    quote_id = stage.quote()
    command = AskPaper("quote_pro_forma", quote_id, Language.EN, sandbox=True)
    assert ask(stage, command) is None
    stage.run(documents=True)
    order_id = stage.place(quote_id, method="sbx_timeout")
    drawn = ask(stage, command)
    assert drawn is not None, "what was drawn is kept"
    assert drawn.file_name.startswith("PF-")
    with pytest.raises(Conflict, match="quote_used"):
        ask(stage, AskPaper("quote_pro_forma", quote_id, Language.ZH))
    purchase_id = stage.order(order_id).purchase_id
    unpaid = AskPaper("purchase_pro_forma", purchase_id, Language.ZH)
    with pytest.raises(NotFound, match="not_found"):
        ask(stage, unpaid, stage.seller.owner)
    assert ask(stage, unpaid) is None
    stage.run(documents=True)
    assert ask(stage, unpaid) is not None
    paid = stage.buy()
    stage.run()
    late = AskPaper("purchase_pro_forma", stage.order(paid).purchase_id, Language.ZH)
    with pytest.raises(Conflict, match="purchase_not_unpaid"):
        ask(stage, late)
    shown = browser.get(f"/purchases/{stage.order(paid).purchase_id}/pro-forma")
    assert shown.status_code == 200


def test_a_statement_is_had_as_a_workbook_with_the_orders_that_its_seller_may_know(
    stage: Stage, seller_browser: TestClient[Any], browser: TestClient[Any]
) -> None:
    order_id = stage.buy()
    stage.run()
    stage.settle()
    (statement,) = stage.statements(stage.seller)
    found = seller_browser.get(f"/v1/statements/{statement.id}/xlsx")
    assert found.status_code == 200
    book = CalamineWorkbook.from_filelike(io.BytesIO(found.content))
    (_, line) = book.get_sheet_by_name("lines").to_python()
    assert line[2] == stage.order(order_id).number
    facts = {str(name): value for name, value in book.get_sheet_by_name("statement").to_python()}
    assert facts["net"] == statement.net_minor / 100
    assert browser.get(f"/v1/statements/{statement.id}/xlsx").status_code == 404
    assert f"/v1/statements/{statement.id}/xlsx" in seller_browser.get(f"/seller/statements/{statement.id}").text
