"""Attribution: the rule on examples, and what must hold for any history."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from marketplace.attribution.attribute import (
    QUALIFIED_VIEW_MS,
    WINDOW,
    AttributionResult,
    ContextHint,
    LiveTouch,
    PlacementFact,
    TouchpointFact,
    attribute,
)

NOW = datetime(2026, 11, 22, 4, 0, tzinfo=UTC)
BUYER, SELLER, CHANNEL, SHARER = (UUID(int=number) for number in (1, 2, 3, 4))
VIDEO, OTHER = UUID(int=10), UUID(int=11)
PLACED = NOW - 2 * WINDOW
CARD = PlacementFact(UUID(int=20), VIDEO, CHANNEL, 3_000, 14_000, PLACED)
OTHER_CARD = PlacementFact(UUID(int=21), OTHER, SELLER, 0, 9_000, PLACED)
CARDS = (CARD, OTHER_CARD)


def touch(number: int, kind: str, minutes_ago: int, **more: object) -> TouchpointFact:
    base = TouchpointFact(UUID(int=100 + number), kind, NOW - timedelta(minutes=minutes_ago), VIDEO)
    return replace(base, **more)  # type: ignore[arg-type]


def decide(*touches: TouchpointFact, hint: ContextHint | None = None) -> AttributionResult:
    return attribute(touches, CARDS, NOW, buyer_org_id=BUYER, seller_org_id=SELLER, hint=hint)


def click(number: int, minutes_ago: int, **more: object) -> TouchpointFact:
    return touch(number, "card_click", minutes_ago, **({"placement_id": CARD.id, "second_ms": 7_000} | more))


def view(number: int, minutes_ago: int, watched_ms: int = QUALIFIED_VIEW_MS, **more: object) -> TouchpointFact:
    return touch(number, "view", minutes_ago, watched_ms=watched_ms, **more)


HOST = UUID(int=5)
ROOM = LiveTouch(UUID(int=30), None, UUID(int=31), HOST)


def live(kind: str, number: int, minutes_ago: int, **more: object) -> TouchpointFact:
    return touch(number, kind, minutes_ago, **({"video_id": None, "live": ROOM} | more))


class TestTheRule:
    def test_the_last_card_click_wins_even_over_a_later_view(self) -> None:
        found = decide(click(1, 60), click(2, 30, second_ms=9_000), view(3, 5))
        assert (found.rule, found.second_ms, found.placement_id) == ("last_click", 9_000, CARD.id)
        assert found.promoter_org_id == CHANNEL
        assert len(found.path) == 3

    def test_without_a_click_the_last_long_view_wins(self) -> None:
        found = decide(view(1, 60), view(2, 30), view(3, 5, QUALIFIED_VIEW_MS - 1))
        assert (found.rule, found.touchpoint_id) == ("last_view", UUID(int=102))

    def test_a_view_before_the_card_was_there_or_after_it_was_gone_does_not_count(self) -> None:
        late = replace(CARD, placed_at=NOW - timedelta(minutes=45))
        gone = replace(CARD, removed_at=NOW - timedelta(minutes=45))
        for card, minutes_ago, rule in (
            (late, 60, "none"),
            (late, 30, "last_view"),
            (gone, 60, "last_view"),
            (gone, 30, "none"),
        ):
            found = attribute([view(1, minutes_ago)], (card,), NOW, buyer_org_id=BUYER, seller_org_id=SELLER)
            assert found.rule == rule, (card, minutes_ago)

    def test_nothing_meant_anything(self) -> None:
        found = decide(touch(1, "impression", 1), view(2, 2, 1_000))
        assert (found.rule, found.video_id, found.promoter_org_id) == ("none", None, None)
        assert len(found.path) == 2

    def test_the_window_ends_to_the_instant(self) -> None:
        minutes = int(WINDOW.total_seconds()) // 60
        assert decide(click(1, minutes)).rule == "last_click"
        assert decide(click(1, minutes + 1)).rule == "none"
        assert decide(click(1, -1)).rule == "none"

    def test_a_click_on_another_listings_card_does_not_count(self) -> None:
        assert decide(click(1, 5, placement_id=UUID(int=99))).rule == "none"
        assert decide(click(1, 5, placement_id=OTHER_CARD.id)).rule == "none"

    def test_a_video_without_the_listing_is_not_even_on_the_path(self) -> None:
        found = decide(view(1, 5, video_id=UUID(int=77)))
        assert (found.rule, found.path) == ("none", ())


class TestTheRoom:
    """What was clicked or watched in a live room counts after it was left."""

    def test_the_last_click_wins_wherever_it_was(self) -> None:
        found = decide(click(1, 60), live("card_click", 2, 30, second_ms=95_000), view(3, 5))
        assert (found.rule, found.touchpoint_id, found.second_ms) == ("last_click", UUID(int=102), 95_000)
        assert (found.live_session_id, found.live_channel_id) == (ROOM.session_id, ROOM.channel_id)
        assert (found.video_id, found.placement_id, found.promoter_org_id) == (None, None, HOST)
        assert [step.live_session_id for step in found.path] == [None, ROOM.session_id, None]
        later = decide(live("card_click", 2, 30), click(1, 20))
        assert (later.video_id, later.live_session_id, later.live_channel_id) == (VIDEO, None, None)

    def test_what_was_explained_long_enough_was_watched(self) -> None:
        assert decide(live("view", 1, 5, watched_ms=QUALIFIED_VIEW_MS - 1)).rule == "none"
        found = decide(live("view", 1, 5, watched_ms=QUALIFIED_VIEW_MS), view(2, 9))
        assert (found.rule, found.live_session_id) == ("last_view", ROOM.session_id)

    def test_a_host_earns_nothing_of_itself(self) -> None:
        for own in (BUYER, SELLER):
            found = decide(live("card_click", 1, 5, live=replace(ROOM, channel_org_id=own)))
            assert (found.live_session_id, found.promoter_org_id) == (ROOM.session_id, None)

    def test_a_film_is_named_where_it_had_one(self) -> None:
        assert decide(live("card_click", 1, 5, live=replace(ROOM, video_id=OTHER))).video_id == OTHER


PRODUCT, CHANNEL_ID, LINK = UUID(int=50), UUID(int=51), UUID(int=44)
OF_CHANNEL = tuple(replace(card, channel_id=CHANNEL_ID) for card in CARDS)


def arrival(number: int, minutes_ago: int, **more: object) -> TouchpointFact:
    """By a member's link to the product; to a channel, where that is named."""
    link = {"video_id": None, "sharer_org_id": SHARER, "share_link_id": LINK, "listing_id": PRODUCT}
    return touch(number, "arrival", minutes_ago, **(link | more))


