"""Tables of people: who they are, where they belong, and the credentials by which they and their servers come back."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, Text, UniqueConstraint
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from kernel.db.base import Base, CreatedAt, Id, Instant
from kernel.db.constraints import register
from kernel.errors import Conflict
from kernel.states import Machine, edges

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
        {"schema": "marketplace"},
    )
    id: Mapped[Id]
    org_id: Mapped[UUID] = mapped_column(ForeignKey(ORGANIZATION))
    person_id: Mapped[UUID] = mapped_column(ForeignKey(PERSON))
    roles: Mapped[list[str]] = mapped_column(ARRAY(Text))
    state: Mapped[str]
    created_at: Mapped[CreatedAt]


class SignInSession(Base):
    """A signed-in browser. The token itself is never stored, only its SHA-256."""

    __tablename__ = "session"
    __table_args__ = (
        UniqueConstraint("token_hash"),
        Index("ix_session_org_id", "org_id", "person_id"),
        Index("ix_session_person_id", "person_id"),
        Index("ix_session_expires_at", "expires_at"),
        {"schema": "marketplace"},
    )
    id: Mapped[Id]
    token_hash: Mapped[str]
    person_id: Mapped[UUID] = mapped_column(ForeignKey(PERSON))
    org_id: Mapped[UUID] = mapped_column(ForeignKey(ORGANIZATION))
    """The organization the person acts for at present."""
    expires_at: Mapped[Instant]
    revoked_at: Mapped[Instant | None]
    created_at: Mapped[CreatedAt]


class SignInCount(Base):
    """Attempts to sign in: to one account from one network or known device, from one network, or to one account."""

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


MEMBER = Machine("marketplace.member", initial="active", edges=edges(active="removed", removed="active"))
