"""What a payer was asked to pay for others, and what each month came to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import Subquery, func, select

from billing.payments.models import Payment
from billing.refunds.models import Refund
from kernel import clock
from kernel.db.platform_scope import as_platform
from kernel.db.uow import UnitOfWork
from kernel.errors import NotFound
from kernel.paging import Page, cut, newest_first
from kernel.states import state_in
from marketplace.parties.lookups import get_party
from marketplace.payers.agree import PERMISSION
from marketplace.payers.models import PayerAgreement
from marketplace.payers.queries import active_payer
from orders.checkout.models import Purchase
from orders.checkout.payer_charges import USING, PayerMonth, payer_month
from orders.checkout.payer_models import PayerCharge, PayerMethod
from orders.customer_list import GIVEN_BACK
from orders.order.models import Order, OrderLine
from orders.payers.documents import PayerDocumentRow, documents_of


@dataclass(frozen=True, slots=True)
class PayerOrderRow:
    """An order that the payer pays, as far as it is the payer's to know."""

    order_id: UUID
    number: str
    seller_name: str
    state: str
    gross_minor: int
    titles: tuple[tuple[str, str], ...]
    """Of its lines, in Chinese and in English."""


@dataclass(frozen=True, slots=True)
class PayerChargeRow:
    """A purchase that the acting organization pays, or was asked to. `payment_state`: of the newest payment, if any."""

    id: UUID
    agreement_id: UUID
    org_id: UUID
    org_name: str
    purchase_id: UUID
    state: str
    purchase_state: str
    payment_state: str | None
    currency: str
    amount_minor: int
    refunded_minor: int
    month: date
    decline_reason: str | None
    created_at: datetime
    decided_at: datetime | None
    orders: tuple[PayerOrderRow, ...]
    documents: tuple[PayerDocumentRow, ...]
    """Invoices and credit notes of what was approved."""


@dataclass(frozen=True, slots=True)
class PayerMonthRow:
    """A month of an organization that is paid for: what was ordered, given back, and what is left. Minor units, with tax."""

    month: date
    org_id: UUID
    org_name: str
    agreement_id: UUID
    currency: str
    purchases: int
    ordered_minor: int
    refunded_minor: int
    limit_minor: int | None

    @property
    def used_minor(self) -> int:
        """What of the limit is used."""
        return self.ordered_minor - self.refunded_minor

    @property
    def left_minor(self) -> int | None:
        """What is left; None where there is no limit."""
        return None if self.limit_minor is None else max(0, self.limit_minor - self.used_minor)


@dataclass(frozen=True, slots=True)
class OwnPayer:
    """Who pays for the acting organization, and what is left of the month."""

    agreement_id: UUID
    payer_name: str
    invoice_to: str
    currency: str
    order_limit_minor: int | None
    month: PayerMonth


def list_charges(
    uow: UnitOfWork, *, cursor: str | None = None, limit: int = 20, state: str | None = None
) -> Page[PayerChargeRow]:
    """What the acting organization was asked to pay for others, the newest first.

    Raises: Forbidden `permission_missing` without billing.manage.
    """
    uow.principal.require(PERMISSION)
    found = select(PayerCharge).where(PayerCharge.payer_org_id == uow.principal.organization())
    if state is not None:
        found = found.where(PayerCharge.state == state)
    rows = uow.session.scalars(newest_first(found, PayerCharge.created_at, PayerCharge.id, cursor, limit)).all()
    page = cut(rows, limit, lambda row: (row.created_at, row.id))
    return Page(_rows(uow, page.items), page.next_cursor)


def get_charge(uow: UnitOfWork, charge_id: UUID) -> PayerChargeRow:
    """One that the acting organization pays. Raises: as `list_charges`; NotFound `payer_charge_not_found`."""
    uow.principal.require(PERMISSION)
    row = uow.session.get(PayerCharge, charge_id)
    if row is None or row.payer_org_id != uow.principal.organization():
        raise NotFound("payer_charge_not_found")
    return _rows(uow, [row])[0]


def list_months(uow: UnitOfWork) -> list[PayerMonthRow]:
    """By month of the acting organization's calendar and organization that it pays for, the newest first: what stands of what was
    ordered, and the present limit for the month that runs.

    Raises: as `list_charges`.
    """
    uow.principal.require(PERMISSION)
    own_id = uow.principal.organization()
    back = _refunds()
    with as_platform(uow):
        present = clock.today(get_party(uow, own_id).time_zone).replace(day=1)
        rows = uow.session.execute(
            select(
                PayerCharge.month,
                PayerAgreement,
                func.count(PayerCharge.id),
                func.sum(PayerCharge.amount_minor),
                func.coalesce(func.sum(back.c.amount_minor), 0),
            )
            .join(PayerAgreement, PayerAgreement.id == PayerCharge.agreement_id)
            .join(back, back.c.purchase_id == PayerCharge.purchase_id, isouter=True)
            .where(PayerCharge.payer_org_id == own_id, state_in(PayerCharge.state, *USING))
            .group_by(PayerCharge.month, PayerAgreement.id)
            .order_by(PayerCharge.month.desc(), PayerAgreement.org_name, PayerAgreement.id)
        ).all()
        return [
            PayerMonthRow(
                month,
                one.org_id,
                one.org_name,
                one.id,
                one.currency.strip(),
                number,
                int(ordered),
                int(refunded),
                one.monthly_limit_minor if month == present and one.state == "active" else None,
            )
            for month, one, number, ordered, refunded in rows
        ]


