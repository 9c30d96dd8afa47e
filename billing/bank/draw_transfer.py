"""Draw the request for a bank transfer as PDF in both languages, store the files, and remember what was stored."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Final, Protocol
from uuid import UUID
from zoneinfo import ZoneInfo

from billing.bank.models import BankAccount, BankTransfer
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
        account = uow.session.get_one(BankAccount, transfer.account_id)
        platform, payer = get_party(uow, PLATFORM_ORG_ID), get_party(uow, transfer.payer_org_id)
        zone = ZoneInfo(payer.time_zone)
        documents = (
            TransferDocument(
                number=transfer.remark_code,
                issued_on=transfer.created_at.astimezone(zone).date(),
                due_on=(transfer.deadline_at - timedelta(seconds=1)).astimezone(zone).date(),
                currency=transfer.currency.strip(),
                language=language,
                seller=DocumentParty(legal_name=platform.legal_name, country=platform.country.strip()),
                payer_name=transfer.payer_name,
                amount_minor=transfer.amount_minor,
                holder=account.holder,
                bank_name=account.bank_name,
                account_number=transfer.virtual_account or account.account_number,
                bank_code=account.bank_code,
                is_virtual=transfer.virtual_account is not None,
                description=transfer.description,
            )
            for language in LANGUAGES
        )
        return _ToDraw(transfer.id, tuple(documents))

    def call(self, request: _ToDraw) -> dict[str, dict[str, str]]:
        """Draw each, and store what was drawn."""
        found = {}
        for document in request.documents:
            language = document.language.value
            name = f"transfers/{document.issued_on.year}/{request.transfer_id}.{language.lower()}.pdf"
            stored = self._storage.put_bytes(name, self._renderer.render(document, RENDER_TIMEOUT_S))
            found[language] = {"key": stored.key, "sha256": stored.sha256}
        return found

    def conclude(self, uow: UnitOfWork, claim: JobClaim, request: _ToDraw, answer: dict[str, dict[str, str]]) -> None:
        """Remember the files."""
        del claim
        transfer = lock_row(uow.session, BankTransfer, request.transfer_id)
        if transfer is not None and not transfer.files:
            transfer.files = answer


def register(storage: Storage, renderer: TransferRenderer) -> None:
    """Register the job. `renderer` is called in processes that serve the queue `documents`."""
    call(DRAW, queue="documents")(DrawTransfer(storage, renderer))


def draw_transfer(uow: UnitOfWork, transfer_id: UUID) -> None:
    """Let it be drawn. Idempotent by: the transfer, while that job waits."""
    enqueue(uow, DRAW, {"transfer_id": str(transfer_id)}, dedupe_key=str(transfer_id))
