"""A month is invoiced while an order of it is refunded, twice at once, and while the invoice's title is corrected."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import ColumnElement, select, update

from kernel import clock
from kernel.db.uow import transact, unit_of_work
from kernel.principal import SYSTEM
from orders.invoicing.correct_title import CorrectTitle, correct_invoice_title
from orders.invoicing.invoice_month import MonthToInvoice, invoice_month
from orders.invoicing.models import UnbilledOrder
from tests.loop_stage import Stage
from tests.month_stage import choose_monthly, documents, lines_of, waiting
from tests.races.forced import Side, every_order, every_order_of_twins, interleaved

pytestmark = pytest.mark.races
GROSS = 398_000


def two_that_wait(stage: Stage) -> tuple[UUID, UUID]:
    """Two delivered orders of a month that is over."""
    choose_monthly(stage)
    first, second = stage.buy(), stage.buy()
    stage.run()
    over = clock.now() - timedelta(minutes=1)
    with unit_of_work(stage.services.db, SYSTEM) as uow:
        uow.session.execute(
            update(UnbilledOrder).where(UnbilledOrder.buyer_org_id == stage.buyer.id).values(due_at=over)
        )
    return first, second


def running(stage: Stage, order_id: UUID) -> Side:
    row = waiting(stage, order_id)
    wanted = MonthToInvoice(row.billing_profile_id, row.seller_org_id, row.currency, row.month)
    return lambda: transact(stage.services.db, SYSTEM, lambda uow: invoice_month(uow, wanted))


def charged(stage: Stage) -> int:
    """What all documents come to. No invoice is credited more than it is, and no order's line is on two that stand."""
    invoices, notes = documents(stage), documents(stage, "credit_note")
    for invoice in invoices:
        assert sum(one.gross_minor for one in notes if one.original_invoice_id == invoice.id) <= invoice.gross_minor
    standing = [line.reference for one in invoices if one.superseded_at is None for line in lines_of(stage, one)]
    assert len(standing) == len(set(standing))
    assert all(one.number for one in (*invoices, *notes))
    return sum(one.gross_minor for one in invoices) - sum(one.gross_minor for one in notes)


@every_order
@pytest.mark.parametrize("amount_minor", [None, 98_000])
def test_a_refund_of_one_of_them_succeeds(stage: Stage, order: str, amount_minor: int | None) -> None:
    first, second = two_that_wait(stage)
    refund_id = stage.refund(first, amount_minor)
    interleaved(stage.services.db, order, running(stage, first), stage.run, table="billing.invoice")
    stage.run()
    assert charged(stage) == 2 * GROSS - (amount_minor or GROSS)
    (invoice,) = documents(stage)
    notes = documents(stage, "credit_note")
    # Either it was taken off before, or it is credited; never both.
    assert (waiting(stage, first).deducted == [refund_id]) == (not notes)
    assert [note.refund_id for note in notes] in ([], [refund_id])
    assert waiting(stage, second).reference == invoice.reference


@every_order_of_twins
def test_two_run_at_once(stage: Stage, order: str) -> None:
    first, second = two_that_wait(stage)
    told = interleaved(stage.services.db, order, running(stage, first), running(stage, second))
    (invoice,) = documents(stage)
    assert set(told) == {invoice.id, None}
    assert charged(stage) == 2 * GROSS


@every_order
def test_a_refund_succeeds_while_its_title_is_corrected(stage: Stage, order: str) -> None:
    first, _ = two_that_wait(stage)
    running(stage, first)()
    stage.run()
    (invoice,) = documents(stage)
    command = CorrectTitle(invoice.id, "typo", legal_name="云帆公司")

    def correcting() -> UUID:
        return transact(
            stage.services.db, stage.buyer.owner, lambda uow: correct_invoice_title(uow, command).invoice_id
        )

    stage.refund(first)
    interleaved(stage.services.db, order, correcting, stage.run, table="billing.invoice")
    stage.run()
    assert charged(stage) == GROSS
    assert sum(1 for note in documents(stage, "credit_note") if note.refund_id) == 1


@every_order
def test_another_order_of_the_month_is_delivered_late(stage: Stage, order: str) -> None:
    first, _ = two_that_wait(stage)
    late: list[UUID] = []

    def deliver() -> None:
        late.append(stage.buy())
        stage.run()

    interleaved(stage.services.db, order, running(stage, first), deliver, table="orders.unbilled_order")
    assert charged(stage) == 2 * GROSS
    assert stage.rows(select(UnbilledOrder.order_id).where(UnbilledOrder.settled_at.is_(None), _mine(stage))) == late


def _mine(stage: Stage) -> ColumnElement[bool]:
    return UnbilledOrder.buyer_org_id == stage.buyer.id
