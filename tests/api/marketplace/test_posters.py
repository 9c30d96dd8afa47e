"""Posters and the sheets they are on: a camera opens the link that its maker has, and nothing hidden is ever on one."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import pypdf
import pytest
import zxingcpp
from PIL import Image
from sqlalchemy import update

from api.context import Services
from kernel.db.uow import unit_of_work
from kernel.principal import SYSTEM
from marketplace.catalog.models import Listing
from marketplace.publishing.change_visibility import ChangeVisibility, change_visibility
from marketplace.publishing.show_listing import ShowListing, show_listing
from marketplace.relations.partner_groups import PartnerGroups
from tests.api.marketplace.test_visibility import browser
from tests.factories_marketplace import Org, acting, make_org, make_plans, make_published_video, make_seller

PAGE = {"Accept": "text/html", "Accept-Language": "en"}
RED = (200, 30, 30)


@dataclass(frozen=True)
class Shop:
    """A seller with a product and a video that has a red cover."""

    seller: Org
    listing_id: UUID
    video_id: UUID
    channel_id: UUID


@pytest.fixture(scope="module")
def shop(services: Services) -> Shop:
    with unit_of_work(services.db, SYSTEM) as uow:
        seller = make_seller(uow)
        plan = make_plans(uow, seller)[0]
        video, _ = make_published_video(uow, seller, plan)
        cover = io.BytesIO()
        Image.new("RGB", (1280, 720), RED).save(cover, format="JPEG")
        services.storage.put_bytes(str(video.cover_key), cover.getvalue())
        return Shop(seller, plan.listing_id, video.id, video.channel_id)


def of(shop: Shop) -> dict[str, str]:
    return {
        f"/v1/videos/{shop.video_id}/poster": f"/v/{shop.video_id}",
        f"/v1/listings/{shop.listing_id}/poster": f"/products/{shop.listing_id}",
        f"/v1/channels/{shop.channel_id}/poster": f"/channels/{shop.channel_id}",
    }


def scanned(content: bytes) -> list[str]:
    return [one.text for one in zxingcpp.read_barcodes(Image.open(io.BytesIO(content)).convert("RGB"))]


def test_anybody_has_posters_of_what_everybody_sees(services: Services, shop: Shop) -> None:
    with browser(services) as visitor:
        for address, opens in of(shop).items():
            for language in ("zh-CN", "en"):
                picture = visitor.get(address, params={"language": language})
                assert (picture.status_code, picture.headers["content-type"]) == (200, "image/png"), picture.text
                assert scanned(picture.content) == [services.settings.public_url.rstrip("/") + opens]
            paper = visitor.get(address, params={"file_type": "pdf"})
            assert (paper.status_code, paper.headers["content-type"]) == (200, "application/pdf")
            assert len(pypdf.PdfReader(io.BytesIO(paper.content)).pages) == 1
            assert visitor.get(address, params={"file_type": "gif"}).status_code == 400
        video = visitor.get(f"/v1/videos/{shop.video_id}/poster")
        shown = Image.open(io.BytesIO(video.content)).convert("RGB").getpixel((620, 450))
        assert isinstance(shown, tuple)
        assert max(abs(one - other) for one, other in zip(shown, RED, strict=True)) < 8, "its cover is on it"


def test_the_code_is_of_whoever_has_a_link(services: Services, shop: Shop) -> None:
    with unit_of_work(services.db, SYSTEM) as uow:
        org = make_org(uow)
    for poster, opens in of(shop).items():
        with browser(services, org.email) as member:
            assert "share=" not in scanned(member.get(poster).content)[0], "no link was asked for yet"
            code = member.post(f"{poster.removesuffix('/poster')}/share").json()["code"]
            own = f"{services.settings.public_url.rstrip('/')}{opens}?share={code}"
            assert scanned(member.get(poster).content) == [own]
            sheet = member.get(f"{opens}/share", headers=PAGE)
            assert sheet.status_code == 200
            assert f"{poster}?file_type=pdf" in sheet.text
            assert f'value="{own}"' in sheet.text
        with browser(services) as visitor:
            assert "share=" not in scanned(visitor.get(poster).content)[0]


def test_sheets_of_products_and_channels(services: Services, shop: Shop) -> None:
    with browser(services) as visitor:
        for path in (f"/products/{shop.listing_id}", f"/channels/{shop.channel_id}"):
            page = visitor.get(path, headers=PAGE)
            assert f'href="{path}/share"' in page.text
            sheet = visitor.get(f"{path}/share", headers=PAGE)
            assert sheet.status_code == 200
            assert f'value="{services.settings.public_url}{path}"' in sheet.text
            assert "/poster?file_type=png" in sheet.text
            assert 'property="og:title"' in page.text


@pytest.mark.parametrize("visibility", ["partners", "internal"])
def test_nothing_hidden_is_on_a_poster(services: Services, shop: Shop, visibility: Any) -> None:
    with unit_of_work(services.db, SYSTEM) as uow, acting(uow, shop.seller.owner):
        groups = PartnerGroups(everybody=True)
        change_visibility(uow, ChangeVisibility(shop.video_id, visibility, groups=groups))
        show_listing(uow, ShowListing(shop.listing_id, "partners", groups))
    posters = [f"/v1/videos/{shop.video_id}/poster", f"/v1/listings/{shop.listing_id}/poster"]
    try:
        with browser(services) as visitor, browser(services, shop.seller.email) as owner:
            assert [visitor.get(one).status_code for one in posters] == [404, 404]
            refused = [owner.get(one) for one in posters]
            assert {(one.status_code, one.json()["code"]) for one in refused} == {(409, "poster_for_public_only")}
            channel = visitor.get(f"/v1/channels/{shop.channel_id}/poster")
            shown = Image.open(io.BytesIO(channel.content)).convert("RGB").getpixel((620, 450))
            assert shown != RED, "a channel's poster has no cover of what not everybody may watch"
            for path in (f"/v/{shop.video_id}", f"/products/{shop.listing_id}"):
                own = owner.get(path, headers=PAGE)
                assert own.status_code == 200
                assert "og:title" not in own.text
                assert "/poster" not in owner.get(f"{path}/share", headers=PAGE).text
    finally:
        _open_again(services, shop)


def test_what_is_paused_has_no_poster(services: Services, shop: Shop) -> None:
    with unit_of_work(services.db, SYSTEM) as uow:
        uow.session.execute(update(Listing).where(Listing.id == shop.listing_id).values(state="paused"))
    try:
        with browser(services) as visitor, browser(services, shop.seller.email) as owner:
            poster = f"/v1/listings/{shop.listing_id}/poster"
            assert visitor.get(poster).status_code in {404, 409}
            assert owner.get(poster).status_code == 409
            assert "og:title" not in owner.get(f"/products/{shop.listing_id}", headers=PAGE).text
    finally:
        with unit_of_work(services.db, SYSTEM) as uow:
            uow.session.execute(update(Listing).where(Listing.id == shop.listing_id).values(state="published"))


def _open_again(services: Services, shop: Shop) -> None:
    with unit_of_work(services.db, SYSTEM) as uow, acting(uow, shop.seller.owner):
        change_visibility(uow, ChangeVisibility(shop.video_id, "public"))
        show_listing(uow, ShowListing(shop.listing_id, "public"))
