"""A share link that was followed before signing in counts for whoever sent it: once, and for nobody else."""

from __future__ import annotations

import html
import secrets
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from litestar.testing import TestClient
from sqlalchemy import select

from api.pages.frame.followed import COOKIE, LASTS
from kernel import clock
from kernel.db.uow import transact, unit_of_work
from kernel.principal import SYSTEM
from marketplace.attribution.models import Touchpoint
from marketplace.attribution.record_touchpoints import TouchpointIn, record_touchpoints
from marketplace.parties.models import Organization
from marketplace.sharing.share_links import share_video
from orders.checkout.priced_line import Context
from orders.order.models import Attribution, Order
from tests.api.pages.test_mail_links import FORM, asked, send
from tests.api_server import application
from tests.factories_marketplace import PASSWORD, Org, make_org, new_tax_id
from tests.loop.test_trial_pages import field
from tests.loop_stage import Stage

Browser = TestClient[Any]
SITE = "https://market.example"


@pytest.fixture
def visitor(stage: Stage) -> Iterator[Browser]:
    """A browser that nobody has signed in with."""
    with TestClient(application(stage.services), base_url=SITE) as client:
        client.headers.update({"Accept": "text/html", "Accept-Language": "en", "Sec-Fetch-Site": "same-origin"})
        yield client


@pytest.fixture
def sharer(stage: Stage) -> Org:
    """An organization that has nothing to do with the sale but a link."""
    with unit_of_work(stage.services.db, SYSTEM) as uow:
        return make_org(uow)


def code_of(stage: Stage, org: Org) -> str:
    code: str = transact(stage.services.db, org.owner, lambda uow: share_video(uow, stage.video))
    return code


def followed(stage: Stage, visitor: Browser, code: str) -> None:
    shown = visitor.get(f"/v/{stage.video}?share={code}")
    assert shown.status_code == 200
    assert visitor.cookies.get(COOKIE)


def sign_in(visitor: Browser, org: Org, page: str) -> Any:
    """By the form, from where a page that needs it has sent the visitor; then on to that page."""
    asks = visitor.get(page)
    assert 'name="password"' in asks.text
    form = {"csrf": field(asks.text, "csrf"), "email": org.email, "password": PASSWORD, "next": page}
    return visitor.post("/sign-in", data=form)


def arrivals(stage: Stage, org_id: UUID) -> list[Touchpoint]:
    found: list[Touchpoint] = stage.rows(
        select(Touchpoint).where(Touchpoint.org_id == org_id, Touchpoint.kind == "arrival").order_by(Touchpoint.id)
    )
    return found


def test_who_signs_in_and_buys_was_brought_by_the_link(stage: Stage, visitor: Browser, sharer: Org) -> None:
    card = stage.placement
    followed(stage, visitor, code_of(stage, sharer))
    followed_at = clock.now()
    clock.advance(timedelta(minutes=20))
    sheet = f"/buy/{card}?second=7&quantity=20"
    page = html.unescape(sign_in(visitor, stage.buyer, sheet).text)
    assert COOKIE not in visitor.cookies, "it is remembered no longer than it is needed"
    (arrival,) = arrivals(stage, stage.buyer.id)
    assert (arrival.sharer_org_id, arrival.video_id, arrival.occurred_at) == (sharer.id, stage.video, followed_at)
    sent = {name: field(page, name) for name in ("quote_id", "idempotency_key", "csrf", "share")}
    assert sent["share"] == "", "its address does not name the link any more"
    sent |= {"plan_id": str(stage.seat_plan), "quantity": "20", "billing_profile_id": str(stage.profile)}
    sent |= {"po_number": "", "action": "pay", "payment_method_id": "sandbox:sbx_ok", "second": "7"}
    for _ in range(2):
        bought = visitor.post(f"/buy/{card}", data=sent, follow_redirects=False)
        assert bought.status_code == 303, bought.text
    stage.run()
    (order,) = stage.rows(select(Order).where(Order.buyer_org_id == stage.buyer.id))
    (credit,) = stage.rows(select(Attribution).where(Attribution.buyer_org_id == stage.buyer.id))
    assert (credit.promoter_org_id, credit.rule, credit.video_id) == (sharer.id, "context", stage.video)
    share = stage.shares(order.id)["promoter"]
    assert share.org_id == sharer.id
    assert share.amount_minor > 0
    # Another page of another day says nothing anew.
    visitor.get("/orders")
    assert len(arrivals(stage, stage.buyer.id)) == 1


