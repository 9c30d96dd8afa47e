"""What the sides are told of money that a buyer asks back: whose turn it is, and how it ended."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import select

from kernel.db.uow import UnitOfWork
from marketplace.notifications.notification_text import Params
from marketplace.notifications.notify import NewNotification
from marketplace.parties.models import PLATFORM_ORG_ID
from orders.notifications.about_orders import orders_of
from orders.notifications.notifiers import RecordedEvent, notifies_of
from orders.refunds.events import (
    CreditDeclined,
    CreditOffered,
    RefundAsked,
    RefundEscalated,
    RefundGranted,
    RefundRefused,
    RefundRejected,
)
from orders.refunds.models import RefundCase


@dataclass(frozen=True, slots=True)
class _CaseEvent:
    """An event, its case, and what is said of them."""

    event: RecordedEvent
    case: RefundCase
    params: Params

    def buyer(self, kind: str) -> NewNotification:
        """To whoever may buy there."""
        at, org_id = f"/refund-cases/{self.case.id}", self.case.buyer_org_id
        return self._new(kind, at, org_id=org_id, permission="orders.buy")

    def seller(self, kind: str) -> NewNotification:
        """To whoever decides about the seller's money."""
        at, org_id = f"/seller/refund-cases/{self.case.id}", self.case.seller_org_id
        return self._new(kind, at, org_id=org_id, permission="billing.manage")

    def operator(self, kind: str) -> NewNotification:
        """To the operators who decide about money."""
        at = f"/operator/refund-cases/{self.case.id}"
        return self._new(kind, at, org_id=PLATFORM_ORG_ID, permission="operator.payouts")

    def _new(self, kind: str, path: str, **to: object) -> NewNotification:
        return NewNotification(self.event.id, self.event.at, kind, path, self.params, **to)  # type: ignore[arg-type]


@notifies_of(RefundAsked)
def refund_asked(uow: UnitOfWork, events: Sequence[RecordedEvent]) -> Iterable[NewNotification]:
    """The seller has to decide."""
    return [one.seller("refund_asked") for one in _case_events(uow, events)]


@notifies_of(RefundRefused)
def refund_refused(uow: UnitOfWork, events: Sequence[RecordedEvent]) -> Iterable[NewNotification]:
    """The buyer may take it further."""
    return [one.buyer("refund_refused") for one in _case_events(uow, events)]


@notifies_of(RefundEscalated)
def refund_escalated(uow: UnitOfWork, events: Sequence[RecordedEvent]) -> Iterable[NewNotification]:
    """The operator has to decide; the side that did not take it there learns of it."""
    for one in _case_events(uow, events):
        yield one.operator("refund_waiting")
        yield one.seller("refund_escalated_to_us")
        if one.event.payload["by_clock"]:
            yield one.buyer("refund_escalated")


@notifies_of(RefundGranted)
def refund_granted(uow: UnitOfWork, events: Sequence[RecordedEvent]) -> Iterable[NewNotification]:
    """The buyer, and the seller whom somebody else decided for."""
    for one in _case_events(uow, events):
        yield one.buyer("credit_granted" if one.case.as_credit else "refund_granted")
        if one.case.escalated_at is not None:
            yield one.seller("refund_granted_over_seller")
        elif one.case.offered_minor is not None and one.case.as_credit:
            yield one.seller("credit_taken")


@notifies_of(CreditOffered)
def credit_offered(uow: UnitOfWork, events: Sequence[RecordedEvent]) -> Iterable[NewNotification]:
    """The buyer has the word."""
    return [one.buyer("credit_offered") for one in _case_events(uow, events)]


@notifies_of(CreditDeclined)
def credit_declined(uow: UnitOfWork, events: Sequence[RecordedEvent]) -> Iterable[NewNotification]:
    """The seller has to decide on money."""
    return [one.seller("credit_declined") for one in _case_events(uow, events)]


@notifies_of(RefundRejected)
def refund_rejected(uow: UnitOfWork, events: Sequence[RecordedEvent]) -> Iterable[NewNotification]:
    """Both sides."""
    for one in _case_events(uow, events):
        yield one.buyer("refund_rejected")
        yield one.seller("refund_not_owed")


def _case_events(uow: UnitOfWork, events: Sequence[RecordedEvent]) -> list[_CaseEvent]:
    wanted = select(RefundCase).where(RefundCase.id.in_([event.uuid("refund_case_id") for event in events]))
    cases = {row.id: row for row in uow.session.scalars(wanted)}
    orders = orders_of(uow, [event.uuid("order_id") for event in events])
    found = []
    for event in events:
        case = cases[event.uuid("refund_case_id")]
        of_event = {RefundGranted.topic: case.granted_minor, CreditOffered.topic: case.offered_minor}
        granted_minor = of_event.get(event.topic)
        amount: Params = {"amount_minor": granted_minor or case.asked_minor, "currency": case.currency}
        found.append(_CaseEvent(event, case, {**orders[case.order_id].params, **amount}))
    return found
