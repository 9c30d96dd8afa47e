"""Videos and members between two that meet, in every order there is."""

from __future__ import annotations

import pytest

from kernel.db.uow import Database, transact, unit_of_work
from kernel.principal import SYSTEM
from marketplace.access.members import list_members, remove_member
from marketplace.publishing.edit_placements import AddClaim, AddPlacement, add_claim, add_placement
from marketplace.publishing.publish_video import publish_video
from marketplace.sharing.share_links import share_listing, share_video
from tests.factories_marketplace import (
    make_member,
    make_org,
    make_plans,
    make_published_video,
    make_ready_video,
    make_seller,
)
from tests.races.forced import every_order, every_order_of_twins, interleaved

pytestmark = pytest.mark.races


@every_order_of_twins
def test_one_sharer_has_one_link(db: Database, order: str) -> None:
    with unit_of_work(db, SYSTEM) as uow:
        seller = make_seller(uow)
        (plan,) = make_plans(uow, seller)
        video, _ = make_published_video(uow, seller, plan)
        friend = make_member(uow, make_org(uow), "viewer")

        listing_id = plan.listing_id

    def share() -> str:
        return transact(db, friend, lambda uow: share_video(uow, video.id))

    def share_product() -> str:
        return transact(db, friend, lambda uow: share_listing(uow, listing_id))

    for act in (share, share_product):
        first, second = interleaved(db, order, act, act)
        assert first == second


@every_order
def test_a_contradicting_claim_against_publication(db: Database, order: str) -> None:
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

    told = interleaved(db, order, publish, promise)
    assert told in (("published", "claim_contradicts_plan"), ("claim_contradicts_plan", "claimed"))


@every_order_of_twins
def test_two_owners_who_leave_at_once_leave_one(db: Database, order: str) -> None:
    with unit_of_work(db, SYSTEM) as uow:
        org = make_org(uow)
        other = make_member(uow, org, "owner")
    with unit_of_work(db, org.owner) as uow:
        members = {row.person_id: row.id for row in list_members(uow)}
    leave = [
        lambda owner=owner: transact(db, owner, lambda uow: remove_member(uow, members[owner.person()]))
        for owner in (org.owner, other)
    ]
    assert interleaved(db, order, *leave) == (None, "last_owner")
