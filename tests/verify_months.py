"""What `market verify` reads of consolidated invoices: refunded before and after, credited, corrected, and waiting."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select, update

from billing.invoices.models import Invoice
from kernel import clock
from kernel.db.uow import unit_of_work
from kernel.principal import SYSTEM
from marketplace.parties.models import BillingProfile
from orders.invoicing.correct_title import CorrectTitle, correct_invoice_title
from orders.invoicing.invoice_month import SWEEP_MONTHS
from orders.invoicing.models import UnbilledOrder
from tests.factories_billing import do_sweep

if TYPE_CHECKING:
    from tests.verify_world import MarketStage


def invoice_months(stage: MarketStage) -> None:
    """Of a month's orders one went back before it was invoiced, one in part, one in part afterwards; another order waits."""
    choose(stage, wanted=True)
    wholly, partly, kept = (stage.buy((stage.seats.id, 1)) for _ in range(3))
    stage.refund(wholly, None)
    stage.refund(partly, 3_000)
    with unit_of_work(stage.db, SYSTEM) as uow:
        # Nothing else of the month's end is to be done here.
        uow.session.execute(update(UnbilledOrder).values(due_at=clock.now()))
    do_sweep(stage.db, SWEEP_MONTHS)
    stage.keep_running()
    stage.refund(partly, 2_000)
    with unit_of_work(stage.db, stage.buyer.owner) as uow:
        invoice = uow.session.scalars(
            select(Invoice).where(Invoice.month.is_not(None), Invoice.kind == "invoice")
        ).one()
        correct_invoice_title(uow, CorrectTitle(invoice.id, "typo", legal_name="云帆公司"))
    stage.keep_running()
    stage.refund(kept, 1_000)
    stage.buy((stage.seats.id, 1))
    choose(stage, wanted=False)


def choose(stage: MarketStage, *, wanted: bool) -> None:
    """Let every title of the buyer get one invoice a month, or one an order."""
    with unit_of_work(stage.db, SYSTEM) as uow:
        mine = BillingProfile.org_id == stage.buyer.id
        uow.session.execute(update(BillingProfile).where(mine).values(monthly_invoice=wanted))
