"""Who sells a line to the buyer: whose tax it bears, and what tax is in what its seller gets of it from the platform."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from billing.tax.decision import TaxParty, tax_for
from kernel.db.uow import UnitOfWork
from kernel.errors import Conflict
from marketplace.catalog.selling_model import issuer_of
from marketplace.parties import lookups
from marketplace.parties.lookups import Party
from orders.checkout.priced_line import PricedLine


@dataclass(frozen=True, slots=True)
class SaleParties:
    """The seller of a listing, and who sells it to the buyer: the same, or the platform."""

    seller: Party
    issuer: Party

    @property
    def is_resold(self) -> bool:
        """Whether the platform sells it."""
        return self.issuer.org_id != self.seller.org_id


def sale_parties(uow: UnitOfWork, selling_model: str, seller_org_id: UUID) -> SaleParties:
    """Both sides of the counter that the buyer does not stand on."""
    seller = lookups.get_party(uow, seller_org_id)
    issuer_id = issuer_of(selling_model, seller_org_id)
    return SaleParties(seller, seller if issuer_id == seller_org_id else lookups.get_party(uow, issuer_id))


def sold_by(parties: SaleParties, taxed_as: str, at: datetime) -> dict[str, Any]:
    """What a line keeps of who sells it. What the platform gives the seller of its price contains the tax of the seller's own
    supply to the platform (ADR 0063), as the commission contains the platform's (ADR 0009). Pure.

    Raises: as `tax_for`.
    """
    seller, issuer = parties.seller, parties.issuer
    if not parties.is_resold:
        return {"issuer_name": "", "supply_tax_rate_ppm": None, "supply_tax_category": None}
    supply = tax_for(
        TaxParty(seller.country, seller.tax_id or ""),
        TaxParty(issuer.country, issuer.tax_id or "", registered_in=issuer.country),
        taxed_as,
        at.astimezone(ZoneInfo(seller.time_zone)).date(),
        included=True,
    )
    return {
        "issuer_name": issuer.legal_name,
        "supply_tax_rate_ppm": supply.rate_ppm,
        "supply_tax_category": supply.category,
    }


def require_separable(lines: Sequence[PricedLine], *, of_offer: bool) -> None:
    """Of one seller, what it sells and what the platform sells are orders of their own, so that each has one issuer. An offer is
    one order, and a coupon is used by one.

    Raises: Conflict `selling_models_mixed`.
    """
    seen: dict[tuple[UUID, object], str] = {}
    for line in lines:
        keys: list[tuple[UUID, object]] = [(line.seller_org_id, line.coupon_id)] if line.coupon_id is not None else []
        if of_offer:
            keys.append((line.seller_org_id, None))
        for key in keys:
            if seen.setdefault(key, line.selling_model) != line.selling_model:
                raise Conflict("selling_models_mixed", seller=line.seller_name)
