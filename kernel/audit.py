"""The audit log: who did what to which object. Append-only, partitioned by month."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import Index
from sqlalchemy.orm import Mapped, mapped_column

from kernel import clock
from kernel.db.base import Base, Id, Json
from kernel.db.uow import UnitOfWork


class AuditEntry(Base):
    """One audited action of a person, key or operator that is not a state transition (those are in `state_history`)."""

    __tablename__ = "audit_entry"
    __table_args__ = (
        Index("ix_audit_entry_org_id_at", "org_id", "at"),
        {"schema": "kernel", "postgresql_partition_by": "RANGE (at)"},
    )
    id: Mapped[Id]
    at: Mapped[datetime] = mapped_column(primary_key=True)
    org_id: Mapped[UUID | None]
    actor: Mapped[str]
    action: Mapped[str]
    subject_id: Mapped[UUID | None]
    detail: Mapped[Json]


def record(uow: UnitOfWork, action: str, *, subject_id: UUID | None = None, **detail: str | int | None) -> None:
    """Write down what the acting principal just did. `detail` holds no secrets and no personal data."""
    principal = uow.principal
    uow.append(
        AuditEntry,
        at=clock.now(),
        org_id=principal.org_id,
        actor=f"{principal.kind}:{principal.person_id or principal.label}",
        action=action,
        subject_id=subject_id,
        detail=dict(detail),
    )
