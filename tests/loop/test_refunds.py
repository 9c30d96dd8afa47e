"""Money back after delivery: credit notes, shares taken back, statements that carry what is owed."""

from __future__ import annotations

from datetime import timedelta

import pytest

from billing.ledger.queries import balance_minor
from kernel import clock
from kernel.db.uow import unit_of_work
from kernel.errors import Conflict
from kernel.principal import SYSTEM
from tests.loop_stage import Stage

GROSS, COMMISSION, PROMOTER = 398_000, 56_321, 18_774
SELLER = GROSS - COMMISSION - PROMOTER


def bought(stage: Stage) -> int:
    """How many facts of the purchase the buyer took part in; what follows is the refund's."""
    return len(stage.topics())


class TestWholeRefund:
    def test_everything_is_taken_back_and_credited(self, stage: Stage) -> None:
        order_id = stage.buy()
        stage.run()
        before = bought(stage)
        stage.refund(order_id)
        stage.run(documents=True)
        assert [topic for topic in stage.topics()[before:] if topic != "billing.invoice_rendered"] == [
            "billing.refund_succeeded",
            "fulfillment.entitlement_ended",
            "orders.order_refunded",
            "billing.credit_note_issued",
        ]
        assert stage.order(order_id).state == "refunded"
        assert stage.entitlement(order_id).state == "ended"
        assert stage.effects(order_id) == ["instance_created", "instance_ended"]
        (invoice,), (note,) = stage.papers(order_id), stage.papers(order_id, "credit_note")
        assert (note.net_minor, note.tax_minor, note.gross_minor) == (375_472, 22_528, GROSS)
        assert (note.original_invoice_id, note.reason) == (invoice.id, "not needed")
        assert (note.number or "").startswith("CN-")
        assert stage.services.storage.get_bytes(note.pdf_key or "").startswith(b"%PDF")
        assert {share.state for share in stage.shares(order_id).values()} == {"reversed"}
        for principal in (stage.purchaser, stage.seller.owner):
            assert stage.trace(principal, order_id).is_whole
        with unit_of_work(stage.services.db, SYSTEM) as uow:
            for org in (stage.seller, stage.promoter, stage.buyer):
                for account in ("party_pending", "party_available", "buyer_credit"):
                    assert balance_minor(uow, org.id, account, "CNY") == 0
        stage.settle()
        assert stage.statements(stage.seller) == []

    def test_nothing_goes_back_twice_nor_after_the_window(self, stage: Stage) -> None:
        order_id, late = stage.buy(), stage.buy()
        stage.run()
        stage.refund(order_id)
        with pytest.raises(Conflict, match="nothing_left_to_refund"):
            stage.refund(order_id)
        stage.run()
        with pytest.raises(Conflict, match="order_not_refundable"):
            stage.refund(order_id)
        clock.advance(timedelta(days=7, seconds=1))
        with pytest.raises(Conflict, match="refund_window_over"):
            stage.refund(late)


class TestPartialRefunds:
    def test_parts_add_up_to_the_invoice_and_the_last_one_ends_the_order(self, stage: Stage) -> None:
        order_id = stage.buy()
        stage.run()
        for amount_minor in (1, 99_999, 133_333):
            stage.refund(order_id, amount_minor)
            stage.run()
            assert stage.order(order_id).state == "active"
            assert stage.entitlement(order_id).state == "active"
        with pytest.raises(Conflict, match="refund_exceeds"):
            stage.refund(order_id, GROSS - 233_333 + 1)
        stage.refund(order_id)
        stage.run()
        notes = stage.papers(order_id, "credit_note")
        assert [note.gross_minor for note in notes] == [1, 99_999, 133_333, GROSS - 233_333]
        (invoice,) = stage.papers(order_id)
        for column in ("net_minor", "tax_minor", "gross_minor"):
            assert sum(getattr(note, column) for note in notes) == getattr(invoice, column)
        assert {share.amount_minor - share.reversed_minor for share in stage.shares(order_id).values()} == {0}
        assert stage.order(order_id).state == "refunded"


class TestRefundAfterPayout:
    def test_next_statement_is_negative_and_is_netted_by_later_sales(self, stage: Stage) -> None:
        plan_id, card = stage.offer(refund_window_days=60)
        order_id = stage.place(stage.quote(plan_id, context=card))
        stage.run()
        stage.settle()
        for org in (stage.seller, stage.promoter):
            stage.pay_out(stage.statements(org)[0].id)
        stage.refund(order_id)
        stage.run()
        stage.settle()
        for org, paid_minor in ((stage.seller, SELLER), (stage.promoter, PROMOTER)):
            _, after = stage.statements(org)
            assert (after.state, after.net_minor) == ("carried", -paid_minor)
        owing = stage.statements(stage.seller)[1]
        assert (owing.refunds_minor, owing.commission_minor, owing.promoter_minor) == (-GROSS, COMMISSION, PROMOTER)
        assert stage.papers(owing.id, "commission_invoice") == []
        stage.place(stage.quote(plan_id, 40, context=card))
        stage.run()
        stage.settle()
        last = stage.statements(stage.seller)[2]
        # 40 seats: 7960.00 gross, 7509.43 net; 15 % is 1126.41, 5 % is 375.47.
        assert (last.gross_minor, last.carried_minor) == (796_000, -SELLER)
        assert (last.state, last.net_minor) == ("closed", 796_000 - 112_641 - 37_547 - SELLER)
        assert stage.pay_out(last.id).state == "paid"
        (bill,) = stage.papers(last.id, "commission_invoice")
        assert bill.gross_minor == 112_641 - COMMISSION
