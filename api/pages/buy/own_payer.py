"""The payer of the visitor's organization, among the ways to pay."""

from __future__ import annotations

from dataclasses import replace

from api.pages.buy.views import BuyView
from api.pages.frame.choices import Choice
from api.pages.frame.phrases import money
from api.pages.frame.site import PageRequest
from marketplace.payers.models import PAYER
from orders.checkout.payer_models import BY_PAYER
from orders.payers.queries import OwnPayer


def with_payer(page_request: PageRequest, view: BuyView, payer: OwnPayer | None, error: str | None) -> BuyView:
    """The sheet with the way that leads to the payer's money: what is left of its month, or that this is too much for it.

    `error`: what went wrong before; that nothing of one's own is there to pay with, or to be invoiced to, is none with a payer.
    """
    if payer is None or not view.pays or payer.currency != view.quote.gross.currency:
        return view
    t, left = page_request.t, payer.month.left_minor
    fits = left is None or view.quote.gross.amount_minor <= left
    label = t("buy.by_payer", payer=payer.payer_name)
    said = t("buy.payer_left", left=page_request.formats.money(money(left, payer.currency))) if left is not None else ""
    label = f"{label} · {said}" if said else label
    choice = Choice(f"{BY_PAYER}:{payer.agreement_id}", label, refused=not fits)
    untitled = not view.billing_profiles and payer.invoice_to != PAYER
    ways = (*view.payment_methods, choice)
    return replace(
        view,
        payment_methods=ways,
        payment_method_id=view.payment_method_id or ("" if choice.refused else choice.id),
        error=view.error if error or untitled else None,
    )
