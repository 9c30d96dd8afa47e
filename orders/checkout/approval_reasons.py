"""Why a purchase needs a second pair of eyes, and whose."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Any, Literal, NamedTuple
from uuid import UUID

from sqlalchemy import BigInteger, DateTime, Uuid, bindparam, cast, func, or_, select

from kernel.db.locks import lock_aggregate
from kernel.db.statements import Read
from kernel.db.uow import UnitOfWork
from kernel.errors import Forbidden
from orders.approval_rules.find_rule import find_rules, month_began
from orders.approval_rules.models import PurchasePolicy, PurchaseRule
from orders.approval_rules.steps import ApprovalStep, steps_for, steps_from
from orders.checkout.models import Purchase
from orders.checkout.priced_line import PricedLine
from orders.order.models import Order, OrderLine

BUY = "orders.buy"
APPROVAL_WAITS = timedelta(days=7)
"""How long a purchase waits for each of the steps in which it is decided."""
COMMITTED = ("pending_payment", "paid")
"""States of a purchase whose amount its month has used: what waits for an approver, or came to nothing, uses none of it.

A refund gives nothing back: the month's limit is one on what is bought.
"""


@dataclass(frozen=True, slots=True)
class ApprovalReason:
    """One reason; amounts are gross, in minor units of the purchase's currency."""

    code: Literal[
        "may_not_buy",
        "order_limit",
        "month_limit",
        "seller_order_limit",
        "seller_month_limit",
        "category_order_limit",
        "category_month_limit",
        "not_on_allow_list",
    ]
    limit_minor: int | None = None
    spent_minor: int | None = None
    """What the month had used before this purchase."""
    subject: str | None = None
    """The seller's name, the category or the listing's title that it is about."""
    subject_en: str | None = None

    def stored(self) -> dict[str, Any]:
        """As the purchase keeps it."""
        return asdict(self)


def reasons_of(stored: list[Any]) -> tuple[ApprovalReason, ...]:
    """What a purchase keeps of them."""
    return tuple(ApprovalReason(**one) for one in stored)


class Needed(NamedTuple):
    """Why a purchase waits, and the steps in which it is decided; both empty when it does not wait."""

    reasons: tuple[ApprovalReason, ...] = ()
    steps: tuple[ApprovalStep, ...] = ()


def _committed(org_id: Any, currency: Any, since: Any) -> tuple[Any, ...]:
    return (
        Purchase.buyer_org_id == org_id,
        Purchase.currency == currency,
        Purchase.created_at >= since,
        or_(*(Purchase.state == state for state in COMMITTED)),
    )


_MONTH = _committed(
    bindparam("org_id", type_=Uuid), bindparam("currency"), bindparam("since", type_=DateTime(timezone=True))
)


def _sum(column: Any) -> Any:
    return cast(func.coalesce(func.sum(column), 0), BigInteger)


_SPENT = Read(select(_sum(Purchase.gross_minor)).where(*_MONTH))
_SPENT_AT_SELLER = Read(
    select(_sum(Order.gross_minor))
    .join(Purchase, Purchase.id == Order.purchase_id)
    .where(*_MONTH, Order.seller_org_id == bindparam("seller_org_id", type_=Uuid))
)
_SPENT_IN_CATEGORY = Read(
    select(_sum(OrderLine.gross_minor))
    .join(Order, Order.id == OrderLine.order_id)
    .join(Purchase, Purchase.id == Order.purchase_id)
    .where(*_MONTH, OrderLine.plan["category"].astext == bindparam("category"))
)


def needed_approval(uow: UnitOfWork, lines: Sequence[PricedLine], *, binding: bool) -> Needed:
    """Why the acting member may not buy this alone, and who decides. Without a rule for the currency there is no limit.

    Raises: Forbidden `not_on_allow_list`, where only what is on the list may be bought at all.

    Locks: the rules with a limit for the month that it falls under, until the transaction ends, when `binding`: of two
    purchases at once the second is measured with the first in it.
    """
    currency, gross_minor = lines[0].currency, sum(line.lifetime_minor for line in lines)
    found = find_rules(uow, currency)
    reasons = list(measure(gross_minor, may_buy=uow.principal.may(BUY)))
    general = [(found.general, tuple(lines))] if found.general is not None else []
    falls_under = [*general, *_falling_under(found.scoped, lines)]
    spent = _spent(uow, [rule for rule, _ in falls_under], found.time_zone, currency, binding=binding)
    for rule, counted in falls_under:
        reasons += _measured(rule, counted, spent.get(rule.id, 0))
    if found.policy is not None:
        reasons += _off_the_list(found.policy, lines)
    if not reasons:
        return Needed()
    steps = steps_from(found.policy.steps) if found.policy is not None else ()
    return Needed(tuple(reasons), steps_for(steps, currency, gross_minor))


