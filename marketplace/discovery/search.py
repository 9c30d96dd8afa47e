"""Search over products, videos and channels: what a reader may see, best first, with what of it was found."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, cast
from uuid import UUID

from sqlalchemy import BigInteger, and_, func, literal, literal_column, or_, select, tuple_, union_all
from sqlalchemy import cast as sql_cast
from sqlalchemy.dialects.postgresql import TSQUERY

from kernel.db.uow import UnitOfWork
from kernel.errors import Invalid
from kernel.paging import Page, bounded
from marketplace.catalog.access import SHOWN
from marketplace.catalog.models import Listing
from marketplace.catalog.queries import ListingView, list_listings_by_id
from marketplace.channels.models import Channel
from marketplace.channels.queries import ChannelView, list_channels_by_id
from marketplace.discovery.feed import FeedItem, list_feed_items_by_id
from marketplace.parties.models import Organization
from marketplace.search_index.entries import Kind
from marketplace.search_index.highlights import Range, highlights
from marketplace.search_index.models import SearchEntry
from marketplace.search_index.query import exact_query, similar_query
from marketplace.search_index.segment import IN_NAME
from marketplace.videos.access import listed_to
from marketplace.videos.models import Video

Match = Literal["exact", "similar"]
_WEIGHTS: Any = literal_column("'{0.05, 0.2, 0.4, 1.0}'::real[]")
"""How much a word counts in descriptions, summaries, offerers and names (`IndexedWords`)."""
_RANK_STEPS = 1_000_000
_CANDIDATES = 300
"""Of what has the words, so many are ranked: those with all of them in their names first, then the newest. To rank each of
10⁵ takes seconds, and nobody reads on to the three hundredth."""


@dataclass(frozen=True, slots=True)
class SearchHit:
    """One thing found: one of `product`, `video` and `channel`. `marks` are the found parts of its texts, by field."""

    kind: Kind
    product: ListingView | None = None
    video: FeedItem | None = None
    channel: ChannelView | None = None
    marks: dict[str, list[Range]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SearchPage(Page[SearchHit]):
    """Hits, best first. `match` is `similar` where nothing has all the words as they were typed."""

    match: Match


@dataclass(frozen=True, slots=True)
class _Cursor:
    match: Match
    rank: int
    subject_id: UUID

    def written(self) -> str:
        plain = f"{self.match}|{self.rank}|{self.subject_id}"
        return base64.urlsafe_b64encode(plain.encode()).decode().rstrip("=")

    @classmethod
    def read(cls, cursor: str) -> _Cursor:
        """Raises Invalid(`cursor_invalid`) for anything this service did not hand out."""
        try:
            plain = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode()
            match, rank, subject_id = plain.split("|")
            if match not in {"exact", "similar"} or not 0 <= int(rank) < 2**31:
                raise Invalid("cursor_invalid", field="cursor")
            return cls(cast("Match", match), int(rank), UUID(subject_id))
        except ValueError as error:
            raise Invalid("cursor_invalid", field="cursor") from error


def search(
    uow: UnitOfWork, text: str, *, kind: Kind | None = None, cursor: str | None = None, limit: int = 20
) -> SearchPage:
    """What the words of `text` find, best first; nothing for a text without words.

    The order stays the same while pages are read: a rank depends on its own document alone, and ties go to what is newer.
    Of very many, `_CANDIDATES` are found.

    Raises:
        Invalid: `cursor_invalid`.
    """
    after = _Cursor.read(cursor) if cursor else None
    match: Match = after.match if after else "exact"
    rows = _entries(uow, text, match, kind, after, limit)
    if not rows and after is None:
        match = "similar"
        rows = _entries(uow, text, match, kind, after, limit)
    kept = rows[: bounded(limit)]
    more = _Cursor(match, kept[-1].rank, kept[-1].subject_id).written() if len(rows) > len(kept) else None
    return SearchPage(_hits(uow, text, kept), more, match)


def _entries(
    uow: UnitOfWork, text: str, match: Match, kind: Kind | None, after: _Cursor | None, limit: int
) -> Sequence[Any]:
    words = exact_query(text) if match == "exact" else similar_query(text)
    if not words:
        return []
    candidate = _candidates(uow, words, exact_query(text, mark=IN_NAME) if match == "exact" else "", kind)
    rank = sql_cast(func.ts_rank(_WEIGHTS, SearchEntry.document, _tsquery(words)) * _RANK_STEPS, BigInteger)
    # Sorted before it is asked who may see it, so that this is asked of the few rows of a page alone.
    best = (
        select(candidate.c.kind, candidate.c.subject_id, rank.label("rank"))
        .join(SearchEntry, SearchEntry.subject_id == candidate.c.subject_id)
        .order_by(rank.desc(), candidate.c.subject_id.desc())
        .offset(0)
        .subquery("best")
    )
    statement = select(best.c.kind, best.c.subject_id, best.c.rank).where(_is_shown(uow, best))
    if after is not None:
        statement = statement.where(tuple_(best.c.rank, best.c.subject_id) < tuple_(after.rank, after.subject_id))
    statement = statement.order_by(best.c.rank.desc(), best.c.subject_id.desc()).limit(bounded(limit) + 1)
    return uow.session.execute(statement).all()


def _candidates(uow: UnitOfWork, words: str, names: str, kind: Kind | None) -> Any:
    """Which entries have the words, at most `_CANDIDATES`: in their names first, and of each part the newest."""

    def newest(asked: str) -> Any:
        found = select(SearchEntry.kind, SearchEntry.subject_id).where(
            SearchEntry.document.bool_op("@@")(_tsquery(asked)),
            or_(SearchEntry.audience_id.is_(None), SearchEntry.audience_id == uow.principal.org_id),
        )
        if kind is not None:
            found = found.where(SearchEntry.kind == kind)
        # Fenced off: else all entries might be looked through from the newest on, instead of the index of words.
        matching = found.offset(0).subquery()
        return select(matching).order_by(matching.c.subject_id.desc()).limit(_CANDIDATES).subquery()

    if not names:
        return newest(words)
    # The second part is not even asked for where the first is enough.
    parts = select(newest(names)), select(newest(f"({words}) & !({names})"))
    return union_all(*parts).limit(_CANDIDATES).subquery("candidate")


def _tsquery(words: str) -> Any:
    return sql_cast(literal(words), TSQUERY)


def _is_shown(uow: UnitOfWork, best: Any) -> Any:
    listing = (
        select(Listing.id)
        .join(Organization, Organization.id == Listing.org_id)
        .where(Listing.id == best.c.subject_id, Listing.state == "published", Organization.state == "active", SHOWN)
        .exists()
    )
    video = select(Video.id).where(Video.id == best.c.subject_id, listed_to(uow.principal)).exists()
    channel = select(Channel.id).where(Channel.id == best.c.subject_id).exists()
    return or_(
        and_(best.c.kind == "product", listing),
        and_(best.c.kind == "video", video),
        and_(best.c.kind == "channel", channel),
    )


def _hits(uow: UnitOfWork, text: str, rows: Sequence[Any]) -> list[SearchHit]:
    def ids(kind: Kind) -> list[UUID]:
        return [row.subject_id for row in rows if row.kind == kind]

    products = list_listings_by_id(uow, ids("product"))
    videos = list_feed_items_by_id(uow, ids("video"))
    channels = list_channels_by_id(uow, ids("channel"))
    hits: list[SearchHit] = []
    for row in rows:
        product = products.get(row.subject_id)
        video, channel = videos.get(row.subject_id), channels.get(row.subject_id)
        texts: dict[str, str] = {}
        if product is not None:
            texts = _texts(product, "title", "title_en", "summary", "summary_en")
        elif video is not None:
            texts = _texts(video, "title", "title_en", "description", "description_en")
        elif channel is not None:
            texts = _texts(channel, "name", "name_en", "bio", "bio_en")
        else:
            continue
        marks = {name: found for name, said in texts.items() if (found := highlights(said, text))}
        hits.append(SearchHit(row.kind, product, video, channel, marks))
    return hits


def _texts(row: object, *names: str) -> dict[str, str]:
    return {name: getattr(row, name) for name in names}
