"""A promoter's earnings, per video and per line. No buyer and no order is ever named."""

from __future__ import annotations

from functools import partial

from litestar import Response, get
from litestar.di import NamedDependency as Given

from api.request import ApiRequest
from api.schema import LimitParameter, PageOut, Paging, list_page
from api.v1.seller_money import ShareState
from api.v1.settlement_out import BalanceOut, ShareOut, VideoEarningOut
from billing.payouts.balances import balances
from billing.shares.queries import earnings_by_video, list_shares
from marketplace.parties.lookups import get_party


@get("/v1/promoter/balances", permission="money.read", sync_to_thread=True, tags=["money"])
def get_promoter_balances(request: ApiRequest) -> list[BalanceOut]:
    """What the platform owes the organization that promotes, per currency, and when holds end."""
    with request.transaction() as uow:
        zone = get_party(uow, request.principal.organization()).time_zone
        return [BalanceOut.of(balance) for balance in balances(uow, "promoter", time_zone=zone)]


@get("/v1/promoter/videos", permission="money.read", sync_to_thread=True, tags=["money"])
def list_video_earnings(request: ApiRequest, limit: LimitParameter = 20) -> list[VideoEarningOut]:
    """What each of the organization's videos earned, the best first."""
    with request.transaction() as uow:
        return [VideoEarningOut.of(row) for row in earnings_by_video(uow, limit=limit)]


@get("/v1/promoter/shares", permission="money.read", sync_to_thread=True, tags=["money"])
def list_promoter_shares(
    request: ApiRequest,
    paging: Given[Paging],
    only: ShareState = None,
) -> Response[PageOut[ShareOut]]:
    """The organization's parts of what its videos sold, newest first."""
    read = partial(list_shares, kind="promoter")
    return list_page(request, paging, read, ShareOut.of, state=only)


routes = [get_promoter_balances, list_video_earnings, list_promoter_shares]
