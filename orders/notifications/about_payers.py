"""What each side is told of who pays for whom: who proposed it, what was answered, other limits, that it ended."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from uuid import UUID

from sqlalchemy import select

from kernel.db.uow import UnitOfWork
from kernel.states import state_in
from marketplace.notifications.notify import NewNotification
from marketplace.payers.agree import PERMISSION
from marketplace.payers.events import PayerAccepted, PayerEnded, PayerLimitsChanged, PayerProposed
from marketplace.payers.models import PayerAgreement
from orders.checkout.approval_reasons import BUY
from orders.checkout.payer_models import PayerCharge
from orders.notifications.notifiers import RecordedEvent, notifies_of
from orders.order.events import PayerChargeAsked, PayerChargeDeclined, PayerChargeRefused
from orders.order.models import Order

ADDRESS, CHARGES = "/payers", "/payers/charges"


@notifies_of(PayerProposed)
def payer_proposed(uow: UnitOfWork, events: Sequence[RecordedEvent]) -> Iterable[NewNotification]:
    """The side that has to answer."""
    return _to_other_side(uow, events, "payer_offered", "payer_asked")


@notifies_of(PayerAccepted)
def payer_accepted(uow: UnitOfWork, events: Sequence[RecordedEvent]) -> Iterable[NewNotification]:
    """The side that proposed it."""
    return _to_other_side(uow, events, "payer_accepted", "payer_accepted_by_orderer")


@notifies_of(PayerLimitsChanged)
def payer_limits_changed(uow: UnitOfWork, events: Sequence[RecordedEvent]) -> Iterable[NewNotification]:
    """Whoever orders."""
    return _to_other_side(uow, events, "payer_limits_changed", "payer_limits_changed")


@notifies_of(PayerEnded)
def payer_ended(uow: UnitOfWork, events: Sequence[RecordedEvent]) -> Iterable[NewNotification]:
    """The side that did not end it; of one that never held, that it will not."""
    ran = [one for one in events if one.payload["was_active"]]
    yield from _to_other_side(uow, ran, "payer_ended", "payer_ended_by_orderer")
    refused = [one for one in events if not one.payload["was_active"]]
    yield from _to_other_side(uow, refused, "payer_refused", "payer_refused")


@notifies_of(PayerChargeAsked)
def charge_asked(uow: UnitOfWork, events: Sequence[RecordedEvent]) -> Iterable[NewNotification]:
    """Whoever looks after the payer's bills."""
    names = _names(uow, events)
    for event in events:
        who = names[event.uuid("charge_id")].org_name
        yield NewNotification(
            event.id,
            event.at,
            "payer_charge_asked",
            CHARGES,
            {"who": who},
            org_id=event.uuid("payer_org_id"),
            permission=PERMISSION,
        )


@notifies_of(PayerChargeDeclined)
def charge_declined(uow: UnitOfWork, events: Sequence[RecordedEvent]) -> Iterable[NewNotification]:
    """Whoever may buy for the organization that ordered."""
    names, orders = _names(uow, events), _first_orders(uow, events)
    for event in events:
        yield NewNotification(
            event.id,
            event.at,
            "payer_charge_declined",
            orders[event.uuid("purchase_id")],
            {"who": names[event.uuid("charge_id")].payer_name},
            org_id=event.uuid("buyer_org_id"),
            permission=BUY,
        )


@notifies_of(PayerChargeRefused)
def charge_refused(uow: UnitOfWork, events: Sequence[RecordedEvent]) -> Iterable[NewNotification]:
    """Whoever may buy for the organization that goes on costing it."""
    orders = _first_orders(uow, events)
    for event in events:
        yield NewNotification(
            event.id,
            event.at,
            "payer_charge_refused",
            orders[event.uuid("purchase_id")],
            {},
            org_id=event.uuid("buyer_org_id"),
            permission=BUY,
        )


def method_failed(uow: UnitOfWork, events: Sequence[RecordedEvent]) -> Iterable[NewNotification]:
    """Of payments that failed: whoever looks after the bills of a payer that had approved it and is to choose another method."""
    asked = (
        select(PayerCharge, PayerAgreement.org_name)
        .join(PayerAgreement, PayerAgreement.id == PayerCharge.agreement_id)
        .where(
            PayerCharge.purchase_id.in_([one.uuid("reference") for one in events]),
            state_in(PayerCharge.state, "approved"),
        )
    )
    found = {charge.purchase_id: (charge, name) for charge, name in uow.session.execute(asked)}
    for event in events:
        if event.uuid("reference") in found:
            charge, name = found[event.uuid("reference")]
            yield NewNotification(
                event.id,
                event.at,
                "payer_method_failed",
                CHARGES,
                {"who": name},
                org_id=charge.payer_org_id,
                permission=PERMISSION,
            )


def _names(uow: UnitOfWork, events: Sequence[RecordedEvent]) -> dict[UUID, PayerAgreement]:
    wanted = (
        select(PayerCharge.id, PayerAgreement)
        .join(PayerAgreement, PayerAgreement.id == PayerCharge.agreement_id)
        .where(PayerCharge.id.in_([one.uuid("charge_id") for one in events]))
    )
    return {row[0]: row[1] for row in uow.session.execute(wanted)}


def _first_orders(uow: UnitOfWork, events: Sequence[RecordedEvent]) -> dict[UUID, str]:
    """The address of an order of each purchase."""
    wanted = select(Order.purchase_id, Order.id).where(
        Order.purchase_id.in_([one.uuid("purchase_id") for one in events])
    )
    return {purchase_id: f"/orders/{order_id}" for purchase_id, order_id in uow.session.execute(wanted)}


def _to_other_side(
    uow: UnitOfWork, events: Sequence[RecordedEvent], by_payer: str, by_orderer: str
) -> Iterable[NewNotification]:
    ids = [one.uuid("agreement_id") for one in events]
    found = {row.id: row for row in uow.session.scalars(select(PayerAgreement).where(PayerAgreement.id.in_(ids)))}
    for event in events:
        row, did = found[event.uuid("agreement_id")], bool(event.payload["by_payer"])
        yield NewNotification(
            event.id,
            event.at,
            by_payer if did else by_orderer,
            ADDRESS,
            {"who": row.payer_name if did else row.org_name},
            org_id=row.org_id if did else row.payer_org_id,
            permission=PERMISSION,
        )
