"""An issued invoice names the wrong title: it is credited and issued once more, whatever was or is refunded besides."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from litestar.testing import TestClient
from sqlalchemy import func, select

from billing.fapiao.models import FapiaoRequest, RedLetter
from billing.fapiao.red_letters import decide_red_letter, use_fapiao
from billing.fapiao.request_fapiao import RequestFapiao, request_fapiao
from billing.fapiao.sandbox import SandboxFapiaoIssuer
from billing.invoices.correct_title import CORRECTIONS_MOST, TitleCorrection
from billing.invoices.models import Invoice
from billing.invoices.to_document import load_document
from billing.ledger.models import LedgerTransaction
from kernel import clock
from kernel.db.uow import transact, unit_of_work
from kernel.errors import Conflict, Invalid, NotFound
from kernel.principal import SYSTEM
from marketplace.parties.save_billing_profile import SaveBillingProfile, save_billing_profile
from orders.invoicing.correct_title import CorrectTitle, correct_invoice_title
from tests.fapiao_stage import first_document, letter_of, number_fapiaos
from tests.loop_stage import Stage

GROSS = 398_000
OTHER = "91330106MA2CF9B3RJ"


def profile(stage: Stage, name: str = "云帆（上海）科技有限公司", tax_id: str = OTHER, country: str = "CN") -> UUID:
    command = SaveBillingProfile(name, tax_id, country, "张江路 88 号", "fapiao@yunfan.example")
    return transact(stage.services.db, stage.buyer.owner, lambda uow: save_billing_profile(uow, command).id)


def correct(stage: Stage, command: CorrectTitle) -> TitleCorrection:
    return transact(stage.services.db, stage.buyer.owner, lambda uow: correct_invoice_title(uow, command))


def bought(stage: Stage) -> tuple[UUID, Invoice]:
    order_id = stage.buy()
    stage.run()
    (invoice,) = stage.papers(order_id)
    return order_id, invoice


def booked(stage: Stage) -> int:
    return int(stage.rows(select(func.count(LedgerTransaction.id)))[0])


class TestCorrection:
    def test_what_a_refund_left_is_credited_and_invoiced_to_the_other_title(self, stage: Stage) -> None:
        order_id, invoice = bought(stage)
        stage.refund(order_id, 98_000)
        stage.run()
        before, command = booked(stage), CorrectTitle(invoice.id, "抬头写错了", profile(stage))
        found = correct(stage, command)
        assert correct(stage, command) == found
        stage.run()
        assert booked(stage) == before, "no book knows of it"
        first, second = stage.papers(order_id)
        refunded, note = stage.papers(order_id, "credit_note")
        assert (first.id, second.id, note.id) == (invoice.id, found.invoice_id, found.note_id)
        assert (refunded.gross_minor, note.gross_minor, second.gross_minor) == (98_000, 300_000, 300_000)
        assert (second.net_minor, second.tax_minor) == (note.net_minor, note.tax_minor)
        assert (second.paid_minor, note.paid_minor) == (300_000, 300_000)
        assert second.buyer == invoice.buyer | {
            "legal_name": "云帆（上海）科技有限公司",
            "tax_id": OTHER,
            "address_lines": ["张江路 88 号"],
            "phone": "",
            "email": "fapiao@yunfan.example",
        }
        assert note.buyer == invoice.buyer
        assert None not in {first.superseded_at, note.number, second.number}
        assert (note.reason, note.remarks) == ("title_corrected", "抬头写错了")
        assert (second.corrects_invoice_id, second.po_number) == (invoice.id, "PO-7")
        assert (invoice.number or "?") in second.remarks
        with unit_of_work(stage.services.db, SYSTEM) as uow:
            assert load_document(uow, note.id, public_url="").carried_over
            assert not load_document(uow, refunded.id, public_url="").carried_over
        for principal in (stage.purchaser, stage.seller.owner):
            trace = stage.trace(principal, note.id)
            assert trace.is_whole
            (node,) = [one for one in trace.nodes if one.id == second.id]
            assert node.after == (invoice.id,)

    def test_a_refund_afterwards_credits_what_stands_in_its_place(self, stage: Stage) -> None:
        order_id, invoice = bought(stage)
        found = correct(stage, CorrectTitle(invoice.id, "税号有误", tax_id=OTHER))
        stage.refund(order_id)
        stage.run()
        assert stage.order(order_id).state == "refunded"
        notes = {note.original_invoice_id: note for note in stage.papers(order_id, "credit_note")}
        assert {one: note.gross_minor for one, note in notes.items()} == {invoice.id: GROSS, found.invoice_id: GROSS}
        assert notes[found.invoice_id].buyer["tax_id"] == OTHER
        assert notes[found.invoice_id].refund_id is not None

    def test_with_everything_credited_nothing_can_be_corrected(self, stage: Stage) -> None:
        order_id, invoice = bought(stage)
        stage.refund(order_id)
        stage.run()
        with pytest.raises(Conflict, match="invoice_fully_credited"):
            correct(stage, CorrectTitle(invoice.id, "late", profile(stage)))
        (note,) = stage.papers(order_id, "credit_note")
        with pytest.raises(Conflict, match="invoice_not_correctable"):
            correct(stage, CorrectTitle(note.id, "late", profile(stage)))

    def test_what_is_refused_issues_nothing(self, stage: Stage) -> None:
        order_id, invoice = bought(stage)
        abroad = profile(stage, "Contoso GmbH", "DE136695976", "DE")
        refused: list[tuple[type[Exception], str, CorrectTitle]] = [
            (Conflict, "title_unchanged", CorrectTitle(invoice.id, "same")),
            (Conflict, "correction_changes_tax", CorrectTitle(invoice.id, "abroad", abroad)),
            (Invalid, "tax_id_check_digit", CorrectTitle(invoice.id, "typo", tax_id="91330106MA2CF9B3RX")),
            (Invalid, "tax_id_required", CorrectTitle(invoice.id, "none", tax_id="")),
            (Invalid, "text_required", CorrectTitle(invoice.id, " ", tax_id=OTHER)),
        ]
        for error, code, command in refused:
            with pytest.raises(error, match=code):
                correct(stage, command)
        command = CorrectTitle(invoice.id, "not mine", legal_name="其他公司")
        with pytest.raises(NotFound, match="invoice_not_found"):
            transact(stage.services.db, stage.seller.owner, lambda uow: correct_invoice_title(uow, command))
        assert stage.papers(order_id, "credit_note") == []
        assert len(stage.papers(order_id)) == 1

    def test_another_title_for_what_was_corrected_is_refused_and_corrections_end(self, stage: Stage) -> None:
        order_id, invoice = bought(stage)
        at = correct(stage, CorrectTitle(invoice.id, "first", legal_name="甲公司")).invoice_id
        with pytest.raises(Conflict, match="invoice_superseded"):
            correct(stage, CorrectTitle(invoice.id, "again", legal_name="乙公司"))
        for number in range(1, CORRECTIONS_MOST):
            stage.run()
            at = correct(stage, CorrectTitle(at, "again", legal_name=f"{number} 公司")).invoice_id
        stage.run()
        with pytest.raises(Conflict, match="corrections_exhausted"):
            correct(stage, CorrectTitle(at, "again", legal_name="末公司"))
        assert len(stage.papers(order_id)) == CORRECTIONS_MOST + 1


class TestTaxInvoices:
    def test_a_booked_one_is_taken_back_before_the_other_is_issued(self, stage: Stage) -> None:
        order_id, invoice = bought(stage)
        ask = RequestFapiao([invoice.id])
        request_id = transact(
            stage.services.db, stage.buyer.owner, lambda uow: request_fapiao(uow, ask, SandboxFapiaoIssuer()).id
        )
        number_fapiaos(stage, request_id)
        blue = first_document(stage, request_id)
        transact(stage.services.db, stage.buyer.owner, lambda uow: use_fapiao(uow, blue).id)
        found = correct(stage, CorrectTitle(invoice.id, "税号有误", tax_id=OTHER))
        stage.run()
        letter_id = letter_of(stage, blue)
        assert stage.get(RedLetter, letter_id).reason == "mistake"
        numbers = [stage.get(Invoice, one).number for one in (found.note_id, found.invoice_id)]
        assert numbers == [None, None], "the buyer has not confirmed"
        transact(stage.services.db, stage.buyer.owner, lambda uow: decide_red_letter(uow, letter_id, "confirm").id)
        for _ in range(3):
            stage.run(documents=True)
            clock.advance(timedelta(hours=1))
        note, second = (stage.get(Invoice, one) for one in (found.note_id, found.invoice_id))
        assert None not in {note.number, note.reddened_at, second.number}
        again = RequestFapiao([second.id])
        request_id = transact(
            stage.services.db, stage.buyer.owner, lambda uow: request_fapiao(uow, again, SandboxFapiaoIssuer()).id
        )
        assert stage.get(FapiaoRequest, request_id).gross_minor == GROSS
        del order_id


class TestPages:
    def test_finance_corrects_it_and_both_are_linked(self, stage: Stage, browser: TestClient[Any]) -> None:
        _, invoice = bought(stage)
        shown = browser.get(f"/invoices/{invoice.id}/correction")
        assert shown.status_code == 200
        assert (invoice.number or "?") in shown.text
        form = {"csrf": browser.headers["x-csrf-token"], "reason": "typo", "legal_name": "云帆公司", "tax_id": "1"}
        wrong = browser.post(f"/invoices/{invoice.id}/correction", data=form, follow_redirects=False)
        assert wrong.status_code == 422
        assert 'id="tax_id-wrong"' in wrong.text
        done = browser.post(f"/invoices/{invoice.id}/correction", data=form | {"tax_id": OTHER}, follow_redirects=False)
        assert done.status_code == 303
        stage.run()
        opened = browser.get(done.headers["location"])
        assert "云帆公司" in opened.text
        assert (invoice.number or "?") in opened.text
        first = browser.get(f"/invoices?open={invoice.id}")
        assert f"/invoices/{invoice.id}/correction" not in first.text, "it was corrected already"
        listed = browser.get(f"/v1/invoices/{invoice.id}").json()
        assert listed["corrected_by"]["corrects_invoice_id"] == str(invoice.id)
