"""What sellers read of how reliably they deliver; only their own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Select, select

from fulfillment.reliability.ended_deliveries import LEAST
from fulfillment.reliability.models import ListingPause, ListingReliability
from fulfillment.reliability.pause import is_tested, open_pause
from kernel.db.uow import UnitOfWork
from kernel.errors import NotFound
from kernel.paging import Page, cut, newest_first
from marketplace.catalog.models import Listing, ListingVersion
from marketplace.catalog.show_reliability import Reliability


@dataclass(frozen=True, slots=True)
class PauseRow:
    """One time in which failed deliveries kept a listing from new buyers; `released_at` None while they do."""

    id: UUID
    rule: str
    failed: int
    counted: int
    created_at: datetime
    released_at: datetime | None
    released_by: str | None


@dataclass(frozen=True, slots=True)
class ListingRecord:
    """A listing's deliveries. `reliability`: also of few, which buyers are not shown (`is_shown`); None where none ended.

    `pause`: the one that it is in.
    """

    listing_id: UUID
    title: str
    title_en: str
    state: str
    created_at: datetime
    reliability: Reliability | None
    counted_until: datetime | None
    is_shown: bool
    pause: PauseRow | None


@dataclass(frozen=True, slots=True)
class ListingRecordDetail:
    """With every pause, the latest first. `is_tested`: whether the seller may end the one it is in by its confirmation."""

    record: ListingRecord
    pauses: tuple[PauseRow, ...]
    is_tested: bool


def list_records(uow: UnitOfWork, *, cursor: str | None = None, limit: int = 50) -> Page[ListingRecord]:
    """The acting seller's listings that are or were on sale, the newest first."""
    statement = newest_first(_records(uow), Listing.created_at, Listing.id, cursor, limit)
    rows = uow.session.execute(statement).all()
    page = cut(rows, limit, lambda row: (row.Listing.created_at, row.Listing.id))
    pauses = _open_pauses(uow, [row.Listing.id for row in page.items])
    return Page([_record(row, pauses.get(row.Listing.id)) for row in page.items], page.next_cursor)


def get_record(uow: UnitOfWork, listing_id: UUID) -> ListingRecordDetail:
    """One of them. Raises NotFound(`listing_not_found`)."""
    row = uow.session.execute(_records(uow).where(Listing.id == listing_id)).first()
    if row is None:
        raise NotFound("listing_not_found")
    found = uow.session.scalars(
        select(ListingPause)
        .where(ListingPause.seller_org_id == row.Listing.org_id, ListingPause.listing_id == listing_id)
        .order_by(ListingPause.created_at.desc(), ListingPause.id.desc())
        .limit(50)
    ).all()
    now = open_pause(uow, listing_id) if row.Listing.state == "paused" else None
    return ListingRecordDetail(
        _record(row, _pause(now) if now is not None else None),
        tuple(map(_pause, found)),
        is_tested=now is not None and is_tested(uow, row.Listing, now),
    )


def _records(uow: UnitOfWork) -> Select[Any, Any, Any, Any]:
    return (
        select(Listing, ListingVersion.title, ListingVersion.title_en, ListingReliability)
        .join(ListingVersion, ListingVersion.id == Listing.current_version_id)
        .outerjoin(ListingReliability, ListingReliability.listing_id == Listing.id)
        .where(Listing.org_id == uow.principal.organization())
    )


def _open_pauses(uow: UnitOfWork, listing_ids: Sequence[UUID]) -> dict[UUID, PauseRow]:
    rows = uow.session.scalars(
        select(ListingPause).where(ListingPause.listing_id.in_(listing_ids), ListingPause.state == "paused")
    )
    return {row.listing_id: _pause(row) for row in rows}


def _record(row: Any, pause: PauseRow | None) -> ListingRecord:
    listing: Listing = row.Listing
    kept: ListingReliability | None = row.ListingReliability
    any_ended = kept is not None and kept.counted > 0
    return ListingRecord(
        listing_id=listing.id,
        title=row.title,
        title_en=row.title_en,
        state=listing.state,
        created_at=listing.created_at,
        reliability=Reliability(kept.counted, kept.succeeded, kept.median_s, kept.p95_s)
        if kept and any_ended
        else None,
        counted_until=kept.counted_until if kept else None,
        is_shown=kept is not None and kept.counted >= LEAST,
        pause=pause if listing.state == "paused" else None,
    )


def _pause(row: ListingPause) -> PauseRow:
    return PauseRow(row.id, row.rule, row.failed, row.counted, row.created_at, row.released_at, row.released_by)
