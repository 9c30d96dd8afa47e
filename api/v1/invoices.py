"""Legal documents: the buyer's invoices with filters, one of them, its files; and what a seller issued."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Literal
from uuid import UUID

from litestar import Response, get
from litestar.di import NamedDependency as Given
from litestar.params import FromPath, QueryParameter
from litestar.response import Stream
from msgspec import Meta

from api.request import ApiRequest
from api.schema import MoneyOut, Out, PageOut, Paging, linked
from api.v1.invoice_parameters import (
    BeforeParameter,
    CostCentreParameter,
    CurrencyParameter,
    FromParameter,
    KindParameter,
    LeastParameter,
    MostParameter,
    PoParameter,
    TaxIdParameter,
    TextParameter,
)
from billing.documents.model import AccountingTax
from billing.documents.parties import DocumentParty
from billing.invoices.draw_first import draw_first
from billing.invoices.files import find_file
from billing.invoices.queries import (
    InvoiceDetail,
    InvoiceFilter,
    InvoiceRow,
    LineRow,
    Standing,
    get_invoice,
    list_invoices,
)
from billing.invoices.ubl_file import ubl_of
from billing.invoices.verify_code import verify_code
from kernel.errors import Conflict, Invalid
from kernel.principal import SYSTEM

StateParameter = Annotated[
    Literal["queued", "issued"] | None,
    QueryParameter(name="state", required=False, description="Only documents in this state"),
]
OtherParameter = Annotated[
    UUID | None, QueryParameter(name="party", required=False, description="The other side's organization")
]
StandingParameter = Annotated[
    Standing | None,
    QueryParameter(
        name="standing", required=False, description="Only documents that stand so: being drawn, issued, credited"
    ),
]
OrderParameter = Annotated[
    UUID | None, QueryParameter(name="order_id", required=False, description="Only documents of this order")
]


class InvoiceOut(Out):
    """A document in a list. Amounts are positive; `kind` says the direction."""

    id: UUID
    kind: str
    number: str | None
    state: str
    reference: Annotated[
        UUID,
        Meta(description="The order; for a commission invoice the statement; for a consolidated one what names it"),
    ]
    month: Annotated[
        date | None,
        Meta(description="Of a consolidated invoice: the first day of its month; its lines name their orders"),
    ]
    original_invoice_id: UUID | None
    buyer_name: str
    buyer_tax_id: str
    seller_org_id: UUID
    seller_name: str
    seller_tax_id: str
    order_number: str
    po_number: str
    cost_centre: Annotated[str, Meta(description="Code of the buyer's department, empty where none was named")]
    net: MoneyOut
    tax: MoneyOut
    gross: MoneyOut
    issued_on: date | None
    created_at: datetime
    has_pdf: bool
    has_xml: bool
    sandbox: bool
    corrects_invoice_id: Annotated[
        UUID | None, Meta(description="The invoice in whose place it stands, with another title")
    ]
    superseded_at: Annotated[datetime | None, Meta(description="When another took its place")]

    @classmethod
    def of(cls, row: InvoiceRow) -> InvoiceOut:
        """From the query's row."""
        return cls.of_row(row)


class InvoiceLineOut(Out):
    """One line of a document."""

    position: int
    reference: UUID
    name: str
    description: str
    quantity: str
    unit: str
    tax_category: str
    tax_rate_ppm: int
    tax_reason: str
    net: MoneyOut
    tax: MoneyOut
    gross: MoneyOut
    order_id: Annotated[UUID | None, Meta(description="On a consolidated document: whose line it is")]
    order_number: str
    order_details: Annotated[str, Meta(description="What the buyer's books call the order: PO number, cost centre")]

    @classmethod
    def of(cls, line: LineRow, currency: str) -> InvoiceLineOut:
        """From the query's row."""
        return cls.of_row(line, currency=currency, quantity=f"{line.quantity.normalize():f}")


class PartyOut(Out):
    """A party as copied onto the document."""

    legal_name: str
    country: str
    tax_id: str
    address: str
    bank_name: str
    bank_account: str
    email: str

    @classmethod
    def of(cls, party: DocumentParty) -> PartyOut:
        """From the snapshot."""
        return cls.of_row(party)


class AccountingTaxOut(Out):
    """A document's tax in the currency in which its seller accounts for VAT, frozen when it was issued."""

    tax: MoneyOut
    rate: Annotated[str, Meta(description="As published, with source and day: `EUR 1 = USD 1.0873 (ECB, 2026-11-20)`")]


