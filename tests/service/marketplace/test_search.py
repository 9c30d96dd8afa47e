"""Search: what is found, in which order, by whom, and from which moment on."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

import pytest
from sqlalchemy import cast, update
from sqlalchemy.dialects.postgresql import TSVECTOR

from kernel.db.uow import Database, UnitOfWork, unit_of_work
from kernel.errors import Invalid
from kernel.ids import uuid7
from kernel.principal import ANONYMOUS, SYSTEM, Principal
from marketplace.catalog.draft_listing import ReviseListing, VersionText, revise_listing
from marketplace.catalog.listing_filter import ListingFilter
from marketplace.catalog.models import Listing, Plan
from marketplace.catalog.queries import list_listings
from marketplace.catalog.review_listing import (
    ReviewListing,
    resume_listing,
    retire_listing,
    review_listing,
    suspend_listing,
)
from marketplace.catalog.submit_listing import submit_listing
from marketplace.channels.open_channel import ChangeChannel, change_channel
from marketplace.discovery.feed import list_feed
from marketplace.discovery.index_anew import index_anew
from marketplace.discovery.search import SearchPage, search
from marketplace.publishing.publish_video import publish_video, withdraw_video
from marketplace.search_index.models import SearchEntry
from marketplace.videos.index_video import index_video
from tests.factories_marketplace import (
    OPERATOR_PRINCIPAL,
    Org,
    acting,
    make_channel,
    make_plans,
    make_published_video,
    make_seller,
    per_seat_plan,
    words,
)

Find = Callable[..., SearchPage]


@pytest.fixture
def seller(db: Database) -> Org:
    with unit_of_work(db, SYSTEM) as uow:
        return make_seller(uow, name=f"卖家{uuid7().hex[-8:]}")


@pytest.fixture
def find(db: Database) -> Find:
    """A search of its own transaction, by a visitor unless it is said who."""

    def found(text: str, principal: Principal = ANONYMOUS, **how: object) -> SearchPage:
        with unit_of_work(db, principal) as uow:
            return search(uow, text, **how)  # type: ignore[arg-type]  # as a test says

    return found


def name() -> str:
    """A Latin word that no other test uses."""
    return "q" + "".join("abcdefghij"[int(digit)] for digit in str(uuid7().int)[-12:])


def text_of(title: str, title_en: str = "Thing", summary: str = "一句话") -> VersionText:
    return VersionText(title, title_en, summary, "One sentence", "说明", "Description")


def product(db: Database, seller: Org, text: VersionText) -> UUID:
    with unit_of_work(db, SYSTEM) as uow:
        (plan,) = make_plans(uow, seller, text=text)
        return plan.listing_id


def ids(page: SearchPage) -> list[UUID]:
    found = [hit.product or hit.video or hit.channel for hit in page.items]
    return [one.id for one in found if one is not None]


class TestWords:
    @pytest.mark.parametrize("query", ["招聘", "专业版", "zhaopin", "zp", "zhaopinzhuanyeban", "RECRUIT", "ＨＲ"])
    def test_a_product_is_found_by(self, db: Database, seller: Org, find: Find, query: str) -> None:
        tag = name()
        listing_id = product(db, seller, text_of(f"招聘专业版 {tag}", "Recruiting Pro", "HR 的一块屏"))
        page = find(f"{query} {tag}")
        assert (ids(page), page.match) == ([listing_id], "exact")

    def test_every_word_must_be_there(self, db: Database, seller: Org, find: Find) -> None:
        tag = name()
        product(db, seller, text_of(f"招聘专业版 {tag}"))
        assert ids(find(f"财务 {tag}")) == []

    @pytest.mark.parametrize("query", ["zhoapin", "找聘", "recruting"])
    def test_what_is_one_mistake_away_or_sounds_alike_is_similar(
        self, db: Database, seller: Org, find: Find, query: str
    ) -> None:
        listing_id = product(db, seller, text_of("招聘专业版", "Recruiting Pro"))
        page = find(query, limit=100)
        assert page.match == "similar"
        assert listing_id in ids(page)

    def test_syllables_may_stand_apart(self, db: Database, seller: Org, find: Find) -> None:
        tag = name()
        listing_id = product(db, seller, text_of(f"招聘 {tag}"))
        page = find(f"zhao pin {tag}")
        assert (page.match, listing_id in ids(page)) == ("exact", True)

    def test_the_found_part_is_marked(self, db: Database, seller: Org, find: Find) -> None:
        tag = name()
        product(db, seller, text_of(f"招聘专业版 {tag}", f"Recruiting {tag}"))
        (hit,) = find(f"zhaopin {tag}").items
        assert hit.marks["title"] == [(0, 2), (6, 6 + len(tag))]
        assert hit.marks["title_en"] == [(11, 11 + len(tag))]

    def test_a_text_without_words_finds_nothing(self, find: Find) -> None:
        for text in ("", " ", "&|!():*'\\<->", "'; DROP TABLE x --'"[:1]):
            assert ids(find(text)) == []


class TestOrder:
    def test_a_name_counts_more_than_a_summary_and_the_newer_comes_first(
        self, db: Database, seller: Org, find: Find
    ) -> None:
        tag = name()
        older, newer = (product(db, seller, text_of(f"甲 {tag}")) for _ in range(2))
        mentioned = product(db, seller, text_of("乙", summary=f"与 {tag} 一起使用"))
        assert ids(find(tag)) == [newer, older, mentioned]

    @pytest.mark.parametrize("query", ["{tag}", "{tag}x"])
    def test_pages_miss_nothing_while_things_are_added(self, db: Database, seller: Org, find: Find, query: str) -> None:
        tag = name()
        expected = {product(db, seller, text_of(f"甲 {tag}")) for _ in range(5)}
        found: list[UUID] = []
        cursor = None
        for _ in range(5):
            page = find(query.format(tag=tag), limit=2, cursor=cursor)
            assert page.match == ("similar" if "x" in query else "exact")
            found += ids(page)
            product(db, seller, text_of(f"甲 {tag}"))
            cursor = page.next_cursor
            if cursor is None:
                break
        assert len(found) == len(set(found)) == 5
        assert set(found) == expected

    @pytest.mark.parametrize(
        "cursor", ["x", "ZXhhY3R8LTF8eA", "c29tZXwxfDAxOWFhNWYwLTVjMDAtNzAwMC04MDAwLTAwMDAwMDAwMDAwMQ", "é"]
    )
    def test_a_cursor_of_ones_own_making_is_refused(self, find: Find, cursor: str) -> None:
        with pytest.raises(Invalid, match="cursor_invalid"):
            find("word", cursor=cursor)


class TestMoments:
    def test_a_listing_is_found_from_its_approval_on_and_no_longer_than_it_is_sold(
        self, db: Database, seller: Org, find: Find
    ) -> None:
        first, second = name(), name()
        listing_id = product(db, seller, text_of(f"甲 {first}"))
        with unit_of_work(db, seller.owner) as uow:
            revise_listing(uow, ReviseListing(listing_id, text_of(f"甲 {second}"), (per_seat_plan(),)))
            submit_listing(uow, listing_id)
        assert (ids(find(first)), ids(find(second))) == ([listing_id], [])
        with unit_of_work(db, OPERATOR_PRINCIPAL) as uow:
            review_listing(uow, ReviewListing(listing_id, approve=True))
        assert (ids(find(first)), ids(find(second))) == ([], [listing_id])
        with unit_of_work(db, OPERATOR_PRINCIPAL) as uow:
            suspend_listing(uow, listing_id, "under review")
        assert ids(find(second)) == ids(find(second, seller.owner)) == []
        with unit_of_work(db, OPERATOR_PRINCIPAL) as uow:
            resume_listing(uow, listing_id)
        assert ids(find(second)) == [listing_id]
        with unit_of_work(db, seller.owner) as uow:
            retire_listing(uow, listing_id)
        assert ids(find(second)) == []

    def test_what_is_rolled_back_is_not_found(self, db: Database, seller: Org, find: Find) -> None:
        tag = name()

        class Undone(Exception):
            pass

        def publish_and_fail() -> None:
            with unit_of_work(db, SYSTEM) as uow:
                make_plans(uow, seller, text=text_of(f"甲 {tag}"))
                assert ids(search(uow, tag))
                raise Undone

        with pytest.raises(Undone):
            publish_and_fail()
        assert ids(find(tag)) == []

    def test_a_channel_is_found_by_its_words_of_today(self, db: Database, seller: Org, find: Find) -> None:
        first, second = name(), name()
        with unit_of_work(db, SYSTEM) as uow:
            channel = make_channel(uow, seller)
            for tag in (first, second):
                with acting(uow, seller.owner):
                    change_channel(uow, ChangeChannel(channel.id, tag, tag))
            channel_id = channel.id
        assert (ids(find(first)), ids(find(second))) == ([], [channel_id])
        assert ids(find(second, kind="product")) == []


class TestVisibility:
    def video(self, uow: UnitOfWork, seller: Org, tag: str, visibility: str) -> UUID:
        (plan,) = make_plans(uow, seller, text=words())
        video, _ = make_published_video(uow, seller, uow.session.get_one(Plan, plan.id), visibility=visibility)
        with acting(uow, seller.owner):
            withdraw_video(uow, video.id)
            video.title = f"视频 {tag}"
            uow.flush()
            publish_video(uow, video.id)
        return video.id

    @pytest.mark.parametrize("visibility", ["internal", "partners"])
    def test_what_is_not_public_is_its_own_organizations_affair(
        self, db: Database, seller: Org, find: Find, visibility: str
    ) -> None:
        tag = name()
        with unit_of_work(db, SYSTEM) as uow:
            other = make_seller(uow)
            video_id = self.video(uow, seller, tag, visibility)
        for query in (tag, tag + "x"):
            assert ids(find(query)) == ids(find(query, other.owner)) == []
            assert ids(find(query, seller.owner)) == [video_id]

    def test_either_net_holds_alone(self, db: Database, seller: Org, find: Find) -> None:
        """An entry that says it is for everybody shows no video that is not; and the other way round."""
        tag = name()
        with unit_of_work(db, SYSTEM) as uow:
            video_id = self.video(uow, seller, tag, "internal")
            uow.session.execute(update(SearchEntry).where(SearchEntry.subject_id == video_id).values(audience_id=None))
        assert ids(find(tag)) == []

    def test_a_withdrawn_video_is_found_by_nobody(self, db: Database, seller: Org, find: Find) -> None:
        tag = name()
        with unit_of_work(db, SYSTEM) as uow:
            video_id = self.video(uow, seller, tag, "public")
        assert ids(find(tag)) == [video_id]
        with unit_of_work(db, seller.owner) as uow:
            withdraw_video(uow, video_id)
        assert ids(find(tag)) == ids(find(tag, seller.owner)) == []


class TestListsWithWords:
    """The feed and the catalogue find by the same index; an entry alone shows nothing of what the row itself hides."""

    @pytest.fixture
    def listed(self, db: Database) -> Callable[..., set[UUID]]:
        def found(words: str, principal: Principal = ANONYMOUS) -> set[UUID]:
            with unit_of_work(db, principal) as uow:
                products = list_listings(uow, only=ListingFilter(query=words)).items
                return {one.id for one in list_feed(uow, query=words).items} | {one.id for one in products}

        return found

    def test_words_are_found_and_parts_of_them_in_chinese(
        self, db: Database, seller: Org, listed: Callable[..., set[UUID]]
    ) -> None:
        word = name()
        product_id = product(db, seller, text_of(f"招聘专业版 {word}"))
        for asked in (word, f"招聘 {word}", f"{word} 招聘", word[:8].upper()):
            assert product_id in listed(asked), asked
        assert listed(f"报销 {word}") == set()
        assert listed("...") == set()

    @pytest.mark.parametrize("visibility", ["internal", "partners"])
    def test_a_stranger_learns_nothing_whichever_net_is_left(
        self, db: Database, seller: Org, listed: Callable[..., set[UUID]], visibility: str
    ) -> None:
        word = name()
        with unit_of_work(db, SYSTEM) as uow:
            stranger = make_seller(uow)
            (plan,) = make_plans(uow, seller)
            video, _ = make_published_video(uow, seller, plan, visibility=visibility)
            video.title = word
            uow.flush()
            index_video(uow, video)
        assert listed(word, seller.owner) == {video.id}
        for principal in (stranger.owner, ANONYMOUS):
            assert listed(word, principal) == set()
        with unit_of_work(db, SYSTEM) as uow:
            # As if the index said that everybody may find it: its own row says otherwise.
            uow.session.execute(update(SearchEntry).where(SearchEntry.subject_id == video.id).values(audience_id=None))
        for principal in (stranger.owner, ANONYMOUS):
            assert listed(word, principal) == set()

    def test_what_is_off_sale_is_not_found_though_its_entry_stayed(
        self, db: Database, seller: Org, listed: Callable[..., set[UUID]]
    ) -> None:
        word = name()
        product_id = product(db, seller, text_of(word))
        with unit_of_work(db, SYSTEM) as uow:
            uow.session.execute(update(Listing).where(Listing.id == product_id).values(state="suspended"))
        assert listed(word) == listed(word, seller.owner) == set()


def test_what_an_earlier_release_published_is_indexed_once(db: Database, seller: Org, find: Find) -> None:
    """Migration 0023 leaves entries without words; a later release may cut words in another way."""
    tag = name()
    listing_id, gone = (product(db, seller, text_of(f"甲 {tag}")) for _ in range(2))

    def outdate(uow: UnitOfWork, *subjects: UUID) -> None:
        entries = update(SearchEntry).where(SearchEntry.subject_id.in_(subjects))
        uow.session.execute(entries.values(words_version=0, document=cast("", TSVECTOR)))

    with unit_of_work(db, SYSTEM) as uow:
        index_anew(uow)
        outdate(uow, listing_id)
    assert ids(find(tag)) == [gone]
    with unit_of_work(db, seller.owner) as uow:
        retire_listing(uow, gone)
    with unit_of_work(db, SYSTEM) as uow:
        uow.session.add(SearchEntry(subject_id=gone, kind="product", audience_id=None, document="", words_version=0))
        uow.flush()
        assert index_anew(uow) == 2
        assert index_anew(uow) == 0
    assert ids(find(tag)) == [listing_id]
