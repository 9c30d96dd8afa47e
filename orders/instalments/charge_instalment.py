"""A further instalment is told of, then paid for as usage is: by an order of its own, by what paid for the subscription."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import select

from kernel import clock
from kernel.db.locks import lock_row
from kernel.db.uow import UnitOfWork
from kernel.errors import DomainError
from kernel.jobs.outbox import emit
from marketplace.parties import lookups
from marketplace.pricing.engine import PriceLine
from marketplace.test_clocks.own_time import lives_now
from orders.checkout.approval_reasons import Needed
from orders.checkout.line_tax import invoice_party
from orders.checkout.models import Purchase
from orders.checkout.order_rows import profile_as_kept
from orders.checkout.owed_quote import owed_quote
from orders.checkout.priced_line import InstalmentPart, InvoiceParty, PricedLine
from orders.checkout.quote_models import Quote
from orders.checkout.request_payment import request_payment
from orders.instalments.events import InstalmentNoticed
from orders.order.instalments import INSTALMENT, Instalment, cancel_instalments
from orders.order.models import Order, OrderLine, Subscription
from orders.subscriptions.renew import BoughtByHand, copy_sale_terms, invoiced_to, lock_subscription, place_next_term
from orders.subscriptions.schedule import RENEWS_BEFORE, TERMINATED_AFTER
from orders.usage.dunning import next_try_at

AT_ONCE = 500


def due_instalments(uow: UnitOfWork) -> Sequence[UUID]:
    """Instalments that are to be told of or charged, the longest due first."""
    return uow.session.scalars(
        select(Instalment.id)
        .where(
            Instalment.next_step_at.is_not(None),
            Instalment.next_step_at <= clock.now(),
            lives_now(Instalment.buyer_org_id),
        )
        .order_by(Instalment.next_step_at, Instalment.id)
        .limit(AT_ONCE)
    ).all()


def take_instalment_step(uow: UnitOfWork, instalment_id: UUID) -> bool:
    """Tell whoever pays it of an instalment, or charge it once it is due. Returns False where neither is to be done.

    It costs what was told when the term was bought, tax included. Who gets what of it, and to which video it is owed, is as
    in the sale that began the subscription. Nobody is asked for approval: the whole term was approved. Of a subscription that
    is over nothing more is asked for.

    Locks: the order that began the subscription, the subscription, the instalment. Emits: InstalmentNoticed.
    Idempotent by `next_step_at`, and by the order: one at most names it.
    """
    subscription_id = uow.session.scalar(select(Instalment.subscription_id).where(Instalment.id == instalment_id))
    found = lock_subscription(uow, subscription_id) if subscription_id is not None else None
    row = lock_row(uow.session, Instalment, instalment_id)
    now = clock.now()
    if found is None or row is None or row.next_step_at is None or row.next_step_at > now:
        return False
    subscription, _, began = found
    if subscription.state == "ended":
        cancel_instalments(uow, Instalment.id == row.id)
    elif row.due_at > now:
        row.next_step_at = row.due_at
        emit(uow, InstalmentNoticed(instalment_id=row.id, subscription_id=subscription.id, **_sides(row)))
    else:
        _charge(uow, row, subscription, began)
    return True


def _charge(uow: UnitOfWork, row: Instalment, subscription: Subscription, began: Order) -> None:
    first, now = uow.session.get_one(Purchase, began.purchase_id), clock.now()
    INSTALMENT.move(uow, row, "asked", org_ids=row.parties)
    row.next_step_at = None
    term, sold, party = _sold(uow, row)
    profile = _invoiced(uow, first, term, party)
    how = BoughtByHand(
        first.gateway,
        first.method_token,
        first.requested_by,
        now + RENEWS_BEFORE + TERMINATED_AFTER,
        Needed(),
        instalment_id=row.id,
        next_try_at=next_try_at(now, after=now),
        billing_profile=profile,
    )
    quote = owed_quote(uow, _line(sold, row), party, row.buyer_org_id)
    purchase, order = place_next_term(uow, subscription, began, first, quote, how)
    copy_sale_terms(uow, order, subscription.order_line_id)
    request_payment(uow, purchase, [order])


def _sold(uow: UnitOfWork, row: Instalment) -> tuple[Purchase, PricedLine, InvoiceParty]:
    """The purchase of the term that it is a part of, its line as it was priced and taxed then, and for whom."""
    found = uow.session.execute(
        select(OrderLine, Purchase, Quote)
        .join(Order, Order.id == OrderLine.order_id)
        .join(Purchase, Purchase.id == Order.purchase_id)
        .join(Quote, Quote.id == Purchase.quote_id)
        .where(OrderLine.id == row.order_line_id)
    ).one()
    line: OrderLine = found.OrderLine
    lines = [PricedLine.model_validate(one) for one in found.Quote.lines]
    sold = next(one.whole for one in lines if one.plan_id == line.plan_id)
    taxed: dict[str, Any] = {name: getattr(line, name) for name in ("tax_rate_ppm", "tax_category", "tax_reason")}
    taxed["home_rate_ppm"] = line.plan.get("home_rate_ppm", 0)
    taxed["instalments"] = [InstalmentPart.model_validate(one) for one in line.plan["instalments"]]
    kept = found.Purchase.billing_profile
    named = {name: kept.get(name) for name in ("legal_name", "country", "tax_id", "registered_in")}
    party = InvoiceParty.model_validate({"billing_profile_id": kept["id"], **named})
    return found.Purchase, sold.model_copy(update=taxed), party


def _invoiced(uow: UnitOfWork, first: Purchase, term: Purchase, party: InvoiceParty) -> dict[str, Any]:
    """Whom a renewal would be invoiced to as that is now; as the term was, where it would be taxed otherwise."""
    try:
        title = lookups.get_billing_profile(uow, invoiced_to(uow, first))
    except DomainError:
        return term.billing_profile
    return profile_as_kept(title) if invoice_party(title).is_taxed_like(party) else term.billing_profile


def _line(sold: PricedLine, row: Instalment) -> PricedLine:
    agreed = sold.instalments[row.number - 1]
    amount_minor = agreed.list_minor - agreed.discount_minor
    part = PriceLine(kind="instalment", quantity=str(row.number), charged=str(row.count), amount_minor=amount_minor)
    return sold.model_copy(
        update={
            "quantity": 1,
            "pricing": "mixed",
            "unit_price_minor": amount_minor,
            "price_lines": [part],
            "list_minor": amount_minor,
            "discount_minor": 0,
            "net_minor": row.net_minor,
            "tax_minor": row.tax_minor,
            "gross_minor": row.gross_minor,
            # It goes back with its term.
            "refund_window_days": 0,
            "claims": [],
            "tier": sold.tier.kept if sold.tier is not None else None,
            "trial": None,
            "instalments": [],
            # What a coupon takes off is off already.
            "coupon_id": None,
            "coupon": "",
            "coupon_ppm": None,
        }
    )


def _sides(row: Instalment) -> dict[str, UUID]:
    return {"buyer_org_id": row.buyer_org_id, "seller_org_id": row.seller_org_id}
