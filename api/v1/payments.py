"""A buyer's payment while it is under way; and, in the sandbox, what the bank's authentication page would do."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated
from uuid import UUID

from litestar import get, post
from litestar.di import NamedDependency as Given
from litestar.params import FromPath, JSONBody
from pydantic import Field

from api.context import Services
from api.schema import MoneyOut, Out, Wire
from billing.gateways.sandbox import SandboxGateway
from billing.payments.queries import PaymentRow, get_payment
from kernel.db.uow import unit_of_work
from kernel.errors import Conflict, Forbidden
from kernel.principal import Principal


class PaymentOut(Out):
    """A payment as its payer sees it."""

    id: UUID
    purchase_id: UUID
    gateway: str
    amount: MoneyOut
    state: str
    error_code: str | None
    next_action: Mapping[str, str] | None
    deadline_at: datetime
    captured_at: datetime | None
    created_at: datetime

    @classmethod
    def of(cls, row: PaymentRow) -> PaymentOut:
        """From the query's row."""
        plain = set(cls.model_fields) - {"amount", "purchase_id"}
        return cls(
            **{name: getattr(row, name) for name in plain},
            purchase_id=row.reference,
            amount=MoneyOut.of(row.amount_minor, row.currency),
        )


class AuthenticationIn(Wire):
    """What the payer answers its bank."""

    approve: Annotated[bool, Field(strict=True)]


@get("/v1/payments/{payment_id:uuid}", permission="orders.read", sync_to_thread=True, tags=["buying"])
def get_one(payment_id: FromPath[UUID], services: Given[Services], principal: Given[Principal]) -> PaymentOut:
    """One payment of the organization."""
    with unit_of_work(services.db, principal) as uow:
        return PaymentOut.of(get_payment(uow, payment_id))


@post(
    "/v1/sandbox/payments/{payment_id:uuid}/authentication",
    permission="orders.buy",
    sync_to_thread=True,
    status_code=202,
    tags=["sandbox"],
)
def authenticate(
    payment_id: FromPath[UUID], data: JSONBody[AuthenticationIn], services: Given[Services], principal: Given[Principal]
) -> PaymentOut:
    """Confirm or refuse a sandbox payment that waits for its payer. The outcome arrives by notice, as from a bank."""
    with unit_of_work(services.db, principal) as uow:
        row = get_payment(uow, payment_id)
    gateway = services.gateways.get(row.gateway)
    if not services.sandbox or not isinstance(gateway, SandboxGateway):
        raise Forbidden("sandbox_only")
    if row.state != "requires_action" or row.gateway_reference is None:
        raise Conflict("payment_needs_no_action", state=row.state)
    gateway.authenticate(row.gateway_reference, approve=data.approve)
    return PaymentOut.of(row)


routes = [get_one, authenticate]
