"""The payer of the visitor's organization, among the ways to pay."""

from __future__ import annotations

from dataclasses import replace

from api.pages.buy.views import BuyView
from api.pages.frame.choices import Choice
from api.pages.frame.payer_addresses import PAYERS
from api.pages.frame.phrases import failure, money
from api.pages.frame.site import PageRequest
from kernel.db.uow import UnitOfWork
from kernel.errors import Conflict
from marketplace.parties.require_company import is_circle
from marketplace.payers.models import PAYER
from orders.checkout.payer_models import BY_PAYER
from orders.payers.queries import find_own_payer


def with_payer(page_request: PageRequest, uow: UnitOfWork, view: BuyView, error: str | None) -> BuyView:
    """The sheet with the way that leads to the payer's money: what is left of its month, or that this is too much for it.

    `error`: what went wrong before; that nothing of one's own is there to pay with, or to be invoiced to, is none with a payer.
    A circle without one is led to where it finds one: it can have no invoice title of its own.
    """
    if not view.pays:
        return view
    payer = find_own_payer(uow)
    if payer is None:
        if view.billing_profiles or not is_circle(uow):
            return view
        needed = error or failure(page_request, Conflict("payer_needed"))
        return replace(view, error=needed, payers_address=PAYERS)
    if payer.currency != view.quote.gross.currency:
        return view
    t, left = page_request.t, payer.month.left_minor
    fits = left is None or view.quote.gross.amount_minor <= left
    label = t("buy.by_payer", payer=payer.payer_name)
    said = t("buy.payer_left", left=page_request.formats.money(money(left, payer.currency))) if left is not None else ""
    label = f"{label} · {said}" if said else label
    choice = Choice(f"{BY_PAYER}:{payer.agreement_id}", label, refused=not fits)
    untitled = not view.billing_profiles and payer.invoice_to != PAYER
    # Without an invoice title of one's own nothing is paid by oneself.
    own, chosen = (view.payment_methods, view.payment_method_id) if view.billing_profiles else ((), "")
    return replace(
        view,
        payment_methods=(*own, choice),
        payment_method_id=chosen or ("" if choice.refused else choice.id),
        error=view.error if error or untitled else None,
    )
