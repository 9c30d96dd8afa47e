"""Legal documents: numbered once, never changed, credited at most in full, and seen by their two parties only."""

from __future__ import annotations

import hashlib
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import select, update
from sqlalchemy.exc import DBAPIError

from app.waiting_jobs import WaitingJobs
from billing import jobs
from billing.documents.fapiao import FapiaoDocument
from billing.documents.model import InvoiceDocument
from billing.documents.parties import DocumentParty
from billing.invoices.draw_first import RENDER_FIRST, draw_first
from billing.invoices.files import files_of, files_of_documents, find_file
from billing.invoices.issue_credit_note import IssueCreditNote, issue_credit_note
from billing.invoices.issue_invoice import issue_invoice
from billing.invoices.jobs import SWEEP
from billing.invoices.models import Invoice, InvoiceLine, NumberSeries
from billing.invoices.number_document import RENDER
from billing.invoices.number_series import take_number
from billing.invoices.queries import (
    InvoiceFilter,
    Standing,
    Totals,
    credited_of,
    get_invoice,
    list_invoices,
    standing,
    totals_of,
)
from billing.invoices.to_document import load_document
from billing.invoices.verify_code import verify_code
from billing.refunds.request_refund import RequestRefund, request_refund
from kernel import clock
from kernel.db.uow import Database, unit_of_work
from kernel.errors import Conflict, Invalid, NotFound
from kernel.ids import uuid7
from kernel.jobs.models import Job
from kernel.jobs.outbox import enqueue
from kernel.principal import SYSTEM, Principal, PrincipalKind
from tests.factories_billing import House, PlainRenderer, Sale, do_sweep, facts, read


def invoiced(house: House) -> tuple[Sale, UUID, UUID]:
    """A paid and invoiced sale: itself, its payment, its invoice."""
    sale = Sale()
    sale.organizations(house.db)
    payment_id = sale.paid(house)
    invoice_id = sale.invoice(house.db)
    house.run()
    return sale, payment_id, invoice_id


def credit(house: House, sale: Sale, payment_id: UUID, invoice_id: UUID, amount_minor: int | None) -> UUID | None:
    with unit_of_work(house.db, SYSTEM) as uow:
        refund_id = request_refund(
            uow, RequestRefund(sale.order_id, payment_id, "退货", automatic=False, amount_minor=amount_minor)
        )
    house.run()
    with unit_of_work(house.db, SYSTEM) as uow:
        note_id = issue_credit_note(uow, IssueCreditNote(invoice_id, refund_id))
        assert issue_credit_note(uow, IssueCreditNote(invoice_id, refund_id)) == note_id
    house.run()
    return note_id


def test_what_somebody_waits_for_is_drawn_before_the_backlog(house: House) -> None:
    sale = Sale()
    sale.organizations(house.db)
    sale.paid(house)
    invoice_id = sale.invoice(house.db)
    with unit_of_work(house.db, Principal(PrincipalKind.PERSON, org_id=sale.buyer_org_id)) as uow:
        draw_first(uow, invoice_id)
        draw_first(uow, invoice_id)
    with unit_of_work(house.db, SYSTEM) as uow:
        mine = select(Job).where(Job.payload["invoice_id"].astext == str(invoice_id), Job.queue == "documents")
        waiting = {job.kind: job for job in uow.session.scalars(mine)}
        assert waiting.keys() == {RENDER, RENDER_FIRST}
        backlog = WaitingJobs(100)
        for _ in range(50):
            backlog.add(RENDER, uuid7())
        backlog.add(RENDER_FIRST, waiting[RENDER_FIRST].id)
        assert waiting[RENDER_FIRST].id in backlog.take(2)
    house.run()
    assert read(house.db, Invoice, invoice_id).pdf_key is not None
    with unit_of_work(house.db, SYSTEM) as uow:
        draw_first(uow, invoice_id)
    with unit_of_work(house.db, SYSTEM) as uow:
        assert not uow.session.scalars(mine).all(), "what has its files is not drawn again"


