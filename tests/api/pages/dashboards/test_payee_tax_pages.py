"""A payee states what it is and reads its year; the operator reads everybody's."""

from __future__ import annotations

from kernel import clock
from tests.api.pages.dashboards.conftest import Dashboards, text_of

STATED = {
    "payee_type": "organization",
    "residence_country": "CN",
    "tin_kind": "uscc",
    "tin": "91110000600037341L",
    "us_form": "w8ben_e",
    "us_classification": "",
    "vat_status": "general",
}


def test_a_payee_states_what_it_is_and_the_operator_reads_its_year(dashboards: Dashboards) -> None:
    seller, operator, org_id = dashboards.seller, dashboards.operator, dashboards.stage.seller.id
    assert "have not stated anything" in text_of(seller.get("/payouts/tax"))
    wrong = seller.post("/payouts/tax", **{**STATED, "us_form": "w9"})
    assert wrong.status_code == 422
    assert "Residents of the US give a W-9" in text_of(wrong)
    assert STATED["tin"] not in wrong.text
    nobody = operator.post(f"/operator/payee-tax/{org_id}")
    assert nobody.status_code == 404
    assert seller.post("/payouts/tax", **STATED).headers["location"] == "/payouts/tax"
    own = text_of(seller.get("/payouts/tax"))
    assert "•••• 341L" in own
    assert "1 payment" in own
    assert STATED["tin"] not in own
    year = clock.today("Asia/Shanghai").year
    assert str(org_id) in operator.get(f"/operator/payee-tax?year={year}").text
    assert str(org_id) not in operator.get("/operator/payee-tax?year=2001").text
    page = operator.get(f"/operator/payee-tax/{org_id}?year={year}")
    assert "W-8BEN-E" in text_of(page)
    assert STATED["tin"] not in page.text
    assert STATED["tin"] in operator.post(f"/operator/payee-tax/{org_id}?year={year}").text
    for refused in (f"/operator/payee-tax/{org_id}", "/operator/payee-tax", "/v1/operator/tax-years/csv"):
        assert seller.get(refused).status_code == 403
    table = operator.get(f"/v1/operator/tax-years/csv?year={year}").content.decode("utf-8-sig")
    assert str(org_id) in table
    assert seller.get(f"/v1/tax-year/xlsx?year={year}").content.startswith(b"PK")