def to_channel(number: int, minutes_ago: int, **more: object) -> TouchpointFact:
    return arrival(number, minutes_ago, **({"listing_id": None, "channel_id": CHANNEL_ID} | more))


def decide_in_channel(*touches: TouchpointFact, hint: ContextHint | None = None) -> AttributionResult:
    return attribute(touches, OF_CHANNEL, NOW, buyer_org_id=BUYER, seller_org_id=SELLER, hint=hint)


class TestTheProductsLink:
    """Whoever follows a member's link to the product has clicked on it."""

    def test_it_is_a_click_of_no_video(self) -> None:
        found = decide(arrival(1, 5))
        assert (found.rule, found.touchpoint_id, found.touched_at) == (
            "last_click",
            UUID(int=101),
            NOW - timedelta(minutes=5),
        )
        assert (found.promoter_org_id, found.share_link_id) == (SHARER, LINK)
        assert (found.video_id, found.placement_id, found.second_ms, found.live_session_id) == (None, None, None, None)
        assert [step.listing_id for step in found.path] == [PRODUCT]

    def test_the_last_click_wins_whichever_it_is(self) -> None:
        assert decide(click(1, 60), arrival(2, 30), view(3, 5)).share_link_id == LINK
        found = decide(arrival(1, 60), click(2, 30))
        assert (found.video_id, found.promoter_org_id, found.share_link_id) == (VIDEO, CHANNEL, None)
        assert decide(live("card_click", 1, 60), arrival(2, 30)).live_session_id is None
        assert decide(view(1, 5), arrival(2, 60)).rule == "last_click"

    def test_a_link_of_either_side_leads_nobody(self) -> None:
        for own in (BUYER, SELLER):
            assert decide(arrival(1, 5, sharer_org_id=own)).rule == "none"
            assert decide(click(1, 9), arrival(2, 5, sharer_org_id=own)).promoter_org_id == CHANNEL
            assert decide(arrival(1, 9), arrival(2, 5, sharer_org_id=own)).promoter_org_id == SHARER

    def test_too_long_ago_it_counts_nothing(self) -> None:
        minutes = int(WINDOW.total_seconds()) // 60
        assert decide(arrival(1, minutes)).rule == "last_click"
        assert decide(arrival(1, minutes + 1)).rule == "none"

    def test_a_purchase_that_carries_it_names_it(self) -> None:
        found = decide(click(1, 5), hint=ContextHint(None, None, 0, SHARER, LINK))
        assert (found.rule, found.promoter_org_id, found.share_link_id) == ("context", SHARER, LINK)
        assert (found.video_id, found.second_ms, found.touched_at) == (None, None, NOW)
        found = decide(click(1, 5), hint=ContextHint(None, None, 0, BUYER, LINK))
        assert (found.rule, found.promoter_org_id) == ("last_click", CHANNEL)


