"""A member's link to a product or a channel counts for whoever sent it, as one to a video does: signed in, signing in or new."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from litestar.testing import TestClient
from sqlalchemy import select, text

from api.pages.frame.followed import COOKIE
from app.verify.orders import ATTRIBUTED, BROUGHT, SOLD_BY
from kernel import clock
from kernel.db.uow import transact, unit_of_work
from kernel.errors import Invalid
from kernel.principal import SYSTEM, Principal
from marketplace.attribution.models import Touchpoint, TouchpointDay
from marketplace.attribution.record_touchpoints import TouchpointIn, record_touchpoints
from marketplace.catalog.models import Plan
from marketplace.parties.models import Organization
from marketplace.publishing.show_listing import ShowListing, show_listing
from marketplace.relations.partner_groups import PartnerGroups
from marketplace.sharing.share_links import share_channel, share_listing
from marketplace.videos.models import Video
from orders.analytics.count_sales import recount
from orders.analytics.funnel import FunnelPeriod, seller_funnel
from orders.checkout.priced_line import Context
from orders.order.models import Attribution
from tests.api.pages.test_mail_links import FORM, asked, send
from tests.api_server import application
from tests.factories_marketplace import Org, make_member, make_org, make_published_video, new_tax_id
from tests.loop.test_followed_links import arrivals, sign_in
from tests.loop.test_promoter_earnings import read
from tests.loop_stage import Stage
from tests.statement_counter import counting

Browser = TestClient[Any]
SITE = "https://market.example"
NOWHERE = Context()


@pytest.fixture
def visitor(stage: Stage) -> Iterator[Browser]:
    """A browser that nobody has signed in with."""
    with TestClient(application(stage.services), base_url=SITE) as client:
        client.headers.update({"Accept": "text/html", "Accept-Language": "en", "Sec-Fetch-Site": "same-origin"})
        yield client


@pytest.fixture
def sharer(stage: Stage) -> Org:
    with unit_of_work(stage.services.db, SYSTEM) as uow:
        return make_org(uow)


def product(stage: Stage) -> UUID:
    (found,) = stage.rows(select(Plan.listing_id).where(Plan.id == stage.seat_plan))
    return UUID(str(found))


def channel(stage: Stage) -> UUID:
    (found,) = stage.rows(select(Video.channel_id).where(Video.id == stage.video))
    return UUID(str(found))


def to_product(stage: Stage, who: Principal) -> str:
    code: str = transact(stage.services.db, who, lambda uow: share_listing(uow, product(stage)))
    return code


def to_channel(stage: Stage, who: Principal) -> str:
    code: str = transact(stage.services.db, who, lambda uow: share_channel(uow, channel(stage)))
    return code


def bought(stage: Stage, context: Context = NOWHERE, quantity: int = 20) -> tuple[UUID, Attribution]:
    clock.advance(timedelta(seconds=1))
    order_id = stage.place(stage.quote(quantity=quantity, context=context))
    stage.run()
    rows = stage.rows(select(Attribution).where(Attribution.buyer_org_id == stage.buyer.id).order_by(Attribution.id))
    return order_id, rows[-1]


def holds(stage: Stage) -> None:
    """What `market verify` asks of attributions, of this buyer's."""
    rows = "SELECT id FROM orders.attribution WHERE buyer_org_id = :buyer"
    lines = "SELECT order_line_id FROM orders.attribution WHERE buyer_org_id = :buyer"
    for rule, column, own in (
        (ATTRIBUTED, "order_line_id", lines),
        (SOLD_BY, "attribution_id", rows),
        (BROUGHT, "attribution_id", rows),
    ):
        wrong = text(f"SELECT * FROM ({rule.sql}) bad WHERE {column} IN ({own})")
        with unit_of_work(stage.services.db, SYSTEM) as uow:
            assert uow.session.execute(wrong, {"buyer": stage.buyer.id}).all() == [], rule.name


