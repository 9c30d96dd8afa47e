"""Facts about who organizations are, and about a seller's start."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar
from uuid import UUID

from kernel.events import Event


class LegalProofSubmitted(Event):
    """An organization handed in a document that shows that it exists; the platform has to look at it."""

    topic: ClassVar[str] = "marketplace.legal_proof_submitted.v1"
    proof_id: UUID
    org_id: UUID


class LegalProofReviewed(Event):
    """The platform has approved or rejected it."""

    topic: ClassVar[str] = "marketplace.legal_proof_reviewed.v1"
    proof_id: UUID
    org_id: UUID


class SellerOnboarded(Event):
    """Every step of a seller's checklist is done; it may publish."""

    topic: ClassVar[str] = "marketplace.seller_onboarded.v1"
    org_id: UUID


class PayoutAccountReplaced(Event):
    """Payouts in a currency go to another account, once it has been held for a while."""

    topic: ClassVar[str] = "marketplace.payout_account_replaced.v1"
    account_id: UUID
    org_id: UUID
    currency: str
    account_last4: str
    held_until: datetime
