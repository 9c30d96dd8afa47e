"""The title of an issued invoice is corrected: a form, and what comes of it in the list of invoices."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

from litestar import Response
from litestar.di import NamedDependency as Given
from litestar.params import FromPath

from api.pages.frame import addresses
from api.pages.frame.choices import Choice
from api.pages.frame.phrases import failure, money
from api.pages.frame.site import Form, PageRequest, form_post, page, parse_uuid_or_404
from api.pages.invoice_correction.views import InvoiceCorrectionView, TypedTitle
from api.v1.invoice_corrections import corrected
from billing.fapiao.queries import request_of
from billing.invoices.queries import get_invoice
from kernel.errors import DomainError, NotFound
from marketplace.parties.queries import list_billing_profiles
from orders.invoicing.correct_title import CORRECT, CorrectTitle

Answer = Response[str] | Response[bytes]
FIELDS = ("legal_name", "tax_id", "address", "reason")
ROUTE = "/invoices/{invoice_id:uuid}/correction"


@page(ROUTE, CORRECT)
def show_correction(invoice_id: FromPath[UUID], page_request: Given[PageRequest]) -> Answer:
    """What stands on it, and what may stand there instead."""
    return page_request.render(_view(page_request, invoice_id))


@form_post(ROUTE, CORRECT)
def correct(invoice_id: FromPath[UUID], page_request: Given[PageRequest], form: Given[Form]) -> Answer:
    """Correct it. Sent twice, the second time finds the first; the new invoice is opened."""
    typed = TypedTitle(
        form.text("billing_profile_id", most=36),
        form.text("legal_name", most=200),
        form.text("tax_id", most=40),
        form.text("address", most=400),
        form.text("reason", most=200),
    )
    chosen = typed.billing_profile_id
    command = CorrectTitle(invoice_id, typed.reason, None, typed.legal_name, typed.tax_id, typed.address)
    if chosen:
        profile_id = parse_uuid_or_404(chosen, "billing_profile_not_found")
        command = CorrectTitle(invoice_id, typed.reason, profile_id)
    try:
        made = page_request.transact(lambda uow: corrected(uow, command))
    except NotFound:
        raise
    except DomainError as refused:
        view = _view(page_request, invoice_id, typed)
        said, field = failure(page_request, refused), getattr(refused, "field", None)
        if field in FIELDS:
            view = replace(view, error_field=field, field_error=said)
        else:
            view = replace(view, error=said)
        return page_request.render(view, status=refused.status)
    opened = addresses.with_query(addresses.INVOICES, open=str(made.invoice.id))
    return page_request.redirect(opened, notice="title_corrected")


def _view(page_request: PageRequest, invoice_id: UUID, typed: TypedTitle | None = None) -> InvoiceCorrectionView:
    with page_request.work() as uow:
        found = get_invoice(uow, invoice_id)
        if found.row.buyer_org_id != page_request.principal.org_id:
            raise NotFound("invoice_not_found")
        profiles = list_billing_profiles(uow)
        asked = request_of(uow, invoice_id)
    row, buyer = found.row, found.buyer
    left = row.gross_minor - sum(note.gross_minor for note in found.credit_notes)
    return InvoiceCorrectionView(
        invoice_id=str(invoice_id),
        number=row.number or "–",
        seller_name=row.seller_name,
        buyer_name=row.buyer_name,
        buyer_tax_id=row.buyer_tax_id,
        left=money(left, row.currency),
        profiles=tuple(Choice(str(one.id), f"{one.legal_name} {one.tax_id or ''}".strip()) for one in profiles),
        typed=typed or TypedTitle("", buyer.legal_name, buyer.tax_id, " ".join(buyer.address_lines)),
        has_fapiao=asked is not None,
    )


routes = [show_correction, correct]
