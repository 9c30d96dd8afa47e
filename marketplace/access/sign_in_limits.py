"""How often signing in may be tried, counted in the database for every process.

An attempt counts before its password is looked at, in a transaction of its own, and is taken back once the password was
right. So guesses sent in parallel, to however many processes, are never more than the limit; and an address that is
known here counts like one that is not, so that a refusal tells nothing about who has an account.

Nobody can lock somebody else out. What refuses for long counts one account from one network, or one network. Failures of
an account from wherever they come only slow it down, to one attempt in `SLOWEST_S`. And a device in which the account
signed in before is counted by itself, whatever others do (OWASP: "Slow down online guessing attacks with device cookies").
"""

from __future__ import annotations

import math
from datetime import timedelta

import structlog
from sqlalchemy import case, delete, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert

from kernel import clock
from kernel.db.uow import UnitOfWork
from kernel.errors import TooMany
from kernel.rate_limit import Quota
from marketplace.access.counted_limits import Limit, count_within, hashed
from marketplace.access.models import SignInCount

log = structlog.get_logger(__name__)


CODE = "sign_in_too_often"
ACCOUNT = Limit(10, timedelta(minutes=15))
"""Of one account from one network, or from a device that it knows.

NIST SP 800-63B §5.2.2 allows 100 failures in a row; ten leave a guesser a thousand a day, and a typist enough.
"""
ADDRESS = Limit(100, timedelta(minutes=15))
"""Wider: an office or a mobile network shares one address."""
FREE = 2 * ACCOUNT.attempts
"""Failures of an account until it slows down: more than one network alone can cause."""
SLOWEST_S = 30
"""The pause doubles up to this: short for who has to wait, long for who has to guess."""
KEPT = timedelta(days=1)


def count_attempt(uow: UnitOfWork, email: str, address: str | None, device_id: str | None = None) -> str | None:
    """Count an attempt: against the account's known device, else against the account and the network it comes from.

    Returns the device that it was counted against. One that failed too often itself counts like an unknown one.

    Raises:
        TooMany: `sign_in_too_often` with `retry_after_s` and `minutes` until the window is over, or `sign_in_slowed` with
            `retry_after_s`; nothing is counted then.

    Locks: the count of the account's device; or those of the account from its network, of the network, of the account.
    """
    if device_id is not None:
        try:
            count_within(uow, ACCOUNT, CODE, *_of_device(email, device_id))
        except TooMany:
            log.warning("known_device_doubted")
        else:
            return device_id
    count_within(uow, ACCOUNT, CODE, *_of_pair(email, address))
    if address is not None:
        count_within(uow, ADDRESS, CODE, *_of_network(address))
    _slow_down(uow, hashed(*_of_account(email)))
    return None


def forgive_attempt(uow: UnitOfWork, email: str, address: str | None, device_id: str | None = None) -> None:
    """The password was right: forget the failures that counted against it, and take this attempt off its network.

    The other failures of the network stay: who owns one account must not be able to go on guessing at others for ever.
    So do those of elsewhere when the device was known: they were somebody else's.

    Locks: as `count_attempt`.
    """
    if device_id is not None:
        _forget(uow, _of_device(email, device_id))
        return
    _forget(uow, _of_pair(email, address))
    if address is not None:
        uow.session.execute(
            update(SignInCount)
            .where(SignInCount.subject == hashed(*_of_network(address)))
            .values(attempts=func.greatest(SignInCount.attempts - 1, 0))
        )
    _forget(uow, _of_account(email))


def purge_old_counts(uow: UnitOfWork) -> None:
    """Delete counts whose window is long over."""
    uow.session.execute(delete(SignInCount).where(SignInCount.since_at < clock.now() - KEPT))


def _forget(uow: UnitOfWork, names: tuple[str, ...]) -> None:
    uow.session.execute(delete(SignInCount).where(SignInCount.subject == hashed(*names)))


def _slow_down(uow: UnitOfWork, subject: str) -> None:
    """Count an attempt at the account, unless the pause after the last one is not over. `since_at` is the last one's here."""
    now = clock.now()
    is_over = SignInCount.since_at <= now - ACCOUNT.window
    doubled = func.power(2, func.least(SignInCount.attempts - FREE, 10))
    pause_s = case((SignInCount.attempts < FREE, 0), else_=func.least(doubled, SLOWEST_S))
    paused_until = SignInCount.since_at + func.make_interval(0, 0, 0, 0, 0, 0, pause_s)
    counted = uow.session.scalar(
        insert(SignInCount)
        .values(subject=subject, attempts=1, since_at=now)
        .on_conflict_do_update(
            index_elements=["subject"],
            set_={"attempts": case((is_over, 1), else_=SignInCount.attempts + 1), "since_at": now},
            where=or_(is_over, paused_until <= now),
        )
        .returning(SignInCount.attempts)
    )
    if counted is None:
        ends_at = uow.session.scalars(select(paused_until).where(SignInCount.subject == subject)).one()
        log.warning("sign_in_slowed")
        pause = Quota("account", 1, SLOWEST_S)
        raise TooMany("sign_in_slowed", quota=pause, retry_after_s=max(1, math.ceil((ends_at - now).total_seconds())))


def _of_device(email: str, device_id: str) -> tuple[str, ...]:
    return "device", email.strip().lower(), device_id


def _of_pair(email: str, address: str | None) -> tuple[str, ...]:
    return "pair", email.strip().lower(), address or ""


def _of_network(address: str) -> tuple[str, ...]:
    return "address", address


def _of_account(email: str) -> tuple[str, ...]:
    return "account", email.strip().lower()
