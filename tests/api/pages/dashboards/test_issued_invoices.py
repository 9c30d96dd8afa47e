"""What was issued, by its issuer: a seller, and the platform's finance for what the platform sells itself."""

from __future__ import annotations

import re
from typing import Any

from app.verify import fapiao, tenancy
from billing.fapiao.red_letters import decide_red_letter
from billing.refunds.models import Refund
from kernel.db.uow import transact, unit_of_work
from kernel.principal import SYSTEM
from orders.refunds.held import withdraw_held_refund
from tests.api.pages.dashboards.conftest import Dashboards, Visitor, text_of
from tests.fapiao_stage import letters_of, number_reds, on_fapiao
from tests.reseller_stage import offer_resold


def rows(visitor: Visitor, query: str = "") -> list[str]:
    """Which documents the page lists."""
    answer = visitor.get(f"/seller/invoices?{query}")
    assert answer.status_code == 200
    return re.findall(r'class="cell num" href="[^"]*open=([0-9a-f-]{36})', answer.text)


def listed(visitor: Visitor, query: str = "") -> list[str]:
    """Which documents the API lists."""
    return [one["id"] for one in api(visitor, f"/v1/seller/invoices?{query}")["items"]]


def api(visitor: Visitor, path: str) -> Any:
    answer = visitor.client.get(path, headers=visitor._headers() | {"Accept": "application/json"})
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_each_issuer_finds_its_own_documents_and_nobody_elses(dashboards: Dashboards) -> None:
    stage, seller = dashboards.stage, dashboards.seller
    finance = dashboards.of_platform("finance")
    (bill,) = stage.papers(dashboards.order_id)
    resold = stage.buy(offer_resold(stage), 2)
    stage.run()
    stage.refund(resold, 1_234)
    stage.run()
    (invoice,), (note,) = stage.papers(resold), stage.papers(resold, "credit_note")
    assert rows(seller) == listed(seller) == [str(bill.id)]
    assert rows(finance) == listed(finance) == [str(note.id), str(invoice.id)]
    assert rows(finance, "kind=credit_note") == listed(finance, "kind=credit_note") == [str(note.id)]
    assert rows(finance, f"q={invoice.number}") == listed(finance, f"q={invoice.number}") == [str(invoice.id)]
    assert rows(finance, f"q={invoice.buyer['legal_name']}&kind=invoice") == [str(invoice.id)]
    assert rows(finance, "month=2020-01") == listed(finance, "issued_before=2020-02-01") == []
    opened = text_of(finance.get(f"/seller/invoices?open={invoice.id}"))
    assert str(note.number) in opened
    assert invoice.buyer["legal_name"] in opened
    assert f"open={bill.id}#opened" not in finance.get(f"/seller/invoices?open={bill.id}").text
    assert finance.get(f"/trace/{invoice.id}").status_code == 200
    stage.run(documents=True)
    for form in ("pdf", "xml"):
        path = f"/v1/invoices/{invoice.id}/{form}"
        assert finance.client.get(path, headers=finance._headers()).status_code == 200
        assert seller.client.get(path, headers=seller._headers()).status_code == 404
    assert rows(finance, "state=partly_credited") == listed(finance, "standing=partly_credited") == [str(invoice.id)]
    export = "/v1/invoices/export?side=issued"
    assert finance.client.get(export, headers=finance._headers()).status_code == 200
    purchaser = dashboards.somebody(stage.seller, "purchaser")
    assert purchaser.client.get(export, headers=purchaser._headers()).status_code == 403
    assert dashboards.buyer.get("/seller/invoices").status_code == 404
    assert "Nothing was issued that fits" in text_of(seller.get("/seller/invoices?month=2020-01"))
    assert "The platform issued nothing" in text_of(finance.get("/seller/invoices?month=2020-01"))


def test_the_platform_answers_the_red_letters_of_what_it_sold(dashboards: Dashboards) -> None:
    stage, finance = dashboards.stage, dashboards.of_platform("finance")
    stage.seat_plan = offer_resold(stage)
    order_id, _ = on_fapiao(stage)
    refund_id = stage.refund(order_id, 5_000)
    stage.run()
    (letter,) = letters_of(stage, refund_id)
    page = finance.get("/seller/fapiao")
    assert "Waits for the buyer" in text_of(page)
    assert "/trace/" not in page.text, "the refund is not the platform's to see"
    assert str(letter.id) not in dashboards.seller.get("/seller/fapiao").text
    transact(stage.services.db, stage.buyer.owner, lambda uow: decide_red_letter(uow, letter.id, "deny").id)
    assert 'value="again"' in finance.get("/seller/fapiao").text
    assert finance.post(f"/red-letters/{letter.id}", decision="again", side="seller").status_code == 303
    stage.run()
    _, again = letters_of(stage, refund_id)
    assert again.state == "awaiting_buyer"
    assert 'value="again"' not in finance.get("/seller/fapiao").text
    transact(stage.services.db, stage.buyer.owner, lambda uow: decide_red_letter(uow, again.id, "confirm").id)
    number_reds(stage)
    assert stage.get(Refund, refund_id).state == "succeeded"
    # Of one that its buyer lets be nothing is to be entered again.
    other = stage.refund(order_id, 7_000)
    stage.run()
    transact(stage.services.db, stage.purchaser, lambda uow: withdraw_held_refund(uow, other).id)
    (over,) = letters_of(stage, other)
    assert over.state == "withdrawn"
    assert 'value="again"' not in finance.get("/seller/fapiao").text
    assert finance.post(f"/red-letters/{over.id}", decision="again", side="seller").status_code == 303
    stage.run()
    assert [one.id for one in letters_of(stage, other)] == [over.id]
    assert len(api(finance, "/v1/seller/fapiao-requests")["items"]) == 1
    with unit_of_work(stage.services.db, SYSTEM) as uow:
        assert [rule.name for rule in (*fapiao.RULES, *tenancy.RULES) if rule.find(uow).violations] == []
