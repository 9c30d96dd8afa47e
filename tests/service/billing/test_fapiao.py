"""数电票: asked for, numbered, refused and asked again; taken back before a credit note takes its number."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError

from billing.fapiao.archive import with_fapiaos
from billing.fapiao.jobs import SWEEP_FAPIAO
from billing.fapiao.models import OFFICIAL, Fapiao, FapiaoRequest, RedLetter
from billing.fapiao.red_letters import Decision, decide_red_letter, use_fapiao
from billing.fapiao.request_fapiao import FapiaoKind, RequestFapiao, request_fapiao, retry_fapiao
from billing.fapiao.sandbox import SandboxFapiaoIssuer
from billing.invoices.files import files_of_documents
from billing.invoices.issue_credit_note import IssueCreditNote, issue_credit_note
from billing.invoices.models import Invoice
from billing.refunds.models import Refund
from billing.refunds.reverse_payment import ReversePayment, reverse_payment
from kernel import clock
from kernel.db.uow import unit_of_work
from kernel.errors import Conflict, Invalid, NotFound
from kernel.ids import uuid7
from kernel.principal import SYSTEM, Principal, PrincipalKind
from tests.factories_billing import House, Sale, do_sweep, facts, read, seller_of
from tests.service.billing.test_invoices import credit, invoiced


def buyer_of(sale: Sale) -> Principal:
    return Principal(PrincipalKind.PERSON, org_id=sale.buyer_org_id, person_id=uuid7())


def ask(
    house: House,
    sale: Sale,
    *invoice_ids: UUID,
    kind: FapiaoKind = "ordinary",
    remarks: str = "",
    issuer: SandboxFapiaoIssuer | None = None,
) -> UUID:
    """Ask for the tax invoices of bills; returns the request's id."""
    with unit_of_work(house.db, buyer_of(sale)) as uow:
        command = RequestFapiao(invoice_ids, kind, remarks)
        return request_fapiao(uow, command, issuer or SandboxFapiaoIssuer()).id


def documents(house: House, request_id: UUID, direction: str = "blue") -> list[Fapiao]:
    with unit_of_work(house.db, SYSTEM) as uow:
        wanted = select(Fapiao).where(Fapiao.request_id == request_id, Fapiao.direction == direction)
        return list(uow.session.scalars(wanted.order_by(Fapiao.position)))


def letters(house: House, note_id: UUID) -> list[RedLetter]:
    with unit_of_work(house.db, SYSTEM) as uow:
        found = select(RedLetter).where(RedLetter.note_id == note_id).order_by(RedLetter.created_at, RedLetter.id)
        return list(uow.session.scalars(found))


def say(house: House, who: Principal, letter_id: UUID, decision: Decision) -> str:
    with unit_of_work(house.db, who) as uow:
        state = decide_red_letter(uow, letter_id, decision).state
    house.run()
    return state


def issued(house: House) -> tuple[Sale, UUID, UUID, Fapiao]:
    """A paid sale with its bill, a payment, and its one tax invoice."""
    sale, payment_id, invoice_id = invoiced(house)
    request_id = ask(house, sale, invoice_id)
    house.run()
    (document,) = documents(house, request_id)
    return sale, payment_id, invoice_id, document


def use(house: House, sale: Sale, fapiao_id: UUID) -> None:
    with unit_of_work(house.db, buyer_of(sale)) as uow:
        use_fapiao(uow, fapiao_id)


def lose(house: House, sale: Sale, payment_id: UUID, invoice_id: UUID) -> UUID:
    """A bank takes all the money: nobody is asked before. Returns the id of the credit note that follows."""
    gone = ReversePayment(payment_id, sale.gross_minor, "reversal", "payment_reversed", payment_id, "sbx", "fraudulent")
    with unit_of_work(house.db, SYSTEM) as uow:
        reverse_payment(uow, gone)
        refund_id = uow.session.scalars(select(Refund.id).where(Refund.reference == sale.order_id)).one()
        note_id = issue_credit_note(uow, IssueCreditNote(invoice_id, refund_id))
    house.run()
    assert note_id is not None
    return note_id


