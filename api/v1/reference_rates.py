"""Exchange rates as central banks publish them, for operators: by them foreign-currency tax is said in national money."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated
from uuid import UUID

from litestar import Response, get, post
from litestar.datastructures import UploadFile
from litestar.di import NamedDependency as Given
from litestar.enums import RequestEncodingType
from litestar.params import Body, QueryParameter
from msgspec import Meta

from api.request import ApiRequest
from api.schema import Out, PageOut, Paging, list_page
from api.v1.onboarding import FORM_OVERHEAD, DocumentForm
from billing.reference_rates.import_rates import ImportRates, RateReport, import_rates, try_rates
from billing.reference_rates.queries import ReferenceRateRow, list_rates
from billing.reference_rates.read_file import MOST_BYTES
from kernel.errors import TooLarge

READ, WRITE = "operator.read", "operator.payouts"


class ReferenceRateOut(Out):
    """One unit of `base` was worth `rate` units of `quote` on a day."""

    id: UUID
    source: Annotated[str, Meta(description="Who published it: ECB, PBOC, NBP")]
    base: str
    quote: str
    rate: Annotated[str, Meta(description="A decimal number")]
    rate_on: date
    created_at: datetime

    @classmethod
    def of(cls, row: ReferenceRateRow) -> ReferenceRateOut:
        """From the query's row."""
        return cls.of_row(row)


class RateFaultOut(Out):
    """What is wrong with a file: `line` counts from 1, 0 is the file as a whole."""

    line: int
    code: str
    shown: Annotated[str, Meta(description="What was read there")]


class RateImportOut(Out):
    """What a file of rates says. With `faults` nothing of it was imported."""

    format: Annotated[str, Meta(description="`columns` (date,base,quote,rate,source) or `ecb`")]
    is_imported: bool
    is_dry_run: bool
    new: int
    changed: Annotated[int, Meta(description="Known otherwise, and replaced")]
    known: int
    past: Annotated[int, Meta(description="Of currencies that exist no more: left out")]
    first_on: date | None
    last_on: date | None
    faults: list[RateFaultOut]

    @classmethod
    def of(cls, report: RateReport) -> RateImportOut:
        """From the report."""
        return cls.of_row(
            report,
            is_imported=not (report.faults or report.is_dry_run),
            faults=[RateFaultOut.of_row(one) for one in report.faults],
        )


@get("/v1/operator/reference-rates", permission=READ, sync_to_thread=True, tags=["operator"])
def get_reference_rates(request: ApiRequest, paging: Given[Paging]) -> Response[PageOut[ReferenceRateOut]]:
    """Published exchange rates, those that came in last first."""
    return list_page(request, paging, list_rates, ReferenceRateOut.of)


@post(
    "/v1/operator/reference-rates",
    permission=WRITE,
    sync_to_thread=True,
    status_code=200,
    request_max_body_size=MOST_BYTES + FORM_OVERHEAD,
    tags=["operator"],
)
def import_reference_rates(
    data: Annotated[DocumentForm, Body(media_type=RequestEncodingType.MULTI_PART)],
    request: ApiRequest,
    *,
    source: Annotated[
        str, QueryParameter(required=False, max_length=12, description="Whose rates they are, where rows do not say")
    ] = "",
    replace: Annotated[
        bool, QueryParameter(required=False, description="Let the file say otherwise than what is known")
    ] = False,
    dry_run: Annotated[
        bool, QueryParameter(required=False, description="Say what would happen, and do nothing")
    ] = False,
) -> RateImportOut:
    """Import a file of rates: all of it, or, where anything is wrong with it, nothing.

    It has the columns `date,base,quote,rate` and, where rows say so themselves, `source`; or it is the European Central Bank's
    `eurofxref.csv` or `eurofxref-hist.csv`. What was issued by a rate keeps it.
    """
    return RateImportOut.of(take_rates(request, data.file, source, replaces=replace, dry_run=dry_run))


def take_rates(request: ApiRequest, upload: UploadFile, source: str, *, replaces: bool, dry_run: bool) -> RateReport:
    """Read a form's file and import it, or try to; for the JSON route and the page alike.

    Raises: as `import_rates`; TooLarge `rates_file_too_large`.
    """
    upload.file.seek(0)
    content = upload.file.read(MOST_BYTES + 1)
    if len(content) > MOST_BYTES:
        raise TooLarge("rates_file_too_large", most_mb=MOST_BYTES // 1_000_000)
    command = ImportRates(content, source, replaces)
    if dry_run:
        return try_rates(request.transact, command)
    return request.transact(lambda uow: import_rates(uow, command))


routes = [get_reference_rates, import_reference_rates]
