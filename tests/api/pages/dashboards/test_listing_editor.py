"""From a draft to a sale through pages: written, kept, returned with reasons, mended, approved, taken off sale."""

from __future__ import annotations

import re
from dataclasses import replace
from html import unescape
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import func, select

from kernel.db.uow import unit_of_work
from kernel.ids import uuid7
from kernel.principal import SYSTEM
from kernel.text import render_markdown
from marketplace.access.authenticate import csrf_of
from marketplace.catalog.draft_listing import DraftListing, draft_listing
from marketplace.catalog.models import Listing, ListingVersion, Plan
from marketplace.catalog.review_desk import CHECKLIST
from marketplace.notifications.models import Notification
from orders.notifications.notify_of_events import NOTIFY
from tests.api.pages.dashboards.conftest import Dashboards, Visitor, text_of
from tests.factories_marketplace import acting, make_plans, make_seller, per_seat_plan, words
from tests.statement_counter import counting

TEXT = {
    "title": "值班排班",
    "title_en": "",
    "summary": "一屏排完一个月的班",
    "summary_en": "",
    "description": "## 内容\n\n- **20** 席位\n<script>alert(1)</script>",
    "description_en": "",
    "tax_category": "service",
    "refund_window_days": "7",
    "data_kept_days": "30",
    "kind": "saas",
    "category": "hr",
}
CHECKS = ("says_what", "true", "languages", "price", "rights", "contact")
TICKED = {f"check_{one}": "yes" for one in CHECKS}


def hidden(html: str, action: str, name: str, code: str = "") -> str:
    """The value of a hidden field of the form that posts to `action`; of a plan's, the one with this code."""
    for form in re.findall(r"<form[^>]*>.*?</form>", html, re.DOTALL):
        if f'action="{action}"' in form and (not code or f'name="code" value="{code}"' in form):
            found = re.search(rf'name="{name}" value="([^"]*)"', form)
            if found:
                return unescape(found.group(1))
    raise AssertionError(f"no {name} in a form of {action}")


def began(visitor: Visitor, **fields: str) -> str:
    html = visitor.get("/seller/listings/new").text
    body = {"kind": "saas", "category": "hr", "title": "值班排班", "key": hidden(html, "/seller/listings/new", "key")}
    answer = visitor.post("/seller/listings/new", **(body | fields))
    assert answer.status_code == 303, answer.text
    return str(answer.headers["location"]).removesuffix("/edit")


def save_text(visitor: Visitor, path: str, **fields: str) -> Any:
    base = hidden(visitor.get(f"{path}/edit").text, f"{path}/text", "base")
    return visitor.post(f"{path}/text", **({"base": base} | TEXT | fields))


def connector(dashboards: Dashboards) -> str:
    return str(dashboards.stage.get(Plan, dashboards.stage.seat_plan).connector_id)


def plan_fields(dashboards: Dashboards, **fields: str) -> dict[str, str]:
    return {
        "base": "",
        "code": "standard",
        "name": "标准版",
        "name_en": "Standard",
        "price": "¥1,990.50",
        "currency": "CNY",
        "price_unit": "seat/year",
        "tax_included": "yes",
        "min_seats": "5",
        "max_seats": "500",
        "included_seats": "5",
        "deadline": "2",
        "deadline_unit": "hour",
        "connector_id": connector(dashboards),
        "feature_0_key": "",
        "feature_0_zh": "存储",
        "feature_0_en": "Storage (GB)",
        "feature_0_value": "500",
        "feature_0_unit": "GB",
        **fields,
    }


def written(dashboards: Dashboards) -> str:
    """A draft with everything the automatic checks ask for; its address."""
    path = began(dashboards.seller)
    assert save_text(dashboards.seller, path).status_code == 303
    assert dashboards.seller.post(f"{path}/plans", **plan_fields(dashboards)).status_code == 303
    return path


def listing_of(dashboards: Dashboards, path: str) -> Listing:
    return dashboards.stage.get(Listing, UUID(path.rsplit("/", 1)[1]))


def decided(dashboards: Dashboards, path: str, **fields: str) -> Any:
    desk = f"/operator/reviews/{path.rsplit('/', 1)[1]}"
    seen = hidden(dashboards.operator.get(desk).text, desk, "seen")
    return dashboards.operator.post(desk, **({"seen": seen} | fields))