class InvoiceDetailOut(InvoiceOut):
    """A document with everything on it."""

    lines: list[InvoiceLineOut]
    buyer: PartyOut
    seller: PartyOut
    language: str
    payment_reference: str
    paid: MoneyOut
    reason: str
    remarks: str
    period_start_on: date | None
    period_end_on: date | None
    verification_code: str
    credit_notes: list[InvoiceOut]
    corrects: InvoiceOut | None
    corrected_by: Annotated[
        InvoiceOut | None, Meta(description="What stands in its place; of the credit note between the two, too")
    ]
    accounting_tax: Annotated[
        AccountingTaxOut | None, Meta(description="Where the seller accounts for VAT in another currency")
    ]
    no_xml_because: Annotated[
        str | None,
        Meta(
            description="Why EN 16931 cannot carry a document that was drawn, such as `en16931_tax_rounding_too_wide`"
        ),
    ]

    @classmethod
    def of_detail(cls, detail: InvoiceDetail) -> InvoiceDetailOut:
        """From the query's row."""
        row = detail.row
        start_on, end_on = detail.period or (None, None)
        return cls.of_row(
            row,
            lines=[InvoiceLineOut.of(line, row.currency) for line in detail.lines],
            buyer=PartyOut.of(detail.buyer),
            seller=PartyOut.of(detail.seller),
            language=detail.language,
            payment_reference=detail.payment_reference,
            paid=MoneyOut.of(detail.paid_minor, row.currency),
            reason=detail.reason,
            remarks=detail.remarks,
            period_start_on=start_on,
            period_end_on=end_on,
            verification_code=detail.verification_code,
            credit_notes=[InvoiceOut.of(note) for note in detail.credit_notes],
            corrects=InvoiceOut.of(detail.corrects) if detail.corrects else None,
            corrected_by=InvoiceOut.of(detail.corrected_by) if detail.corrected_by else None,
            accounting_tax=_accounting(detail.accounting_tax),
            no_xml_because=detail.no_xml_because,
        )


def _accounting(said: AccountingTax | None) -> AccountingTaxOut | None:
    return AccountingTaxOut(tax=MoneyOut.of(said.tax_minor, said.currency), rate=said.rate) if said else None


class VerifiedOut(Out):
    """What a printed document's code confirms."""

    number: str
    kind: str
    issued_on: date
    seller_name: str
    gross: MoneyOut
    sandbox: bool


@get("/v1/invoices", permission="invoices.read", sync_to_thread=True, tags=["invoices"])
def list_received(  # noqa: PLR0913, PLR0917 - one parameter per filter
    request: ApiRequest,
    paging: Given[Paging],
    kind: KindParameter = None,
    only: StateParameter = None,
    party: OtherParameter = None,
    issued_from: FromParameter = None,
    issued_before: BeforeParameter = None,
    least_minor: LeastParameter = None,
    most_minor: MostParameter = None,
    currency: CurrencyParameter = None,
    standing: StandingParameter = None,
    tax_id: TaxIdParameter = None,
    po_number: PoParameter = None,
    cost_centre: CostCentreParameter = None,
    order_id: OrderParameter = None,
    q: TextParameter = None,
) -> Response[PageOut[InvoiceOut]]:
    """Invoices and credit notes the organization received, newest first."""
    if least_minor is not None and most_minor is not None and least_minor > most_minor:
        raise Invalid("amount_limits_swapped", field="most_minor")
    wanted = InvoiceFilter(
        kind=kind,
        state=only,
        other_org_id=party,
        issued_from=issued_from,
        issued_before=issued_before,
        least_minor=least_minor,
        most_minor=most_minor,
        currency=currency,
        standing=standing,
        tax_id=tax_id,
        po_number=po_number,
        cost_centre=cost_centre,
        order_id=order_id,
        text=q,
    )
    return _page(request, wanted, "/v1/invoices", paging)


@get("/v1/seller/invoices", permission="money.read", sync_to_thread=True, tags=["invoices"])
def list_issued(  # noqa: PLR0913, PLR0917 - one parameter per filter
    request: ApiRequest,
    paging: Given[Paging],
    kind: KindParameter = None,
    party: OtherParameter = None,
    issued_from: FromParameter = None,
    issued_before: BeforeParameter = None,
    standing: StandingParameter = None,
    order_id: OrderParameter = None,
    q: TextParameter = None,
) -> Response[PageOut[InvoiceOut]]:
    """Documents the organization issued, newest first: of the platform what it sold itself, and its commission invoices."""
    wanted = InvoiceFilter(
        side="issued",
        kind=kind,
        other_org_id=party,
        issued_from=issued_from,
        issued_before=issued_before,
        standing=standing,
        order_id=order_id,
        text=q,
    )
    return _page(request, wanted, "/v1/seller/invoices", paging)


