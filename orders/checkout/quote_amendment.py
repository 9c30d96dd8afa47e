"""What a change of a subscription costs until its term's end: the quote by which it is bought, to the cent."""

from __future__ import annotations

from dataclasses import dataclass, replace
from uuid import UUID

from billing.tax.line_amounts import line_amounts
from fulfillment.entitlements.amend import require_not_allocated
from kernel import clock
from kernel.db.uow import UnitOfWork
from kernel.errors import Conflict, Invalid
from marketplace.catalog import sellable
from marketplace.catalog.models import Plan
from marketplace.catalog.plan_price import plan_price
from marketplace.catalog.sellable import Sellable
from marketplace.parties import lookups
from marketplace.pricing.components import PlanPrice
from marketplace.pricing.engine import PriceLine
from marketplace.pricing.order_quantities import require_quantity
from orders.amendments.agreed_lines import agreed_lines
from orders.amendments.amendment_price import Agreed, rest_of_term_minor
from orders.amendments.models import QuotedChange
from orders.amendments.subscribed import Subscribed, lock_subscribed
from orders.checkout.approval_reasons import BUY
from orders.checkout.create_quote import QUOTE_TTL, price_line, save_quote
from orders.checkout.end_customers import agreed_change
from orders.checkout.line_tax import decide_tax, invoice_party
from orders.checkout.other_plan_price import OtherPlanPrice, price_of_other_plan, prices_of_partner, quantities_at
from orders.checkout.partner_price import line_tier
from orders.checkout.priced_line import Context, InvoiceParty, PricedLine
from orders.checkout.quote_models import Quote
from orders.checkout.selling import sale_parties
from orders.order.line_tier import LineTier
from orders.order.models import OrderLine, Subscription


@dataclass(frozen=True, slots=True)
class QuoteAmendment:
    """Another quantity, another plan of the same listing, or both, from now on. What is None stays.

    `billing_profile_id`: whom the invoice will name; the default profile when None.
    """

    subscription_id: UUID
    quantity: int | None = None
    plan_id: UUID | None = None
    billing_profile_id: UUID | None = None


def quote_amendment(uow: UnitOfWork, command: QuoteAmendment) -> Quote:
    """Price a change at once, for the rest of the term, at the price that was frozen when the term was bought. Another plan is at
    the price of the buyer's tier where the subscription was bought at one, else at its own.

    A purchase placed from the quote makes the change once it is paid. The quote binds for 30 minutes, never beyond the term.

    Raises: Forbidden `permission_missing`; as `lock_subscribed`; Invalid `amendment_changes_nothing`, `quantity_out_of_range`,
    `quantity_step`; as `require_quantity`; Conflict `amendment_costs_less` (less is from the next term on), `plan_unfit` (not of
    this listing, or for another term or currency), `seats_are_allocated`; as `agreed_change`, `get_sellable`.
    """
    uow.principal.require(BUY)
    subscribed = lock_subscribed(uow, command.subscription_id)
    subscription, agreed, now = subscribed.subscription, subscribed.agreed, clock.now()
    quantity, plan_id = command.quantity or subscription.quantity, command.plan_id or subscription.plan_id
    if (quantity, plan_id) == (subscription.quantity, subscription.plan_id):
        raise Invalid("amendment_changes_nothing", field="quantity")
    plan = sellable.get_sellable(uow, plan_id, replaced=True)
    other = plan_id != subscription.plan_id
    first = uow.session.get_one(OrderLine, subscription.order_line_id)
    changed = _other_price(uow, subscribed, first, plan, quantity) if other else OtherPlanPrice(agreed.price)
    price, agreed_tier = changed.price, None if other else tier_agreed(uow, first, subscription)
    require_quantity(quantities_at(plan, changed.named, agreed_tier), quantity)

    def costs(after: Agreed) -> int:
        term = subscribed.term
        return rest_of_term_minor(agreed, after, term.starts_at, term.ends_at, now, priced_until=term.priced_until)

    amount_minor = costs(Agreed(price, quantity) if other else replace(agreed, quantity=quantity))
    if amount_minor < 0 or (not other and quantity < subscription.quantity):
        raise Conflict("amendment_costs_less")
    buyer = invoice_party(lookups.get_invoiced(uow, command.billing_profile_id))
    part = "plan_changed" if other else "seats_added"
    line = amendment_line(
        uow,
        plan,
        buyer,
        price,
        quantity,
        amount_minor,
        part=part,
        counted=quantity - (0 if other else subscription.quantity),
    )
    if changed.named is not None:
        published_minor = costs(Agreed(plan_price(plan), quantity))
        line = line.model_copy(update={"tier": line_tier(changed.named, published_minor, plan_price(plan))})
    elif not other:
        line = line.model_copy(update={"tier": agreed_tier})
    change = QuotedChange(
        subscription_id=subscription.id,
        quantity=quantity,
        plan_id=plan_id,
        quantity_before=subscription.quantity,
        plan_id_before=subscription.plan_id,
        ends_at=subscription.ends_at,
        price=price.model_dump(mode="json") if other else None,
    )
    line = agreed_change(uow, line, first)
    quote = save_quote(uow, [line], buyer, Context(), expires_at=min(now + QUOTE_TTL, subscription.ends_at))
    quote.amends = change.model_dump(mode="json")
    return quote


