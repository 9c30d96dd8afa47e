"""An operator's word on an incident: what was done about it."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from billing.incidents.events import IncidentClosed
from billing.incidents.models import INCIDENT, Incident
from kernel import audit, clock
from kernel.db.locks import lock_row
from kernel.db.uow import UnitOfWork
from kernel.errors import Conflict, Invalid, NotFound
from kernel.jobs.outbox import emit
from kernel.text import plain_text


@dataclass(frozen=True, slots=True)
class CloseIncident:
    """`resolution`: what was done and why that settles it. Of a refund that came back: how the buyer was paid instead."""

    incident_id: UUID
    resolution: str


def close_incident(uow: UnitOfWork, command: CloseIncident) -> Incident:
    """Close an incident. The books keep what moved; a refund that came back counts as settled from then on.

    Raises: Forbidden `permission_missing` without operator.payouts, NotFound `incident_not_found`, Conflict `incident_closed`,
    Invalid `resolution_required`.
    Emits: IncidentClosed. Locks: the incident.
    """
    uow.principal.require("operator.payouts")
    incident = lock_row(uow.session, Incident, command.incident_id)
    if incident is None:
        raise NotFound("incident_not_found")
    if incident.state != "open":
        raise Conflict("incident_closed")
    resolution = plain_text(command.resolution, multiline=True)
    if not resolution:
        raise Invalid("resolution_required", field="resolution")
    INCIDENT.move(uow, incident, "closed", org_ids=[], reason=resolution)
    incident.closed_at, incident.resolution = clock.now(), resolution
    incident.closed_by = str(uow.principal.person_id or uow.principal.label)
    audit.record(uow, "incident.closed", subject_id=incident.id, kind=incident.kind)
    emit(uow, IncidentClosed(incident_id=incident.id, kind=incident.kind, about_id=incident.subject_id))
    return incident
