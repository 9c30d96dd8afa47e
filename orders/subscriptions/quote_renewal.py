"""What the next term costs: fixed with the first notice, so that nobody is charged what they were not told."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import bindparam, select
from sqlalchemy.orm import aliased

from kernel.db.statements import Read
from kernel.db.uow import UnitOfWork
from kernel.errors import Conflict, DomainError
from marketplace.catalog.models import Listing, Plan
from marketplace.catalog.plan_price import plan_price
from marketplace.catalog.sellable import Sellable, get_sellable
from marketplace.parties import lookups
from marketplace.pricing.components import PlanPrice
from marketplace.pricing.engine import price_term
from orders.checkout.create_quote import price_line
from orders.checkout.end_customers import used_as_before
from orders.checkout.in_instalments import in_instalments
from orders.checkout.line_tax import invoice_party, taxed_now
from orders.checkout.partner_price import line_tier
from orders.checkout.priced_line import Context, InvoiceParty, PricedLine
from orders.checkout.quote_models import Quote
from orders.checkout.quote_row import quote_row
from orders.coupons.every_term import off_renewal
from orders.order.line_tier import LineTier
from orders.order.locking import line_of
from orders.order.models import Subscription
from orders.subscriptions.offered_terms import NextPrice, next_price
from orders.subscriptions.schedule import TERMINATED_AFTER


def quote_renewal(
    uow: UnitOfWork, subscription: Subscription, profile_id: UUID, *, told_plan_id: UUID | None = None
) -> Quote:
    """Price the next term, as `next_price` says. The quote holds until the term could be paid for no more.

    The plan is the published one of the same code, or the one that its price was told for (`told_plan_id`), what was published
    since or not; an offered price goes on. What a coupon took off holds for the term it was taken off, unless it is one for
    every term. The tax is decided by the day and by whom the invoice will name.

    Raises:
        Conflict: `plan_withdrawn`, `listing_suspended`: there is nothing to renew it with. `quantity_out_of_range`: the plan is
            not sold in this number any more.
    """
    wanted_id = subscription.next_plan_id or subscription.plan_id
    if told_plan_id is not None:
        plan = get_sellable(uow, told_plan_id, replaced=True, goes_on=True)
    else:
        plan = get_sellable(uow, plan_now(uow, wanted_id), goes_on=True)
    quantity = subscription.next_quantity or subscription.quantity
    first = line_of(uow, subscription.order_line_id)
    following = next_price(uow, subscription, first, plan, quantity)
    price = following.price if following.own else None
    _require_sold(plan, price, quantity)
    buyer = invoice_party(lookups.get_billing_profile(uow, profile_id))
    priced = price_line(uow, plan, buyer, quantity, Context(), price=price, occasion="renewal")
    priced = used_as_before(priced.model_copy(update={"tier": _tier_of(following, plan, quantity)}), first)
    priced = in_instalments(_reduced(uow, subscription, priced, buyer))
    until = subscription.ends_at + TERMINATED_AFTER
    return uow.add(quote_row([priced], buyer, buyer_org_id=subscription.buyer_org_id, expires_at=until))


def _tier_of(following: NextPrice, plan: Sellable, quantity: int) -> LineTier | None:
    """Whose partner's price it is at: what goes on is compared with nothing, what begins with the plan's own price."""
    if following.named is None:
        return following.tier
    listed = plan_price(plan)
    return line_tier(following.named, price_term(listed, quantity, "renewal").amount_minor, listed)


def _require_sold(plan: Plan | Sellable, price: PlanPrice | None, quantity: int) -> None:
    """`price`: at which it was offered, which has limits of its own."""
    seats = price.seats if price is not None else None
    least, most = (seats.minimum, seats.maximum) if seats is not None else (plan.min_seats, plan.max_seats)
    if not least <= quantity <= most:
        raise Conflict("quantity_out_of_range", least=least, most=most)


def _reduced(uow: UnitOfWork, subscription: Subscription, priced: PricedLine, buyer: InvoiceParty) -> PricedLine:
    """Less what a coupon takes off every term, where the subscription was bought with one."""
    first = line_of(uow, subscription.order_line_id)
    minor = off_renewal(first, priced.plan_code, priced.list_minor, priced.currency)
    if not minor:
        return priced
    named = {key: value for key, value in first.plan.items() if key.startswith("coupon")}
    reduced = PricedLine.model_validate(priced.model_dump() | named | {"discount_minor": minor})
    return taxed_now(uow, reduced, buyer)


def requote_renewal(uow: UnitOfWork, subscription: Subscription) -> None:
    """A locked subscription's next term is another than its price was told for: priced anew, by the plan it was told for.

    Only a plan that the buyer changed to is priced as it is now. What is being paid for already stays.
    """
    known = uow.session.get(Quote, subscription.renewal_quote_id) if subscription.renewal_quote_id else None
    if known is None or known.used_at is not None:
        return
    line = PricedLine.model_validate(known.lines[0])
    wanted = uow.session.get_one(Plan, subscription.next_plan_id or subscription.plan_id)
    profile_id = InvoiceParty.model_validate(known.invoice_party).billing_profile_id
    assert profile_id is not None  # noqa: S101 - a renewal is priced for a title
    try:
        kept = line.plan_id if line.plan_code == wanted.code else None
        subscription.renewal_quote_id = quote_renewal(uow, subscription, profile_id, told_plan_id=kept).id
    except DomainError:
        # What stands in the way is said when the next step is due.
        subscription.renewal_quote_id = None


def require_sold_number(uow: UnitOfWork, subscription: Subscription) -> None:
    """Raise Conflict `quantity_out_of_range` where its plan, if it is on sale, is not sold in the number of the next term
    at the price that it would be renewed at.
    """
    plan = _on_sale(uow, subscription.next_plan_id or subscription.plan_id)
    quantity = subscription.next_quantity or subscription.quantity
    if plan is not None:
        first = line_of(uow, subscription.order_line_id)
        following = next_price(uow, subscription, first, plan, quantity)
        _require_sold(plan, following.price if following.own else None, quantity)


def plan_now(uow: UnitOfWork, plan_id: UUID) -> UUID:
    """The plan of the same code in the version of its listing that is on sale. Raises Conflict `plan_withdrawn`."""
    found = _on_sale(uow, plan_id)
    if found is None:
        raise Conflict("plan_withdrawn")
    return found.id


_BEFORE = aliased(Plan)
_ON_SALE = Read(
    select(Plan)
    .join(Listing, Listing.current_version_id == Plan.version_id)
    .join(_BEFORE, (_BEFORE.listing_id == Plan.listing_id) & (_BEFORE.code == Plan.code))
    .where(_BEFORE.id == bindparam("plan_id"))
)


def _on_sale(uow: UnitOfWork, plan_id: UUID) -> Plan | None:
    found: Plan | None = uow.find(_ON_SALE, plan_id=plan_id)
    return found
