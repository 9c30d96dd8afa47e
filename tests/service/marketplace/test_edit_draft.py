"""A draft is edited piece by piece: nothing is lost between two windows, and nothing happens twice."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest

from kernel.db.uow import UnitOfWork
from kernel.errors import Conflict, Invalid, NotFound
from marketplace.catalog.content_hash import plan_hash, text_hash, version_hash
from marketplace.catalog.draft_listing import DraftListing, VersionText, draft_listing
from marketplace.catalog.edit_draft import (
    EditPlan,
    EditText,
    RemovePlan,
    begin_version,
    edit_plan,
    edit_text,
    remove_plan,
)
from marketplace.catalog.models import Listing, ListingVersion
from marketplace.catalog.queries import ListingView, get_own_listing, get_versions_compared, review_queue
from marketplace.catalog.review_desk import NOTED
from marketplace.catalog.review_listing import ReviewListing, retire_listing, review_listing
from marketplace.catalog.sellable import get_sellable
from marketplace.catalog.submit_listing import Reason, check_version, submit_listing
from tests.factories_marketplace import (
    OPERATOR_PRINCIPAL,
    Org,
    acting,
    make_org,
    make_plans,
    make_seller,
    per_seat_plan,
    words,
)

NOTHING_SAID = VersionText("", "", "", "")


def begin(uow: UnitOfWork, seller: Org, text: VersionText | None = None, *plans: Any) -> UUID:
    with acting(uow, seller.owner):
        return draft_listing(uow, DraftListing("saas", "hr", "edited", text or words(), plans)).id


def base_of(view: ListingView) -> str:
    return text_hash(view, view.kind, view.category)


def submitted(uow: UnitOfWork, seller: Org) -> UUID:
    listing_id = begin(uow, seller, None, per_seat_plan())
    with acting(uow, seller.owner):
        submit_listing(uow, listing_id)
    return listing_id


def seen(uow: UnitOfWork, listing_id: UUID) -> str:
    view = get_versions_compared(uow, listing_id).latest
    return version_hash(view, view.kind, view.category, view.plans)


class TestTwoWindows:
    def test_the_second_to_save_other_words_is_refused_and_sees_the_first(self, uow: UnitOfWork) -> None:
        seller = make_seller(uow)
        listing_id = begin(uow, seller)
        with acting(uow, seller.owner):
            base = base_of(get_own_listing(uow, listing_id))
            edit_text(uow, EditText(listing_id, base, words("甲")))
            with pytest.raises(Conflict, match="draft_changed"):
                edit_text(uow, EditText(listing_id, base, words("乙")))
            view = get_own_listing(uow, listing_id)
            assert view.title == "甲"
            edit_text(uow, EditText(listing_id, base_of(view), words("乙")))
            assert get_own_listing(uow, listing_id).title == "乙"

    def test_the_same_words_twice_are_one_change(self, uow: UnitOfWork) -> None:
        seller = make_seller(uow)
        listing_id = begin(uow, seller)
        with acting(uow, seller.owner):
            command = EditText(listing_id, base_of(get_own_listing(uow, listing_id)), words("甲"), "service", "legal")
            edit_text(uow, command)
            edit_text(uow, command)
            view = get_own_listing(uow, listing_id)
        assert (view.title, view.kind, view.category) == ("甲", "service", "legal")

    def test_words_and_plans_are_edited_side_by_side(self, uow: UnitOfWork) -> None:
        seller = make_seller(uow)
        listing_id = begin(uow, seller, None, per_seat_plan())
        with acting(uow, seller.owner):
            view = get_own_listing(uow, listing_id)
            edit_text(uow, EditText(listing_id, base_of(view), words("甲")))
            plan = per_seat_plan(unit_price_minor=1)
            edit_plan(uow, EditPlan(listing_id, plan_hash(view.plans[0]), plan))
            with pytest.raises(Conflict, match="draft_changed"):
                edit_plan(uow, EditPlan(listing_id, plan_hash(view.plans[0]), replace(plan, unit_price_minor=2)))
            with pytest.raises(Conflict, match="draft_changed"):
                remove_plan(uow, RemovePlan(listing_id, plan_hash(view.plans[0]), plan.code))
            now = get_own_listing(uow, listing_id)
            assert (now.title, now.plans[0].unit_price_minor) == ("甲", 1)
            remove_plan(uow, RemovePlan(listing_id, plan_hash(now.plans[0]), plan.code))
            remove_plan(uow, RemovePlan(listing_id, plan_hash(now.plans[0]), plan.code))
            assert get_own_listing(uow, listing_id).plans == ()

    def test_a_plan_is_added_once_and_its_code_is_not_taken_over(self, uow: UnitOfWork) -> None:
        seller = make_seller(uow)
        listing_id = begin(uow, seller)
        plan = per_seat_plan()
        with acting(uow, seller.owner):
            edit_plan(uow, EditPlan(listing_id, "", plan))
            edit_plan(uow, EditPlan(listing_id, "", plan))
            with pytest.raises(Conflict, match="plan_code_taken"):
                edit_plan(uow, EditPlan(listing_id, "", replace(plan, name="别的")))
            assert [one.name for one in get_own_listing(uow, listing_id).plans] == [plan.name]

    def test_at_most_ten_plans(self, uow: UnitOfWork) -> None:
        seller = make_seller(uow)
        listing_id = begin(uow, seller, None, *(per_seat_plan(code=f"p{n}") for n in range(10)))
        with acting(uow, seller.owner), pytest.raises(Invalid, match="too_many_plans"):
            edit_plan(uow, EditPlan(listing_id, "", per_seat_plan(code="p10")))


class TestWhoAndWhen:
    def test_another_seller_finds_no_such_listing(self, uow: UnitOfWork) -> None:
        seller, other = make_seller(uow), make_seller(uow)
        listing_id = begin(uow, seller)
        with acting(uow, other.owner):
            for touch in (
                lambda: edit_text(uow, EditText(listing_id, "", words())),
                lambda: edit_plan(uow, EditPlan(listing_id, "", per_seat_plan())),
                lambda: remove_plan(uow, RemovePlan(listing_id, "", "x")),
                lambda: begin_version(uow, listing_id),
                lambda: get_versions_compared(uow, listing_id),
            ):
                with pytest.raises(NotFound, match="listing_not_found"):
                    touch()

    def test_what_waits_or_is_on_sale_is_not_edited(self, uow: UnitOfWork) -> None:
        seller = make_seller(uow)
        listing_id = submitted(uow, seller)
        with acting(uow, seller.owner), pytest.raises(Conflict, match="listing_in_review"):
            edit_text(uow, EditText(listing_id, "", words("甲")))
        with acting(uow, OPERATOR_PRINCIPAL):
            review_listing(uow, ReviewListing(listing_id, approve=True))
        with acting(uow, seller.owner):
            with pytest.raises(Conflict, match="draft_missing"):
                edit_text(uow, EditText(listing_id, "", words("甲")))
            first, second = begin_version(uow, listing_id), begin_version(uow, listing_id)
            assert (first.id, first.number) == (second.id, 2)
            view = get_own_listing(uow, listing_id)
            with pytest.raises(Conflict, match="listing_kind_fixed"):
                edit_text(uow, EditText(listing_id, base_of(view), words("甲"), "service"))
            edit_text(uow, EditText(listing_id, base_of(view), words("甲")))
            retire_listing(uow, listing_id)
            with pytest.raises(Conflict, match="listing_retired"):
                edit_text(uow, EditText(listing_id, "", words()))
            with pytest.raises(Conflict, match="listing_retired"):
                begin_version(uow, listing_id)

    def test_the_next_version_begins_as_what_is_on_sale(self, uow: UnitOfWork) -> None:
        seller = make_seller(uow)
        (plan,) = make_plans(uow, seller)
        with acting(uow, seller.owner):
            begin_version(uow, plan.listing_id)
            pair = get_versions_compared(uow, plan.listing_id)
        assert pair.published is not None
        assert (pair.published.version_number, pair.latest.version_number) == (1, 2)
        assert base_of(pair.latest) == base_of(pair.published)
        assert plan_hash(pair.latest.plans[0]) == plan_hash(pair.published.plans[0])
        assert pair.latest.plans[0].id != plan.id


class TestOneLanguage:
    @pytest.mark.parametrize(
        ("text", "missing"),
        [
            (VersionText("甲", "", "乙", "", "丙", ""), []),
            (VersionText("", "A", "", "B", "", "C"), []),
            (VersionText("甲", "", "", "B", "丙", ""), ["summary"]),
            (VersionText("", "A", "乙", "B", "", " "), ["description_en"]),
            (NOTHING_SAID, ["title", "summary", "description"]),
        ],
    )
    def test_one_complete_language_is_enough(self, uow: UnitOfWork, text: VersionText, missing: list[str]) -> None:
        seller = make_seller(uow)
        listing_id = begin(uow, seller, text, per_seat_plan())
        with acting(uow, seller.owner):
            view = get_own_listing(uow, listing_id)
        assert [one["field"] for one in check_version(view, view.plans, onboarded=True)] == missing

    def test_what_is_sold_speaks_both(self, uow: UnitOfWork) -> None:
        seller, buyer = make_seller(uow), make_org(uow)
        (plan,) = make_plans(
            uow, seller, per_seat_plan(name="", name_en="Pro"), text=VersionText("", "Only English", "", "S", "", "D")
        )
        with acting(uow, buyer.owner):
            sold = get_sellable(uow, plan.id)
        assert (sold.title, sold.title_en) == ("Only English", "Only English")
        assert (sold.plan_name, sold.plan_name_en) == ("Pro", "Pro")

    def test_a_plan_without_any_name_is_named(self, uow: UnitOfWork) -> None:
        seller = make_seller(uow)
        listing_id = begin(uow, seller, None, per_seat_plan(name="", name_en="", connector_id=None))
        with acting(uow, seller.owner):
            view = get_own_listing(uow, listing_id)
        code = view.plans[0].code
        assert [one["field"] for one in check_version(view, view.plans, onboarded=False)] == [
            f"plans.{code}.name",
            f"plans.{code}.connector_id",
            "onboarding",
        ]


class TestReview:
    def test_a_decision_is_about_what_was_read(self, uow: UnitOfWork) -> None:
        seller = make_seller(uow)
        listing_id = submitted(uow, seller)
        reasons = (Reason(field="title", code="review_unproven", note="「第一」？"),)
        with acting(uow, OPERATOR_PRINCIPAL):
            assert listing_id in {row.id for row in review_queue(uow)}
            read = seen(uow, listing_id)
            review_listing(uow, ReviewListing(listing_id, approve=False, reasons=reasons, seen=read))
            # The button pressed twice.
            review_listing(uow, ReviewListing(listing_id, approve=False, reasons=reasons, seen=read))
            with pytest.raises(Conflict, match="nothing_to_review"):
                review_listing(uow, ReviewListing(listing_id, approve=True, seen=read))
        with acting(uow, seller.owner):
            view = get_own_listing(uow, listing_id)
            assert view.review_reasons == ({"field": "title", "code": "review_unproven", "note": "「第一」？"},)
            edit_text(uow, EditText(listing_id, base_of(view), words("改过的标题")))
            # What was found wrong stays in view while it is mended.
            assert get_own_listing(uow, listing_id).review_reasons == view.review_reasons
            assert get_own_listing(uow, listing_id).version_state == "draft"
            submit_listing(uow, listing_id)
        with acting(uow, OPERATOR_PRINCIPAL):
            with pytest.raises(Conflict, match="review_changed"):
                review_listing(uow, ReviewListing(listing_id, approve=True, seen=read))
            assert uow.session.get_one(Listing, listing_id).state == "in_review"
            read = seen(uow, listing_id)
            version = review_listing(uow, ReviewListing(listing_id, approve=True, seen=read))
            assert review_listing(uow, ReviewListing(listing_id, approve=True, seen=read)).id == version.id
        assert (version.state, version.review_reasons) == ("published", None)

    def test_a_reason_that_is_its_note_has_one(self, uow: UnitOfWork) -> None:
        listing_id = submitted(uow, make_seller(uow))
        with acting(uow, OPERATOR_PRINCIPAL), pytest.raises(Invalid) as refused:
            review_listing(uow, ReviewListing(listing_id, False, (Reason(field="", code=NOTED, note=" "),)))
        assert refused.value.code == "review_note_required"

    def test_what_was_returned_is_handed_in_again_as_it_is(self, uow: UnitOfWork) -> None:
        """The mending may have been elsewhere: in the onboarding, or with the connector."""
        seller = make_seller(uow)
        listing_id = submitted(uow, seller)
        with acting(uow, OPERATOR_PRINCIPAL):
            review_listing(uow, ReviewListing(listing_id, False, (Reason(field="", code="review_unclear"),)))
        with acting(uow, seller.owner):
            version = submit_listing(uow, listing_id)
        assert isinstance(version, ListingVersion)
        assert version.state == "in_review"
