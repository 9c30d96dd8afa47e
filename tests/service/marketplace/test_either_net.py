"""Two nets keep organizations apart, the queries and row level security; each alone must hold."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from sqlalchemy import text

from kernel.db.uow import UnitOfWork
from kernel.errors import Forbidden, NotFound
from kernel.principal import ANONYMOUS, Principal, PrincipalKind
from marketplace.access.api_keys import MintApiKey, list_api_keys, mint_api_key, revoke_api_key
from marketplace.access.members import list_members
from marketplace.attribution import facts
from marketplace.catalog import sellable
from marketplace.catalog.draft_listing import DraftListing, ReviseListing, draft_listing, revise_listing
from marketplace.catalog.queries import get_listing, get_own_listing, list_own_listings, list_versions
from marketplace.catalog.review_listing import connect_plan, retire_listing, withdraw_plan
from marketplace.catalog.submit_listing import submit_listing
from marketplace.discovery import claims
from marketplace.discovery.feed import get_feed_item, list_feed
from marketplace.onboarding.queries import find_acceptance, find_document, get_checklist, list_payout_accounts
from marketplace.parties import lookups
from marketplace.parties.models import BillingProfile
from marketplace.parties.queries import list_billing_profiles
from marketplace.parties.save_billing_profile import SaveBillingProfile, retire_billing_profile, save_billing_profile
from marketplace.publishing.change_visibility import ChangeVisibility, change_visibility
from marketplace.publishing.publish_video import withdraw_video
from marketplace.publishing.queries import get_own_video, list_own_videos
from marketplace.videos.media.receive_media import check_uploadable
from marketplace.videos.queries import find_media
from tests.factories_marketplace import (
    acting,
    make_channel,
    make_org,
    make_plans,
    make_published_video,
    make_ready_video,
    make_seller,
    per_seat_plan,
    words,
)

PRIVATE = "billing_profile seller_onboarding member session api_key follow share_link".split()
PRIVATE += "video_like media_upload comment content_report product_question".split()
PRIVATE += "response_card card_response card_day".split()
PRIVATE += "training training_video training_member watched_video".split()
PRIVATE += "legal_proof payout_account agreement_acceptance".split()
HELD = "billing_profile member api_key video listing listing_version plan".split()
HELD += "legal_proof payout_account agreement_acceptance".split()
"""What the owner of the tests has."""
DRAFTS = "video listing listing_version plan placement claim".split()


@pytest.fixture
def stranger(uow: UnitOfWork) -> Principal:
    return make_org(uow, seller=True).owner


@pytest.fixture
def owner(uow: UnitOfWork) -> Principal:
    """A seller with drafts of everything, and nothing published."""
    seller = make_seller(uow)
    with acting(uow, seller.owner):
        draft_listing(uow, DraftListing("saas", "hr", "secret-plan", words("机密"), (per_seat_plan(),)))
        mint_api_key(uow, MintApiKey("erp", ["orders.read"]))
    make_ready_video(uow, seller, visibility="internal")
    return seller.owner


class TestRowLevelSecurityAlone:
    @pytest.mark.parametrize("table", [*PRIVATE, *DRAFTS])
    def test_nothing_of_another_organization_comes_back(
        self, uow: UnitOfWork, owner: Principal, stranger: Principal, table: str
    ) -> None:
        statement = text(f"SELECT count(*) FROM marketplace.{table} WHERE org_id = :org")
        if table in {
            "legal_proof",
            "payout_account",
            "agreement_acceptance",
            "billing_profile",
            "member",
            "api_key",
            "video",
            "listing",
            "listing_version",
            "plan",
        }:
            with acting(uow, owner):
                assert uow.session.scalar(statement, {"org": owner.org_id}), "the owner sees its own"
        for principal in (stranger, ANONYMOUS):
            with acting(uow, principal):
                assert uow.session.scalar(statement, {"org": owner.org_id}) == 0

    def test_a_video_for_partners_is_theirs_and_its_owners(
        self, uow: UnitOfWork, owner: Principal, stranger: Principal
    ) -> None:
        partner = make_org(uow)
        with acting(uow, owner):
            video = list_own_videos(uow).items[0].id
            change_visibility(uow, ChangeVisibility(video, "partners", [partner.id]))
        statement = text("SELECT count(*) FROM marketplace.video WHERE id = :id")
        for state, shown in (("ready", 0), ("published", 1)):
            uow.session.execute(
                text("UPDATE marketplace.video SET state = :state WHERE id = :id"), {"state": state, "id": video}
            )
            for principal, count in ((owner, 1), (partner.owner, shown), (stranger, 0), (ANONYMOUS, 0)):
                with acting(uow, principal):
                    assert uow.session.scalar(statement, {"id": video}) == count
        with unguarded(uow, stranger), pytest.raises(NotFound):
            get_feed_item(uow, video)

    def test_people_of_other_organizations_are_not_there(
        self, uow: UnitOfWork, owner: Principal, stranger: Principal
    ) -> None:
        statement = text("SELECT count(*) FROM marketplace.person WHERE id = :id")
        for principal, count in ((owner, 1), (stranger, 0), (ANONYMOUS, 0)):
            with acting(uow, principal):
                assert uow.session.scalar(statement, {"id": owner.person_id}) == count

    def test_a_buyer_organization_is_known_to_itself_alone(self, uow: UnitOfWork, stranger: Principal) -> None:
        buyer = make_org(uow)
        statement = text("SELECT count(*) FROM marketplace.organization WHERE id = :id")
        for principal, count in ((buyer.owner, 1), (stranger, 0), (ANONYMOUS, 0)):
            with acting(uow, principal):
                assert uow.session.scalar(statement, {"id": buyer.id}) == count

    def test_writing_into_another_organization_is_refused(
        self, uow: UnitOfWork, owner: Principal, stranger: Principal
    ) -> None:
        with acting(uow, stranger):
            changed = uow.session.execute(
                text("UPDATE marketplace.video SET title = 'x' WHERE org_id = :org RETURNING id"),
                {"org": owner.org_id},
            )
            assert changed.all() == []


class TestQueriesAlone:
    """The second net is lifted: the session may read every row, and only the questions keep the answer narrow."""

    def test_lists_hold_only_ones_own(self, uow: UnitOfWork, owner: Principal, stranger: Principal) -> None:
        with unguarded(uow, stranger):
            assert list_own_videos(uow).items == []
            assert list_own_listings(uow).items == []
            assert list_api_keys(uow) == []
            assert {row.person_id for row in list_members(uow)} == {stranger.person_id}
            assert {row.org_id for row in list_billing_profiles(uow)} == {stranger.org_id}
            assert get_checklist(uow).org_id == stranger.org_id
            assert list_payout_accounts(uow) == []
            assert find_acceptance(uow) is None
            assert owner.org_id not in {item.org_id for item in list_feed(uow, limit=100).items}

    def test_single_things_are_not_found(self, uow: UnitOfWork, owner: Principal, stranger: Principal) -> None:
        with acting(uow, owner):
            video = list_own_videos(uow).items[0].id
            listing = list_own_listings(uow).items[0]
            plan = listing.plans[0].id
            key = list_api_keys(uow)[0].id
            profile = list_billing_profiles(uow)[0].id
            proof = get_checklist(uow).legal_proof
            assert proof is not None
            proof_id = proof.id
        attempts: list[Callable[[], object]] = [
            lambda: get_feed_item(uow, video),
            lambda: get_own_video(uow, video),
            lambda: find_media(uow, video),
            lambda: check_uploadable(uow, video),
            lambda: withdraw_video(uow, video),
            lambda: get_listing(uow, listing.id),
            lambda: get_own_listing(uow, listing.id),
            lambda: list_versions(uow, listing.id),
            lambda: submit_listing(uow, listing.id),
            lambda: retire_listing(uow, listing.id),
            lambda: revise_listing(uow, ReviseListing(listing.id, words())),
            lambda: withdraw_plan(uow, plan),
            lambda: connect_plan(uow, plan, video),
            lambda: sellable.get_sellable(uow, plan),
            lambda: lookups.get_billing_profile(uow, profile),
            lambda: revoke_api_key(uow, key),
            lambda: find_document(uow, proof_id),
            lambda: save_billing_profile(
                uow, SaveBillingProfile("名", "91330106MA2CF9B3RJ", "CN", "", "a@example.test", id=profile)
            ),
        ]
        with unguarded(uow, stranger):
            for attempt in attempts:
                with pytest.raises(NotFound):
                    attempt()
            assert lookups.find_default_billing_profile(uow, owner.organization()) is None

    def test_a_buyers_identity_is_not_told(self, uow: UnitOfWork, stranger: Principal) -> None:
        buyer = make_org(uow)
        with unguarded(uow, stranger), pytest.raises(NotFound):
            lookups.get_party(uow, buyer.id)

    def test_claims_of_what_one_may_not_see(self, uow: UnitOfWork, stranger: Principal) -> None:
        seller = make_seller(uow)
        (plan,) = make_plans(uow, seller)
        video, _ = make_published_video(uow, seller, plan, visibility="internal")
        with unguarded(uow, stranger):
            assert claims.claims_of(uow, video.id, plan.id) == []
            assert facts.placements_of_listing(uow, plan.listing_id, [video.id]) == []


class TestAcrossOrganizations:
    def test_a_video_goes_on_ones_own_channel_only(self, uow: UnitOfWork, stranger: Principal) -> None:
        from marketplace.videos.create_video import CreateVideo, create_video

        channel = make_channel(uow, make_org(uow))
        with unguarded(uow, stranger), pytest.raises(NotFound, match="channel_not_found"):
            create_video(uow, CreateVideo(channel.id, "标题"))

    def test_one_default_profile_at_a_time(self, uow: UnitOfWork) -> None:
        org = make_org(uow)
        with acting(uow, org.owner):
            added = save_billing_profile(
                uow, SaveBillingProfile("分公司", "91310115MA1K4A2X1N", "CN", "上海", "f@example.test", is_default=True)
            )
            defaults = [row.id for row in list_billing_profiles(uow) if row.is_default]
            assert defaults == [added.id]
            assert uow.session.get_one(BillingProfile, added.id).bank_account_masked is None

    def test_a_title_that_is_there_already_is_not_added_again(self, uow: UnitOfWork) -> None:
        """The back button, or a second window, sends the same form again."""
        org = make_org(uow)
        wanted = SaveBillingProfile("分公司", "91310115MA1K4A2X1N", "CN", "上海", "f@example.test")
        with acting(uow, org.owner):
            first, again = (save_billing_profile(uow, wanted).id for _ in range(2))
            other = save_billing_profile(uow, replace(wanted, recipient="财务部")).id
            assert (first == again, first == other) == (True, False)
            retire_billing_profile(uow, first)
            assert save_billing_profile(uow, wanted).id not in {first, other}

    def test_a_key_acts_for_no_person(self, uow: UnitOfWork) -> None:
        org = make_org(uow)
        key = Principal(PrincipalKind.API_KEY, org.id, permissions=org.owner.permissions)
        with acting(uow, key), pytest.raises(Forbidden, match="person_required"):
            mint_api_key(uow, MintApiKey("another", ["orders.read"]))


class unguarded:  # noqa: N801 - reads like the context managers beside it
    """Act as `principal` while the database shows every row."""

    def __init__(self, uow: UnitOfWork, principal: Principal) -> None:
        self._uow, self._principal, self._before = uow, principal, uow.principal

    def __enter__(self) -> None:
        self._uow.flush()
        self._uow.principal = self._principal
        self._uow.session.execute(text("SELECT set_config('app.platform', 'on', true)"))

    def __exit__(self, *_: object) -> None:
        self._uow.principal = self._before
