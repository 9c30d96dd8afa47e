"""Signing in and out, and switching between one's organizations. Sessions live here, the browser holds a token only.

All three run in the platform's own unit of work (`authenticate.DOOR`): a session may move between organizations.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import delete, select, update

from kernel import clock
from kernel.db.uow import UnitOfWork
from kernel.errors import Forbidden, NotFound, Unauthenticated
from kernel.ids import uuid7
from kernel.signing import hash_password, password_needs_rehash, verify_password
from marketplace.access.authenticate import csrf_of, hash_token, organizations_of
from marketplace.access.models import Person, SignInSession
from marketplace.access.sign_in_limits import forgive_attempt

LASTS = timedelta(days=14)


@dataclass(frozen=True, slots=True)
class SignIn:
    """Address and password, and which organization to begin with (by default the oldest membership).

    `network_address` is where the attempt comes from, as far as that is known; `device_id` the known device that it was
    counted against.
    """

    email: str
    password: str = field(repr=False)
    org_id: UUID | None = None
    network_address: str | None = None
    device_id: str | None = None


@dataclass(frozen=True, slots=True)
class NewSession:
    """A session as its browser learns of it, once. `token` is kept by nobody here."""

    session_id: UUID
    token: str = field(repr=False)
    csrf: str = field(repr=False)
    org_id: UUID
    person_id: UUID
    expires_at: datetime


def sign_in(uow: UnitOfWork, command: SignIn) -> NewSession:
    """Open a session. An unknown address takes as long as a wrong password and gets the same answer.

    `sign_in_limits.count_attempt` stands before this, in a transaction that outlives a refusal.

    Raises:
        Unauthenticated: `credentials_invalid`.
        Forbidden: `membership_ended`: the password is right and no organization is left to act for.
    """
    person = uow.session.scalar(select(Person).where(Person.email == command.email.strip().lower()))
    if not verify_password(person.password_hash if person else None, command.password) or person is None:
        raise Unauthenticated("credentials_invalid")
    if password_needs_rehash(person.password_hash):
        person.password_hash = hash_password(command.password)
    memberships = organizations_of(uow, person.id)
    chosen = next((item for item in memberships if command.org_id in {None, item.org_id}), None)
    if chosen is None:
        raise Forbidden("membership_ended")
    now = clock.now()
    token = secrets.token_urlsafe(32)
    row = SignInSession(
        id=uuid7(),
        token_hash=hash_token(token),
        person_id=person.id,
        org_id=chosen.org_id,
        expires_at=now + LASTS,
        created_at=now,
    )
    uow.session.add(row)
    uow.flush()
    forgive_attempt(uow, command.email, command.network_address, command.device_id)
    return NewSession(row.id, token, csrf_of(token), chosen.org_id, person.id, row.expires_at)


def sign_out(uow: UnitOfWork, session_id: UUID) -> None:
    """End a session for good; ended already, nothing changes."""
    uow.session.execute(
        update(SignInSession)
        .where(SignInSession.id == session_id, SignInSession.revoked_at.is_(None))
        .values(revoked_at=clock.now())
    )


def switch_organization(uow: UnitOfWork, session_id: UUID, person_id: UUID, org_id: UUID) -> None:
    """Act for another of one's organizations from the next request on.

    Raises:
        NotFound: `organization_not_found`: the person is no member there.
    """
    if org_id not in {item.org_id for item in organizations_of(uow, person_id)}:
        raise NotFound("organization_not_found")
    uow.session.execute(
        update(SignInSession)
        .where(SignInSession.id == session_id, SignInSession.person_id == person_id, SignInSession.revoked_at.is_(None))
        .values(org_id=org_id)
    )


def purge_ended_sessions(uow: UnitOfWork) -> None:
    """Delete sessions whose time is over."""
    uow.session.execute(delete(SignInSession).where(SignInSession.expires_at < clock.now()))
