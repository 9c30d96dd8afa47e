"""The row of a quote, from priced lines: whoever asks for it, and whatever for. Nothing is written here."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from kernel import clock
from kernel.ids import uuid7
from orders.checkout.priced_line import Context, InvoiceParty, PricedLine, totals
from orders.checkout.quote_models import Quote


def quote_row(
    lines: Sequence[PricedLine],
    buyer: InvoiceParty,
    *,
    buyer_org_id: UUID,
    expires_at: datetime,
    context: Context | None = None,
    **known: Any,
) -> Quote:
    """Lines of one currency for an organization; nobody's approval is needed, and no person asked, unless `known` says so."""
    net_minor, tax_minor, gross_minor = totals(list(lines))
    nobody: dict[str, Any] = {"person_id": None, "needs_approval": False, "approval_reasons": [], "approval_steps": []}
    return Quote(
        id=uuid7(),
        buyer_org_id=buyer_org_id,
        currency=lines[0].currency,
        net_minor=net_minor,
        tax_minor=tax_minor,
        gross_minor=gross_minor,
        lines=[line.model_dump(mode="json") for line in lines],
        invoice_party=buyer.model_dump(mode="json"),
        context=context.model_dump(mode="json") if context is not None else {},
        expires_at=expires_at,
        created_at=clock.now(),
        **{"used_at": None, "offer_id": None} | nobody | known,
    )
