"""Orders of a buyer and of a seller: never one route for both."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec
from litestar import Response, get, post
from litestar.concurrency import sync_to_thread
from litestar.di import NamedDependency as Given
from litestar.params import FromPath, JSONBody
from litestar.response import ServerSentEvent, ServerSentEventMessage
from msgspec import Meta
from pydantic import Field

from api.known_values import state_in
from api.order_watcher import OrderWatcher
from api.payer_action import absolute_action
from api.request import ApiRequest
from api.schema import KeyHeader, MoneyOut, Out, PageOut, Paging, Wire, idempotent_command, list_page
from api.v1.awaited_payments import AwaitedPaymentOut
from api.v1.end_customer_name_out import EndCustomerNameOut
from api.v1.price_out import InstalmentOut, LineTierOut, PriceLineOut, instalments_out, price_lines_out
from kernel.db.uow import UnitOfWork
from orders import queries
from orders.awaited_payments import SoldOrder, get_sold, list_sold
from orders.order.accept_services import accept_order
from orders.order.models import ORDER
from orders.order.views import LineView, OrderView
from orders.progress import Progress, ProgressStep, progress_of
from orders.refunds.refund_order import RequestOrderRefund, request_order_refund

KEEP_ALIVE_S = 15
"""After how long without news a comment keeps the connection open."""
STREAM_S = 600
"""A stream ends after this long; the browser reconnects by itself."""
STREAM_RETRY_MS = 1_000


class LineOut(Out):
    """A line of an order, as both parties see it."""

    id: UUID
    listing_id: UUID
    listing_version_id: UUID
    plan_id: UUID
    title: str
    title_en: str
    plan_name: str
    plan_name_en: str
    pricing: str
    sold_by_seat: bool
    interval: str
    term_months: int
    quantity: int
    unit_price: MoneyOut
    price_lines: Annotated[
        tuple[PriceLineOut, ...],
        Meta(description="How the list price came about; empty where it is unit price x quantity"),
    ]
    list: MoneyOut
    discount: MoneyOut
    coupon: Annotated[str, Meta(description="The code that the discount is by, or the promotion's name; empty without")]
    coupon_every_term: Annotated[
        bool, Meta(description="Whether it comes off renewals, too; else off the first term alone")
    ]
    tier: Annotated[
        LineTierOut | None, Meta(description="The tier whose partner's price it is at; null where it is the plan's own")
    ]
    net: MoneyOut
    tax_rate_ppm: int
    untaxed_price: Annotated[
        str | None,
        Meta(
            description="Of a price that contains its tax where none was charged: `whole`, or its `net` part; else null"
        ),
    ]
    home_rate_ppm: Annotated[
        int,
        Meta(
            description="Then the rate at home that the price contains, else 0. Of a `net` price list, discount and price lines"
            " still contain it; net and gross do not"
        ),
    ]
    tax: MoneyOut
    gross: MoneyOut
    instalments: Annotated[
        tuple[InstalmentOut, ...],
        Meta(
            description="Of a term that is paid in several, all of them: the line's own amounts are those of the first"
        ),
    ]
    end_customer: Annotated[
        EndCustomerNameOut | None, Meta(description="For whom its buyer, a dealer, ordered it; null: for itself")
    ]
    trial_days: Annotated[int, Meta(description="Of a trial; its amounts are nothing. 0 where it was bought")]
    trial_after: Annotated[
        MoneyOut, Meta(description="Of a trial, what is paid afterwards; nothing where it was bought")
    ]
    contract_terms: Annotated[int, Meta(description="After how many paid terms it ends for good; 0: never by itself")]
    first_term_ends_at: Annotated[
        datetime | None, Meta(description="When the first term ends by what was agreed on, where that is no whole one")
    ]
    claims: Sequence[dict[str, Any]]
    video_id: UUID | None
    placement_id: UUID | None
    live_session_id: Annotated[UUID | None, Meta(description="The live session in whose room it was sold")]
    circle_id: Annotated[UUID | None, Meta(description="The circle through which its buyer's member bought it")]
    second: Annotated[int | None, Meta(description="Second of the video, or the session, at which it was sold")]
    attribution: str

    @classmethod
    def of(cls, line: LineView, currency: str) -> LineOut:
        """From the query's row."""
        second = None if line.second_ms is None else line.second_ms // 1000
        lines = tuple(price_lines_out(line.price_lines, line.interval, currency))
        later = instalments_out(line.instalments, currency)
        tier = LineTierOut.of(line.tier, currency)
        return cls.of_row(
            line,
            currency=currency,
            second=second,
            attribution=line.rule,
            price_lines=lines,
            instalments=later,
            tier=tier,
            end_customer=EndCustomerNameOut.of_line(line.end_customer),
            home_rate_ppm=line.untaxed.home_rate_ppm,
            untaxed_price=line.untaxed.kept_as,
        )


