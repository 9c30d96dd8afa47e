"""Tables: an organization's provider, the domains whose addresses it may name, and whom it has signed in."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from kernel.db.base import Base, CreatedAt, Id, Instant
from kernel.db.constraints import register
from kernel.errors import Conflict
from kernel.states import Machine, edges

ORGANIZATION = "marketplace.organization.id"
PERSON = "marketplace.person.id"


class IdentityProvider(Base):
    """By which an organization's members sign in. Its secret is sealed for this row."""

    __tablename__ = "identity_provider"
    __table_args__ = (UniqueConstraint("org_id"), {"schema": "marketplace"})
    id: Mapped[Id]
    org_id: Mapped[UUID] = mapped_column(ForeignKey(ORGANIZATION))
    issuer: Mapped[str]
    client_id: Mapped[str]
    secret_sealed: Mapped[str]
    default_role: Mapped[str | None]
    """In which role somebody becomes a member by signing in; None: only who was invited."""
    is_required: Mapped[bool]
    """Whether members other than owners act for the organization only when they signed in by it."""
    created_at: Mapped[CreatedAt]


class EmailDomain(Base):
    """A domain that an organization says is its own; only when the platform approved it are its addresses believed."""

    __tablename__ = "email_domain"
    __table_args__ = (
        CheckConstraint("state IN ('pending', 'approved', 'refused', 'removed')", name="state"),
        CheckConstraint("domain = lower(domain)", name="lower"),
        CheckConstraint("(state IN ('approved', 'refused')) <= (decided_at IS NOT NULL)", name="decided"),
        Index("uq_email_domain_approved", "domain", unique=True, postgresql_where=text("state = 'approved'")),
        Index(
            "uq_email_domain_org_id_domain",
            "org_id",
            "domain",
            unique=True,
            postgresql_where=text("state IN ('pending', 'approved')"),
        ),
        Index("ix_email_domain_org_id", "org_id", "domain"),
        Index("ix_email_domain_pending", "created_at", "id", postgresql_where=text("state = 'pending'")),
        {"schema": "marketplace"},
    )
    id: Mapped[Id]
    org_id: Mapped[UUID] = mapped_column(ForeignKey(ORGANIZATION))
    domain: Mapped[str]
    state: Mapped[str]
    decided_by: Mapped[UUID | None]
    """Somebody of the platform's own staff."""
    decided_at: Mapped[Instant | None]
    created_at: Mapped[CreatedAt]


class ProviderIdentity(Base):
    """Whom a provider means by a subject."""

    __tablename__ = "provider_identity"
    __table_args__ = (
        UniqueConstraint("provider_id", "subject"),
        UniqueConstraint("provider_id", "person_id"),
        Index("ix_provider_identity_person_id", "person_id"),
        {"schema": "marketplace"},
    )
    id: Mapped[Id]
    provider_id: Mapped[UUID] = mapped_column(ForeignKey("marketplace.identity_provider.id", ondelete="CASCADE"))
    person_id: Mapped[UUID] = mapped_column(ForeignKey(PERSON))
    subject: Mapped[str]
    created_at: Mapped[CreatedAt]


register("uq_email_domain_approved", lambda: Conflict("domain_taken"))
register("uq_email_domain_org_id_domain", lambda: Conflict("domain_exists"))
register("uq_provider_identity_provider_id_person_id", lambda: Conflict("identity_bound"))
register("uq_provider_identity_provider_id_subject", lambda: Conflict("identity_bound"))

EMAIL_DOMAIN = Machine(
    "marketplace.email_domain",
    initial="pending",
    edges=edges(pending="approved refused removed", approved="removed", refused="", removed=""),
)