def test_a_product_opened_by_a_link_and_bought_was_brought_by_it(stage: Stage, browser: Browser, sharer: Org) -> None:
    code = to_product(stage, sharer.owner)
    page = browser.get(f"/products/{product(stage)}?share={code}", headers={"Accept": "text/html"})
    assert page.status_code == 200
    (arrival,) = arrivals(stage, stage.buyer.id)
    assert (arrival.listing_id, arrival.video_id, arrival.sharer_org_id) == (product(stage), None, sharer.id)
    assert arrival.channel_org_id == stage.seller.id
    order_id, credit = bought(stage)
    assert (credit.rule, credit.promoter_org_id, credit.touchpoint_id) == ("last_click", sharer.id, arrival.id)
    assert (credit.video_id, credit.placement_id, credit.second_ms) == (None, None, None)
    assert [step["listing_id"] for step in credit.path] == [str(product(stage))]
    share = stage.shares(order_id)["promoter"]
    assert (share.org_id, share.video_id) == (sharer.id, None)
    assert share.amount_minor > 0
    row = read(stage, sharer)["person", sharer.owner.person()]
    assert (row.visits, row.views, row.orders, row.earned[0].earned_minor) == (1, 0, 1, share.amount_minor)
    order = browser.get(f"/orders/{order_id}", headers={"Accept": "text/html", "Accept-Language": "en"})
    assert "A shared link to the product" in order.text
    assert code not in order.text
    nodes = {node.kind: node for node in stage.trace(stage.purchaser, order_id).nodes}
    assert nodes["attribution"].facts["share_link_id"] == str(credit.share_link_id)
    assert nodes["touchpoint"].facts["listing_id"] == str(product(stage))
    holds(stage)


def test_a_card_clicked_later_takes_it_and_a_link_followed_later_takes_it_back(stage: Stage, sharer: Org) -> None:
    code, listing = to_product(stage, sharer.owner), product(stage)

    def follow() -> None:
        clock.advance(timedelta(seconds=1))
        came = TouchpointIn(
            UUID(int=secrets.randbits(128)), "arrival", clock.now(), None, share_code=code, listing_id=listing
        )
        assert transact(stage.services.db, stage.purchaser, lambda uow: record_touchpoints(uow, [came])).accepted == 1

    follow()
    clock.advance(timedelta(seconds=1))
    stage.touch()
    _, credit = bought(stage)
    assert (credit.video_id, credit.promoter_org_id, credit.share_link_id) == (stage.video, stage.promoter.id, None)
    follow()
    _, credit = bought(stage)
    assert (credit.video_id, credit.promoter_org_id) == (None, sharer.id)
    holds(stage)


def test_who_signs_in_or_up_was_led_to_the_product(stage: Stage, visitor: Browser, sharer: Org) -> None:
    code, path = to_product(stage, sharer.owner), f"/products/{product(stage)}"
    assert visitor.get(f"{path}?share={code}").status_code == 200
    assert visitor.cookies.get(COOKIE)
    at = clock.now()
    clock.advance(timedelta(minutes=20))
    sign_in(visitor, stage.buyer, f"{path}/buy")
    assert COOKIE not in visitor.cookies
    (arrival,) = arrivals(stage, stage.buyer.id)
    assert (arrival.listing_id, arrival.sharer_org_id, arrival.occurred_at) == (product(stage), sharer.id, at)
    _, credit = bought(stage)
    assert (credit.rule, credit.promoter_org_id, credit.touched_at) == ("last_click", sharer.id, at)

    visitor.cookies.clear()
    assert visitor.get(f"{path}?share={code}").status_code == 200
    email = f"new-{secrets.token_hex(6)}@firm.example"
    token, _ = asked(stage.services, visitor, email)
    form = FORM | {"legal_name": f"新来{secrets.token_hex(4)}有限公司", "country": "CN", "tax_id": new_tax_id()}
    done = send(visitor, "/sign-up/complete", {"token": token, **form})
    assert done.headers["Location"] == f"{path}?share={code}"
    visitor.get(done.headers["Location"])
    (org_id,) = stage.rows(select(Organization.id).where(Organization.legal_name == form["legal_name"]))
    led = arrivals(stage, org_id)
    assert led
    assert {(one.listing_id, one.sharer_org_id) for one in led} == {(product(stage), sharer.id)}


def test_a_purchase_may_carry_the_link_itself(stage: Stage, sharer: Org) -> None:
    """As a program does that buys by the API."""
    code = to_product(stage, sharer.owner)
    _, credit = bought(stage, Context(share=code))
    assert (credit.rule, credit.promoter_org_id, credit.touchpoint_id) == ("context", sharer.id, None)
    # Of another product it leads nowhere, and neither does what is no code.
    other, _ = stage.offer()
    for plan, share in ((other, code), (stage.seat_plan, "nobodys")):
        stage.place(stage.quote(plan, context=Context(share=share)))
        rows = stage.rows(select(Attribution).where(Attribution.buyer_org_id == stage.buyer.id))
        assert max(rows, key=lambda row: row.id).rule == "none"
    holds(stage)


