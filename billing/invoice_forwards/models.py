"""Table of documents that were sent on to somebody outside, by a link that ends."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import ARRAY, CheckConstraint, ForeignKey, Index, Uuid
from sqlalchemy.orm import Mapped, mapped_column

from kernel.db.base import Base, CreatedAt, Id, Instant

ORGANIZATION = "marketplace.organization.id"


class InvoiceForward(Base):
    """Documents that an organization sent to an address.

    Whoever holds the mail's link may have them until it expires or is revoked. The link is signed and never stored; this row is
    what it opens.
    """

    __tablename__ = "invoice_forward"
    __table_args__ = (
        CheckConstraint("cardinality(invoice_ids) BETWEEN 1 AND 100", name="number"),
        CheckConstraint("expires_at > created_at", name="ends"),
        Index("ix_invoice_forward_org_id_created_at", "org_id", "created_at", "id"),
        Index("ix_invoice_forward_person_id", "person_id"),
        {"schema": "billing"},
    )
    id: Mapped[Id]
    org_id: Mapped[UUID] = mapped_column(ForeignKey(ORGANIZATION))
    person_id: Mapped[UUID | None] = mapped_column(ForeignKey("marketplace.person.id"))
    """Who sent them on; None: a key of the organization."""
    to_address: Mapped[str]
    invoice_ids: Mapped[list[UUID]] = mapped_column(ARRAY(Uuid))
    """Documents that the organization received or issued, in the order in which the link shows them."""
    created_at: Mapped[CreatedAt]
    expires_at: Mapped[Instant]
    revoked_at: Mapped[Instant | None]
