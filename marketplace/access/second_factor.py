"""The second factor: codes of an authenticator app, and recovery codes for the day on which it is lost.

The app's secret is stored sealed, recovery codes as hashes. A code counts once: whoever brings it first moves the step that
was used last, or marks the recovery code, in one conditional update. Guesses are counted before this
(`sign_in_limits.count_attempt` for `counted_as`), in a transaction of their own.

All run in the platform's own unit of work: a person belongs to no organization.
"""

from __future__ import annotations

import hashlib
import json
import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import structlog
from sqlalchemy import delete, func, select, update

from kernel import audit, clock
from kernel.db.locks import lock_row
from kernel.db.uow import UnitOfWork
from kernel.errors import Conflict, Forbidden, Invalid, NotFound
from kernel.ids import uuid7
from kernel.jobs.outbox import emit
from kernel.secrets import SecretBox, SecretUnreadable
from kernel.signing import verify_password
from marketplace.access.events import AccountChanged, Change
from marketplace.access.models import Person, RecoveryCode, SecondFactor
from marketplace.access.totp import matching_step, new_secret, normalized
from marketplace.mail.queue_mail import NewMail, queue_mail

log = structlog.get_logger(__name__)
SETUP_LASTS: Final = timedelta(minutes=15)
RECOVERY_CODES: Final = 10
PAGE: Final = "/account/second-factor"
_ALPHABET: Final = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"
"""32 characters, none of which is read as another."""


@dataclass(frozen=True, slots=True)
class Status:
    """How one signs in. `since` None: by the password alone."""

    since: datetime | None
    recovery_codes_left: int


@dataclass(frozen=True, slots=True)
class Setup:
    """A second factor that is not on yet. It is kept by nobody but the browser, which holds it sealed."""

    id: UUID
    secret: str = field(repr=False)
    recovery_codes: tuple[str, ...] = field(repr=False)
    sealed: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Reauthentication:
    """Password and code, asked again before something of the second factor is changed."""

    person_id: UUID
    password: str = field(repr=False)
    code: str = field(default="", repr=False)


def counted_as(person_id: UUID) -> str:
    """The account as which guesses at its codes are counted, apart from those at its password."""
    return f"second factor {person_id}"


def read_status(uow: UnitOfWork, person_id: UUID) -> Status:
    """Whether it is on, and how many recovery codes are left."""
    left = (
        select(func.count())
        .where(RecoveryCode.factor_id == SecondFactor.id, RecoveryCode.used_at.is_(None))
        .scalar_subquery()
    )
    row = uow.session.execute(
        select(SecondFactor.created_at, left.label("left")).where(SecondFactor.person_id == person_id)
    ).one_or_none()
    return Status(None, 0) if row is None else Status(row.created_at, row.left)


def find_second_factor(uow: UnitOfWork, person_id: UUID) -> SecondFactor | None:
    """The person's second factor, None when it is off."""
    return uow.session.scalar(select(SecondFactor).where(SecondFactor.person_id == person_id))


def begin_setup(uow: UnitOfWork, box: SecretBox, session_id: UUID, asked: Reauthentication) -> Setup:
    """A new secret with its recovery codes, for who has typed their password. Nothing is on before `confirm_setup`.

    Raises:
        Invalid: `password_wrong`. Conflict: `second_factor_on`. NotFound: `person_not_found`.

    Locks: the person.
    """
    person = _reauthenticated(uow, asked)
    if find_second_factor(uow, person.id) is not None:
        raise Conflict("second_factor_on")
    setup_id, secret, codes = uuid7(), new_secret(), _new_codes()
    until = int((clock.now() + SETUP_LASTS).timestamp())
    content = {"id": str(setup_id), "secret": secret, "codes": codes, "until": until}
    sealed = box.seal(json.dumps(content).encode(), _setup_context(session_id))
    return Setup(setup_id, secret, codes, sealed)


