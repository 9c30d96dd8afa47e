"""Signing in by an organization's own provider. All of it runs in the platform's own unit of work (`authenticate.PRE_AUTH`)."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from uuid import UUID

from sqlalchemy import select

from kernel import audit, clock
from kernel.db.locks import lock_row
from kernel.db.uow import UnitOfWork
from kernel.errors import Forbidden, Invalid, NotFound
from kernel.ids import uuid7
from kernel.jobs.outbox import emit
from kernel.secrets import SecretBox
from marketplace.access.add_person import NewPerson, add_person
from marketplace.access.events import MemberJoined
from marketplace.access.members import join
from marketplace.access.models import INVITATION, Invitation, Member, Person
from marketplace.access.second_factor import find_second_factor
from marketplace.access.sessions import Browser, CodeRequired, NewSession, begin_session
from marketplace.identity_providers.id_token import ProvedIdentity
from marketplace.identity_providers.models import EmailDomain, IdentityProvider, ProviderIdentity
from marketplace.identity_providers.set_provider import secret_context
from marketplace.input_text import checked_email
from marketplace.parties.models import Organization

NAME_CHARACTERS = 100


@dataclass(frozen=True, slots=True)
class ProviderFound:
    """The provider that an address leads to."""

    id: UUID
    org_id: UUID
    organization: str
    issuer: str
    client_id: str
    client_secret: str = field(default="", repr=False)


def find_provider_for(uow: UnitOfWork, email: str) -> ProviderFound:
    """Where people of an address's domain sign in. Raises Invalid `email_invalid`, NotFound `provider_not_found`."""
    domain = checked_email(email).rpartition("@")[2]
    row = uow.session.execute(
        select(IdentityProvider, Organization.display_name)
        .join(EmailDomain, EmailDomain.org_id == IdentityProvider.org_id)
        .join(Organization, Organization.id == IdentityProvider.org_id)
        .where(EmailDomain.domain == domain, EmailDomain.state == "approved", Organization.state == "active")
    ).one_or_none()
    if row is None:
        raise NotFound("provider_not_found")
    provider, organization = row
    return ProviderFound(provider.id, provider.org_id, organization, provider.issuer, provider.client_id)


def get_provider(uow: UnitOfWork, box: SecretBox, provider_id: UUID) -> ProviderFound:
    """A provider with its secret, to ask it. Raises NotFound `provider_not_found`."""
    row = uow.session.execute(
        select(IdentityProvider, Organization.display_name)
        .join(Organization, Organization.id == IdentityProvider.org_id)
        .where(IdentityProvider.id == provider_id, Organization.state == "active")
    ).one_or_none()
    if row is None:
        raise NotFound("provider_not_found")
    provider, organization = row
    secret = box.open(provider.secret_sealed, secret_context(provider.id)).decode()
    return ProviderFound(provider.id, provider.org_id, organization, provider.issuer, provider.client_id, secret)


def sign_in_by_provider(
    uow: UnitOfWork, asked: ProviderFound, proved: ProvedIdentity, browser: Browser
) -> NewSession | CodeRequired:
    """Open a session of the provider's organization alone for whom it named, who becomes known by that from now on.

    An account is bound once its address is proved: the provider verified it, and the platform approved its domain as the
    organization's own. Where a second factor is on, it is asked for as well: then what is returned says so.

    Raises:
        NotFound: `provider_not_found`: it was changed meanwhile. Invalid: `email_invalid`.
        Forbidden: `domain_not_approved`, `account_not_bound` (the platform's own staff), `membership_ended`,
            `invitation_needed`. Conflict: `identity_bound`: the account is bound to another of the provider's.

    Locks: the provider, then as `members.join`.
    """
    provider = lock_row(uow.session, IdentityProvider, asked.id)
    if provider is None or (provider.issuer, provider.client_id) != (asked.issuer, asked.client_id):
        raise NotFound("provider_not_found")
    email = checked_email(proved.email)
    if not _is_approved(uow, provider.org_id, email):
        raise Forbidden("domain_not_approved")
    known = uow.session.scalar(
        select(ProviderIdentity).where(
            ProviderIdentity.provider_id == provider.id, ProviderIdentity.subject == proved.subject
        )
    )
    person = uow.session.get_one(Person, known.person_id) if known else _bind(uow, provider, email, proved)
    member = select(Member.id).where(
        Member.org_id == provider.org_id, Member.person_id == person.id, Member.state == "active"
    )
    if uow.session.scalar(member) is None:
        raise Forbidden("membership_ended")
    if find_second_factor(uow, person.id) is not None:
        return CodeRequired(person, provider.org_id)
    return begin_session(uow, person.id, provider.org_id, browser, provider.org_id)


def _is_approved(uow: UnitOfWork, org_id: UUID, email: str) -> bool:
    found = select(EmailDomain.id).where(
        EmailDomain.org_id == org_id,
        EmailDomain.domain == email.rpartition("@")[2],
        EmailDomain.state == "approved",
    )
    return uow.session.scalar(found) is not None


def _bind(uow: UnitOfWork, provider: IdentityProvider, email: str, proved: ProvedIdentity) -> Person:
    """The person of a subject that is new here, made a member where the organization wants that."""
    person = uow.session.scalar(select(Person).where(Person.email == email))
    if person is not None and person.is_operator:
        raise Forbidden("account_not_bound")
    member = (
        uow.session.scalar(select(Member).where(Member.org_id == provider.org_id, Member.person_id == person.id))
        if person is not None
        else None
    )
    if member is not None and member.state != "active":
        raise Forbidden("membership_ended")
    if member is None:
        person = _join(uow, provider, person, email, proved)
    assert person is not None  # noqa: S101 - a member is somebody
    uow.session.add(
        ProviderIdentity(
            id=uuid7(), provider_id=provider.id, person_id=person.id, subject=proved.subject, created_at=clock.now()
        )
    )
    audit.record(uow, "provider_identity.bound", subject_id=person.id, provider_id=str(provider.id))
    uow.flush()
    return person


def _join(
    uow: UnitOfWork, provider: IdentityProvider, person: Person | None, email: str, proved: ProvedIdentity
) -> Person:
    invitation = uow.session.scalar(
        select(Invitation)
        .where(
            Invitation.org_id == provider.org_id,
            Invitation.email == email,
            Invitation.state == "pending",
            Invitation.expires_at > clock.now(),
        )
        .with_for_update()
    )
    if invitation is None and provider.default_role is None:
        raise Forbidden("invitation_needed")
    roles = list(invitation.roles) if invitation is not None else [str(provider.default_role)]
    if person is None:
        # Nobody knows it: who would like a password has one set by mail.
        password = secrets.token_urlsafe(32)
        name = " ".join(proved.name.split())[:NAME_CHARACTERS] or email.partition("@")[0]
        try:
            person = add_person(uow, NewPerson(email, name, password))
        except Invalid:
            person = add_person(uow, NewPerson(email, email.partition("@")[0], password))
    member = join(uow, provider.org_id, person.id, roles)
    if invitation is not None:
        invitation.person_id = person.id
        INVITATION.move(uow, invitation, "accepted", org_ids=[provider.org_id])
    audit.record(uow, "member.joined", subject_id=member.id, roles=" ".join(roles))
    emit(uow, MemberJoined(member_id=member.id, org_id=provider.org_id, person_id=person.id))
    return person
