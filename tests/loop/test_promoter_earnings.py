"""Who of an organization brought what: all of it together is what the ledger owes and has paid, on page, API and file alike."""

from __future__ import annotations

import csv
import html
from io import StringIO
from typing import Any
from uuid import UUID

import pytest
from litestar.testing import TestClient
from sqlalchemy import select

from billing.payouts.balances import balances
from kernel import clock
from kernel.db.uow import transact, unit_of_work
from kernel.ids import uuid7
from kernel.principal import SYSTEM, Principal
from marketplace.attribution import facts
from marketplace.attribution.record_touchpoints import TouchpointIn, record_touchpoints
from marketplace.sharing.share_links import share_video
from orders.checkout.priced_line import Context
from orders.order.models import Attribution
from orders.promoter_earnings import BroughtBy, earnings_by_bringer
from tests.api_server import application
from tests.factories_marketplace import PASSWORD, Org, make_member, make_seller
from tests.loop_stage import Stage

Browser = TestClient[Any]


def code_of(stage: Stage, who: Principal) -> str:
    code: str = transact(stage.services.db, who, lambda uow: share_video(uow, stage.video))
    return code


def bought(stage: Stage, code: str | None, quantity: int) -> UUID:
    where = Context(video_id=stage.video, placement_id=stage.placement, second_ms=7_000, share=code)
    order_id = stage.place(stage.quote(quantity=quantity, context=where))
    stage.run()
    return order_id


def viewed(stage: Stage, who: Principal, code: str | None) -> None:
    seen = TouchpointIn(uuid7(), "view", clock.now(), stage.video, watched_ms=30_000, share_code=code)
    assert transact(stage.services.db, who, lambda uow: record_touchpoints(uow, [seen])).accepted == 1


def read(stage: Stage, org: Org) -> dict[tuple[str, UUID | None], BroughtBy]:
    with unit_of_work(stage.services.db, org.owner) as uow:
        return {(row.kind, row.subject_id): row for row in earnings_by_bringer(uow)}


def earned(row: BroughtBy) -> tuple[int, int, int]:
    (money,) = row.earned
    assert money.currency == "CNY"
    return money.earned_minor, money.paid_minor, money.taken_back_minor


def ledger(stage: Stage, org: Org) -> tuple[int, int]:
    """What is owed and was paid together, and what was paid."""
    with unit_of_work(stage.services.db, org.owner) as uow:
        (found,) = balances(uow, "promoter")
    return found.pending_minor + found.available_minor + found.paid_minor, found.paid_minor


@pytest.fixture
def sharers(stage: Stage) -> tuple[Org, Principal, Principal]:
    """An organization of which two members send links."""
    with unit_of_work(stage.services.db, SYSTEM) as uow:
        org = make_seller(uow)
        return org, make_member(uow, org, "catalog"), make_member(uow, org, "viewer")


def signed_in(stage: Stage, org: Org) -> Browser:
    client: Browser = TestClient(application(stage.services), base_url="https://market.example")
    assert client.post("/v1/session", json={"email": org.email, "password": PASSWORD}).status_code == 201
    return client