def test_the_whole_way(dashboards: Dashboards) -> None:
    seller = dashboards.seller
    path = written(dashboards)
    edit = seller.get(f"{path}/edit")
    assert "<script>alert" not in edit.text
    assert "Storage (GB)" in edit.text
    preview = text_of(seller.get(f"{path}/preview"))
    assert "¥1,990.50" in preview
    assert "¥9,952.50" in preview  # five seats
    assert seller.post(f"{path}/submit").status_code == 303
    assert seller.post(f"{path}/submit").status_code == 303  # pressed twice
    assert listing_of(dashboards, path).state == "in_review"
    assert "In review for" in text_of(seller.get(f"{path}/edit"))

    listing_id = path.rsplit("/", 1)[1]
    assert f"/operator/reviews/{listing_id}" in dashboards.operator.get("/operator/reviews").text
    assert f"/operator/reviews/{listing_id}" in dashboards.operator.get("/operator").text
    desk = dashboards.operator.get(f"/operator/reviews/{listing_id}").text
    number = next(n for n in range(60) if f'name="field_{n}" value="summary"' in desk)
    returned = decided(
        dashboards, path, action="reject", **{f"field_{number}": "summary", f"code_{number}": "review_unproven"}
    )
    assert returned.status_code == 303
    shown = seller.get(f"{path}/edit")
    assert "It claims to be the best or the first without proof." in text_of(shown)
    assert re.search(r'name="summary"[^>]*aria-invalid="true"', shown.text)
    assert save_text(seller, path, summary="改过的简介").status_code == 303
    assert "without proof" in text_of(seller.get(f"{path}/edit"))
    assert seller.post(f"{path}/submit").status_code == 303
    assert decided(dashboards, path, action="approve", **TICKED).status_code == 303
    listing = listing_of(dashboards, path)
    assert listing.state == "published"
    assert listing.current_version_id is not None
    version = dashboards.stage.get(ListingVersion, listing.current_version_id)
    assert (version.summary, version.title_en, version.review_reasons) == ("改过的简介", "", None)


def test_the_next_version_shows_what_it_changes(dashboards: Dashboards) -> None:
    seller = dashboards.seller
    path = written(dashboards)
    seller.post(f"{path}/submit")
    decided(dashboards, path, action="approve", **TICKED)
    assert seller.post(f"{path}/versions").status_code == 303
    assert seller.post(f"{path}/versions").status_code == 303
    assert save_text(seller, path, summary="一屏排完两个月的班").status_code == 303
    base = hidden(seller.get(f"{path}/edit").text, f"{path}/plans", "base", "standard")
    plan = plan_fields(dashboards, base=base, price="2000", feature_0_key="storage_gb")
    assert seller.post(f"{path}/plans", **plan).status_code == 303
    preview = seller.get(f"{path}/preview").text
    assert re.search(r"<del>.*?一.*?</del>.*<ins>.*?两.*?</ins>", preview)
    assert "¥2,000" in preview
    assert seller.post(f"{path}/submit").status_code == 303
    desk = dashboards.operator.get(f"/operator/reviews/{path.rsplit('/', 1)[1]}").text
    assert "What changes against version 1" in desk


def test_a_price_with_its_tax_is_whole_or_net_where_none_applies(dashboards: Dashboards) -> None:
    seller, path = dashboards.seller, written(dashboards)
    listing = UUID(path.rsplit("/", 1)[1])

    def says() -> tuple[bool, str]:
        (plan,) = dashboards.stage.rows(select(Plan).where(Plan.listing_id == listing))
        return plan.tax_included, plan.untaxed_price

    assert says() == (True, "whole")
    for chosen, stored in (("net", (True, "net")), ("no", (False, "whole")), ("yes", (True, "whole"))):
        base = hidden(seller.get(f"{path}/edit").text, f"{path}/plans", "base", "standard")
        fields = plan_fields(dashboards, base=base, tax_included=chosen)
        assert seller.post(f"{path}/plans", **fields).status_code == 303
        assert says() == stored
        assert f'<option value="{chosen}" selected' in seller.get(f"{path}/edit").text or chosen == "yes"


def test_two_windows_lose_no_text(dashboards: Dashboards) -> None:
    seller = dashboards.seller
    path = began(seller)
    base = hidden(seller.get(f"{path}/edit").text, f"{path}/text", "base")
    assert seller.post(f"{path}/text", **(TEXT | {"base": base, "title": "甲窗口"})).status_code == 303
    second = seller.post(f"{path}/text", **(TEXT | {"base": base, "title": "乙窗口"}))
    assert second.status_code == 409
    assert "甲窗口" in second.text
    assert re.search(r'name="title" value="乙窗口"', second.text)
    again = hidden(second.text, f"{path}/text", "base")
    assert seller.post(f"{path}/text", **(TEXT | {"base": again, "title": "乙窗口"})).status_code == 303
    assert "乙窗口" in seller.get(f"{path}/edit").text


