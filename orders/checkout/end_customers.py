"""The end customers that lines are ordered for: who may be named, and that they agree still when it counts."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select

from kernel.db.locks import lock_rows
from kernel.db.uow import UnitOfWork
from kernel.errors import Conflict, DomainError, Invalid, NotFound
from kernel.states import state_in
from marketplace.end_customers.models import EndCustomer
from marketplace.relations.partner_models import PartnerLink
from marketplace.relations.territories import Territories, read_territories
from orders.checkout.priced_line import PricedLine
from orders.order.line_end_customer import LineEndCustomer
from orders.order.models import OrderLine

KIND = "saas"
"""What is ordered for others: software, which its users open. What is done for its buyer alone is ordered by whoever wants it."""


def for_end_customers(
    uow: UnitOfWork, wanted: Sequence[UUID | None], lines: Sequence[PricedLine], *, trial: bool = False
) -> list[PricedLine]:
    """The lines, each with whom it is ordered for; `wanted` names one for each, or None. Without any nothing is asked.

    Raises: NotFound `end_customer_not_found`; Conflict `end_customer_over` (it did not say yes, or it has ended),
        `end_customer_is_seller`, `end_customer_needs_partner` (the buyer is no partner of the seller),
        `end_customer_kind_unfit`, `outside_territory`, `territory_exclusive`; Invalid `end_customer_no_trial`.
    """
    ids = {one for one in wanted if one is not None}
    if not ids:
        return list(lines)
    if trial:
        raise Invalid("end_customer_no_trial", field="end_customer_id")
    sellers = {line.seller_org_id for line, one in zip(lines, wanted, strict=True) if one is not None}
    resale = read_resale(uow, ids, sellers)
    return [line if one is None else _named(line, one, resale) for line, one in zip(lines, wanted, strict=True)]


@dataclass(frozen=True, slots=True)
class Resale:
    """What decides whether the acting organization may order something for somebody."""

    customers: Mapping[UUID, EndCustomer]
    partner_of: Collection[UUID]
    territories: Territories

    def refusal(
        self, end_customer_id: UUID, *, seller_id: UUID, seller_name: str, listing_id: UUID, kind: str
    ) -> DomainError | None:
        """Why not; None where it may."""
        row = self.customers.get(end_customer_id)
        if row is None:
            return NotFound("end_customer_not_found")
        if row.state != "active" or row.org_id is None:
            return Conflict("end_customer_over")
        if row.org_id == seller_id:
            return Conflict("end_customer_is_seller")
        if seller_id not in self.partner_of:
            return Conflict("end_customer_needs_partner", seller=seller_name)
        if kind != KIND:
            return Conflict("end_customer_kind_unfit")
        return self.territories.refusal(seller_id, listing_id, row.org_id)


def read_resale(uow: UnitOfWork, ids: Collection[UUID], seller_ids: Collection[UUID]) -> Resale:
    """As things stand, of orders for these end customers from these sellers; four statements."""
    own_id = uow.principal.organization()
    rows = uow.session.scalars(select(EndCustomer).where(EndCustomer.id.in_(ids), EndCustomer.dealer_org_id == own_id))
    known = {row.id: row for row in rows}
    partner_of = set(
        uow.session.scalars(
            select(PartnerLink.seller_org_id).where(
                PartnerLink.buyer_org_id == own_id,
                PartnerLink.seller_org_id.in_(seller_ids),
                state_in(PartnerLink.state, "accepted"),
            )
        )
    )
    org_ids = {row.org_id for row in known.values() if row.org_id is not None}
    return Resale(known, partner_of, read_territories(uow, seller_ids, org_ids))


def require_agreed(uow: UnitOfWork, lines: Iterable[PricedLine], *, anew: bool = True) -> None:
    """What is ordered now is ordered for those who agree: an end that comes at once waits until this is written, or is found.

    `anew`: it is no change of what they have already, so that the dealer's territory is asked, too.

    Raises: Conflict `end_customer_over`, `outside_territory`, `territory_exclusive`. Locks: the end customers of the lines by
    ascending id; without any nothing.
    """
    resold = [(line, line.end_customer) for line in lines if line.end_customer is not None]
    ids = {one.end_customer_id for _, one in resold}
    if ids and any(row.state != "active" for row in lock_rows(uow.session, EndCustomer, ids)):
        raise Conflict("end_customer_over")
    if resold and anew:
        found = read_territories(uow, {line.seller_org_id for line, _ in resold}, {one.org_id for _, one in resold})
        for line, one in resold:
            if refusal := found.refusal(line.seller_org_id, line.listing_id, one.org_id):
                raise refusal


def used_as_before(line: PricedLine, first: OrderLine) -> PricedLine:
    """A further term or a change of what `first` began, for whom that was ordered."""
    said = first.plan.get("end_customer")
    return line.model_copy(update={"end_customer": LineEndCustomer.model_validate(said)}) if said else line


def agreed_change(uow: UnitOfWork, line: PricedLine, first: OrderLine) -> PricedLine:
    """As `used_as_before`, of a change: nobody has other things than it agrees to. Raises and locks as `require_agreed`."""
    changed = used_as_before(line, first)
    require_agreed(uow, [changed], anew=False)
    return changed


def _named(line: PricedLine, end_customer_id: UUID, resale: Resale) -> PricedLine:
    refusal = resale.refusal(
        end_customer_id,
        seller_id=line.seller_org_id,
        seller_name=line.seller_name,
        listing_id=line.listing_id,
        kind=line.kind,
    )
    if refusal is not None:
        raise refusal
    row, territories = resale.customers[end_customer_id], resale.territories
    assert row.org_id is not None  # noqa: S101 - who is nobody yet is refused
    own = territories.own.get(line.seller_org_id)
    named = LineEndCustomer(
        end_customer_id=row.id,
        org_id=row.org_id,
        name=row.name,
        region=territories.regions[row.org_id],
        territory_id=own.id if own is not None else None,
    )
    return line.model_copy(update={"end_customer": named})
