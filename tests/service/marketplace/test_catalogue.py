"""Listings: drafted, checked, reviewed, published, replaced, suspended; and what a buyer may buy at each moment."""

from __future__ import annotations

from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from kernel.db.uow import UnitOfWork
from kernel.errors import Conflict, Forbidden, Invalid, NotFound
from kernel.ids import uuid7
from marketplace.catalog.content_hash import draft_hash
from marketplace.catalog.draft_listing import DraftListing, ReviseListing, draft_listing, revise_listing
from marketplace.catalog.jobs import follow_version
from marketplace.catalog.models import Listing, ListingVersion
from marketplace.catalog.plan_terms import DraftPlan
from marketplace.catalog.queries import get_listing, get_own_listing, list_in_review, list_versions
from marketplace.catalog.review_listing import (
    ReviewListing,
    resume_listing,
    review_listing,
    suspend_listing,
    withdraw_plan,
)
from marketplace.catalog.sellable import get_sellable
from marketplace.catalog.submit_listing import Reason, submit_listing
from marketplace.discovery.feed import get_feed_item
from marketplace.publishing.edit_placements import AddClaim, AddPlacement, add_claim, add_placement
from marketplace.publishing.queries import get_own_video
from tests.factories_marketplace import (
    OPERATOR_PRINCIPAL,
    Org,
    acting,
    make_org,
    make_plans,
    make_published_video,
    make_ready_video,
    make_seller,
    per_seat_plan,
    words,
)


def publish(uow: UnitOfWork, seller: Org, listing_id: UUID, *plans: DraftPlan) -> ListingVersion:
    with acting(uow, seller.owner):
        revise_listing(uow, ReviseListing(listing_id, words("新版"), plans))
        submit_listing(uow, listing_id)
    with acting(uow, OPERATOR_PRINCIPAL):
        return review_listing(uow, ReviewListing(listing_id, approve=True))


def state_of(uow: UnitOfWork, listing_id: UUID) -> str:
    return uow.session.get_one(Listing, listing_id).state


class TestDraft:
    def test_a_draft_is_seen_by_its_seller_alone(self, uow: UnitOfWork) -> None:
        seller, other = make_seller(uow), make_org(uow)
        with acting(uow, seller.owner):
            listing = draft_listing(uow, DraftListing("saas", "hr", "draft", words(), (per_seat_plan(),)))
            plan_id = get_own_listing(uow, listing.id).plans[0].id
        with acting(uow, other.owner):
            for look in (lambda: get_listing(uow, listing.id), lambda: get_sellable(uow, plan_id)):
                with pytest.raises(NotFound):
                    look()

    def test_who_does_not_sell_drafts_nothing(self, uow: UnitOfWork) -> None:
        buyer = make_org(uow)
        with acting(uow, buyer.owner), pytest.raises(Conflict, match="not_a_seller"):
            draft_listing(uow, DraftListing("saas", "hr", "x-1", words()))

    def test_a_draft_may_be_written_anew(self, uow: UnitOfWork) -> None:
        seller = make_seller(uow)
        with acting(uow, seller.owner):
            listing = draft_listing(uow, DraftListing("saas", "hr", "anew", words(), (per_seat_plan(),)))
            version = revise_listing(uow, ReviseListing(listing.id, words("别名"), (per_seat_plan(code="b"),)))
            found = get_own_listing(uow, listing.id)
        assert (version.number, found.title, [plan.code for plan in found.plans]) == (1, "别名", ["b"])

    def test_two_writers_do_not_overwrite_each_other(self, uow: UnitOfWork) -> None:
        seller = make_seller(uow)

        def read() -> str:
            row = get_own_listing(uow, listing.id)
            return draft_hash(row, row.kind, row.category, row.plans)

        with acting(uow, seller.owner):
            listing = draft_listing(uow, DraftListing("saas", "hr", "both", words(), (per_seat_plan(),)))
            base = read()
            dearer = (per_seat_plan(unit_price_minor=29_900),)
            revise_listing(uow, ReviseListing(listing.id, words("甲"), dearer, base))
            with pytest.raises(Conflict, match="draft_changed"), uow.session.begin_nested():
                revise_listing(uow, ReviseListing(listing.id, words("乙"), dearer, base))
            with pytest.raises(Conflict, match="draft_changed"), uow.session.begin_nested():
                revise_listing(uow, ReviseListing(listing.id, words("甲"), (per_seat_plan(),), base))
            assert get_own_listing(uow, listing.id).title == "甲"
            revise_listing(uow, ReviseListing(listing.id, words("甲"), dearer, base))
            revise_listing(uow, ReviseListing(listing.id, words("乙"), dearer, read()))
            assert get_own_listing(uow, listing.id).title == "乙"

    def test_a_new_version_begins_from_what_is_on_sale(self, uow: UnitOfWork) -> None:
        seller = make_seller(uow)
        (plan,) = make_plans(uow, seller, per_seat_plan())
        with acting(uow, seller.owner):
            row = get_own_listing(uow, plan.listing_id)
            base = draft_hash(row, row.kind, row.category, row.plans)
            assert revise_listing(uow, ReviseListing(row.id, words("甲"), (per_seat_plan(),), base)).number == 2
            with pytest.raises(Conflict, match="draft_changed"), uow.session.begin_nested():
                revise_listing(uow, ReviseListing(row.id, words("乙"), (per_seat_plan(),), base))

    def test_cards_on_a_draft_follow_its_plans_and_go_with_them(self, uow: UnitOfWork) -> None:
        seller = make_seller(uow)
        video = make_ready_video(uow, seller)
        with acting(uow, seller.owner):
            plans = (per_seat_plan(), per_seat_plan(code="b"))
            listing = draft_listing(uow, DraftListing("saas", "hr", "carded", words(), plans))
            kept, dropped = (
                plan.id for plan in sorted(get_own_listing(uow, listing.id).plans, key=lambda p: p.code == "b")
            )
            card, gone = (add_placement(uow, AddPlacement(video.id, plan, 0, 14_000)) for plan in (kept, dropped))
            add_claim(uow, AddClaim(gone.id, "included_seats", 1_000, "含二十席", "20 seats", value_int=20))
            revise_listing(uow, ReviseListing(listing.id, words(), (per_seat_plan(unit_price_minor=29_900),)))
            detail = get_own_video(uow, video.id)
        assert [(one.placement_id, one.unit_price_minor) for one in detail.cards] == [(card.id, 29_900)]
        assert detail.claims == ()

    def test_two_plans_of_one_code_are_refused(self, uow: UnitOfWork) -> None:
        seller = make_seller(uow)
        with acting(uow, seller.owner), pytest.raises(Invalid, match="plan_code_taken"):
            draft_listing(uow, DraftListing("saas", "hr", "two", words(), (per_seat_plan(), per_seat_plan())))


