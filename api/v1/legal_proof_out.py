"""How a proof of an organization's identity is answered: a document, or a small transfer."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from msgspec import Meta

from api.schema import MoneyOut, Out
from marketplace.onboarding.queries import LegalProofView


class TransferOut(Out):
    """A small transfer that proves who the payer is: this amount exactly, from an account in the registered name."""

    reference: Annotated[str, Meta(description="To be written on the transfer")]
    amount: MoneyOut


class LegalProofOut(Out):
    """A document that was handed in, or a transfer that was asked for, and what the platform said to it."""

    id: UUID
    state: str
    file_name: str
    media_type: str
    size_bytes: int
    transfer: Annotated[TransferOut | None, Meta(description="In place of a file, whose fields are empty then")]
    reason: str
    created_at: datetime
    reviewed_at: datetime | None

    @classmethod
    def of(cls, row: LegalProofView) -> LegalProofOut:
        """From the query's row."""
        money, reference = row.transfer, row.transfer_reference
        transfer = TransferOut(reference=reference, amount=MoneyOut.of_money(money)) if money and reference else None
        return cls.of_row(row, transfer=transfer)
