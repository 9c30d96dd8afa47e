"""Money asked back after the window, on pages: asked by the buyer, decided by the seller, then by the operator."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select

from kernel import clock
from orders.refunds.models import RefundCase
from tests.api.pages.dashboards.conftest import Dashboards, Visitor, text_of
from tests.api.pages.dashboards.test_seller_start_pages import PNG
from tests.statement_counter import counting

REASON = "It does not do what the video said."


@pytest.fixture
def order_id(dashboards: Dashboards) -> Iterator[UUID]:
    """A delivered order whose window is over."""
    stage = dashboards.stage
    made = stage.buy()
    stage.run()
    clock.advance(timedelta(days=7, seconds=1))
    yield made
    stage.run()


def ask(dashboards: Dashboards, order_id: UUID, amount: str = "1,000.00", reason: str = REASON) -> Any:
    return dashboards.buyer.post(f"/orders/{order_id}/refund-case", amount=amount, reason=reason)


def asked(dashboards: Dashboards, order_id: UUID, amount: str = "1,000.00") -> str:
    sent = ask(dashboards, order_id, amount)
    assert sent.status_code == 303, text_of(sent)
    return str(sent.headers["Location"].rsplit("/", 1)[1])


def one(dashboards: Dashboards, case_id: str) -> RefundCase:
    return dashboards.stage.get(RefundCase, UUID(case_id))


def test_the_buyer_asks_on_the_orders_page_and_twice_is_once(dashboards: Dashboards, order_id: UUID) -> None:
    buyer, form = dashboards.buyer, f"/orders/{order_id}/refund-case"
    assert f'href="{form}"' in buyer.get(f"/orders/{order_id}").text
    page = buyer.get(form)
    assert 'value="3980.00"' in page.text
    assert "At most ¥3,980.00" in text_of(page)
    case_id = asked(dashboards, order_id)
    assert asked(dashboards, order_id) == case_id, "pressed twice"
    other = ask(dashboards, order_id, "2", "Another tab.")
    assert other.status_code == 409
    assert "Another tab." in other.text
    assert 'value="2"' in other.text
    assert buyer.get(form).headers["Location"] == f"/refund-cases/{case_id}"
    order = buyer.get(f"/orders/{order_id}")
    assert f'href="/refund-cases/{case_id}"' in order.text
    assert form not in order.text
    assert REASON in text_of(order)
    for path in ("/refund-cases", "/refund-cases?state=asked"):
        assert f'href="/refund-cases/{case_id}"' in buyer.get(path).text
    assert f'href="/refund-cases/{case_id}"' not in buyer.get("/refund-cases?state=granted").text
    assert "The seller decides until" in text_of(buyer.get(f"/refund-cases/{case_id}"))
    assert buyer.post(f"/refund-cases/{case_id}/withdraw").status_code == 303
    assert buyer.post(f"/refund-cases/{case_id}/withdraw").status_code == 303
    assert one(dashboards, case_id).state == "withdrawn"
    assert "The buyer withdrew it" in text_of(buyer.get(f"/refund-cases/{case_id}"))


@pytest.mark.parametrize(
    ("amount", "reason", "status", "field"),
    [
        ("many", REASON, 422, "amount"),
        ("0", REASON, 422, "amount"),
        ("9,999,999.00", REASON, 409, ""),
        ("1", "", 422, "reason"),
        ("1", "x" * 2_001, 422, "reason"),
    ],
)
def test_what_cannot_be_asked_is_said_and_kept(
    dashboards: Dashboards, order_id: UUID, amount: str, reason: str, status: int, field: str
) -> None:
    refused = ask(dashboards, order_id, amount, reason)
    assert refused.status_code == status
    assert f'value="{amount}"' in refused.text
    assert reason in refused.text
    assert "no limit" not in text_of(refused), "left empty, all of it is asked for"
    if field:
        assert f'id="{field}"' in refused.text.split('aria-invalid="true"')[0].rsplit("<", 1)[1]
    assert dashboards.stage.rows(select(RefundCase.id).where(RefundCase.order_id == order_id)) == []


def test_inside_the_window_the_form_leads_to_the_order(dashboards: Dashboards) -> None:
    order_id = dashboards.stage.buy()
    dashboards.stage.run()
    form = f"/orders/{order_id}/refund-case"
    assert dashboards.buyer.get(form).headers["Location"] == f"/orders/{order_id}"
    assert form not in dashboards.buyer.get(f"/orders/{order_id}").text
    assert ask(dashboards, order_id).status_code == 409


def test_the_seller_grants_a_part_once(dashboards: Dashboards, order_id: UUID) -> None:
    case_id = asked(dashboards, order_id)
    path = f"/seller/refund-cases/{case_id}"
    assert f'href="{path}"' in dashboards.seller.get("/seller/refund-cases").text
    page = dashboards.seller.get(path)
    assert 'value="1000.00"' in page.text
    assert REASON in text_of(page)
    for amount, words in (("1,000.01", "too much"), ("x", "no figure"), ("0", "nothing")):
        refused = dashboards.seller.post(f"{path}/decide", decision="grant", amount=amount, words=words)
        assert refused.status_code == 422, amount
        assert f'value="{amount}"' in refused.text
        assert words in refused.text
        assert 'aria-invalid="true"' in refused.text
    for _ in range(2):
        granted = dashboards.seller.post(f"{path}/decide", decision="grant", amount="400.00", words="Half a month.")
        assert granted.headers["Location"] == path
    assert (one(dashboards, case_id).granted_minor, one(dashboards, case_id).answer) == (40_000, "Half a month.")
    dashboards.stage.run()
    assert [row.amount_minor for row in dashboards.stage.refunds(order_id)] == [40_000]
    for visitor, address in ((dashboards.buyer, f"/refund-cases/{case_id}"), (dashboards.seller, path)):
        said = text_of(visitor.get(address))
        assert "¥400.00 granted" in said
        assert "Half a month." in said
    assert "decide" not in dashboards.seller.get(path).text.split("<main", 1)[1].split("<form", 1)[-1][:200]
    assert f'href="/orders/{order_id}/refund-case"' in dashboards.buyer.get(f"/orders/{order_id}").text, "the rest"
    late = dashboards.seller.post(f"{path}/decide", decision="refuse", words="Changed our mind.")
    assert late.status_code == 409


def test_a_refusal_goes_to_the_operator_who_sees_all_and_decides(dashboards: Dashboards, order_id: UUID) -> None:
    case_id = asked(dashboards, order_id)
    own, sold, ours = (f"{side}/refund-cases/{case_id}" for side in ("", "/seller", "/operator"))
    bare = dashboards.seller.post(f"{sold}/decide", decision="refuse", words=" ")
    assert bare.status_code == 422
    assert dashboards.seller.post(f"{sold}/decide", decision="refuse", words="As agreed.").status_code == 303
    assert "As agreed." in text_of(dashboards.buyer.get(own))
    assert ours not in dashboards.operator.get("/operator/refund-cases").text
    assert dashboards.buyer.post(f"{own}/escalate", appeal="").status_code == 422
    for _ in range(2):
        assert dashboards.buyer.post(f"{own}/escalate", appeal="See second 12.").status_code == 303
    assert f'href="{ours}"' in dashboards.operator.get("/operator/refund-cases").text
    assert 'href="/operator/refund-cases"' in dashboards.operator.get("/operator").text
    shown = text_of(dashboards.operator.get(ours))
    for said in (REASON, "As agreed.", "See second 12.", "Decide until"):
        assert said in shown, said
    assert dashboards.seller.post(f"{sold}/decide", decision="grant", words="").status_code == 409
    for _ in range(2):
        decided = dashboards.operator.post(f"{ours}/decide", decision="grant", amount="", words="Both were heard.")
        assert decided.status_code == 303
    assert (one(dashboards, case_id).state, one(dashboards, case_id).granted_minor) == ("granted", 100_000)
    for visitor, path in ((dashboards.buyer, own), (dashboards.seller, sold), (dashboards.operator, ours)):
        assert "Both were heard." in text_of(visitor.get(path))


def test_documents_of_both_sides_are_seen_by_all_three(dashboards: Dashboards, order_id: UUID) -> None:
    case_id = asked(dashboards, order_id)
    own, sold, ours = (f"{side}/refund-cases/{case_id}" for side in ("", "/seller", "/operator"))
    for visitor, path, name in ((dashboards.buyer, own, "screen.png"), (dashboards.seller, sold, "log.png")):
        assert visitor.post(f"{path}/evidence", {"file": ("x.txt", b"words", "text/plain")}).status_code == 422
        assert visitor.post(f"{path}/evidence").status_code == 422
        large = visitor.post(f"{path}/evidence", {"file": ("large.png", PNG + bytes(10_500_000), "image/png")})
        assert (large.status_code, "10" in text_of(large)) == (422, True)
        for _ in range(2):
            sent = visitor.post(f"{path}/evidence", {"file": (name, PNG, "image/png")})
            assert sent.headers["Location"] == path
    for visitor, path in ((dashboards.buyer, own), (dashboards.seller, sold), (dashboards.operator, ours)):
        page = visitor.get(path).text
        for name in ("screen.png", "log.png"):
            assert page.count(name) == 1, (path, name)
        links = [part.split('"', 1)[0] for part in page.split('href="')[1:] if "/evidence/" in part[:200]]
        assert len(links) == 2
        for link in links:
            assert visitor.get(link).content == PNG
            assert dashboards.promoter.get(link).status_code in {403, 404}


def test_nobody_else_opens_or_acts(dashboards: Dashboards, order_id: UUID) -> None:
    case_id = asked(dashboards, order_id)
    _, stranger = dashboards.new_organization(seller=True)
    for path in (f"/refund-cases/{case_id}", f"/seller/refund-cases/{case_id}", f"/orders/{order_id}/refund-case"):
        assert stranger.get(path).status_code == 404, path
    assert stranger.post(f"/seller/refund-cases/{case_id}/decide", decision="grant", amount="1").status_code == 404
    assert stranger.post(f"/refund-cases/{case_id}/withdraw").status_code == 404
    assert stranger.get(f"/operator/refund-cases/{case_id}").status_code in {403, 404}
    viewer = dashboards.somebody(dashboards.stage.buyer, "viewer")
    page = viewer.get(f"/refund-cases/{case_id}")
    assert page.status_code == 200
    assert "<form" not in page.text.split("<main", 1)[1].split("</main>", 1)[0]
    assert viewer.post(f"/refund-cases/{case_id}/withdraw").status_code == 403


def test_what_a_page_asks_of_the_database(
    dashboards: Dashboards, order_id: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    case_id = asked(dashboards, order_id)

    def count(visitor: Visitor, path: str) -> int:
        visitor.get(path)
        with counting(monkeypatch) as counted:
            assert visitor.get(path).status_code == 200
        return len(counted.statements)

    one_case = {
        "buyer": count(dashboards.buyer, f"/refund-cases/{case_id}"),
        "seller": count(dashboards.seller, f"/seller/refund-cases/{case_id}"),
        "operator": count(dashboards.operator, f"/operator/refund-cases/{case_id}"),
        "list": count(dashboards.buyer, "/refund-cases"),
    }
    assert all(made <= 8 for made in one_case.values()), one_case