class TestReview:
    def test_what_is_missing_is_named_and_stays_a_draft(self, uow: UnitOfWork) -> None:
        seller = make_org(uow, seller=True)
        with acting(uow, seller.owner):
            listing = draft_listing(
                uow, DraftListing("saas", "hr", "bare", words(), (per_seat_plan(connector_id=None),))
            )
            with pytest.raises(Conflict) as refused:
                submit_listing(uow, listing.id)
        assert refused.value.code == "review_checks_failed"
        assert "connector_missing" in str(refused.value.params["reasons"])
        assert "onboarding_incomplete" in str(refused.value.params["reasons"])
        assert state_of(uow, listing.id) == "draft"

    def test_only_the_platform_decides(self, uow: UnitOfWork) -> None:
        seller = make_seller(uow)
        with acting(uow, seller.owner):
            listing = draft_listing(uow, DraftListing("saas", "hr", "mine", words(), (per_seat_plan(),)))
            submit_listing(uow, listing.id)
            with pytest.raises(Forbidden, match="operator_required"):
                review_listing(uow, ReviewListing(listing.id, approve=True))
            with pytest.raises(Conflict, match="listing_in_review"):
                revise_listing(uow, ReviseListing(listing.id, words()))

    def test_rejected_with_reasons_mended_and_published(self, uow: UnitOfWork) -> None:
        seller = make_seller(uow)
        with acting(uow, seller.owner):
            listing = draft_listing(uow, DraftListing("saas", "hr", "again", words(), (per_seat_plan(),)))
            submit_listing(uow, listing.id)
        with acting(uow, OPERATOR_PRINCIPAL):
            assert listing.id in {row.id for row in list_in_review(uow, limit=100).items}
            with pytest.raises(Invalid, match="review_reasons_required"):
                review_listing(uow, ReviewListing(listing.id, approve=False))
            reasons = (Reason(field="title", code="text_too_long"),)
            review_listing(uow, ReviewListing(listing.id, approve=False, reasons=reasons))
        assert state_of(uow, listing.id) == "rejected"
        version = publish(uow, seller, listing.id, per_seat_plan())
        assert (version.number, version.state, state_of(uow, listing.id)) == (1, "published", "published")