def test_members_earn_by_their_links_and_all_rows_are_the_ledger(
    stage: Stage, sharers: tuple[Org, Principal, Principal]
) -> None:
    org, first, second = sharers
    codes = [code_of(stage, who) for who in (first, second)]
    viewed(stage, stage.purchaser, None)
    plain = bought(stage, None, 20)  # before any link led to the video
    for code in (codes[0], codes[0], codes[1]):
        viewed(stage, stage.purchaser, code)
    viewed(stage, first, codes[0])  # what their own organization watches is nobody's view
    orders = [bought(stage, codes[0], 20), bought(stage, codes[0], 25), bought(stage, codes[1], 30), plain]
    parts = [stage.shares(one)["promoter"].amount_minor for one in orders]
    assert all(parts)
    stage.refund(orders[1])
    stage.run()
    stage.settle()
    (statement_id,) = stage.close(org)
    assert stage.pay_out(statement_id).state == "paid"
    later = bought(stage, codes[1], 22)

    found = read(stage, org)
    one, other = found["person", first.person()], found["person", second.person()]
    assert (one.views, one.orders, other.views, other.orders) == (2, 2, 1, 2)
    assert earned(one) == (parts[0], parts[0], parts[1])
    unpaid = stage.shares(later)["promoter"].amount_minor
    assert earned(other) == (parts[2] + unpaid, parts[2], 0)
    sums = [sum(money) for money in zip(*(earned(row) for row in found.values() if row.earned), strict=True)]
    assert tuple(sums[:2]) == ledger(stage, org)
    # What no link brought is the channel's, of another organization.
    (channel,) = (row for (kind, _), row in read(stage, stage.promoter).items() if kind == "channel")
    assert (channel.views, channel.orders, earned(channel)[0]) == (1, 1, parts[3])
    _says_the_same(stage, org, found)


def _says_the_same(stage: Stage, org: Org, found: dict[tuple[str, UUID | None], BroughtBy]) -> None:
    with signed_in(stage, org) as client:
        rows = client.get("/v1/promoter/earnings").json()
        told = {(row["kind"], row["subject_id"] and UUID(row["subject_id"])): row for row in rows}
        assert told.keys() == found.keys()
        for key, row in found.items():
            assert [one["earned"]["amount"] for one in told[key]["earned"]] == [one.earned_minor for one in row.earned]
            assert (told[key]["views"], told[key]["orders"]) == (row.views, row.orders)
        answer = client.get("/v1/promoter/earnings/csv")
        assert answer.headers["content-type"].startswith("text/csv")
        lines = list(csv.DictReader(StringIO(answer.content.decode("utf-8-sig"))))
        for name in ("earned_minor", "paid_minor", "taken_back_minor"):
            of_rows = sum(getattr(money, name) for row in found.values() for money in row.earned)
            assert sum(int(line[name]) for line in lines if line["currency"]) == of_rows
        page = client.get("/promoter/earnings", headers={"Accept": "text/html", "Accept-Language": "en"})
        assert page.status_code == 200
        total = sum(money.earned_minor for row in found.values() for money in row.earned)
        assert f"{total // 100:,}.{total % 100:02d}" in html.unescape(page.text)
        # Neither buyer nor order is named to whoever promotes.
        for text in (page.text, answer.text, str(rows)):
            assert str(stage.buyer.id) not in text
            assert "采购" not in text
    with signed_in(stage, stage.buyer) as stranger:
        assert all(row["orders"] == 0 for row in stranger.get("/v1/promoter/earnings").json())


def test_the_link_of_an_attribution_is_its_promoters(stage: Stage, sharers: tuple[Org, Principal, Principal]) -> None:
    """Of a link that led nobody, the buyer's own, none is named."""
    org, first, _ = sharers
    bought(stage, code_of(stage, first), 20)
    bought(stage, code_of(stage, stage.purchaser), 21)
    rows = stage.rows(select(Attribution).where(Attribution.buyer_org_id == stage.buyer.id).order_by(Attribution.id))
    assert [(row.promoter_org_id, row.share_link_id is not None) for row in rows] == [
        (org.id, True),
        (stage.promoter.id, False),
    ]


def test_what_links_brought_before_they_were_named(
    stage: Stage, sharers: tuple[Org, Principal, Principal], monkeypatch: pytest.MonkeyPatch
) -> None:
    org, first, _ = sharers
    code = code_of(stage, first)
    monkeypatch.setattr(facts, "find_sharer", lambda *_: (org.id, None))
    part = stage.shares(bought(stage, code, 20))["promoter"].amount_minor
    found = read(stage, org)
    assert earned(found["earlier", None])[0] == part
    assert found["person", first.person()].earned == ()
