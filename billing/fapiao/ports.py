"""Who numbers Chinese tax invoices: the tax administration's gateway of a seller, or a sandbox."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from billing.documents.fapiao_split import PartLine
from billing.documents.parties import DocumentParty


@dataclass(frozen=True, slots=True, kw_only=True)
class FapiaoDraft:
    """What is to be numbered. `id` is the key by which asking twice is asking once. Amounts are fen, positive."""

    id: UUID
    special: bool
    seller: DocumentParty
    buyer: DocumentParty
    lines: tuple[PartLine, ...]
    remarks: str
    original_number: str = ""
    confirmation_number: str = ""

    @property
    def is_red(self) -> bool:
        """Whether it takes one back."""
        return bool(self.original_number)


@dataclass(frozen=True, slots=True)
class FapiaoIssued:
    """The authority's number of twenty digits, and its instant."""

    number: str
    at: datetime


@dataclass(frozen=True, slots=True)
class FapiaoRefused:
    """Nothing was numbered, for good: asked again unchanged, the answer is the same. `code` has words on pages."""

    code: str


class FapiaoIssuer(Protocol):
    """Numbers tax invoices. No transaction is open while it is asked; what it raises is tried again."""

    @property
    def name(self) -> str:
        """As documents and requests name it."""

    @property
    def sandbox(self) -> bool:
        """Whether its numbers are none of the authority's."""

    @property
    def limit_minor(self) -> int:
        """Most net of tax on one document (单张最高开票限额), in fen."""

    def issue(self, draft: FapiaoDraft) -> FapiaoIssued | FapiaoRefused:
        """Number a document, blue or red; the same id has the same number."""

    def file_red_letter(self, letter_id: UUID, seller: DocumentParty) -> str:
        """File a 红字发票信息确认单: its number of twenty digits, the same for the same id."""