class TestTheChannelsLink:
    """Whoever follows a member's link to a channel was led there: it counts with what the channel's videos sell."""

    def test_by_itself_it_sells_nothing(self) -> None:
        found = decide_in_channel(to_channel(1, 5))
        assert (found.rule, found.promoter_org_id) == ("none", None)
        assert [step.channel_id for step in found.path] == [CHANNEL_ID]

    def test_it_carries_the_sharer_to_a_click_or_view_of_the_channels_videos(self) -> None:
        for touched in (click(2, 5), view(2, 5)):
            found = decide_in_channel(to_channel(1, 30), touched)
            assert (found.video_id, found.promoter_org_id, found.share_link_id) == (VIDEO, SHARER, LINK)
        found = decide_in_channel(to_channel(1, 30), hint=ContextHint(VIDEO, CARD.id, 8_000))
        assert (found.rule, found.promoter_org_id, found.share_link_id) == ("context", SHARER, LINK)

    def test_after_the_click_it_changes_nothing(self) -> None:
        assert decide_in_channel(click(1, 30), to_channel(2, 5)).promoter_org_id == CHANNEL

    def test_of_another_channel_it_is_not_even_on_the_path(self) -> None:
        found = decide_in_channel(to_channel(1, 30, channel_id=UUID(int=52)), click(2, 5))
        assert (found.promoter_org_id, len(found.path)) == (CHANNEL, 1)

    def test_the_latest_link_counts(self) -> None:
        other = UUID(int=6)
        video = touch(2, "impression", 20, sharer_org_id=other, share_link_id=UUID(int=45))
        assert decide_in_channel(to_channel(1, 30), video, click(3, 5)).promoter_org_id == other
        assert decide_in_channel(video, to_channel(1, 10), click(3, 5)).promoter_org_id == SHARER

    def test_a_link_of_either_side_leaves_it_to_the_channel(self) -> None:
        for own in (BUYER, SELLER):
            assert decide_in_channel(to_channel(1, 30, sharer_org_id=own), click(2, 5)).promoter_org_id == CHANNEL


class TestThePromoter:
    def test_whoever_shared_the_link_comes_before_the_channel(self) -> None:
        assert decide(click(1, 5, sharer_org_id=SHARER)).promoter_org_id == SHARER
        arrived = touch(0, "impression", 9, sharer_org_id=SHARER)
        assert decide(arrived, click(1, 5)).promoter_org_id == SHARER

    def test_a_link_used_after_the_click_changes_nothing(self) -> None:
        assert decide(click(1, 5), touch(2, "impression", 1, sharer_org_id=SHARER)).promoter_org_id == CHANNEL

    def test_nobody_is_paid_for_their_own_purchase_or_their_own_product(self) -> None:
        assert decide(click(1, 5, sharer_org_id=BUYER)).promoter_org_id == CHANNEL
        assert decide(click(1, 5, video_id=OTHER, placement_id=OTHER_CARD.id)).promoter_org_id is None
        cards = (replace(CARD, channel_org_id=BUYER),)
        found = attribute([click(1, 5)], cards, NOW, buyer_org_id=BUYER, seller_org_id=SELLER)
        assert (found.rule, found.promoter_org_id) == ("last_click", None)


