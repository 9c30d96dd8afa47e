"""Finance's desk: filters that stand in the address, documents sent on by a link that ends, and nobody else's among them."""

from __future__ import annotations

import io
import re
import zipfile
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select

from app.verify.invoice_forwards import OWN
from billing.invoice_forwards.forward_documents import (
    LASTS,
    MAIL,
    TO_ADDRESS,
    ForwardDocuments,
    forward_documents,
    revoke_forward,
)
from billing.invoice_forwards.queries import forwarded_pdf, read_forwarded
from kernel import clock
from kernel.audit import AuditEntry
from kernel.db.uow import unit_of_work
from kernel.errors import Gone, Invalid, NotFound, TooMany
from kernel.ids import uuid7
from kernel.principal import SYSTEM
from marketplace.mail.compose import Composer, MailContent
from marketplace.mail.models import Mail
from tests.api.pages.dashboards.conftest import Dashboards, text_of


@pytest.fixture(scope="module", autouse=True)
def drawn(dashboards: Dashboards) -> None:
    """Documents have their files."""
    dashboards.stage.run(documents=True)


def bill_of(dashboards: Dashboards) -> Any:
    (bill,) = dashboards.stage.papers(dashboards.order_id)
    return bill


def token_to(dashboards: Dashboards, address: str) -> str:
    """Of the link in the newest mail to an address, as its reader gets it."""
    services = dashboards.stage.services
    with unit_of_work(services.db, SYSTEM) as uow:
        newest = select(Mail).where(Mail.to_address == address).order_by(Mail.created_at.desc(), Mail.id.desc())
        row = uow.session.scalars(newest).first()
        assert row is not None
        assert row.kind == MAIL
        content = MailContent(row.id, row.to_address, row.kind, row.locale, row.created_at, row.params)
    message = Composer(services.signer, public_url="https://market.example", sender="a@market.example").compose(content)
    assert message["To"] == address
    body = message.get_body(("plain",))
    assert body is not None
    found = re.search(r"/forwarded-invoices\?token=(\S+)", body.get_content())
    assert found is not None
    return found.group(1)


def send(dashboards: Dashboards, address: str) -> tuple[UUID, str]:
    """The buyer's only invoice to somebody: what was sent, and its link's token."""
    with unit_of_work(dashboards.stage.services.db, dashboards.stage.buyer.owner) as uow:
        forward_id = forward_documents(uow, ForwardDocuments([bill_of(dashboards).id], address)).id
    return forward_id, token_to(dashboards, address)


@pytest.mark.parametrize(
    ("query", "finds"),
    [
        ("since={day}&until={day}", True),
        ("since={after}", False),
        ("until={before}", False),
        ("since={before}&q={number}", True),
        ("since={before}&po_number=PO-NOT-THERE", False),
        ("since={before}&tax_id={tax_id}", True),
        ("since={before}&tax_id=91330106MA2CF9B3RJ", False),
        ("since={before}&least={gross}&most={gross}&currency=CNY", True),
        ("since={before}&most=0.01", False),
        ("since={before}&state=credited", False),
        ("since=soon&month={month}", True),
    ],
)
def test_filters_stand_in_the_address_and_the_archive_has_what_they_find(
    dashboards: Dashboards, query: str, *, finds: bool
) -> None:
    bill = bill_of(dashboards)
    one_day = timedelta(days=1)
    query = query.format(
        day=bill.issued_on,
        after=bill.issued_on + one_day,
        before=bill.issued_on - one_day,
        number=bill.number,
        month=f"{bill.issued_on:%Y-%m}",
        tax_id=bill.seller["tax_id"],
        gross=f"{bill.gross_minor // 100:,}.{bill.gross_minor % 100:02}",
    )
    page = dashboards.buyer.get(f"/invoices?{query}")
    assert page.status_code == 200
    assert (bill.number in page.text) is finds
    links = re.findall(r'href="(/v1/invoices/export\?[^"]*)"', page.text)
    assert bool(links) is finds
    for link in links:
        answer = dashboards.buyer.client.get(link.replace("&amp;", "&"), headers=dashboards.buyer._headers())
        assert answer.status_code == 200
        with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
            assert bill.number in archive.read("index.csv").decode("utf-8-sig")


def test_an_amount_that_is_none_says_so_and_keeps_what_was_typed(dashboards: Dashboards) -> None:
    page = dashboards.buyer.get("/invoices?least=many")
    assert page.status_code == 200
    assert 'value="many"' in page.text
    assert 'class="note bad"' in page.text
    swapped = dashboards.buyer.get("/invoices?least=2&most=1")
    assert "above the greatest" in text_of(swapped)


