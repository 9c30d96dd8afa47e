"""What the two of a delegation are told: who decides in whose place, and that it is over."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sqlalchemy import select
from sqlalchemy.orm import aliased

from kernel.db.uow import UnitOfWork
from marketplace.access.models import Person
from marketplace.notifications.notify import NewNotification
from orders.approval_rules.events import DeputyAppointed, DeputyEnded
from orders.approval_rules.models import ApprovalDeputy
from orders.notifications.notifiers import RecordedEvent, notifies_of


@notifies_of(DeputyAppointed)
def deputy_appointed(uow: UnitOfWork, events: Sequence[RecordedEvent]) -> Iterable[NewNotification]:
    """The deputy learns what to do and until when; whoever appointed them, that it holds."""
    return _to_both(uow, events, "deputy_appointed", "own_deputy_appointed")


@notifies_of(DeputyEnded)
def deputy_ended(uow: UnitOfWork, events: Sequence[RecordedEvent]) -> Iterable[NewNotification]:
    """Neither counts on the other any more; who left the organization is told nothing."""
    return _to_both(uow, events, "deputy_ended", "own_deputy_ended")


def _to_both(
    uow: UnitOfWork, events: Sequence[RecordedEvent], to_deputy: str, to_person: str
) -> Iterable[NewNotification]:
    given, taken = aliased(Person), aliased(Person)
    rows = uow.session.execute(
        select(ApprovalDeputy, given.name, taken.name)
        .join(given, given.id == ApprovalDeputy.person_id)
        .join(taken, taken.id == ApprovalDeputy.deputy_id)
        .where(ApprovalDeputy.id.in_([event.uuid("delegation_id") for event in events]))
    )
    found = {row.id: (row, person, deputy) for row, person, deputy in rows}
    for event in events:
        row, person, deputy = found[event.uuid("delegation_id")]
        params = {
            "person": person,
            "deputy": deputy,
            "from": row.starts_on.isoformat(),
            "until": row.ends_on.isoformat(),
        }
        for kind, reader in ((to_deputy, row.deputy_id), (to_person, row.person_id)):
            yield NewNotification(event.id, event.at, kind, "/approvals", params, org_id=row.org_id, person_id=reader)
