"""Who is behind a credential. Asked on every request, so that a role taken away is gone with the next one.

The units of work given here are the platform's own (`DOOR`): nobody has been recognised yet, and a session may belong
to any organization.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from sqlalchemy import select, update

from kernel import clock
from kernel.db.uow import UnitOfWork
from kernel.principal import Kind, Principal
from kernel.signing import read_api_key
from marketplace.organizations.models import PLATFORM_ORG_ID, Organization
from marketplace.people.models import ApiKey, Member, Person, SignInSession
from marketplace.people.permissions import OPERATOR, OPERATOR_ROLE, permissions_of

DOOR = Principal(Kind.SYSTEM, label="door")
"""Who acts while it is not yet known who acts: signing in, registering, resolving a credential."""
USED_WITHIN = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Belonging:
    """An organization a person may act for."""

    org_id: UUID
    display_name: str
    roles: tuple[str, ...]
    is_seller: bool
    is_platform: bool


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A recognised browser: who, for which organization, and where else they may go."""

    principal: Principal
    session_id: UUID
    csrf: str
    person_name: str
    email: str
    locale: str
    time_zone: str
    organization: Belonging
    organizations: tuple[Belonging, ...]


def hash_token(token: str) -> str:
    """What is stored of a session token: SHA-256, enough for 256 random bits."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def principal_for_session(uow: UnitOfWork, token: str) -> SignedIn | None:
    """The person behind a session token, or None when it is unknown, over, revoked, or its membership has ended."""
    row = uow.session.execute(
        select(SignInSession, Person, Organization.time_zone)
        .join(Person, Person.id == SignInSession.person_id)
        .join(Organization, Organization.id == SignInSession.org_id)
        .where(
            SignInSession.token_hash == hash_token(token),
            SignInSession.revoked_at.is_(None),
            SignInSession.expires_at > clock.now(),
        )
    ).first()
    if row is None:
        return None
    session, person, time_zone = row
    belongings = organizations_of(uow, person.id)
    current = next((item for item in belongings if item.org_id == session.org_id), None)
    if current is None:
        return None
    return SignedIn(
        principal=_principal(person, current),
        session_id=session.id,
        csrf=session.csrf,
        person_name=person.name,
        email=person.email,
        locale=person.locale,
        time_zone=time_zone,
        organization=current,
        organizations=belongings,
    )


def principal_for_api_key(uow: UnitOfWork, key: str) -> Principal | None:
    """The server behind an API key, or None when it is unknown, expired or revoked.

    A key never holds more than its maker holds now: when they lose a role or leave, the key loses it too.
    """
    presented = read_api_key(key)
    if presented is None:
        return None
    now = clock.now()
    row = uow.session.execute(
        select(ApiKey, Member.roles)
        .join(Member, (Member.org_id == ApiKey.org_id) & (Member.person_id == ApiKey.created_by))
        .join(Organization, Organization.id == ApiKey.org_id)
        .where(
            ApiKey.prefix == presented.key_id,
            ApiKey.revoked_at.is_(None),
            Member.state == "active",
            Organization.state == "active",
        )
    ).first()
    if row is None:
        return None
    found, roles = row
    if not hmac.compare_digest(presented.digest, found.secret_hash):
        return None
    if found.expires_at is not None and found.expires_at <= now:
        return None
    if found.last_used_at is None or found.last_used_at < now - USED_WITHIN:
        uow.session.execute(update(ApiKey).where(ApiKey.id == found.id).values(last_used_at=now))
    held = frozenset(found.scopes) & permissions_of(roles)
    return Principal(Kind.API_KEY, org_id=found.org_id, permissions=held, label=found.name)


def organizations_of(uow: UnitOfWork, person_id: UUID) -> tuple[Belonging, ...]:
    """Every active organization the person is an active member of, oldest membership first."""
    rows = uow.session.execute(
        select(Member.org_id, Member.roles, Organization)
        .join(Organization, Organization.id == Member.org_id)
        .where(Member.person_id == person_id, Member.state == "active", Organization.state == "active")
        .order_by(Member.created_at, Member.id)
    )
    return tuple(
        Belonging(org_id, organization.display_name, tuple(roles), organization.is_seller, organization.is_platform)
        for org_id, roles, organization in rows
    )


def _principal(person: Person, current: Belonging) -> Principal:
    if current.org_id == PLATFORM_ORG_ID and person.is_operator and OPERATOR_ROLE in current.roles:
        return Principal(Kind.OPERATOR, org_id=current.org_id, person_id=person.id, permissions=OPERATOR)
    return Principal(Kind.PERSON, org_id=current.org_id, person_id=person.id, permissions=permissions_of(current.roles))
