"""Reads of the agreement, as frozen rows, for pages and JSON alike. Each starts from what the principal may see."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Select, bindparam, or_, select
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.orm import aliased

from kernel import clock
from kernel.db.statements import Read
from kernel.db.uow import UnitOfWork
from kernel.errors import NotFound
from kernel.paging import Page, cut, newest_first
from kernel.states import StateHistory
from marketplace.access.models import Person
from marketplace.departments.models import Department
from marketplace.departments.queries import department_row, with_parts
from marketplace.parties.models import Organization
from orders.approval_rules.models import PurchaseRule
from orders.approval_rules.steps import steps_from
from orders.checkout.approval_reasons import reasons_of
from orders.checkout.models import Approval, Purchase
from orders.checkout.quote_models import Quote
from orders.checkout.views import ApprovalStepView, PurchaseView, steps_shown
from orders.order.models import Attribution, Order, OrderLine, Subscription, SubscriptionTerm
from orders.order.views import LineView, OrderView, line_view, order_view


@dataclass(frozen=True, slots=True)
class StateChange:
    """One transition, for the vertical line of the order page."""

    machine: str
    from_state: str | None
    to_state: str
    reason: str | None
    at: datetime


@dataclass(frozen=True, slots=True)
class TermView:
    """The present term of a subscription."""

    subscription_id: UUID
    order_line_id: UUID
    state: str
    number: int
    starts_at: datetime
    ends_at: datetime


def list_orders(
    uow: UnitOfWork, *, cursor: str | None = None, limit: int = 20, state: str | None = None, text: str | None = None
) -> Page[OrderView]:
    """The acting organization's orders as buyer, newest first; `text` as in `_with_text`."""
    statement = select(Order).where(Order.buyer_org_id == uow.principal.organization())
    return _page(uow, _with_text(statement, text), cursor, limit, state)


def list_seller_orders(
    uow: UnitOfWork,
    *,
    cursor: str | None = None,
    limit: int = 20,
    state: str | None = None,
    text: str | None = None,
    buyer_id: UUID | None = None,
) -> Page[OrderView]:
    """The acting organization's orders as seller, newest first; those that never were paid for stay the buyer's own."""
    statement = select(Order).where(Order.seller_org_id == uow.principal.organization(), Order.paid_at.is_not(None))
    if buyer_id is not None:
        statement = statement.where(Order.buyer_org_id == buyer_id)
    return _page(uow, _with_text(statement, text), cursor, limit, state)


def get_order(uow: UnitOfWork, order_id: UUID) -> OrderView:
    """An order of the acting buyer. Raises NotFound."""
    return _one(uow, select(Order).where(Order.id == order_id, Order.buyer_org_id == uow.principal.organization()))


def get_seller_order(uow: UnitOfWork, order_id: UUID) -> OrderView:
    """A paid order of the acting seller. Raises NotFound."""
    return _one(
        uow,
        select(Order).where(
            Order.id == order_id, Order.seller_org_id == uow.principal.organization(), Order.paid_at.is_not(None)
        ),
    )


def steps_of(uow: UnitOfWork, subject_ids: list[UUID], *, since: datetime) -> list[StateChange]:
    """The history of aggregates the caller has already been allowed to see, oldest first; `since` the eldest was made."""
    rows = uow.session.scalars(
        select(StateHistory)
        .where(
            StateHistory.subject_id.in_(subject_ids),
            # Partitions of earlier and of coming months are not even opened.
            StateHistory.at.between(since - timedelta(minutes=1), clock.now() + timedelta(minutes=1)),
        )
        .order_by(StateHistory.at, StateHistory.id)
    )
    return [StateChange(row.machine, row.from_state, row.to_state, row.reason, row.at) for row in rows]


def get_quote(uow: UnitOfWork, quote_id: UUID) -> Quote:
    """A quote that the acting organization was given. Raises NotFound."""
    found = uow.session.get(Quote, quote_id)
    if found is None or found.buyer_org_id != uow.principal.organization():
        raise NotFound("not_found")
    return found


def get_purchase(uow: UnitOfWork, purchase_id: UUID) -> PurchaseView:
    """A purchase of the acting buyer. Raises NotFound."""
    found = _purchases(uow, _own_purchases(uow).where(Purchase.id == purchase_id))
    if not found:
        raise NotFound("not_found")
    return found[0]


def get_purchase_of_quote(uow: UnitOfWork, quote_id: UUID) -> PurchaseView:
    """The purchase that a quote was accepted by. Raises NotFound."""
    found = _purchases(uow, _own_purchases(uow).where(Purchase.quote_id == quote_id))
    if not found:
        raise NotFound("not_found")
    return found[0]


