"""Foreign-currency documents say their tax in their seller's own currency by the rate of their day, or wait for it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from uuid import UUID

import pytest
from sqlalchemy import select

from billing.invoices.accounting_tax import RATE_WAITS
from billing.invoices.files import files_of_documents
from billing.invoices.issue_credit_note import IssueCreditNote, issue_credit_note
from billing.invoices.issue_invoice import issue_invoice
from billing.invoices.models import Invoice
from billing.invoices.to_document import load_document
from billing.reference_rates.import_rates import ImportRates, RateReport, import_rates, try_rates
from billing.reference_rates.models import ReferenceRate
from billing.refunds.request_refund import RequestRefund, request_refund
from kernel import clock
from kernel.db.uow import transact, unit_of_work
from kernel.errors import Forbidden
from kernel.principal import SYSTEM, Principal, PrincipalKind
from tests.factories_billing import House, Sale, read


def take(house: House, text: str, *, replaces: bool = False, source: str = "ECB") -> RateReport:
    with unit_of_work(house.db, SYSTEM) as uow:
        return import_rates(uow, ImportRates(text.encode(), source, replaces))


def columns(*rows: str) -> str:
    return "\n".join(("date,base,quote,rate", *rows))


def sold(house: House, country: str, tax_id: str) -> tuple[Sale, UUID, UUID]:
    """A paid sale of a seller there in the currency of the factories, as an invoice: the sale, its payment, its invoice."""
    sale = Sale()
    sale.organizations(house.db)
    payment_id = sale.paid(house)
    command = sale.invoice_command()
    seller = replace(command.seller, country=country, tax_id=tax_id)
    with unit_of_work(house.db, SYSTEM) as uow:
        invoice_id = issue_invoice(uow, replace(command, seller=seller))
    house.run()
    return sale, payment_id, invoice_id


def credit(house: House, sale: Sale, payment_id: UUID, invoice_id: UUID, minor: int | None) -> Invoice:
    with unit_of_work(house.db, SYSTEM) as uow:
        asked = RequestRefund(sale.order_id, payment_id, "退货", automatic=False, amount_minor=minor)
        refund_id = request_refund(uow, asked)
    house.run()
    with unit_of_work(house.db, SYSTEM) as uow:
        note_id = issue_credit_note(uow, IssueCreditNote(invoice_id, refund_id))
    house.run()
    assert note_id is not None
    return read(house.db, Invoice, note_id)


@pytest.fixture
def kroner(house: House) -> Callable[[str], None]:
    """Rates of a pair that no other test has, on the day of the test's clock."""

    def known(rate: str) -> None:
        assert not take(house, columns(f"{clock.today()},CNY,DKK,{rate}"), replaces=True, source="DNB").faults

    return known


def test_by_the_rate_of_its_day_and_back_by_the_same(house: House, kroner: Callable[[str], None]) -> None:
    kroner("0.9512")
    sale, payment_id, invoice_id = sold(house, "DK", "DK13585628")
    invoice = read(house.db, Invoice, invoice_id)
    said = invoice.accounting_tax
    assert said is not None
    assert (said["currency"], said["tax_minor"]) == ("DKK", 5_707)
    kroner("5")
    notes = [credit(house, sale, payment_id, invoice_id, minor) for minor in (33_333, 12_345, None)]
    assert [note.accounting_tax["rates"] for note in notes if note.accounting_tax] == [said["rates"]] * 3
    assert sum(note.accounting_tax["tax_minor"] for note in notes if note.accounting_tax) == said["tax_minor"]
    with unit_of_work(house.db, SYSTEM) as uow:
        document = load_document(uow, invoice_id, public_url="")
        (indexed,) = files_of_documents(uow, [invoice_id]).index
    assert document.accounting_tax is not None
    assert document.accounting_tax.rate == f"CNY 1 = DKK 0.9512 (DNB, {clock.today()})"
    assert (indexed.accounting_currency, indexed.accounting_tax_minor) == ("DKK", said["tax_minor"])
    assert invoice.xml_key is not None
    assert b'TaxTotalAmount currencyID="DKK"' in house.storage.get_bytes(invoice.xml_key)


def test_an_invoice_waits_for_its_rate_and_a_bill_does_not(house: House) -> None:
    _, _, waiting = sold(house, "SE", "SE556703748501")
    assert read(house.db, Invoice, waiting).number is None
    _, _, bill = sold(house, "CN", "91330106MA2CFGXR8U")
    assert read(house.db, Invoice, bill).number is not None
    assert read(house.db, Invoice, bill).accounting_tax is None
    take(house, columns(f"{clock.today()},EUR,SEK,11.4", f"{clock.today()},EUR,CNY,7.9"), source="RIKSBANK")
    clock.advance(RATE_WAITS + timedelta(minutes=1))
    house.run()
    found = read(house.db, Invoice, waiting)
    assert found.number is not None
    assert found.accounting_tax is not None
    assert len(found.accounting_tax["rates"]) == 2


class TestImport:
    def test_all_or_nothing_and_twice(self, house: House) -> None:
        day = "2001-03-02"
        good, bad = columns(f"{day},EUR,NOK,8.1"), columns(f"{day},EUR,ISK,80", f"{day},EUR,NOK,x")
        report = take(house, bad)
        assert [(one.line, one.code) for one in report.faults] == [(3, "rates_rate_unreadable")]
        assert (take(house, good).new, take(house, good).known) == (1, 1)
        differs = columns(f"{day},EUR,NOK,8.2", f"{day},EUR,ISK,80")
        assert [one.code for one in take(house, differs).faults] == ["rates_differ_from_known"]
        with unit_of_work(house.db, SYSTEM) as uow:
            kept = select(ReferenceRate.quote).where(ReferenceRate.rate_on == date(2001, 3, 2))
            assert uow.session.scalars(kept).all() == ["NOK"]
        again = take(house, differs, replaces=True)
        assert (again.new, again.changed, again.known) == (1, 1, 0)

    def test_a_trial_leaves_nothing(self, house: House) -> None:
        command = ImportRates(columns("2001-03-05,EUR,NZD,2.1").encode(), "ECB")
        report = try_rates(lambda work: transact(house.db, SYSTEM, work), command)
        assert (report.new, report.is_dry_run) == (1, True)
        with unit_of_work(house.db, SYSTEM) as uow:
            assert uow.session.scalar(select(ReferenceRate.id).where(ReferenceRate.rate_on == date(2001, 3, 5))) is None

    def test_not_everybody(self, house: House) -> None:
        buyer = Principal(PrincipalKind.PERSON, org_id=Sale().buyer_org_id)
        with pytest.raises(Forbidden), unit_of_work(house.db, buyer) as uow:
            import_rates(uow, ImportRates(b""))