def _other_price(
    uow: UnitOfWork, subscribed: Subscribed, first: OrderLine, plan: Sellable, quantity: int
) -> OtherPlanPrice:
    """The price of another plan, for the same term; fewer seats than are allocated it may not have."""
    require_not_allocated(subscribed.entitlement, quantity)
    price, now = plan_price(plan), subscribed.agreed.price
    same_term = (price.currency, price.term_months) == (now.currency, now.term_months)
    if plan.listing_id != subscribed.entitlement.listing_id or not same_term:
        raise Conflict("plan_unfit")
    return price_of_other_plan(plan, quantity, prices_of_partner(uow, first, [plan.plan_id]))


def tier_agreed(uow: UnitOfWork, first: OrderLine, subscription: Subscription) -> LineTier | None:
    """Whose partner's price it goes on at within its term; `first` began it."""
    if not first.plan.get("tier"):
        return None
    code = uow.session.get_one(Plan, subscription.plan_id).code
    agreed = agreed_lines(uow, [subscription.id]).get((subscription.id, code))
    tier = agreed.plan.get("tier") if agreed is not None else None
    return LineTier.model_validate(tier).kept if tier else None


def amendment_line(
    uow: UnitOfWork,
    plan: Sellable,
    buyer: InvoiceParty,
    price: PlanPrice,
    quantity: int,
    amount_minor: int,
    *,
    part: str,
    counted: int,
) -> PricedLine:
    """What a change costs as a line of one amount. `part`: what it is for, as `PriceLine.kind`; `counted`: of how many."""
    whole = price_line(uow, replace(plan, price=price.model_dump(mode="json")), buyer, quantity, Context())
    issuer = sale_parties(uow, plan.selling_model, plan.seller_org_id).issuer
    decision = decide_tax(
        issuer, buyer, plan.tax_category, clock.now(), included=plan.tax_included, untaxed=plan.untaxed_price
    )
    amounts = line_amounts(amount_minor, 0, decision)
    shown = PriceLine(kind=part, quantity=str(counted), charged=str(counted), amount_minor=amount_minor)
    return whole.model_copy(
        update={
            "quantity": counted,
            "pricing": "mixed",
            "unit_price_minor": amount_minor,
            "price_lines": [shown],
            "list_minor": amounts.list_minor,
            "discount_minor": 0,
            "net_minor": amounts.net_minor,
            "tax_minor": amounts.tax_minor,
            "gross_minor": amounts.gross_minor,
        }
    )
