"""Reads of incidents, for operators."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select

from billing.incidents.models import Incident
from kernel.db.uow import UnitOfWork
from kernel.paging import Page, cut, newest_first


@dataclass(frozen=True, slots=True)
class IncidentRow:
    """An incident as its operator sees it. Amounts in minor units; see `Incident`."""

    id: UUID
    kind: str
    subject_id: UUID
    gateway: str
    gateway_reference: str
    amount_minor: int
    currency: str
    suspense_minor: int
    code: str
    state: str
    created_at: datetime
    closed_at: datetime | None
    closed_by: str | None
    resolution: str | None
    evidence: str | None


def list_incidents(
    uow: UnitOfWork, *, state: str | None = None, cursor: str | None = None, limit: int = 20
) -> Page[IncidentRow]:
    """Incidents, newest first. Raises: Forbidden `permission_missing` without operator.read."""
    uow.principal.require("operator.read")
    statement = select(Incident)
    if state is not None:
        statement = statement.where(Incident.state == state)
    rows = uow.session.scalars(newest_first(statement, Incident.created_at, Incident.id, cursor, limit)).all()
    page = cut(rows, limit, lambda row: (row.created_at, row.id))
    return Page([to_incident_row(row) for row in page.items], page.next_cursor)


def to_incident_row(row: Incident) -> IncidentRow:
    """A stored incident as a frozen value."""
    return IncidentRow(**{name: getattr(row, name) for name in IncidentRow.__dataclass_fields__})
