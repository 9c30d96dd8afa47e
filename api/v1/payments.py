"""A buyer's payment while it is under way; and, in the sandbox, what the bank's authentication page would do."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated
from uuid import UUID

from litestar import get, post
from litestar.params import FromPath, JSONBody
from msgspec import Meta
from pydantic import Field

from api.context import Services
from api.payer_action import absolute_action
from api.payer_steps import withdraw
from api.request import ApiRequest
from api.schema import MoneyOut, Out, Wire
from billing.gateways.sandbox import SandboxGateway
from billing.payments.queries import PaymentRow, get_payment
from kernel.errors import Conflict, Forbidden


class PaymentOut(Out):
    """A payment as its payer sees it."""

    id: UUID
    purchase_id: UUID
    gateway: str
    amount: MoneyOut
    credit: Annotated[MoneyOut, Meta(description="Of it what credit with the sellers pays")]
    state: str
    error_code: str | None
    next_action: Annotated[
        Mapping[str, str] | None,
        Meta(
            description="What the payer has to do while `requires_action`. Of kind `redirect`: open `url`",
            examples=[{"kind": "redirect", "url": "https://hooks.stripe.com/redirect/authenticate/src_1"}],
        ),
    ]
    deadline_at: datetime
    captured_at: datetime | None
    created_at: datetime

    @classmethod
    def of(cls, row: PaymentRow, public_url: str) -> PaymentOut:
        """From the query's row. `public_url` is ours: the sandbox's confirmation is a page of our own."""
        action = absolute_action(row.next_action, public_url)
        return cls.of_row(row, purchase_id=row.reference, next_action=action)


class AuthenticationIn(Wire):
    """What the payer answers its bank."""

    approve: Annotated[bool, Field(strict=True)]


@get("/v1/payments/{payment_id:uuid}", permission="orders.read", sync_to_thread=True, tags=["buying"])
def get_one(payment_id: FromPath[UUID], request: ApiRequest) -> PaymentOut:
    """One payment of the organization."""
    with request.transaction() as uow:
        return PaymentOut.of(get_payment(uow, payment_id), request.services.settings.public_url)


@post(
    "/v1/sandbox/payments/{payment_id:uuid}/authentication",
    permission="orders.buy",
    sync_to_thread=True,
    status_code=202,
    tags=["sandbox"],
)
def authenticate(payment_id: FromPath[UUID], data: JSONBody[AuthenticationIn], request: ApiRequest) -> PaymentOut:
    """Confirm or refuse a sandbox payment that waits for its payer. The outcome arrives by notice, as from a bank."""
    with request.transaction() as uow:
        row = get_payment(uow, payment_id)
    answer_bank(request.services, row, approve=data.approve)
    return PaymentOut.of(row, request.services.settings.public_url)


@post(
    "/v1/payments/{payment_id:uuid}/withdraw",
    permission="orders.buy",
    sync_to_thread=True,
    status_code=200,
    tags=["buying"],
)
def withdraw_one(payment_id: FromPath[UUID], request: ApiRequest) -> PaymentOut:
    """Withdraw a payment that waits for its payer, so that another way to pay can be chosen. What was paid meanwhile is paid."""
    withdraw(request, payment_id)
    with request.transaction() as uow:
        return PaymentOut.of(get_payment(uow, payment_id), request.services.settings.public_url)


def answer_bank(services: Services, row: PaymentRow, *, approve: bool) -> None:
    """Answer the sandbox's bank for the payer, for the JSON route and the page alike.

    Raises: Forbidden `sandbox_only`; Conflict `payment_needs_no_action`.
    """
    gateway = services.gateways.get(row.gateway)
    if not services.sandbox or not isinstance(gateway, SandboxGateway):
        raise Forbidden("sandbox_only")
    if row.state != "requires_action" or row.gateway_reference is None:
        raise Conflict("payment_needs_no_action", state=row.state)
    gateway.authenticate(row.gateway_reference, approve=approve)


routes = [get_one, withdraw_one, authenticate]
