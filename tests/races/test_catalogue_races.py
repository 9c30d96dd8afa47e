"""Races over videos: one link a sharer, and nothing published that its claims contradict."""

from __future__ import annotations

from functools import partial

import pytest

from kernel.db.uow import Database, transact, unit_of_work
from kernel.principal import SYSTEM
from marketplace.publishing.edit_placements import AddClaim, AddPlacement, add_claim, add_placement
from marketplace.publishing.publish_video import publish_video
from marketplace.sharing.share_links import share_channel, share_listing, share_video
from tests.factories_marketplace import (
    make_member,
    make_org,
    make_plans,
    make_published_video,
    make_ready_video,
    make_seller,
)
from tests.races.crowd import at_once, in_rounds

pytestmark = pytest.mark.races


@in_rounds
def test_one_sharer_at_many_screens_has_one_link(db: Database) -> None:
    with unit_of_work(db, SYSTEM) as uow:
        seller = make_seller(uow)
        (plan,) = make_plans(uow, seller)
        video, _ = make_published_video(uow, seller, plan)
        friend = make_member(uow, make_org(uow), "viewer")
        listing_id, channel_id = plan.listing_id, video.channel_id
    for share in (
        lambda uow: share_video(uow, video.id),
        lambda uow: share_listing(uow, listing_id),
        lambda uow: share_channel(uow, channel_id),
    ):
        codes = at_once([partial(transact, db, friend, share)] * 8)
        assert len(set(codes)) == 1


@in_rounds
def test_a_contradicting_claim_against_publication(db: Database) -> None:
    with unit_of_work(db, SYSTEM) as uow:
        seller = make_seller(uow)
        (plan,) = make_plans(uow, seller)
        video = make_ready_video(uow, seller)
    with unit_of_work(db, seller.owner) as uow:
        card = add_placement(uow, AddPlacement(video.id, plan.id, 0, 14_000))
    claim = AddClaim(card.id, "included_seats", 1_000, "含三十席", "30 seats included", value_int=30)

    def publish() -> str:
        transact(db, seller.owner, lambda uow: publish_video(uow, video.id))
        return "published"

    def promise() -> str:
        transact(db, seller.owner, lambda uow: add_claim(uow, claim))
        return "claimed"

    told = at_once([publish, promise])
    assert sorted(told) in (["claim_contradicts_plan", "claimed"], ["claim_contradicts_plan", "published"])
