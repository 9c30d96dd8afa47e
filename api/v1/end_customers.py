"""End customers of a dealer: asked, confirmed, ended; and the links of those that are not here yet."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from litestar import Response, get, post
from litestar.di import NamedDependency as Given
from litestar.params import FromPath, JSONBody
from msgspec import Meta
from pydantic import ConfigDict, Field

from api.auth import PUBLIC
from api.request import ApiRequest
from api.schema import KeyHeader, Out, PageOut, Paging, Wire, idempotent_command, list_page
from kernel.db.uow import UnitOfWork
from marketplace.end_customers.agree import (
    MOST_TAX_ID,
    PERMISSION,
    AskEndCustomer,
    ask_end_customer,
    confirm_by_link,
    confirm_end_customer,
    end_end_customer,
)
from marketplace.end_customers.queries import (
    EndCustomerLink,
    EndCustomerRow,
    get_end_customer,
    list_end_customers,
    read_link,
)


class AskEndCustomerIn(Wire):
    """An organization by its id, or by its tax identifier; who has neither here is invited by a link, under `name`."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"name": "Blue Ocean Trading", "tax_id": "91310000MA1FL0000X"}]}
    )

    organization_id: UUID | None = None
    name: Annotated[str, Field(max_length=120)] = Field(
        default="", description="Needed where the organization is not known here"
    )
    tax_id: Annotated[str, Field(max_length=MOST_TAX_ID)] = Field(
        default="", description="Of a link: only the organization that has it may confirm"
    )

    def command(self) -> AskEndCustomer:
        """As the command takes it."""
        return AskEndCustomer(self.organization_id, self.name, self.tax_id)


class EndCustomerOut(Out):
    """An organization (`org_id`) for which `dealer_org_id` orders, from when it confirmed until either side ends it."""

    id: UUID
    dealer_org_id: UUID
    dealer_name: str
    org_id: Annotated[UUID | None, Meta(description="Null while a link waits for whoever opens it")]
    name: str
    tax_id: Annotated[str | None, Meta(description="Of a link: whose identifier alone may confirm it")]
    state: Annotated[str, Meta(description="`asked`, `active` or `ended`")]
    is_dealer: Annotated[bool, Meta(description="Whether your organization is the dealer")]
    may_confirm: Annotated[bool, Meta(description="Whether it waits for your organization")]
    code: Annotated[
        str | None,
        Meta(description="Of a link that waits, for its dealer alone: it is at `/end-customer-links/{code}`"),
    ]
    created_at: datetime
    expires_at: datetime | None
    confirmed_at: datetime | None
    ended_at: datetime | None
    ended_by_dealer: bool | None

    @classmethod
    def of(cls, row: EndCustomerRow) -> EndCustomerOut:
        """From the query's row."""
        return cls.of_row(row)


class EndCustomerLinkOut(Out):
    """What a link asks of whoever has it."""

    dealer_name: str
    name: str
    tax_id: str | None
    state: Annotated[str, Meta(description="`open` or `over`")]
    expires_at: datetime | None

    @classmethod
    def of(cls, row: EndCustomerLink) -> EndCustomerLinkOut:
        """From the query's row."""
        return cls.of_row(row)


@get("/v1/end-customers", permission=PERMISSION, sync_to_thread=True, tags=["buying"])
def get_end_customers(request: ApiRequest, paging: Given[Paging]) -> Response[PageOut[EndCustomerOut]]:
    """For whom your organization orders, and who orders for it; the newest first, ended ones too."""

    def rows(uow: UnitOfWork, **paged: Any) -> Any:
        return list_end_customers(uow, **paged)

    return list_page(request, paging, rows, EndCustomerOut.of)


@post("/v1/end-customers", permission=PERMISSION, refuses=[404, 409], sync_to_thread=True, tags=["buying"])
def post_end_customer(
    data: JSONBody[AskEndCustomerIn], request: ApiRequest, idempotency_key: KeyHeader
) -> Response[EndCustomerOut]:
    """Ask an organization whether you may order for it. Nothing can be ordered for it before it confirms."""
    command = data.command()

    def work(uow: UnitOfWork) -> EndCustomerOut:
        return _shown(uow, ask_end_customer(uow, command).id)

    return idempotent_command(request, idempotency_key, data, work)


@get("/v1/end-customers/{end_customer_id:uuid}", permission=PERMISSION, sync_to_thread=True, tags=["buying"])
def get_one_end_customer(end_customer_id: FromPath[UUID], request: ApiRequest) -> EndCustomerOut:
    """One, for either side."""
    with request.transaction() as uow:
        return _shown(uow, end_customer_id)


@post(
    "/v1/end-customers/{end_customer_id:uuid}/confirmation",
    permission=PERMISSION,
    refuses=[409],
    status_code=200,
    sync_to_thread=True,
    tags=["buying"],
)
def post_end_customer_confirmation(end_customer_id: FromPath[UUID], request: ApiRequest) -> EndCustomerOut:
    """Let the dealer order for your organization from now on. Confirmed already, nothing changes."""
    return request.transact(lambda uow: _shown(uow, confirm_end_customer(uow, end_customer_id).id))


@post(
    "/v1/end-customers/{end_customer_id:uuid}/end",
    permission=PERMISSION,
    status_code=200,
    sync_to_thread=True,
    tags=["buying"],
)
def post_end_customer_end(end_customer_id: FromPath[UUID], request: ApiRequest) -> EndCustomerOut:
    """End it, say no to it, or take it back. What was ordered is used until its paid term ends, and is not renewed."""
    return request.transact(lambda uow: _shown(uow, end_end_customer(uow, end_customer_id).id))


@get("/v1/end-customer-links/{code:str}", permission=PUBLIC, sync_to_thread=True, tags=["buying"])
def get_end_customer_link(code: FromPath[str], request: ApiRequest) -> EndCustomerLinkOut:
    """What a dealer's link asks, before it is confirmed."""
    with request.transaction() as uow:
        return EndCustomerLinkOut.of(read_link(uow, code))


@post(
    "/v1/end-customer-links/{code:str}/confirmation",
    permission=PERMISSION,
    refuses=[409, 410],
    status_code=200,
    sync_to_thread=True,
    tags=["buying"],
)
def post_end_customer_link_confirmation(code: FromPath[str], request: ApiRequest) -> EndCustomerOut:
    """Be the end customer that the link is for. Confirmed by your organization already, nothing changes."""
    return request.transact(lambda uow: _shown(uow, confirm_by_link(uow, code).id))


def _shown(uow: UnitOfWork, end_customer_id: UUID) -> EndCustomerOut:
    return EndCustomerOut.of(get_end_customer(uow, end_customer_id))


routes = [
    get_end_customers,
    post_end_customer,
    get_one_end_customer,
    post_end_customer_confirmation,
    post_end_customer_end,
    get_end_customer_link,
    post_end_customer_link_confirmation,
]