class TestVersions:
    def test_the_present_version_sells_on_until_the_next_is_published(self, uow: UnitOfWork) -> None:
        seller, buyer = make_seller(uow), make_org(uow)
        (old,) = make_plans(uow, seller)
        with acting(uow, seller.owner):
            revise_listing(uow, ReviseListing(old.listing_id, words("新版"), (per_seat_plan(unit_price_minor=29_900),)))
            submit_listing(uow, old.listing_id)
        with acting(uow, buyer.owner):
            assert get_sellable(uow, old.id).unit_price_minor == 19_900
        with acting(uow, OPERATOR_PRINCIPAL):
            review_listing(uow, ReviewListing(old.listing_id, approve=True))
        with acting(uow, buyer.owner):
            with pytest.raises(Conflict, match="plan_withdrawn"):
                get_sellable(uow, old.id)
            (new,) = get_listing(uow, old.listing_id).plans
            assert get_sellable(uow, new.id).unit_price_minor == 29_900
        with acting(uow, seller.owner):
            states = [(row.version_number, row.version_state) for row in list_versions(uow, old.listing_id)]
        assert states == [(2, "published"), (1, "superseded")]

    @pytest.mark.parametrize(
        "change",
        [
            "UPDATE marketplace.listing_version SET title = 'x' WHERE id = :version",
            "UPDATE marketplace.plan SET unit_price_minor = 1 WHERE id = :plan",
            "DELETE FROM marketplace.plan WHERE id = :plan",
        ],
    )
    def test_what_is_published_does_not_change_even_by_hand(self, uow: UnitOfWork, change: str) -> None:
        (plan,) = make_plans(uow, make_seller(uow))
        with pytest.raises(DBAPIError, match="unchangeable"), uow.session.begin_nested():
            uow.session.execute(text(change), {"version": plan.version_id, "plan": plan.id})

    def test_cards_follow_to_the_next_version_when_it_keeps_their_promises(self, uow: UnitOfWork) -> None:
        seller, promoter = make_seller(uow), make_org(uow)
        (plan,) = make_plans(uow, seller)
        plain, _ = make_published_video(uow, promoter, plan)
        priced, placement = make_published_video(uow, promoter, plan)
        with acting(uow, promoter.owner):
            add_claim(
                uow,
                AddClaim(
                    placement.id, "price", 4_000, "¥199", "¥199", value_int=19_900, currency="CNY", unit="seat/year"
                ),
            )
        version = publish(uow, seller, plan.listing_id, per_seat_plan(unit_price_minor=29_900))
        assert get_feed_item(uow, plain.id).cards == ()
        assert follow_version(uow, plan.listing_id, version.id) == 1
        assert [card.unit_price_minor for card in get_feed_item(uow, plain.id).cards] == [29_900]
        assert get_feed_item(uow, priced.id).cards == ()


class TestOffSale:
    def test_a_suspended_listing_is_on_no_card_and_cannot_be_bought(self, uow: UnitOfWork) -> None:
        seller, buyer = make_seller(uow), make_org(uow)
        (plan,) = make_plans(uow, seller)
        video, _ = make_published_video(uow, seller, plan)
        with acting(uow, OPERATOR_PRINCIPAL):
            suspend_listing(uow, plan.listing_id, "complaints")
        with acting(uow, buyer.owner):
            assert get_feed_item(uow, video.id).cards == ()
            with pytest.raises(Conflict, match="listing_suspended"):
                get_sellable(uow, plan.id)
            with pytest.raises(NotFound):
                get_listing(uow, plan.listing_id)
        with acting(uow, OPERATOR_PRINCIPAL):
            resume_listing(uow, plan.listing_id)
        with acting(uow, buyer.owner):
            assert len(get_feed_item(uow, video.id).cards) == 1
            assert get_sellable(uow, plan.id).seller_org_id == seller.id

    def test_a_withdrawn_plan_disappears_alone(self, uow: UnitOfWork) -> None:
        seller, other = make_seller(uow), make_seller(uow)
        first, second = make_plans(uow, seller, per_seat_plan(), per_seat_plan(code="b", unit_price_minor=1))
        with acting(uow, other.owner), pytest.raises(NotFound):
            withdraw_plan(uow, first.id)
        with acting(uow, seller.owner):
            withdraw_plan(uow, first.id)
        assert [plan.code for plan in get_listing(uow, first.listing_id).plans] == ["b"]
        assert get_sellable(uow, second.id).plan_code == "b"
        with pytest.raises(Conflict, match="plan_withdrawn"):
            get_sellable(uow, first.id)

    def test_an_unknown_plan_is_not_found(self, uow: UnitOfWork) -> None:
        with pytest.raises(NotFound, match="plan_not_found"):
            get_sellable(uow, uuid7())
