"""Papers of an order that are no invoices: where they are had, and when which was made out."""

from __future__ import annotations

from collections.abc import Iterable

from api.pages.frame import addresses
from api.pages.frame.site import PageRequest
from api.pages.frame.timeline import Link
from api.pages.trace.presenter import link_of
from billing.payments.queries import PaymentRow
from orders.checkout.views import PurchaseView
from orders.tracing.model import Node


def paper_links(page_request: PageRequest, papers: Iterable[Node]) -> list[Link]:
    """The requests, reminders, letters and papers of an order as links of its line, the earliest first."""
    return [link_of(page_request, one) for one in sorted(papers, key=lambda one: (str(one.at), one.id))]


def receipt_address(payment: PaymentRow | None) -> str:
    """Where the receipt of an order's payment is had; empty before there is one."""
    received = payment is not None and payment.state == "succeeded"
    return addresses.payments.paper("receipt", str(payment.id)) if payment is not None and received else ""


def pro_forma_address(purchase: PurchaseView) -> str:
    """Where the pro-forma invoice is had of what is not paid yet; empty otherwise."""
    unpaid = purchase.state in {"pending_approval", "pending_payment"} and purchase.gross_minor > 0
    return addresses.payments.paper("purchase_pro_forma", str(purchase.id)) if unpaid else ""
