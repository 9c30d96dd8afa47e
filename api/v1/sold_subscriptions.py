"""What recurs, for whoever sold it and for the platform."""

from __future__ import annotations

from typing import Annotated, Literal
from uuid import UUID

from litestar import Response, get
from litestar.di import NamedDependency as Given
from litestar.params import FromPath, QueryParameter

from api.request import ApiRequest
from api.schema import PageOut, Paging, list_page
from api.v1.subscription_out import MovementOut, SoldSubscriptionOut, TimelineEntryOut
from orders.subscriptions.movement import subscription_movements
from orders.subscriptions.sold import get_sold_subscription, list_sold_subscriptions
from orders.subscriptions.stuck import Stuck, StuckSubscription, list_stuck
from orders.subscriptions.timeline import subscription_timeline

READ = "seller.orders.read"
State = Literal["trial", "active", "past_due", "ended"]


@get("/v1/seller/subscriptions", permission=READ, sync_to_thread=True, tags=["seller"])
def get_sold_subscriptions(
    request: ApiRequest,
    paging: Given[Paging],
    only: Annotated[
        State | None, QueryParameter(name="state", required=False, description="Only in this state")
    ] = None,
    due_days: Annotated[
        int | None,
        QueryParameter(
            name="due_days",
            ge=1,
            le=1000,
            required=False,
            description="Only those whose paid term ends within so many days",
        ),
    ] = None,
    customer_id: Annotated[
        UUID | None, QueryParameter(name="customer_id", required=False, description="Only this customer's")
    ] = None,
) -> Response[PageOut[SoldSubscriptionOut]]:
    """Everything that customers have subscribed to, newest first."""
    return list_page(
        request,
        paging,
        list_sold_subscriptions,
        SoldSubscriptionOut.of,
        state=only,
        due_days=due_days,
        customer_id=customer_id,
    )


@get(
    "/v1/seller/subscriptions/{subscription_id:uuid}",
    permission=READ,
    refuses=[404],
    sync_to_thread=True,
    tags=["seller"],
)
def get_one_sold_subscription(subscription_id: FromPath[UUID], request: ApiRequest) -> SoldSubscriptionOut:
    """One that a customer has subscribed to."""
    with request.transaction() as uow:
        return SoldSubscriptionOut.of(get_sold_subscription(uow, subscription_id))


@get(
    "/v1/seller/subscriptions/{subscription_id:uuid}/timeline",
    permission=READ,
    refuses=[404],
    sync_to_thread=True,
    tags=["seller"],
)
def get_sold_timeline(subscription_id: FromPath[UUID], request: ApiRequest) -> list[TimelineEntryOut]:
    """As the buyer's, without what is the buyer's own: the next term's price before it is paid, and why a payment failed."""
    with request.transaction() as uow:
        return [TimelineEntryOut.of(one) for one in subscription_timeline(uow, subscription_id, "seller")]


@get("/v1/seller/subscription-movements", permission=READ, sync_to_thread=True, tags=["seller"])
def get_movements(request: ApiRequest) -> list[MovementOut]:
    """What began, was renewed, grew, shrank and ended, for the latest twelve months with the present one: the oldest first."""
    with request.transaction() as uow:
        return [MovementOut.of_row(one) for one in subscription_movements(uow)]


@get("/v1/operator/subscriptions", permission="operator.read", sync_to_thread=True, tags=["operator"])
def get_stuck_subscriptions(
    request: ApiRequest,
    stuck: Annotated[
        Stuck | None, QueryParameter(name="stuck", required=False, description="Only what is stuck in this way")
    ] = None,
) -> list[StuckSubscription]:
    """What recurs and does not go on by itself, the oldest hundred first."""
    with request.transaction() as uow:
        return list_stuck(uow, stuck)


@get(
    "/v1/operator/subscriptions/{subscription_id:uuid}/timeline",
    permission="operator.read",
    refuses=[404],
    sync_to_thread=True,
    tags=["operator"],
)
def get_any_timeline(subscription_id: FromPath[UUID], request: ApiRequest) -> list[TimelineEntryOut]:
    """As the buyer's, of any subscription."""
    with request.transaction() as uow:
        return [TimelineEntryOut.of(one) for one in subscription_timeline(uow, subscription_id, "operator")]


routes = [
    get_sold_subscriptions,
    get_one_sold_subscription,
    get_sold_timeline,
    get_movements,
    get_stuck_subscriptions,
    get_any_timeline,
]
