"""The link by which an organization brings its suppliers and dealers, and whom it brought."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from litestar import Response, get, post
from litestar.di import NamedDependency as Given
from litestar.params import FromPath
from msgspec import Meta

from api.auth import PUBLIC
from api.request import ApiRequest
from api.schema import Out, PageOut, Paging, list_page
from marketplace.referrals.refer import PERMISSION, Referrer, get_referrer, own_referral_link
from orders.referrals import ReferralRow, list_referrals


class ReferralLinkOut(Out):
    """The organization's own link."""

    code: Annotated[
        str, Meta(description="What a newcomer's sign-up names (`referral_code`)", examples=["n3Kx0uQ2v8pTz1Yw"])
    ]
    address: Annotated[
        str,
        Meta(description="What it sends on", examples=["https://market.example/referral-links/n3Kx0uQ2v8pTz1Yw"]),
    ]


class ReferrerOut(Out):
    """Whose link it is."""

    org_id: UUID
    name: str

    @classmethod
    def of(cls, row: Referrer) -> ReferrerOut:
        """From the query's row."""
        return cls.of_row(row)


class ReferralOut(Out):
    """An organization that registered by the link."""

    id: UUID
    name: Annotated[str, Meta(description="As it was called when it registered")]
    state: Annotated[str, Meta(description="`registered`, `bought` or `sold`")]
    registered_at: datetime
    first_bought_at: Annotated[datetime | None, Meta(description="When it first paid for an order")]
    first_sold_at: Annotated[datetime | None, Meta(description="When it was first paid for one")]

    @classmethod
    def of(cls, row: ReferralRow) -> ReferralOut:
        """From the query's row."""
        return cls.of_row(row, state=row.state)


@get("/v1/referrals", permission=PERMISSION, sync_to_thread=True, tags=["people"])
def get_referrals(request: ApiRequest, paging: Given[Paging]) -> Response[PageOut[ReferralOut]]:
    """Organizations that registered by yours' link, the newest first. What they buy or sell is not told."""
    return list_page(request, paging, list_referrals, ReferralOut.of)


@post("/v1/referrals/link", permission=PERMISSION, status_code=200, sync_to_thread=True, tags=["people"])
def post_referral_link(request: ApiRequest) -> ReferralLinkOut:
    """The organization's link, made when it is first asked for; the same one every time."""
    code = request.transact(own_referral_link)
    return ReferralLinkOut(
        code=code, address=f"{request.services.settings.public_url.rstrip('/')}/referral-links/{code}"
    )


@get("/v1/referral-links/{code:str}", permission=PUBLIC, sync_to_thread=True, tags=["people"])
def get_referral_link(code: FromPath[str], request: ApiRequest) -> ReferrerOut:
    """Whose link it is, for whoever has it."""
    with request.transaction() as uow:
        return ReferrerOut.of(get_referrer(uow, code))


routes = [get_referrals, post_referral_link, get_referral_link]
