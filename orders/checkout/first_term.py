"""A first term that is no whole one, to end with another subscription or a contract: until when, and what that time costs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from fractions import Fraction
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import select

from fulfillment.entitlements.models import Entitlement
from kernel import clock
from kernel.calendar import add_months
from kernel.db.uow import UnitOfWork
from kernel.errors import Conflict, NotFound
from kernel.money import half_up
from marketplace.catalog.plan_price import plan_price
from marketplace.catalog.sellable import get_sellable
from marketplace.pricing.components import PlanPrice
from marketplace.pricing.engine import PriceLine, price_term
from marketplace.pricing.shapes import at_unit_price
from orders.checkout.line_tax import taxed_now
from orders.checkout.priced_line import InvoiceParty, PricedLine
from orders.order.models import OrderLine, Subscription
from orders.order.span import FirstTerm

_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class TermEnd:
    """An end of a term of a subscription, the day of month that its terms end on, and the zone of its calendar."""

    ends_at: datetime
    day: int
    time_zone: str


def end_of_other(uow: UnitOfWork, buyer_org_id: UUID, with_id: UUID, least: datetime) -> TermEnd:
    """The first end of a term of a subscription of the buyer's that is not before `least`.

    Raises: NotFound; Conflict `alignment_unfit`: it is over, unpaid, in trial, or ends before that for good.
    """
    row = uow.session.execute(
        select(Subscription, OrderLine.term_months, Entitlement.time_zone)
        .join(OrderLine, OrderLine.id == Subscription.order_line_id)
        .join(Entitlement, Entitlement.reference == Subscription.order_line_id)
        .where(Subscription.id == with_id, Subscription.buyer_org_id == buyer_org_id)
    ).first()
    if row is None:
        raise NotFound("not_found")
    other: Subscription = row.Subscription
    if other.state != "active" or other.is_trial or other.ends_at <= clock.now():
        raise Conflict("alignment_unfit")
    if other.ends_at < least and not other.auto_renew:
        raise Conflict("alignment_unfit")
    ends_at, left = other.ends_at, other.contract_terms_left
    while ends_at < least:
        if left is not None and (left := left - 1) < 0:
            raise Conflict("alignment_unfit")
        ends_at = add_months(ends_at, row.term_months, time_zone=row.time_zone, anchor_day=other.anchor_day)
    return TermEnd(ends_at, other.anchor_day, row.time_zone)


def until_end_of(
    uow: UnitOfWork, line: PricedLine, with_id: UUID, buyer: InvoiceParty, *, time_zone: str
) -> PricedLine:
    """The line with a first term that is no longer than a whole one, after which later terms end with those of `with_id`.

    What recurs is paid for by the exact fraction of the whole term's time from now on, rounded once; what is paid once is paid
    whole. `time_zone`: of the buyer's calendar.

    Raises: Conflict `first_term_whole`: of a trial, of what is bought once, and of metered usage; as `end_of_other`.
    """
    price = _price(uow, line)
    if line.trial is not None or not line.term_months or price.metered:
        raise Conflict("first_term_whole")
    anchor = end_of_other(uow, uow.principal.organization(), with_id, clock.now() + _MICROSECOND)
    first, _ = first_before(anchor, line.term_months, time_zone, with_id)
    return _shortened(uow, line, price, first, time_zone, buyer)


def until_contract_ends(
    uow: UnitOfWork, line: PricedLine, price: PlanPrice, ends_at: datetime, buyer: InvoiceParty, *, time_zone: str
) -> PricedLine:
    """The line with a first term after which whole ones end with the contract, and as many terms as those are.

    `price`: what decides the line's amounts. Raises: Conflict `first_term_whole`, as `until_end_of`.
    """
    if price.metered:
        raise Conflict("first_term_whole")
    anchor = TermEnd(ends_at, ends_at.astimezone(ZoneInfo(time_zone)).day, time_zone)
    first, terms = first_before(anchor, line.term_months, time_zone)
    shorter = _shortened(uow, line, price, first, time_zone, buyer)
    return shorter.model_copy(update={"contract_terms": terms})


def first_before(
    anchor: TermEnd, term_months: int, time_zone: str, with_id: UUID | None = None
) -> tuple[FirstTerm, int]:
    """The first term from now on, no longer than a whole one, after which whole ones lead to `anchor`; and how many there are."""
    now, terms = clock.now(), 1
    whole_until, ends_at = add_months(now, term_months, time_zone=time_zone), anchor.ends_at
    while ends_at > whole_until:
        months = -terms * term_months
        ends_at = add_months(anchor.ends_at, months, time_zone=anchor.time_zone, anchor_day=anchor.day)
        terms += 1
    return FirstTerm(with_id=with_id, starts_at=now, ends_at=ends_at, anchor_day=anchor.day), terms


def part_of_term(amount_minor: int, first: FirstTerm, whole_until: datetime) -> int:
    """Of a whole term's amount what falls to a first term: the exact fraction of its microseconds, rounded once. Pure."""
    part = Fraction((first.ends_at - first.starts_at) // _MICROSECOND, (whole_until - first.starts_at) // _MICROSECOND)
    exact = amount_minor * part
    return half_up(exact.numerator, exact.denominator)


def _shortened(
    uow: UnitOfWork, line: PricedLine, price: PlanPrice, first: FirstTerm, time_zone: str, buyer: InvoiceParty
) -> PricedLine:
    """The whole term's parts, and what is less of those that recur."""
    whole_until = add_months(first.starts_at, line.term_months, time_zone=time_zone)
    whole = price_term(price, line.quantity)
    recurring_minor = price_term(price, line.quantity, "renewal").amount_minor
    less_minor = part_of_term(recurring_minor, first, whole_until) - recurring_minor
    shown = [*whole.lines, PriceLine(kind="term_shortened", amount_minor=less_minor)]
    changed = {
        "price": price.model_dump(mode="json"),
        "price_lines": shown,
        "list_minor": whole.amount_minor + less_minor,
        "first_term": first,
    }
    return taxed_now(uow, line.model_copy(update=changed), buyer)


def _price(uow: UnitOfWork, line: PricedLine) -> PlanPrice:
    if line.price is not None:
        return PlanPrice.model_validate(line.price)
    listed = plan_price(get_sellable(uow, line.plan_id))
    return listed if line.tier is None else at_unit_price(listed, line.unit_price_minor)