def list_purchases(
    uow: UnitOfWork,
    *,
    cursor: str | None = None,
    limit: int = 20,
    state: str | None = None,
    department_id: UUID | None = None,
) -> Page[PurchaseView]:
    """The acting organization's purchases, newest first; of a department with all that is part of it."""
    statement = _own_purchases(uow)
    if department_id is not None:
        statement = statement.where(Purchase.department_id.in_(with_parts(uow, department_id)))
    if state:
        statement = statement.where(Purchase.state == state)
    views = _purchases(uow, newest_first(statement, Purchase.created_at, Purchase.id, cursor, limit))
    return cut(views, limit, lambda view: (view.created_at, view.id))


@dataclass(frozen=True, slots=True)
class RuleView:
    """A purchase rule; `seller_name` of one that counts one seller."""

    currency: str
    seller_org_id: UUID | None
    seller_name: str | None
    category: str | None
    max_order_minor: int | None
    max_month_minor: int | None
    self_approval: bool


def list_rules(uow: UnitOfWork) -> list[RuleView]:
    """The acting organization's purchase rules: of each currency that of everything first."""
    rows = uow.session.execute(
        select(PurchaseRule, Organization.display_name)
        .join(Organization, Organization.id == PurchaseRule.seller_org_id, isouter=True)
        .where(PurchaseRule.org_id == uow.principal.organization())
        .order_by(
            PurchaseRule.currency,
            PurchaseRule.seller_org_id.is_not(None),
            PurchaseRule.category.nulls_first(),
            Organization.display_name,
        )
    )
    return [
        RuleView(
            rule.currency.strip(),
            rule.seller_org_id,
            seller_name,
            rule.category,
            rule.max_order_minor,
            rule.max_month_minor,
            rule.self_approval,
        )
        for rule, seller_name in rows
    ]


def terms_of(uow: UnitOfWork, line_ids: list[UUID]) -> list[TermView]:
    """The latest terms of the subscriptions that these lines began."""
    rows = uow.session.execute(
        select(Subscription, SubscriptionTerm)
        .join(SubscriptionTerm, SubscriptionTerm.subscription_id == Subscription.id)
        .where(Subscription.order_line_id.in_(line_ids))
        .order_by(Subscription.id, SubscriptionTerm.number.desc())
        .ext(distinct_on(Subscription.id))
    )
    return [TermView(s.id, s.order_line_id, s.state, t.number, t.starts_at, t.ends_at) for s, t in rows]


def _with_text(statement: Select[Any], text: str | None) -> Select[Any]:
    """Only orders whose number, parties, PO number or listing hold every word of `text`."""
    for word in (text or "").split()[:8]:
        titled = select(OrderLine.order_id).where(
            or_(*(OrderLine.plan[name].astext.icontains(word, autoescape=True) for name in ("title", "title_en")))
        )
        columns = (Order.number, Order.buyer_name, Order.seller_name, Order.po_number)
        named = [column.icontains(word, autoescape=True) for column in columns]
        statement = statement.where(or_(*named, Order.id.in_(titled)))
    return statement


def _page(
    uow: UnitOfWork, statement: Select[Any], cursor: str | None, limit: int, state: str | None
) -> Page[OrderView]:
    if state:
        statement = statement.where(Order.state == state)
    views = _views(uow, newest_first(statement, Order.created_at, Order.id, cursor, limit))
    return cut(views, limit, lambda view: (view.created_at, view.id))


def _one(uow: UnitOfWork, statement: Select[Any]) -> OrderView:
    found = _views(uow, statement)
    if not found:
        raise NotFound("not_found")
    return found[0]


def _views(uow: UnitOfWork, statement: Select[Any]) -> list[OrderView]:
    orders = uow.session.scalars(statement).all()
    lines = _lines(uow, [order.id for order in orders])
    return [order_view(order, lines.get(order.id, [])) for order in orders]


_STATES = Read(
    select(Purchase, Order).join(Order, Order.purchase_id == Purchase.id).where(Purchase.id == bindparam("purchase_id"))
)


def refreshed(uow: UnitOfWork, view: PurchaseView) -> PurchaseView:
    """The same purchase as this transaction leaves it: its own and its orders' states and times."""
    purchase = uow.held(Purchase, view.id)
    orders = {order.id: held for order in view.orders if (held := uow.held(Order, order.id))}
    if purchase is None or len(orders) != len(view.orders):
        rows = uow.fetch(_STATES, purchase_id=view.id)
        purchase, orders = rows[0].Purchase, {row.Order.id: row.Order for row in rows}
    return replace(
        view,
        state=purchase.state,
        deadline_at=purchase.deadline_at,
        orders=tuple(order_view(orders[order.id], order.lines) for order in view.orders),
    )


