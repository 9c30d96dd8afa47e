"""Tax invoices are numbered by their issuer and drawn with the number it gave, in one call outside."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final, Protocol
from uuid import UUID

from sqlalchemy import select

from billing.documents.fapiao import FapiaoDocument
from billing.documents.fapiao_xml import CHINA, to_fapiao_xml
from billing.fapiao.complete_note import complete_notes_of
from billing.fapiao.drafts import draft_of, to_document
from billing.fapiao.events import FapiaosIssued, FapiaosRefused, RedFapiaoIssued
from billing.fapiao.models import EFFECTIVE, FAPIAO_REQUEST, Fapiao, FapiaoRequest, RedLetter
from billing.fapiao.ports import FapiaoDraft, FapiaoIssued, FapiaoIssuer, FapiaoRefused
from billing.fapiao.red_letters import RELEASE
from kernel import clock
from kernel.db.locks import lock_row, lock_rows
from kernel.db.uow import UnitOfWork
from kernel.errors import Unavailable
from kernel.jobs.context import JobClaim
from kernel.jobs.kinds import Again
from kernel.jobs.outbox import emit, enqueue
from kernel.storage import Storage

RENDER_TIMEOUT_S: Final = 60.0
REFUSED_RED_WAITS: Final = timedelta(hours=1)


class FapiaoRenderer(Protocol):
    """Draws a document as PDF in a process of its own."""

    def render(self, document: FapiaoDocument, timeout_s: float) -> bytes:
        """The file. Raises Unavailable when it cannot be drawn now."""


@dataclass(frozen=True, slots=True)
class NumberedFapiao:
    """What was numbered, and where its files lie."""

    fapiao_id: UUID
    issued: FapiaoIssued
    pdf_key: str
    pdf_sha256: str
    xml_key: str
    xml_sha256: str


class FapiaoPress:
    """The outside of it: an issuer, the renderer and the store."""

    def __init__(self, issuer: FapiaoIssuer | None, storage: Storage, renderer: FapiaoRenderer) -> None:
        self._issuer = issuer
        self._storage = storage
        self._renderer = renderer

    def issuer(self, name: str) -> FapiaoIssuer:
        """The installation's, if it is the one that was asked. Raises Unavailable `fapiao_issuer_missing` else."""
        if self._issuer is None or self._issuer.name != name:
            raise Unavailable("fapiao_issuer_missing")
        return self._issuer

    def number(self, draft: FapiaoDraft, issuer: FapiaoIssuer) -> NumberedFapiao | FapiaoRefused:
        """Have it numbered, and store both its files. Asked twice it is one: the issuer answers by the draft's id."""
        issued = issuer.issue(draft)
        if isinstance(issued, FapiaoRefused):
            return issued
        document = to_document(draft, issued, issuer=issuer.name, sandbox=issuer.sandbox)
        folder = f"fapiao/{document.issued_on.year}/{draft.id}"
        xml = self._storage.put_bytes(f"{folder}.xml", to_fapiao_xml(document))
        pdf = self._storage.put_bytes(f"{folder}.pdf", self._renderer.render(document, RENDER_TIMEOUT_S))
        return NumberedFapiao(draft.id, issued, pdf.key, pdf.sha256, xml.key, xml.sha256)


@dataclass(frozen=True, slots=True)
class _Asked:
    request_id: UUID
    issuer: str
    drafts: tuple[FapiaoDraft, ...]


@dataclass(frozen=True, slots=True)
class _Answered:
    numbered: tuple[NumberedFapiao, ...]
    refused: FapiaoRefused | None


class IssueFapiaos:
    """The steps of the job that has a request's documents numbered. Idempotent by: the document."""

    def __init__(self, press: FapiaoPress) -> None:
        self._press = press

    def prepare(self, uow: UnitOfWork, claim: JobClaim) -> _Asked | None:
        """What has no number yet, in order; the request is the issuer's from now on."""
        request = lock_row(uow.session, FapiaoRequest, UUID(claim.payload["request_id"]))
        if request is None or request.state not in {"requested", "queued"}:
            return None
        if FAPIAO_REQUEST.move(uow, request, "queued", org_ids=[request.buyer_org_id, request.seller_org_id]):
            request.attempts += 1
        waiting = select(Fapiao).where(
            Fapiao.request_id == request.id, Fapiao.direction == "blue", Fapiao.number.is_(None)
        )
        rows = uow.session.scalars(waiting.order_by(Fapiao.position)).all()
        return _Asked(request.id, request.issuer, tuple(draft_of(uow, request, row) for row in rows))

    def call(self, request: _Asked) -> _Answered:
        """One after the other, until one is refused."""
        issuer = self._press.issuer(request.issuer)
        numbered: list[NumberedFapiao] = []
        for draft in request.drafts:
            answer = self._press.number(draft, issuer)
            if isinstance(answer, FapiaoRefused):
                return _Answered(tuple(numbered), answer)
            numbered.append(answer)
        return _Answered(tuple(numbered), None)

    def conclude(self, uow: UnitOfWork, claim: JobClaim, request: _Asked, answer: _Answered) -> None:
        """Write down what was numbered, and why the rest was not."""
        del claim
        row = lock_row(uow.session, FapiaoRequest, request.request_id)
        if row is None or row.state != "queued":
            return
        _record(uow, answer.numbered)
        row.concluded_at = clock.now()
        org_ids = [row.buyer_org_id, row.seller_org_id]
        if answer.refused is None:
            FAPIAO_REQUEST.move(uow, row, "issued", org_ids=org_ids)
            emit(uow, FapiaosIssued(request_id=row.id, buyer_org_id=row.buyer_org_id, seller_org_id=row.seller_org_id))
        else:
            row.failure_code = answer.refused.code
            FAPIAO_REQUEST.move(uow, row, "failed", org_ids=org_ids, reason=answer.refused.code)
            emit(
                uow,
                FapiaosRefused(
                    request_id=row.id,
                    buyer_org_id=row.buyer_org_id,
                    seller_org_id=row.seller_org_id,
                    code=answer.refused.code,
                ),
            )


