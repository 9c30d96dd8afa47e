"""How reliably listings are delivered, as their sellers read it, and the formula by which the feed is ordered."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from litestar import Response, get, post
from litestar.di import NamedDependency as Given
from litestar.params import FromPath
from msgspec import Meta

from api.auth import PUBLIC
from api.request import ApiRequest
from api.schema import Out, PageOut, Paging, list_page
from api.v1.reliability_out import ReliabilityOut
from fulfillment.reliability import ended_deliveries, failing
from fulfillment.reliability.pause import confirm_mended
from fulfillment.reliability.queries import ListingRecord, ListingRecordDetail, PauseRow, get_record, list_records
from kernel.db.uow import UnitOfWork
from marketplace.discovery import ranking
from orders.response_times.count_answers import own_response_time


class PauseOut(Out):
    """A time in which failed deliveries kept a listing from new buyers; `released_at` null while they do."""

    id: UUID
    rule: Annotated[str, Meta(description="`in_row`: the latest all failed; `share`: most of a week's did")]
    failed: Annotated[int, Meta(examples=[5])]
    counted: Annotated[int, Meta(examples=[5])]
    created_at: datetime
    released_at: datetime | None
    released_by: Annotated[str | None, Meta(description="confirmed, replayed or operator")]

    @classmethod
    def of(cls, row: PauseRow) -> PauseOut:
        """From the query's row."""
        return cls.of_row(row)


class ListingRecordOut(Out):
    """A listing's deliveries of 30 days. `is_shown`: whether they are enough to be shown to buyers, too.

    `state`: of the listing; `paused` while failed deliveries keep it from new buyers. `pause`: that pause.
    """

    listing_id: UUID
    title: str
    title_en: str
    state: str
    reliability: ReliabilityOut | None
    counted_until: datetime | None
    is_shown: bool
    pause: PauseOut | None

    @classmethod
    def of(cls, row: ListingRecord) -> ListingRecordOut:
        """From the query's row."""
        return cls.of_row(row, **_parts(row))


class ListingRecordDetailOut(ListingRecordOut):
    """With its pauses, the latest first. `may_confirm`: whether its connectors passed a test since the present pause began."""

    pauses: list[PauseOut]
    may_confirm: bool

    @classmethod
    def of_detail(cls, row: ListingRecordDetail) -> ListingRecordDetailOut:
        """From the query's rows."""
        return cls.of_row(
            row.record, **_parts(row.record), pauses=list(map(PauseOut.of, row.pauses)), may_confirm=row.is_tested
        )


def _parts(row: ListingRecord) -> dict[str, Any]:
    pause = PauseOut.of(row.pause) if row.pause else None
    return {"reliability": ReliabilityOut.of(row.reliability), "pause": pause}


class OwnResponseTimeOut(Out):
    """How soon the seller answers, as `ResponseTimeOut`; `is_shown`: to buyers, too, which takes 5 questions."""

    counted: Annotated[int, Meta(examples=[24])]
    in_time: Annotated[int, Meta(examples=[23])]
    median_s: Annotated[int | None, Meta(examples=[1_860])]
    is_shown: bool
    counted_until: datetime | None


class FormulaOut(Out):
    """By how many hours what counts moves a video in the feed. All figures are those that the feed itself is ordered by.

    A video stands where its publication puts it, moved by: `followed_h` later for who follows its channel, else `fits_h` for who
    was delivered a product of its kind; `newcomer_h` for each of a channel's first `newcomer_videos`; `crowding_h` earlier for
    each video that its channel published in the day before, at most `crowding_most_h`; and for what came of the latest
    `outcome_orders` orders it brought, `outcome_most_h` × kept² ÷ ((kept + `halfway`) × (kept + lost)), rounded down. `kept`:
    paid, delivered and not given back; `lost`: not delivered, or refunded. Nothing that is paid to the platform counts.

    `reliability_days` and `reliability_least`: of how many days the deliveries of a listing are shown, and from how many on.
    `pause_in_row`: so many failed in a row pause it; `pause_enough`: of so many in `pause_days` days, more than half do.
    """

    followed_h: Annotated[int, Meta(examples=[ranking.FOLLOWED_H])]
    fits_h: int
    newcomer_h: int
    newcomer_videos: int
    crowding_h: int
    crowding_most_h: int
    outcome_most_h: int
    halfway: int
    outcome_orders: int
    reliability_days: int
    reliability_least: int
    pause_in_row: int
    pause_enough: int
    pause_days: int


FORMULA = FormulaOut(
    followed_h=ranking.FOLLOWED_H,
    fits_h=ranking.FITS_H,
    newcomer_h=ranking.NEWCOMER_H,
    newcomer_videos=ranking.NEWCOMER_VIDEOS,
    crowding_h=ranking.CROWDING_H,
    crowding_most_h=ranking.CROWDING_MOST_H,
    outcome_most_h=ranking.OUTCOME_MOST_H,
    halfway=ranking.HALFWAY,
    outcome_orders=ranking.OUTCOME_ORDERS,
    reliability_days=ended_deliveries.WINDOW.days,
    reliability_least=ended_deliveries.LEAST,
    pause_in_row=failing.IN_ROW,
    pause_enough=failing.ENOUGH,
    pause_days=failing.WITHIN.days,
)


@get("/v1/feed/formula", permission=PUBLIC, sync_to_thread=False, tags=["content"])
def get_formula() -> FormulaOut:
    """By what the feed is ordered, and from when on failed deliveries pause a listing."""
    return FORMULA


@get("/v1/seller/reliability", permission="seller.orders.read", sync_to_thread=True, tags=["seller"])
def get_records(request: ApiRequest, paging: Given[Paging]) -> Response[PageOut[ListingRecordOut]]:
    """How reliably the organization's listings are delivered, the newest listing first."""
    return list_page(request, paging, list_records, ListingRecordOut.of)


@get("/v1/seller/response-time", permission="seller.orders.read", sync_to_thread=True, tags=["seller"])
def get_own_response_time(request: ApiRequest) -> OwnResponseTimeOut:
    """How soon the organization's people answer buyers: messages and tickets of the last 30 days."""
    with request.transaction() as uow:
        return OwnResponseTimeOut.of_row(own_response_time(uow))


@get(
    "/v1/seller/listings/{listing_id:uuid}/reliability",
    permission="seller.orders.read",
    sync_to_thread=True,
    tags=["seller"],
)
def get_one_record(listing_id: FromPath[UUID], request: ApiRequest) -> ListingRecordDetailOut:
    """One listing's deliveries and pauses."""
    with request.transaction() as uow:
        return ListingRecordDetailOut.of_detail(get_record(uow, listing_id))


@post(
    "/v1/seller/listings/{listing_id:uuid}/confirm-mended",
    permission="runs.replay",
    sync_to_thread=True,
    status_code=200,
    tags=["seller"],
)
def confirm(listing_id: FromPath[UUID], request: ApiRequest) -> ListingRecordDetailOut:
    """Put a paused listing back on sale, once each connector of its plans has passed a test since the pause began."""

    def work(uow: UnitOfWork) -> ListingRecordDetailOut:
        confirm_mended(uow, listing_id)
        return ListingRecordDetailOut.of_detail(get_record(uow, listing_id))

    return request.transact(work)


routes = [get_formula, get_records, get_own_response_time, get_one_record, confirm]
