"""An owner says by which provider members sign in. What the provider published was looked at before, outside any transaction."""

from __future__ import annotations

from dataclasses import dataclass, field
from uuid import UUID

from sqlalchemy import delete, select

from kernel import audit, clock
from kernel.db.locks import lock_row
from kernel.db.platform_scope import as_platform
from kernel.db.uow import UnitOfWork
from kernel.errors import Conflict, Forbidden, Invalid, NotFound
from kernel.ids import uuid7
from kernel.secrets import SecretBox
from marketplace.access.models import Member
from marketplace.access.permissions import ROLES
from marketplace.identity_providers.models import EmailDomain, IdentityProvider, ProviderIdentity
from marketplace.input_text import line
from marketplace.parties.models import Organization

DEFAULT_ROLES = tuple(role for role in ROLES if role not in {"owner", "admin"})
"""In which somebody may become a member without being asked by name."""


@dataclass(frozen=True, slots=True)
class SetProvider:
    """The whole setting. `client_secret` empty keeps the one there is, of the same issuer and client."""

    issuer: str
    client_id: str
    client_secret: str = field(default="", repr=False)
    default_role: str | None = None
    is_required: bool = False


@dataclass(frozen=True, slots=True)
class ProviderView:
    """An organization's provider as its members see it; nothing of the secret."""

    id: UUID
    issuer: str
    client_id: str
    default_role: str | None
    is_required: bool


def set_provider(uow: UnitOfWork, box: SecretBox, command: SetProvider) -> ProviderView:
    """Set or replace the acting organization's provider. Another issuer or client knows nobody yet.

    Raises: Forbidden `owner_required`; Invalid `text_required`, `text_too_long`, `role_unknown`, `client_secret_required`;
    Conflict `domain_needed`: it cannot be required before a domain is approved. Locks: the organization.
    """
    organization = require_owner(uow)
    if command.default_role is not None and command.default_role not in DEFAULT_ROLES:
        raise Invalid("role_unknown", field="default_role", known=", ".join(DEFAULT_ROLES))
    issuer, client_id = line("issuer", command.issuer, 500), line("client_id", command.client_id, 255)
    row = find_row(uow, organization.id)
    is_same = row is not None and (row.issuer, row.client_id) == (issuer, client_id)
    if not command.client_secret and not is_same:
        raise Invalid("client_secret_required", field="client_secret")
    if command.is_required and not _has_domain(uow, organization.id):
        raise Conflict("domain_needed")
    if row is None:
        row = IdentityProvider(id=uuid7(), org_id=organization.id, created_at=clock.now())
        uow.session.add(row)
    elif not is_same:
        # Whom the old one knew is the platform's to know.
        with as_platform(uow):
            uow.session.execute(delete(ProviderIdentity).where(ProviderIdentity.provider_id == row.id))
    row.issuer, row.client_id = issuer, client_id
    row.default_role, row.is_required = command.default_role, command.is_required
    if command.client_secret:
        row.secret_sealed = box.seal(line("client_secret", command.client_secret, 500).encode(), secret_context(row.id))
    organization.requires_provider = command.is_required
    audit.record(uow, "identity_provider.set", subject_id=row.id, issuer=issuer, is_required=command.is_required)
    uow.flush()
    return view_of(row)


def remove_provider(uow: UnitOfWork) -> None:
    """Everybody signs in by password again. Raises Forbidden `owner_required`, NotFound. Locks: the organization."""
    organization = require_owner(uow)
    row = find_row(uow, organization.id)
    if row is None:
        raise NotFound("provider_not_found")
    organization.requires_provider = False
    uow.session.delete(row)
    audit.record(uow, "identity_provider.removed", subject_id=row.id, issuer=row.issuer)
    uow.flush()


def require_owner(uow: UnitOfWork) -> Organization:
    """The acting organization, locked. Raises Forbidden(`owner_required`): a provider speaks for owners, too."""
    org_id, person_id = uow.principal.organization(), uow.principal.person()
    organization = lock_row(uow.session, Organization, org_id)
    roles = uow.session.scalar(
        select(Member.roles).where(Member.org_id == org_id, Member.person_id == person_id, Member.state == "active")
    )
    if organization is None or "owner" not in (roles or ()):
        raise Forbidden("owner_required")
    return organization


def find_row(uow: UnitOfWork, org_id: UUID) -> IdentityProvider | None:
    """The organization's provider, None where it has none."""
    return uow.session.scalar(select(IdentityProvider).where(IdentityProvider.org_id == org_id))


def find_provider(uow: UnitOfWork) -> ProviderView | None:
    """The acting organization's provider."""
    row = find_row(uow, uow.principal.organization())
    return view_of(row) if row else None


def view_of(row: IdentityProvider) -> ProviderView:
    """Without the secret."""
    return ProviderView(row.id, row.issuer, row.client_id, row.default_role, row.is_required)


def secret_context(provider_id: UUID) -> str:
    """For which place a client secret is sealed."""
    return f"identity_provider:{provider_id}"


def _has_domain(uow: UnitOfWork, org_id: UUID) -> bool:
    found = select(EmailDomain.id).where(EmailDomain.org_id == org_id, EmailDomain.state == "approved").limit(1)
    return uow.session.scalar(found) is not None


def is_owner(uow: UnitOfWork) -> bool:
    """Whether the acting person owns the acting organization."""
    roles = select(Member.roles).where(
        Member.org_id == uow.principal.organization(),
        Member.person_id == uow.principal.person_id,
        Member.state == "active",
    )
    return "owner" in (uow.session.scalar(roles) or ())
