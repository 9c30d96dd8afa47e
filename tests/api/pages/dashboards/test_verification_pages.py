"""Whose a tax identifier is, as pages: an organization's own, and the operator's decision where several claim one."""

from __future__ import annotations

from sqlalchemy import select

from kernel.db.uow import unit_of_work
from kernel.principal import SYSTEM
from marketplace.onboarding.models import LegalProof
from marketplace.parties.models import Organization, TaxIdDispute
from orders.notifications.notify_of_events import NOTIFY
from tests.api.pages.dashboards.conftest import Dashboards, text_of
from tests.api.pages.dashboards.test_seller_start_pages import PNG
from tests.factories_marketplace import new_tax_id

PAGE = "/organization/verification"
NUMBER = f"{PAGE}/tax-id"


def test_a_buyer_hands_in_a_document_and_is_verified(dashboards: Dashboards) -> None:
    org, owner = dashboards.new_organization()
    assert f'href="{PAGE}"' in owner.get("/orders").text
    assert "Not verified" in text_of(owner.get(PAGE))
    assert owner.post(PAGE, {"file": ("x.txt", b"words", "text/plain")}).status_code == 422
    sent = owner.post(PAGE, {"file": ("licence.png", PNG, "image/png")})
    assert sent.headers["location"] == PAGE
    assert "looking at your document" in text_of(owner.get(PAGE))
    with unit_of_work(dashboards.stage.services.db, SYSTEM) as uow:
        proof_id = uow.session.scalars(select(LegalProof.id).where(LegalProof.org_id == org.id)).one()
    assert dashboards.operator.post(f"/operator/sellers/{proof_id}", action="approve").status_code == 303
    page = owner.get(PAGE)
    assert "Verified on" in text_of(page)
    assert "<form" not in page.text.split("<main", 1)[1].split("</main>", 1)[0]
    dashboards.stage.tick(NOTIFY)
    assert "was approved" in text_of(owner.get("/notifications"))
    refused = owner.post(NUMBER, tax_id=new_tax_id())
    assert refused.status_code == 409
    assert "verified" in text_of(refused)


def test_a_buyer_transfers_a_little_and_is_verified(dashboards: Dashboards) -> None:
    org, owner = dashboards.new_organization()
    assert "Or prove it by a small transfer" in text_of(owner.get(PAGE))
    for _ in range(2):
        assert owner.post(f"{PAGE}/transfer").headers["location"] == PAGE
    with unit_of_work(dashboards.stage.services.db, SYSTEM) as uow:
        proof = uow.session.scalars(select(LegalProof).where(LegalProof.org_id == org.id)).one()
        reference, desk = proof.transfer_reference or "", f"/operator/sellers/{proof.id}"
    said = text_of(owner.get(PAGE))
    assert reference in said
    assert "Sandbox Bank" in said
    assert "Show amount and reference" not in said
    # Nobody looks at what nobody has sent, and there is no document that waits.
    assert "Transfer awaited" in said
    for untrue in ("Being looked at", "document that waits"):
        assert untrue not in said
    assert "The transfer above is about the present identifier" in said
    assert "Transfer awaited" in text_of(dashboards.operator.get(desk))
    assert reference in text_of(dashboards.operator.get("/operator/sellers"))
    assert reference in text_of(dashboards.operator.get(desk))
    assert dashboards.operator.get(f"/v1/operator/legal-proofs/{proof.id}/file").status_code == 404
    assert dashboards.operator.post(desk, action="reject", reason="It came from another firm.").status_code == 303
    assert "It came from another firm." in text_of(owner.get(PAGE))
    assert owner.post(f"{PAGE}/transfer").status_code == 303
    with unit_of_work(dashboards.stage.services.db, SYSTEM) as uow:
        wanted = select(LegalProof.id).where(LegalProof.org_id == org.id, LegalProof.state == "submitted")
        again = uow.session.scalars(wanted).one()
    assert dashboards.operator.post(f"/operator/sellers/{again}", action="approve").status_code == 303
    assert "Verified on" in text_of(owner.get(PAGE))
    assert owner.post(f"{PAGE}/transfer").status_code == 409


