"""What is for a seller's partners is theirs for as long as their link stands: no route shows it to anybody else."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest
from litestar.handlers import HTTPRouteHandler
from litestar.testing import TestClient
from sqlalchemy import select

from api.context import Services
from kernel import clock
from kernel.db.uow import transact, unit_of_work
from kernel.errors import NotFound
from kernel.ids import uuid7
from kernel.principal import ANONYMOUS, SYSTEM, Principal
from marketplace.catalog.models import Listing, ListingVersion, Plan
from marketplace.catalog.sellable import get_sellable, require_still_sold
from marketplace.live.explain import explain_item
from marketplace.live.models import LiveSession
from marketplace.live.run_session import end_session, start_session
from marketplace.live.save_session import SaveLiveSession, schedule_session
from marketplace.live.shelf import add_item
from marketplace.parties.models import Organization
from marketplace.publishing.change_visibility import ChangeVisibility, change_visibility
from marketplace.publishing.show_listing import ShowListing, show_listing
from marketplace.relations.partner_groups import PartnerGroups, groups_as_kept
from marketplace.relations.partner_links import AskPartner, accept_partner, ask_partner
from marketplace.relations.save_tier import SaveTier, save_tier
from marketplace.videos.models import Video
from orders.partners.end_partner import end_partner, move_partner
from tests.api.marketplace.test_visibility import browser
from tests.api_server import application, serving
from tests.factories_marketplace import (
    Org,
    acting,
    make_org,
    make_plans,
    make_published_video,
    make_seller,
    per_seat_plan,
    words,
)

PAGE = {"Accept": "text/html", "Accept-Language": "en"}
IN_CHINESE = PAGE | {"Accept-Language": "zh-CN"}
"""As the titles are that hold the secret."""


@dataclass(frozen=True)
class Shop:
    """A seller with a product and a video, each of which says a word that nothing else says."""

    seller: Org
    tiers: tuple[UUID, UUID]
    plan: Plan
    video: Video
    placement_id: UUID
    session: LiveSession
    """A live session that plays the video, with the plan on its shelf."""
    secret: str
    word: str
    """By which both are searched for."""

    def show(self, services: Services, groups: PartnerGroups) -> None:
        """For these partners from now on."""
        with unit_of_work(services.db, SYSTEM) as uow, acting(uow, self.seller.owner):
            show_listing(uow, ShowListing(self.plan.listing_id, "partners", groups))
            change_visibility(uow, ChangeVisibility(self.video.id, "partners", [], groups))
            session = uow.session.get_one(LiveSession, self.session.id)
            session.visibility, session.partner_groups = "partners", groups_as_kept(uow, groups)


def linked(services: Services, shop: Shop, org: Org, tier_id: UUID) -> UUID:
    with unit_of_work(services.db, SYSTEM) as uow:
        for org_id in (shop.seller.id, org.id):
            uow.session.get_one(Organization, org_id).tax_id_verified_at = clock.now()
    link_id = transact(services.db, shop.seller.owner, lambda uow: ask_partner(uow, AskPartner(org.id, tier_id)).id)
    transact(services.db, org.owner, lambda uow: accept_partner(uow, link_id).id)
    return link_id


@pytest.fixture(scope="module")
def shop(services: Services) -> Shop:
    secret, word = f"secret{uuid7().hex}", f"found{uuid7().hex}"
    with unit_of_work(services.db, SYSTEM) as uow:
        seller = make_seller(uow)
        plan = make_plans(uow, seller, per_seat_plan(name=f"{secret}版"), text=words(f"{secret} {word}"))[0]
        video, placement = make_published_video(uow, seller, plan, title=f"{secret} {word}")
        with acting(uow, seller.owner):
            tiers = [save_tier(uow, SaveTier(code, code, code, 1)).id for code in ("GOLD", "SILVER")]
            at = clock.now() + timedelta(hours=1)
            session = schedule_session(uow, SaveLiveSession(video.id, f"{secret} {word}", at))
            item = add_item(uow, session.id, plan.id)
            start_session(uow, session.id)
            explain_item(uow, session.id, item.id)
    for key in (video.cover_key, video.media_key):
        services.storage.put_bytes(str(key), b"\xff\xd8cover")
    return Shop(seller, (tiers[0], tiers[1]), plan, video, placement.id, session, secret, word)


@pytest.fixture(scope="module")
def partner(services: Services, shop: Shop) -> Org:
    with unit_of_work(services.db, SYSTEM) as uow:
        org = make_org(uow)
    linked(services, shop, org, shop.tiers[0])
    return org


def get_routes(services: Services) -> list[str]:
    found: set[str] = set()
    for route in application(services).routes:
        for handler in getattr(route, "route_handlers", []):
            if isinstance(handler, HTTPRouteHandler) and "GET" in {str(one) for one in handler.http_methods}:
                found.add(route.path)
    return sorted(found)


def addresses(services: Services, shop: Shop) -> Iterator[str]:
    """Every route that is read, about these where it names such, and asked for the words where it searches."""
    named = {
        "listing_id": shop.plan.listing_id,
        "plan_id": shop.plan.id,
        "video_id": shop.video.id,
        "placement_id": shop.placement_id,
        "channel_id": shop.video.channel_id,
        "org_id": shop.seller.id,
        "live_session_id": shop.session.id,
        "language": "en",
    }
    asked = (
        f"q={shop.word}&category=hr&seller={shop.seller.id}&listing_id={shop.plan.listing_id}&video_id={shop.video.id}"
        f"&placement={shop.placement_id}&video={shop.video.id}&plan_id={shop.plan.id}&limit=100"
    )
    for path in get_routes(services):
        parameters = re.findall(r"\{(\w+)(?::\w+)?\}", path)
        # Objects of other kinds are asked for by the matrix of isolation; what describes the routes says nothing of rows.
        if (
            "/operator/" in path
            or not {*parameters} <= named.keys()
            or "openapi" in path
            or path.startswith("/v1/docs")
        ):
            continue
        address = re.sub(r"\{(\w+)(?::\w+)?\}", lambda found: str(named[found.group(1)]), path)
        yield f"{address}?{asked}"
        if parameters:
            yield address


def leaks(services: Services, shop: Shop, client: TestClient[Any]) -> set[str]:
    found = set()
    for address in addresses(services, shop):
        headers = {} if address.startswith("/v1/") else IN_CHINESE
        answer = client.get(address, headers=headers, follow_redirects=False)
        assert answer.status_code < 500, (address, answer.text)
        if shop.secret in answer.text or shop.secret in str(answer.headers):
            found.add(address.split("?")[0])
    return found


SEEN = ("/v1/feed", "/v1/search", "/v1/listings", "/search", "/", "/products")


def test_no_route_shows_it_to_a_stranger_and_a_partner_meets_it_everywhere(
    services: Services, shop: Shop, partner: Org
) -> None:
    shop.show(services, PartnerGroups(everybody=True))
    with unit_of_work(services.db, SYSTEM) as uow:
        rival = make_seller(uow)
    assert leaks(services, shop, browser(services)) == set()
    assert leaks(services, shop, browser(services, rival.email)) == set()
    own = {f"/v1/listings/{shop.plan.listing_id}", f"/products/{shop.plan.listing_id}", f"/v/{shop.video.id}"}
    own |= {f"/v1/videos/{shop.video.id}", f"/v1/channels/{shop.video.channel_id}/videos"}
    client = browser(services, partner.email)
    for path in {*SEEN, *own}:
        answer = client.get(
            f"{path}?q={shop.word}" if "search" in path else path, headers={} if "/v1" in path else IN_CHINESE
        )
        assert shop.secret in answer.text, path


def surfaces(services: Services, shop: Shop, org: Org, client: TestClient[Any]) -> set[str]:
    """Where an organization meets it, and which rows the database gives it."""
    listed = {
        "feed": "/v1/feed?limit=100",
        "feed again": "/v1/feed?limit=100",
        "search": f"/v1/search?q={shop.word}",
        "listings": "/v1/listings?category=hr&limit=100",
        "product": f"/v1/listings/{shop.plan.listing_id}",
        "product page": f"/products/{shop.plan.listing_id}",
        "video": f"/v1/videos/{shop.video.id}",
        "video page": f"/v/{shop.video.id}",
        "live": f"/v1/live-sessions?state=live&channel_id={shop.video.channel_id}",
        "room": f"/v1/live-sessions/{shop.session.id}",
        "room page": f"/live/{shop.session.id}",
    }
    found = {name for name, path in listed.items() if shop.secret in client.get(path).text}
    found |= {
        name for name in ("media", "cover") if client.get(f"/v1/videos/{shop.video.id}/{name}").status_code == 200
    }
    with unit_of_work(services.db, org.owner) as uow:
        for model, row_id in (
            (Listing, shop.plan.listing_id),
            (Plan, shop.plan.id),
            (Video, shop.video.id),
            (LiveSession, shop.session.id),
        ):
            if uow.session.scalar(select(model.id).where(model.id == row_id)) is not None:
                found.add(f"row of {model.__tablename__}")
        if uow.session.scalar(select(ListingVersion.id).where(ListingVersion.id == shop.plan.version_id)) is not None:
            found.add("row of listing_version")
    return found


ALL = frozenset(
    {"feed", "feed again", "search", "listings", "product", "product page", "video", "video page", "media", "cover"}
    | {"live", "room", "room page"}
    | {"row of listing", "row of plan", "row of video", "row of listing_version", "row of live_session"}
)


def test_it_holds_from_the_link_to_its_end_and_by_tier(services: Services, shop: Shop) -> None:
    """What was kept for a viewer, and every row that the database gives, follow in the same moment."""
    gold, silver = shop.tiers
    with unit_of_work(services.db, SYSTEM) as uow:
        org = make_org(uow)
    client, anybody = browser(services, org.email), browser(services)
    shop.show(services, PartnerGroups(tier_ids=[silver]))
    assert surfaces(services, shop, org, client) == set()
    link_id = linked(services, shop, org, gold)
    assert surfaces(services, shop, org, client) == set(), "a partner in another tier"
    moved = transact(services.db, shop.seller.owner, lambda uow: move_partner(uow, link_id, silver).id)
    assert surfaces(services, shop, org, client) == ALL
    shop.show(services, PartnerGroups(tier_ids=[gold]))
    assert surfaces(services, shop, org, client) == set()
    shop.show(services, PartnerGroups(everybody=True))
    assert surfaces(services, shop, org, client) == ALL
    item = client.get(f"/v1/videos/{shop.video.id}").json()
    assert [anybody.get(item[name]).status_code for name in ("media_url", "cover_url")] == [200, 200]
    transact(services.db, org.owner, lambda uow: end_partner(uow, moved).id)
    assert surfaces(services, shop, org, client) == set()
    assert [anybody.get(item[name]).status_code for name in ("media_url", "cover_url")] == [404, 404]


def test_a_plan_is_bought_anew_by_partners_alone(services: Services, shop: Shop) -> None:
    """A quote that was made before the end finds at its purchase that there is nothing to buy."""
    shop.show(services, PartnerGroups(everybody=True))
    with unit_of_work(services.db, SYSTEM) as uow:
        org = make_org(uow)

    def refused(principal: Principal) -> str:
        with unit_of_work(services.db, principal) as uow:
            for ask in (get_sellable, require_still_sold):
                with pytest.raises(NotFound) as told:
                    ask(uow, shop.plan.id, anew=True)
                assert told.value.code == "plan_not_found"
        return "twice"

    assert refused(org.owner) == "twice"
    link_id = linked(services, shop, org, shop.tiers[0])
    with unit_of_work(services.db, org.owner) as uow:
        assert get_sellable(uow, shop.plan.id, anew=True).plan_id == shop.plan.id
        require_still_sold(uow, shop.plan.id, anew=True)
        transact(services.db, org.owner, lambda other: end_partner(other, link_id).id)
        with pytest.raises(NotFound):
            require_still_sold(uow, shop.plan.id, anew=True)
    assert refused(org.owner) == "twice"
    assert refused(ANONYMOUS) == "twice"


def test_the_api_and_the_page_of_the_product_change_it(services: Services, shop: Shop, partner: Org) -> None:
    owner = browser(services, shop.seller.email)
    address = f"/v1/listings/{shop.plan.listing_id}/visibility"
    for body, code in (
        ({"visibility": "partners"}, "partner_groups_missing"),
        ({"visibility": "partners", "partner_tier_ids": [str(uuid7())]}, "partner_tier_not_found"),
        ({"visibility": "internal"}, "validation_failed"),
    ):
        assert owner.put(address, json=body).json()["code"] == code
    assert browser(services, partner.email).put(address, json={"visibility": "public"}).status_code == 404
    tier_ids = [str(shop.tiers[1])]
    assert owner.put(address, json={"visibility": "partners", "partner_tier_ids": tier_ids}).status_code == 204
    read = owner.get(f"/v1/seller/listings/{shop.plan.listing_id}").json()
    assert (read["visibility"], read["all_partners"], read["partner_tier_ids"]) == ("partners", False, tier_ids)
    page, form = f"/seller/listings/{shop.plan.listing_id}", {"csrf": owner.headers["X-CSRF-Token"]}
    edit = owner.get(f"{page}/edit", headers=PAGE).text
    assert f'name="tier-{tier_ids[0]}" value="on" checked' in edit
    wrong = owner.post(f"{page}/visibility", data=form | {"visibility": "partners"}, headers=PAGE)
    assert (wrong.status_code, "no partners are chosen" in wrong.text) == (422, True)
    sent = {"visibility": "partners", "all_partners": "on"}
    answer = owner.post(f"{page}/visibility", data=form | sent, headers=PAGE, follow_redirects=False)
    assert answer.status_code == 303
    video, chosen = f"/v1/videos/{shop.video.id}/visibility", {"visibility": "partners", "partner_ids": []}
    assert owner.put(video, json=chosen | {"all_partners": False}).json()["code"] == "partners_missing"
    assert owner.put(video, json=chosen | {"partner_tier_ids": tier_ids}).status_code == 204
    detail = owner.get(f"/v1/seller/videos/{shop.video.id}").json()
    assert (detail["all_partners"], detail["partner_tier_ids"]) == (False, tier_ids)
    assert (
        f'name="tier-{tier_ids[0]}" value="on" checked'
        in owner.get(f"/seller/videos/{shop.video.id}", headers=PAGE).text
    )


def test_whose_link_ends_is_out_of_the_room_and_others_stay(services: Services, shop: Shop, partner: Org) -> None:
    """Every stream that was opened before is closed in that moment; a browser opens its own again, and is asked anew."""
    shop.show(services, PartnerGroups(everybody=True))
    with unit_of_work(services.db, SYSTEM) as uow:
        org = make_org(uow)
    link_id = linked(services, shop, org, shop.tiers[0])
    path = f"/v1/live-sessions/{shop.session.id}"

    def watch(address: str, cookies: Any, began: list[str]) -> list[str]:
        with httpx.stream("GET", f"{address}{path}/stream", cookies=cookies, timeout=30) as stream:
            began.extend(line for line in stream.iter_lines() if line.startswith("event:"))
        return began

    clients = [browser(services, one.email) for one in (org, partner)]
    assert [client.get(path).json()["items"][0]["on_sale"] for client in clients] == [True, True]
    with serving(services) as address, ThreadPoolExecutor(2) as pool:
        heard: list[list[str]] = [[], []]
        rooms = [
            pool.submit(watch, address, dict(client.cookies), began)
            for client, began in zip(clients, heard, strict=True)
        ]
        while not all(heard):
            assert not any(room.done() for room in rooms)
            time.sleep(0.01)
        transact(services.db, shop.seller.owner, lambda uow: end_partner(uow, link_id).id)
        for room in rooms:
            assert set(room.result(timeout=30)) == {"event: live", "event: questions"}
    assert [client.get(path).status_code for client in clients] == [404, 200]
    with unit_of_work(services.db, shop.seller.owner) as uow:
        end_session(uow, shop.session.id)
