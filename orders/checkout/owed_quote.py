"""The quote of what is charged without being asked for: it is used as it is made. Usage, further instalments."""

from __future__ import annotations

from uuid import UUID

from kernel import clock
from kernel.db.uow import UnitOfWork
from kernel.ids import uuid7
from orders.checkout.priced_line import InvoiceParty, PricedLine
from orders.checkout.quote_models import Quote


def owed_quote(uow: UnitOfWork, line: PricedLine, buyer: InvoiceParty, buyer_org_id: UUID) -> Quote:
    """The price of one line that a subscription owes, used already."""
    now = clock.now()
    return uow.add(
        Quote(
            id=uuid7(),
            buyer_org_id=buyer_org_id,
            person_id=None,
            currency=line.currency,
            net_minor=line.net_minor,
            tax_minor=line.tax_minor,
            gross_minor=line.gross_minor,
            lines=[line.model_dump(mode="json")],
            invoice_party=buyer.model_dump(mode="json"),
            context={},
            needs_approval=False,
            approval_reasons=[],
            approval_steps=[],
            expires_at=now,
            created_at=now,
            used_at=now,
            offer_id=None,
        )
    )
