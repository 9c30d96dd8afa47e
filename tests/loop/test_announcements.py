"""Announcements: to whom they go, once each, by day, within limits; who opted out gets none, and the seller is told numbers."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from functools import partial
from typing import Any
from uuid import UUID

import pytest
from litestar.testing import TestClient
from sqlalchemy import func, select

from kernel import clock
from kernel.db.uow import UnitOfWork, transact, unit_of_work
from kernel.errors import Conflict, Forbidden, Invalid, NotFound, TooMany
from kernel.ids import uuid7
from kernel.principal import SYSTEM, Principal
from marketplace.access.authenticate import csrf_of, hash_token
from marketplace.access.models import SignInSession
from marketplace.notifications.models import Notification
from orders.announcements.deliver import SWEEP_ANNOUNCEMENTS, deliver_one
from orders.announcements.limits import MOST_OF_SELLER, MOST_TO_ONE, WITHIN
from orders.announcements.models import Announcement, AnnouncementDelivery
from orders.announcements.opt_out import opt_out_of
from orders.announcements.publish import PublishAnnouncement, publish_announcement, withdraw_announcement
from orders.announcements.queries import AnnouncementView, get_announcement, received_announcements
from orders.conversations.models import Conversation, ConversationMessage
from orders.conversations.work import mark_conversation_read
from orders.notifications.notify_of_events import NOTIFY
from tests.api_server import application
from tests.factories_marketplace import make_member
from tests.loop_stage import Stage
from tests.races.crowd import at_once

NIGHT = timedelta(hours=12)
WORDS = PublishAnnouncement("本周六升级", "凌晨一点至两点可能无法登录。")


class Hall:
    """A seller and its one customer."""

    def __init__(self, stage: Stage) -> None:
        self.stage, self.db = stage, stage.services.db

    def announce(self, command: PublishAnnouncement = WORDS, who: Principal | None = None) -> UUID:
        seller = who or self.stage.seller.owner
        return transact(self.db, seller, lambda uow: publish_announcement(uow, command).id)

    def seen(self, announcement_id: UUID) -> AnnouncementView:
        with unit_of_work(self.db, self.stage.seller.owner) as uow:
            return get_announcement(uow, announcement_id)

    def deliver(self) -> None:
        self.stage.tick(SWEEP_ANNOUNCEMENTS)

    def delivery(self, announcement_id: UUID) -> AnnouncementDelivery:
        wanted = select(AnnouncementDelivery).where(AnnouncementDelivery.announcement_id == announcement_id)
        (row,) = self.stage.rows(wanted)
        assert isinstance(row, AnnouncementDelivery)
        return row

    def messages(self) -> list[str]:
        wanted = select(ConversationMessage.text).where(
            ConversationMessage.buyer_org_id == self.stage.buyer.id,
            ConversationMessage.seller_org_id == self.stage.seller.id,
        )
        return self.stage.rows(wanted.order_by(ConversationMessage.number))

    def opt_out(self, *, out: bool = True) -> None:
        seller_id = self.stage.seller.id
        transact(self.db, self.stage.buyer.owner, lambda uow: opt_out_of(uow, seller_id, out=out))

    def read(self) -> None:
        def work(uow: UnitOfWork) -> None:
            thread = uow.session.scalars(
                select(Conversation).where(Conversation.seller_org_id == self.stage.seller.id)
            ).one()
            mark_conversation_read(uow, thread, thread.last_number)

        transact(self.db, self.stage.buyer.owner, work)

    def told(self) -> int:
        self.stage.tick(NOTIFY)
        mine = (Notification.org_id == self.stage.buyer.id, Notification.kind == "announcement_received")
        with unit_of_work(self.db, SYSTEM) as uow:
            return uow.session.scalar(select(func.count(func.distinct(Notification.event_id))).where(*mine)) or 0

    def browser(self, who: Principal) -> TestClient[Any]:
        token = str(uuid7())
        with unit_of_work(self.db, SYSTEM) as uow:
            uow.session.add(
                SignInSession(
                    token_hash=hash_token(token),
                    person_id=who.person(),
                    org_id=who.organization(),
                    expires_at=clock.now() + timedelta(days=900),
                )
            )
        browser: TestClient[Any] = TestClient(application(self.stage.services), base_url="https://market.example")
        browser.cookies.set("session", token)
        browser.headers["x-csrf-token"] = csrf_of(token)
        return browser


@pytest.fixture
def hall(stage: Stage) -> Iterator[Hall]:
    stage.buy()
    stage.run()
    made = Hall(stage)
    yield made
    with unit_of_work(stage.services.db, SYSTEM) as uow:
        own = Announcement.seller_org_id == stage.seller.id
        left = uow.session.scalars(select(Announcement.id).where(own, Announcement.state == "sending")).all()
    for one in left:
        transact(stage.services.db, stage.seller.owner, partial(withdraw_announcement, announcement_id=one))


def test_it_stands_in_the_thread_once_and_is_told_and_read(hall: Hall) -> None:
    made = hall.announce()
    assert (hall.seen(made).state, hall.seen(made).recipients, hall.seen(made).delivered) == ("sending", 1, 0)
    for _ in range(2):
        hall.deliver()
    assert hall.messages() == ["【公告】本周六升级\n\n凌晨一点至两点可能无法登录。"]
    assert hall.told() == 1
    seen = hall.seen(made)
    assert (seen.state, seen.delivered, seen.read, seen.left_out) == ("sent", 1, 0, 0)
    hall.read()
    assert hall.seen(made).read == 1
    with unit_of_work(hall.db, hall.stage.buyer.owner) as uow:
        (received,) = received_announcements(uow).items
    assert (received.title, received.seller_org_id, received.is_opted_out) == (
        "本周六升级",
        hall.stage.seller.id,
        False,
    )
    with pytest.raises(Conflict, match="announcement_ended"):
        transact(hall.db, hall.stage.seller.owner, lambda uow: withdraw_announcement(uow, made))


def test_of_many_who_deliver_at_once_one_does(hall: Hall) -> None:
    delivery_id = hall.delivery(hall.announce()).id
    done = at_once([lambda: transact(hall.db, SYSTEM, lambda uow: deliver_one(uow, delivery_id))] * 4)
    assert sorted(map(bool, done)) == [False, False, False, True]
    assert len(hall.messages()) == 1


def test_at_night_it_waits_and_may_be_withdrawn(hall: Hall) -> None:
    clock.advance(NIGHT)
    made = hall.announce()
    hall.deliver()
    assert hall.seen(made).state == "sending"
    transact(hall.db, hall.stage.seller.owner, lambda uow: withdraw_announcement(uow, made).id)
    clock.advance(NIGHT)
    hall.deliver()
    assert (hall.seen(made).state, hall.seen(made).left_out, hall.messages()) == ("withdrawn", 1, [])


def test_who_opted_out_gets_none_and_one_gets_no_more_than_four(hall: Hall) -> None:
    hall.opt_out()
    hall.opt_out()
    made = hall.announce()
    hall.deliver()
    assert (hall.delivery(made).reason, hall.seen(made).state, hall.messages()) == ("opted_out", "sent", [])
    hall.opt_out(out=False)
    for _ in range(MOST_TO_ONE + 1):
        made = hall.announce()
        hall.deliver()
    assert (hall.delivery(made).reason, len(hall.messages())) == ("too_many", MOST_TO_ONE)
    for _ in range(MOST_OF_SELLER - MOST_TO_ONE - 2):
        hall.announce()
    with pytest.raises(TooMany, match="announcements_too_often"):
        hall.announce()
    hall.deliver()
    clock.advance(WITHIN + timedelta(days=1))
    made = hall.announce()
    hall.deliver()
    assert hall.delivery(made).state == "delivered"


def test_who_may_announce_what_to_whom(hall: Hall) -> None:
    stage = hall.stage
    with unit_of_work(hall.db, SYSTEM) as uow:
        viewer = make_member(uow, stage.seller, "viewer")
    with pytest.raises(Forbidden):
        hall.announce(who=viewer)
    with pytest.raises(NotFound):
        hall.announce(who=stage.buyer.owner)
    for text in ("Call 138 0013 8000", "See www.elsewhere.example", "Write to a@b.example", "HTTPS://x", "加 evil.top"):
        with pytest.raises(Invalid, match="announcement_leads_elsewhere"):
            hall.announce(PublishAnnouncement("x", text))
    with pytest.raises(Invalid, match="announcement_audience_unknown"):
        hall.announce(PublishAnnouncement("x", "y", "everybody"))
    with pytest.raises(NotFound):
        hall.announce(PublishAnnouncement("x", "y", "tier", tier_id=uuid7()))
    with unit_of_work(hall.db, SYSTEM) as uow:
        wanted = select(AnnouncementDelivery.id).where(AnnouncementDelivery.seller_org_id == stage.seller.id)
        assert uow.session.scalars(wanted).all() == []
    order_id = stage.buy()
    stage.run()
    listing_id = stage.entitlement(order_id).listing_id
    made = hall.announce(PublishAnnouncement("席位", "下周起可多选。", "listing", listing_id=listing_id))
    assert hall.seen(made).recipients == 1


def test_the_interface_and_the_pages(hall: Hall) -> None:
    seller, buyer = hall.browser(hall.stage.seller.owner), hall.browser(hall.stage.buyer.owner)
    asked = {"title": "升级", "text": "周六凌晨。", "audience": "customers"}
    key = {"Idempotency-Key": str(uuid7())}
    made = seller.post("/v1/seller/announcements", json=asked, headers=key)
    assert made.status_code == 201, made.text
    assert seller.post("/v1/seller/announcements", json=asked, headers=key).json()["id"] == made.json()["id"]
    one = f"/v1/seller/announcements/{made.json()['id']}"
    assert buyer.get(one).status_code == 404
    assert buyer.post(f"{one}/withdrawal").status_code == 404
    hall.deliver()
    assert seller.get(one).json()["delivered"] == 1
    (got,) = buyer.get("/v1/announcements").json()["items"]
    assert got["title"] == "升级"
    assert "升级" in buyer.get("/announcements").text
    out = f"/v1/organizations/{hall.stage.seller.id}/announcement-opt-out"
    assert [buyer.put(out).status_code, buyer.put(out).status_code, buyer.delete(out).status_code] == [204, 204, 204]

    csrf = {"csrf": seller.headers["x-csrf-token"]}
    form = csrf | {"title": "新功能", "text": "见 https://elsewhere.example", "audience": "customers"}
    wrong = seller.post("/seller/announcements", data=form, follow_redirects=False)
    assert wrong.status_code == 422
    assert "新功能" in wrong.text
    form |= {"text": "下周起可批量导入。", "idempotency_key": str(uuid7())}
    for _ in range(2):
        assert seller.post("/seller/announcements", data=form, follow_redirects=False).status_code == 303
    listed = seller.get("/v1/seller/announcements").json()["items"]
    assert [item["title"] for item in listed] == ["新功能", "升级"]
    shown = seller.get("/seller/announcements")
    assert "下周起可批量导入" not in shown.text
    assert "新功能" in shown.text
    back = f"/seller/announcements/{listed[0]['id']}/withdrawal"
    assert seller.post(back, data=csrf, follow_redirects=False).status_code == 303
    assert seller.get(f"/v1/seller/announcements/{listed[0]['id']}").json()["state"] == "withdrawn"
    choice = {"csrf": buyer.headers["x-csrf-token"], "out": "yes"}
    chosen = buyer.post(f"/announcements/{hall.stage.seller.id}", data=choice, follow_redirects=False)
    assert chosen.status_code == 303
    assert buyer.get("/v1/announcements").json()["items"][0]["is_opted_out"]