class OrderOut(Out):
    """The agreement with one seller."""

    id: UUID
    number: str
    purchase_id: UUID
    buyer_org_id: UUID
    buyer_name: str
    seller_org_id: UUID
    seller_name: str
    selling_model: Annotated[
        str, Meta(description="Who sold it to the buyer: `agency`, the seller; `reseller`, the platform")
    ]
    issuer_name: Annotated[str, Meta(description="Who invoices it")]
    state: str
    net: MoneyOut
    tax: MoneyOut
    gross: MoneyOut
    po_number: str | None
    payment_id: UUID | None
    deadline_at: datetime | None
    paid_at: datetime | None
    active_at: datetime | None
    accepted_at: datetime | None
    awaits_acceptance: bool
    failure: str | None
    created_at: datetime
    lead_id: Annotated[UUID | None, Meta(description="The request whose offer was accepted with it")]
    lines: list[LineOut]

    @classmethod
    def of(cls, order: OrderView) -> OrderOut:
        """From the query's row."""
        return cls.of_row(order, lines=[LineOut.of(line, order.currency) for line in order.lines])


class SoldOrderOut(OrderOut):
    """An order as its seller sees it."""

    awaited_payment: Annotated[
        AwaitedPaymentOut | None, Meta(description="While it was delivered on account and its buyer has not paid")
    ]

    @classmethod
    def of_sold(cls, sold: SoldOrder) -> SoldOrderOut:
        """From the query's row."""
        order, waits = sold.order, sold.awaited
        return cls.of_row(
            order,
            lines=[LineOut.of(line, order.currency) for line in order.lines],
            awaited_payment=AwaitedPaymentOut.of(waits) if waits is not None else None,
        )


class LineProgressOut(Out):
    """How far the delivery of one line is, live."""

    order_line_id: UUID
    entitlement_id: UUID
    state: Annotated[str, Meta(description="Of the delivery's run")]
    percent: int
    message: dict[str, str | None]
    launch_url: Annotated[str | None, Meta(description="Once its product can be opened")]


class ProgressOut(Out):
    """Where an order is, live."""

    order_id: UUID
    state: str
    percent: Annotated[int, Meta(description="Of several lines: of the slowest")]
    message: dict[str, str | None]
    launch_url: Annotated[str | None, Meta(description="Of the only line; of several each has its own")]
    lines: Annotated[list[LineProgressOut], Meta(description="Those whose delivery has begun, the slowest first")]
    failure: str | None
    payment_id: Annotated[UUID | None, Meta(description="The latest payment, while one is awaited")]
    payment_state: Annotated[str | None, Meta(description="Of the latest payment, while one is awaited")]
    payment_error: Annotated[str | None, Meta(examples=["card_declined"])]
    next_action: Annotated[
        Mapping[str, str] | None,
        Meta(
            description="What the payer has to do while the payment `requires_action`. Of kind `redirect`: open `url`"
        ),
    ]
    steps: list[ProgressStep]

    @classmethod
    def of(cls, progress: Progress, public_url: str) -> ProgressOut:
        """From the query's row; `public_url` is ours."""
        return cls(
            order_id=progress.order_id,
            state=progress.state,
            percent=progress.percent,
            message={"zh": progress.message, "en": progress.message_en},
            launch_url=progress.launch_url,
            lines=[
                LineProgressOut.of_row(one, message={"zh": one.message, "en": one.message_en}) for one in progress.lines
            ],
            failure=progress.failure,
            payment_id=progress.payment_id,
            payment_state=progress.payment_state,
            payment_error=progress.payment_error,
            next_action=absolute_action(progress.next_action, public_url),
            steps=list(progress.steps),
        )


class RefundIn(Wire):
    """Ask for money back on an order. Without an amount: all that is left."""

    amount_minor: Annotated[int, Field(strict=True, gt=0, le=10**15)] | None = None
    reason: Annotated[str, Field(min_length=1, max_length=500)]


class RefundOut(Out):
    """A refund that was accepted; `state` tells how far the gateway is."""

    id: UUID
    order_id: UUID
    amount: MoneyOut
    state: str


@get("/v1/orders", permission="orders.read", sync_to_thread=True, tags=["buying"])
def list_orders(
    request: ApiRequest,
    paging: Given[Paging],
    only: Annotated[str | None, state_in(ORDER.states)] = None,
) -> Response[PageOut[OrderOut]]:
    """The organization's orders as buyer, newest first."""
    return list_page(request, paging, queries.list_orders, OrderOut.of, state=only)


