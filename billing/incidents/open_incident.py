"""Put a movement that nobody here asked for before the operators; what no row accounts for is booked as suspense."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from billing.incidents.events import IncidentOpened
from billing.incidents.models import INCIDENT, Incident, IncidentKind
from billing.ledger.post import Fact, Leg, post
from kernel import clock
from kernel.db.uow import UnitOfWork
from kernel.ids import uuid7
from kernel.jobs.outbox import emit
from kernel.money import Money
from marketplace.parties.models import PLATFORM_ORG_ID


@dataclass(frozen=True, slots=True)
class OpenIncident:
    """`suspense_minor`: what of it no other row books; positive left the gateway's cash, negative came into it."""

    kind: IncidentKind
    subject_id: UUID
    gateway: str
    gateway_reference: str
    amount: Money
    code: str
    suspense_minor: int = 0


def open_incident(uow: UnitOfWork, command: OpenIncident) -> bool:
    """Record an incident once. Returns False when it was known; nothing is booked twice.

    Emits: IncidentOpened. Idempotent by: kind, subject and the gateway's reference.
    """
    incident = Incident(
        id=uuid7(),
        kind=command.kind,
        subject_id=command.subject_id,
        gateway=command.gateway,
        gateway_reference=command.gateway_reference,
        amount_minor=command.amount.amount_minor,
        currency=command.amount.currency,
        suspense_minor=command.suspense_minor,
        code=command.code[:200],
        state=INCIDENT.initial[0],
        created_at=clock.now(),
    )
    if not uow.add_if_absent(incident, "kind", "subject_id", "gateway_reference"):
        return False
    INCIDENT.begin(uow, incident, org_ids=[])
    emit(
        uow,
        IncidentOpened(
            incident_id=incident.id,
            kind=incident.kind,
            amount_minor=incident.amount_minor,
            currency=incident.currency,
        ),
    )
    if command.suspense_minor:
        legs = [
            Leg(PLATFORM_ORG_ID, "gateway_cash", -command.suspense_minor, command.gateway),
            Leg(PLATFORM_ORG_ID, "suspense", command.suspense_minor),
        ]
        fact = Fact(f"incident:{incident.id}", "incident", incident.id, incident.currency, incident.created_at, legs)
        post(uow, fact)
    return True
