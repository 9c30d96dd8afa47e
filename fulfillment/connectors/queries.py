"""What a seller may know of its connectors."""

from __future__ import annotations

from typing import Literal
from uuid import UUID

from sqlalchemy import select

from fulfillment.connectors.models import ConnectorRow, ConnectorTranscript
from fulfillment.connectors.views import ConnectorView, TranscriptStep, secret_tag
from kernel import clock
from kernel.db.uow import UnitOfWork
from kernel.errors import NotFound


def connectors_of(uow: UnitOfWork) -> list[ConnectorView]:
    """The acting seller's connectors, the oldest first."""
    statement = (
        select(ConnectorRow)
        .where(ConnectorRow.org_id == uow.principal.organization())
        .order_by(ConnectorRow.created_at, ConnectorRow.id)
    )
    return [_connector(row) for row in uow.session.scalars(statement)]


def get_connector(uow: UnitOfWork, connector_id: UUID) -> ConnectorView:
    """One of the acting seller's connectors. Raises NotFound."""
    org_id = uow.principal.organization()
    row = uow.session.scalar(select(ConnectorRow).where(ConnectorRow.id == connector_id, ConnectorRow.org_id == org_id))
    if row is None:
        raise NotFound("not_found")
    return _connector(row)


def get_transcript(uow: UnitOfWork, connector_id: UUID) -> tuple[TranscriptStep, ...]:
    """What the latest test of one's own connector saw; nothing before the first one."""
    steps = uow.session.scalar(
        select(ConnectorTranscript.steps).where(
            ConnectorTranscript.org_id == uow.principal.organization(), ConnectorTranscript.connector_id == connector_id
        )
    )
    return tuple(TranscriptStep(**step) for step in steps or ())


def _connector(row: ConnectorRow) -> ConnectorView:
    overlaps = row.previous_until is not None and row.previous_until > clock.now()
    tested: Literal["passed", "failed"] = "failed" if row.test_failure else "passed"
    asked: Literal["running", "untested"] = "running" if row.test_asked_at else "untested"
    return ConnectorView(
        id=row.id,
        kind=row.kind,
        name=row.name,
        url=row.url,
        overlap_until=row.previous_until if overlaps else None,
        test=tested if row.tested_at else asked,
        tested_at=row.tested_at,
        test_failure=row.test_failure,
        created_at=row.created_at,
        secret_tag=secret_tag(row.secret_sealed) if row.secret_sealed else None,
    )
