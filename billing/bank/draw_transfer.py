"""Draw the request for a bank transfer as PDF in both languages, store the files, and remember what was stored."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Protocol
from uuid import UUID
from zoneinfo import ZoneInfo

from billing.bank.models import BankAccount, BankTransfer
from billing.bank.sandbox_bank import is_at_sandbox_bank
from billing.documents.model import Language
from billing.documents.parties import DocumentParty
from billing.documents.transfer import TransferDocument
from kernel.db.locks import lock_row
from kernel.db.uow import UnitOfWork
from kernel.jobs.context import JobClaim
from kernel.jobs.kinds import call
from kernel.jobs.outbox import enqueue
from kernel.storage import Storage
from marketplace.parties.lookups import get_party
from marketplace.parties.models import PLATFORM_ORG_ID

DRAW: Final = "billing.bank_transfer.draw"
LANGUAGES: Final = (Language.ZH, Language.EN)
RENDER_TIMEOUT_S: Final = 60.0


class TransferRenderer(Protocol):
    """Draws a document as PDF in a process of its own."""

    def render(self, document: TransferDocument, timeout_s: float) -> bytes:
        """The file. Raises Unavailable when it cannot be drawn now."""


@dataclass(frozen=True, slots=True)
class _ToDraw:
    transfer_id: UUID
    documents: tuple[TransferDocument, ...]


class DrawTransfer:
    """The steps of a job that draws one request. What has been stored is never written again."""

    def __init__(self, storage: Storage, renderer: TransferRenderer) -> None:
        self._storage = storage
        self._renderer = renderer

    def prepare(self, uow: UnitOfWork, claim: JobClaim) -> _ToDraw | None:
        """The request in each language, unless it has its files already."""
        transfer = uow.session.get_one(BankTransfer, UUID(claim.payload["transfer_id"]))
        if transfer.files:
            return None
        documents = request_documents(uow, transfer, issued_at=transfer.created_at, amount_minor=transfer.amount_minor)
        return _ToDraw(transfer.id, documents)

    def call(self, request: _ToDraw) -> dict[str, dict[str, str]]:
        """Draw each, and store what was drawn."""
        return draw_files(self._storage, self._renderer, request.documents, "transfers", request.transfer_id)

    def conclude(self, uow: UnitOfWork, claim: JobClaim, request: _ToDraw, answer: dict[str, dict[str, str]]) -> None:
        """Remember the files."""
        del claim
        transfer = lock_row(uow.session, BankTransfer, request.transfer_id)
        if transfer is not None and not transfer.files:
            transfer.files = answer


def request_documents(
    uow: UnitOfWork,
    transfer: BankTransfer,
    *,
    issued_at: datetime,
    amount_minor: int,
    overdue_days: int = 0,
    is_last: bool = False,
) -> tuple[TransferDocument, ...]:
    """What a payer is to send, in each language; with days overdue as a letter."""
    account = uow.session.get_one(BankAccount, transfer.account_id)
    platform, payer = get_party(uow, PLATFORM_ORG_ID), get_party(uow, transfer.payer_org_id)
    zone = ZoneInfo(payer.time_zone)
    return tuple(
        TransferDocument(
            number=transfer.remark_code,
            issued_on=issued_at.astimezone(zone).date(),
            due_on=(transfer.deadline_at - timedelta(seconds=1)).astimezone(zone).date(),
            currency=transfer.currency.strip(),
            language=language,
            seller=DocumentParty(legal_name=platform.legal_name, country=platform.country.strip()),
            payer_name=transfer.payer_name,
            amount_minor=amount_minor,
            holder=account.holder,
            bank_name=account.bank_name,
            account_number=transfer.virtual_account or account.account_number,
            bank_code=account.bank_code,
            is_virtual=transfer.virtual_account is not None,
            description=transfer.description,
            overdue_days=overdue_days,
            is_last=is_last,
            sandbox=is_at_sandbox_bank(account.account_number),
        )
        for language in LANGUAGES
    )


def draw_files(
    storage: Storage, renderer: TransferRenderer, documents: Sequence[TransferDocument], folder: str, row_id: UUID
) -> dict[str, dict[str, str]]:
    """Draw each document and store it; returns the files by language."""
    found = {}
    for document in documents:
        language = document.language.value
        name = f"{folder}/{document.issued_on.year}/{row_id}.{language.lower()}.pdf"
        stored = storage.put_bytes(name, renderer.render(document, RENDER_TIMEOUT_S))
        found[language] = {"key": stored.key, "sha256": stored.sha256}
    return found


def register(storage: Storage, renderer: TransferRenderer) -> None:
    """Register the job. `renderer` is called in processes that serve the queue `documents`."""
    call(DRAW, queue="documents")(DrawTransfer(storage, renderer))


def draw_transfer(uow: UnitOfWork, transfer_id: UUID) -> None:
    """Let it be drawn. Idempotent by: the transfer, while that job waits."""
    enqueue(uow, DRAW, {"transfer_id": str(transfer_id)}, dedupe_key=str(transfer_id))
