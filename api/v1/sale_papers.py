"""Papers of a purchase that are no invoices: receipts of payments, pro-forma invoices of quotes and unpaid purchases."""

from __future__ import annotations

from typing import Annotated, Literal
from uuid import UUID

from litestar import get
from litestar.params import FromPath, QueryParameter
from litestar.response import Stream

from api.request import ApiRequest
from billing.documents.model import Language
from kernel.errors import Conflict
from orders.papers.draw_paper import AskPaper, PaperFile, PaperKind, find_or_draw

READ = "orders.read"
PaperLanguage = Literal["zh-CN", "en", "bilingual"]
LanguageParameter = Annotated[
    PaperLanguage, QueryParameter(name="language", required=False, description="The language of its labels")
]
PDF = "application/pdf"


@get(
    "/v1/payments/{payment_id:uuid}/receipt",
    permission=READ,
    refuses=[404, 409],
    sync_to_thread=True,
    media_type=PDF,
    tags=["buying"],
)
def download_receipt(payment_id: FromPath[UUID], request: ApiRequest, language: LanguageParameter = "zh-CN") -> Stream:
    """The receipt of a payment that was received, as PDF. No invoice. 409 `paper_not_ready`: ask again in a second."""
    return download(request, "receipt", payment_id, language)


@get(
    "/v1/quotes/{quote_id:uuid}/pro-forma",
    permission=READ,
    refuses=[404, 409],
    sync_to_thread=True,
    media_type=PDF,
    tags=["buying"],
)
def download_quote_pro_forma(
    quote_id: FromPath[UUID], request: ApiRequest, language: LanguageParameter = "zh-CN"
) -> Stream:
    """The pro-forma invoice of a quote that stands, as PDF. No invoice. 409 `paper_not_ready`: ask again in a second."""
    return download(request, "quote_pro_forma", quote_id, language)


@get(
    "/v1/purchases/{purchase_id:uuid}/pro-forma",
    permission=READ,
    refuses=[404, 409],
    sync_to_thread=True,
    media_type=PDF,
    tags=["buying"],
)
def download_purchase_pro_forma(
    purchase_id: FromPath[UUID], request: ApiRequest, language: LanguageParameter = "zh-CN"
) -> Stream:
    """The pro-forma invoice of a purchase that is not paid yet, as PDF. No invoice. 409 `paper_not_ready`: ask again."""
    return download(request, "purchase_pro_forma", purchase_id, language)


def download(request: ApiRequest, kind: PaperKind, subject_id: UUID, language: PaperLanguage) -> Stream:
    """The file. Raises as `find_or_draw`, and Conflict `paper_not_ready` while it is drawn."""
    found = find_paper(request, kind, subject_id, language)
    if found is None:
        raise Conflict("paper_not_ready")
    return Stream(
        request.services.storage.stream(found.key),
        media_type=PDF,
        headers={
            "Content-Disposition": f'attachment; filename="{found.file_name}"',
            "ETag": f'"{found.sha256}"',
            "X-Content-Type-Options": "nosniff",
            "Cache-Control": "private, no-store",
        },
    )


def find_paper(request: ApiRequest, kind: PaperKind, subject_id: UUID, language: PaperLanguage) -> PaperFile | None:
    """For the routes and the page alike; None while it is drawn. Raises as `find_or_draw`."""
    command = AskPaper(
        kind,
        subject_id,
        Language(language),
        sandbox=request.services.sandbox,
        public_url=request.services.settings.public_url,
    )
    return request.transact(lambda uow: find_or_draw(uow, command))


routes = [download_receipt, download_quote_pro_forma, download_purchase_pro_forma]
