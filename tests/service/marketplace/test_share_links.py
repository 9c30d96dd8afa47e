"""Links to products and channels: of one person each, and of what that person may see."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel.db.uow import UnitOfWork
from kernel.errors import Forbidden, NotFound
from kernel.ids import uuid7
from kernel.principal import ANONYMOUS
from marketplace.publishing.show_listing import ShowListing, show_listing
from marketplace.relations.partner_groups import PartnerGroups
from marketplace.sharing.share_links import (
    SharedBy,
    find_own_code,
    find_share_link,
    share_channel,
    share_listing,
    share_video,
)
from tests.factories_marketplace import acting, make_member, make_org, make_plans, make_published_video, make_seller

SHARES = {"video": share_video, "listing": share_listing, "channel": share_channel}


@pytest.mark.parametrize("kind", ["video", "listing", "channel"])
def test_each_person_has_one_of_each(uow: UnitOfWork, kind: str) -> None:
    seller = make_seller(uow)
    (plan,) = make_plans(uow, seller)
    video, _ = make_published_video(uow, seller, plan)
    subject = {"video": video.id, "listing": plan.listing_id, "channel": video.channel_id}[kind]
    org = make_org(uow)
    codes = []
    for who in (org.owner, make_member(uow, org, "viewer"), make_org(uow).owner):
        with acting(uow, who):
            assert find_own_code(uow, kind, subject) is None  # type: ignore[arg-type]
            code = SHARES[kind](uow, subject)
            assert SHARES[kind](uow, subject) == code
            assert find_own_code(uow, kind, subject) == code  # type: ignore[arg-type]
            codes.append((code, who.org_id))
    assert len(set(codes)) == 3
    with acting(uow, ANONYMOUS):
        for code, org_id in codes:
            link = find_share_link(uow, code)
            assert link is not None
            assert (link.org_id, link.kind, link.subject_id) == (org_id, kind, subject)
        assert find_share_link(uow, "nobodys") is None
        with pytest.raises(Forbidden):
            SHARES[kind](uow, subject)
    with acting(uow, org.owner), pytest.raises(NotFound, match=f"{kind}_not_found"):
        SHARES[kind](uow, uuid7())


def test_what_one_may_not_see_is_not_sent_on(uow: UnitOfWork) -> None:
    seller = make_seller(uow)
    (plan,) = make_plans(uow, seller)
    with acting(uow, seller.owner):
        show_listing(uow, ShowListing(plan.listing_id, "partners", PartnerGroups(everybody=True)))
        assert share_listing(uow, plan.listing_id)
    with acting(uow, make_org(uow).owner), pytest.raises(NotFound, match="listing_not_found"):
        share_listing(uow, plan.listing_id)


@given(st.sampled_from(["video", "listing", "channel"]), st.integers(0, 2), st.integers(0, 2), st.integers(0, 2))
def test_a_link_leads_to_its_own_and_to_nothing_else(kind: str, subject: int, video: int, channel: int) -> None:
    ids = [uuid7(), uuid7(), uuid7()]
    link = SharedBy(uuid7(), uuid7(), kind, ids[subject])  # type: ignore[arg-type]
    expected = {"video": subject == video, "channel": subject == channel, "listing": False}[kind]
    assert link.leads_to(ids[video], ids[channel]) is expected
    assert link.is_of("listing", ids[video]) is (kind == "listing" and subject == video)
    assert not link.leads_to(None, None)
