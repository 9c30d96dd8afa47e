"""What each side is told of who pays for whom: who proposed it, what was answered, other limits, that it ended."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sqlalchemy import select

from kernel.db.uow import UnitOfWork
from marketplace.notifications.notify import NewNotification
from marketplace.payers.agree import PERMISSION
from marketplace.payers.events import PayerAccepted, PayerEnded, PayerLimitsChanged, PayerProposed
from marketplace.payers.models import PayerAgreement
from orders.notifications.notifiers import RecordedEvent, notifies_of

ADDRESS = "/payers"


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
