"""What a product comes with besides words: pictures and terms, written in the editor, published with their version."""

from __future__ import annotations

import asyncio
import io
import re
from threading import current_thread
from typing import Any
from uuid import UUID

import pytest
from PIL import Image
from sqlalchemy import select

from api.v1 import listing_images
from kernel.db.uow import unit_of_work
from kernel.principal import SYSTEM
from marketplace.access.authenticate import csrf_of
from marketplace.catalog.edit_draft import begin_version
from marketplace.catalog.edit_images import MAX_IMAGES, image_key
from marketplace.catalog.edit_terms import MAX_TEXT
from marketplace.catalog.models import Listing, ListingVersion, Plan
from marketplace.catalog.prepare_image import prepare_image
from marketplace.catalog.review_listing import ReviewListing, review_listing
from marketplace.catalog.submit_listing import submit_listing
from tests.api.pages.dashboards.conftest import Dashboards, Visitor, text_of
from tests.factories_marketplace import OPERATOR_PRINCIPAL, acting, make_plans, make_seller, per_seat_plan, words
from tests.loop_stage import Stage
from tests.pictures import SECRET, picture

PDF = b"%PDF-1.7\n1 0 obj\n<< /Type /Catalog >>\nendobj\n%%EOF\n"
LOCKED = PDF.replace(b"/Catalog", b"/Catalog /Encrypt 2 0 R")


@pytest.fixture
def draft(dashboards: Dashboards) -> UUID:
    """A listing of the stage's seller that is on sale, with a draft of its next version."""
    stage = dashboards.stage
    with unit_of_work(stage.services.db, SYSTEM) as uow:
        (plan,) = make_plans(uow, stage.seller, per_seat_plan(connector_id=stage.connector), text=words())
        with acting(uow, stage.seller.owner):
            begin_version(uow, plan.listing_id)
        return plan.listing_id


def latest(stage: Stage, listing_id: UUID) -> ListingVersion:
    versions = select(ListingVersion).where(ListingVersion.listing_id == listing_id)
    return stage.rows(versions.order_by(ListingVersion.number.desc()))[0]  # type: ignore[no-any-return]


def publish(stage: Stage, listing_id: UUID) -> None:
    with unit_of_work(stage.services.db, SYSTEM) as uow:
        with acting(uow, stage.seller.owner):
            submit_listing(uow, listing_id)
        with acting(uow, OPERATOR_PRINCIPAL):
            review_listing(uow, ReviewListing(listing_id, approve=True))


def send(visitor: Visitor, listing_id: UUID, content: bytes, name: str = "x.jpg") -> Any:
    return visitor.post(f"/seller/listings/{listing_id}/images", {"file": (name, content, "image/jpeg")})


def shown(visitor: Visitor, listing_id: UUID, image_id: str, width: int = 480) -> Any:
    return visitor.get(f"/v1/listings/{listing_id}/image?v={image_id}&w={width}")