class TestIssueInvoice:
    def test_it_is_numbered_and_drawn_by_jobs(self, house: House) -> None:
        sale, _, invoice_id = invoiced(house)
        invoice = read(house.db, Invoice, invoice_id)
        assert (invoice.state, invoice.number) == ("issued", "INV-2026-000001")
        assert invoice.pdf_key is not None
        assert invoice.xml_key is not None
        assert house.storage.get_bytes(invoice.pdf_key).startswith(b"%PDF INV-2026-000001")
        assert b"CrossIndustryInvoice" in house.storage.get_bytes(invoice.xml_key)
        assert facts(house.db, invoice_id) == ["billing.invoice_issued.v1", "billing.invoice_rendered.v1"]
        assert sale.invoice(house.db) == invoice_id

    def test_without_lines_there_is_no_invoice(self, house: House) -> None:
        with pytest.raises(Invalid, match="document_line_count"), unit_of_work(house.db, SYSTEM) as uow:
            issue_invoice(uow, replace(Sale().invoice_command(), lines=[]))

    def test_what_could_never_be_drawn_takes_no_number(self, house: House) -> None:
        sale = Sale()
        sale.organizations(house.db)
        command = replace(sale.invoice_command(), remarks="字" * 2_001)
        with unit_of_work(house.db, SYSTEM) as uow:
            invoice_id = issue_invoice(uow, command)
        house.run()
        assert (read(house.db, Invoice, invoice_id).state, read(house.db, Invoice, invoice_id).number) == (
            "queued",
            None,
        )
        with unit_of_work(house.db, SYSTEM) as uow:
            assert take_number(uow, sale.seller_org_id, "invoice").sequence == 1

    def test_the_longest_words_of_a_profile_and_of_a_refund_are_drawn(self, house: House) -> None:
        sale = Sale()
        sale.organizations(house.db)
        payment_id = sale.paid(house)
        buyer = DocumentParty(
            "买" * 200, "CN", "91330000MA27XYZ123", address_lines=("路" * 400,), email=f"{'a' * 242}@example.com"
        )
        with unit_of_work(house.db, SYSTEM) as uow:
            invoice_id = issue_invoice(uow, replace(sale.invoice_command(), buyer=buyer))
        house.run()
        with unit_of_work(house.db, SYSTEM) as uow:
            refund_id = request_refund(uow, RequestRefund(sale.order_id, payment_id, "退" * 500, automatic=False))
        house.run()
        with unit_of_work(house.db, SYSTEM) as uow:
            note_id = issue_credit_note(uow, IssueCreditNote(invoice_id, refund_id))
        house.run()
        assert note_id is not None
        note = read(house.db, Invoice, note_id)
        assert note.paid_minor == note.gross_minor == 106_000
        for document_id in (invoice_id, note_id):
            assert read(house.db, Invoice, document_id).pdf_key is not None

    def test_a_numbered_document_cannot_change_or_disappear(self, house: House) -> None:
        _, _, invoice_id = invoiced(house)
        for change in (
            {"gross_minor": 1, "net_minor": 1, "tax_minor": 0},
            {"number": "INV-2026-000009"},
            {"pdf_sha256": "0"},
        ):
            with pytest.raises(DBAPIError, match="cannot change"), unit_of_work(house.db, SYSTEM) as uow:
                uow.session.execute(update(Invoice).where(Invoice.id == invoice_id).values(**change))
        with pytest.raises(DBAPIError, match="permission denied"), unit_of_work(house.db, SYSTEM) as uow:
            uow.session.execute(update(InvoiceLine).values(name="x"))

    def test_numbers_and_instants_grow_together_when_a_clock_runs_behind(self, house: House) -> None:
        issuer = uuid7()
        with unit_of_work(house.db, SYSTEM) as uow:
            first = take_number(uow, issuer, "invoice")
            with clock.frozen(clock.now() - timedelta(minutes=5)):
                second = take_number(uow, issuer, "invoice")
        assert (first.sequence, second.sequence) == (1, 2)
        assert second.at >= first.at

    def test_a_new_year_begins_a_new_series_where_the_issuer_lives(self, house: House) -> None:
        sale = Sale()
        sale.organizations(house.db)
        # 1 January in Shanghai, still 31 December in UTC.
        new_year = clock.now().replace(year=2026, month=12, day=31, hour=16, minute=30)
        with clock.frozen(new_year), unit_of_work(house.db, SYSTEM) as uow:
            taken = take_number(uow, sale.seller_org_id, "invoice")
        assert (taken.number, taken.on.isoformat()) == ("INV-2027-000001", "2027-01-01")

    def test_a_rollback_gives_the_number_back(self, house: House) -> None:
        issuer = uuid7()
        for _ in range(3):
            with suppress(InterruptedError), unit_of_work(house.db, SYSTEM) as uow:
                take_number(uow, issuer, "invoice")
                raise InterruptedError
        with unit_of_work(house.db, SYSTEM) as uow:
            assert take_number(uow, issuer, "invoice").sequence == 1


