"""The trace page: from an id or a printed number, each reader's own chain, and nothing for strangers."""

from __future__ import annotations

import pytest

from billing.invoices.models import Invoice
from kernel.ids import uuid7
from tests.api.pages.dashboards.conftest import Dashboards, text_of
from tests.factories_billing import Sale, read


def test_a_printed_number_leads_to_the_chain(dashboards: Dashboards) -> None:
    order = dashboards.stage.order(dashboards.order_id)
    invoice = dashboards.stage.papers(order.id)[0]
    for typed, found in ((order.number, order.id), (f" {order.id} ", order.id), (invoice.number, invoice.id)):
        answer = dashboards.buyer.get(f"/trace?q={typed}")
        assert (answer.status_code, answer.headers["location"]) == (303, f"/trace/{found}")


@pytest.mark.parametrize("typed", ["nothing", "' OR 1=1", "9" * 300])
def test_what_is_not_found_is_said(dashboards: Dashboards, typed: str) -> None:
    answer = dashboards.buyer.get(f"/trace?q={typed}")
    assert answer.status_code == 404
    assert "No such id" in answer.text


def test_each_side_sees_its_own_links(dashboards: Dashboards) -> None:
    path = f"/trace/{dashboards.order_id}"
    buyer, seller, promoter = (
        text_of(one.get(path)) for one in (dashboards.buyer, dashboards.seller, dashboards.promoter)
    )
    assert "unbroken" in buyer
    assert "Payment" in buyer
    assert "Revenue share" not in buyer
    assert "¥563.21" not in buyer
    assert "Revenue share" in seller
    assert "Quote" not in seller
    assert "Starting from" not in promoter or dashboards.stage.order(dashboards.order_id).buyer_name not in promoter


def test_the_promoter_walks_from_its_video(dashboards: Dashboards) -> None:
    page = text_of(dashboards.promoter.get(f"/trace/{dashboards.stage.video}"))
    assert "Promoter's part" in page
    assert dashboards.stage.order(dashboards.order_id).buyer_name not in page


def test_a_stranger_finds_nothing(dashboards: Dashboards) -> None:
    _, stranger = dashboards.new_organization()
    for one in (dashboards.order_id, dashboards.stage.delivery(dashboards.order_id).id, uuid7()):
        answer = stranger.get(f"/trace/{one}")
        assert answer.status_code == 404
        assert "No such id" in answer.text


def test_the_operator_sees_the_whole_chain_in_order(dashboards: Dashboards) -> None:
    answer = dashboards.operator.get(f"/trace/{dashboards.order_id}")
    page = answer.text
    kinds = ["video", "attribution", "quote", "order", "payment", "entitlement", "run", "invoice", "share", "ledger"]
    places = [page.index(f'data-link="{kind}"') for kind in kinds]
    assert places == sorted(places)
    assert 'aria-current="true"' in page


def test_a_number_of_several_documents_is_asked_about(dashboards: Dashboards) -> None:
    invoice = dashboards.stage.papers(dashboards.order_id)[0]
    sale = Sale(buyer_org_id=dashboards.stage.buyer.id)
    second = sale.invoice(dashboards.stage.services.db)
    assert read(dashboards.stage.services.db, Invoice, second).number == invoice.number
    answer = dashboards.buyer.get(f"/trace?q={invoice.number}")
    assert answer.status_code == 200
    assert "Which one do you mean?" in answer.text
    for one in (invoice.id, second):
        assert f'href="/trace/{one}"' in answer.text
    assert "卖方软件有限公司" in answer.text
    assert dashboards.seller.get(f"/trace?q={invoice.number}").headers["location"] == f"/trace/{invoice.id}"
