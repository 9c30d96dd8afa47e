"""Draw the letter about an overdue purchase as PDF in both languages, store the files, and remember what was stored."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final
from uuid import UUID

from billing.bank.draw_transfer import TransferRenderer, draw_files, request_documents
from billing.bank.models import BankTransfer
from billing.documents.transfer import TransferDocument
from billing.on_account.models import DunningNotice
from billing.on_account.steps import LAST
from kernel.db.locks import lock_row
from kernel.db.uow import UnitOfWork
from kernel.jobs.context import JobClaim
from kernel.jobs.kinds import call
from kernel.jobs.outbox import enqueue
from kernel.storage import Storage

DRAW: Final = "billing.on_account.draw_letter"


@dataclass(frozen=True, slots=True)
class _Letter:
    notice_id: UUID
    documents: tuple[TransferDocument, ...]


class DrawLetter:
    """The steps of a job that draws one letter. What has been stored is never written again."""

    def __init__(self, storage: Storage, renderer: TransferRenderer) -> None:
        self._storage = storage
        self._renderer = renderer

    def prepare(self, uow: UnitOfWork, claim: JobClaim) -> _Letter | None:
        """The letter in each language, unless it has its files already."""
        notice = uow.session.get_one(DunningNotice, UUID(claim.payload["notice_id"]))
        if notice.files:
            return None
        transfer = uow.session.get_one(BankTransfer, notice.transfer_id)
        documents = request_documents(
            uow,
            transfer,
            issued_at=notice.created_at,
            amount_minor=notice.owed_minor,
            overdue_days=notice.days,
            is_last=notice.days == LAST,
        )
        return _Letter(notice.id, documents)

    def call(self, request: _Letter) -> dict[str, dict[str, str]]:
        """Draw each, and store what was drawn."""
        return draw_files(self._storage, self._renderer, request.documents, "letters", request.notice_id)

    def conclude(self, uow: UnitOfWork, claim: JobClaim, request: _Letter, answer: dict[str, dict[str, str]]) -> None:
        """Remember the files."""
        del claim
        notice = lock_row(uow.session, DunningNotice, request.notice_id)
        if notice is not None and not notice.files:
            notice.files = answer


def register(storage: Storage, renderer: TransferRenderer) -> None:
    """Register the job. `renderer` is called in processes that serve the queue `documents`."""
    call(DRAW, queue="documents")(DrawLetter(storage, renderer))


def draw_letter(uow: UnitOfWork, notice_id: UUID) -> None:
    """Let it be drawn. Idempotent by: the notice, while that job waits."""
    enqueue(uow, DRAW, {"notice_id": str(notice_id)}, dedupe_key=str(notice_id))
