"""Accept a quote: one purchase, one order per seller, everything financial copied for good."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from billing.shares.terms import terms_for
from kernel import clock
from kernel.db.locks import lock_row
from kernel.db.uow import UnitOfWork
from kernel.errors import Conflict, Gone, NotFound
from kernel.ids import uuid7
from kernel.jobs.outbox import emit
from kernel.text import plain_text
from marketplace import public
from orders.agreements.events import PurchasePlaced
from orders.agreements.models import Order, OrderLine, SaleTerms
from orders.agreements.rows import locked_orders
from orders.agreements.states import ORDER, PURCHASE
from orders.purchases.attribution import decide
from orders.purchases.models import Purchase
from orders.purchases.pay import request_payment
from orders.purchases.rules import needs_approval
from orders.quotes.lines import Context, PricedLine, by_seller, totals
from orders.quotes.models import Quote

APPROVAL_WAITS = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class PlacePurchase:
    """Which quote, for whom the invoice is made out, how it is paid. `method_token` is the gateway's, never a card number."""

    quote_id: UUID
    billing_profile_id: UUID
    gateway: str
    method_token: str
    po_number: str | None = None


def place_purchase(uow: UnitOfWork, command: PlacePurchase) -> Purchase:
    """Place the purchase of a quote for the acting organization.

    The amounts are the quote's, whatever a plan costs by now.

    Raises: NotFound, Gone `quote_expired`, Conflict `quote_used`, `plan_withdrawn`, `listing_suspended`.
    Emits: PurchasePlaced. Locks: the quote. Idempotent by the quote: it can be used once.
    """
    quote = _take_quote(uow, command.quote_id)
    lines = [PricedLine.model_validate(line) for line in quote.lines]
    context = Context.model_validate(quote.context)
    for line in lines:
        public.require_still_sold(uow, line.plan_id)
    profile = public.billing_profile(uow, command.billing_profile_id)
    purchase = Purchase(
        id=uuid7(),
        buyer_org_id=quote.buyer_org_id,
        quote_id=quote.id,
        currency=quote.currency,
        net_minor=quote.net_minor,
        tax_minor=quote.tax_minor,
        gross_minor=quote.gross_minor,
        billing_profile=_plain(asdict(profile)),
        po_number=plain_text(command.po_number or "") or None,
        requested_by=uow.principal.accountable_id,
        gateway=command.gateway,
        method_token=command.method_token,
        deadline_at=clock.now() + APPROVAL_WAITS,
    )
    PURCHASE.begin(uow, purchase, org_ids=[purchase.buyer_org_id])
    uow.session.add(purchase)
    uow.flush()
    for seller_org_id, group in by_seller(lines).items():
        _place_order(uow, purchase, seller_org_id, group, context)
    # Asked again: the quote may be a colleague's, and the right to buy or the rule may have changed since.
    waits = needs_approval(uow, purchase.currency, purchase.gross_minor)
    emit(uow, PurchasePlaced(purchase_id=purchase.id, buyer_org_id=purchase.buyer_org_id, needs_approval=waits))
    if waits:
        hold_for_approval(uow, purchase)
    else:
        request_payment(uow, purchase)
    return purchase


def hold_for_approval(uow: UnitOfWork, purchase: Purchase) -> None:
    """Let a placed purchase and its orders wait for an approver."""
    PURCHASE.move(uow, purchase, "pending_approval", org_ids=[purchase.buyer_org_id])
    for order in locked_orders(uow, purchase.id):
        ORDER.move(uow, order, "pending_approval", org_ids=order.parties)
        order.deadline_at = purchase.deadline_at


def _take_quote(uow: UnitOfWork, quote_id: UUID) -> Quote:
    quote = lock_row(uow.session, Quote, quote_id)
    if quote is None or quote.buyer_org_id != uow.principal.organization():
        raise NotFound("not_found")
    if quote.used_at is not None:
        raise Conflict("quote_used")
    if quote.expires_at <= clock.now():
        raise Gone("quote_expired")
    quote.used_at = clock.now()
    return quote


def _place_order(
    uow: UnitOfWork, purchase: Purchase, seller_org_id: UUID, lines: list[PricedLine], context: Context
) -> None:
    net, tax, gross = totals(lines)
    order_id = uuid7()
    order = Order(
        id=order_id,
        number=f"{clock.now():%Y%m%d}-{order_id.hex[-10:].upper()}",
        buyer_org_id=purchase.buyer_org_id,
        seller_org_id=seller_org_id,
        buyer_name=public.party(uow, purchase.buyer_org_id).legal_name,
        seller_name=lines[0].seller_name,
        purchase_id=purchase.id,
        po_number=purchase.po_number,
        currency=purchase.currency,
        net_minor=net,
        tax_minor=tax,
        gross_minor=gross,
        deadline_at=purchase.deadline_at,
    )
    ORDER.begin(uow, order, org_ids=order.parties)
    uow.session.add(order)
    uow.flush()
    for line in lines:
        _place_line(uow, order, line, context)


def _place_line(uow: UnitOfWork, order: Order, line: PricedLine, context: Context) -> None:
    line_id = uuid7()
    credit = decide(uow, line_id, order, line, context)
    terms = terms_for(uow, line.kind, credit.promoter_org_id, on=clock.now())
    uow.session.add(
        OrderLine(
            id=line_id,
            order_id=order.id,
            buyer_org_id=order.buyer_org_id,
            seller_org_id=order.seller_org_id,
            plan={
                key: value
                for key, value in line.model_dump(mode="json").items()
                if key.startswith(("title", "plan_"))
                or key in {"features", "connector_id", "deadline_s", "seller_name"}
            },
            claims=[claim.model_dump(mode="json") for claim in line.claims],
            **{name: getattr(line, name) for name in COPIED},
        )
    )
    uow.flush()
    uow.session.add(credit)
    uow.session.add(
        SaleTerms(
            id=uuid7(),
            order_line_id=line_id,
            buyer_org_id=order.buyer_org_id,
            seller_org_id=order.seller_org_id,
            commission_ppm=terms.commission_ppm,
            promoter_org_id=credit.promoter_org_id,
            promoter_ppm=terms.promoter_ppm,
            policy_version=terms.policy_version,
            hold_days=terms.hold_days,
        )
    )


COPIED = (
    "listing_id",
    "listing_version_id",
    "plan_id",
    "pricing",
    "interval",
    "term_months",
    "quantity",
    "currency",
    "unit_price_minor",
    "list_minor",
    "discount_minor",
    "net_minor",
    "tax_rate_ppm",
    "tax_category",
    "tax_reason",
    "tax_included",
    "tax_minor",
    "gross_minor",
    "refund_window_days",
)
"""Columns an order line takes from the quote as they are."""


def _plain(values: dict[str, Any]) -> dict[str, Any]:
    return {name: str(value) if isinstance(value, UUID) else value for name, value in values.items()}
