"""An exhibition on its pages without scripts: opened, laid out, visited; a badge becomes a lead, and the lead a customer."""

from __future__ import annotations

import csv
import io
import re
from datetime import timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from litestar.testing import TestClient
from sqlalchemy import select

from kernel import clock
from marketplace.catalog.models import Plan
from marketplace.halls.consent_text import CONSENT_VERSION
from marketplace.halls.models import Hall
from marketplace.halls.visitor_models import HallExchange
from marketplace.notifications.models import Notification
from orders.notifications.notify_of_events import NOTIFY
from orders.order.models import Order
from tests.loop.test_trial_pages import field, seller, shown
from tests.loop_stage import Stage

__all__ = ["seller"]
AGREED = {"agreed": "yes", "consent_version": CONSENT_VERSION}
Browser = TestClient[Any]


def post(browser: Browser, address: str, status: int = 303, /, **sent: str) -> str:
    """Send a page's form; returns where it leads, or the page that says why not."""
    token = {"csrf": browser.headers["x-csrf-token"]}
    answer = browser.post(address, data=sent | token, follow_redirects=False)
    assert answer.status_code == status, (address, answer.status_code, re.sub(r"<[^>]+>", " ", answer.text)[:600])
    return answer.headers["Location"] if status == 303 else answer.text


def local(hours: int) -> str:
    """An instant as the stage's seller types it, in its zone."""
    at = clock.now() + timedelta(hours=hours)
    return at.astimezone(ZoneInfo("Asia/Shanghai")).strftime("%Y-%m-%dT%H:%M")


def opened(stage: Stage, seller: Browser) -> tuple[UUID, UUID]:
    """A hall of the seller's own with its booth, published and open since an hour; its id and the booth's."""
    dates = {"opens_at": local(-1), "closes_at": local(30)}
    again = post(seller, "/organizer/halls", 422, title="", **dates)
    assert dates["opens_at"] in again
    key = field(again, "idempotency_key")
    for _ in range(2):
        post(seller, "/organizer/halls", title="秋季云展会", idempotency_key=key, visibility="public", **dates)
    (hall,) = stage.rows(select(Hall).where(Hall.org_id == stage.seller.id))
    desk = f"/organizer/halls/{hall.id}"
    post(seller, f"{desk}/exhibitors", partners=str(stage.seller.id))
    post(seller, f"{desk}/agenda", 422, title="开幕", starts_at=local(1), ends_at=local(99))
    post(seller, f"{desk}/agenda", title="开幕", starts_at=local(1), ends_at=local(2), speaker="李敏")
    post(seller, f"{desk}/publish")
    (booth,) = seller.get(f"/v1/organizer/halls/{hall.id}").json()["booths"]
    return hall.id, UUID(booth["id"])


def laid_out(stage: Stage, seller: Browser, booth_id: UUID) -> None:
    """The stage's product stands at it."""
    listing_id = stage.get(Plan, stage.seat_plan).listing_id
    page = shown(seller, f"/seller/booths/{booth_id}")
    assert f'name="place_{listing_id}"' in page
    post(seller, f"/seller/booths/{booth_id}", words="欢迎光临", **{f"place_{listing_id}": "1"})


def notified(stage: Stage) -> set[str]:
    """Kinds that people of the stage were told."""
    stage.tick(NOTIFY)
    orgs = (stage.buyer.id, stage.seller.id)
    return set(stage.rows(select(Notification.kind).where(Notification.org_id.in_(orgs))))