class Redrawn(PlainRenderer):
    """A later release, which draws the same document otherwise."""

    def render(self, document: InvoiceDocument | FapiaoDocument, timeout_s: float) -> bytes:
        return super().render(document, timeout_s) + b" again"


class TestFiles:
    def test_what_is_stored_is_never_written_again(self, db: Database, tmp_path: Path, house: House) -> None:
        _, _, invoice_id = invoiced(house)
        jobs.register({}, house.storage, Redrawn(), public_url="https://market.example")
        with unit_of_work(db, SYSTEM) as uow:
            enqueue(uow, RENDER, {"invoice_id": str(invoice_id)}, dedupe_key=str(uuid7()))
        house.run()
        invoice = read(db, Invoice, invoice_id)
        assert invoice.pdf_key is not None
        assert hashlib.sha256(house.storage.get_bytes(invoice.pdf_key)).hexdigest() == invoice.pdf_sha256

    def test_the_sweep_takes_up_what_was_given_up_and_leaves_what_waits(self, db: Database, house: House) -> None:
        sale = Sale()
        sale.organizations(db)
        invoice_id = sale.invoice(db)

        def jobs_of_it() -> list[Job]:
            with unit_of_work(db, SYSTEM) as uow:
                mine = (Job.payload["invoice_id"].astext == str(invoice_id)) & (Job.kind == RENDER)
                return list(uow.session.scalars(select(Job).where(mine).order_by(Job.id)))

        (first,) = jobs_of_it()
        with unit_of_work(db, SYSTEM) as uow:
            uow.session.execute(update(Job).where(Job.id == first.id).values(run_at=clock.now() + timedelta(days=1)))
        clock.advance(timedelta(minutes=11))
        do_sweep(db, SWEEP)
        assert [job.id for job in jobs_of_it()] == [first.id]
        with unit_of_work(db, SYSTEM) as uow:
            uow.session.execute(update(Job).where(Job.id == first.id).values(state="dead", finished_at=clock.now()))
        for _ in range(100):
            do_sweep(db, SWEEP)
            if len(jobs_of_it()) > 1:
                break
            # A hundred at a time, the oldest first: other tests may have left more than that behind.
        assert read(db, Invoice, invoice_id).pdf_key is not None


class TestIssueCreditNote:
    def test_the_whole_invoice_is_taken_back_in_its_own_quantity(self, house: House) -> None:
        sale, payment_id, invoice_id = invoiced(house)
        note_id = credit(house, sale, payment_id, invoice_id, None)
        assert note_id is not None
        with unit_of_work(house.db, SYSTEM) as uow:
            document = load_document(uow, note_id, public_url="")
        assert (document.number, document.gross_minor) == ("CN-2026-000001", sale.gross_minor)
        assert document.original is not None
        assert (document.original.number, document.original.reason) == ("INV-2026-000001", "退货")
        assert document.lines[0].quantity == 10

    def test_parts_add_up_to_the_invoice(self, house: House) -> None:
        sale, payment_id, invoice_id = invoiced(house)
        notes = [credit(house, sale, payment_id, invoice_id, part) for part in (33_333, 1, 33_333, None)]
        with unit_of_work(house.db, SYSTEM) as uow:
            rows = uow.session.scalars(select(Invoice).where(Invoice.id.in_([note for note in notes if note]))).all()
            totals = [sum(getattr(row, name) for row in rows) for name in ("net_minor", "tax_minor", "gross_minor")]
            for row in rows:
                load_document(uow, row.id, public_url="")
        assert totals == [sale.net_minor, sale.tax_minor, sale.gross_minor]
        assert sorted(row.number or "" for row in rows) == [f"CN-2026-{n:06d}" for n in (1, 2, 3, 4)]

    def test_a_refund_that_is_not_finished_has_no_credit_note(self, house: House) -> None:
        sale, payment_id, invoice_id = invoiced(house)
        with unit_of_work(house.db, SYSTEM) as uow:
            refund_id = request_refund(uow, RequestRefund(sale.order_id, payment_id, "x", automatic=True))
        with pytest.raises(Conflict, match="refund_not_finished"), unit_of_work(house.db, SYSTEM) as uow:
            issue_credit_note(uow, IssueCreditNote(invoice_id, refund_id))

    def test_the_invoice_of_another_order_is_not_credited(self, house: House) -> None:
        sale, payment_id, _ = invoiced(house)
        _, _, other_id = invoiced(house)
        with pytest.raises(NotFound, match="invoice_not_found"):
            credit(house, sale, payment_id, other_id, 100)