@get("/v1/invoices/{invoice_id:uuid}", permission="invoices.read", sync_to_thread=True, tags=["invoices"])
def get_one(invoice_id: FromPath[UUID], request: ApiRequest) -> InvoiceDetailOut:
    """One document that the organization received or issued."""
    with request.transaction() as uow:
        found = get_invoice(uow, invoice_id)
        if not found.row.has_pdf:
            draw_first(uow, invoice_id)
        return InvoiceDetailOut.of_detail(found)


@get(
    "/v1/invoices/{invoice_id:uuid}/pdf",
    permission="invoices.read",
    refuses=[404, 409],
    sync_to_thread=True,
    media_type="application/pdf",
    tags=["invoices"],
)
def download_pdf(invoice_id: FromPath[UUID], request: ApiRequest) -> Stream:
    """The document as PDF/A-3 with its XML embedded."""
    return _download(request, invoice_id, "pdf")


@get(
    "/v1/invoices/{invoice_id:uuid}/xml",
    permission="invoices.read",
    refuses=[404, 409],
    sync_to_thread=True,
    media_type="application/xml",
    tags=["invoices"],
)
def download_xml(invoice_id: FromPath[UUID], request: ApiRequest) -> Stream:
    """The document as EN 16931 data (UN/CEFACT CII)."""
    return _download(request, invoice_id, "xml")


@get(
    "/v1/invoices/{invoice_id:uuid}/ubl",
    permission="invoices.read",
    refuses=[404, 409],
    sync_to_thread=True,
    media_type="application/xml",
    tags=["invoices"],
)
def download_ubl(invoice_id: FromPath[UUID], request: ApiRequest) -> Response[bytes]:
    """The document as EN 16931 data in UBL 2.1: for Peppol (BIS Billing 3.0) where both sides have an address there."""
    with request.transaction() as uow:
        found = ubl_of(uow, invoice_id)
    return Response(
        found.content,
        media_type="application/xml",
        headers={
            "Content-Disposition": f'attachment; filename="{found.file_name}"',
            "X-Content-Type-Options": "nosniff",
            "Cache-Control": "private, no-store",
        },
    )


@get("/v1/invoice-verifications/{code:str}", permission="public", sync_to_thread=True, tags=["invoices"])
def verify(code: FromPath[str], request: ApiRequest) -> VerifiedOut:
    """What stands behind the code printed on a document; for anyone who holds the paper."""
    with request.transaction(acting_as=SYSTEM) as uow:
        found = verify_code(uow, code)
    return VerifiedOut(
        number=found.number,
        kind=found.kind,
        issued_on=found.issued_on,
        seller_name=found.seller_name,
        gross=MoneyOut.of(found.gross_minor, found.currency),
        sandbox=found.sandbox,
    )


def _page(request: ApiRequest, wanted: InvoiceFilter, path: str, paging: Paging) -> Response[PageOut[InvoiceOut]]:
    with request.transaction() as uow:
        page = list_invoices(uow, wanted, cursor=paging.cursor, limit=paging.limit)
    renamed = {"other_org_id": "party", "text": "q"}
    filters = {
        renamed.get(name, name): getattr(wanted, name) for name in InvoiceFilter.__dataclass_fields__ if name != "side"
    }
    return linked(page, InvoiceOut.of, path, limit=paging.limit, **filters)


def _download(request: ApiRequest, invoice_id: UUID, form: Literal["pdf", "xml"]) -> Stream:
    try:
        with request.transaction() as uow:
            found = find_file(uow, invoice_id, form)
    except Conflict:
        request.transact(lambda uow: draw_first(uow, invoice_id))
        raise
    # Read after the transaction: nothing outside is asked while it is open.
    return Stream(
        request.services.storage.stream(found.key),
        media_type="application/pdf" if form == "pdf" else "application/xml",
        headers={
            "Content-Disposition": f'attachment; filename="{found.file_name}"',
            "ETag": f'"{found.sha256}"',
            "X-Content-Type-Options": "nosniff",
            "Cache-Control": "private, no-store",
        },
    )


routes = [list_received, list_issued, get_one, download_pdf, download_xml, download_ubl, verify]
