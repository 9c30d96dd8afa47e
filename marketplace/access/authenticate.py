"""Who is behind a credential. Asked on every request, so that a role taken away is gone with the next one.

The units of work given here are the platform's own (`PRE_AUTH`): nobody has been recognised yet, and a session may belong
to any organization.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, Text, any_, bindparam, select, update

from kernel import clock
from kernel.db.statements import Read
from kernel.db.uow import UnitOfWork
from kernel.principal import Principal, PrincipalKind
from kernel.signing import read_api_key
from marketplace.access.models import ApiKey, Member, Person, SignInSession
from marketplace.access.permissions import OPERATOR, OPERATOR_ROLE, permissions_of
from marketplace.parties.models import PLATFORM_ORG_ID, Organization

PRE_AUTH = Principal(PrincipalKind.SYSTEM, label="pre_auth")
"""Who acts while it is not yet known who acts: signing in, registering, resolving a credential."""
USED_WITHIN = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Membership:
    """An organization a person may act for."""

    org_id: UUID
    display_name: str
    roles: tuple[str, ...]
    is_seller: bool
    is_platform: bool
    requires_provider: bool = False
    """Whether it wants its members signed in by its own identity provider."""

    def admits(self, provider_org_id: UUID | None) -> bool:
        """Whether a session may act for it that was signed in by that organization's provider, or (None) by password.

        A provider speaks for its own organization alone. Owners come in by password, too: a provider may fail.
        """
        if provider_org_id is not None:
            return provider_org_id == self.org_id
        return not self.requires_provider or "owner" in self.roles


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
    organization: Membership
    organizations: tuple[Membership, ...]
    by_provider: bool = False
    """Whether they came in by their organization's provider: they may have no password here."""
    is_displaced: bool = False
    """The session stands for an organization that its person may not act for any more. `organization` is the next of theirs, for
    which they act once they were told (`sessions.leave_behind`)."""


_MEMBERSHIPS = (
    select(
        Member.org_id,
        Member.roles,
        Organization.display_name,
        Organization.is_seller,
        Organization.is_platform,
        Organization.requires_provider,
    )
    .join(Organization, Organization.id == Member.org_id)
    .where(Member.state == "active", Organization.state == "active")
    .order_by(Member.created_at, Member.id)
)

# Both are asked on every request: one statement each, built once, of plain columns where objects are not needed.
_OPEN = (
    select(
        SignInSession.id,
        SignInSession.token_hash,
        SignInSession.person_id,
        SignInSession.org_id.label("current_id"),
        SignInSession.provider_org_id,
    )
    .where(
        SignInSession.token_hash == any_(bindparam("token_hashes", type_=ARRAY(Text))),
        SignInSession.revoked_at.is_(None),
        SignInSession.expires_at > bindparam("now"),
    )
    .cte("open_session")
    # First the session and then who it is: a plan that is kept, made for few rows, would walk through all members to it.
    .prefix_with("MATERIALIZED")
)
_SESSION = Read(
    _MEMBERSHIPS.add_columns(
        _OPEN.c.id.label("session_id"),
        _OPEN.c.token_hash,
        _OPEN.c.current_id,
        _OPEN.c.provider_org_id,
        Organization.time_zone,
        Person.id.label("person_id"),
        Person.name,
        Person.email,
        Person.locale,
        Person.is_operator,
    )
    .join(Person, Person.id == Member.person_id)
    .join(_OPEN, _OPEN.c.person_id == Person.id)
)
_API_KEY = Read(
    select(ApiKey, Member.roles)
    .join(Member, (Member.org_id == ApiKey.org_id) & (Member.person_id == ApiKey.created_by))
    .join(Organization, Organization.id == ApiKey.org_id)
    .where(
        ApiKey.prefix == bindparam("prefix"),
        ApiKey.revoked_at.is_(None),
        Member.state == "active",
        Organization.state == "active",
    )
)


def hash_token(token: str) -> str:
    """What is stored of a session token: SHA-256, enough for 256 random bits."""
    return hashlib.sha256(token.encode(errors="surrogatepass")).hexdigest()