def open_setup(box: SecretBox, session_id: UUID, sealed: str) -> Setup:
    """What `begin_setup` sealed for this session. Raises Invalid(`setup_expired`): too late, or not of this session."""
    try:
        content = json.loads(box.open(sealed, _setup_context(session_id)))
    except SecretUnreadable:
        raise Invalid("setup_expired") from None
    if clock.now().timestamp() >= content["until"]:
        raise Invalid("setup_expired")
    return Setup(UUID(content["id"]), content["secret"], tuple(content["codes"]), sealed)


def confirm_setup(uow: UnitOfWork, box: SecretBox, person_id: UUID, setup: Setup, code: str) -> tuple[str, ...]:
    """Switch it on by a first right code. Returns the recovery codes, to be shown now and never again.

    Confirmed again with the same setup, as a double click does, it answers the same.

    Raises:
        Invalid: `setup_code_wrong`. Conflict: `second_factor_on`: another one. NotFound: `person_not_found`.

    Locks: the person.
    """
    person = _locked(uow, person_id)
    step = matching_step(setup.secret, code, clock.wall_now())
    if step is None:
        raise Invalid("setup_code_wrong", field="code")
    known = find_second_factor(uow, person_id)
    if known is not None and known.id != setup.id:
        raise Conflict("second_factor_on")
    if known is None:
        sealed = box.seal(setup.secret.encode(), _context(setup.id))
        uow.session.add(
            SecondFactor(id=setup.id, person_id=person_id, secret_sealed=sealed, last_step=step, created_at=clock.now())
        )
        uow.flush()
        _store_codes(uow, setup.id, setup.recovery_codes)
        _tell(uow, person, "second_factor_on")
    return setup.recovery_codes


def remove_second_factor(uow: UnitOfWork, box: SecretBox, asked: Reauthentication) -> None:
    """Switch it off; the password alone signs in from now on.

    Raises:
        Invalid: `password_wrong`, `code_wrong`. Conflict: `second_factor_off`. NotFound: `person_not_found`.

    Locks: the person, then the second factor.
    """
    _remove(uow, *_proved(uow, box, asked))


def reset_second_factor(uow: UnitOfWork, email: str) -> None:
    """Switch it off for somebody who has lost the app and the recovery codes; whoever runs the installation knows them.

    Raises:
        Forbidden: `permission_missing`: the unit of work is not the platform's own.
        NotFound: `person_not_found`. Conflict: `second_factor_off`.

    Locks: the person.
    """
    if not uow.principal.is_platform:
        raise Forbidden("permission_missing")
    person = _locked(uow, uow.session.scalar(select(Person.id).where(Person.email == email.strip().lower())))
    factor = find_second_factor(uow, person.id)
    if factor is None:
        raise Conflict("second_factor_off")
    _remove(uow, person, factor)


def renew_recovery_codes(uow: UnitOfWork, box: SecretBox, asked: Reauthentication) -> tuple[str, ...]:
    """Ten new recovery codes in place of those there are, to be shown now and never again.

    Raises:
        Invalid: `password_wrong`, `code_wrong`. Conflict: `second_factor_off`. NotFound: `person_not_found`.

    Locks: the person, then the second factor.
    """
    person, factor = _proved(uow, box, asked)
    uow.session.execute(delete(RecoveryCode).where(RecoveryCode.factor_id == factor.id))
    codes = _new_codes()
    _store_codes(uow, factor.id, codes)
    _tell(uow, person, "recovery_codes_made")
    return codes


