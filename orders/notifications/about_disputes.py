"""What the sides are told of disputed payments: that there is one, what the bank was told, how it decided."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select

from billing.disputes.events import DisputeEnded, DisputeEvidenceSent, DisputeOpened
from billing.disputes.models import Dispute, DisputePart
from kernel.db.uow import UnitOfWork
from marketplace.notifications.notification_text import Params
from marketplace.notifications.notify import NewNotification
from marketplace.parties.models import PLATFORM_ORG_ID
from orders.notifications.about_orders import OrderFacts, orders_of
from orders.notifications.notifiers import RecordedEvent, notifies_of


@dataclass(frozen=True, slots=True)
class _DisputeEvent:
    """An event, its dispute, what that is about, and the orders."""

    event: RecordedEvent
    dispute: Dispute
    parts: Sequence[DisputePart]
    orders: Mapping[UUID, OrderFacts]

    def buyer(self, kind: str) -> NewNotification:
        """To whoever may buy there."""
        at = f"/disputes/{self.dispute.id}"
        params = self._params(self.parts[0], self.dispute.amount_minor)
        return self._new(kind, at, params, org_id=self.dispute.payer_org_id, permission="orders.buy")

    def operator(self, kind: str) -> NewNotification:
        """To the operators who decide about money."""
        at = f"/operator/disputes/{self.dispute.id}"
        params = self._params(self.parts[0], self.dispute.amount_minor)
        return self._new(kind, at, params, org_id=PLATFORM_ORG_ID, permission="operator.payouts")

    def sellers(self, kind: str) -> Iterator[NewNotification]:
        """To whoever decides about a seller's money; of each seller what is about its orders."""
        for org_id in self.dispute.seller_org_ids:
            own = [part for part in self.parts if part.seller_org_id == org_id]
            if own:
                params = self._params(own[0], sum(part.amount_minor for part in own))
                at = f"/seller/disputes/{self.dispute.id}"
                yield self._new(kind, at, params, org_id=org_id, permission="billing.manage")

    def _params(self, part: DisputePart, amount_minor: int) -> Params:
        day = self.dispute.answer_by.date().isoformat()
        amount: Params = {"amount_minor": amount_minor, "currency": self.dispute.currency, "day": day}
        return {**self.orders[part.reference].params, **amount}

    def _new(self, kind: str, path: str, params: Params, **to: object) -> NewNotification:
        return NewNotification(self.event.id, self.event.at, kind, path, params, **to)  # type: ignore[arg-type]


@notifies_of(DisputeOpened)
def dispute_opened(uow: UnitOfWork, events: Sequence[RecordedEvent]) -> Iterable[NewNotification]:
    """Both sides may say their part, and the operator has to tell the bank."""
    for one in _dispute_events(uow, events):
        yield from one.sellers("dispute_against_sale")
        yield one.buyer("dispute_noticed")
        yield one.operator("dispute_waiting")


@notifies_of(DisputeEvidenceSent)
def dispute_evidence_sent(uow: UnitOfWork, events: Sequence[RecordedEvent]) -> Iterable[NewNotification]:
    """The buyer may read what its bank was told."""
    for one in _dispute_events(uow, events):
        yield one.buyer("dispute_bank_told")


@notifies_of(DisputeEnded)
def dispute_ended(uow: UnitOfWork, events: Sequence[RecordedEvent]) -> Iterable[NewNotification]:
    """Both sides."""
    for one in _dispute_events(uow, events):
        is_lost = one.event.payload["is_lost"]
        yield from one.sellers("dispute_sale_lost" if is_lost else "dispute_sale_kept")
        yield one.buyer("dispute_for_buyer" if is_lost else "dispute_for_seller")


def _dispute_events(uow: UnitOfWork, events: Sequence[RecordedEvent]) -> list[_DisputeEvent]:
    ids = [event.uuid("dispute_id") for event in events]
    disputes = {row.id: row for row in uow.session.scalars(select(Dispute).where(Dispute.id.in_(ids)))}
    rows = select(DisputePart).where(DisputePart.dispute_id.in_(ids)).order_by(DisputePart.created_at, DisputePart.id)
    parts = uow.session.scalars(rows).all()
    orders = orders_of(uow, {part.reference for part in parts})
    found = []
    for event in events:
        dispute = disputes[event.uuid("dispute_id")]
        # Payments of which nothing was sold here have no order to name.
        own = [part for part in parts if part.dispute_id == dispute.id and part.reference in orders]
        if own:
            found.append(_DisputeEvent(event, dispute, own, orders))
    return found
