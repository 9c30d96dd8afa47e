"""Payment methods that gateways keep for an organization: listed, added on the gateway's own page, made the default, removed."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from litestar import get, post
from litestar.params import FromPath, JSONBody
from msgspec import Meta
from pydantic import Field

from api.payer_steps import begin_setup
from api.request import ApiRequest
from api.schema import Out, Wire
from billing.payment_methods.change import BUY, set_default
from billing.payment_methods.queries import PaymentMethodRow, get_payment_method, list_payment_methods
from kernel.db.uow import UnitOfWork
from orders.payment_methods.remove import RemovePaymentMethod, remove_payment_method

READ = "orders.read"


class PaymentMethodOut(Out):
    """A method as its gateway keeps it. No number that could be charged is known here."""

    id: UUID
    gateway: str
    payment_method: Annotated[str, Meta(description="What a purchase names it by")]
    kind: Annotated[str, Meta(description="The gateway's word", examples=["card"])]
    brand: str
    last_four: str
    exp_month: int | None
    exp_year: int | None
    has_expired: bool
    is_default: bool
    created_at: datetime
    removed_at: Annotated[datetime | None, Meta(description="Since when nothing is asked of it any more")]

    @classmethod
    def of(cls, row: PaymentMethodRow) -> PaymentMethodOut:
        """From the query's row."""
        return cls.of_row(row, payment_method=row.token)


class AddMethodIn(Wire):
    """Where a method is to be kept."""

    gateway: Annotated[str, Field(max_length=40)] | None = Field(
        default=None, description="Default: the first of the gateways offered here that keeps methods"
    )


class MethodPageOut(Out):
    """The page on which the payer names the method; it leads back to the market."""

    url: str


class RemoveMethodIn(Wire):
    """By which other method it goes on being paid."""

    replace_by: UUID | None = Field(
        default=None, description="Needed where a subscription is paid by the one that is removed"
    )


@get("/v1/payment-methods", permission=READ, sync_to_thread=True, tags=["buying"])
def get_payment_methods(request: ApiRequest) -> list[PaymentMethodOut]:
    """What is kept for the organization: the default first, then the newest."""
    with request.transaction() as uow:
        return [PaymentMethodOut.of(one) for one in list_payment_methods(uow)]


@post("/v1/payment-methods", permission=BUY, sync_to_thread=True, status_code=201, refuses=[503], tags=["buying"])
def add_payment_method(data: JSONBody[AddMethodIn], request: ApiRequest) -> MethodPageOut:
    """Open a page of the gateway's on which a method is kept, without paying. It stands in the list once it was named there."""
    return MethodPageOut(url=begin_setup(request, data.gateway))


@post(
    "/v1/payment-methods/{method_id:uuid}/default",
    permission=BUY,
    sync_to_thread=True,
    status_code=200,
    tags=["buying"],
)
def make_default(method_id: FromPath[UUID], request: ApiRequest) -> PaymentMethodOut:
    """Offer this one first. Repeating it changes nothing."""

    def work(uow: UnitOfWork) -> PaymentMethodOut:
        set_default(uow, method_id)
        uow.flush()
        return PaymentMethodOut.of(get_payment_method(uow, method_id))

    return request.transact(work)


@post(
    "/v1/payment-methods/{method_id:uuid}/remove",
    permission=BUY,
    sync_to_thread=True,
    status_code=200,
    tags=["buying"],
)
def remove(method_id: FromPath[UUID], data: JSONBody[RemoveMethodIn], request: ApiRequest) -> PaymentMethodOut:
    """Keep it no longer. What it pays for is paid by another from then on. Repeating it changes nothing."""

    def work(uow: UnitOfWork) -> PaymentMethodOut:
        remove_payment_method(uow, RemovePaymentMethod(method_id, data.replace_by))
        uow.flush()
        return PaymentMethodOut.of(get_payment_method(uow, method_id))

    return request.transact(work)


routes = [get_payment_methods, add_payment_method, make_default, remove]
