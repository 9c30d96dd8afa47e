"""Purchases: a quote is accepted, paid, looked up and waited for."""

from __future__ import annotations

import time
from datetime import datetime
from functools import partial
from typing import Annotated, Any
from uuid import UUID

from litestar import Response, get, post
from litestar.concurrency import sync_to_thread
from litestar.di import NamedDependency as Given
from litestar.params import FromPath, JSONBody
from msgspec import Meta
from pydantic import ConfigDict, Field

from api.conditional import PreferHeader, wait_preference
from api.context import Services
from api.deferred import DeferredResponse
from api.known_values import state_in
from api.order_watcher import OrderWatcher
from api.paying import PayingCommand, Started, run_paying
from api.request import ApiRequest
from api.schema import KeyHeader, MoneyOut, Out, PageOut, Paging, Wire, answered, idempotent_command, list_page
from api.v1.approval_out import ApprovalReasonOut, ApprovalStepOut, reasons_out, steps_out
from api.v1.departments import DepartmentOut
from api.v1.orders import OrderOut
from api.v1.spend import DepartmentParameter
from billing.gateways.sandbox import NAME as SANDBOX
from billing.payments.queries import latest_payment
from kernel import clock
from kernel.db.uow import UnitOfWork
from kernel.errors import Invalid
from kernel.idempotency import Answer
from orders import queries
from orders.checkout import views
from orders.checkout.cancel_purchase import cancel_purchase
from orders.checkout.models import PURCHASE
from orders.checkout.payer_models import BY_PAYER
from orders.checkout.place_purchase import PlacePurchase, ask_place_purchase, place_purchase
from orders.checkout.request_payment import pay_again


class PurchaseIn(Wire):
    """Accept a quote."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "quote_id": "019aa5f0-5c00-7000-8000-000000000004",
                    "billing_profile_id": "019aa5f0-5c00-7000-8000-000000000005",
                    "payment_method": "sbx_ok",
                    "po_number": "PO-2026-118",
                }
            ]
        }
    )

    quote_id: UUID
    billing_profile_id: UUID | None = Field(
        default=None, description="Needed, except of what a payer pays that is invoiced to it"
    )
    gateway: Annotated[str, Field(max_length=40)] | None = Field(
        default=None,
        description="Default: the first of the gateways offered here. `payer`: your payer pays, by the agreement whose id is "
        "the `payment_method` (`GET /v1/own-payer`)",
    )
    payment_method: Annotated[str, Field(min_length=1, max_length=200)] | None = Field(
        default=None,
        description="What the gateway knows the method by. Needed, except of a trial that does not convert by itself. "
        "Sandbox tokens: docs/sandbox.md",
        examples=["sbx_ok"],
    )
    po_number: Annotated[str, Field(max_length=64)] | None = None
    department_id: UUID | None = Field(
        default=None,
        description="Whose spending it is. Default: the department of the member who asks for it; of a change, that of its "
        "subscription",
    )


class PayIn(Wire):
    """Another way to pay, after a failed payment."""

    gateway: Annotated[str, Field(max_length=40)] | None = Field(
        default=None, description="Default: the first of the gateways offered here"
    )
    payment_method: Annotated[str, Field(min_length=1, max_length=200)]


WAITING = frozenset({"pending_approval", "pending_payment"})
"""States of a purchase in which somebody or some gateway has yet to decide."""


class PurchaseOut(Out):
    """A purchase and its orders, one per seller."""

    id: UUID
    state: str
    net: MoneyOut
    tax: MoneyOut
    gross: MoneyOut
    po_number: str | None
    department: Annotated[DepartmentOut | None, Meta(description="Whose spending it is")]
    billing_profile: dict[str, Any]
    by_payer: Annotated[bool, Meta(description="Whether another organization pays it, by a payer agreement")]
    requested_by_name: str | None
    approval_reasons: Annotated[list[ApprovalReasonOut], Meta(description="As measured when it was placed")]
    approval_steps: Annotated[list[ApprovalStepOut], Meta(description="In order, as the rules were when it was placed")]
    waits_for_step: Annotated[int | None, Meta(description="The number of the step that is to be decided next")]
    decided_by_name: str | None
    decision: str | None
    decision_reason: str | None
    deadline_at: datetime | None
    created_at: datetime
    context: dict[str, Any]
    orders: list[OrderOut]

    @classmethod
    def of(cls, view: views.PurchaseView) -> PurchaseOut:
        """From the query's row."""
        return cls.of_row(
            view,
            department=DepartmentOut.of_row(view.department) if view.department else None,
            by_payer=view.gateway == BY_PAYER,
            approval_reasons=reasons_out(view.approval_reasons, view.currency),
            approval_steps=steps_out(view.approval_steps),
            waits_for_step=view.waits_for.number if view.waits_for else None,
            orders=[OrderOut.of(order) for order in view.orders],
        )


