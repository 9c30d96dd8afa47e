"""A title is corrected while a refund succeeds, and twice at once: nothing is ever credited twice."""

from __future__ import annotations

from uuid import UUID

import pytest
from sqlalchemy import select

from billing.invoices.models import Invoice
from kernel.db.uow import transact
from orders.invoicing.correct_title import CorrectTitle, correct_invoice_title
from tests.loop_stage import Stage
from tests.races.forced import Side, every_order, every_order_of_twins, interleaved

pytestmark = pytest.mark.races
GROSS = 398_000


def correcting(stage: Stage, invoice_id: UUID, name: str) -> Side:
    command = CorrectTitle(invoice_id, "typo", legal_name=name)

    def correct() -> UUID:
        return transact(
            stage.services.db, stage.buyer.owner, lambda uow: correct_invoice_title(uow, command).invoice_id
        )

    return correct


def papers(stage: Stage, order_id: UUID) -> tuple[list[Invoice], list[Invoice]]:
    """Invoices and credit notes of the order. No invoice is credited more than it is."""
    rows = stage.rows(select(Invoice).where(Invoice.reference == order_id).order_by(Invoice.id))
    invoices = [one for one in rows if one.kind == "invoice"]
    notes = [one for one in rows if one.kind == "credit_note"]
    for invoice in invoices:
        assert sum(note.gross_minor for note in notes if note.original_invoice_id == invoice.id) <= invoice.gross_minor
    assert all(one.number for one in rows)
    return invoices, notes


@every_order
@pytest.mark.parametrize("amount_minor", [None, 98_000])
def test_a_refund_succeeds(stage: Stage, order: str, amount_minor: int | None) -> None:
    order_id = stage.buy()
    stage.run()
    (invoice,) = stage.papers(order_id)
    stage.refund(order_id, amount_minor)
    corrected, _ = interleaved(
        stage.services.db, order, correcting(stage, invoice.id, "云帆公司"), stage.run, table="billing.invoice"
    )
    stage.run()
    invoices, notes = papers(stage, order_id)
    charged = sum(one.gross_minor for one in invoices) - sum(one.gross_minor for one in notes)
    assert charged == GROSS - (amount_minor or GROSS)
    assert sum(1 for note in notes if note.refund_id) == 1
    if corrected == "invoice_fully_credited":
        assert (len(invoices), amount_minor) == (1, None)
    else:
        assert [one.id for one in invoices] == [invoice.id, corrected]


@every_order_of_twins
@pytest.mark.parametrize("other", ["甲公司", "乙公司"])
def test_it_is_corrected_twice(stage: Stage, order: str, other: str) -> None:
    order_id = stage.buy()
    stage.run()
    (invoice,) = stage.papers(order_id)
    told = interleaved(
        stage.services.db, order, correcting(stage, invoice.id, "甲公司"), correcting(stage, invoice.id, other)
    )
    stage.run()
    invoices, notes = papers(stage, order_id)
    assert (len(invoices), len(notes)) == (2, 1)
    second = invoices[1].id
    if other == "甲公司":
        assert told == (second, second)
    else:
        assert sorted(map(str, told)) == sorted([str(second), "invoice_superseded"])