@dataclass(frozen=True, slots=True)
class _Letter:
    letter_id: UUID
    issuer: str
    number: str
    draft: FapiaoDraft
    may_issue: bool


@dataclass(frozen=True, slots=True)
class _Filed:
    number: str
    outcome: NumberedFapiao | FapiaoRefused | None


class IssueRed:
    """The steps of the job that files a red letter, and has its red document numbered once it may be.

    Idempotent by: the letter and the document, which are the issuer's keys.
    """

    def __init__(self, press: FapiaoPress) -> None:
        self._press = press

    def prepare(self, uow: UnitOfWork, claim: JobClaim) -> _Letter | None:
        """The letter as it stands. What may be issued can be revoked no more."""
        letter = lock_row(uow.session, RedLetter, UUID(claim.payload["letter_id"]))
        if letter is None:
            return None
        red = uow.session.get_one(Fapiao, letter.red_id)
        may_issue = letter.state in EFFECTIVE and red.number is None
        if not may_issue and letter.number is not None:
            return None
        blue = uow.session.get_one(Fapiao, letter.fapiao_id)
        request = uow.session.get_one(FapiaoRequest, blue.request_id)
        if may_issue and letter.issuing_at is None:
            letter.issuing_at = clock.now()
        draft = draft_of(uow, request, red, original_number=blue.number or "")
        return _Letter(letter.id, request.issuer, letter.number or "", draft, may_issue)

    def call(self, request: _Letter) -> _Filed:
        """File it, and have the red one numbered."""
        issuer = self._press.issuer(request.issuer)
        number = request.number or issuer.file_red_letter(request.letter_id, request.draft.seller)
        if not request.may_issue:
            return _Filed(number, None)
        return _Filed(number, self._press.number(replace(request.draft, confirmation_number=number), issuer))

    def conclude(self, uow: UnitOfWork, claim: JobClaim, request: _Letter, answer: _Filed) -> Again | None:
        """Write down its number; with the last red one that it waits for a credit note takes its number, and a refund goes."""
        del claim
        letter = lock_row(uow.session, RedLetter, request.letter_id)
        if letter is None:
            return None
        letter.number = answer.number
        if answer.outcome is None:
            return None
        if isinstance(answer.outcome, FapiaoRefused):
            letter.failure_code = answer.outcome.code
            return Again(REFUSED_RED_WAITS, answer.outcome.code)
        letter.failure_code = None
        letter.concluded_at = clock.now()
        _record(uow, (answer.outcome,))
        emit(
            uow,
            RedFapiaoIssued(letter_id=letter.id, buyer_org_id=letter.buyer_org_id, seller_org_id=letter.seller_org_id),
        )
        complete_notes_of(uow, letter.red_id)
        if letter.refund_id is not None and letter.note_id is None:
            # In a transaction of its own: there the order is locked before the refund, and both before letters.
            enqueue(uow, RELEASE, {"refund_id": str(letter.refund_id)}, dedupe_key=f"{letter.refund_id}:{letter.id}")
        return None


def _record(uow: UnitOfWork, numbered: tuple[NumberedFapiao, ...]) -> None:
    by_id = {one.fapiao_id: one for one in numbered}
    for row in lock_rows(uow.session, Fapiao, by_id):
        if row.number is not None:
            continue
        found = by_id[row.id]
        row.number, row.issued_at = found.issued.number, found.issued.at
        row.issued_on = found.issued.at.astimezone(CHINA).date()
        row.pdf_key, row.pdf_sha256 = found.pdf_key, found.pdf_sha256
        row.xml_key, row.xml_sha256 = found.xml_key, found.xml_sha256
    uow.flush()
