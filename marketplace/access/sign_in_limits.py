"""How often signing in may be tried: per account and per network address, counted in the database for every process.

An attempt counts before its password is looked at, in a transaction of its own, and is taken back once the password was
right. So guesses sent in parallel, to however many processes, are never more than the limit; and an address that is
known here counts like one that is not, so that a refusal tells nothing about who has an account.
"""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass
from datetime import timedelta

import structlog
from sqlalchemy import case, delete, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert

from kernel import clock
from kernel.db.uow import UnitOfWork
from kernel.errors import TooMany
from marketplace.access.models import SignInCount

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Limit:
    """So many attempts in a window that begins with the first of them."""

    attempts: int
    window: timedelta


ACCOUNT = Limit(10, timedelta(minutes=15))
"""NIST SP 800-63B §5.2.2 allows 100 failures in a row; ten leave a guesser a thousand a day, and a typist enough."""
ADDRESS = Limit(100, timedelta(minutes=15))
"""Wider: an office or a mobile network shares one address."""
KEPT = timedelta(days=1)


def count_attempt(uow: UnitOfWork, email: str, address: str | None) -> None:
    """Count an attempt against the account and, where it is known, the network address it comes from.

    Raises:
        TooMany: `sign_in_too_often` with `retry_after_s` and `minutes` until the window is over; nothing is counted then.

    Locks: the account's count, then the address's.
    """
    for subject, limit in _subjects(email, address):
        _count(uow, subject, limit)


def forgive_attempt(uow: UnitOfWork, email: str, address: str | None) -> None:
    """The password was right: forget the account's failures, and take this attempt off its address.

    The other failures of the address stay: who owns one account must not be able to go on guessing at others for ever.

    Locks: the account's count, then the address's.
    """
    for subject, limit in _subjects(email, address):
        if limit is ACCOUNT:
            uow.session.execute(delete(SignInCount).where(SignInCount.subject == subject))
        else:
            uow.session.execute(
                update(SignInCount)
                .where(SignInCount.subject == subject)
                .values(attempts=func.greatest(SignInCount.attempts - 1, 0))
            )


def purge_old_counts(uow: UnitOfWork) -> None:
    """Delete counts whose window is long over."""
    uow.session.execute(delete(SignInCount).where(SignInCount.since_at < clock.now() - KEPT))


def _count(uow: UnitOfWork, subject: str, limit: Limit) -> None:
    now = clock.now()
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
        log.warning("sign_in_too_often", counted_by="account" if limit is ACCOUNT else "address")
        raise TooMany("sign_in_too_often", retry_after_s=retry_after_s, minutes=-(-retry_after_s // 60))


def _subjects(email: str, address: str | None) -> list[tuple[str, Limit]]:
    found = [(_hashed("account", email.strip().lower()), ACCOUNT)]
    return [*found, (_hashed("address", address), ADDRESS)] if address else found


def _hashed(kind: str, name: str) -> str:
    """What was typed may be anybody's address, or a password in the wrong field: it is not kept."""
    return hashlib.sha256(f"{kind}:{name}".encode("utf-8", "surrogatepass")).hexdigest()
