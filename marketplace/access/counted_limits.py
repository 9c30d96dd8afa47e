"""So many of something in a window, counted in the database for every process."""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass
from datetime import timedelta

import structlog
from sqlalchemy import case, or_, select
from sqlalchemy.dialects.postgresql import insert

from kernel import clock
from kernel.db.uow import UnitOfWork
from kernel.errors import TooMany
from kernel.rate_limit import Quota
from marketplace.access.models import SignInCount

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Limit:
    """So many in a window that begins with the first of them."""

    attempts: int
    window: timedelta


def count_within(uow: UnitOfWork, limit: Limit, code: str, counted_by: str, *names: str) -> None:
    """Count one more of what `counted_by` and `names` stand for.

    Raises:
        TooMany: `code` with `retry_after_s` and `minutes` until the window is over; nothing is counted then.

    Locks: the count.
    """
    subject, now = hashed(counted_by, *names), clock.now()
    is_over = SignInCount.since_at <= now - limit.window
    counted = uow.session.scalar(
        insert(SignInCount)
        .values(subject=subject, attempts=1, since_at=now)
        .on_conflict_do_update(
            index_elements=["subject"],
            set_={
                "attempts": case((is_over, 1), else_=SignInCount.attempts + 1),
                "since_at": case((is_over, now), else_=SignInCount.since_at),
            },
            where=or_(is_over, SignInCount.attempts < limit.attempts),
        )
        .returning(SignInCount.attempts)
    )
    if counted is None:
        since_at = uow.session.scalars(select(SignInCount.since_at).where(SignInCount.subject == subject)).one()
        retry_after_s = max(1, math.ceil((since_at + limit.window - now).total_seconds()))
        log.warning(code, counted_by=counted_by)
        quota = Quota(counted_by, limit.attempts, int(limit.window.total_seconds()))
        raise TooMany(code, quota=quota, retry_after_s=retry_after_s, minutes=-(-retry_after_s // 60))


def hashed(*names: str) -> str:
    """What was typed may be anybody's address, or a password in the wrong field: it is not kept."""
    return hashlib.sha256("\0".join(names).encode(errors="surrogatepass")).hexdigest()
