"""Mails to people: what was to be said to whom, and whether it went out."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from kernel.db.base import Base, CreatedAt, Id, Instant

PERSON = "marketplace.person.id"
MailParams = dict[str, Any]
"""Texts by name; `items` is a list of what a digest holds."""


class Mail(Base):
    """One message to one address. It is composed when it is sent: no code and no link of it is ever stored."""

    __tablename__ = "mail"
    __table_args__ = (
        CheckConstraint("sent_at IS NULL OR refused_at IS NULL", name="one_end"),
        Index("ix_mail_created_at", "created_at"),
        Index("ix_mail_person_id", "person_id"),
        Index("ix_mail_org_id", "org_id"),
        {"schema": "marketplace"},
    )
    id: Mapped[Id]
    to_address: Mapped[str]
    person_id: Mapped[UUID | None] = mapped_column(ForeignKey(PERSON))
    org_id: Mapped[UUID | None] = mapped_column(ForeignKey("marketplace.organization.id"))
    """What it is about is the business of this organization's members alone."""
    kind: Mapped[str]
    """Which text: a section of `texts/`."""
    locale: Mapped[str]
    params: Mapped[dict[str, Any]] = mapped_column(JSONB)
    """Names and ids for the text; never a secret."""
    sent_at: Mapped[Instant | None]
    """When the receiving server took it over."""
    refused_at: Mapped[Instant | None]
    refusal: Mapped[str | None]
    """What the receiving server said when it refused for good (a 5yz reply, RFC 5321 §4.2.1)."""
    created_at: Mapped[CreatedAt]


class BouncingAddress(Base):
    """An address whose last mail was refused for good. Forgotten when a mail to it is taken again."""

    __tablename__ = "bouncing_address"
    __table_args__ = (
        CheckConstraint(
            "reason IN ('address_unknown', 'mailbox_full', 'mailbox_off', 'against_policy', 'mail_refused')",
            name="reason",
        ),
        CheckConstraint("refusals > 0", name="refusals"),
        Index("ix_bouncing_address_last_at", "last_at"),
        {"schema": "marketplace"},
    )
    email: Mapped[str] = mapped_column(primary_key=True)
    reason: Mapped[str]
    reply: Mapped[str]
    """What its server said last."""
    kind: Mapped[str]
    """Of the mail that was refused last."""
    refusals: Mapped[int]
    since_at: Mapped[Instant]
    last_at: Mapped[Instant]
