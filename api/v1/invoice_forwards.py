"""Documents that are sent on to an address outside, and what the link in its mail opens."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from litestar import Response, get, post
from litestar.di import NamedDependency as Given
from litestar.params import FromPath, JSONBody
from litestar.response import Stream
from msgspec import Meta
from pydantic import Field

from api.auth import PUBLIC
from api.request import ApiRequest
from api.schema import KeyHeader, MoneyOut, Out, PageOut, Paging, Wire, idempotent_command, list_page
from api.v1.invoice_export import archive_of
from api.v1.sign_ups import Token, count_link
from billing.invoice_forwards.forward_documents import (
    MOST,
    PERMISSION,
    ForwardDocuments,
    forward_documents,
    revoke_forward,
)
from billing.invoice_forwards.queries import (
    ForwardedDocuments,
    ForwardRow,
    forward_rows,
    forwarded_files,
    forwarded_pdf,
    list_forwards,
    read_forwarded,
)
from kernel.db.uow import UnitOfWork
from kernel.errors import NotFound
from marketplace.access.authenticate import PRE_AUTH

READ = "invoices.read"
PRIVATE = {"X-Content-Type-Options": "nosniff", "Cache-Control": "private, no-store"}


class InvoiceForwardIn(Wire):
    """Documents that the organization received or issued, and who is mailed a link to them."""

    to: Annotated[str, Field(min_length=3, max_length=254)]
    invoice_ids: Annotated[list[UUID], Field(min_length=1, max_length=MOST)]


class ForwardTokenIn(Wire):
    """What the mail's link carries."""

    token: Token


class ForwardFileIn(ForwardTokenIn):
    """Which document of it."""

    invoice_id: UUID


class InvoiceForwardOut(Out):
    """What was sent on, by whom and to whom."""

    id: UUID
    to: str
    sent_by: Annotated[str | None, Meta(description="Name of a person; null: a key of the organization")]
    documents: int
    numbers: list[str]
    state: Annotated[str, Meta(description="open, expired (14 days after it was sent), revoked")]
    created_at: datetime
    expires_at: datetime
    revoked_at: datetime | None

    @classmethod
    def of(cls, row: ForwardRow) -> InvoiceForwardOut:
        """From the query's row."""
        return cls.of_row(row, to=row.to_address, numbers=list(row.numbers))


class ForwardedDocumentOut(Out):
    """A document as its link's reader sees it. Amounts are positive; `kind` says the direction."""

    id: UUID
    kind: str
    number: str | None
    seller_name: str
    buyer_name: str
    gross: MoneyOut
    has_pdf: bool


class ForwardedOut(Out):
    """What a link opens."""

    organization: Annotated[str, Meta(description="Who sent them on")]
    expires_at: datetime
    documents: list[ForwardedDocumentOut]

    @classmethod
    def of(cls, found: ForwardedDocuments) -> ForwardedOut:
        """From the query's answer."""
        return cls.of_row(found, documents=[ForwardedDocumentOut.of_row(one) for one in found.documents])


@post("/v1/invoice-forwards", permission=PERMISSION, refuses=[404, 409, 429], sync_to_thread=True, tags=["invoices"])
def post_invoice_forward(
    data: JSONBody[InvoiceForwardIn], request: ApiRequest, idempotency_key: KeyHeader
) -> Response[InvoiceForwardOut]:
    """Mail a link to documents, good for 14 days: at most ten an hour to one address, and 50 a day of an organization."""

    def work(uow: UnitOfWork) -> InvoiceForwardOut:
        made = forward_documents(uow, ForwardDocuments(data.invoice_ids, data.to))
        return InvoiceForwardOut.of(forward_rows(uow, made)[0])

    return idempotent_command(request, idempotency_key, data, work)


@get("/v1/invoice-forwards", permission=READ, sync_to_thread=True, tags=["invoices"])
def get_invoice_forwards(request: ApiRequest, paging: Given[Paging]) -> Response[PageOut[InvoiceForwardOut]]:
    """What the organization sent on, newest first."""
    return list_page(request, paging, list_forwards, InvoiceForwardOut.of)


@post(
    "/v1/invoice-forwards/{forward_id:uuid}/revoke",
    permission=PERMISSION,
    sync_to_thread=True,
    status_code=200,
    tags=["invoices"],
)
def revoke_invoice_forward(forward_id: FromPath[UUID], request: ApiRequest) -> InvoiceForwardOut:
    """Let the link open nothing any more. Repeated, nothing changes."""
    return request.transact(lambda uow: InvoiceForwardOut.of(forward_rows(uow, revoke_forward(uow, forward_id))[0]))


@post(
    "/v1/forwarded-invoices",
    permission=PUBLIC,
    refuses=[410, 429],
    status_code=200,
    sync_to_thread=True,
    tags=["invoices"],
)
def look_up_forwarded(data: JSONBody[ForwardTokenIn], request: ApiRequest) -> ForwardedOut:
    """What a link opens. A POST, so that the token stands in no log of addresses."""
    return ForwardedOut.of(shown_forwarded(request, data.token))


@post(
    "/v1/forwarded-invoices/files",
    permission=PUBLIC,
    refuses=[404, 409, 410, 429],
    status_code=200,
    sync_to_thread=True,
    media_type="application/zip",
    tags=["invoices"],
)
def download_forwarded(data: JSONBody[ForwardTokenIn], request: ApiRequest) -> Stream:
    """All files behind a link, with an index, as one ZIP file."""
    return forwarded_answer(request, data.token, None)


@post(
    "/v1/forwarded-invoices/pdf",
    permission=PUBLIC,
    refuses=[404, 409, 410, 429],
    status_code=200,
    sync_to_thread=True,
    media_type="application/pdf",
    tags=["invoices"],
)
def download_forwarded_pdf(data: JSONBody[ForwardFileIn], request: ApiRequest) -> Stream:
    """One document behind a link."""
    return forwarded_answer(request, data.token, data.invoice_id)


def shown_forwarded(request: ApiRequest, token: str) -> ForwardedDocuments:
    """For the JSON route and the page alike. Raises as `read_forwarded`, `count_link`."""
    count_link(request)
    with request.transaction(acting_as=PRE_AUTH) as uow:
        return read_forwarded(uow, request.services.signer, token)


def forwarded_answer(request: ApiRequest, token: str, invoice_id: UUID | None) -> Stream:
    """For the JSON route and the page alike.

    Raises: as `forwarded_files`, `forwarded_pdf`, `count_link`; NotFound(`invoices_none_to_export`): none is drawn yet.
    """
    count_link(request)
    signer = request.services.signer
    if invoice_id is None:
        with request.transaction(acting_as=PRE_AUTH) as uow:
            found = forwarded_files(uow, signer, token)
        if not found.files:
            raise NotFound("invoices_none_to_export")
        headers = {"Content-Disposition": 'attachment; filename="invoices.zip"', **PRIVATE}
        return Stream(archive_of(request.services, found), media_type="application/zip", headers=headers)
    with request.transaction(acting_as=PRE_AUTH) as uow:
        file = forwarded_pdf(uow, signer, token, invoice_id)
    # Read after the transaction: nothing outside is asked while it is open.
    headers = {"Content-Disposition": f'attachment; filename="{file.file_name}"', **PRIVATE}
    return Stream(request.services.storage.stream(file.key), media_type="application/pdf", headers=headers)


routes = [
    post_invoice_forward,
    get_invoice_forwards,
    revoke_invoice_forward,
    look_up_forwarded,
    download_forwarded,
    download_forwarded_pdf,
]
