"""Signing in and out, and switching between one's organizations. Sessions live here, the browser holds a token only.

All run in the platform's own unit of work (`authenticate.DOOR`): a session may move between organizations.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import delete, select, update

from kernel import audit, clock
from kernel.db.uow import UnitOfWork
from kernel.errors import Forbidden, NotFound, Unauthenticated
from kernel.ids import uuid7
from kernel.jobs.outbox import emit
from kernel.secrets import SecretBox
from kernel.signing import BadToken, TokenSigner, hash_password, password_needs_rehash, verify_password
from marketplace.access.authenticate import csrf_of, hash_token, organizations_of
from marketplace.access.events import SignedInFromNewDevice
from marketplace.access.models import Person, SignInSession
from marketplace.access.second_factor import counted_as, find_second_factor, use_code
from marketplace.access.sign_in_limits import forgive_attempt
from marketplace.input_text import optional_line
from marketplace.parties.models import Organization

LASTS = timedelta(days=14)
CODE_WITHIN = timedelta(minutes=10)
"""How long a password that was right waits for its code."""
SIGNED_FOR = "sign_in_code"
FIRST_DAY = timedelta(days=1)
"""Of an account: its owner's own browsers are all new then, and nobody needs to be told of them."""
AGENT_CHARACTERS = 200
MOST_LISTED = 50


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
    agent: str = ""
    """What the browser calls itself (`User-Agent`), for its owner's list of sessions."""


@dataclass(frozen=True, slots=True)
class Browser:
    """What is known of where somebody signs in."""

    agent: str = ""
    network_address: str = ""


@dataclass(frozen=True, slots=True)
class SessionRow:
    """A session as its owner sees it."""

    id: UUID
    is_current: bool
    organization: str
    agent: str
    network_address: str
    created_at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class NewSession:
    """A session as its browser learns of it, once. `token` is kept by nobody here."""

    session_id: UUID
    token: str = field(repr=False)
    csrf: str = field(repr=False)
    org_id: UUID
    person_id: UUID
    expires_at: datetime


class CodeRequired(Unauthenticated):
    """The password was right, and a second factor is asked for as well."""

    def __init__(self, person: Person, provider_org_id: UUID | None = None) -> None:
        super().__init__("code_required")
        self.person_id = person.id
        self.email = person.email
        self.provider_org_id = provider_org_id
        self.password_id = _password_id(person)


@dataclass(frozen=True, slots=True)
class PasswordProved:
    """Whose password was right a moment ago, or whom an organization's provider named."""

    person_id: UUID
    email: str
    provider_org_id: UUID | None = None


def sign_in(uow: UnitOfWork, command: SignIn) -> NewSession:
    """Open a session. An unknown address takes as long as a wrong password and gets the same answer.

    `sign_in_limits.count_attempt` stands before this, in a transaction that outlives a refusal.

    Raises:
        CodeRequired: the password is right, and `sign_in_with_code` comes next.
        Unauthenticated: `credentials_invalid`.
        Forbidden: `membership_ended`: the password is right and no organization is left to act for;
            `provider_required`: those that are left want to be signed in to by their own identity provider.
    """
    person = uow.session.scalar(select(Person).where(Person.email == command.email.strip().lower()))
    if not verify_password(person.password_hash if person else None, command.password) or person is None:
        raise Unauthenticated("credentials_invalid")
    if find_second_factor(uow, person.id) is not None:
        raise CodeRequired(person)
    if password_needs_rehash(person.password_hash):
        person.password_hash = hash_password(command.password)
    return _open(uow, person, command)


def sign_in_with_code(
    uow: UnitOfWork, box: SecretBox, proved: PasswordProved, code: str, command: SignIn, code_device_id: str | None
) -> NewSession:
    """Open a session by the second factor, the password having been right. `code_device_id`: as of `count_attempt`.

    `count_attempt` for `counted_as` the person stands before this, in a transaction that outlives a refusal.

    Raises:
        Unauthenticated: `code_wrong`: wrong, or used before. Forbidden: `membership_ended`.

    Locks: the second factor, or the recovery code.
    """
    factor = find_second_factor(uow, proved.person_id)
    # Switched off meanwhile, the password is enough.
    if factor is not None and not use_code(uow, box, factor, code):
        raise Unauthenticated("code_wrong")
    person, command = uow.session.get_one(Person, proved.person_id), replace(command, device_id=code_device_id)
    opened = _open(uow, person, command, proved.provider_org_id)
    forgive_attempt(uow, counted_as(proved.person_id), command.network_address, code_device_id)
    return opened


def sign_challenge(signer: TokenSigner, required: CodeRequired) -> str:
    """What a browser brings with the code, in place of the password."""
    claims = {"id": str(required.person_id), "password": required.password_id}
    if required.provider_org_id is not None:
        claims["provider"] = str(required.provider_org_id)
    return signer.sign_token(SIGNED_FOR, claims, clock.now() + CODE_WITHIN)


def open_challenge(uow: UnitOfWork, signer: TokenSigner, token: str) -> PasswordProved:
    """Whose password was right. Raises Unauthenticated(`challenge_over`): too late, not ours, or another password is set."""
    try:
        claims = signer.open_token(SIGNED_FOR, token)
    except BadToken:
        raise Unauthenticated("challenge_over") from None
    person = uow.session.get(Person, UUID(claims["id"]))
    if person is None or _password_id(person) != claims["password"]:
        raise Unauthenticated("challenge_over")
    provider = claims.get("provider")
    return PasswordProved(person.id, person.email, UUID(provider) if provider else None)