def test_a_lead_of_a_hall_becomes_a_customer(stage: Stage, seller: Browser, browser: Browser) -> None:
    hall_id, booth_id = opened(stage, seller)
    laid_out(stage, seller, booth_id)
    assert "秋季云展会" in shown(browser, "/halls")
    page = shown(browser, f"/halls/{hall_id}")
    assert "开幕" in page
    assert f"/booths/{booth_id}" in page
    badge, booth = f"/halls/{hall_id}/badge", f"/booths/{booth_id}"
    contact = {"name": "王芳", "company": "远山", "email": "wang@firm.example"}
    assert "wang@firm.example" in post(browser, badge, 422, **contact)
    post(browser, badge, **contact, **AGREED)
    assert "<svg" in shown(browser, badge)
    assert "欢迎光临" in shown(browser, booth)
    assert "想先看演示" in post(browser, f"{booth}/badge", 422, text="想先看演示")
    for _ in range(2):
        post(browser, f"{booth}/badge", text="想先看演示", **AGREED)
    (exchange,) = stage.rows(select(HallExchange).where(HallExchange.booth_id == booth_id))
    lead = shown(seller, f"/seller/leads/{exchange.lead_id}")
    for said in ("wang@firm.example", "想先看演示", "秋季云展会"):
        assert said in lead
    assert "wang@firm.example" in shown(seller, f"/seller/booths/{booth_id}")
    order_id = stage.buy()
    stage.run()
    assert stage.get(Order, order_id).paid_at is not None
    reported(seller, hall_id, booth_id)
    post(browser, f"/badge-exchanges/{exchange.id}/revoke")
    for path in (f"/seller/leads/{exchange.lead_id}", f"/seller/booths/{booth_id}"):
        assert "wang@firm.example" not in shown(seller, path)
    assert {"lead_arrived", "badge_revoked"} <= notified(stage)


def reported(seller: Browser, hall_id: UUID, booth_id: UUID) -> None:
    """The page, the answer and the files say the same."""
    address = f"/v1/organizer/halls/{hall_id}/report"
    told = seller.get(address).json()
    names = ("visitors", "organizations", "visits", "exchanges", "leads", "won", "orders")
    assert [told[name] for name in names] == [1, 1, 1, 1, 1, 0, 1]
    table = list(csv.DictReader(io.StringIO(seller.get(f"{address}/csv").content.decode("utf-8-sig"))))
    assert [int(table[0][name]) for name in names] == [told[name] for name in names]
    assert [table[1][name] for name in ("id", *names[2:])] == [str(booth_id), "1", "1", "1", "0", "1"]
    assert seller.get(f"{address}/xlsx").content.startswith(b"PK")
    assert "90" in shown(seller, f"/organizer/halls/{hall_id}/report")
    own = seller.get(f"/v1/seller/booths/{booth_id}/report").json()
    assert (own["orders"], own["amounts"]) == (1, [{"amount": 398_000, "currency": "CNY"}])


def test_a_badge_is_read_at_the_booth_and_given_once_its_bearer_agrees(
    stage: Stage, seller: Browser, browser: Browser
) -> None:
    hall_id, booth_id = opened(stage, seller)
    laid_out(stage, seller, booth_id)
    post(browser, f"/halls/{hall_id}/badge", name="王芳", company="远山", phone="+86 571", **AGREED)
    code = browser.get(f"/v1/halls/{hall_id}/badge").json()["badge"]["code"]
    assert "没有找到" in post(seller, f"/seller/booths/{booth_id}/scan", 404, code="22222222222A")
    assert seller.get(f"/badges/{code}").status_code == 200
    post(seller, f"/badges/{code}", booth_id=str(booth_id))
    post(seller, f"/seller/booths/{booth_id}/scan", code=code.lower())
    assert "王芳" not in shown(seller, f"/seller/booths/{booth_id}")
    assert "badge_asked" in notified(stage)
    (exchange,) = stage.rows(select(HallExchange).where(HallExchange.booth_id == booth_id))
    post(browser, f"/badge-exchanges/{exchange.id}/give", 422)
    post(browser, f"/badge-exchanges/{exchange.id}/give", **AGREED)
    assert "王芳" in shown(seller, f"/seller/booths/{booth_id}")
    post(seller, f"/organizer/halls/{hall_id}/archive")
    assert browser.get(f"/halls/{hall_id}").status_code == 404
    assert "秋季云展会" in shown(browser, "/halls")
    post(browser, f"/halls/{hall_id}/badge/withdraw")
    assert "王芳" not in shown(seller, f"/seller/booths/{booth_id}")


@pytest.mark.parametrize("path", ["/organizer/halls", "/organizer/halls/{hall}", "/organizer/halls/{hall}/report"])
def test_whoever_organizes_nothing_is_refused(stage: Stage, seller: Browser, browser: Browser, path: str) -> None:
    hall_id, _ = opened(stage, seller)
    assert browser.get(path.format(hall=hall_id)).status_code in {403, 404}