def test_nobody_earns_of_their_own_organization_nor_a_seller_of_what_is_theirs(stage: Stage, browser: Browser) -> None:
    for who in (stage.purchaser, stage.seller.owner):
        browser.get(f"/products/{product(stage)}?share={to_product(stage, who)}", headers={"Accept": "text/html"})
        order_id, credit = bought(stage)
        assert (credit.rule, credit.promoter_org_id, credit.share_link_id) == ("none", None, None)
        assert "promoter" not in stage.shares(order_id)
    assert len(arrivals(stage, stage.buyer.id)) == 2
    holds(stage)


def test_a_channel_opened_by_a_link_counts_with_what_its_videos_sell(
    stage: Stage, browser: Browser, sharer: Org
) -> None:
    code = to_channel(stage, sharer.owner)
    page = browser.get(f"/channels/{channel(stage)}?share={code}", headers={"Accept": "text/html"})
    assert f'data-share="{code}"' in page.text, "its player reports the link, too"
    (arrival,) = arrivals(stage, stage.buyer.id)
    assert (arrival.channel_id, arrival.video_id, arrival.sharer_org_id) == (channel(stage), None, sharer.id)
    assert bought(stage)[1].rule == "none", "by itself it sells nothing"
    clock.advance(timedelta(seconds=1))
    stage.touch()
    order_id, credit = bought(stage)
    assert (credit.rule, credit.video_id, credit.promoter_org_id) == ("last_click", stage.video, sharer.id)
    assert stage.shares(order_id)["promoter"].org_id == sharer.id
    _, credit = bought(stage, Context(video_id=stage.video, placement_id=stage.placement, second_ms=7_000))
    assert (credit.rule, credit.promoter_org_id) == ("context", sharer.id)
    # In the videos of other channels it counts nothing.
    with unit_of_work(stage.services.db, SYSTEM) as uow:
        plan = uow.session.get_one(Plan, stage.seat_plan)
        video, card = make_published_video(uow, stage.promoter, plan)
    _, credit = bought(stage, Context(video_id=video.id, placement_id=card.id, second_ms=7_000, share=code))
    assert (credit.promoter_org_id, credit.share_link_id) == (stage.promoter.id, None)
    holds(stage)


def test_views_and_visits_are_counted_of_whose_link_it_was(stage: Stage, browser: Browser, sharer: Org) -> None:
    with unit_of_work(stage.services.db, SYSTEM) as uow:
        other = make_member(uow, sharer, "viewer")
    code = to_channel(stage, sharer.owner)
    to_product(stage, other)
    for _ in range(2):
        browser.get(f"/channels/{channel(stage)}?share={code}", headers={"Accept": "text/html"})
    seen = TouchpointIn(
        UUID(int=secrets.randbits(128)), "view", clock.now(), stage.video, watched_ms=30_000, share_code=code
    )
    for who in (stage.purchaser, sharer.owner):
        transact(stage.services.db, who, lambda uow: record_touchpoints(uow, [seen]))
    found = read(stage, sharer)
    mine, others = found["person", sharer.owner.person()], found["person", other.person()]
    assert (mine.views, mine.visits) == (1, 2)
    assert (others.views, others.visits) == (0, 0)


def test_codes_of_something_else_record_nothing(stage: Stage, browser: Browser, visitor: Browser, sharer: Org) -> None:
    here, there = f"/products/{product(stage)}", f"/channels/{channel(stage)}"
    wrong = {
        here: (to_channel(stage, sharer.owner), "nobodys", "x" * 64, "%00", ""),
        there: (to_product(stage, sharer.owner),),
    }
    for path, codes in wrong.items():
        for code in codes:
            for client in (browser, visitor):
                assert client.get(f"{path}?share={code}", headers={"Accept": "text/html"}).status_code == 200
    assert arrivals(stage, stage.buyer.id) == []
    assert COOKIE not in visitor.cookies


def test_a_link_shows_nobody_what_they_may_not_see(
    stage: Stage, browser: Browser, visitor: Browser, sharer: Org
) -> None:
    code, listing = to_product(stage, sharer.owner), product(stage)
    path = f"/products/{listing}?share={code}"
    assert visitor.get(path).status_code == 200
    partners = ShowListing(listing, "partners", PartnerGroups(everybody=True))
    transact(stage.services.db, stage.seller.owner, lambda uow: show_listing(uow, partners))
    hidden = browser.get(path, headers={"Accept": "text/html"})
    missing = browser.get(f"/products/{UUID(int=7)}?share={code}", headers={"Accept": "text/html"})
    assert (hidden.status_code, missing.status_code) == (404, 404)
    sign_in(visitor, stage.buyer, "/orders")
    assert arrivals(stage, stage.buyer.id) == [], "nor is it recorded of who followed it before"


