"""For tests of consolidated invoices: a title that chose them, and months that end."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import select

from app.scheduler import run_sweep
from billing.invoices.models import Invoice, InvoiceLine
from kernel import clock
from kernel.db.uow import unit_of_work
from kernel.jobs.kinds import sweeps
from kernel.principal import SYSTEM
from marketplace.parties.models import BillingProfile
from orders.invoicing.invoice_month import SWEEP_MONTHS
from orders.invoicing.models import UnbilledOrder
from tests.loop_stage import Stage


def choose_monthly(stage: Stage, *, wanted: bool = True, profile: UUID | None = None) -> None:
    """Let a title (the buyer's default) get one invoice a month, or one an order again."""
    with unit_of_work(stage.services.db, SYSTEM) as uow:
        uow.session.get_one(BillingProfile, profile or stage.profile).monthly_invoice = wanted


def waiting(stage: Stage, order_id: UUID) -> UnbilledOrder:
    """How an order waits, or waited, for its month's invoice."""
    (found,) = stage.rows(select(UnbilledOrder).where(UnbilledOrder.order_id == order_id))
    assert isinstance(found, UnbilledOrder)
    return found


def end_month(stage: Stage, order_id: UUID) -> None:
    """Let the month of an order end, and what follows; nothing is invoiced yet."""
    clock.advance(waiting(stage, order_id).due_at - clock.now())


def sweep_months(stage: Stage) -> None:
    """Do the month's run, without the jobs that follow."""
    run_sweep(stage.services.db, next(item for item in sweeps() if item.name == SWEEP_MONTHS))


def documents(stage: Stage, kind: str = "invoice") -> list[Invoice]:
    """Of the test's buyer, the first one first."""
    mine = (Invoice.buyer_org_id == stage.buyer.id, Invoice.kind == kind)
    return stage.rows(select(Invoice).where(*mine).order_by(Invoice.id))


def lines_of(stage: Stage, invoice: Invoice) -> list[InvoiceLine]:
    """A document's lines as they stand on it."""
    found: list[Any] = stage.rows(
        select(InvoiceLine).where(InvoiceLine.invoice_id == invoice.id).order_by(InvoiceLine.position)
    )
    return found