def find_own_payer(uow: UnitOfWork) -> OwnPayer | None:
    """Who would pay a purchase of the acting organization, and what is left of the month."""
    payer = active_payer(uow, uow.principal.organization())
    if payer is None:
        return None
    with as_platform(uow):
        agreement = uow.session.get_one(PayerAgreement, payer.agreement_id)
        month = payer_month(uow, agreement, payer.time_zone)
    return OwnPayer(
        payer.agreement_id, payer.payer_name, payer.invoice_to, payer.currency, payer.order_limit_minor, month
    )


def standing_methods(uow: UnitOfWork) -> dict[UUID, tuple[str, str]]:
    """Gateway and token of the acting payer's standing methods, by agreement. Raises: as `list_charges`."""
    uow.principal.require(PERMISSION)
    rows = uow.session.scalars(select(PayerMethod).where(PayerMethod.payer_org_id == uow.principal.organization()))
    return {row.agreement_id: (row.gateway, row.method_token) for row in rows}


def _refunds() -> Subquery:
    """What was given back of each purchase that a payer pays."""
    return (
        select(Order.purchase_id, func.sum(Refund.amount_minor).label("amount_minor"))
        .join(Refund, (Refund.buyer_org_id == Order.buyer_org_id) & (Refund.reference == Order.id))
        .join(PayerCharge, PayerCharge.purchase_id == Order.purchase_id)
        .where(state_in(PayerCharge.state, *USING), state_in(Refund.state, *GIVEN_BACK))
        .group_by(Order.purchase_id)
        .subquery()
    )


def _rows(uow: UnitOfWork, charges: Sequence[PayerCharge]) -> list[PayerChargeRow]:
    """The orders are their buyers'; of those that it pays a payer reads these facts."""
    ids = [one.purchase_id for one in charges]
    if not ids:
        return []
    with as_platform(uow):
        names = {
            row.id: row.org_name
            for row in uow.session.scalars(
                select(PayerAgreement).where(PayerAgreement.id.in_({one.agreement_id for one in charges}))
            )
        }
        states = {
            row.id: row.state
            for row in uow.session.execute(select(Purchase.id, Purchase.state).where(Purchase.id.in_(ids)))
        }
        payments = (
            select(Payment.reference, Payment.state)
            .where(Payment.reference.in_(ids))
            .order_by(Payment.created_at, Payment.id)
        )
        paid = {row.reference: row.state for row in uow.session.execute(payments)}
        back = _refunds()
        given = uow.session.execute(select(back).where(back.c.purchase_id.in_(ids)))
        refunded = {row.purchase_id: int(row.amount_minor) for row in given}
        orders = _orders(uow, ids)
        documents = documents_of(uow, [one.purchase_id for one in charges if one.state == "approved"])
    return [
        PayerChargeRow(
            id=one.id,
            agreement_id=one.agreement_id,
            org_id=one.org_id,
            org_name=names[one.agreement_id],
            purchase_id=one.purchase_id,
            state=one.state,
            purchase_state=states[one.purchase_id],
            payment_state=paid.get(one.purchase_id),
            currency=one.currency.strip(),
            amount_minor=one.amount_minor,
            refunded_minor=refunded.get(one.purchase_id, 0),
            month=one.month,
            decline_reason=one.decline_reason,
            created_at=one.created_at,
            decided_at=one.decided_at,
            orders=tuple(orders.get(one.purchase_id, ())),
            documents=tuple(documents.get(one.purchase_id, ())) if one.state == "approved" else (),
        )
        for one in charges
    ]


def _orders(uow: UnitOfWork, purchase_ids: Sequence[UUID]) -> dict[UUID, list[PayerOrderRow]]:
    titles: dict[UUID, list[tuple[str, str]]] = {}
    orders = uow.session.scalars(select(Order).where(Order.purchase_id.in_(purchase_ids)).order_by(Order.id)).all()
    lines = select(OrderLine).where(OrderLine.order_id.in_([one.id for one in orders])).order_by(OrderLine.id)
    for line in uow.session.scalars(lines):
        titles.setdefault(line.order_id, []).append((line.plan["title"], line.plan["title_en"]))
    found: dict[UUID, list[PayerOrderRow]] = {}
    for order in orders:
        found.setdefault(order.purchase_id, []).append(
            PayerOrderRow(
                order.id,
                order.number,
                order.seller_name,
                order.state,
                order.gross_minor,
                tuple(titles.get(order.id, ())),
            )
        )
    return found