@post("/v1/purchases", permission="signed_in", refuses=[404], sync_to_thread=True, tags=["buying"])
def create_purchase(
    data: JSONBody[PurchaseIn], request: ApiRequest, idempotency_key: KeyHeader
) -> Response[PurchaseOut]:
    """Accept a quote: one order per seller, paid at once or sent to an approver. Needs an Idempotency-Key.

    Where another party than the quote's is to be on the invoice and would pay another total, the answer is 409
    `price_changed` with the new amounts; nothing is bought. Ask for a quote for that billing profile.
    """
    return answered(buy(request, data, idempotency_key))


@get("/v1/purchases", permission="orders.read", sync_to_thread=True, tags=["buying"])
def list_purchases(
    request: ApiRequest,
    paging: Given[Paging],
    only: Annotated[str | None, state_in(PURCHASE.states)] = None,
    department_id: DepartmentParameter = None,
) -> Response[PageOut[PurchaseOut]]:
    """The organization's purchases, newest first. `state=pending_approval` is the approver's inbox."""
    return list_page(request, paging, queries.list_purchases, PurchaseOut.of, state=only, department_id=department_id)


@get("/v1/purchases/{purchase_id:uuid}", permission="orders.read", sync_to_thread=True, tags=["buying"])
def get_purchase(
    purchase_id: FromPath[UUID], request: ApiRequest, prefer: PreferHeader = None
) -> Response[PurchaseOut]:
    """One purchase with its orders. With `Prefer: wait=N` the answer waits for its approval or payment to be decided."""
    found, waits = _awaited(request, purchase_id)
    wait_s = wait_preference(prefer)
    if wait_s is None:
        return Response(found)
    headers = {"Preference-Applied": f"wait={wait_s}"}
    if not waits:
        return Response(found, headers=headers)
    return DeferredResponse(partial(_decided, request, found, wait_s, headers))


async def _decided(
    request: ApiRequest, found: PurchaseOut, wait_s: int, headers: dict[str, str]
) -> Response[PurchaseOut]:
    watcher: OrderWatcher = request.app.state["order_watcher"]
    ends_at, waits = time.monotonic() + wait_s, True
    # An order's mark changes with its purchase's state and with its payment's.
    with watcher.watch(found.orders[0].id) as watch:
        while waits and await watch.changed(ends_at - time.monotonic()):
            found, waits = await sync_to_thread(_awaited, request, found.id)
    return Response(found, headers=headers)


def _awaited(request: ApiRequest, purchase_id: UUID) -> tuple[PurchaseOut, bool]:
    """The purchase, and whether it still waits for its approver or for a payment that has not failed."""
    with request.transaction() as uow:
        view = queries.get_purchase(uow, purchase_id)
        payment = latest_payment(uow, purchase_id) if view.state == "pending_payment" else None
        waits = view.state in WAITING and (payment is None or payment.state != "failed")
        return PurchaseOut.of(view), waits