class TestIssue:
    def test_it_is_numbered_drawn_and_never_changes(self, house: House) -> None:
        sale, _, invoice_id = invoiced(house)
        request_id = ask(house, sale, invoice_id, kind="special", remarks="合同 HT-1")
        assert documents(house, request_id)[0].number is None
        house.run()
        request, (document,) = read(house.db, FapiaoRequest, request_id), documents(house, request_id)
        assert (request.state, request.attempts, request.sandbox) == ("issued", 1, True)
        assert document.number is not None
        assert document.number[:5] == f"{clock.now():%y}119", "year, the seller's province, a channel that is none"
        assert (document.net_minor, document.tax_minor, document.gross_minor) == (100_000, 6_000, 106_000)
        assert house.storage.get_bytes(str(document.pdf_key)).startswith(b"%PDF " + document.number.encode())
        xml = house.storage.get_bytes(str(document.xml_key)).decode()
        assert "*信息技术服务*协同平台 专业版 Team plan" in xml
        assert "订单 O-2026-000001\n合同 HT-1" in xml
        with pytest.raises(DBAPIError, match="is issued and cannot change"), unit_of_work(house.db, SYSTEM) as uow:
            uow.session.execute(text("UPDATE billing.fapiao SET net_minor = 1, gross_minor = 6001"))

    def test_several_bills_are_merged_and_split_by_the_limit(self, house: House) -> None:
        sale, _, first = invoiced(house)
        other = replace(sale, order_id=uuid7(), line_id=uuid7(), purchase_id=uuid7())
        other.paid(house)
        second = other.invoice(house.db)
        request_id = ask(house, sale, first, second, issuer=SandboxFapiaoIssuer(limit_minor=80_000))
        house.run()
        found = documents(house, request_id)
        assert [one.net_minor for one in found] == [80_000, 20_000, 80_000, 20_000]
        assert sum(one.gross_minor for one in found) == 2 * sale.gross_minor
        assert len({one.number for one in found}) == 4

    def test_what_is_refused_can_be_asked_again(self, house: House) -> None:
        sale, _, invoice_id = invoiced(house)
        request_id = ask(house, sale, invoice_id, remarks="sbx_quota")
        house.run()
        request = read(house.db, FapiaoRequest, request_id)
        assert (request.state, request.failure_code) == ("failed", "quota_exceeded")
        with unit_of_work(house.db, buyer_of(sale)) as uow:
            retry_fapiao(uow, request_id, "")
        house.run()
        again = read(house.db, FapiaoRequest, request_id)
        assert (again.state, again.failure_code, again.attempts) == ("issued", None, 2)
        with pytest.raises(Conflict, match="fapiao_not_failed"), unit_of_work(house.db, buyer_of(sale)) as uow:
            retry_fapiao(uow, request_id, "")

    def test_a_bill_is_asked_for_once_and_by_its_buyer(self, house: House) -> None:
        sale, _, invoice_id = invoiced(house)
        ask(house, sale, invoice_id)
        with pytest.raises(Conflict, match="fapiao_requested_already"):
            ask(house, sale, invoice_id)
        for somebody in (Sale(), replace(sale, buyer_org_id=sale.seller_org_id)):
            with pytest.raises(NotFound, match="invoice_not_found"):
                ask(house, somebody, invoice_id)

    def test_what_cannot_be_asked_for(self, house: House) -> None:
        sale, payment_id, invoice_id = invoiced(house)
        with pytest.raises(Invalid, match="fapiao_bills_count"):
            ask(house, sale)
        with pytest.raises(Conflict, match="fapiao_issuer_missing"), unit_of_work(house.db, buyer_of(sale)) as uow:
            request_fapiao(uow, RequestFapiao([invoice_id]), None)
        other = replace(sale, order_id=uuid7(), line_id=uuid7(), purchase_id=uuid7(), seller_org_id=uuid7())
        other.paid(house)
        with pytest.raises(Conflict, match="fapiao_bills_differ"):
            ask(house, sale, invoice_id, other.invoice(house.db))
        credit(house, sale, payment_id, invoice_id, None)
        with pytest.raises(Conflict, match="fapiao_nothing_left"):
            ask(house, sale, invoice_id)

    def test_of_a_credited_bill_what_is_left_is_asked_for(self, house: House) -> None:
        sale, payment_id, invoice_id = invoiced(house)
        credit(house, sale, payment_id, invoice_id, 53_000)
        request_id = ask(house, sale, invoice_id)
        house.run()
        assert [one.gross_minor for one in documents(house, request_id)] == [53_000]


