"""A circle on its pages without scripts: founded, found, joined, written in, moderated, reported and handed over."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

from litestar.testing import TestClient
from sqlalchemy import select

from kernel import clock
from marketplace.catalog.models import Plan
from marketplace.circles.models import Circle, CircleMember
from marketplace.circles.post_models import CirclePost
from marketplace.notifications.models import Notification
from orders.coupons.models import Coupon
from orders.notifications.notify_of_events import NOTIFY
from tests.loop.test_halls import post
from tests.loop.test_trial_pages import field, seller, shown
from tests.loop_stage import Stage

__all__ = ["seller"]
Browser = TestClient[Any]
SETTINGS = {"visibility": "closed", "joining": "approval", "moderation": "before"}


def offered_and_bought(stage: Stage, seller: Browser, browser: Browser, here: str, listing_id: str) -> None:
    """The seller offers its product to the circle, and the member's sheet shows the price."""
    today = clock.today("Asia/Shanghai")
    said = {"offer_name": "圈内八折", "percent": "20", "places": "5", "starts_on": str(today), "listing_id": listing_id}
    assert 'value="圈内八折"' in post(seller, f"{here}/offers", 422, ends_on="x", **said)
    post(seller, f"{here}/offers", ends_on=str(today + timedelta(days=9)), **said)
    sheet = f"/products/{listing_id}/buy?circle={here.removeprefix('/circles/')}"
    assert sheet in shown(browser, here)
    page = shown(browser, sheet)
    assert "圈内八折" in page
    assert f'name="circle" value="{here.removeprefix("/circles/")}"' in page
    (offer,) = stage.rows(select(Coupon).where(Coupon.circle_id == UUID(here.removeprefix("/circles/"))))
    post(seller, f"/circle-offers/{offer.id}/end")
    assert "圈内八折" not in shown(browser, sheet)


def test_a_circle_is_founded_joined_and_written_in(stage: Stage, seller: Browser, browser: Browser) -> None:
    assert "创建圈子" in shown(seller, "/circles")
    key = field(post(seller, "/circles", 422, name="", kind="community", **SETTINGS), "idempotency_key")
    for _ in range(2):
        post(seller, "/circles", name="招聘同行", kind="community", idempotency_key=key, **SETTINGS)
    (circle,) = stage.rows(
        select(Circle).where(Circle.founded_by == stage.seller.owner.person_id, Circle.kind == "community")
    )
    here = f"/circles/{circle.org_id}"
    assert "招聘同行" in shown(browser, "/circles")
    assert "只对成员可见" in shown(browser, here)
    post(browser, f"{here}/join")
    (asked,) = stage.rows(
        select(CircleMember).where(CircleMember.org_id == circle.org_id, CircleMember.state == "asked")
    )
    assert "申请加入" in shown(seller, f"{here}/members")
    post(seller, f"/circle-members/{asked.id}/accept")
    listing_id = stage.get(Plan, stage.seat_plan).listing_id
    prepared = f"{here}?link=%2Fproducts%2F{listing_id}"
    assert prepared in shown(browser, f"/products/{listing_id}/share")
    assert f'value="/products/{listing_id}"' in shown(browser, prepared)
    assert "不是本平台" in post(browser, f"{here}/posts", 422, text="看看这个", link="https://elsewhere.example/x")
    sent = field(shown(browser, here), "idempotency_key")
    for _ in range(2):
        address = f"https://market.example/products/{listing_id}?from=x"
        post(browser, f"{here}/posts", text="看看这个", link=address, idempotency_key=sent)
    (written,) = stage.rows(select(CirclePost).where(CirclePost.org_id == circle.org_id))
    assert (written.state, written.listing_id) == ("waiting", listing_id)
    post(seller, f"/circle-posts/{written.id}/show")
    post(seller, f"/circle-posts/{written.id}/mark")
    assert f"/products/{listing_id}" in shown(browser, here)
    assert "举报" in shown(seller, here)
    post(seller, f"/reports/circle_post/{written.id}", reason="广告")
    stage.tick(NOTIFY)
    told = set(stage.rows(select(Notification.kind).where(Notification.org_id.in_((stage.buyer.id, stage.seller.id)))))
    assert {"circle_join_asked", "circle_join_accepted", "circle_post_waits", "circle_post_shown"} <= told
    offered_and_bought(stage, seller, browser, here, str(listing_id))
    post(seller, f"{here}/settings", name="招聘同行圈", visibility="open", joining="open", moderation="after")
    old = circle.code
    post(seller, f"{here}/link")
    assert browser.get(f"/circle-links/{old}").status_code == 404
    post(browser, f"/circle-posts/{written.id}/remove")
    post(seller, f"/circle-members/{asked.id}/owner")
    post(browser, f"{here}/settings", name="转让后的圈子", visibility="closed", joining="open", moderation="after")
    assert seller.get(f"{here}/settings").status_code == 403
    post(seller, f"{here}/leave")
    assert "转让后的圈子" in shown(seller, "/circles")
