"""Idempotency keys (draft-ietf-httpapi-idempotency-key-header): one effect per key, kept 30 days, per organization and route.

The key's row is written in the transaction of the effect. A parallel request with the same key waits for that
transaction at the unique index and then reads its answer; a request that failed leaves no row and may be tried again.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from uuid import UUID

import psycopg
from sqlalchemy import Index, UniqueConstraint, delete, select
from sqlalchemy.orm import Mapped

from kernel import clock
from kernel.db.base import Base, CreatedAt, Id
from kernel.db.uow import UnitOfWork
from kernel.errors import Conflict, Gone, Invalid
from kernel.ids import uuid7

KEPT = timedelta(days=30)
MAX_KEY = 255
ANSWERED_WITHIN = timedelta(seconds=30)
"""Longer than a command takes that goes on after its commit: until then its key is in use."""


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
    answer: Mapped[str]
    """JSON, byte for byte as it was sent: `jsonb` would give the fields back in an order of its own."""
    created_at: Mapped[CreatedAt]


@dataclass(frozen=True, slots=True)
class Answer:
    """A status and an encoded JSON body; `replayed` when it is the first answer given again."""

    status: int
    body: bytes
    replayed: bool = False
    key_id: UUID | None = None
    """Where it is kept for whoever asks again."""
    is_last: bool = True
    """Whether it is kept; the command goes on after its commit, and answers with `change_answer`, when it is not."""


_CLAIM = """
    INSERT INTO kernel.idempotency_key (id, org_id, route, key, request_hash, status, answer, created_at)
    VALUES ($1, $2, $3, $4, $5, 0, '', $6) ON CONFLICT (org_id, route, key) DO NOTHING RETURNING id
"""
_ANSWERED = "UPDATE kernel.idempotency_key SET status = $1, answer = $2 WHERE id = $3"


def with_idempotency_key(
    uow: UnitOfWork,
    *,
    route: str,
    key: str | None,
    request: object,
    work: Callable[[], Answer],
    unanswered: Callable[[], Answer] | None = None,
    ask_ahead: Callable[[], None] | None = None,
) -> Answer:
    """Run `work` once for this organization, route and key; later calls get its answer.

    `ask_ahead` asks ahead for `work`, behind the key and in its round trip.
    `unanswered` says how things stand when whoever ran `work` died after its commit, before the last answer was kept.

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
    claimed = _claim(uow, org_id, route, key, request_hash, ask_ahead)
    if claimed is None:
        return _replay(uow, org_id, route, key, request_hash, unanswered)
    answer = work()
    if answer.is_last:
        change_answer(uow, claimed, answer)
    return replace(answer, key_id=claimed)


def change_answer(uow: UnitOfWork, key_id: UUID, answer: Answer) -> None:
    """Keep `answer` for whoever asks again with the key: a command that goes on after its first commit answers later."""
    uow.execute_deferred(_ANSWERED, (answer.status, answer.body.decode(), key_id))


def _claim(
    uow: UnitOfWork, org_id: UUID, route: str, key: str, request_hash: str, ask_ahead: Callable[[], None] | None
) -> UUID | None:
    uow.flush()
    values = (uuid7(), org_id, route, key, request_hash, clock.now())
    try:
        asked = uow.cursor.queue_for(_CLAIM, values)
        if ask_ahead is not None:
            ask_ahead()
        found = uow.cursor.rows_of(asked)
    except psycopg.errors.LockNotAvailable as error:
        # The first request with this key is still running after the time this one may wait for it.
        raise Conflict("idempotency_key_in_use") from error
    return found[0][0] if found else None


def _replay(
    uow: UnitOfWork, org_id: UUID, route: str, key: str, request_hash: str, unanswered: Callable[[], Answer] | None
) -> Answer:
    found = uow.session.scalars(
        select(IdempotencyKey).where(
            IdempotencyKey.org_id == org_id, IdempotencyKey.route == route, IdempotencyKey.key == key
        )
    ).one()
    if found.request_hash != request_hash:
        raise Invalid("idempotency_key_reused", field="Idempotency-Key")
    if found.created_at < clock.now() - KEPT:
        raise Gone("idempotency_key_expired")
    if found.status:
        return Answer(found.status, found.answer.encode(), replayed=True)
    if unanswered is None or found.created_at > clock.now() - ANSWERED_WITHIN:
        raise Conflict("idempotency_key_in_use")
    answer = replace(unanswered(), replayed=True)
    change_answer(uow, found.id, answer)
    return answer


def purge_old_keys(uow: UnitOfWork, limit: int) -> int:
    """Delete at most `limit` keys twice as old as they are honoured; returns how many."""
    old = select(IdempotencyKey.id).where(IdempotencyKey.created_at < clock.now() - 2 * KEPT).limit(limit)
    gone = delete(IdempotencyKey).where(IdempotencyKey.id.in_(old)).returning(IdempotencyKey.id)
    return len(uow.session.scalars(gone).all())
