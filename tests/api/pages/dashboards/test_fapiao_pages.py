"""Tax invoices (数电票) on pages: asked for, refused, asked again, booked, and taken back by both sides' word."""

from __future__ import annotations

from uuid import UUID

from tests.api.pages.dashboards.conftest import Dashboards, text_of
from tests.fapiao_stage import first_document, letter_of, number_fapiaos


def test_a_tax_invoice_from_its_request_to_the_red_letter(dashboards: Dashboards) -> None:
    buyer, seller, stage = dashboards.buyer, dashboards.seller, dashboards.stage
    (bill,) = stage.papers(dashboards.order_id)
    opened = buyer.get(f"/invoices?month={bill.issued_on:%Y-%m}&open={bill.id}").text
    assert f"/fapiao/new?id={bill.id}" in opened
    purchaser = dashboards.somebody(stage.buyer, "purchaser")
    shown = purchaser.get(f"/invoices?month={bill.issued_on:%Y-%m}&open={bill.id}").text
    assert str(bill.id) in shown
    assert "/fapiao/new" not in shown  # they would be refused
    form = buyer.get(f"/fapiao/new?id={bill.id}")
    assert bill.number in form.text
    assert "Numbered by the sandbox" in text_of(form)
    sent = buyer.post("/fapiao", ids=str(bill.id), kind="special", remarks="sbx_quota")
    assert sent.status_code == 303
    again = buyer.post("/fapiao", ids=str(bill.id), kind="special", remarks="")
    assert again.status_code == 409
    assert "stands in a request already" in text_of(again)
    request_id = UUID(buyer.client.get("/v1/fapiao-requests", headers=buyer._headers()).json()["items"][0]["id"])
    number_fapiaos(stage, request_id)
    page = buyer.get("/fapiao")
    assert "quota is used up" in text_of(page)
    assert buyer.post(f"/fapiao/requests/{request_id}/retry", remarks="").status_code == 303
    number_fapiaos(stage, request_id)
    fapiao_id = first_document(stage, request_id)
    for form_name in ("pdf", "xml"):
        assert buyer.client.get(f"/v1/fapiaos/{fapiao_id}/{form_name}", headers=buyer._headers()).status_code == 200
    assert buyer.post(f"/fapiao/{fapiao_id}/use").status_code == 303
    stage.refund(dashboards.order_id, 5_000)
    stage.run()
    letter_id = letter_of(stage, fapiao_id)
    assert "Waits for the buyer" in text_of(seller.get("/seller/fapiao"))
    refused = seller.post(f"/red-letters/{letter_id}", decision="confirm", side="seller")
    assert refused.status_code == 409
    assert buyer.post(f"/red-letters/{letter_id}", decision="confirm", side="buyer").status_code == 303
    assert "Confirmed by both" in text_of(buyer.get("/fapiao"))
    _, stranger = dashboards.new_organization()
    assert stranger.post(f"/red-letters/{letter_id}", decision="deny", side="buyer").status_code == 404
    assert stranger.post(f"/fapiao/{fapiao_id}/use").status_code == 404
    assert stranger.get(f"/fapiao/new?id={bill.id}").status_code == 404