@get("/v1/orders/{order_id:uuid}", permission="orders.read", sync_to_thread=True, tags=["buying"])
def get_order(order_id: FromPath[UUID], request: ApiRequest) -> OrderOut:
    """One order of the buyer."""
    with request.transaction() as uow:
        return OrderOut.of(queries.get_order(uow, order_id))


@get("/v1/orders/{order_id:uuid}/progress", permission="orders.read", media_type="text/event-stream", tags=["buying"])
async def stream_progress(order_id: FromPath[UUID], request: ApiRequest) -> ServerSentEvent:
    """Live progress as server-sent events: `progress` whenever something changed, `end` when nothing more will."""
    first = await sync_to_thread(_look, request, order_id)
    watcher: OrderWatcher = request.app.state["order_watcher"]
    public_url = request.services.settings.public_url

    async def events() -> AsyncIterator[ServerSentEventMessage]:
        seen, progress, ends_at = "", first, time.monotonic() + STREAM_S
        with watcher.watch(order_id) as watch:
            while True:
                body = msgspec.json.encode(ProgressOut.of(progress, public_url)).decode()
                if body != seen:
                    seen = body
                    yield ServerSentEventMessage(data=body, event="progress", retry=STREAM_RETRY_MS)
                if progress.is_final:
                    yield ServerSentEventMessage(data="{}", event="end")
                    return
                while not await watch.changed(KEEP_ALIVE_S):
                    if time.monotonic() > ends_at:
                        return
                    yield ServerSentEventMessage(comment="still here")
                progress = await sync_to_thread(_look, request, order_id)

    return ServerSentEvent(events(), headers={"X-Accel-Buffering": "no"})


@get("/v1/orders/{order_id:uuid}/status", permission="orders.read", sync_to_thread=True, tags=["buying"])
def get_progress(order_id: FromPath[UUID], request: ApiRequest) -> ProgressOut:
    """The same progress once, for programs that poll."""
    return ProgressOut.of(_look(request, order_id), request.services.settings.public_url)


@post(
    "/v1/orders/{order_id:uuid}/acceptance",
    permission="orders.buy",
    sync_to_thread=True,
    status_code=200,
    tags=["buying"],
)
def accept(order_id: FromPath[UUID], request: ApiRequest) -> OrderOut:
    """Accept a delivered one-off service; the seller's share starts its hold. Repeating it changes nothing."""

    def work(uow: UnitOfWork) -> OrderOut:
        accept_order(uow, order_id)
        uow.flush()
        return OrderOut.of(queries.get_order(uow, order_id))

    return request.transact(work)


@post("/v1/orders/{order_id:uuid}/refunds", permission="orders.buy", sync_to_thread=True, tags=["buying"])
def create_refund(
    order_id: FromPath[UUID],
    data: JSONBody[RefundIn],
    request: ApiRequest,
    idempotency_key: KeyHeader,
) -> Response[RefundOut]:
    """Ask for money back inside the refund window of the order. Needs an Idempotency-Key."""

    def ask(uow: UnitOfWork) -> RefundOut:
        refund = request_order_refund(uow, RequestOrderRefund(order_id, data.amount_minor, data.reason))
        amount = MoneyOut.of(refund.amount_minor, refund.currency)
        return RefundOut(id=refund.id, order_id=order_id, amount=amount, state=refund.state)

    return idempotent_command(request, idempotency_key, data, ask)


@get("/v1/seller/orders", permission="seller.orders.read", sync_to_thread=True, tags=["seller"])
def list_seller_orders(
    request: ApiRequest,
    paging: Given[Paging],
    only: Annotated[str | None, state_in(ORDER.states)] = None,
) -> Response[PageOut[SoldOrderOut]]:
    """The organization's paid orders as seller, newest first."""
    return list_page(request, paging, list_sold, SoldOrderOut.of_sold, state=only)


@get("/v1/seller/orders/{order_id:uuid}", permission="seller.orders.read", sync_to_thread=True, tags=["seller"])
def get_seller_order(order_id: FromPath[UUID], request: ApiRequest) -> SoldOrderOut:
    """One paid order of the seller."""
    with request.transaction() as uow:
        return SoldOrderOut.of_sold(get_sold(uow, order_id))


def _look(request: ApiRequest, order_id: UUID) -> Progress:
    with request.transaction() as uow:
        return progress_of(uow, order_id)


routes = [
    list_orders,
    get_order,
    stream_progress,
    get_progress,
    accept,
    create_refund,
    list_seller_orders,
    get_seller_order,
]
