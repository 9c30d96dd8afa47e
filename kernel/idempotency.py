"""Idempotency keys (draft-ietf-httpapi-idempotency-key-header): one effect per key, kept 30 days, per organization and route.

The key's row is written in the transaction of the effect. A parallel request with the same key waits for that
transaction at the unique index and then reads its answer; a request that failed leaves no row and may be tried again.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Index, UniqueConstraint, delete, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Mapped

from kernel import clock
from kernel.db.base import Base, CreatedAt, Id, Json
from kernel.db.uow import UnitOfWork
from kernel.errors import Conflict, Gone, Invalid
from kernel.ids import uuid7

KEPT = timedelta(days=30)
MAX_KEY = 255
LOCK_NOT_AVAILABLE = "55P03"


class IdempotencyKey(Base):
    """An answered request: its key, what was asked, what was answered."""

    __tablename__ = "idempotency_key"
    __table_args__ = (
        UniqueConstraint("org_id", "route", "key"),
        Index("ix_idempotency_key_created_at", "created_at"),
        {"schema": "kernel"},
    )
    id: Mapped[Id]
    org_id: Mapped[UUID]
    route: Mapped[str]
    key: Mapped[str]
    request_hash: Mapped[str]
    status: Mapped[int]
    answer: Mapped[Json]
    created_at: Mapped[CreatedAt]


@dataclass(frozen=True, slots=True)
class Answer:
    """A status and a JSON body; `replayed` when it is the first answer given again."""

    status: int
    body: dict[str, Any]
    replayed: bool = False


def with_idempotency_key(
    uow: UnitOfWork, *, route: str, key: str | None, request: object, work: Callable[[], Answer]
) -> Answer:
    """Run `work` once for this organization, route and key; later calls get its answer.

    Raises:
        Invalid: `idempotency_key_required`, `idempotency_key_invalid`, or `idempotency_key_reused` with another request.
        Conflict: `idempotency_key_in_use`, the first request with this key is still running.
        Gone: `idempotency_key_expired`, older than 30 days: refused rather than executed anew, for another 30 days.
    """
    if key is None:
        raise Invalid("idempotency_key_required", field="Idempotency-Key")
    if not 1 <= len(key) <= MAX_KEY or not key.isprintable():
        raise Invalid("idempotency_key_invalid", field="Idempotency-Key")
    org_id = uow.principal.organization()
    request_hash = hashlib.sha256(json.dumps(request, sort_keys=True, default=str).encode()).hexdigest()
    claimed = _claim(uow, org_id, route, key, request_hash)
    if claimed is None:
        return _replay(uow, org_id, route, key, request_hash)
    answer = work()
    uow.session.execute(
        update(IdempotencyKey).where(IdempotencyKey.id == claimed).values(status=answer.status, answer=answer.body)
    )
    return answer


def _claim(uow: UnitOfWork, org_id: UUID, route: str, key: str, request_hash: str) -> UUID | None:
    statement = (
        insert(IdempotencyKey)
        .values(
            id=uuid7(),
            org_id=org_id,
            route=route,
            key=key,
            request_hash=request_hash,
            status=0,
            answer={},
            created_at=clock.now(),
        )
        .on_conflict_do_nothing(index_elements=["org_id", "route", "key"])
        .returning(IdempotencyKey.id)
    )
    try:
        return uow.session.scalar(statement)
    except DBAPIError as error:
        if getattr(error.orig, "sqlstate", None) == LOCK_NOT_AVAILABLE:
            # The first request with this key is still running after the time this one may wait for it.
            raise Conflict("idempotency_key_in_use") from error
        raise


def _replay(uow: UnitOfWork, org_id: UUID, route: str, key: str, request_hash: str) -> Answer:
    found = uow.session.scalars(
        select(IdempotencyKey).where(
            IdempotencyKey.org_id == org_id, IdempotencyKey.route == route, IdempotencyKey.key == key
        )
    ).one()
    if found.request_hash != request_hash:
        raise Invalid("idempotency_key_reused", field="Idempotency-Key")
    if found.created_at < clock.now() - KEPT:
        raise Gone("idempotency_key_expired")
    return Answer(found.status, found.answer, replayed=True)


def forget_old(uow: UnitOfWork, limit: int) -> int:
    """Delete at most `limit` keys twice as old as they are honoured; returns how many."""
    old = select(IdempotencyKey.id).where(IdempotencyKey.created_at < clock.now() - 2 * KEPT).limit(limit)
    gone = delete(IdempotencyKey).where(IdempotencyKey.id.in_(old)).returning(IdempotencyKey.id)
    return len(uow.session.scalars(gone).all())
