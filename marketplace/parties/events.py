"""Facts about organizations."""

from __future__ import annotations

from typing import ClassVar
from uuid import UUID

from kernel.events import Event


class OrganizationRegistered(Event):
    """An organization joined; its first member is its owner."""

    topic: ClassVar[str] = "marketplace.organization_registered.v1"
    org_id: UUID
    owner_person_id: UUID
    is_seller: bool


class TaxIdClaimed(Event):
    """An organization says that a tax identifier is its own, at registration or later."""

    topic: ClassVar[str] = "marketplace.tax_id_claimed.v1"
    org_id: UUID


class TaxIdDisputed(Event):
    """Several organizations claim the same tax identifier; the platform has to say whose it is."""

    topic: ClassVar[str] = "marketplace.tax_id_disputed.v1"
    dispute_id: UUID


class TaxIdEvidenceAsked(Event):
    """The platform asks an organization to prove that its tax identifier is its own."""

    topic: ClassVar[str] = "marketplace.tax_id_evidence_asked.v1"
    dispute_id: UUID
    org_id: UUID


class TaxIdDecided(Event):
    """A dispute is settled, as far as this organization is concerned: the identifier is its own, or is not."""

    topic: ClassVar[str] = "marketplace.tax_id_decided.v1"
    dispute_id: UUID
    org_id: UUID
    is_kept: bool
