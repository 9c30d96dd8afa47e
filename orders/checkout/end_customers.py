"""The end customers that lines are ordered for: who may be named, and that they agree still when it counts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from uuid import UUID

from sqlalchemy import select

from kernel.db.locks import lock_rows
from kernel.db.uow import UnitOfWork
from kernel.errors import Conflict, Invalid, NotFound
from kernel.states import state_in
from marketplace.end_customers.models import EndCustomer
from marketplace.relations.partner_models import PartnerLink
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
        `end_customer_kind_unfit`; Invalid `end_customer_no_trial`.
    """
    ids = {one for one in wanted if one is not None}
    if not ids:
        return list(lines)
    if trial:
        raise Invalid("end_customer_no_trial", field="end_customer_id")
    own_id = uow.principal.organization()
    rows = uow.session.scalars(select(EndCustomer).where(EndCustomer.id.in_(ids), EndCustomer.dealer_org_id == own_id))
    known = {row.id: row for row in rows}
    sellers = {line.seller_org_id for line, one in zip(lines, wanted, strict=True) if one is not None}
    partners = set(
        uow.session.scalars(
            select(PartnerLink.seller_org_id).where(
                PartnerLink.buyer_org_id == own_id,
                PartnerLink.seller_org_id.in_(sellers),
                state_in(PartnerLink.state, "accepted"),
            )
        )
    )
    return [
        line if one is None else _named(line, known.get(one), partners) for line, one in zip(lines, wanted, strict=True)
    ]


def require_agreed(uow: UnitOfWork, lines: Iterable[PricedLine]) -> None:
    """What is ordered now is ordered for those who agree: an end that comes at once waits until this is written, or is found.

    Raises: Conflict `end_customer_over`. Locks: the end customers of the lines by ascending id; without any nothing.
    """
    ids = {line.end_customer.end_customer_id for line in lines if line.end_customer is not None}
    if ids and any(row.state != "active" for row in lock_rows(uow.session, EndCustomer, ids)):
        raise Conflict("end_customer_over")


def used_as_before(line: PricedLine, first: OrderLine) -> PricedLine:
    """A further term or a change of what `first` began, for whom that was ordered."""
    said = first.plan.get("end_customer")
    return line.model_copy(update={"end_customer": LineEndCustomer.model_validate(said)}) if said else line


def agreed_change(uow: UnitOfWork, line: PricedLine, first: OrderLine) -> PricedLine:
    """As `used_as_before`, of a change: nobody has other things than it agrees to. Raises and locks as `require_agreed`."""
    changed = used_as_before(line, first)
    require_agreed(uow, [changed])
    return changed


def _named(line: PricedLine, row: EndCustomer | None, partners: set[UUID]) -> PricedLine:
    if row is None:
        raise NotFound("end_customer_not_found")
    if row.state != "active" or row.org_id is None:
        raise Conflict("end_customer_over")
    if row.org_id == line.seller_org_id:
        raise Conflict("end_customer_is_seller")
    if line.seller_org_id not in partners:
        raise Conflict("end_customer_needs_partner", seller=line.seller_name)
    if line.kind != KIND:
        raise Conflict("end_customer_kind_unfit")
    named = LineEndCustomer(end_customer_id=row.id, org_id=row.org_id, name=row.name)
    return line.model_copy(update={"end_customer": named})
