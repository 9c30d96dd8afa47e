"""The terms on which products are sold: written by their sellers, read before and after a purchase."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated
from uuid import UUID

from litestar import Response, delete, get, post, put
from litestar.datastructures import UploadFile
from litestar.enums import RequestEncodingType
from litestar.params import Body, FromPath, JSONBody, QueryParameter
from pydantic import BaseModel, ConfigDict, Field

from api.auth import PUBLIC
from api.request import ApiRequest
from api.schema import Out, Wire
from api.stored_documents import foreign_answer, stored_bytes
from kernel.db.uow import UnitOfWork
from kernel.errors import NotFound, TooLarge, Unavailable
from kernel.storage import StorageError
from kernel.text import render_markdown
from marketplace.access.identity_limits import count_image
from marketplace.catalog.edit_draft import lock_draft
from marketplace.catalog.edit_terms import (
    MAX_TEXT,
    AttachPdf,
    SaleTermsText,
    SetTerms,
    TermsPdf,
    attach_pdf,
    checked_pdf,
    get_terms,
    remove_terms,
    set_terms,
    terms_key,
)
from marketplace.onboarding.legal_document import MAX_BYTES

_OVERHEAD = 64 * 1024
VersionParameter = Annotated[
    UUID | None,
    QueryParameter(
        name="version_id", required=False, description="A version, as an order's line names it; else what is on sale"
    ),
]
BaseParameter = Annotated[
    str | None,
    QueryParameter(
        name="base",
        max_length=60,
        required=False,
        description="What the change began from, as it was read: what was changed since is not overwritten",
    ),
]


class TermsIn(Wire):
    """The terms of the draft in words: restricted Markdown in either language. A document that is there stays.

    `base`: the `terms_base` of the listing, or `base` of its terms, as it was read; what was changed since is not overwritten.
    """

    version: Annotated[str, Field(min_length=1, max_length=40)]
    text: Annotated[str, Field(max_length=MAX_TEXT)] = ""
    text_en: Annotated[str, Field(max_length=MAX_TEXT)] = ""
    base: Annotated[str | None, Field(max_length=60)] = None


class TermsForm(BaseModel):
    """A PDF as the part `file` of a multipart form."""

    model_config = ConfigDict(arbitrary_types_allowed=True)
    file: UploadFile


class TermsOut(Out):
    """The terms of one version. HTML is safe to show; a document is at `/v1/listings/{listing_id}/terms/pdf`.

    `base` is what a change of them names as what it began from.
    """

    listing_id: UUID
    version_id: UUID
    version: str
    text: str
    text_en: str
    text_html: str
    text_html_en: str
    pdf_name: str | None
    pdf_sha256: str | None
    base: str

    @classmethod
    def of(cls, row: SaleTermsText) -> TermsOut:
        """From the query's row."""
        return cls.of_row(
            row,
            text_html=render_markdown(row.text),
            text_html_en=render_markdown(row.text_en),
            pdf_name=row.pdf.file_name if row.pdf else None,
            pdf_sha256=row.pdf.sha256 if row.pdf else None,
        )


@get("/v1/listings/{listing_id:uuid}/terms", permission=PUBLIC, sync_to_thread=True, tags=["catalogue"])
def read_terms(listing_id: FromPath[UUID], request: ApiRequest, version_id: VersionParameter = None) -> TermsOut:
    """The terms on which a product is sold, or was sold when a version was on sale."""
    with request.transaction() as uow:
        return TermsOut.of(get_terms(uow, listing_id, version_id))


@get(
    "/v1/listings/{listing_id:uuid}/terms/pdf",
    permission=PUBLIC,
    media_type="application/pdf",
    sync_to_thread=True,
    tags=["catalogue"],
)
def read_terms_pdf(
    listing_id: FromPath[UUID], request: ApiRequest, version_id: VersionParameter = None
) -> Response[bytes]:
    """The document of the terms. A seller's file runs nothing here: it is downloaded."""
    with request.transaction() as uow:
        terms = get_terms(uow, listing_id, version_id)
    if terms.pdf is None:
        raise NotFound("terms_not_found")
    content = stored_bytes(request, terms_key(listing_id, terms.pdf.sha256))
    disposition = f'attachment; filename="terms-{terms.pdf.sha256[:12]}.pdf"'
    return foreign_answer(content, "application/pdf", disposition)


@put(
    "/v1/listings/{listing_id:uuid}/terms",
    permission="catalog.write",
    sync_to_thread=True,
    status_code=204,
    tags=["catalogue"],
)
def put_terms(listing_id: FromPath[UUID], data: JSONBody[TermsIn], request: ApiRequest) -> None:
    """Write the terms of the draft; without words in either language and without a document it has none."""
    command = SetTerms(listing_id, data.version, data.text, data.text_en, data.base)
    request.transact(lambda uow: set_terms(uow, command))


@post(
    "/v1/listings/{listing_id:uuid}/terms/upload",
    permission="catalog.write",
    request_max_body_size=MAX_BYTES + _OVERHEAD,
    refuses=[404, 413, 429],
    sync_to_thread=True,
    status_code=204,
    tags=["catalogue"],
)
def upload_terms(
    listing_id: FromPath[UUID],
    data: Annotated[TermsForm, Body(media_type=RequestEncodingType.MULTI_PART)],
    request: ApiRequest,
    version: Annotated[
        str, QueryParameter(name="version", max_length=40, required=False, description="The seller's name for them")
    ] = "",
    base: BaseParameter = None,
) -> None:
    """Let a PDF of at most 10 MB be the terms of the draft."""
    take_terms(request, data.file, lambda pdf: AttachPdf(listing_id, pdf, version, base=base), listing_id)


@delete("/v1/listings/{listing_id:uuid}/terms", permission="catalog.write", sync_to_thread=True, tags=["catalogue"])
def delete_terms(listing_id: FromPath[UUID], request: ApiRequest, base: BaseParameter = None) -> None:
    """Let the draft have no terms of its own."""
    request.transact(lambda uow: remove_terms(uow, listing_id, base))


def take_terms(
    request: ApiRequest, upload: UploadFile, attach: Callable[[TermsPdf], AttachPdf], listing_id: UUID
) -> None:
    """Take a form's file as the terms of the draft, as `attach` says of the document; pages use it too.

    Raises:
        TooLarge: `legal_document_too_large`. Unavailable: `storage_unavailable`; those of `checked_pdf`, `attach_pdf`.
    """

    def check(uow: UnitOfWork) -> None:
        lock_draft(uow, listing_id)
        count_image(uow)

    request.transact(check)
    upload.file.seek(0)
    content = upload.file.read(MAX_BYTES + 1)
    if len(content) > MAX_BYTES:
        raise TooLarge("legal_document_too_large", limit_mb=MAX_BYTES // 1_000_000)
    pdf = checked_pdf(content, upload.filename)
    try:
        request.services.storage.put_bytes(terms_key(listing_id, pdf.sha256), content)
    except StorageError as error:
        raise Unavailable("storage_unavailable") from error
    request.transact(lambda uow: attach_pdf(uow, attach(pdf)))


routes = [read_terms, read_terms_pdf, put_terms, upload_terms, delete_terms]
