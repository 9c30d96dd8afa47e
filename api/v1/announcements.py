"""Announcements of sellers: what they tell their customers, and what an organization was sent of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Literal
from uuid import UUID

from litestar import Response, delete, get, post, put
from litestar.di import NamedDependency as Given
from litestar.params import FromPath, JSONBody
from pydantic import ConfigDict, Field

from api.auth import SIGNED_IN
from api.request import ApiRequest
from api.schema import KeyHeader, PageOut, Paging, Wire, idempotent_command, list_page, unchanged
from kernel.db.uow import UnitOfWork
from orders.announcements.limits import MAX_TEXT, MAX_TITLE
from orders.announcements.opt_out import opt_out_of
from orders.announcements.publish import PublishAnnouncement, publish_announcement, withdraw_announcement
from orders.announcements.queries import (
    AnnouncementView,
    ReceivedAnnouncement,
    get_announcement,
    received_announcements,
    seller_announcements,
)
from orders.conversations.sides import MANAGE


class AnnouncementIn(Wire):
    """What is told to whom: all customers, the partners in a tier (`tier_id`), or those that bought a product (`listing_id`)."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"title": "本周六凌晨升级", "text": "升级约一小时，期间可能无法登录。", "audience": "customers"}
            ]
        }
    )

    title: Annotated[str, Field(min_length=1, max_length=MAX_TITLE)]
    text: Annotated[str, Field(min_length=1, max_length=MAX_TEXT)] = Field(
        description="Without addresses, mailboxes or numbers outside the market: it is answered in the conversation"
    )
    audience: Literal["customers", "tier", "listing"] = "customers"
    tier_id: UUID | None = None
    listing_id: UUID | None = None


@get("/v1/seller/announcements", permission=MANAGE, sync_to_thread=True, tags=["seller"])
def get_seller_announcements(request: ApiRequest, paging: Given[Paging]) -> Response[PageOut[AnnouncementView]]:
    """The seller's announcements, the newest first, with how many got and read each."""
    return list_page(request, paging, seller_announcements, unchanged)


@post("/v1/seller/announcements", permission=MANAGE, refuses=[404, 409, 429], sync_to_thread=True, tags=["seller"])
def post_announcement(
    data: JSONBody[AnnouncementIn], request: ApiRequest, idempotency_key: KeyHeader
) -> Response[AnnouncementView]:
    """Announce it. It goes into the conversations by day, once each; who wants none, or got four in 30 days, is left out."""

    def work(uow: UnitOfWork) -> AnnouncementView:
        return get_announcement(uow, publish_announcement(uow, command_of(data)).id)

    return idempotent_command(request, idempotency_key, data, work)


@get(
    "/v1/seller/announcements/{announcement_id:uuid}",
    permission=MANAGE,
    refuses=[404],
    sync_to_thread=True,
    tags=["seller"],
)
def get_one_announcement(announcement_id: FromPath[UUID], request: ApiRequest) -> AnnouncementView:
    """One of them."""
    with request.transaction() as uow:
        return get_announcement(uow, announcement_id)


@post(
    "/v1/seller/announcements/{announcement_id:uuid}/withdrawal",
    permission=MANAGE,
    refuses=[404, 409],
    status_code=200,
    sync_to_thread=True,
    tags=["seller"],
)
def post_announcement_withdrawal(announcement_id: FromPath[UUID], request: ApiRequest) -> AnnouncementView:
    """Deliver it to nobody more; where it stands already it stays. Repeating it changes nothing."""

    def work(uow: UnitOfWork) -> AnnouncementView:
        return get_announcement(uow, withdraw_announcement(uow, announcement_id).id)

    return request.transact(work)


@get("/v1/announcements", permission=SIGNED_IN, sync_to_thread=True, tags=["buying"])
def get_received_announcements(request: ApiRequest, paging: Given[Paging]) -> Response[PageOut[ReceivedAnnouncement]]:
    """What the organization was sent by sellers, the latest first. The words stand in the conversation."""
    return list_page(request, paging, received_announcements, unchanged)


@put(
    "/v1/organizations/{org_id:uuid}/announcement-opt-out",
    permission=SIGNED_IN,
    refuses=[404, 409],
    sync_to_thread=True,
    status_code=204,
    tags=["buying"],
)
def put_opt_out(org_id: FromPath[UUID], request: ApiRequest) -> None:
    """Take no announcements of this seller any more; it does not learn of it."""
    request.transact(_said(org_id, out=True))


@delete(
    "/v1/organizations/{org_id:uuid}/announcement-opt-out",
    permission=SIGNED_IN,
    refuses=[404, 409],
    sync_to_thread=True,
    status_code=204,
    tags=["buying"],
)
def delete_opt_out(org_id: FromPath[UUID], request: ApiRequest) -> None:
    """Take them again."""
    request.transact(_said(org_id, out=False))


def command_of(data: AnnouncementIn) -> PublishAnnouncement:
    """For the JSON route and the page alike."""
    return PublishAnnouncement(data.title, data.text, data.audience, data.tier_id, data.listing_id)


def _said(seller_id: UUID, *, out: bool) -> Callable[[UnitOfWork], None]:
    return lambda uow: opt_out_of(uow, seller_id, out=out)


routes = [
    get_seller_announcements,
    post_announcement,
    get_one_announcement,
    post_announcement_withdrawal,
    get_received_announcements,
    put_opt_out,
    delete_opt_out,
]
