"""A receipt, or the pro-forma invoice of a quote or an unpaid purchase: a page that has it drawn and hands it out."""

from __future__ import annotations

from typing import Final, Literal, get_args
from uuid import UUID

from litestar import Response
from litestar.di import NamedDependency as Given
from litestar.params import FromPath

from api.pages.frame import addresses
from api.pages.frame.phrases import failure, money
from api.pages.frame.site import PageRequest, page
from api.pages.sale_papers.views import PaperLink, SalePaperView
from api.v1.sale_papers import READ, PaperLanguage, find_paper
from billing.payments.queries import get_payment
from kernel.errors import Conflict
from kernel.money import Money
from orders import queries
from orders.buyer_statements.queries import get_buyer_statement
from orders.papers.draw_paper import PaperKind

REFRESH_S: Final = 2
"""How soon a page on which a paper is being drawn looks again."""
PAPER_NAMES: Final[dict[PaperKind, Literal["receipt", "pro_forma", "statement"]]] = {
    "receipt": "receipt",
    "quote_pro_forma": "pro_forma",
    "purchase_pro_forma": "pro_forma",
    "buyer_statement": "statement",
}
LANGUAGES: Final[tuple[PaperLanguage, ...]] = get_args(PaperLanguage)


@page("/payments/{payment_id:uuid}/receipt", READ)
def show_receipt(payment_id: FromPath[UUID], page_request: Given[PageRequest]) -> Response[str]:
    """The receipt of a payment."""
    with page_request.work() as uow:
        payment = get_payment(uow, payment_id)
        purchase = queries.get_purchase(uow, payment.reference)
    amount = money(payment.amount_minor, payment.currency)
    return _shown(page_request, "receipt", payment_id, amount, addresses.order(str(purchase.orders[0].id)))


@page("/purchases/{purchase_id:uuid}/pro-forma", READ)
def show_purchase_pro_forma(purchase_id: FromPath[UUID], page_request: Given[PageRequest]) -> Response[str]:
    """The pro-forma invoice of a purchase that waits for its payment."""
    with page_request.work() as uow:
        purchase = queries.get_purchase(uow, purchase_id)
    amount = money(purchase.gross_minor, purchase.currency)
    return _shown(page_request, "purchase_pro_forma", purchase_id, amount, addresses.order(str(purchase.orders[0].id)))


@page("/quotes/{quote_id:uuid}/pro-forma", READ)
def show_quote_pro_forma(quote_id: FromPath[UUID], page_request: Given[PageRequest]) -> Response[str]:
    """The pro-forma invoice of a quote."""
    with page_request.work() as uow:
        quote = queries.get_quote(uow, quote_id)
        amount = money(quote.gross_minor, quote.currency)
    return _shown(page_request, "quote_pro_forma", quote_id, amount, addresses.ORDERS)


@page("/buyer-statements/{buyer_statement_id:uuid}/pdf", "invoices.read")
def show_buyer_statement(buyer_statement_id: FromPath[UUID], page_request: Given[PageRequest]) -> Response[str]:
    """The statement of a month."""
    with page_request.work() as uow:
        found = get_buyer_statement(uow, buyer_statement_id)
    return _shown(page_request, "buyer_statement", found.id, None, addresses.payments.statement(str(found.id)))


def _shown(
    page_request: PageRequest, kind: PaperKind, subject_id: UUID, amount: Money | None, back_address: str
) -> Response[str]:
    said = PAPER_NAMES[kind]
    links: list[PaperLink] = []
    named, error = str(subject_id), ""
    try:
        # One in the reader's own language is drawn at once, the others when they are asked for.
        wanted = next((one for one in LANGUAGES if one == page_request.query("language", most=10)), None)
        for language in LANGUAGES:
            if language in {wanted, page_request.language}:
                found = find_paper(page_request.request, kind, subject_id, language)
                address = addresses.payments.paper_pdf(kind, named, language)
                links.append(PaperLink(language, address, "ready" if found else "drawing"))
            else:
                links.append(PaperLink(language, addresses.payments.paper(kind, named, language), "ask"))
    except Conflict as refused:
        links, error = [], failure(page_request, refused)
    view = SalePaperView(said, amount, back_address, tuple(links), error)
    return page_request.render(view, refresh_s=REFRESH_S if view.waits else 0)


routes = [show_receipt, show_purchase_pro_forma, show_quote_pro_forma, show_buyer_statement]
