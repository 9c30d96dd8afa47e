"""Receipts, pro-forma invoices and statements of months as PDF: drawn when somebody asks for one, stored, and kept."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, Literal, Protocol
from uuid import UUID

import msgspec
from sqlalchemy import select

from billing.documents.buyer_statement import BuyerStatementDocument
from billing.documents.model import Language
from billing.documents.pro_forma import ProFormaDocument
from billing.documents.receipt import ReceiptDocument
from kernel import clock
from kernel.db.locks import lock_row
from kernel.db.uow import UnitOfWork
from kernel.ids import uuid7
from kernel.jobs.context import JobClaim
from kernel.jobs.kinds import call
from kernel.jobs.outbox import enqueue
from kernel.storage import Storage
from orders.papers.documents import (
    PaperDocument,
    buyer_statement_paper,
    purchase_pro_forma,
    quote_pro_forma,
    receipt_of,
)
from orders.papers.models import SalePaper

PaperKind = Literal["receipt", "quote_pro_forma", "purchase_pro_forma", "buyer_statement"]
DRAW: Final = "orders.sale_paper.draw"
RENDER_TIMEOUT_S: Final = 60.0
_OF: Final[dict[str, type[Any]]] = {
    "receipt": ReceiptDocument,
    "quote_pro_forma": ProFormaDocument,
    "purchase_pro_forma": ProFormaDocument,
    "buyer_statement": BuyerStatementDocument,
}


class PaperRenderer(Protocol):
    """Draws a document as PDF in a process of its own."""

    def render(self, document: PaperDocument, timeout_s: float) -> bytes:
        """The file. Raises Unavailable when it cannot be drawn now."""


@dataclass(frozen=True, slots=True)
class AskPaper:
    """One paper in one language. `sandbox`: whether a quote will be paid, or a month was, with the sandbox's money.

    `public_url`: where a statement's code is checked.
    """

    kind: PaperKind
    subject_id: UUID
    language: Language
    sandbox: bool = False
    public_url: str = ""


@dataclass(frozen=True, slots=True)
class PaperFile:
    """Where a paper's file lies and what it is to be called."""

    key: str
    file_name: str
    sha256: str


def find_or_draw(uow: UnitOfWork, command: AskPaper) -> PaperFile | None:
    """The file of a paper of the acting organization; None: it is being drawn, which takes seconds.

    What was drawn once can be had for good, though its quote be used or its purchase paid since.

    Raises: as `receipt_of`, `quote_pro_forma`, `purchase_pro_forma`, `buyer_statement_paper`.
    Idempotent by: kind, subject and language.
    """
    known = _known(uow, command)
    if known is not None and known.file_key is not None and known.file_sha256 is not None:
        return PaperFile(known.file_key, f"{known.number}.{known.language}.pdf", known.file_sha256)
    document = _document(uow, command)
    if known is None:
        paper = SalePaper(
            id=uuid7(),
            buyer_org_id=uow.principal.organization(),
            kind=command.kind,
            subject_id=command.subject_id,
            language=command.language.value,
            number=document.number,
            file_key=None,
            file_sha256=None,
            drawn_at=None,
            created_at=clock.now(),
        )
        # Somebody else may ask for it at the same moment.
        uow.add_if_absent(paper, "kind", "subject_id", "language")
        known = _known(uow, command) or paper
    asked = {"paper_id": str(known.id), "kind": known.kind, "document": msgspec.to_builtins(document)}
    enqueue(uow, DRAW, asked, dedupe_key=str(known.id))
    return None


def _known(uow: UnitOfWork, command: AskPaper) -> SalePaper | None:
    return uow.session.scalar(
        select(SalePaper).where(
            SalePaper.kind == command.kind,
            SalePaper.subject_id == command.subject_id,
            SalePaper.language == command.language.value,
            SalePaper.buyer_org_id == uow.principal.organization(),
        )
    )


def _document(uow: UnitOfWork, command: AskPaper) -> PaperDocument:
    match command.kind:
        case "receipt":
            return receipt_of(uow, command.subject_id, command.language)
        case "quote_pro_forma":
            return quote_pro_forma(uow, command.subject_id, command.language, sandbox=command.sandbox)
        case "purchase_pro_forma":
            return purchase_pro_forma(uow, command.subject_id, command.language, sandbox=command.sandbox)
        case "buyer_statement":
            return buyer_statement_paper(
                uow,
                command.subject_id,
                command.language,
                public_url=command.public_url,
                sandbox=command.sandbox,
            )


@dataclass(frozen=True, slots=True)
class _ToDraw:
    paper_id: UUID
    document: PaperDocument


class DrawPaper:
    """The steps of a job that draws one paper. What has been stored is never written again."""

    def __init__(self, storage: Storage, renderer: PaperRenderer) -> None:
        self._storage = storage
        self._renderer = renderer

    def prepare(self, uow: UnitOfWork, claim: JobClaim) -> _ToDraw | None:
        """The paper as it was when it was asked for, unless it has its file already."""
        paper = uow.session.get_one(SalePaper, UUID(claim.payload["paper_id"]))
        if paper.file_key is not None:
            return None
        return _ToDraw(paper.id, msgspec.convert(claim.payload["document"], type=_OF[claim.payload["kind"]]))

    def call(self, request: _ToDraw) -> tuple[str, str]:
        """Draw it, and store what was drawn."""
        document = request.document
        name = f"papers/{document.issued_on.year}/{request.paper_id}.pdf"
        stored = self._storage.put_bytes(name, self._renderer.render(document, RENDER_TIMEOUT_S))
        return stored.key, stored.sha256

    def conclude(self, uow: UnitOfWork, claim: JobClaim, request: _ToDraw, answer: tuple[str, str]) -> None:
        """Remember the file."""
        del claim
        paper = lock_row(uow.session, SalePaper, request.paper_id)
        if paper is not None and paper.file_key is None:
            paper.file_key, paper.file_sha256 = answer
            paper.drawn_at = clock.now()


def register(storage: Storage, renderer: PaperRenderer) -> None:
    """Register the job. `renderer` is called in processes that serve the queue `documents`."""
    call(DRAW, queue="documents")(DrawPaper(storage, renderer))