class TestTakenBack:
    def test_unbooked_nobody_has_to_confirm(self, house: House) -> None:
        sale, payment_id, invoice_id, blue = issued(house)
        note_id = credit(house, sale, payment_id, invoice_id, 53_000)
        assert note_id is not None
        ((letter,), (red,)) = letters(house, note_id), documents(house, blue.request_id, "red")
        assert (letter.state, OFFICIAL[letter.state], letter.reason) == ("unneeded", "01", "allowance")
        assert (red.gross_minor, red.original_id) == (53_000, blue.id)
        xml = house.storage.get_bytes(str(red.xml_key)).decode()
        assert f"被红冲蓝字数电票号码：{blue.number} 红字发票信息确认单编号：{letter.number}" in xml
        assert read(house.db, Invoice, note_id).number is not None

    def test_booked_the_note_waits_for_the_buyers_word(self, house: House) -> None:
        sale, payment_id, invoice_id, blue = issued(house)
        use(house, sale, blue.id)
        note_id = lose(house, sale, payment_id, invoice_id)
        (letter,) = letters(house, note_id)
        assert (letter.state, letter.reason) == ("awaiting_buyer", "ended")
        assert letter.expires_at == letter.created_at + timedelta(hours=72)
        assert read(house.db, Invoice, note_id).number is None, "no number before the red one"
        with pytest.raises(Conflict, match="red_letter_not_yours"):
            say(house, seller_of(sale), letter.id, "confirm")
        assert say(house, buyer_of(sale), letter.id, "confirm") == "confirmed"
        assert say(house, buyer_of(sale), letter.id, "confirm") == "confirmed", "said twice it is said once"
        (red,) = documents(house, blue.request_id, "red")
        assert red.number is not None
        assert read(house.db, Invoice, note_id).number is not None
        with pytest.raises(Conflict, match="red_letter_issuing"):
            say(house, seller_of(sale), letter.id, "revoke")

    def test_after_72_hours_it_is_void_and_entered_again(self, house: House) -> None:
        sale, payment_id, invoice_id, blue = issued(house)
        use(house, sale, blue.id)
        note_id = lose(house, sale, payment_id, invoice_id)
        (letter,) = letters(house, note_id)
        clock.advance(timedelta(hours=72))
        with pytest.raises(Conflict, match="red_letter_expired"):
            say(house, buyer_of(sale), letter.id, "confirm")
        do_sweep(house.db, SWEEP_FAPIAO)
        assert OFFICIAL[read(house.db, RedLetter, letter.id).state] == "07"
        assert say(house, buyer_of(sale), letter.id, "again") == "awaiting_seller"
        second = letters(house, note_id)[-1]
        assert say(house, seller_of(sale), second.id, "deny") == "denied_by_seller"
        assert say(house, seller_of(sale), second.id, "again") == "awaiting_buyer"
        third = letters(house, note_id)[-1]
        assert say(house, seller_of(sale), third.id, "withdraw") == "withdrawn"
        assert say(house, seller_of(sale), third.id, "again") == "awaiting_buyer"
        assert say(house, buyer_of(sale), letters(house, note_id)[-1].id, "confirm") == "confirmed"
        assert read(house.db, Invoice, note_id).number is not None
        numbered = [one for one in documents(house, blue.request_id, "red") if one.number]
        assert [one.gross_minor for one in numbered] == [sale.gross_minor]

    def test_of_several_documents_each_is_taken_back(self, house: House) -> None:
        sale, payment_id, invoice_id = invoiced(house)
        request_id = ask(house, sale, invoice_id, issuer=SandboxFapiaoIssuer(limit_minor=80_000))
        house.run()
        note_id = credit(house, sale, payment_id, invoice_id, 90_000)
        assert note_id is not None
        assert [one.gross_minor for one in documents(house, request_id, "red")] == [84_800, 5_200]
        assert read(house.db, Invoice, note_id).number is not None
        second = credit(house, sale, payment_id, invoice_id, None)
        assert second is not None
        assert sum(one.gross_minor for one in documents(house, request_id, "red")) == sale.gross_minor
        for name in ("net_minor", "tax_minor"):
            totals = [sum(getattr(one, name) for one in documents(house, request_id, way)) for way in ("blue", "red")]
            assert totals[0] == totals[1]

    def test_strangers_learn_nothing(self, house: House) -> None:
        sale, payment_id, invoice_id, blue = issued(house)
        use(house, sale, blue.id)
        note_id = lose(house, sale, payment_id, invoice_id)
        (letter,) = letters(house, note_id)
        with pytest.raises(NotFound, match="red_letter_not_found"):
            say(house, buyer_of(Sale()), letter.id, "confirm")
        with pytest.raises(NotFound, match="fapiao_not_found"):
            use(house, replace(sale, buyer_org_id=sale.seller_org_id), blue.id)


