"""What it costs that a subscription's term ends with another's: the quote by which that is bought, to the cent."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from kernel import clock
from kernel.db.uow import UnitOfWork
from kernel.errors import Conflict, Invalid
from marketplace.catalog import sellable
from marketplace.parties import lookups
from orders.amendments.amendment_price import longer_term_minor
from orders.amendments.models import QuotedChange
from orders.amendments.subscribed import lock_subscribed
from orders.checkout.approval_reasons import BUY
from orders.checkout.create_quote import QUOTE_TTL, save_quote
from orders.checkout.first_term import end_of_other
from orders.checkout.line_tax import invoice_party
from orders.checkout.priced_line import Context
from orders.checkout.quote_amendment import amendment_line, tier_agreed
from orders.checkout.quote_models import Quote
from orders.order.models import OrderLine, Subscription


@dataclass(frozen=True, slots=True)
class QuoteAlignment:
    """Let the running term of one subscription end with a term of another, `with_id`, whoever sells that.

    `billing_profile_id`: whom the invoice will name; the default profile when None.
    """

    subscription_id: UUID
    with_id: UUID
    billing_profile_id: UUID | None = None


def quote_alignment(uow: UnitOfWork, command: QuoteAlignment) -> Quote:
    """Price the time from the end of the running term to the next end of the other's, at the price that was frozen with the term.

    A purchase placed from the quote moves the end as soon as it is paid; later terms follow from there. Nothing is ever
    shortened: what is paid for stays. The quote binds for 30 minutes, never beyond the term.

    Raises: Forbidden `permission_missing`; as `lock_subscribed`; Conflict `alignment_unfit` (the other one is over, unpaid, in
    trial, or ends before this one for good), `alignment_metered` (periods of usage would be cut), `contract_fixed` (the end of
    its contract is agreed); Invalid `amendment_changes_nothing` (both end at the same instant); what `get_sellable` raises.
    """
    uow.principal.require(BUY)
    subscribed = lock_subscribed(uow, command.subscription_id)
    subscription, term, agreed = subscribed.subscription, subscribed.term, subscribed.agreed
    if any(component.kind in {"metered", "commitment"} for component in agreed.price.components):
        raise Conflict("alignment_metered")
    if subscription.contract_terms_left is not None:
        raise Conflict("contract_fixed")
    aligned_to, anchor_day = _end_of_other(uow, subscription, command.with_id)
    plan = sellable.get_sellable(uow, subscription.plan_id, replaced=True)
    amount_minor = longer_term_minor(
        agreed, term.starts_at, term.priced_until or term.ends_at, term.ends_at, aligned_to
    )
    buyer = invoice_party(lookups.get_invoiced(uow, command.billing_profile_id))
    quantity = subscription.quantity
    line = amendment_line(uow, plan, buyer, agreed.price, quantity, amount_minor, part="term_aligned", counted=quantity)
    first = uow.session.get_one(OrderLine, subscription.order_line_id)
    line = line.model_copy(update={"tier": tier_agreed(uow, first, subscription)})
    quote = save_quote(uow, [line], buyer, Context(), expires_at=min(clock.now() + QUOTE_TTL, subscription.ends_at))
    change = QuotedChange(
        subscription_id=subscription.id,
        quantity=quantity,
        plan_id=subscription.plan_id,
        quantity_before=quantity,
        plan_id_before=subscription.plan_id,
        ends_at=subscription.ends_at,
        price=None,
        aligned_to=aligned_to,
        anchor_day=anchor_day,
    )
    quote.amends = change.model_dump(mode="json")
    return quote


def _end_of_other(uow: UnitOfWork, subscription: Subscription, with_id: UUID) -> tuple[datetime, int]:
    """The first end of a term of another subscription after this one's, and its day of month."""
    anchor = end_of_other(uow, subscription.buyer_org_id, with_id, subscription.ends_at)
    if anchor.ends_at == subscription.ends_at:
        raise Invalid("amendment_changes_nothing", field="align_with")
    return anchor.ends_at, anchor.day
