"""What a buyer is told of a bank transfer that has not come."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sqlalchemy import select

from billing.bank.events import TransferReminded
from billing.bank.models import BankTransfer
from kernel.db.uow import UnitOfWork
from marketplace.notifications.notification_text import Params
from marketplace.notifications.notify import NewNotification
from orders.checkout.models import Purchase
from orders.notifications.notifiers import RecordedEvent, notifies_of

FINANCE = "billing.manage"


@notifies_of(TransferReminded)
def transfer_reminded(uow: UnitOfWork, events: Sequence[RecordedEvent]) -> Iterable[NewNotification]:
    """Whoever asked for the purchase, and the buyer's finance, which may be who sends the money."""
    purchase_ids = [event.uuid("reference") for event in events]
    purchases = {row.id: row for row in uow.session.scalars(select(Purchase).where(Purchase.id.in_(purchase_ids)))}
    transfer_ids = [event.uuid("transfer_id") for event in events]
    asked = {row.id: row for row in uow.session.scalars(select(BankTransfer).where(BankTransfer.id.in_(transfer_ids)))}
    for event in events:
        purchase, transfer = purchases[event.uuid("reference")], asked[event.uuid("transfer_id")]
        if transfer.state != "awaited":
            continue
        params: Params = {
            "reference": transfer.remark_code,
            "what": transfer.description,
            "amount_minor": transfer.amount_minor,
            "currency": transfer.currency.strip(),
        }
        kind, path, by = "transfer_reminded", f"/payments/{transfer.payment_id}/transfer", purchase.requested_by
        org_id = purchase.buyer_org_id
        if by is not None:
            yield NewNotification(event.id, event.at, kind, path, params, org_id=org_id, person_id=by)
        yield NewNotification(event.id, event.at, kind, path, params, org_id=org_id, permission=FINANCE, but_not=by)
