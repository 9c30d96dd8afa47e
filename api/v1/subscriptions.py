"""What recurs: the organization's subscriptions, and whether each goes on after its paid term."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from litestar import Response, get, put
from litestar.di import NamedDependency as Given
from litestar.params import FromPath, JSONBody
from msgspec import Meta
from pydantic import Field

from api.request import ApiRequest
from api.schema import Out, PageOut, Paging, Wire, list_page
from kernel.db.uow import UnitOfWork
from orders.subscriptions.auto_renew import set_auto_renew
from orders.subscriptions.queries import get_subscription, list_subscriptions


class SubscriptionOut(Out):
    """A recurring agreement, paid until `ends_at` (exclusive).

    `renews_at`: when the next term is asked money for; null where it ends. `next_gross_minor`: what that costs, told with the
    first notice; null before. `renewal_order_id`: an order for the next term that waits for its money.
    """

    id: UUID
    order_id: UUID
    order_line_id: UUID
    seller_org_id: UUID
    seller_name: str
    title: str
    title_en: str
    plan_name: str
    plan_name_en: str
    state: Annotated[str, Meta(examples=["active"], description="active, past_due or ended")]
    quantity: Annotated[int, Meta(description="Seats, or 1")]
    auto_renew: bool
    ends_at: datetime
    renews_at: datetime | None
    next_gross_minor: int | None
    next_currency: str | None
    renewal_order_id: UUID | None
    created_at: datetime


class AutoRenewIn(Wire):
    """Whether the next terms are paid for without asking again."""

    auto_renew: bool = Field(
        description="True: the day before a term ends the next one is paid the way the first was, at the price that was told"
    )


@get("/v1/subscriptions", permission="orders.read", sync_to_thread=True, tags=["buying"])
def get_subscriptions(request: ApiRequest, paging: Given[Paging]) -> Response[PageOut[SubscriptionOut]]:
    """Everything the organization has subscribed to, newest first."""
    return list_page(request, paging, list_subscriptions, SubscriptionOut.of_row)


@get("/v1/subscriptions/{subscription_id:uuid}", permission="orders.read", sync_to_thread=True, tags=["buying"])
def get_one_subscription(subscription_id: FromPath[UUID], request: ApiRequest) -> SubscriptionOut:
    """One subscription: until when it is paid for, and what its next term costs once that was told."""
    with request.transaction() as uow:
        return SubscriptionOut.of_row(get_subscription(uow, subscription_id))


@put(
    "/v1/subscriptions/{subscription_id:uuid}/auto-renew",
    permission="orders.buy",
    refuses=[404, 409],
    sync_to_thread=True,
    tags=["buying"],
)
def put_auto_renew(
    subscription_id: FromPath[UUID], data: JSONBody[AutoRenewIn], request: ApiRequest
) -> SubscriptionOut:
    """Let a subscription go on after its paid term, or end with it. A renewal that waits for its money already goes on."""

    def work(uow: UnitOfWork) -> SubscriptionOut:
        set_auto_renew(uow, subscription_id, wanted=data.auto_renew)
        uow.flush()
        return SubscriptionOut.of_row(get_subscription(uow, subscription_id))

    return request.transact(work)


routes = [get_subscriptions, get_one_subscription, put_auto_renew]
