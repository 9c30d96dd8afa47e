"""What is told of money that was asked for and did not come, or came later; and of seats that were given."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from uuid import UUID

from sqlalchemy import select

from billing.payments.events import PaymentFailed
from fulfillment.entitlements.allocation_events import AllocatedSeatAssigned
from fulfillment.entitlements.events import SeatAssigned
from fulfillment.entitlements.models import Entitlement
from kernel.db.uow import UnitOfWork
from orders.order.events import PaymentRecovered, PaymentRetried
from orders.order.models import Order
from orders.outgoing_events.event_data import HeldSeatData, MoneyData, OwnPaymentTryData, PaymentTryData, SeatData
from orders.outgoing_events.facts import Addressed, RecordedFact, tells_of_event


def tell_payments(uow: UnitOfWork, facts: Sequence[RecordedFact]) -> Iterable[Addressed]:
    """Its payer the whole and why; a seller, of its subscriptions alone, that money was asked for and whether it came."""
    purchases = {fact.id: fact.uuid("reference" if "reference" in fact.payload else "purchase_id") for fact in facts}
    orders: dict[UUID, list[Order]] = defaultdict(list)
    wanted = select(Order).where(Order.purchase_id.in_(list(purchases.values()))).order_by(Order.id)
    for order in uow.session.scalars(wanted):
        orders[order.purchase_id].append(order)
    for fact in facts:
        paid = orders[purchases[fact.id]]
        whole = _asked(paid)
        yield Addressed(
            fact, paid[0].buyer_org_id, OwnPaymentTryData(**dict(whole), error_code=fact.payload.get("code"))
        )
        for seller_id in {order.seller_org_id for order in paid if order.subscription_id is not None}:
            own = [order for order in paid if order.seller_org_id == seller_id and order.subscription_id is not None]
            yield Addressed(fact, seller_id, _asked(own))


def tell_seats(uow: UnitOfWork, facts: Sequence[RecordedFact]) -> Iterable[Addressed]:
    """Seats that were given, allocated ones too: whose one is, is its own organization's to know, not its headquarters'."""
    ids = [fact.uuid("entitlement_id") for fact in facts]
    found = {row.id: row for row in uow.session.scalars(select(Entitlement).where(Entitlement.id.in_(ids)))}
    for fact in facts:
        entitlement = found[fact.uuid("entitlement_id")]
        allocated = "allocation_id" in fact.payload
        data = SeatData(
            seat_id=fact.subject_id,
            entitlement_id=entitlement.id,
            listing_id=entitlement.listing_id,
            buyer_id=entitlement.buyer_org_id,
            organization_id=fact.uuid("member_org_id") if allocated else entitlement.buyer_org_id,
            seller_id=entitlement.seller_org_id,
        )
        yield Addressed(fact, data.organization_id, HeldSeatData(**dict(data), person_id=fact.uuid("person_id")))
        yield Addressed(fact, data.seller_id, data)


def _asked(orders: Sequence[Order]) -> PaymentTryData:
    amount = sum(order.gross_minor for order in orders)
    return PaymentTryData(
        purchase_id=orders[0].purchase_id,
        order_ids=[order.id for order in orders],
        subscription_id=next((order.subscription_id for order in orders if order.subscription_id is not None), None),
        amount=MoneyData(amount=amount, currency=orders[0].currency.strip()),
    )


tells_of_event(PaymentFailed, tell_payments, "payment.failed")
tells_of_event(PaymentRetried, tell_payments, "payment.retried")
tells_of_event(PaymentRecovered, tell_payments, "payment.recovered")
tells_of_event(SeatAssigned, tell_seats, "seat.given")
tells_of_event(AllocatedSeatAssigned, tell_seats, "seat.given")
