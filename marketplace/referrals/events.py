"""Facts about who brought whom."""

from __future__ import annotations

from typing import ClassVar
from uuid import UUID

from kernel.events import Event


class OrganizationReferred(Event):
    """An organization registered by another's link."""

    topic: ClassVar[str] = "marketplace.organization_referred.v1"
    referral_id: UUID
    referrer_org_id: UUID