def _falling_under(
    rules: Iterable[PurchaseRule], lines: Sequence[PricedLine]
) -> Iterable[tuple[PurchaseRule, tuple[PricedLine, ...]]]:
    """The rules of one seller or category that count some of these lines, with those they count."""
    for rule in rules:
        counted = tuple(
            line
            for line in lines
            if (line.category == rule.category if rule.category else line.seller_org_id == rule.seller_org_id)
        )
        if counted:
            yield rule, counted


def _spent(
    uow: UnitOfWork, rules: Sequence[PurchaseRule], time_zone: str, currency: str, *, binding: bool
) -> dict[UUID, int]:
    """What the present month has used of each rule that limits it."""
    monthly = sorted((one for one in rules if one.max_month_minor is not None), key=lambda one: one.id)
    if not monthly:
        return {}
    if binding:
        # By ascending id, so that two purchases cannot wait for each other.
        for rule in monthly:
            lock_aggregate(uow, rule.id)
    asked = {"org_id": uow.principal.organization(), "currency": currency, "since": month_began(time_zone)}
    spent: dict[UUID, int] = {}
    for rule in monthly:
        if rule.seller_org_id is not None:
            spent[rule.id] = uow.find(_SPENT_AT_SELLER, **asked, seller_org_id=rule.seller_org_id)
        elif rule.category is not None:
            spent[rule.id] = uow.find(_SPENT_IN_CATEGORY, **asked, category=rule.category)
        else:
            spent[rule.id] = uow.find(_SPENT, **asked)
    return spent


def _measured(rule: PurchaseRule, lines: Sequence[PricedLine], spent_minor: int) -> tuple[ApprovalReason, ...]:
    subject = rule.category or (lines[0].seller_name if rule.seller_org_id else None)
    return measure(
        sum(line.lifetime_minor for line in lines),
        scope="category" if rule.category else "seller" if rule.seller_org_id else None,
        subject=subject,
        max_order_minor=rule.max_order_minor,
        max_month_minor=rule.max_month_minor,
        # Of instalments, a month spends the one that falls into it.
        spent_minor=spent_minor - sum(line.lifetime_minor - line.gross_minor for line in lines),
    )


def measure(
    gross_minor: int,
    *,
    may_buy: bool = True,
    scope: Literal["seller", "category"] | None = None,
    subject: str | None = None,
    max_order_minor: int | None = None,
    max_month_minor: int | None = None,
    spent_minor: int = 0,
) -> tuple[ApprovalReason, ...]:
    """Why this amount, of a scope or of everything, needs an approver. A limit itself may be reached. Pure."""
    reasons: list[ApprovalReason] = []
    if not may_buy:
        reasons.append(ApprovalReason("may_not_buy"))
    if max_order_minor is not None and gross_minor > max_order_minor:
        code = _CODES[scope, "order"]
        reasons.append(ApprovalReason(code, max_order_minor, subject=subject))
    if max_month_minor is not None and spent_minor + gross_minor > max_month_minor:
        code = _CODES[scope, "month"]
        reasons.append(ApprovalReason(code, max_month_minor, spent_minor, subject=subject))
    return tuple(reasons)


_CODES: dict[tuple[str | None, str], Any] = {
    (None, "order"): "order_limit",
    (None, "month"): "month_limit",
    ("seller", "order"): "seller_order_limit",
    ("seller", "month"): "seller_month_limit",
    ("category", "order"): "category_order_limit",
    ("category", "month"): "category_month_limit",
}


def _off_the_list(policy: PurchasePolicy, lines: Sequence[PricedLine]) -> list[ApprovalReason]:
    """Of each listing that is not on the list. Raises Forbidden(`not_on_allow_list`) where those cannot be bought."""
    if policy.allow_mode == "off":
        return []
    off = {
        line.listing_id: ApprovalReason("not_on_allow_list", subject=line.title, subject_en=line.title_en)
        for line in lines
        if line.listing_id not in policy.allowed_listings and line.seller_org_id not in policy.allowed_sellers
    }
    if off and policy.allow_mode == "refuse":
        raise Forbidden("not_on_allow_list", title=next(iter(off.values())).subject or "")
    return list(off.values())


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