def test_documents_are_sent_on_opened_by_their_link_and_taken_back(dashboards: Dashboards) -> None:
    buyer, bill, to = dashboards.buyer, bill_of(dashboards), "books@accountants.example"
    assert f"/invoices/forward?id={bill.id}" in buyer.get(f"/invoices?open={bill.id}").text
    form = buyer.get(f"/invoices/forward?id={bill.id}")
    assert bill.number in form.text
    (key,) = re.findall(r'name="idempotency_key" value="([^"]+)"', form.text)
    for _ in range(2):
        sent = buyer.post("/invoices/forwards", ids=str(bill.id), to=to, idempotency_key=key)
        assert (sent.status_code, sent.headers["Location"]) == (303, "/invoices/forwards")
    with unit_of_work(dashboards.stage.services.db, SYSTEM) as uow:
        assert len(uow.session.scalars(select(Mail).where(Mail.to_address == to)).all()) == 1
    listed = text_of(buyer.get("/invoices/forwards"))
    assert to in listed
    assert bill.number in listed
    token = token_to(dashboards, to)
    opened = dashboards.nobody.get(f"/forwarded-invoices?token={token}")
    assert opened.status_code == 200
    assert bill.number in opened.text
    assert opened.headers["X-Robots-Tag"] == "noindex"
    answers = dashboards.buyer.client.post
    for path, one, kind in (("files", {}, "application/zip"), ("pdf", {"invoice_id": str(bill.id)}, "application/pdf")):
        answer = answers(f"/v1/forwarded-invoices/{path}", json={"token": token, **one})
        assert answer.status_code == 200
        assert kind in answer.headers["content-type"]
    csrf = re.findall(r'name="csrf" value="([^"]+)"', opened.text)[0]
    by_form = {"csrf": csrf, "token": token, "document": str(bill.id)}
    cookies = {"Cookie": f"form={opened.cookies['form']}", "Sec-Fetch-Site": "same-origin"}
    pressed = dashboards.nobody.client.post("/forwarded-invoices/files", data=by_form, headers=cookies)
    assert (pressed.status_code, pressed.content[:5]) == (200, b"%PDF-")
    sent_on = buyer.client.get("/v1/invoice-forwards", headers=buyer._headers()).json()["items"]
    (forward_id,) = [one["id"] for one in sent_on if one["to"] == to]
    assert buyer.post(f"/invoices/forwards/{forward_id}/revoke").status_code == 303
    gone = dashboards.nobody.get(f"/forwarded-invoices?token={token}")
    assert gone.status_code == 410
    assert bill.number not in gone.text
    assert answers("/v1/forwarded-invoices/files", json={"token": token}).status_code == 410
    with unit_of_work(dashboards.stage.services.db, SYSTEM) as uow:
        audited = select(AuditEntry.action).where(AuditEntry.subject_id == UUID(forward_id)).order_by(AuditEntry.at)
        assert set(uow.session.scalars(audited)) == {"invoices.forwarded", "invoices.forward_revoked"}


@pytest.mark.parametrize(
    "address",
    [
        "",
        "x",
        "a@b.example\r\nBcc: c@d.example",
        "a@b.example,c@d.example",
        "a b@c.example",
        "<a@b.example>",
        "a@localhost",
    ],
)
def test_no_header_and_no_second_reader_comes_with_an_address(dashboards: Dashboards, address: str) -> None:
    bill = bill_of(dashboards)
    with (
        unit_of_work(dashboards.stage.services.db, dashboards.stage.buyer.owner) as uow,
        pytest.raises(Invalid, match="email_invalid"),
    ):
        forward_documents(uow, ForwardDocuments([bill.id], address))
    sent = {"ids": str(bill.id), "to": address, "idempotency_key": uuid7().hex}
    assert dashboards.buyer.post("/invoices/forwards", **sent).status_code in {303, 422}
    with unit_of_work(dashboards.stage.services.db, SYSTEM) as uow:
        stored = uow.session.scalars(select(Mail.to_address).where(Mail.kind == MAIL)).all()
    assert all("\n" not in one and "," not in one and one.count("@") == 1 for one in stored)


def test_a_link_ends_by_itself_and_opens_nothing_else(dashboards: Dashboards) -> None:
    services = dashboards.stage.services
    _, token = send(dashboards, "later@accountants.example")
    with unit_of_work(services.db, SYSTEM) as uow:
        assert len(read_forwarded(uow, services.signer, token).documents) == 1
        with pytest.raises(NotFound, match="invoice_not_found"):
            forwarded_pdf(uow, services.signer, token, uuid7())
        with pytest.raises(Invalid, match="link_invalid"):
            read_forwarded(uow, services.signer, f"{token}x")
        other = services.signer.sign_token("unsubscribe", {"id": str(uuid7())}, clock.now() + LASTS)
        with pytest.raises(Invalid, match="link_invalid"):
            read_forwarded(uow, services.signer, other)
    with (
        clock.frozen(clock.now() + LASTS),
        unit_of_work(services.db, SYSTEM) as uow,
        pytest.raises(Gone, match="forward_over"),
    ):
        read_forwarded(uow, services.signer, token)


def test_what_another_organization_may_not_see_is_not_sent_on(dashboards: Dashboards) -> None:
    bill, (stranger, browser) = bill_of(dashboards), dashboards.new_organization()
    forward_id, _ = send(dashboards, "own@accountants.example")
    with unit_of_work(dashboards.stage.services.db, stranger.owner) as uow:
        with pytest.raises(NotFound, match="invoice_not_found"):
            forward_documents(uow, ForwardDocuments([bill.id], "x@y.example"))
        with pytest.raises(NotFound, match="forward_not_found"):
            revoke_forward(uow, forward_id)
    assert browser.get(f"/invoices/forward?id={bill.id}").status_code == 404
    assert browser.post(f"/invoices/forwards/{forward_id}/revoke").status_code == 404
    with unit_of_work(dashboards.stage.services.db, SYSTEM) as uow:
        assert OWN.find(uow).violations == 0


def test_only_so_many_mails_go_to_one_address(dashboards: Dashboards) -> None:
    bill = bill_of(dashboards)
    with unit_of_work(dashboards.stage.services.db, dashboards.stage.buyer.owner) as uow:
        for _ in range(TO_ADDRESS.attempts):
            forward_documents(uow, ForwardDocuments([bill.id], "often@accountants.example"))
        with pytest.raises(Invalid, match="forward_number"):
            forward_documents(uow, ForwardDocuments([], "none@accountants.example"))
        with pytest.raises(TooMany, match="forwards_too_often"):
            forward_documents(uow, ForwardDocuments([bill.id], "often@accountants.example"))
