"""What organizations are told of claims to their tax identifiers, and reviewers of those that several make."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sqlalchemy import select

from kernel.db.uow import UnitOfWork
from marketplace.notifications.notify import NewNotification
from marketplace.parties.events import TaxIdDecided, TaxIdDisputed, TaxIdEvidenceAsked
from marketplace.parties.models import PLATFORM_ORG_ID, TaxIdDispute
from orders.notifications.notifiers import RecordedEvent, notifies_of

VERIFICATION = "/organization/verification"


def _disputes(uow: UnitOfWork, events: Sequence[RecordedEvent]) -> Iterable[tuple[RecordedEvent, TaxIdDispute]]:
    wanted = select(TaxIdDispute).where(TaxIdDispute.id.in_([event.uuid("dispute_id") for event in events]))
    found = {row.id: row for row in uow.session.scalars(wanted)}
    return ((event, found[event.uuid("dispute_id")]) for event in events)


@notifies_of(TaxIdDisputed)
def tax_id_disputed(uow: UnitOfWork, events: Sequence[RecordedEvent]) -> Iterable[NewNotification]:
    """Reviewers are told of an identifier that several claim."""
    for event, row in _disputes(uow, events):
        yield NewNotification(
            event.id,
            event.at,
            "tax_id_disputed",
            f"/operator/tax-id-disputes/{row.id}",
            {"tax_id": row.tax_id},
            org_id=PLATFORM_ORG_ID,
            permission="operator.reviews",
        )


@notifies_of(TaxIdEvidenceAsked)
def tax_id_evidence_asked(uow: UnitOfWork, events: Sequence[RecordedEvent]) -> Iterable[NewNotification]:
    """Who claims it is asked for a document; that somebody else does is not said."""
    for event, row in _disputes(uow, events):
        yield _to_owner(event, "tax_id_evidence_asked", {"tax_id": row.tax_id})


@notifies_of(TaxIdDecided)
def tax_id_decided(uow: UnitOfWork, events: Sequence[RecordedEvent]) -> Iterable[NewNotification]:
    """Each learns what was decided about its own claim, and what to do now."""
    for event, row in _disputes(uow, events):
        if event.payload["is_kept"]:
            yield _to_owner(event, "tax_id_kept", {"tax_id": row.tax_id})
        else:
            yield _to_owner(event, "tax_id_lost", {"tax_id": row.tax_id, "reason": row.reason})


def _to_owner(event: RecordedEvent, kind: str, params: dict[str, str]) -> NewNotification:
    return NewNotification(
        event.id, event.at, kind, VERIFICATION, params, org_id=event.uuid("org_id"), permission="members.manage"
    )
