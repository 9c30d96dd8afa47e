"""Why a purchase needs a second pair of eyes."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

from sqlalchemy import BigInteger, DateTime, Uuid, bindparam, cast, func, or_, select

from kernel.db.locks import lock_aggregate
from kernel.db.statements import Read
from kernel.db.uow import UnitOfWork
from orders.approval_rules.find_rule import find_rule, month_began
from orders.checkout.models import Purchase

BUY = "orders.buy"
COMMITTED = ("pending_payment", "paid")
"""States of a purchase whose amount its month has used: what waits for an approver, or came to nothing, uses none of it.

A refund gives nothing back: the month's limit is one on what is bought.
"""


@dataclass(frozen=True, slots=True)
class ApprovalReason:
    """One reason; amounts are gross, in minor units of the purchase's currency."""

    code: Literal["may_not_buy", "order_limit", "month_limit"]
    limit_minor: int | None = None
    spent_minor: int | None = None
    """What the month had used before this purchase."""

    def stored(self) -> dict[str, Any]:
        """As the purchase keeps it."""
        return asdict(self)


def reasons_of(stored: list[Any]) -> tuple[ApprovalReason, ...]:
    """What a purchase keeps of them."""
    return tuple(ApprovalReason(**one) for one in stored)


_SPENT = Read(
    select(cast(func.coalesce(func.sum(Purchase.gross_minor), 0), BigInteger)).where(
        Purchase.buyer_org_id == bindparam("org_id", type_=Uuid),
        Purchase.currency == bindparam("currency"),
        Purchase.created_at >= bindparam("since", type_=DateTime(timezone=True)),
        or_(*(Purchase.state == state for state in COMMITTED)),
    )
)


def approval_reasons(uow: UnitOfWork, currency: str, gross_minor: int, *, binding: bool) -> tuple[ApprovalReason, ...]:
    """Why the acting member may not buy this alone; empty when they may. Without a rule for the currency there is no limit.

    Locks: where the organization has a limit for the month, its rule until the transaction ends, when `binding`: of two
    purchases at once the second is measured with the first in it.
    """
    may_buy, found = uow.principal.may(BUY), find_rule(uow, currency)
    if found is None:
        return measure(gross_minor, may_buy=may_buy)
    rule, spent_minor = found.rule, 0
    if rule.max_month_minor is not None:
        if binding:
            lock_aggregate(uow, rule.id)
        since = month_began(found.time_zone)
        spent_minor = uow.find(_SPENT, org_id=uow.principal.organization(), currency=currency, since=since)
    return measure(
        gross_minor,
        may_buy=may_buy,
        max_order_minor=rule.max_order_minor,
        max_month_minor=rule.max_month_minor,
        spent_minor=spent_minor,
    )


def measure(
    gross_minor: int,
    *,
    may_buy: bool,
    max_order_minor: int | None = None,
    max_month_minor: int | None = None,
    spent_minor: int = 0,
) -> tuple[ApprovalReason, ...]:
    """Why a purchase of this amount needs an approver. A limit itself may be reached. Pure."""
    reasons: list[ApprovalReason] = []
    if not may_buy:
        reasons.append(ApprovalReason("may_not_buy"))
    if max_order_minor is not None and gross_minor > max_order_minor:
        reasons.append(ApprovalReason("order_limit", max_order_minor))
    if max_month_minor is not None and spent_minor + gross_minor > max_month_minor:
        reasons.append(ApprovalReason("month_limit", max_month_minor, spent_minor))
    return tuple(reasons)


def spent_this_month(uow: UnitOfWork, time_zone: str) -> dict[str, int]:
    """What the acting organization's present month has used, by currency, in minor units."""
    rows = uow.session.execute(
        select(Purchase.currency, cast(func.sum(Purchase.gross_minor), BigInteger))
        .where(
            Purchase.buyer_org_id == uow.principal.organization(),
            Purchase.created_at >= month_began(time_zone),
            Purchase.state.in_(COMMITTED),
        )
        .group_by(Purchase.currency)
    )
    return {currency.strip(): minor for currency, minor in rows}
