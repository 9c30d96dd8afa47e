"""Coupons on pages without scripts: typed in the sheet, refused with everything kept, bought with; made and ended."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from litestar.testing import TestClient
from sqlalchemy import func, select, update

from kernel import clock
from kernel.db.uow import unit_of_work
from kernel.ids import uuid7
from kernel.principal import SYSTEM
from marketplace.catalog.models import Plan
from marketplace.placements.models import Placement
from orders.coupons.models import Coupon, CouponUse
from orders.order.models import OrderLine
from tests.loop.test_coupons import LIST, made
from tests.loop.test_offers import offered, requested
from tests.loop.test_trial_pages import field, filled, placed, seller, shown
from tests.loop_stage import Stage

__all__ = ["seller"]
PAID = "3,184.00"


def product_of(stage: Stage) -> tuple[str, UUID]:
    """Where the sheet of the plan of seats posts, and the plan."""
    return f"/products/{stage.get(Plan, stage.seat_plan).listing_id}/buy", stage.seat_plan


def quoted(browser: TestClient[Any], address: str, sent: dict[str, str], coupon: str) -> str:
    answer = browser.post(address, data=sent | {"action": "quote", "coupon": coupon})
    assert answer.status_code == 200, answer.text[:300]
    return answer.text


def test_typed_in_the_sheet_and_bought_with(stage: Stage, browser: TestClient[Any]) -> None:
    made(stage)
    address, plan = product_of(stage)
    first = shown(browser, f"{address}?plan={plan}&quantity=20")
    sent = filled(stage, browser, first, plan, po_number="PO-7", payment_method_id="sandbox:sbx_ok")
    page = quoted(browser, address, sent, "launch-20")
    assert "LAUNCH-20" in page
    assert "796.00" in page
    assert PAID in page
    assert "仅限首期" in page or "first term only" in page
    # The price before the code was typed is not the one that is paid.
    mixed = browser.post(address, data=sent | {"coupon": "launch-20"}, follow_redirects=False)
    assert (mixed.status_code, placed(stage)) == (409, [])
    assert 'value="launch-20"' in mixed.text
    paid = filled(stage, browser, page, plan, coupon="launch-20", payment_method_id="sandbox:sbx_ok")
    twice = [browser.post(address, data=paid, follow_redirects=False) for _ in range(2)]
    assert len({one.headers["Location"] for one in twice}) == 1
    stage.run()
    (order,) = placed(stage)
    assert order.gross_minor == 318_400
    assert stage.rows(select(func.count()).select_from(CouponUse).where(CouponUse.order_id == order.id)) == [1]
    for path in (f"/orders/{order.id}", f"/trace/{order.id}"):
        said = shown(browser, path)
        assert "LAUNCH-20" in said, path
        assert "796.00" in said, path
    line = browser.get(f"/v1/orders/{order.id}").json()["lines"][0]
    assert (line["list"]["amount"], line["discount"]["amount"], line["coupon"]) == (LIST, 79_600, "LAUNCH-20")
    assert '"coupon":"LAUNCH-20"' in browser.get(f"/v1/trace/{order.id}").text


@pytest.mark.parametrize(
    ("code", "chinese"), [("NO-SUCH", "没有可用的优惠码"), ("<b>", "没有可用的优惠码"), ("OVER-1", "已经失效")]
)
def test_refused_it_says_why_and_keeps_everything(
    stage: Stage, browser: TestClient[Any], code: str, chinese: str
) -> None:
    coupon_id = made(stage, code="OVER-1")
    with unit_of_work(stage.services.db, SYSTEM) as uow:
        uow.session.execute(update(Coupon).where(Coupon.id == coupon_id).values(ended_at=clock.now()))
    address, plan = product_of(stage)
    sent = filled(stage, browser, shown(browser, f"{address}?plan={plan}&quantity=20"), plan, po_number="PO-7")
    page = quoted(browser, address, sent | {"quantity": "33"}, code)
    assert chinese in page
    assert "没有下单，没有扣款" in page
    assert re.search(r'id="coupon"[^>]*aria-invalid="true"', page)
    assert 'value="PO-7"' in page
    assert 'value="33"' in page
    assert ("&lt;b&gt;" in page) == (code == "<b>")
    # Nothing is bought at any price while it stands there.
    paid = filled(stage, browser, page, plan, quantity="33", coupon=code, payment_method_id="sandbox:sbx_ok")
    assert browser.post(address, data=paid, follow_redirects=False).status_code in {409, 422}
    assert placed(stage) == []
    assert browser.post(address, data=paid | {"coupon": ""}, follow_redirects=False).status_code == 303


def test_used_up_meanwhile_it_is_refused_and_nothing_is_bought(stage: Stage, browser: TestClient[Any]) -> None:
    coupon_id = made(stage, most_uses=1)
    address, plan = product_of(stage)
    sent = filled(stage, browser, shown(browser, f"{address}?plan={plan}&quantity=20"), plan)
    page = quoted(browser, address, sent, "LAUNCH-20")
    paid = filled(stage, browser, page, plan, coupon="LAUNCH-20", payment_method_id="sandbox:sbx_ok", po_number="PO-9")
    other = filled(stage, browser, quoted(browser, address, sent, "LAUNCH-20"), plan, coupon="LAUNCH-20")
    other |= {"payment_method_id": "sandbox:sbx_ok"}
    assert browser.post(address, data=other, follow_redirects=False).status_code == 303
    late = browser.post(address, data=paid, follow_redirects=False)
    assert late.status_code == 409
    assert "已被用完" in late.text
    assert 'value="PO-9"' in late.text
    held = select(func.count()).select_from(CouponUse).where(CouponUse.coupon_id == coupon_id)
    assert (len(placed(stage)), stage.rows(held)) == (1, [1])


def test_a_promotion_stands_on_product_card_and_sheet_with_its_end(stage: Stage, browser: TestClient[Any]) -> None:
    made(stage, code="", every_term=True)
    address, plan = product_of(stage)
    listing = stage.get(Plan, plan).listing_id
    until = clock.today("Asia/Shanghai") + timedelta(days=9)
    day = f"{until.year}年{until.month}月{until.day}日"
    for path in (f"/products/{listing}", f"{address}?plan={plan}&quantity=20"):
        said = shown(browser, path)
        assert "Launch" in said, path
        assert day in said, path
        assert "续订同样优惠" in said, path
    # The sums of product and sheet are the same.
    sum_of = re.compile(r"合计.*?(¥[\d,.]+)", re.DOTALL)
    product, sheet = (shown(browser, path) for path in (f"/products/{listing}", f"{address}?plan={plan}&quantity=1"))
    assert sum_of.findall(sheet)[0] in sum_of.findall(product)
    (card,) = stage.rows(select(Placement).where(Placement.plan_id == plan).limit(1))
    film = shown(browser, f"/v/{card.video_id}")
    assert f"优惠 20%，至 {day}" in film
    (found,) = browser.get(f"/v1/listings/{listing}/promotions").json()
    assert (found["name"], found["percent_ppm"], found["every_term"]) == ("Launch", 200_000, True)
    # Not for these readers, or of another plan: nothing is said.
    mine = Coupon.seller_org_id == stage.seller.id
    with unit_of_work(stage.services.db, SYSTEM) as uow:
        uow.session.execute(update(Coupon).where(mine).values(named_buyers=[stage.promoter.id]))
    assert "Launch" not in shown(browser, f"/products/{listing}")
    assert browser.get(f"/v1/listings/{listing}/promotions").json() == []


def test_a_trials_sheet_has_no_code(stage: Stage, browser: TestClient[Any]) -> None:
    plan, _ = stage.offer(interval="month", trial_days=14)
    listing = stage.get(Plan, plan).listing_id
    assert 'name="coupon"' not in shown(browser, f"/products/{listing}/buy?plan={plan}&trial=1")


def test_an_offers_sheet_takes_a_code_that_goes_with_it(stage: Stage, browser: TestClient[Any]) -> None:
    made(stage)
    made(stage, code="WITHOFFER", percent_ppm=100_000, with_offers=True)
    address = f"/offers/{offered(stage, requested(stage))}/buy"
    sent = filled(stage, browser, shown(browser, address), stage.seat_plan)
    assert "不能与报价同时使用" in quoted(browser, address, sent, "LAUNCH-20")
    assert "3,044.70" in quoted(browser, address, sent, "WITHOFFER")


class TestTheSellersPages:
    def form(self, seller: TestClient[Any], **changes: str) -> dict[str, str]:
        today = clock.today("Asia/Shanghai")
        sent = {"name": "Launch", "code": "launch-20", "percent": "20", "amount": "", "currency": "CNY", "product": ""}
        sent |= {"starts_on": today.isoformat(), "ends_on": (today + timedelta(days=9)).isoformat(), "partners": ""}
        key = field(seller.get("/seller/coupons").text, "idempotency_key")
        return sent | {"most_uses": "", "most_per_org": "", "idempotency_key": key} | self.csrf(seller) | changes

    def csrf(self, seller: TestClient[Any]) -> dict[str, str]:
        return {"csrf": seller.headers["x-csrf-token"]}

    def coupons(self, stage: Stage) -> list[Coupon]:
        return stage.rows(select(Coupon).where(Coupon.seller_org_id == stage.seller.id))

    def test_made_once_however_often_it_is_pressed_used_and_ended(
        self, stage: Stage, browser: TestClient[Any], seller: TestClient[Any]
    ) -> None:
        form = self.form(seller, most_uses="5", every_term="yes")
        for _ in range(2):
            assert seller.post("/seller/coupons", data=form, follow_redirects=False).status_code == 303
        (coupon,) = self.coupons(stage)
        assert (coupon.code, coupon.percent_ppm, coupon.most_uses, coupon.every_term) == ("LAUNCH-20", 200_000, 5, True)
        address, plan = product_of(stage)
        sent = filled(stage, browser, shown(browser, f"{address}?plan={plan}&quantity=20"), plan)
        page = quoted(browser, address, sent, "LAUNCH-20")
        paid = filled(stage, browser, page, plan, coupon="LAUNCH-20", payment_method_id="sandbox:sbx_ok")
        assert browser.post(address, data=paid, follow_redirects=False).status_code == 303
        stage.run()
        (order,) = placed(stage)
        at = f"/seller/coupons/{coupon.id}"
        for path in ("/seller/coupons", at):
            assert "已用 1 次，共 5 次" in shown(seller, path)
        assert order.number in shown(seller, at)
        (use,) = seller.get(f"/v1/seller/coupons/{coupon.id}/uses").json()["items"]
        assert (use["order_number"], use["discount"]["amount"]) == (order.number, 79_600)
        for _ in range(2):
            assert seller.post(f"{at}/end", data=self.csrf(seller), follow_redirects=False).status_code == 303
        assert seller.get(f"/v1/seller/coupons/{coupon.id}").json()["state"] == "ended"
        assert f"{at}/end" not in shown(seller, at)

    @pytest.mark.parametrize(
        ("changes", "said"),
        [
            ({"code": "a b"}, "优惠码格式不正确"),
            ({"percent": "x"}, "优惠额度不正确"),
            ({"percent": ""}, "优惠额度不正确"),
            ({"amount": "12.345"}, "优惠额度不正确"),
            ({"ends_on": "2020-01-01"}, "起止日期不正确"),
            ({"starts_on": "soon"}, ""),
            ({"most_uses": "0"}, ""),
            ({"partners": "nobody whom we know"}, ""),
            ({"product": "x"}, ""),
            ({"name": ""}, ""),
        ],
    )
    def test_refused_it_keeps_what_was_typed(
        self, stage: Stage, seller: TestClient[Any], changes: dict[str, str], said: str
    ) -> None:
        answer = seller.post("/seller/coupons", data=self.form(seller, name="Autumn days") | changes)
        assert 400 <= answer.status_code < 500
        assert said in answer.text
        if "product" not in changes and "name" not in changes:
            assert 'value="Autumn days"' in answer.text
        assert self.coupons(stage) == []

    def test_another_sellers_is_not_there(self, stage: Stage, seller: TestClient[Any]) -> None:
        assert seller.get(f"/seller/coupons/{uuid7()}").status_code == 404
        coupon_id = made(stage)
        other, _, _ = stage.second_seller()
        with unit_of_work(stage.services.db, SYSTEM) as uow:
            uow.session.execute(update(Coupon).where(Coupon.id == coupon_id).values(seller_org_id=other.id))
        assert seller.get(f"/seller/coupons/{coupon_id}").status_code == 404
        assert seller.post(f"/seller/coupons/{coupon_id}/end", data=self.csrf(seller)).status_code == 404


def test_lines_keep_what_reduced_them(stage: Stage) -> None:
    """What is not reduced says nothing of coupons."""
    order_id = stage.buy()
    (line,) = stage.rows(select(OrderLine).where(OrderLine.order_id == order_id))
    assert not any(key.startswith("coupon") for key in line.plan)