@post(
    "/v1/purchases/{purchase_id:uuid}/pay",
    permission="orders.buy",
    sync_to_thread=True,
    status_code=200,
    tags=["buying"],
)
def pay_purchase(
    purchase_id: FromPath[UUID],
    data: JSONBody[PayIn],
    request: ApiRequest,
    idempotency_key: KeyHeader,
) -> Response[PurchaseOut]:
    """Pay with another method after a failed payment."""
    gateway = chosen_gateway(request.services, data.gateway)

    def pay(uow: UnitOfWork) -> Started:
        submission = pay_again(uow, purchase_id, gateway=gateway, method_token=data.payment_method, leased=True)
        uow.flush()
        return Started(queries.get_purchase(uow, purchase_id), submission)

    command = PayingCommand(pay, partial(shown_purchase, purchase_id))
    return answered(run_paying(request, idempotency_key, data, command, shown=PurchaseOut.of, status=200))


@post(
    "/v1/purchases/{purchase_id:uuid}/cancel",
    permission="orders.buy",
    sync_to_thread=True,
    status_code=200,
    tags=["buying"],
)
def call_off_purchase(
    purchase_id: FromPath[UUID], request: ApiRequest, idempotency_key: KeyHeader
) -> Response[PurchaseOut]:
    """Call off a purchase that waits for its approver or its money; all of its orders end with it. Repeating it changes nothing.

    Not while a payment of it is under way or in doubt. A term that is renewed and usage are not called off.
    """

    def work(uow: UnitOfWork) -> PurchaseOut:
        cancel_purchase(uow, purchase_id)
        uow.flush()
        return PurchaseOut.of(queries.get_purchase(uow, purchase_id))

    return idempotent_command(request, idempotency_key, Wire(), work, status=200)


def buy(request: ApiRequest, data: PurchaseIn, key: str | None) -> Answer:
    """Place the purchase once per key and have it paid, for the JSON route and the page alike.

    Raises as `place_purchase` and `with_idempotency_key`.
    """
    gateway = BY_PAYER if data.gateway == BY_PAYER else chosen_gateway(request.services, data.gateway)
    command = PlacePurchase(
        data.quote_id,
        data.billing_profile_id,
        gateway,
        data.payment_method or "",
        data.po_number,
        data.department_id,
        pay_at_once=True,
    )

    def place(uow: UnitOfWork) -> Started:
        placed = place_purchase(uow, command)
        return Started(placed.view(), placed.submission)

    def placed_before(uow: UnitOfWork) -> PurchaseOut:
        return PurchaseOut.of(queries.get_purchase_of_quote(uow, data.quote_id))

    paying = PayingCommand(place, placed_before, lambda uow: ask_place_purchase(uow, command))
    return run_paying(request, key, data, paying, shown=PurchaseOut.of, route="POST /v1/purchases")


def chosen_gateway(services: Services, name: str | None) -> str:
    """The gateway that was named, else the first that is offered. Raises as `require_gateway`."""
    usual = SANDBOX if clock.own_time() is not None else next(iter(services.gateways), "")
    chosen = name or usual
    require_gateway(services, chosen)
    return chosen


def require_gateway(services: Services, name: str) -> None:
    """Raises Invalid(`gateway_unknown`) for a gateway that is not configured, `test_clock_gateway` for any but the sandbox's
    where somebody pays at a time of their own.
    """
    if name not in services.gateways:
        raise Invalid("gateway_unknown", field="gateway")
    if clock.own_time() is not None and name != SANDBOX:
        raise Invalid("test_clock_gateway", field="gateway")


def shown_purchase(purchase_id: UUID, uow: UnitOfWork) -> PurchaseOut:
    """The purchase as it stands, where an answer was lost."""
    return PurchaseOut.of(queries.get_purchase(uow, purchase_id))


routes = [create_purchase, list_purchases, get_purchase, pay_purchase, call_off_purchase]
