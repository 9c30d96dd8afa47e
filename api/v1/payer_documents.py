"""All documents of what a payer paid for others in a month."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from litestar import get
from litestar.params import FromPath, QueryParameter
from litestar.response import Stream

from api.request import ApiRequest
from api.v1.invoice_export import archive_of, parse_month
from kernel.errors import NotFound
from marketplace.payers.agree import PERMISSION
from orders.payers.documents import files_of_month


@get(
    "/v1/payer-months/{month:str}/documents",
    permission=PERMISSION,
    refuses=[404],
    sync_to_thread=True,
    media_type="application/zip",
    tags=["buying"],
)
def export_payer_documents(
    month: FromPath[str],
    request: ApiRequest,
    org_id: Annotated[
        UUID | None, QueryParameter(name="org_id", required=False, description="Only of what this organization ordered")
    ] = None,
) -> Stream:
    """Invoices and credit notes of what your organization paid of a month (YYYY-MM, that of the purchase), as one ZIP.

    As of `/v1/invoices/export`: PDF and XML, tax invoices beside them, `index.csv` and `index.xlsx`, and a text file that names
    what is still being drawn.
    """
    first = parse_month(month)
    if first is None:
        raise NotFound("not_found")
    with request.transaction() as uow:
        found = files_of_month(uow, first, org_id)
    if not found.files:
        raise NotFound("invoices_none_to_export")
    headers = {
        "Content-Disposition": f'attachment; filename="paid-for-others-{month}.zip"',
        "Cache-Control": "private, no-store",
    }
    return Stream(archive_of(request.services, found), media_type="application/zip", headers=headers)


routes = [export_payer_documents]