class TestPictures:
    def test_sent_kept_small_and_shown_to_everybody_once_published(self, dashboards: Dashboards, draft: UUID) -> None:
        stage = dashboards.stage
        answer = send(dashboards.seller, draft, picture((2000, 1500)))
        assert answer.status_code == 303, answer.text
        (stored,) = latest(stage, draft).images
        mine = shown(dashboards.seller, draft, stored["id"])
        assert (mine.status_code, mine.headers["content-type"]) == (200, "image/webp")
        assert Image.open(io.BytesIO(mine.content)).size == (480, 360)
        assert SECRET.encode() not in mine.content
        assert "private" in mine.headers["cache-control"]
        assert stored["id"] in dashboards.seller.get(f"/seller/listings/{draft}/edit").text
        for other in (dashboards.nobody, dashboards.buyer, dashboards.promoter):
            assert shown(other, draft, stored["id"]).status_code == 404
        assert stored["id"] in dashboards.seller.get(f"/seller/listings/{draft}/preview").text
        publish(stage, draft)
        public = shown(dashboards.nobody, draft, stored["id"], 1600)
        assert (public.status_code, "public" in public.headers["cache-control"]) == (200, True)
        again = dashboards.nobody.client.get(
            f"/v1/listings/{draft}/image?v={stored['id']}&w=1600", headers={"If-None-Match": public.headers["etag"]}
        )
        assert again.status_code == 304
        for path in (f"/products/{draft}", "/products"):
            assert stored["id"] in dashboards.nobody.get(path).text, path

    def test_twice_is_once_and_the_first_stands_for_it(self, dashboards: Dashboards, draft: UUID) -> None:
        one, two = picture(), picture(colour="navy")
        for content in (one, two, one):
            assert send(dashboards.seller, draft, content).status_code == 303
        first, second = (image["id"] for image in latest(dashboards.stage, draft).images)
        fields = {"alt": "看板", "alt_en": "The <b>board</b>", "action": "first"}
        assert name_picture(dashboards.seller, draft, second, **fields).status_code == 303
        images = latest(dashboards.stage, draft).images
        assert [image["id"] for image in images] == [second, first]
        html = dashboards.seller.get(f"/seller/listings/{draft}/preview").text
        assert "The &lt;b&gt;board&lt;/b&gt;" in html

    def test_taken_out_its_bytes_go_unless_it_was_published(self, dashboards: Dashboards, draft: UUID) -> None:
        stage = dashboards.stage
        send(dashboards.seller, draft, picture(colour="olive"))
        kept = latest(stage, draft).images[0]["id"]
        publish(stage, draft)
        with unit_of_work(stage.services.db, stage.seller.owner) as uow:
            begin_version(uow, draft)
        assert [image["id"] for image in latest(stage, draft).images] == [kept], "the next version begins with it"
        send(dashboards.seller, draft, picture(colour="maroon"))
        other = latest(stage, draft).images[1]["id"]
        for image_id in (kept, other):
            for _ in range(2):
                assert name_picture(dashboards.seller, draft, image_id, action="remove").status_code == 303
        assert latest(stage, draft).images == []
        assert shown(dashboards.nobody, draft, kept).status_code == 200
        assert image_key(draft, other, 480) not in list(stage.services.storage.keys(f"listings/{draft}"))

    @pytest.mark.parametrize("content", [b"", b"%PDF-1.7", picture((100, 100)), picture()[:300]])
    def test_what_is_no_picture_is_told_in_the_editor(
        self, dashboards: Dashboards, draft: UUID, content: bytes
    ) -> None:
        answer = send(dashboards.seller, draft, content, "../../etc/passwd")
        assert answer.status_code in {400, 422}, answer.text
        assert latest(dashboards.stage, draft).images == []

    def test_it_is_decoded_on_a_thread_of_the_handlers(
        self, dashboards: Dashboards, draft: UUID, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        threads: list[str] = []

        def prepared(content: bytes) -> Any:
            threads.append(current_thread().name)
            with pytest.raises(RuntimeError):
                asyncio.get_running_loop()
            return prepare_image(content)

        monkeypatch.setattr(listing_images, "prepare_image", prepared)
        assert send(dashboards.seller, draft, picture()).status_code == 303
        assert [name.partition("_")[0] for name in threads] == ["handler"]

    def test_there_are_not_too_many(self, dashboards: Dashboards, draft: UUID) -> None:
        for n in range(MAX_IMAGES):
            assert send(dashboards.seller, draft, picture(colour=f"hsl({n * 40}, 80%, 40%)")).status_code == 303
        refused = send(dashboards.seller, draft, picture(colour="gold"))
        assert refused.status_code == 422
        assert f"at most {MAX_IMAGES}" in text_of(refused)

    def test_what_is_published_is_not_changed(self, dashboards: Dashboards) -> None:
        stage = dashboards.stage
        listing_id = stage.get(Plan, stage.seat_plan).listing_id
        assert send(dashboards.seller, listing_id, picture()).status_code == 409

    def test_the_reviewer_sees_which_pictures_are_new(self, dashboards: Dashboards, draft: UUID) -> None:
        send(dashboards.seller, draft, picture())
        image_id = latest(dashboards.stage, draft).images[0]["id"]
        name_picture(dashboards.seller, draft, image_id, alt_en="A quiet board", action="save")
        with unit_of_work(dashboards.stage.services.db, dashboards.stage.seller.owner) as uow:
            submit_listing(uow, draft)
        page = dashboards.operator.get(f"/operator/reviews/{draft}")
        assert page.text.count("A quiet board") >= 2, "in the comparison, and as it will be shown"


def base_of(visitor: Visitor, listing_id: UUID, act: str, image: str = "") -> str:
    """What a form of the editor, as it stands now, names as what it began from."""
    html = visitor.get(f"/seller/listings/{listing_id}/edit").text
    for form in re.findall(r"<form[^>]*>.*?</form>", html, re.DOTALL):
        if f'action="/seller/listings/{listing_id}/{act}"' in form and (not image or image in form):
            return re.findall(r'name="base" value="([^"]*)"', form)[0]  # type: ignore[no-any-return]
    return ""


def name_picture(visitor: Visitor, listing_id: UUID, image: str, **fields: str) -> Any:
    base = base_of(visitor, listing_id, "images/change", image)
    return visitor.post(f"/seller/listings/{listing_id}/images/change", **({"image": image, "base": base} | fields))


def write(visitor: Visitor, listing_id: UUID, **fields: str) -> Any:
    body = {"version": "2026-11", "text": "按**年**付费。", "text_en": "", "action": "save"}
    body["base"] = base_of(visitor, listing_id, "terms")
    return visitor.post(f"/seller/listings/{listing_id}/terms", **(body | fields))


def send_pdf(visitor: Visitor, listing_id: UUID, content: bytes, version: str = "", **fields: str) -> Any:
    files = {"document": ("合同.pdf", content, "application/pdf")}
    body = {"version": version, "base": base_of(visitor, listing_id, "terms")} | fields
    return visitor.post(f"/seller/listings/{listing_id}/terms", files, **body)


class TestTerms:
    def test_shown_before_a_purchase_and_on_the_order_in_the_version_that_was_bought(
        self, dashboards: Dashboards, draft: UUID
    ) -> None:
        stage = dashboards.stage
        assert write(dashboards.seller, draft).status_code == 303
        address = f"/products/{draft}/terms"
        assert dashboards.nobody.get(address).status_code == 404
        publish(stage, draft)
        page = dashboards.nobody.get(address)
        assert "<strong>年</strong>" in page.text
        assert "2026-11" in dashboards.nobody.get(f"/products/{draft}").text
        sheet = dashboards.buyer.get(f"/products/{draft}/buy")
        assert f'href="{address}"' in sheet.text
        plan = stage.rows(select(Plan).where(Plan.listing_id == draft, Plan.state == "active"))[0]
        order_id = stage.buy(plan.id)
        stage.run()
        bought = latest(stage, draft).id
        with unit_of_work(stage.services.db, stage.seller.owner) as uow:
            begin_version(uow, draft)
        assert write(dashboards.seller, draft, version="2027-01", text="按月付费。").status_code == 303
        publish(stage, draft)
        order = dashboards.buyer.get(f"/orders/{order_id}").text
        assert f"{address}?version={bought}" in order
        assert "2026-11" in order
        then = dashboards.buyer.get(f"{address}?version={bought}")
        assert "<strong>年</strong>" in then.text
        assert "按月付费" in dashboards.nobody.get(address).text

    def test_a_document_is_downloaded_and_runs_nothing(self, dashboards: Dashboards, draft: UUID) -> None:
        assert send_pdf(dashboards.seller, draft, PDF, "2026-11").status_code == 303
        publish(dashboards.stage, draft)
        answer = dashboards.nobody.get(f"/v1/listings/{draft}/terms/pdf")
        assert (answer.status_code, answer.content) == (200, PDF)
        assert answer.headers["content-disposition"].startswith("attachment")
        assert "sandbox" in answer.headers["content-security-policy"]
        assert "合同.pdf" in dashboards.nobody.get(f"/products/{draft}/terms").text

    @pytest.mark.parametrize("content", [b"", picture(), LOCKED, PDF[:-10], b"<html>"])
    def test_what_is_no_document_is_refused(self, dashboards: Dashboards, draft: UUID, content: bytes) -> None:
        assert send_pdf(dashboards.seller, draft, content).status_code in {400, 422}
        assert latest(dashboards.stage, draft).terms is None

    def test_words_without_a_version_stay_in_the_form_and_none_at_all_are_no_terms(
        self, dashboards: Dashboards, draft: UUID
    ) -> None:
        refused = write(dashboards.seller, draft, version="", text="Kept <b>here")
        assert refused.status_code == 422
        assert "Kept &lt;b&gt;here" in refused.text
        assert write(dashboards.seller, draft, version="", text="").status_code == 303
        assert latest(dashboards.stage, draft).terms is None
        write(dashboards.seller, draft)
        assert write(dashboards.seller, draft, action="remove").status_code == 303
        assert latest(dashboards.stage, draft).terms is None

    def test_another_seller_reaches_neither(self, dashboards: Dashboards, draft: UUID) -> None:
        _, other = dashboards.new_organization(seller=True)
        headers = {"Cookie": f"__Host-session={other.cookie}", "X-CSRF-Token": csrf_of(other.cookie)}
        asked = other.client.put(f"/v1/listings/{draft}/terms", json={"version": "x", "text": "x"}, headers=headers)
        assert asked.status_code == 404
        assert send(other, draft, picture()).status_code == 404
        with unit_of_work(dashboards.stage.services.db, SYSTEM) as uow:
            assert uow.session.get_one(Listing, draft).current_version_id is not None
            assert make_seller(uow).id != dashboards.stage.seller.id


def ask(visitor: Visitor, method: str, path: str, **json: Any) -> Any:
    headers = {"Cookie": f"__Host-session={visitor.cookie}", "X-CSRF-Token": csrf_of(visitor.cookie)}
    return visitor.client.request(method, path, json=json or None, headers=headers)


class TestTwoWindows:
    def test_the_words_of_a_picture_are_not_overwritten_unseen(self, dashboards: Dashboards, draft: UUID) -> None:
        send(dashboards.seller, draft, picture())
        image_id = latest(dashboards.stage, draft).images[0]["id"]
        opened = base_of(dashboards.seller, draft, "images/change", image_id)
        assert name_picture(dashboards.seller, draft, image_id, alt="一号窗口", action="save").status_code == 303
        for action in ("save", "first"):
            late = name_picture(dashboards.seller, draft, image_id, base=opened, alt="二号窗口", action=action)
            assert late.status_code == 409
            assert {"一号窗口", "二号窗口"} <= set(re.findall(r"[一二]号窗口", late.text)), "both are shown"
        assert name_picture(dashboards.seller, draft, image_id, base=opened, action="remove").status_code == 409
        assert latest(dashboards.stage, draft).images[0]["alt"] == "一号窗口"
        seen = re.findall(r'name="image" value="[^"]*"><input type="hidden" name="base" value="([^"]*)"', late.text)[0]
        assert (
            name_picture(dashboards.seller, draft, image_id, base=seen, alt="二号窗口", action="save").status_code
            == 303
        )

    def test_the_same_words_twice_are_one_change(self, dashboards: Dashboards, draft: UUID) -> None:
        send(dashboards.seller, draft, picture())
        image_id = latest(dashboards.stage, draft).images[0]["id"]
        base = base_of(dashboards.seller, draft, "images/change", image_id)
        for _ in range(2):
            assert name_picture(dashboards.seller, draft, image_id, base=base, alt="看板").status_code == 303
        base = base_of(dashboards.seller, draft, "terms")
        for _ in range(2):
            assert write(dashboards.seller, draft, base=base).status_code == 303

    def test_terms_are_not_overwritten_unseen(self, dashboards: Dashboards, draft: UUID) -> None:
        opened = base_of(dashboards.seller, draft, "terms")
        assert write(dashboards.seller, draft, text="甲方的话").status_code == 303
        late = write(dashboards.seller, draft, base=opened, text="乙方的话")
        assert late.status_code == 409
        assert {"甲方的话", "乙方的话"} <= set(re.findall(r"[甲乙]方的话", late.text))
        assert send_pdf(dashboards.seller, draft, PDF, "x", base=opened).status_code == 409
        assert write(dashboards.seller, draft, base=opened, action="remove").status_code == 409
        assert latest(dashboards.stage, draft).terms["text"] == "甲方的话"  # type: ignore[index]

    def test_nor_by_a_program_that_says_what_it_read(self, dashboards: Dashboards, draft: UUID) -> None:
        send(dashboards.seller, draft, picture())
        before = ask(dashboards.seller, "GET", f"/v1/seller/listings/{draft}").json()
        image, terms = before["images"][0], f"/v1/listings/{draft}/terms"
        words = f"/v1/listings/{draft}/image?v={image['id']}"
        assert ask(dashboards.seller, "PUT", words, alt="一", base=image["base"]).status_code == 204
        assert (
            ask(dashboards.seller, "PUT", terms, version="1", text="一", base=before["terms_base"]).status_code == 204
        )
        for answer in (
            ask(dashboards.seller, "PUT", words, alt="二", base=image["base"]),
            ask(dashboards.seller, "DELETE", f"{words}&base={image['base']}"),
            ask(dashboards.seller, "PUT", terms, version="1", text="二", base=before["terms_base"]),
            ask(dashboards.seller, "DELETE", f"{terms}?base={before['terms_base']}"),
        ):
            assert (answer.status_code, answer.json()["code"]) == (409, "draft_changed")
        now = ask(dashboards.seller, "GET", f"/v1/seller/listings/{draft}").json()
        read = ask(dashboards.seller, "GET", f"{terms}?version_id={now['version_id']}").json()
        assert read["base"] == now["terms_base"] != before["terms_base"]
        assert ask(dashboards.seller, "PUT", words, alt="二", base=now["images"][0]["base"]).status_code == 204
        assert ask(dashboards.seller, "DELETE", f"{terms}?base={read['base']}").status_code == 204


def test_a_refused_document_loses_nothing_that_was_typed(dashboards: Dashboards, draft: UUID) -> None:
    refused = send_pdf(dashboards.seller, draft, picture(), "春季版", text="按季**付费**。", text_en="By the quarter.")
    assert refused.status_code == 422
    for typed in ("春季版", "按季**付费**。", "By the quarter."):
        assert typed in refused.text, typed
    assert send_pdf(dashboards.seller, draft, PDF, "春季版", text="按季**付费**。").status_code == 303
    terms = latest(dashboards.stage, draft).terms
    assert terms is not None
    assert (terms["version"], terms["text"], terms["pdf_name"]) == ("春季版", "按季**付费**。", "合同.pdf")


def test_terms_are_as_long_as_the_contract_says_and_what_is_longer_is_kept_as_typed(
    dashboards: Dashboards, draft: UUID
) -> None:
    assert "maxlength" not in next(
        tag for tag in re.findall(r"<textarea[^>]*>", dashboards.seller.get(f"/seller/listings/{draft}/edit").text)
        if 'name="text"' in tag
    )  # fmt: skip
    whole = "甲方按年付费。" * 5_700
    assert write(dashboards.seller, draft, text=whole).status_code == 303
    assert latest(dashboards.stage, draft).terms["text"] == whole  # type: ignore[index]
    refused = write(dashboards.seller, draft, text=whole * 2, text_en="By the year.", version="长版")
    assert refused.status_code == 422
    assert f"{MAX_TEXT:,}" in refused.text or str(MAX_TEXT) in refused.text
    for typed in (whole * 2, "By the year.", "长版"):
        assert typed in refused.text
    assert latest(dashboards.stage, draft).terms["text"] == whole  # type: ignore[index]