def csrf_of(token: str) -> str:
    """What a session's forms carry. It comes from the token that the browser alone holds, so nothing of it is stored here."""
    mac = hmac.digest(token.encode(errors="surrogatepass"), b"channel-market csrf", hashlib.sha256)
    return base64.urlsafe_b64encode(mac).decode().rstrip("=")


def principal_for_session(uow: UnitOfWork, token: str) -> SignedIn | None:
    """The person behind a session token, or None when it is unknown, over or revoked, or no membership is left to them."""
    return _signed_in(uow.fetch(_SESSION, token_hashes=[hash_token(token)], now=clock.now()), token)


def principals_for_sessions(uow: UnitOfWork, tokens: Sequence[str]) -> dict[str, Principal]:
    """The actor behind each session token, in one statement.

    Those that `principal_for_session` would not find are left out, and who was displaced.
    """
    by_hash = {hash_token(token): token for token in tokens}
    rows = uow.fetch(_SESSION, token_hashes=list(by_hash), now=clock.now())
    return {
        by_hash[row.token_hash]: _principal(row.person_id, _membership(row), is_operator=row.is_operator)
        for row in rows
        if row.org_id == row.current_id and _membership(row).admits(row.provider_org_id)
    }


def _signed_in(rows: Sequence[Any], token: str) -> SignedIn | None:
    pairs = [(row, _membership(row)) for row in rows]
    pairs = [(row, membership) for row, membership in pairs if membership.admits(row.provider_org_id)]
    if not pairs:
        return None
    current = next((pair for pair in pairs if pair[0].org_id == pair[0].current_id), None)
    row, membership = current or pairs[0]
    return SignedIn(
        principal=_principal(row.person_id, membership, is_operator=row.is_operator),
        session_id=row.session_id,
        csrf=csrf_of(token),
        person_name=row.name,
        email=row.email,
        locale=row.locale,
        time_zone=row.time_zone,
        organization=membership,
        organizations=tuple(membership for _, membership in pairs),
        by_provider=row.provider_org_id is not None,
        is_displaced=current is None,
    )


def principal_for_api_key(uow: UnitOfWork, key: str) -> Principal | None:
    """The server behind an API key, or None when it is unknown, expired or revoked.

    A key never holds more than its maker holds now: when they lose a role or leave, the key loses it too.
    """
    presented = read_api_key(key)
    if presented is None:
        return None
    now = clock.now()
    row = uow.find(_API_KEY, prefix=presented.key_id)
    if row is None:
        return None
    found, roles = row
    if not hmac.compare_digest(presented.digest, found.secret_hash):
        return None
    if found.expires_at is not None and found.expires_at <= now:
        return None
    if found.last_used_at is None or found.last_used_at < now - USED_WITHIN:
        _record_use(uow, found.id, now)
    held = frozenset(found.scopes) & permissions_of(roles)
    return Principal(
        PrincipalKind.API_KEY, org_id=found.org_id, permissions=held, label=found.name, maker_id=found.created_by
    )


def _record_use(uow: UnitOfWork, key_id: UUID, now: datetime) -> None:
    """Note that the key is in use. Whoever finds it being noted goes on: the row stays locked until that request is over."""
    free = select(ApiKey.id).where(ApiKey.id == key_id).with_for_update(skip_locked=True, key_share=True)
    uow.session.execute(update(ApiKey).where(ApiKey.id.in_(free)).values(last_used_at=now))


def organizations_of(uow: UnitOfWork, person_id: UUID) -> tuple[Membership, ...]:
    """Every active organization the person is an active member of, oldest membership first."""
    return tuple(_membership(row) for row in uow.session.execute(_MEMBERSHIPS.where(Member.person_id == person_id)))


def _membership(row: Any) -> Membership:
    return Membership(
        row.org_id, row.display_name, tuple(row.roles), row.is_seller, row.is_platform, row.requires_provider
    )


def _principal(person_id: UUID, current: Membership, *, is_operator: bool) -> Principal:
    if current.org_id == PLATFORM_ORG_ID and is_operator and OPERATOR_ROLE in current.roles:
        return Principal(PrincipalKind.OPERATOR, org_id=current.org_id, person_id=person_id, permissions=OPERATOR)
    return Principal(
        PrincipalKind.PERSON, org_id=current.org_id, person_id=person_id, permissions=permissions_of(current.roles)
    )
