"""What recurs: the organization's subscriptions, and whether each goes on after its paid term."""

from __future__ import annotations

from uuid import UUID

from litestar import Response, get, put
from litestar.di import NamedDependency as Given
from litestar.params import FromPath, JSONBody
from pydantic import Field

from api.request import ApiRequest
from api.schema import PageOut, Paging, Wire, list_page, unchanged
from kernel.db.uow import UnitOfWork
from orders.subscriptions.auto_renew import set_auto_renew
from orders.subscriptions.queries import SubscriptionView, get_subscription, list_subscriptions


class AutoRenewIn(Wire):
    """Whether the next terms are paid for without asking again."""

    auto_renew: bool = Field(
        description="True: the day before a term ends the next one is paid the way the first was, at the price that was told"
    )


@get("/v1/subscriptions", permission="orders.read", sync_to_thread=True, tags=["buying"])
def get_subscriptions(request: ApiRequest, paging: Given[Paging]) -> Response[PageOut[SubscriptionView]]:
    """Everything the organization has subscribed to, newest first."""
    return list_page(request, paging, list_subscriptions, unchanged)


@get("/v1/subscriptions/{subscription_id:uuid}", permission="orders.read", sync_to_thread=True, tags=["buying"])
def get_one_subscription(subscription_id: FromPath[UUID], request: ApiRequest) -> SubscriptionView:
    """One subscription: until when it is paid for, and what its next term costs once that was told."""
    with request.transaction() as uow:
        return get_subscription(uow, subscription_id)


@put(
    "/v1/subscriptions/{subscription_id:uuid}/auto-renew",
    permission="orders.buy",
    refuses=[404, 409],
    sync_to_thread=True,
    tags=["buying"],
)
def put_auto_renew(
    subscription_id: FromPath[UUID], data: JSONBody[AutoRenewIn], request: ApiRequest
) -> SubscriptionView:
    """Let a subscription go on after its paid term, or end with it. A renewal that waits for its money already goes on."""

    def work(uow: UnitOfWork) -> SubscriptionView:
        set_auto_renew(uow, subscription_id, wanted=data.auto_renew)
        uow.flush()
        return get_subscription(uow, subscription_id)

    return request.transact(work)


routes = [get_subscriptions, get_one_subscription, put_auto_renew]
