"""Tables of people: who they are, where they belong, and the credentials by which they and their servers come back."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, Text, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from kernel.db.base import Base, CreatedAt, Id, Instant
from kernel.db.constraints import register
from kernel.errors import Conflict
from kernel.states import Machine, edges
from marketplace.departments.models import names_department

ORGANIZATION = "marketplace.organization.id"
PERSON = "marketplace.person.id"


class Person(Base):
    """A human being with one e-mail address and one password, a member of any number of organizations."""

    __tablename__ = "person"
    __table_args__ = (
        UniqueConstraint("email"),
        CheckConstraint("email = lower(email)", name="email_lower"),
        {"schema": "marketplace"},
    )
    id: Mapped[Id]
    email: Mapped[str]
    name: Mapped[str]
    password_hash: Mapped[str]
    """Argon2id, with its parameters (RFC 9106)."""
    locale: Mapped[str]
    is_operator: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[CreatedAt]


class Member(Base):
    """A person's place in an organization. Removed members keep their row: history names them."""

    __tablename__ = "member"
    __table_args__ = (
        UniqueConstraint("org_id", "person_id"),
        CheckConstraint("state IN ('active', 'removed')", name="state"),
        Index("ix_member_person_id", "person_id"),
        *names_department("member", "org_id"),
        {"schema": "marketplace"},
    )
    id: Mapped[Id]
    org_id: Mapped[UUID] = mapped_column(ForeignKey(ORGANIZATION))
    person_id: Mapped[UUID] = mapped_column(ForeignKey(PERSON))
    roles: Mapped[list[str]] = mapped_column(ARRAY(Text))
    department_id: Mapped[UUID | None]
    """Whose spending it is what they buy, where nothing else is said."""
    state: Mapped[str]
    created_at: Mapped[CreatedAt]


class Invitation(Base):
    """An organization asks somebody to join. Nobody becomes a member before they said yes."""

    __tablename__ = "invitation"
    __table_args__ = (
        CheckConstraint("state IN ('pending', 'accepted', 'declined', 'withdrawn')", name="state"),
        CheckConstraint("(state = 'accepted') = (person_id IS NOT NULL)", name="accepted_by"),
        Index("uq_invitation_org_id_email", "org_id", "email", unique=True, postgresql_where=text("state = 'pending'")),
        Index("ix_invitation_org_id_created_at", "org_id", "created_at"),
        Index("ix_invitation_invited_by", "invited_by"),
        Index("ix_invitation_person_id", "person_id"),
        {"schema": "marketplace"},
    )
    id: Mapped[Id]
    org_id: Mapped[UUID] = mapped_column(ForeignKey(ORGANIZATION))
    email: Mapped[str]
    roles: Mapped[list[str]] = mapped_column(ARRAY(Text))
    invited_by: Mapped[UUID] = mapped_column(ForeignKey(PERSON))
    person_id: Mapped[UUID | None] = mapped_column(ForeignKey(PERSON))
    """Who accepted."""
    state: Mapped[str]
    expires_at: Mapped[Instant]
    created_at: Mapped[CreatedAt]


class OwnershipTransfer(Base):
    """An owner offers the ownership to a member. It changes hands when that person accepts."""

    __tablename__ = "ownership_transfer"
    __table_args__ = (
        CheckConstraint("state IN ('pending', 'accepted', 'declined', 'withdrawn')", name="state"),
        CheckConstraint("from_person_id <> to_person_id", name="two"),
        Index(
            "uq_ownership_transfer_org_id_from_person_id",
            "org_id",
            "from_person_id",
            unique=True,
            postgresql_where=text("state = 'pending'"),
        ),
        Index("ix_ownership_transfer_org_id", "org_id"),
        Index("ix_ownership_transfer_from_person_id", "from_person_id"),
        Index("ix_ownership_transfer_to_person_id", "to_person_id"),
        {"schema": "marketplace"},
    )
    id: Mapped[Id]
    org_id: Mapped[UUID] = mapped_column(ForeignKey(ORGANIZATION))
    from_person_id: Mapped[UUID] = mapped_column(ForeignKey(PERSON))
    to_person_id: Mapped[UUID] = mapped_column(ForeignKey(PERSON))
    keeps: Mapped[str]
    """The role in which the giver stays."""
    state: Mapped[str]
    expires_at: Mapped[Instant]
    created_at: Mapped[CreatedAt]


class SignInSession(Base):
    """A signed-in browser. The token itself is never stored, only its SHA-256."""

    __tablename__ = "session"
    __table_args__ = (
        UniqueConstraint("token_hash"),
        Index("ix_session_org_id", "org_id", "person_id"),
        Index("ix_session_person_id", "person_id"),
        Index("ix_session_expires_at", "expires_at"),
        Index("ix_session_provider_org_id", "provider_org_id", postgresql_where=text("provider_org_id IS NOT NULL")),
        {"schema": "marketplace"},
    )
    id: Mapped[Id]
    token_hash: Mapped[str]
    person_id: Mapped[UUID] = mapped_column(ForeignKey(PERSON))
    org_id: Mapped[UUID] = mapped_column(ForeignKey(ORGANIZATION))
    """The organization the person acts for at present."""
    provider_org_id: Mapped[UUID | None] = mapped_column(ForeignKey(ORGANIZATION))
    """By whose own identity provider they signed in: such a session acts for that organization alone."""
    expires_at: Mapped[Instant]
    revoked_at: Mapped[Instant | None]
    agent: Mapped[str] = mapped_column(default="")
    """What the browser called itself when it signed in, so that its owner knows it again."""
    network: Mapped[str] = mapped_column(default="")
    """Where it signed in from: an IPv4 address or IPv6 network, empty when that was not known."""
    created_at: Mapped[CreatedAt]