def use_code(uow: UnitOfWork, box: SecretBox, factor: SecondFactor, typed: str) -> bool:
    """Whether this is a code that was not used before; used up by this, however many bring it at once.

    Locks: the second factor, or the recovery code.
    """
    secret = _secret_of(factor, box)
    step = None if secret is None else matching_step(secret, typed, clock.wall_now(), after=factor.last_step)
    if step is not None:
        moved = (
            update(SecondFactor)
            .where(SecondFactor.id == factor.id, SecondFactor.last_step < step)
            .values(last_step=step)
            .returning(SecondFactor.id)
        )
        return uow.session.scalar(moved) is not None
    used = (
        update(RecoveryCode)
        .where(
            RecoveryCode.factor_id == factor.id,
            RecoveryCode.code_hash == _hashed(factor.id, typed),
            RecoveryCode.used_at.is_(None),
        )
        .values(used_at=clock.now())
        .returning(RecoveryCode.id)
    )
    if uow.session.scalar(used) is None:
        return False
    person = uow.session.get_one(Person, factor.person_id)
    _tell(uow, person, "recovery_code_used", codes_left=read_status(uow, person.id).recovery_codes_left)
    return True


def _secret_of(factor: SecondFactor, box: SecretBox) -> str | None:
    """None when the installation's key is another one now: recovery codes do not depend on it."""
    try:
        return box.open(factor.secret_sealed, _context(factor.id)).decode()
    except SecretUnreadable:
        log.warning("second_factor_unreadable", factor_id=str(factor.id))
        return None


def _proved(uow: UnitOfWork, box: SecretBox, asked: Reauthentication) -> tuple[Person, SecondFactor]:
    person = _reauthenticated(uow, asked)
    factor = find_second_factor(uow, person.id)
    if factor is None:
        raise Conflict("second_factor_off")
    if not use_code(uow, box, factor, asked.code):
        raise Invalid("code_wrong", field="code")
    return person, factor


def _reauthenticated(uow: UnitOfWork, asked: Reauthentication) -> Person:
    person = _locked(uow, asked.person_id)
    if not verify_password(person.password_hash, asked.password):
        raise Invalid("password_wrong", field="password")
    return person


def _remove(uow: UnitOfWork, person: Person, factor: SecondFactor) -> None:
    uow.session.execute(delete(RecoveryCode).where(RecoveryCode.factor_id == factor.id))
    uow.session.delete(factor)
    _tell(uow, person, "second_factor_off")


def _locked(uow: UnitOfWork, person_id: UUID | None) -> Person:
    person = None if person_id is None else lock_row(uow.session, Person, person_id)
    if person is None:
        raise NotFound("person_not_found")
    return person


def _tell(uow: UnitOfWork, person: Person, change: Change, *, codes_left: int | None = None) -> None:
    """Each is a security event: audited, and mailed to whose account it is."""
    audit.record(uow, f"person.{change}", subject_id=person.id)
    emit(uow, AccountChanged(person_id=person.id, change=change, codes_left=codes_left))
    left = {} if codes_left is None else {"left": str(codes_left)}
    said = {"path": PAGE, "email": person.email, **left}
    queue_mail(uow, NewMail(person.email, change, person.locale, said, person.id))
    uow.flush()


def _new_codes() -> tuple[str, ...]:
    """80 random bits each: their plain hash gives nothing back."""
    drawn = ["".join(secrets.choice(_ALPHABET) for _ in range(16)) for _ in range(RECOVERY_CODES)]
    return tuple("-".join(code[at : at + 4] for at in range(0, 16, 4)) for code in drawn)


def _store_codes(uow: UnitOfWork, factor_id: UUID, codes: tuple[str, ...]) -> None:
    uow.session.add_all(
        RecoveryCode(id=uuid7(), factor_id=factor_id, code_hash=_hashed(factor_id, one)) for one in codes
    )
    uow.flush()


def _hashed(factor_id: UUID, typed: str) -> str:
    return hashlib.sha256(f"{factor_id} {normalized(typed)}".encode("utf-8", "surrogatepass")).hexdigest()


def _context(factor_id: UUID) -> str:
    return f"second_factor:{factor_id}"


def _setup_context(session_id: UUID) -> str:
    return f"second_factor_setup:{session_id}"
