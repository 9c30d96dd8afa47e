"""Jobs of legal documents: number them, draw them, and pick up what was left."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from sqlalchemy import Text, cast, exists, select

from billing.invoices.draw_first import RENDER_FIRST
from billing.invoices.models import Invoice
from billing.invoices.number_document import ISSUE, RENDER, number_document
from billing.invoices.render_document import RenderDocument, Renderer
from kernel import clock
from kernel.db.uow import Transact, UnitOfWork
from kernel.jobs.kinds import Payload, call, job, sweep
from kernel.jobs.models import Job
from kernel.jobs.outbox import enqueue
from kernel.storage import Storage

SWEEP = "billing.invoice.sweep"
_LATE = timedelta(minutes=10)


def register(storage: Storage, renderer: Renderer, public_url: str) -> None:
    """Register the jobs of documents. `renderer` is called in processes that serve the queue `documents`."""

    @job(ISSUE)
    def issue(uow: UnitOfWork, payload: Payload) -> None:
        number_document(uow, UUID(payload["invoice_id"]))

    draw = RenderDocument(storage, renderer, public_url=public_url)
    for kind in (RENDER, RENDER_FIRST):
        call(kind, queue="documents")(draw)

    @sweep(SWEEP, every=timedelta(minutes=10))
    def pick_up(transact: Transact) -> None:
        transact(pick_up_unfinished)


def pick_up_unfinished(uow: UnitOfWork) -> None:
    """Documents without files after ten minutes whose jobs died: they get another job under another key."""
    before = clock.now() - _LATE
    slot = clock.now().strftime("%Y%m%d%H")
    waits = exists().where(
        Job.kind.in_((ISSUE, RENDER, RENDER_FIRST)),
        Job.state.in_(("ready", "running")),
        Job.payload["invoice_id"].astext == cast(Invoice.id, Text),
    )
    late = select(Invoice).where(Invoice.pdf_key.is_(None), Invoice.created_at < before, ~waits)
    for invoice in uow.session.scalars(late.order_by(Invoice.created_at).limit(100)):
        kind = ISSUE if invoice.number is None else RENDER
        enqueue(uow, kind, {"invoice_id": str(invoice.id)}, dedupe_key=f"{invoice.id}:{slot}")
