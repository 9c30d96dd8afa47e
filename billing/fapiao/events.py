"""Facts about Chinese tax invoices (数电票)."""

from __future__ import annotations

from typing import ClassVar
from uuid import UUID

from kernel.events import Event


class FapiaosIssued(Event):
    """All documents of a request have their numbers."""

    topic: ClassVar[str] = "billing.fapiaos_issued.v1"
    request_id: UUID
    buyer_org_id: UUID
    seller_org_id: UUID


class FapiaosRefused(Event):
    """The issuer refused a document of a request, for good as it was asked."""

    topic: ClassVar[str] = "billing.fapiaos_refused.v1"
    request_id: UUID
    buyer_org_id: UUID
    seller_org_id: UUID
    code: str


class RedLetterEntered(Event):
    """A red letter (红字发票信息确认单) waits for the other side's word, for 72 hours. `by`: `buyer` or `seller`."""

    topic: ClassVar[str] = "billing.red_letter_entered.v1"
    letter_id: UUID
    buyer_org_id: UUID
    seller_org_id: UUID
    by: str


class RedFapiaoIssued(Event):
    """A red one has its number: what it takes back is taken back."""

    topic: ClassVar[str] = "billing.red_fapiao_issued.v1"
    letter_id: UUID
    buyer_org_id: UUID
    seller_org_id: UUID
