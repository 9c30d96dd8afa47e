"""What each attempt to sign in counts against, to the second; `tests/api/test_sign_in_limits.py` is the same over HTTP."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import delete, select

from kernel import clock
from kernel.db.uow import UnitOfWork
from kernel.errors import TooMany
from marketplace.access import sign_in_limits
from marketplace.access.counted_limits import Limit
from marketplace.access.models import SignInCount
from marketplace.access.sign_in_limits import (
    ACCOUNT,
    FREE,
    KEPT,
    SLOWEST_S,
    count_attempt,
    forgive_attempt,
    purge_old_counts,
)

EMAIL, HOME, DEVICE = "Owner@Example.test ", "192.0.2.7", "device-1"
SECOND = timedelta(seconds=1)
pytestmark = pytest.mark.usefixtures("noon", "nothing_counted")


@pytest.fixture
def nothing_counted(uow: UnitOfWork) -> None:
    """What tests over HTTP have counted in the same database is out of sight until this one is rolled back."""
    uow.session.execute(delete(SignInCount))


def hashed(*names: str) -> str:
    return hashlib.sha256("\0".join(names).encode()).hexdigest()


PAIR, NETWORK = hashed("pair", "owner@example.test", HOME), hashed("address", HOME)
OF_ACCOUNT, OF_DEVICE = hashed("account", "owner@example.test"), hashed("device", "owner@example.test", DEVICE)


def counts(uow: UnitOfWork) -> dict[str, tuple[int, datetime]]:
    rows = uow.session.execute(select(SignInCount.subject, SignInCount.attempts, SignInCount.since_at))
    return {subject: (attempts, since_at.astimezone(UTC)) for subject, attempts, since_at in rows}


def refused(uow: UnitOfWork, email: str = EMAIL, address: str | None = HOME) -> tuple[str, dict[str, object]]:
    """The refusal of an attempt; as in production its transaction is undone, so nothing is counted."""
    with pytest.raises(TooMany) as error, uow.session.begin_nested():
        count_attempt(uow, email, address)
    return error.value.code, error.value.params


def test_an_attempt_counts_against_account_and_network_by_hashes_alone(uow: UnitOfWork, noon: datetime) -> None:
    assert count_attempt(uow, EMAIL, HOME) is None
    assert counts(uow) == {PAIR: (1, noon), NETWORK: (1, noon), OF_ACCOUNT: (1, noon)}
    clock.advance(SECOND)
    assert count_attempt(uow, "owner@example.TEST", HOME) is None
    assert counts(uow) == {PAIR: (2, noon), NETWORK: (2, noon), OF_ACCOUNT: (2, noon + SECOND)}


def test_an_unknown_network_is_one_of_its_own(uow: UnitOfWork, noon: datetime) -> None:
    assert count_attempt(uow, EMAIL, None) is None
    assert counts(uow) == {hashed("pair", "owner@example.test", ""): (1, noon), OF_ACCOUNT: (1, noon)}


def test_half_a_character_is_counted_like_any_other(uow: UnitOfWork) -> None:
    assert count_attempt(uow, "\ud800@example.test", HOME) is None


def test_an_account_is_refused_from_a_network_until_the_window_is_over(uow: UnitOfWork, noon: datetime) -> None:
    for _ in range(ACCOUNT.attempts):
        count_attempt(uow, EMAIL, HOME)
    assert refused(uow) == ("sign_in_too_often", {"retry_after_s": 900, "minutes": 15})
    clock.advance(timedelta(seconds=59.5))
    assert refused(uow) == ("sign_in_too_often", {"retry_after_s": 841, "minutes": 15})
    clock.advance(timedelta(seconds=0.5))
    assert refused(uow) == ("sign_in_too_often", {"retry_after_s": 840, "minutes": 14})
    assert count_attempt(uow, EMAIL, "198.51.100.1") is None
    clock.advance(timedelta(minutes=14) - timedelta(milliseconds=1))
    assert refused(uow) == ("sign_in_too_often", {"retry_after_s": 1, "minutes": 1})
    clock.advance(timedelta(milliseconds=1))
    assert count_attempt(uow, EMAIL, HOME) is None
    assert counts(uow)[PAIR] == counts(uow)[NETWORK] == (1, noon + ACCOUNT.window)


def test_a_network_is_refused_whichever_account_it_tries(uow: UnitOfWork, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sign_in_limits, "ADDRESS", Limit(3, timedelta(minutes=7)))
    for number in range(3):
        count_attempt(uow, f"{number}@example.test", HOME)
    assert refused(uow, "x@example.test") == ("sign_in_too_often", {"retry_after_s": 420, "minutes": 7})
    assert count_attempt(uow, "y@example.test", "198.51.100.1") is None


def test_an_account_slows_down_by_doubling_pauses_up_to_the_longest(uow: UnitOfWork, noon: datetime) -> None:
    for number in range(FREE):
        count_attempt(uow, EMAIL, f"198.51.100.{number}")
    last = noon
    for number, pause_s in enumerate([1, 2, 4, 8, 16, *[SLOWEST_S] * 8]):
        until, address = last + pause_s * SECOND, f"203.0.113.{number}"
        with clock.frozen(until - timedelta(milliseconds=1)):
            assert refused(uow, address=address) == ("sign_in_slowed", {"retry_after_s": 1})
        with clock.frozen(until):
            count_attempt(uow, EMAIL, address)
        last = until
        assert counts(uow)[OF_ACCOUNT] == (FREE + number + 1, last)
    with clock.frozen(last + ACCOUNT.window - SECOND):
        count_attempt(uow, EMAIL, "203.0.113.100")
        assert counts(uow)[OF_ACCOUNT][0] == FREE + 14
    with clock.frozen(last + 2 * ACCOUNT.window - SECOND):
        count_attempt(uow, EMAIL, "203.0.113.101")
        assert counts(uow)[OF_ACCOUNT] == (1, last + 2 * ACCOUNT.window - SECOND)


def test_the_pause_that_is_left_is_said_in_whole_seconds(uow: UnitOfWork) -> None:
    for number in range(FREE + 1):
        clock.advance(SECOND)
        count_attempt(uow, EMAIL, f"198.51.100.{number}")
    assert refused(uow) == ("sign_in_slowed", {"retry_after_s": 2})
    clock.advance(timedelta(milliseconds=500))
    assert refused(uow, address="203.0.113.1") == ("sign_in_slowed", {"retry_after_s": 2})
    clock.advance(timedelta(milliseconds=1499))
    assert refused(uow, address="203.0.113.2") == ("sign_in_slowed", {"retry_after_s": 1})


class TestKnownDevice:
    def test_it_is_counted_by_itself(self, uow: UnitOfWork, noon: datetime) -> None:
        assert count_attempt(uow, EMAIL, HOME, DEVICE) == DEVICE
        assert counts(uow) == {OF_DEVICE: (1, noon)}

    def test_one_that_failed_too_often_is_unknown(self, uow: UnitOfWork, noon: datetime) -> None:
        for _ in range(ACCOUNT.attempts):
            assert count_attempt(uow, EMAIL, HOME, DEVICE) == DEVICE
        assert count_attempt(uow, EMAIL, HOME, DEVICE) is None
        assert counts(uow) == {OF_DEVICE: (10, noon), PAIR: (1, noon), NETWORK: (1, noon), OF_ACCOUNT: (1, noon)}


class TestForgive:
    def test_the_right_password_forgets_what_counted_against_it(self, uow: UnitOfWork, noon: datetime) -> None:
        for address in (HOME, HOME, "198.51.100.1"):
            count_attempt(uow, EMAIL, address)
        count_attempt(uow, "other@example.test", HOME)
        count_attempt(uow, EMAIL, HOME, DEVICE)
        forgive_attempt(uow, EMAIL.upper(), HOME)
        assert counts(uow) == {
            OF_DEVICE: (1, noon),
            NETWORK: (2, noon),
            hashed("pair", "owner@example.test", "198.51.100.1"): (1, noon),
            hashed("address", "198.51.100.1"): (1, noon),
            hashed("pair", "other@example.test", HOME): (1, noon),
            hashed("account", "other@example.test"): (1, noon),
        }

    def test_at_a_known_device_it_forgets_the_devices_failures_alone(self, uow: UnitOfWork, noon: datetime) -> None:
        count_attempt(uow, EMAIL, HOME, DEVICE)
        count_attempt(uow, EMAIL, HOME)
        forgive_attempt(uow, EMAIL, HOME, DEVICE)
        assert counts(uow) == {PAIR: (1, noon), NETWORK: (1, noon), OF_ACCOUNT: (1, noon)}

    def test_from_an_unknown_network(self, uow: UnitOfWork) -> None:
        count_attempt(uow, EMAIL, None)
        forgive_attempt(uow, EMAIL, None)
        assert counts(uow) == {}

    def test_a_network_is_never_owed_an_attempt(self, uow: UnitOfWork, noon: datetime) -> None:
        count_attempt(uow, EMAIL, HOME)
        for _ in range(3):
            forgive_attempt(uow, EMAIL, HOME)
        assert counts(uow) == {NETWORK: (0, noon)}


def test_counts_are_kept_for_a_day_and_no_longer(uow: UnitOfWork, noon: datetime) -> None:
    count_attempt(uow, EMAIL, None)
    clock.advance(SECOND)
    count_attempt(uow, "late@example.test", HOME)
    with clock.frozen(noon + KEPT):
        purge_old_counts(uow)
        assert len(counts(uow)) == 5
    with clock.frozen(noon + KEPT + SECOND):
        purge_old_counts(uow)
        assert {since_at for _, since_at in counts(uow).values()} == {noon + SECOND}
        assert len(counts(uow)) == 3