def test_a_form_sent_twice_makes_one(dashboards: Dashboards) -> None:
    key = str(uuid7())
    first, second = began(dashboards.seller, key=key), began(dashboards.seller, key=key)
    assert first == second
    for _ in range(2):
        assert dashboards.seller.post(f"{first}/plans", **plan_fields(dashboards)).status_code == 303
    listing_id = UUID(first.rsplit("/", 1)[1])
    (count,) = dashboards.stage.rows(select(func.count()).select_from(Plan).where(Plan.listing_id == listing_id))
    assert count == 1


@pytest.mark.parametrize(
    ("field", "value", "told"),
    [
        ("price", "much", "price"),
        ("currency", "XXX", "currency"),
        ("price_unit", "week", "price_unit"),
        ("min_seats", "900", "max_seats"),
        ("deadline", "0", "deadline"),
        ("included_seats", "x", "included_seats"),
    ],
)
def test_a_refused_plan_keeps_what_was_typed_and_says_where(
    dashboards: Dashboards, field: str, value: str, told: str
) -> None:
    path = began(dashboards.seller)
    answer = dashboards.seller.post(f"{path}/plans", **plan_fields(dashboards, **{field: value}))
    assert answer.status_code == 422
    assert 'value="标准版"' in answer.text
    assert re.search(rf'name="{told}"[^>]*aria-invalid="true"', answer.text)


def test_what_is_missing_is_said_before_and_at_the_submission(dashboards: Dashboards) -> None:
    path = began(dashboards.seller)
    shown = text_of(dashboards.seller.get(f"{path}/edit"))
    assert "One sentence in Chinese" in shown
    assert "The listing has no plan." in shown
    assert dashboards.seller.post(f"{path}/submit").status_code == 409
    assert listing_of(dashboards, path).state == "draft"


def test_approval_wants_every_point_and_the_text_that_was_read(dashboards: Dashboards) -> None:
    path = written(dashboards)
    dashboards.seller.post(f"{path}/submit")
    desk = f"/operator/reviews/{path.rsplit('/', 1)[1]}"
    seen = hidden(dashboards.operator.get(desk).text, desk, "seen")
    lacking = dashboards.operator.post(desk, seen=seen, action="approve", check_true="yes")
    assert lacking.status_code == 422
    assert re.search(r'name="check_true" value="yes" checked', lacking.text)
    assert dashboards.operator.post(desk, seen=seen, action="reject").status_code == 422
    assert dashboards.operator.post(desk, seen="0" * 24, action="approve", **TICKED).status_code == 409
    assert listing_of(dashboards, path).state == "in_review"
    assert dashboards.operator.post(desk, seen=seen, action="approve", **TICKED).status_code == 303
    assert dashboards.operator.post(desk, seen=seen, action="approve", **TICKED).status_code == 303
    assert dashboards.seller.get(desk).status_code == 403
    assert dashboards.seller.post(desk, seen=seen, action="approve", **TICKED).status_code == 403


def test_what_was_handed_in_and_approved_meanwhile_is_handed_in_again_in_vain(dashboards: Dashboards) -> None:
    path = written(dashboards)
    assert dashboards.seller.post(f"{path}/submit").status_code == 303
    assert decided(dashboards, path, action="approve", **TICKED).status_code == 303
    again = dashboards.seller.post(f"{path}/submit")
    assert (again.status_code, again.headers["location"]) == (303, f"{path}/edit")
    assert "notice=listing_submitted_before" in again.headers["set-cookie"]
    cookie = dashboards.seller.cookie
    headers = {"Cookie": f"__Host-session={cookie}", "X-CSRF-Token": csrf_of(cookie)}
    address = f"/v1/listings/{path.rsplit('/', 1)[1]}"
    program = dashboards.seller.client.post(f"{address}/submit", headers=headers)
    assert (program.status_code, program.json()["state"], program.json()["version_number"]) == (200, "published", 1)
    assert dashboards.seller.post(f"{path}/retire").status_code == 303
    over = dashboards.seller.client.post(f"{address}/submit", headers=headers)
    assert (over.status_code, over.json()["code"]) == (409, "listing_retired")


