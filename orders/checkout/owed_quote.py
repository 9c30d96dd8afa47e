"""The quote of what is charged without being asked for: it is used as it is made. Usage, further instalments."""

from __future__ import annotations

from uuid import UUID

from kernel import clock
from kernel.db.uow import UnitOfWork
from orders.checkout.priced_line import InvoiceParty, PricedLine
from orders.checkout.quote_models import Quote
from orders.checkout.quote_row import quote_row


def owed_quote(uow: UnitOfWork, line: PricedLine, buyer: InvoiceParty, buyer_org_id: UUID) -> Quote:
    """The price of one line that a subscription owes, used already."""
    now = clock.now()
    return uow.add(quote_row([line], buyer, buyer_org_id=buyer_org_id, expires_at=now, used_at=now))
