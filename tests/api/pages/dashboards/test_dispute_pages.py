"""A disputed payment on the pages of buyer, seller and operator, from its opening to what the bank was told."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from billing.disputes.models import Dispute, DisputeSubmission
from kernel import clock
from tests.api.pages.dashboards.conftest import Dashboards, text_of
from tests.pictures import picture


@pytest.fixture(scope="module")
def dispute(dashboards: Dashboards) -> Dispute:
    """An order whose payment its payer disputes."""
    stage = dashboards.stage
    order_id = stage.buy(method="sbx_disputed")
    stage.run()
    clock.advance(timedelta(seconds=3))
    stage.run()
    payment_id = stage.order(order_id).payment_id
    (row,) = stage.rows(select(Dispute).where(Dispute.payment_id == payment_id))
    assert isinstance(row, Dispute)
    return row


def test_all_three_sides_say_their_part_and_the_bank_is_told_once(dashboards: Dashboards, dispute: Dispute) -> None:
    buyer, seller, operator = dashboards.buyer, dashboards.seller, dashboards.operator
    bought, sold, ours = (f"{side}/disputes/{dispute.id}" for side in ("", "/seller", "/operator"))
    for visitor, path in ((buyer, bought), (seller, sold), (operator, ours)):
        assert visitor.get(path).status_code == 200
        assert path in visitor.get(path.rsplit("/", 1)[0]).text
    assert f'href="{ours}"' in operator.get("/operator").text
    assert buyer.get(ours).status_code == 403
    assert seller.get(bought).status_code == 404
    assert buyer.post(f"{bought}/words", words="We know the card now.", withdraws="yes").headers["location"] == bought
    assert seller.post(f"{sold}/words", words="It was opened on the day.").headers["location"] == sold
    refused = seller.post(f"{sold}/words", words=" ")
    assert refused.status_code == 422
    shown = seller.post(f"{sold}/documents", {"file": ("delivery.png", picture(), "image/png")})
    assert shown.headers["location"] == sold
    assert "delivery.png" in seller.get(sold).text
    assert "delivery.png" not in buyer.get(bought).text
    page = operator.get(ours).text
    assert "We know the card now." in page
    assert "It was opened on the day." in page
    for _ in range(2):
        assert operator.post(f"{ours}/evidence", text="It was delivered, and is used.").headers["location"] == ours
    dashboards.stage.run()
    (sent,) = dashboards.stage.rows(select(DisputeSubmission).where(DisputeSubmission.dispute_id == dispute.id))
    assert sent.state == "sent"
    assert "It was delivered, and is used." in text_of(buyer.get(bought))
    late = seller.post(f"{sold}/words", words="One thing more.")
    assert late.status_code == 409
    assert "It was opened on the day." in seller.get(sold).text