def test_who_decides_is_said_as_it_is_set(dashboards: Dashboards, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = dashboards.stage.services.settings
    path = written(dashboards)
    _, beginner = dashboards.new_organization(seller=True)
    for by_rule, there, absent in (
        (True, "The sandbox approves by rule", "A reviewer reads it next"),
        (False, "A reviewer reads it next", "The sandbox approves by rule"),
    ):
        monkeypatch.setattr(type(settings), "listings_reviewed_by_rule", by_rule)
        told = text_of(dashboards.seller.get(f"{path}/edit"))
        assert there in told
        assert absent not in told
        start = text_of(beginner.get("/seller/start"))
        assert ("then the platform reviews it" in start) == (not by_rule)


def test_a_refused_transition_speaks_of_states_in_words(dashboards: Dashboards) -> None:
    path = began(dashboards.seller)
    for language, said in (("en", "Draft → Retired"), ("zh-CN", "草稿 → 已下架")):
        visitor = replace(dashboards.seller, language=language)
        assert said in text_of(visitor.post(f"{path}/retire")), language
        headers = {"Cookie": f"__Host-session={visitor.cookie}", "X-CSRF-Token": csrf_of(visitor.cookie)}
        address = f"/v1/listings/{path.rsplit('/', 1)[1]}/retire"
        told = visitor.client.post(address, headers=headers | {"Accept-Language": language}).json()
        assert said in told["title"]
        assert (told["code"], told["params"]["source"]) == ("invalid_transition", "draft")


def test_it_is_looked_at_while_it_is_typed_and_nothing_is_saved(dashboards: Dashboards) -> None:
    path = began(dashboards.seller)
    base = hidden(dashboards.seller.get(f"{path}/edit").text, f"{path}/text", "base")
    typed = TEXT | {"title": "还没保存的名字", "description": "**粗**<script>alert(1)</script>"}
    looked = dashboards.seller.post(f"{path}/as-shown", base=base, **typed)
    assert looked.status_code == 200
    assert "<strong>粗</strong>" in looked.text
    assert "<script>alert(1)" not in looked.text
    for kept in ("还没保存的名字", "一屏排完一个月的班", "**粗**", "not saved yet"):
        assert kept in looked.text, kept
    assert hidden(looked.text, f"{path}/text", "base") == base
    terms = dashboards.seller.post(f"{path}/as-shown", base="x", version="草案", text="## 退款", text_en="")
    assert "草案" in terms.text
    assert re.search("<h[1-6]>退款</h", terms.text)
    version = dashboards.stage.rows(
        select(ListingVersion).where(ListingVersion.listing_id == listing_of(dashboards, path).id)
    )[0]
    assert (version.description, version.terms) == ("", None)
    _, stranger = dashboards.new_organization(seller=True)
    assert stranger.post(f"{path}/as-shown", base=base, **typed).status_code == 404


def test_a_fragment_is_cleaned_as_every_page_is(dashboards: Dashboards, monkeypatch: pytest.MonkeyPatch) -> None:
    shown = dashboards.seller.post(
        "/seller/markdown", text="**粗** <img src=x onerror=alert(1)> [x](javascript:alert(1))"
    )
    assert (shown.status_code, shown.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert shown.text == render_markdown("**粗** <img src=x onerror=alert(1)> [x](javascript:alert(1))")
    for said in ("<img", "<html", 'href="javascript'):
        assert said not in shown.text, said
    assert dashboards.seller.post("/seller/markdown", csrf="x", text="x").status_code == 403
    assert dashboards.buyer.post("/seller/markdown", text="x").status_code != 200
    with counting(monkeypatch) as counted:
        dashboards.seller.post("/seller/markdown", text="x")
    assert len(counted.statements) <= 2, counted.statements


def test_approval_over_the_api_wants_every_point_too(dashboards: Dashboards) -> None:
    path = written(dashboards)
    assert dashboards.seller.post(f"{path}/submit").status_code == 303
    address = f"/v1/operator/reviews/{path.rsplit('/', 1)[1]}"
    cookie = dashboards.operator.cookie
    headers = {"Cookie": f"__Host-session={cookie}", "X-CSRF-Token": csrf_of(cookie)}

    def decide(**body: Any) -> tuple[int, str]:
        answer = dashboards.operator.client.post(address, json={"approve": True} | body, headers=headers)
        return answer.status_code, answer.json().get("code", "") if answer.content else ""

    for ticked in ([], list(CHECKLIST[1:]), ["bananas"]):
        assert decide(checklist=ticked) == (422, "review_checklist_open")
    assert decide() == (422, "review_checklist_open")
    assert listing_of(dashboards, path).state == "in_review"
    assert decide(checklist=list(CHECKLIST)) == (204, "")
    assert listing_of(dashboards, path).state == "published"


def test_off_sale_says_first_what_happens(dashboards: Dashboards) -> None:
    stage = dashboards.stage
    with unit_of_work(stage.services.db, SYSTEM) as uow:
        listing_id = make_plans(uow, stage.seller)[0].listing_id
    desk, act = f"/operator/reviews/{listing_id}", f"/operator/listings/{listing_id}"
    assert "keep what they bought" in text_of(dashboards.operator.get(desk))
    assert dashboards.operator.post(f"{act}/suspend").status_code == 422
    for _ in range(2):
        assert dashboards.operator.post(f"{act}/suspend", reason="complaints").status_code == 303
    assert stage.get(Listing, listing_id).state == "suspended"
    desk_api = dashboards.operator.get(f"/v1/operator/reviews/{listing_id}").json()
    assert [(one["state"], one["reason"]) for one in desk_api["sale_changes"]] == [("suspended", "complaints")]
    assert desk_api["checklist"] == list(CHECKLIST)
    assert "review_other" in desk_api["reasons"]
    assert "complaints" in text_of(dashboards.operator.get(desk))
    assert "suspended this listing" in text_of(dashboards.seller.get(f"/seller/listings/{listing_id}/edit"))
    for _ in range(2):
        assert dashboards.operator.post(f"{act}/resume").status_code == 303
    assert stage.get(Listing, listing_id).state == "published"
    stage.tick(NOTIFY)
    told = stage.rows(select(Notification).where(Notification.path == f"/seller/listings/{listing_id}"))
    assert {one.kind for one in told} >= {"listing_resumed", "listing_suspended"}
    assert dashboards.seller.post(f"{act}/suspend", reason="x").status_code == 403
    assert "keep what they bought" in text_of(dashboards.seller.get(f"/seller/listings/{listing_id}/edit"))
    for _ in range(2):
        assert dashboards.seller.post(f"/seller/listings/{listing_id}/retire").status_code == 303
    assert stage.get(Listing, listing_id).state == "retired"


def test_nobody_else_sees_or_changes_it(dashboards: Dashboards) -> None:
    path = written(dashboards)
    nothing = f"/seller/listings/{uuid7()}"
    _, stranger = dashboards.new_organization(seller=True)
    for page in ("edit", "preview"):
        assert stranger.get(f"{path}/{page}").status_code == 404
    for act in ("text", "plans", "submit", "versions", "retire"):
        fields = TEXT | plan_fields(dashboards) | {"base": "x"}
        found, missing = (stranger.post(f"{one}/{act}", **fields) for one in (path, nothing))
        assert (found.status_code, missing.status_code) == (404, 404), act
    viewer = dashboards.somebody(dashboards.stage.seller, "viewer")
    assert viewer.get(f"{path}/edit").status_code == 403
    assert "/seller/listings/new" not in viewer.get("/seller/listings").text
    assert dashboards.buyer.get("/seller/listings/new").status_code == 404
    assert "/seller/listings/new" in dashboards.seller.get("/seller/listings").text


def test_the_editor_and_the_desk_ask_no_more_for_more_plans(
    dashboards: Dashboards, monkeypatch: pytest.MonkeyPatch
) -> None:
    with unit_of_work(dashboards.stage.services.db, SYSTEM) as uow:
        org = make_seller(uow)
        with acting(uow, dashboards.stage.seller.owner):
            plans = [per_seat_plan(code=f"p{n}") for n in range(9)]
            listing = draft_listing(uow, DraftListing("saas", "hr", f"many-{uuid7().hex[-8:]}", words(), plans))
        del org
        listing_id = listing.id
    few = began(dashboards.seller)
    asked = []
    for path in (few, f"/seller/listings/{listing_id}"):
        dashboards.seller.get(f"{path}/edit")
        with counting(monkeypatch) as count:
            assert dashboards.seller.get(f"{path}/edit").status_code == 200
        asked.append(len(count.statements))
    assert asked[0] == asked[1]
    assert asked[0] <= 9