class TestQueries:
    def as_member(self, org_id: UUID) -> Principal:
        return Principal(PrincipalKind.PERSON, org_id=org_id, permissions=frozenset({"invoices.read"}))

    def test_buyer_and_seller_see_it_and_nobody_else(self, house: House) -> None:
        sale, _, invoice_id = invoiced(house)
        for org_id, side in ((sale.buyer_org_id, "received"), (sale.seller_org_id, "issued")):
            with unit_of_work(house.db, self.as_member(org_id)) as uow:
                assert get_invoice(uow, invoice_id).row.id == invoice_id
                wanted = InvoiceFilter(side="received" if side == "received" else "issued")
                assert [row.id for row in list_invoices(uow, wanted).items] == [invoice_id]
                assert find_file(uow, invoice_id, "pdf").file_name == "INV-2026-000001.pdf"
        with unit_of_work(house.db, self.as_member(uuid7())) as uow:
            with pytest.raises(NotFound):
                get_invoice(uow, invoice_id)
            assert list_invoices(uow, InvoiceFilter()).items == []
            assert totals_of(uow, InvoiceFilter()) == {}
            assert files_of(uow, InvoiceFilter()).files == []
            with pytest.raises(NotFound):
                files_of_documents(uow, [invoice_id])

    @pytest.mark.parametrize(
        ("credited_minor", "stands"), [(0, "issued"), (40_000, "partly_credited"), (106_000, "credited")]
    )
    def test_the_database_says_how_a_document_stands_as_its_row_does(
        self, house: House, credited_minor: int, stands: Standing
    ) -> None:
        sale, payment_id, invoice_id = invoiced(house)
        if credited_minor:
            credit(house, sale, payment_id, invoice_id, credited_minor)
        with unit_of_work(house.db, self.as_member(sale.buyer_org_id)) as uow:
            row = get_invoice(uow, invoice_id).row
            assert standing(row, credited_of(uow, [invoice_id]).get(invoice_id, 0)) == stands
            found: dict[Standing, set[UUID]] = {
                one: {row.id for row in list_invoices(uow, InvoiceFilter(kind="invoice", standing=one)).items}
                for one in ("rendering", "issued", "partly_credited", "credited")
            }
            assert {one for one, ids in found.items() if ids} == {stands}
            count = 2 if credited_minor else 1
            pending = sum(not one.has_pdf for one in list_invoices(uow, InvoiceFilter()).items)
            assert totals_of(uow, InvoiceFilter()) == {"CNY": Totals(count, 106_000 - credited_minor, pending)}
            chosen, those = files_of_documents(uow, [invoice_id]), files_of(uow, InvoiceFilter(standing=stands))
            assert set(chosen.files) <= set(those.files)
            assert len(files_of(uow, InvoiceFilter()).pending) == pending

    @pytest.mark.parametrize(
        ("wanted", "found"),
        [
            (
                InvoiceFilter(kind="invoice", state="issued", text="o-2026", least_minor=106_000, most_minor=106_000),
                True,
            ),
            (InvoiceFilter(tax_id="91110108MA01ABCDE4", currency="CNY"), True),
            (InvoiceFilter(text="卖方软件"), True),
            (InvoiceFilter(text="100%_"), False),
            (InvoiceFilter(kind="credit_note"), False),
            (InvoiceFilter(most_minor=105_999), False),
            (InvoiceFilter(po_number="PO-1"), False),
        ],
    )
    def test_filters(self, house: House, wanted: InvoiceFilter, found: bool) -> None:  # noqa: FBT001 - parametrized
        sale, _, _ = invoiced(house)
        with unit_of_work(house.db, self.as_member(sale.buyer_org_id)) as uow:
            day = clock.now().date()
            wanted = replace(wanted, issued_from=day, issued_before=day + timedelta(days=1))
            assert bool(list_invoices(uow, wanted).items) is found
            gone = replace(wanted, issued_from=day + timedelta(days=1), issued_before=None)
            assert list_invoices(uow, gone).items == []

    def test_the_printed_code_leads_to_the_document(self, house: House) -> None:
        _, _, invoice_id = invoiced(house)
        with unit_of_work(house.db, SYSTEM) as uow:
            assert verify_code(uow, read(house.db, Invoice, invoice_id).verification_code).gross_minor == 106_000
            with pytest.raises(NotFound):
                verify_code(uow, "nonsense")

    def test_a_series_counts_exactly_its_documents(self, house: House) -> None:
        sale, _, _ = invoiced(house)
        with unit_of_work(house.db, SYSTEM) as uow:
            series = uow.session.scalars(select(NumberSeries).where(NumberSeries.org_id == sale.seller_org_id)).one()
        assert series.next_number == 2