def _lines(uow: UnitOfWork, order_ids: list[UUID]) -> dict[UUID, list[LineView]]:
    rows: Sequence[Any] = uow.session.execute(
        select(OrderLine, Attribution)
        .join(Attribution, Attribution.order_line_id == OrderLine.id, isouter=True)
        .where(OrderLine.order_id.in_(order_ids))
        .order_by(OrderLine.id)
    ).all()
    found: dict[UUID, list[LineView]] = {}
    for line, credit in rows:
        found.setdefault(line.order_id, []).append(line_view(line, credit))
    return found


_requester = aliased(Person)


_decider = aliased(Person)


_represented = aliased(Person)


def _steps(uow: UnitOfWork, purchases: Sequence[Purchase]) -> dict[UUID, tuple[ApprovalStepView, ...]]:
    """How each of them is decided and what was decided; not asked of the database where none waited."""
    found = {one.id: list(steps_shown(steps_from(one.approval_steps))) for one in purchases if one.approval_steps}
    if not found:
        return {}
    statement = (
        select(Approval, _decider.name, _represented.name)
        .join(_decider, _decider.id == Approval.decided_by)
        .join(_represented, _represented.id == Approval.decided_for, isouter=True)
        .where(Approval.purchase_id.in_(found))
    )
    for row, name, for_name in uow.session.execute(statement):
        steps = found[row.purchase_id]
        steps[row.step - 1] = replace(
            steps[row.step - 1],
            decision=row.decision,
            decided_by=row.decided_by,
            decided_by_name=name,
            decided_for=row.decided_for,
            decided_for_name=for_name,
            reason=row.reason,
            decided_at=row.at,
        )
    return {purchase_id: tuple(steps) for purchase_id, steps in found.items()}


def _decision(steps: Sequence[ApprovalStepView]) -> ApprovalStepView | None:
    """The step that decided the whole: one that rejected, or the last."""
    return next((one for one in steps if one.decision == "rejected" or (one is steps[-1] and one.decision)), None)


def _own_purchases(uow: UnitOfWork) -> Select[Any]:
    statement: Select[Any] = (
        select(Purchase, Quote.context, _requester.name, Department)  # type: ignore[assignment]  # the rows' type is the callers' Any
        .join(Quote, Quote.id == Purchase.quote_id)
        .join(_requester, _requester.id == Purchase.requested_by, isouter=True)
        .join(
            Department,
            (Department.org_id == Purchase.buyer_org_id) & (Department.id == Purchase.department_id),
            isouter=True,
        )
        .where(Purchase.buyer_org_id == uow.principal.organization())
    )
    return statement


def _purchases(uow: UnitOfWork, statement: Select[Any]) -> list[PurchaseView]:
    rows = uow.session.execute(statement).all()
    ids = [row[0].id for row in rows]
    steps = _steps(uow, [row[0] for row in rows])
    final = {purchase_id: _decision(some) for purchase_id, some in steps.items()}
    orders: dict[UUID, list[OrderView]] = {}
    for view in _views(uow, select(Order).where(Order.purchase_id.in_(ids)).order_by(Order.id)):
        orders.setdefault(view.purchase_id, []).append(view)
    return [
        PurchaseView(
            id=purchase.id,
            state=purchase.state,
            currency=purchase.currency,
            net_minor=purchase.net_minor,
            tax_minor=purchase.tax_minor,
            gross_minor=purchase.gross_minor,
            po_number=purchase.po_number,
            department=department_row(department) if department else None,
            billing_profile=purchase.billing_profile,
            gateway=purchase.gateway,
            requested_by=purchase.requested_by,
            requested_by_name=requester,
            approval_reasons=reasons_of(purchase.approval_reasons),
            approval_steps=steps.get(purchase.id, ()),
            decided_by_name=decided.decided_by_name if (decided := final.get(purchase.id)) else None,
            decision=decided.decision if decided else None,
            decision_reason=decided.reason if decided else None,
            decided_at=decided.decided_at if decided else None,
            deadline_at=purchase.deadline_at,
            created_at=purchase.created_at,
            context=context,
            orders=tuple(orders.get(purchase.id, [])),
        )
        for purchase, context, requester, department in rows
    ]
