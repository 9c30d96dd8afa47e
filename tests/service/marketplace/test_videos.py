"""Videos: who may see them, what keeps them from being published, and what is counted of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest

from kernel import clock
from kernel.db.uow import UnitOfWork
from kernel.errors import Conflict, Invalid, NotFound, TooMany
from kernel.ids import uuid7
from kernel.principal import ANONYMOUS, Principal
from kernel.storage import StoredObject
from marketplace.attribution.attribute import NOBODY
from marketplace.attribution.facts import find_sharer, placements_of_listing, touchpoints_for
from marketplace.attribution.reach import get_reach
from marketplace.attribution.record_touchpoints import AHEAD, BEHIND, TouchpointIn, record_touchpoints
from marketplace.channels.open_channel import follow_channel, unfollow_channel
from marketplace.channels.queries import get_channel
from marketplace.discovery.claims import claims_of
from marketplace.discovery.feed import get_feed_item, list_feed
from marketplace.publishing.edit_placements import (
    AddClaim,
    AddPlacement,
    ChangePlacement,
    add_claim,
    add_placement,
    change_placement,
    remove_placement,
)
from marketplace.publishing.publish_video import publish_video, withdraw_video
from marketplace.publishing.queries import get_own_video, list_own_videos
from marketplace.sharing.share_links import share_video
from marketplace.videos.media.receive_media import ReceiveMedia, receive_media, upload_key
from marketplace.videos.queries import find_media
from tests.factories_marketplace import (
    Org,
    acting,
    make_org,
    make_plans,
    make_published_video,
    make_ready_video,
    make_seller,
    per_seat_plan,
)


def price_claim(placement_id: UUID, price: int) -> AddClaim:
    return AddClaim(
        placement_id,
        "price",
        7_000,
        f"¥{price / 100:g} / 席 / 年",
        f"¥{price / 100:g} per seat and year",
        value_int=price,
        currency="CNY",
        unit="seat/year",
    )


class TestVisibility:
    @pytest.mark.parametrize("visibility", ["internal", "partners"])
    def test_what_is_not_public_is_seen_by_its_own_organization_only(self, uow: UnitOfWork, visibility: str) -> None:
        seller, other = make_seller(uow), make_org(uow)
        (plan,) = make_plans(uow, seller)
        video, _ = make_published_video(uow, seller, plan, visibility=visibility)

        def looks(principal: Principal) -> list[Callable[[], object]]:
            return (
                [
                    lambda: get_feed_item(uow, video.id),
                    lambda: find_media(uow, video.id),
                    lambda: share_video(uow, video.id),
                ]
                if principal.person_id
                else [lambda: get_feed_item(uow, video.id), lambda: find_media(uow, video.id)]
            )

        for stranger in (other.owner, ANONYMOUS):
            with acting(uow, stranger):
                for look in looks(stranger):
                    with pytest.raises(NotFound, match="video_not_found"):
                        look()
                assert video.id not in {item.id for item in list_feed(uow, limit=100).items}
                assert claims_of(uow, video.id, plan.id) == []
                assert placements_of_listing(uow, plan.listing_id, [video.id]) == []
        with acting(uow, seller.owner):
            assert get_feed_item(uow, video.id).cards[0].plan_id == plan.id
            assert not find_media(uow, video.id).is_public

    def test_a_draft_is_not_in_the_feed_and_a_withdrawn_one_leaves_it(self, uow: UnitOfWork) -> None:
        seller = make_seller(uow)
        (plan,) = make_plans(uow, seller)
        draft = make_ready_video(uow, seller)
        video, _ = make_published_video(uow, seller, plan)
        with acting(uow, ANONYMOUS):
            seen = {item.id for item in list_feed(uow, limit=100).items}
            assert video.id in seen
            assert draft.id not in seen
        with acting(uow, seller.owner):
            withdraw_video(uow, video.id)
        with acting(uow, ANONYMOUS), pytest.raises(NotFound):
            get_feed_item(uow, video.id)

    def test_another_organizations_video_cannot_be_touched(self, uow: UnitOfWork) -> None:
        seller, other = make_seller(uow), make_seller(uow)
        (plan,) = make_plans(uow, seller)
        video, placement = make_published_video(uow, seller, plan)
        attempts: list[Callable[[], object]] = [
            lambda: withdraw_video(uow, video.id),
            lambda: publish_video(uow, video.id),
            lambda: get_own_video(uow, video.id),
            lambda: get_reach(uow, video.id),
            lambda: add_placement(uow, AddPlacement(video.id, plan.id, 0, 1_000)),
            lambda: change_placement(uow, ChangePlacement(placement.id, action="demo")),
            lambda: remove_placement(uow, placement.id),
            lambda: add_claim(uow, price_claim(placement.id, 19_900)),
        ]
        with acting(uow, other.owner):
            for attempt in attempts:
                with pytest.raises(NotFound):
                    attempt()


class TestPublishing:
    def test_a_claim_that_contradicts_the_plan_stands_in_the_way(self, uow: UnitOfWork) -> None:
        seller = make_seller(uow)
        (plan,) = make_plans(uow, seller)
        video = make_ready_video(uow, seller)
        with acting(uow, seller.owner):
            placement = add_placement(uow, AddPlacement(video.id, plan.id, 0, 14_000))
            claim = add_claim(uow, price_claim(placement.id, 18_800))
            with pytest.raises(Conflict) as refused:
                publish_video(uow, video.id)
            assert refused.value.code == "claim_contradicts_plan"
            assert refused.value.params["said"] == "18800 CNY/seat/year"
            assert [b.subject_id for b in get_own_video(uow, video.id).blockers] == [claim.id]
            remove_placement(uow, placement.id)
            assert publish_video(uow, video.id).state == "published"

    def test_a_published_video_takes_no_contradicting_claim(self, uow: UnitOfWork) -> None:
        seller = make_seller(uow)
        (plan,) = make_plans(uow, seller)
        video, placement = make_published_video(uow, seller, plan)
        with acting(uow, seller.owner):
            with pytest.raises(Conflict, match="claim_contradicts_plan"):
                add_claim(uow, price_claim(placement.id, 19_800))
            add_claim(uow, price_claim(placement.id, 19_900))
            (fact,) = claims_of(uow, video.id, plan.id)
        assert (fact.ok, fact.value_int, fact.at_ms) == (True, 19_900, 7_000)

    @pytest.mark.parametrize(
        ("words", "code"),
        [
            ("免费试用 14 天", "claim_promises_trial"),
            ("A free 14-day trial", "claim_promises_trial"),
            ("先用后付，首月 0 元", "claim_promises_trial"),
            ("¥1 / 席 / 年", "claim_text_differs"),
            ("¥1,99 / 席 / 年", "claim_text_differs"),
        ],
    )
    def test_the_words_of_a_claim_promise_nothing_else(self, uow: UnitOfWork, words: str, code: str) -> None:
        seller = make_seller(uow)
        (plan,) = make_plans(uow, seller)
        _, placement = make_published_video(uow, seller, plan)
        with acting(uow, seller.owner):
            with pytest.raises(Invalid, match=code):
                add_claim(uow, replace(price_claim(placement.id, 19_900), text=words))
            with pytest.raises(Invalid, match=code):
                add_claim(uow, replace(price_claim(placement.id, 19_900), text_en=words))
            add_claim(
                uow,
                replace(price_claim(placement.id, 19_900), text="每席每年一百九十九元", text_en="199.00 CNY a seat"),
            )

    def test_an_unfinished_onboarding_stands_in_the_way(self, uow: UnitOfWork) -> None:
        seller = make_org(uow, seller=True)
        video = make_ready_video(uow, seller)
        with acting(uow, seller.owner), pytest.raises(Conflict, match="onboarding_incomplete"):
            publish_video(uow, video.id)

    def test_a_card_ends_within_the_video_and_sells_what_is_published(self, uow: UnitOfWork) -> None:
        seller, promoter = make_seller(uow), make_org(uow)
        (plan,) = make_plans(uow, seller)
        video = make_ready_video(uow, promoter, duration_ms=10_000)
        with acting(uow, promoter.owner):
            with pytest.raises(Invalid, match="placement_beyond_end"):
                add_placement(uow, AddPlacement(video.id, plan.id, 0, 10_001))
            with pytest.raises(Invalid, match="placement_range"):
                add_placement(uow, AddPlacement(video.id, plan.id, 5_000, 5_000))
            with pytest.raises(NotFound, match="plan_not_found"):
                add_placement(uow, AddPlacement(video.id, uuid7(), 0, 1_000))
            assert add_placement(uow, AddPlacement(video.id, plan.id, 0, 10_000)).seller_org_id == seller.id

    def test_a_changed_plan_must_keep_the_claims(self, uow: UnitOfWork) -> None:
        seller = make_seller(uow)
        plan, dearer = make_plans(uow, seller, per_seat_plan(), per_seat_plan(code="b", unit_price_minor=29_900))
        video, placement = make_published_video(uow, seller, plan)
        with acting(uow, seller.owner):
            add_claim(uow, price_claim(placement.id, 19_900))
            with pytest.raises(Conflict, match="claim_contradicts_plan"):
                change_placement(uow, ChangePlacement(placement.id, plan_id=dearer.id))
            changed = change_placement(uow, ChangePlacement(placement.id, start_ms=1_000, action="consult"))
        assert (changed.start_ms, changed.end_ms, changed.action) == (1_000, 14_000, "consult")
        assert get_feed_item(uow, video.id).cards[0].start_ms == 1_000


class TestUpload:
    def test_a_published_video_keeps_its_file(self, uow: UnitOfWork) -> None:
        seller = make_seller(uow)
        (plan,) = make_plans(uow, seller)
        video, _ = make_published_video(uow, seller, plan)
        stored = StoredObject(upload_key(video.id), 10, "0" * 64)
        with acting(uow, seller.owner), pytest.raises(Conflict, match="video_not_replaceable"):
            receive_media(uow, ReceiveMedia(video.id, stored, "a.mp4"))

    def test_an_empty_file_is_refused(self, uow: UnitOfWork) -> None:
        seller = make_seller(uow)
        video = make_ready_video(uow, seller)
        stored = StoredObject(upload_key(video.id), 0, "0" * 64)
        with acting(uow, seller.owner), pytest.raises(Invalid, match="video_empty"):
            receive_media(uow, ReceiveMedia(video.id, stored, "a.mp4"))


class TestTouchpoints:
    def seen(self, uow: UnitOfWork) -> tuple[Org, Org, TouchpointIn]:
        seller, buyer = make_seller(uow), make_org(uow)
        (plan,) = make_plans(uow, seller)
        video, placement = make_published_video(uow, seller, plan)
        item = TouchpointIn(uuid7(), "card_click", clock.now(), video.id, placement.id, 7_000, 7_000)
        return seller, buyer, item

    def test_a_repeated_batch_counts_once(self, uow: UnitOfWork) -> None:
        seller, buyer, item = self.seen(uow)
        with acting(uow, buyer.owner):
            assert record_touchpoints(uow, [item, item]).accepted == 1
            again = record_touchpoints(uow, [item])
        assert (again.accepted, again.duplicates) == (0, 1)
        with acting(uow, seller.owner):
            assert get_reach(uow, video_of(item)).card_clicks == 1

    def test_what_names_another_card_or_time_is_left_out(self, uow: UnitOfWork) -> None:
        _, buyer, item = self.seen(uow)
        _, _, other = self.seen(uow)
        now = clock.now()
        odd = [
            TouchpointIn(uuid7(), "view", now, uuid7()),
            TouchpointIn(uuid7(), "card_click", now, item.video_id, other.placement_id),
            TouchpointIn(uuid7(), "view", now + AHEAD + timedelta(minutes=1), item.video_id),
            TouchpointIn(uuid7(), "view", now - BEHIND - timedelta(minutes=1), item.video_id),
        ]
        with acting(uow, buyer.owner):
            found = record_touchpoints(uow, [*odd, item])
        assert (found.accepted, found.ignored) == (1, 4)

    def test_limits(self, uow: UnitOfWork) -> None:
        with pytest.raises(TooMany, match="batch_too_large"):
            record_touchpoints(uow, [TouchpointIn(uuid7(), "view", clock.now(), uuid7())] * 101)
        with pytest.raises(Invalid, match="touchpoint_kind_unknown"):
            record_touchpoints(uow, [TouchpointIn(uuid7(), "stare", clock.now(), uuid7())])

    def test_a_visitor_leaves_a_trace_that_no_organization_owns(self, uow: UnitOfWork) -> None:
        seller, buyer, item = self.seen(uow)
        with acting(uow, ANONYMOUS):
            assert record_touchpoints(uow, [item], anonymous_id="abc").accepted == 1
        with acting(uow, buyer.owner):
            assert record_touchpoints(uow, [item]).accepted == 0
        with acting(uow, seller.owner):
            assert get_reach(uow, video_of(item)).card_clicks == 1

    def test_orders_read_their_own_organizations_history_only(self, uow: UnitOfWork) -> None:
        seller, buyer, item = self.seen(uow)
        listing_id = get_own_listing_id(uow, seller)
        since = clock.now() - timedelta(days=30)
        with acting(uow, buyer.owner):
            record_touchpoints(uow, [item])
            (fact,) = touchpoints_for(uow, buyer.id, listing_id, since)
            assert (fact.kind, fact.placement_id) == ("card_click", item.placement_id)
            assert [card.id for card in placements_of_listing(uow, listing_id, [video_of(item)])] == [item.placement_id]
        with acting(uow, seller.owner):
            assert touchpoints_for(uow, buyer.id, listing_id, since) == []

    def test_a_click_of_a_clock_that_runs_ahead_counts_before_the_purchase_that_follows(self, uow: UnitOfWork) -> None:
        _, buyer, item = self.seen(uow)
        with acting(uow, buyer.owner):
            record_touchpoints(uow, [replace(item, occurred_at=clock.now() + timedelta(minutes=4))])
            listing_id = placements_listing(uow, item)
            (fact,) = touchpoints_for(uow, buyer.id, listing_id, clock.now() - timedelta(days=1))
        assert fact.occurred_at <= clock.now()

    def test_a_share_link_carries_its_sharer(self, uow: UnitOfWork) -> None:
        seller, buyer, item = self.seen(uow)
        friend = make_org(uow)
        with acting(uow, friend.owner):
            code = share_video(uow, video_of(item))
            assert share_video(uow, video_of(item)) == code
        with acting(uow, buyer.owner):
            shared = TouchpointIn(uuid7(), "impression", clock.now(), item.video_id, share_code=code)
            record_touchpoints(uow, [shared, item])
            listing_id = placements_listing(uow, item)
            facts = touchpoints_for(uow, buyer.id, listing_id, clock.now() - timedelta(days=1))
            assert {fact.sharer_org_id for fact in facts} == {friend.id, None}
            assert find_sharer(uow, code, video_of(item), None) == (
                friend.id,
                next(one.share_link_id for one in facts if one.share_link_id),
            )
            assert find_sharer(uow, code, uuid7(), None) == NOBODY
            assert find_sharer(uow, "nonsense", video_of(item), None) == NOBODY
        assert seller.id != friend.id


class TestFeed:
    def test_pages_do_not_overlap_and_words_are_found(self, uow: UnitOfWork) -> None:
        seller = make_seller(uow)
        (plan,) = make_plans(uow, seller)
        word = f"校招{uuid7().hex[-12:]}"  # what other tests published is not found
        made = [make_published_video(uow, seller, plan, title=f"用一块屏管完{word}")[0] for _ in range(3)]
        with acting(uow, ANONYMOUS):
            first = list_feed(uow, limit=2, query=word)
            second = list_feed(uow, limit=2, query=word, cursor=first.next_cursor)
            assert list_feed(uow, query="100%_nothing").items == []
        ids = [item.id for item in (*first.items, *second.items)]
        assert len(set(ids)) == len(ids)
        assert [video.id for video in reversed(made)] == ids

    def test_following_is_ones_own(self, uow: UnitOfWork) -> None:
        seller, buyer = make_seller(uow), make_org(uow)
        (plan,) = make_plans(uow, seller)
        video, _ = make_published_video(uow, seller, plan)
        with acting(uow, buyer.owner):
            follow_channel(uow, video.channel_id)
            follow_channel(uow, video.channel_id)
            assert get_channel(uow, video.channel_id).followed
            assert [item.id for item in list_feed(uow, followed_only=True).items] == [video.id]
            unfollow_channel(uow, video.channel_id)
            assert list_feed(uow, followed_only=True).items == []
        with acting(uow, seller.owner):
            assert [row.views for row in list_own_videos(uow).items] == [0]


def get_own_listing_id(uow: UnitOfWork, seller: Org) -> UUID:
    from marketplace.catalog.queries import list_own_listings

    with acting(uow, seller.owner):
        return list_own_listings(uow).items[0].id


def placements_listing(uow: UnitOfWork, item: TouchpointIn) -> UUID:
    return get_feed_item(uow, video_of(item)).cards[0].listing_id


def video_of(item: TouchpointIn) -> UUID:
    """What was watched; a live stream is none."""
    assert item.video_id is not None
    return item.video_id