def test_arrivals_are_of_one_thing_and_by_a_link(stage: Stage, sharer: Org) -> None:
    code = to_product(stage, sharer.owner)
    listing = product(stage)

    def record(**said: Any) -> str:
        made = {"kind": "arrival", "video_id": None, "listing_id": listing, "share_code": code} | said
        event = TouchpointIn(id=UUID(int=secrets.randbits(128)), occurred_at=clock.now(), **made)
        try:
            found = transact(stage.services.db, stage.purchaser, lambda uow: record_touchpoints(uow, [event]))
        except Invalid as refused:
            return refused.code
        return "stored" if found.accepted else "left out"

    assert record() == "stored"
    for unfit in (
        {"kind": "view"},
        {"kind": "card_click"},
        {"share_code": None},
        {"channel_id": channel(stage)},
        {"video_id": stage.video},
        {"listing_id": None},
        {"placement_id": stage.placement},
    ):
        assert record(**unfit) == "touchpoint_place_invalid", unfit
    for elsewhere in (
        {"listing_id": UUID(int=7)},
        {"share_code": "nobodys"},
        {"listing_id": None, "channel_id": channel(stage)},
    ):
        assert record(**elsewhere) == "left out", elsewhere


def test_what_following_asks_of_the_database(
    stage: Stage, browser: Browser, sharer: Org, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Three statements more than the page: what the code stands for, what it opens, and the arrival."""
    codes = {
        f"/products/{product(stage)}": to_product(stage, sharer.owner),
        f"/channels/{channel(stage)}": to_channel(stage, sharer.owner),
    }
    for path, code in codes.items():
        asked = []
        for query in ("", f"?share={code}"):
            browser.get(f"{path}{query}", headers={"Accept": "text/html"})
            with counting(monkeypatch) as count:
                assert browser.get(f"{path}{query}", headers={"Accept": "text/html"}).status_code == 200
            asked.append(len(count.statements))
        assert asked[1] <= asked[0] + 3, path
    # A batch of arrivals is stored by one.
    arrived = [
        TouchpointIn(
            UUID(int=secrets.randbits(128)),
            "arrival",
            clock.now(),
            None,
            share_code=code,
            listing_id=product(stage) if path.startswith("/products") else None,
            channel_id=channel(stage) if path.startswith("/channels") else None,
        )
        for path, code in codes.items()
        for _ in range(10)
    ]
    with unit_of_work(stage.services.db, stage.purchaser) as uow, counting(monkeypatch) as count:
        assert record_touchpoints(uow, arrived).accepted == 20
    stored = [one for one in count.statements if "INSERT INTO marketplace.touchpoint" in str(one)]
    assert (len(stored), len(count.statements) <= 5) == (1, True)


def test_the_sellers_funnel_counts_it_under_its_promoter(stage: Stage, sharer: Org) -> None:
    bought(stage, Context(share=to_product(stage, sharer.owner)))
    stage.touch()
    bought(stage)
    with unit_of_work(stage.services.db, SYSTEM) as uow:
        recount(uow)
    with unit_of_work(stage.services.db, stage.seller.owner) as uow:
        today = FunnelPeriod(clock.today("UTC") - timedelta(days=1), clock.today("UTC") + timedelta(days=1))
        of_promoter = {row.key: row.count("orders") for row in seller_funnel(uow, today, "promoter").rows}
        of_video = {row.key: row.count("orders") for row in seller_funnel(uow, today, "video").rows}
        total = seller_funnel(uow, today, "day").total.count("orders")
    assert of_promoter == {str(sharer.id): 1, str(stage.promoter.id): 1}
    assert of_video == {"": 1, str(stage.video): 1}
    assert total == 2


def test_they_are_no_part_of_what_videos_did(stage: Stage, browser: Browser, sharer: Org) -> None:
    before = stage.rows(select(Touchpoint.id).where(Touchpoint.video_id.is_not(None)))
    browser.get(f"/products/{product(stage)}?share={to_product(stage, sharer.owner)}", headers={"Accept": "text/html"})
    stage.tick("marketplace.touchpoints.count")
    assert stage.rows(select(Touchpoint.id).where(Touchpoint.video_id.is_not(None))) == before
    assert stage.rows(select(TouchpointDay).where(TouchpointDay.sharer_org_id == sharer.id)) == []
