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
    """`resolution`: what was done and why that settles it. Of a refund that came back, or credit: how the buyer was paid, with
    `evidence` of it, such as the bank's reference.
    """

    incident_id: UUID
    resolution: str
    evidence: str = ""


def close_incident(uow: UnitOfWork, command: CloseIncident) -> Incident:
    """Close an incident. The books keep what moved; a refund that came back counts as settled from then on.

    Raises: Forbidden `permission_missing` without operator.payouts, NotFound `incident_not_found`, Conflict `incident_closed`,
    `incident_resending` (the gateway is being asked again), Invalid `resolution_required`, `evidence_required`.
    Emits: IncidentClosed. Locks: the incident.
    """
    uow.principal.require("operator.payouts")
    incident = lock_open_incident(uow, command.incident_id)
    resolution, evidence = plain_text(command.resolution, multiline=True), plain_text(command.evidence)
    if not resolution:
        raise Invalid("resolution_required", field="resolution")
    if incident.kind in {"refund_returned", "credit_paid_back"} and not evidence:
        raise Invalid("evidence_required", field="evidence")
    incident.evidence = evidence or None
    mark_closed(uow, incident, resolution)
    return incident


def lock_open_incident(uow: UnitOfWork, incident_id: UUID) -> Incident:
    """An incident that waits for an operator, locked. Raises NotFound and Conflict as `close_incident`."""
    incident = lock_row(uow.session, Incident, incident_id)
    if incident is None:
        raise NotFound("incident_not_found")
    if incident.state == "resending":
        raise Conflict("incident_resending")
    if incident.state != "open":
        raise Conflict("incident_closed")
    return incident


def mark_closed(uow: UnitOfWork, incident: Incident, resolution: str) -> None:
    """Close a locked incident. Emits: IncidentClosed."""
    INCIDENT.move(uow, incident, "closed", org_ids=[], reason=resolution)
    incident.closed_at, incident.resolution = clock.now(), resolution
    incident.closed_by = str(uow.principal.person_id or uow.principal.label)
    audit.record(uow, "incident.closed", subject_id=incident.id, kind=incident.kind)
    emit(uow, IncidentClosed(incident_id=incident.id, kind=incident.kind, about_id=incident.subject_id))
