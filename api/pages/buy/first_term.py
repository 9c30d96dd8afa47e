"""With which of the buyer's subscriptions something that is bought now may end."""

from __future__ import annotations

from api.pages.frame.choices import Choice
from api.pages.frame.site import PageRequest
from kernel.db.uow import UnitOfWork
from orders.checkout.priced_line import PricedLine
from orders.checkout.quote_models import Quote
from orders.subscriptions.queries import list_subscriptions

MOST = 50


def ends_of_others(page_request: PageRequest, uow: UnitOfWork, quote: Quote) -> tuple[Choice, ...]:
    """Those in use, with their ends; none where the first term is a whole one: of trials, offers, usage, what is bought once."""
    line = PricedLine.model_validate(quote.lines[0])
    metered = any(part["kind"] == "metered" for part in (line.price or {}).get("components", ()))
    if quote.offer_id is not None or line.trial is not None or not line.term_months or metered:
        return ()
    return tuple(
        Choice(str(one.id), page_request.pick(one.title, one.title_en), page_request.formats.day(one.ends_at))
        for one in list_subscriptions(uow, limit=MOST).items
        if one.state == "active"
    )