class EmailProof(Base):
    """A code and a link that were sent to an address: whoever brings either back reads that mailbox.

    Neither is stored. Both come from the installation's key and this row's id (`TokenSigner`).
    """

    __tablename__ = "email_proof"
    __table_args__ = (
        CheckConstraint("purpose IN ('sign_up', 'reset_password')", name="purpose"),
        CheckConstraint("tries BETWEEN 0 AND 5", name="tries"),
        Index("ix_email_proof_email", "email", "purpose", "created_at"),
        Index("ix_email_proof_expires_at", "expires_at"),
        Index("ix_email_proof_person_id", "person_id"),
        {"schema": "marketplace"},
    )
    id: Mapped[Id]
    purpose: Mapped[str]
    email: Mapped[str]
    locale: Mapped[str]
    person_id: Mapped[UUID | None] = mapped_column(ForeignKey(PERSON))
    """Whose password is to be set; None where somebody new comes in."""
    tries: Mapped[int] = mapped_column(default=0)
    """Codes typed so far."""
    expires_at: Mapped[Instant]
    used_at: Mapped[Instant | None]
    created_at: Mapped[CreatedAt]


class SecondFactor(Base):
    """An authenticator app that a person signs in with, beside the password. There is a row only while it is on."""

    __tablename__ = "second_factor"
    __table_args__ = (UniqueConstraint("person_id"), {"schema": "marketplace"})
    id: Mapped[Id]
    person_id: Mapped[UUID] = mapped_column(ForeignKey(PERSON))
    secret_sealed: Mapped[str]
    """Encrypted for this row (`kernel/secrets.py`)."""
    last_step: Mapped[int]
    """The time step of the newest code that was used: neither it nor an older one counts again (RFC 6238 §5.2)."""
    created_at: Mapped[CreatedAt]


class RecoveryCode(Base):
    """Stands once for the app that was lost. Only its hash is stored."""

    __tablename__ = "recovery_code"
    __table_args__ = (UniqueConstraint("factor_id", "code_hash"), {"schema": "marketplace"})
    id: Mapped[Id]
    factor_id: Mapped[UUID] = mapped_column(ForeignKey("marketplace.second_factor.id"))
    code_hash: Mapped[str]
    used_at: Mapped[Instant | None]


class SignInCount(Base):
    """What is limited: attempts to sign in, and mails asked for, each by account, network or known device."""

    __tablename__ = "sign_in_count"
    __table_args__ = (
        CheckConstraint("attempts >= 0", name="attempts"),
        Index("ix_sign_in_count_since_at", "since_at"),
        {"schema": "marketplace"},
    )
    subject: Mapped[str] = mapped_column(primary_key=True)
    """SHA-256 of what is counted."""
    attempts: Mapped[int]
    since_at: Mapped[Instant]
    """When the window began; of an account alone, the last attempt."""


class ApiKey(Base):
    """A server's credential: a shown prefix and the hash of a secret that was shown once."""

    __tablename__ = "api_key"
    __table_args__ = (
        UniqueConstraint("prefix"),
        Index("ix_api_key_org_id_created_at", "org_id", "created_at"),
        Index("ix_api_key_created_by", "created_by"),
        {"schema": "marketplace"},
    )
    id: Mapped[Id]
    org_id: Mapped[UUID] = mapped_column(ForeignKey(ORGANIZATION))
    prefix: Mapped[str]
    secret_hash: Mapped[str]
    name: Mapped[str]
    scopes: Mapped[list[str]] = mapped_column(ARRAY(Text))
    """Permissions the key holds; never more than its maker held."""
    expires_at: Mapped[Instant | None]
    last_used_at: Mapped[Instant | None]
    """To the hour: a write for each request would cost more than it tells."""
    revoked_at: Mapped[Instant | None]
    created_by: Mapped[UUID] = mapped_column(ForeignKey(PERSON))
    created_at: Mapped[CreatedAt]


register("uq_person_email", lambda: Conflict("email_taken"))
register("uq_member_org_id_person_id", lambda: Conflict("member_exists"))


register("uq_invitation_org_id_email", lambda: Conflict("invitation_exists"))

INVITATION = Machine(
    "marketplace.invitation",
    initial="pending",
    edges=edges(pending="accepted declined withdrawn", accepted="", declined="", withdrawn=""),
)
OWNERSHIP_TRANSFER = Machine(
    "marketplace.ownership_transfer",
    initial="pending",
    edges=edges(pending="accepted declined withdrawn", accepted="", declined="", withdrawn=""),
)
MEMBER = Machine("marketplace.member", initial="active", edges=edges(active="removed", removed="active"))