def _password_id(person: Person) -> str:
    """Another one for each password that is set; it tells nothing of it."""
    return hashlib.sha256(person.password_hash.encode()).hexdigest()[:16]


def _open(uow: UnitOfWork, person: Person, command: SignIn, provider_org_id: UUID | None = None) -> NewSession:
    memberships = [item for item in organizations_of(uow, person.id) if command.org_id in {None, item.org_id}]
    chosen = next((item for item in memberships if item.admits(provider_org_id)), None)
    if chosen is None:
        raise Forbidden("provider_required" if memberships and provider_org_id is None else "membership_ended")
    browser = Browser(command.agent, command.network_address or "")
    opened = begin_session(uow, person.id, chosen.org_id, browser, provider_org_id)
    forgive_attempt(uow, person.email, command.network_address, command.device_id)
    if command.device_id is None and person.created_at < clock.now() - FIRST_DAY:
        emit(uow, SignedInFromNewDevice(session_id=opened.session_id, person_id=person.id))
    return opened


def begin_session(
    uow: UnitOfWork, person_id: UUID, org_id: UUID, browser: Browser, provider_org_id: UUID | None = None
) -> NewSession:
    """Open a session for somebody who has just proved who they are, `provider_org_id` by whose identity provider."""
    now = clock.now()
    token = secrets.token_urlsafe(32)
    row = SignInSession(
        id=uuid7(),
        token_hash=hash_token(token),
        person_id=person_id,
        org_id=org_id,
        provider_org_id=provider_org_id,
        expires_at=now + LASTS,
        agent=optional_line("agent", browser.agent[:AGENT_CHARACTERS]),
        network=browser.network_address,
        created_at=now,
    )
    uow.session.add(row)
    uow.flush()
    return NewSession(row.id, token, csrf_of(token), org_id, person_id, row.expires_at)


def list_sessions(uow: UnitOfWork, person_id: UUID, current_id: UUID) -> list[SessionRow]:
    """The person's open sessions, the one in use first, then the newest."""
    rows = uow.session.execute(
        select(SignInSession, Organization.display_name)
        .join(Organization, Organization.id == SignInSession.org_id)
        .where(
            SignInSession.person_id == person_id,
            SignInSession.revoked_at.is_(None),
            SignInSession.expires_at > clock.now(),
        )
        .order_by((SignInSession.id != current_id), SignInSession.created_at.desc(), SignInSession.id.desc())
        .limit(MOST_LISTED)
    )
    return [
        SessionRow(
            id=row.id,
            is_current=row.id == current_id,
            organization=organization,
            agent=row.agent,
            network_address=row.network,
            created_at=row.created_at,
            expires_at=row.expires_at,
        )
        for row, organization in rows
    ]


def revoke_session(uow: UnitOfWork, person_id: UUID, session_id: UUID) -> None:
    """End one of one's own sessions. Ended already, nothing changes.

    Raises:
        NotFound: `session_not_found`.
    """
    found = uow.session.scalar(
        select(SignInSession.id).where(SignInSession.id == session_id, SignInSession.person_id == person_id)
    )
    if found is None:
        raise NotFound("session_not_found")
    sign_out(uow, session_id)
    audit.record(uow, "session.revoked", subject_id=session_id)


def revoke_other_sessions(uow: UnitOfWork, person_id: UUID, kept_id: UUID) -> None:
    """End every session of the person but the one in use."""
    uow.session.execute(
        update(SignInSession)
        .where(SignInSession.person_id == person_id, SignInSession.id != kept_id, SignInSession.revoked_at.is_(None))
        .values(revoked_at=clock.now())
    )
    audit.record(uow, "session.others_revoked", subject_id=person_id)


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
        Forbidden: `provider_required`: it wants to be signed in to in another way.
    """
    chosen = next((item for item in organizations_of(uow, person_id) if item.org_id == org_id), None)
    if chosen is None:
        raise NotFound("organization_not_found")
    by = select(SignInSession.provider_org_id).where(SignInSession.id == session_id)
    if not chosen.admits(uow.session.scalar(by)):
        raise Forbidden("provider_required")
    uow.session.execute(
        update(SignInSession)
        .where(SignInSession.id == session_id, SignInSession.person_id == person_id, SignInSession.revoked_at.is_(None))
        .values(org_id=org_id)
    )


def leave_behind(uow: UnitOfWork, session_id: UUID, person_id: UUID, org_id: UUID) -> str:
    """Go on in `org_id`, the person having been told. Returns the name of the organization that the session stood for.

    Raises: as `switch_organization`.
    """
    stood_for = select(Organization.display_name).join(SignInSession, SignInSession.org_id == Organization.id)
    name = uow.session.scalars(stood_for.where(SignInSession.id == session_id)).one()
    switch_organization(uow, session_id, person_id, org_id)
    return name


def purge_ended_sessions(uow: UnitOfWork) -> None:
    """Delete sessions whose time is over."""
    uow.session.execute(delete(SignInSession).where(SignInSession.expires_at < clock.now()))