def test_who_signs_up_comes_back_to_the_video(stage: Stage, visitor: Browser, sharer: Org) -> None:
    code, email = code_of(stage, sharer), f"new-{secrets.token_hex(6)}@firm.example"
    followed(stage, visitor, code)
    token, _ = asked(stage.services, visitor, email)
    form = FORM | {"legal_name": f"新来{secrets.token_hex(4)}有限公司", "country": "CN", "tax_id": new_tax_id()}
    done = send(visitor, "/sign-up/complete", {"token": token, **form})
    assert done.status_code == 303, done.text
    assert done.headers["Location"] == f"/v/{stage.video}?share={code}"
    assert visitor.get(done.headers["Location"]).status_code == 200
    (org_id,) = stage.rows(select(Organization.id).where(Organization.legal_name == form["legal_name"]))
    (arrival,) = arrivals(stage, org_id)
    assert arrival.sharer_org_id == sharer.id


def test_codes_that_are_not_of_the_video_are_not_remembered(stage: Stage, visitor: Browser, sharer: Org) -> None:
    _, elsewhere = stage.offer()
    other: str = transact(
        stage.services.db, sharer.owner, lambda uow: share_video(uow, elsewhere.video_id or UUID(int=0))
    )
    for code in ("nobodys", other, "x" * 64, "%00"):
        assert visitor.get(f"/v/{stage.video}?share={code}").status_code == 200
        assert COOKIE not in visitor.cookies
    visitor.cookies.set(COOKIE, "forged", domain="market.example")
    sign_in(visitor, stage.buyer, "/orders")
    assert arrivals(stage, stage.buyer.id) == []
    assert COOKIE not in visitor.cookies


def test_one_that_is_too_old_is_left_out(stage: Stage, visitor: Browser, sharer: Org) -> None:
    followed(stage, visitor, code_of(stage, sharer))
    clock.advance(LASTS + timedelta(minutes=1))
    sign_in(visitor, stage.buyer, "/orders")
    assert arrivals(stage, stage.buyer.id) == []


def test_an_arrival_alone_sells_nothing(stage: Stage, visitor: Browser, sharer: Org) -> None:
    """Who led to a video is paid for what that video sells, not for what was bought elsewhere."""
    followed(stage, visitor, code_of(stage, sharer))
    sign_in(visitor, stage.buyer, "/orders")
    assert len(arrivals(stage, stage.buyer.id)) == 1
    order_id = stage.place(stage.quote(context=Context()))
    (credit,) = stage.rows(select(Attribution).where(Attribution.buyer_org_id == stage.buyer.id))
    assert (credit.rule, credit.promoter_org_id) == ("none", None)
    assert stage.order(order_id).state != "failed"


def test_players_cannot_report_arrivals(stage: Stage, browser: Browser) -> None:
    event = {
        "id": str(UUID(int=secrets.randbits(128))),
        "kind": "arrival",
        "occurred_at": clock.now().isoformat(),
        "video_id": str(stage.video),
    }
    assert browser.post("/v1/touchpoints", json={"events": [event]}).status_code == 422


def test_said_twice_it_counts_once(stage: Stage, sharer: Org) -> None:
    code = code_of(stage, sharer)
    said = TouchpointIn(UUID(int=secrets.randbits(128)), "arrival", clock.now(), stage.video, share_code=code)
    for expected in (1, 0):
        found = transact(stage.services.db, stage.buyer.owner, lambda uow: record_touchpoints(uow, [said]))
        assert found.accepted == expected
