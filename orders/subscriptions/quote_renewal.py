"""What the next term costs: fixed with the first notice, so that nobody is charged what they were not told."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import select

from kernel import clock
from kernel.db.uow import UnitOfWork
from kernel.errors import Conflict
from kernel.ids import uuid7
from marketplace.catalog.models import Listing, Plan
from marketplace.catalog.sellable import get_sellable
from marketplace.parties import lookups
from orders.checkout.create_quote import price_line
from orders.checkout.line_tax import invoice_party
from orders.checkout.priced_line import Context
from orders.checkout.quote_models import Quote
from orders.order.models import OrderLine, Subscription
from orders.subscriptions.schedule import TERMINATED_AFTER


def quote_renewal(uow: UnitOfWork, subscription: Subscription, line: OrderLine, profile_id: UUID) -> Quote:
    """Price the next term of a subscription as its plan costs now. The quote holds until the term could be paid for no more.

    The plan is the published one of the same code; an offered price holds for the term it was offered for. The tax is
    decided by the day and by whom the invoice will name.

    Raises:
        Conflict: `plan_withdrawn`, `listing_suspended`: there is nothing to renew it with. `quantity_out_of_range`: the plan is
            not sold in this number any more.
    """
    plan = get_sellable(uow, _plan_now(uow, line))
    if not plan.min_seats <= subscription.quantity <= plan.max_seats:
        raise Conflict("quantity_out_of_range", least=plan.min_seats, most=plan.max_seats)
    buyer = invoice_party(lookups.get_billing_profile(uow, profile_id))
    priced = price_line(uow, plan, buyer, subscription.quantity, Context(), occasion="renewal")
    quote = Quote(
        id=uuid7(),
        buyer_org_id=subscription.buyer_org_id,
        person_id=None,
        currency=priced.currency,
        net_minor=priced.net_minor,
        tax_minor=priced.tax_minor,
        gross_minor=priced.gross_minor,
        lines=[priced.model_dump(mode="json")],
        invoice_party=buyer.model_dump(mode="json"),
        context={},
        needs_approval=False,
        approval_reasons=[],
        approval_steps=[],
        expires_at=subscription.ends_at + TERMINATED_AFTER,
        created_at=clock.now(),
        used_at=None,
        offer_id=None,
    )
    return uow.add(quote)


def _plan_now(uow: UnitOfWork, line: OrderLine) -> UUID:
    """The plan of the line's code in the version of its listing that is on sale. Raises Conflict `plan_withdrawn`."""
    found = uow.session.scalar(
        select(Plan.id)
        .join(Listing, Listing.current_version_id == Plan.version_id)
        .where(Listing.id == line.listing_id, Plan.code == line.plan["plan_code"])
    )
    if found is None:
        raise Conflict("plan_withdrawn")
    return found