def test_a_seller_is_told_that_its_transfer_is_awaited(dashboards: Dashboards) -> None:
    _, owner = dashboards.new_organization()
    assert owner.post("/seller/start").status_code == 303
    assert owner.post(f"{PAGE}/transfer").status_code == 303
    start, legal = text_of(owner.get("/seller/start")), text_of(owner.get("/seller/start/legal"))
    assert "To be transferred:" in start
    assert "waiting for the platform" not in start
    assert "Transfer awaited" in legal
    assert "Being looked at" not in legal


def test_a_wrong_number_is_kept_and_says_why(dashboards: Dashboards) -> None:
    _, owner = dashboards.new_organization()
    refused = owner.post(NUMBER, tax_id="9131")
    assert refused.status_code == 422
    assert 'value="9131"' in refused.text
    assert 'aria-invalid="true"' in refused.text
    right = new_tax_id()
    assert owner.post(NUMBER, tax_id=right).headers["location"] == PAGE
    assert right in owner.get(PAGE).text


def test_only_who_manages_the_organization_sees_it(dashboards: Dashboards) -> None:
    org, _ = dashboards.new_organization()
    visitor = dashboards.somebody(org, "purchaser")
    assert f'href="{PAGE}"' not in visitor.get("/orders").text
    assert visitor.get(PAGE).status_code == 403
    assert visitor.post(NUMBER, tax_id=new_tax_id()).status_code == 403
    assert visitor.post(f"{PAGE}/transfer").status_code == 403
    assert visitor.get("/operator/tax-id-disputes").status_code == 403


def test_two_claim_one_number_and_the_operator_decides(dashboards: Dashboards) -> None:
    (first, owner), (_second, rival) = dashboards.new_organization(), dashboards.new_organization()
    db = dashboards.stage.services.db
    with unit_of_work(db, SYSTEM) as uow:
        tax_id = uow.session.get_one(Organization, first.id).tax_id or ""
    rival.post(NUMBER, tax_id=tax_id)
    dashboards.stage.run()
    with unit_of_work(db, SYSTEM) as uow:
        dispute_id = uow.session.scalars(select(TaxIdDispute.id).where(TaxIdDispute.tax_id == tax_id)).one()
    path = f"/operator/tax-id-disputes/{dispute_id}"
    operator = dashboards.operator
    assert 'href="/operator/tax-id-disputes"' in operator.get("/operator").text
    assert path in operator.get("/operator/tax-id-disputes").text
    # Neither of them is told of the other by being asked.
    assert operator.post(path, action="ask_evidence").headers["location"] == "/operator/tax-id-disputes"
    dashboards.stage.tick(NOTIFY)
    for visitor in (owner, rival):
        assert f"Please show that {tax_id} is your tax identifier" in text_of(visitor.get("/notifications"))
        assert "Not verified" in text_of(visitor.get(PAGE))

    early = operator.post(path, action="settle", org_id=str(first.id), reason="Seen.")
    assert early.status_code == 409
    assert "Seen." in early.text
    for fields in ({"action": "settle", "org_id": "nobody"}, {"action": "other"}, {"action": "dismiss", "reason": " "}):
        assert operator.post(path, **fields).status_code == 422, fields
    owner.post(PAGE, {"file": ("licence.png", PNG, "image/png")})
    for _ in range(2):
        done = operator.post(path, action="settle", org_id=str(first.id), reason="The licence names another company.")
        assert done.headers["location"] == "/operator/tax-id-disputes"
    dashboards.stage.tick(NOTIFY)
    assert "Verified on" in text_of(owner.get(PAGE))
    assert "The licence names another company." in text_of(rival.get("/notifications"))
    assert "No tax identifier is registered" in text_of(rival.get(PAGE))
    assert "Decided" in text_of(operator.get(path))
    assert rival.get("/orders").status_code == 200