class TestArchive:
    """Face and data lie beside the bill, and of a red one beside the credit note; each is told of."""

    def test_blue_and_red(self, house: House) -> None:
        sale, payment_id, invoice_id, document = issued(house)
        note_id = credit(house, sale, payment_id, invoice_id, 50_000)
        assert note_id is not None
        (letter,) = letters(house, note_id)
        red = read(house.db, Fapiao, letter.red_id)
        with unit_of_work(house.db, buyer_of(sale)) as uow:
            found = with_fapiaos(uow, files_of_documents(uow, [invoice_id, note_id]))
        beside = {row.kind: row.fapiao_numbers for row in found.index}
        assert beside == {"invoice": document.number, "credit_note": red.number}
        names = [file.file_name for file in found.files if "-fapiao-" in file.file_name]
        wanted = {
            f"{found.stems[of]}-fapiao-{one.number}.{form}"
            for of, one in ((invoice_id, document), (note_id, red))
            for form in ("pdf", "xml")
        }
        assert set(names) == wanted
        assert len(names) == 4
        for file in found.files:
            assert hashlib.sha256(house.storage.get_bytes(file.key)).hexdigest() == file.sha256
        assert facts(house.db, document.request_id) == ["billing.fapiaos_issued.v1"]
        assert facts(house.db, letter.id) == ["billing.red_fapiao_issued.v1"]

    def test_one_of_two_bills_lies_there_once(self, house: House) -> None:
        sale, _, first = invoiced(house)
        other = replace(sale, order_id=uuid7(), line_id=uuid7(), purchase_id=uuid7())
        other.paid(house)
        second = other.invoice(house.db)
        request_id = ask(house, sale, first, second)
        house.run()
        (document,) = documents(house, request_id)
        with unit_of_work(house.db, buyer_of(sale)) as uow:
            found = with_fapiaos(uow, files_of_documents(uow, [first, second]))
        assert [row.fapiao_numbers for row in found.index] == [document.number] * 2
        assert sum("-fapiao-" in file.file_name for file in found.files) == 2

    def test_the_other_side_is_told_that_a_letter_waits(self, house: House) -> None:
        sale, payment_id, invoice_id, document = issued(house)
        use(house, sale, document.id)
        note_id = lose(house, sale, payment_id, invoice_id)
        (letter,) = letters(house, note_id)
        assert facts(house.db, letter.id) == ["billing.red_letter_entered.v1"]