class TestTheContext:
    def test_a_purchase_made_inside_the_player_names_its_video(self) -> None:
        found = decide(click(1, 5), hint=ContextHint(VIDEO, CARD.id, 8_000))
        assert (found.rule, found.second_ms, found.touched_at) == ("context", 8_000, NOW)

    def test_an_inconsistent_context_is_ignored(self) -> None:
        for hint in (
            ContextHint(VIDEO, OTHER_CARD.id, 8_000),
            ContextHint(VIDEO, CARD.id, 90_000),
            ContextHint(UUID(int=77), None, 8_000),
        ):
            assert decide(hint=hint).rule == "none"

    def test_a_context_without_a_card_takes_the_one_showing(self) -> None:
        assert decide(hint=ContextHint(VIDEO, None, 8_000)).placement_id == CARD.id


touches = st.lists(
    st.builds(
        live,
        st.sampled_from(["view", "card_click"]),
        st.integers(0, 30),
        st.integers(-10, 60 * 24 * 40),
        watched_ms=st.integers(0, 60_000),
        live=st.sampled_from([ROOM, replace(ROOM, channel_org_id=BUYER)]),
    )
    | st.builds(
        arrival,
        st.integers(0, 30),
        st.integers(-10, 60 * 24 * 40),
        sharer_org_id=st.sampled_from([SHARER, BUYER, SELLER]),
        listing_id=st.sampled_from([None, PRODUCT]),
        channel_id=st.sampled_from([CHANNEL_ID, UUID(int=52)]),
    ).map(lambda one: replace(one, channel_id=None) if one.listing_id else one)
    | st.builds(
        touch,
        st.integers(0, 30),
        st.sampled_from(["impression", "view", "card_click", "share", "lead", "arrival"]),
        st.integers(-10, 60 * 24 * 40),
        video_id=st.sampled_from([VIDEO, OTHER, UUID(int=77)]),
        placement_id=st.sampled_from([None, CARD.id, OTHER_CARD.id]),
        watched_ms=st.integers(0, 60_000),
        sharer_org_id=st.sampled_from([None, SHARER, BUYER, SELLER]),
    ),
    max_size=12,
)


@given(touches, st.integers(0, 1000))
def test_the_order_of_arrival_does_not_matter(history: list[TouchpointFact], seed: int) -> None:
    unique = list({item.id: item for item in history}.values())
    shuffled = list(unique)
    random.Random(seed).shuffle(shuffled)
    assert decide(*unique) == decide(*shuffled)


@given(touches)
def test_the_answer_is_always_a_touch_inside_the_window_or_none(history: list[TouchpointFact]) -> None:
    found = decide(*history)
    assert found.promoter_org_id not in {BUYER, SELLER}
    if found.rule == "none":
        assert found == AttributionResult("none", path=found.path)
        return
    assert found.touched_at is not None
    assert NOW - WINDOW <= found.touched_at <= NOW
    assert found.touchpoint_id in {item.id for item in history}
    assert all(NOW - WINDOW <= step.occurred_at <= NOW for step in found.path)


@given(touches)
def test_a_later_short_view_never_takes_a_sale_away(history: list[TouchpointFact]) -> None:
    before = decide(*history)
    after = decide(*history, touch(999, "view", 0, watched_ms=QUALIFIED_VIEW_MS - 1))
    assert (before.rule, before.touchpoint_id) == (after.rule, after.touchpoint_id)


@given(touches, st.sampled_from([None, SHARER, BUYER]))
def test_a_link_is_named_where_its_organization_is_paid(history: list[TouchpointFact], hinted: UUID | None) -> None:
    """Each organization here has one link: whoever is paid by the link is named with it, a channel with none."""
    links = {None: None, SHARER: UUID(int=41), BUYER: UUID(int=42), SELLER: UUID(int=43)}
    told = [replace(one, share_link_id=links[one.sharer_org_id]) for one in history]
    hint = ContextHint(VIDEO, CARD.id, 8_000, hinted, links[hinted])
    product = ContextHint(None, None, 0, hinted, links[hinted])
    for found in (decide(*told), decide_in_channel(*told), decide(*told, hint=hint), decide(*told, hint=product)):
        assert (found.share_link_id is not None) == (found.promoter_org_id == SHARER)
        assert found.share_link_id in {None, links[SHARER]}


@given(touches)
def test_an_arrival_sells_nothing_by_itself(history: list[TouchpointFact]) -> None:
    """But at the product."""
    arrivals = [replace(one, kind="arrival", sharer_org_id=SHARER, listing_id=None) for one in history]
    assert decide_in_channel(*arrivals).rule == "none"
