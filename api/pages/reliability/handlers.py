"""A seller's deliveries and pauses; and, for everybody, by what the feed is ordered."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from litestar import Response
from litestar.di import NamedDependency as Given
from litestar.params import FromPath

from api.auth import PUBLIC
from api.pages.frame import addresses, reliability_addresses
from api.pages.frame.phrases import failure
from api.pages.frame.seller_access import require_seller
from api.pages.frame.site import Form, PageRequest, form_post, page
from api.pages.reliability.views import PauseItem, RankingView, RecordItem, RecordsView, RecordView
from fulfillment.reliability.pause import confirm_mended
from fulfillment.reliability.queries import ListingRecord, PauseRow, get_record, list_records
from kernel.errors import Conflict
from marketplace.discovery.ranking import outcome_hours
from orders.response_times.count_answers import own_response_time

READ, MEND = "seller.orders.read", "runs.replay"
_PAGE = 20
_EXAMPLES = ((1, 0), (8, 0), (8, 8), (50, 0), (0, 5))


@page(reliability_addresses.SELLER, READ)
def show_records(page_request: Given[PageRequest]) -> Response[str]:
    """Every listing that is or was on sale."""
    require_seller(page_request)
    with page_request.work() as uow:
        found = list_records(uow, cursor=page_request.query("cursor", most=200) or None, limit=_PAGE)
        answers = own_response_time(uow)
    following = addresses.next_page(reliability_addresses.SELLER, found.next_cursor)
    return page_request.render(RecordsView(tuple(_item(page_request, one) for one in found.items), answers, following))


@page("/seller/reliability/{listing_id:uuid}", READ)
def show_record(listing_id: FromPath[UUID], page_request: Given[PageRequest]) -> Response[str]:
    """One of them."""
    require_seller(page_request)
    return page_request.render(_record(page_request, listing_id))


@form_post("/seller/reliability/{listing_id:uuid}", MEND)
def confirm(listing_id: FromPath[UUID], page_request: Given[PageRequest], form: Given[Form]) -> Response[Any]:
    """The seller says that it can be delivered again."""
    del form
    require_seller(page_request)
    try:
        page_request.transact(lambda uow: confirm_mended(uow, listing_id))
    except Conflict as refused:
        view = _record(page_request, listing_id, failure(page_request, refused))
        return page_request.render(view, status=refused.status)
    return page_request.redirect(reliability_addresses.record(listing_id), notice="listing_resumed")


@page(reliability_addresses.RANKING, PUBLIC)
def show_ranking(page_request: Given[PageRequest]) -> Response[str]:
    """By what the feed is ordered."""
    return page_request.render(RankingView(tuple((kept, lost, outcome_hours(kept, lost)) for kept, lost in _EXAMPLES)))


def _record(page_request: PageRequest, listing_id: UUID, error: str | None = None) -> RecordView:
    with page_request.work() as uow:
        found = get_record(uow, listing_id)
    return RecordView(
        item=_item(page_request, found.record),
        counted_until=found.record.counted_until,
        pause=_pause(found.record.pause) if found.record.pause else None,
        pauses=tuple(map(_pause, found.pauses)),
        is_tested=found.is_tested,
        may_confirm=found.is_tested and page_request.principal.may(MEND),
        error=error,
    )


def _item(page_request: PageRequest, row: ListingRecord) -> RecordItem:
    name = page_request.pick(row.title, row.title_en)
    return RecordItem(str(row.listing_id), name, row.state, row.reliability, row.is_shown)


def _pause(row: PauseRow) -> PauseItem:
    return PauseItem(row.rule, row.failed, row.counted, row.created_at, row.released_at, row.released_by)


routes = [show_records, show_record, confirm, show_ranking]
