"""The paper: PDF/A-3 structure, what a reader finds on it, the same bytes for the same document."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pikepdf
import pypdf
import pytest
from fontTools.ttLib import TTFont
from lxml import etree

from billing.documents.cii import to_cii
from billing.documents.lines import TaxCategory
from billing.documents.model import InvoiceDocument, Language
from billing.documents.parties import DocumentParty
from billing.documents.renderer import Document, render_pdf
from billing.documents.statement import StatementDocument
from tests.sample_documents import (
    PANGO_MISSING,
    SELLER_CN,
    chinese_invoice,
    credit_note,
    euro_invoice,
    included_line,
    invoice_of,
    pango_is_there,
    statement,
    untaxed_line,
)

pytestmark = pytest.mark.skipif(not pango_is_there(), reason=PANGO_MISSING)

RDF = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}"
FX = "{urn:factur-x:pdfa:CrossIndustryDocument:invoice:1p0#}"
PDFAID = "{http://www.aiim.org/pdfa/ns/id/}"
PDFA_PROPERTY = "{http://www.aiim.org/pdfa/ns/property#}"

DOCUMENTS: dict[str, Document] = {
    "invoice": chinese_invoice(),
    "invoice in Chinese": chinese_invoice(language=Language.ZH),
    "credit note": credit_note(),
    "reverse charge": euro_invoice(untaxed_line("Analytics Pro", TaxCategory.REVERSE_CHARGE, 120_000)),
    "statement": statement(),
}


@pytest.fixture(scope="module")
def drawn() -> dict[str, bytes]:
    return {name: render_pdf(document) for name, document in DOCUMENTS.items()}


def text_of(pdf: bytes) -> list[str]:
    return [page.extract_text() for page in pypdf.PdfReader(io.BytesIO(pdf)).pages]


def fonts_of(opened: pikepdf.Pdf) -> Iterator[pikepdf.Object]:
    for thing in opened.objects:
        if isinstance(thing, pikepdf.Dictionary) and thing.get("/Type") == "/FontDescriptor":
            yield thing


@pytest.mark.parametrize("name", DOCUMENTS)
def test_what_the_margins_say_is_said_there_alone(drawn: dict[str, bytes], name: str) -> None:
    document = DOCUMENTS[name]
    foot = document.platform.legal_name if isinstance(document, StatementDocument) else document.seller.legal_name
    pages = text_of(drawn[name])
    title = f"  {document.number}"
    # The head of the first page has none; whoever issued it stands among the parties besides.
    assert title not in pages[0].replace("\u3000", " ")
    assert pages[0].count(foot) == 2, pages[0]


class TestStructure:
    @pytest.mark.parametrize("name", DOCUMENTS)
    def test_pdf_a_3a(self, drawn: dict[str, bytes], name: str) -> None:
        with pikepdf.open(io.BytesIO(drawn[name])) as opened:
            metadata = etree.fromstring(opened.Root.Metadata.read_bytes())
            described = [element for element in metadata.iter(f"{RDF}Description") if f"{PDFAID}part" in element.attrib]
            assert [(e.get(f"{PDFAID}part"), e.get(f"{PDFAID}conformance")) for e in described] == [("3", "A")]
            intents = opened.Root.OutputIntents
            assert [str(intent.S) for intent in intents] == ["/GTS_PDFA1"]
            assert len(intents[0].DestOutputProfile.read_bytes()) > 100
            assert not opened.is_encrypted
            assert not {"/OpenAction", "/AA", "/AcroForm"} & set(opened.Root.keys())
            assert len(opened.trailer.ID) == 2

    @pytest.mark.parametrize("name", DOCUMENTS)
    def test_every_font_is_embedded_and_has_no_empty_box(self, drawn: dict[str, bytes], name: str) -> None:
        with pikepdf.open(io.BytesIO(drawn[name])) as opened:
            descriptors = list(fonts_of(opened))
            assert descriptors
            for descriptor in descriptors:
                assert str(descriptor.FontFamily) == "Document", "a font of this machine crept in"
                font = TTFont(io.BytesIO(descriptor.FontFile3.read_bytes()))
                assert font["maxp"].numGlyphs > 10
            for page in opened.pages:
                for instruction in pikepdf.parse_content_stream(page):
                    operator = str(instruction.operator)
                    if operator in {"Tj", "TJ"}:
                        operand: Any = instruction.operands[0]
                        shown = operand if operator == "TJ" else [operand]
                        codes = b"".join(bytes(part) for part in shown if isinstance(part, pikepdf.String))
                        assert b"\0\0" not in {codes[i : i + 2] for i in range(0, len(codes), 2)}, ".notdef was drawn"

    @pytest.mark.parametrize("name", [name for name, d in DOCUMENTS.items() if isinstance(d, InvoiceDocument)])
    def test_the_data_is_attached_as_factur_x(self, drawn: dict[str, bytes], name: str) -> None:
        document = DOCUMENTS[name]
        assert isinstance(document, InvoiceDocument)
        with pikepdf.open(io.BytesIO(drawn[name])) as opened:
            assert list(opened.attachments) == ["factur-x.xml"]
            assert opened.attachments["factur-x.xml"].get_file().read_bytes() == to_cii(document)
            (associated,) = opened.Root.AF
            assert str(associated.AFRelationship) == "/Alternative"
            assert str(associated.UF) == "factur-x.xml"
            assert str(associated.EF.F.Subtype) in {"/text/xml", "/application/xml"}
            metadata = etree.fromstring(opened.Root.Metadata.read_bytes())
        said = {tag: metadata.findtext(f".//{FX}{tag}") for tag in ("DocumentType", "DocumentFileName", "Version")}
        assert said == {"DocumentType": "INVOICE", "DocumentFileName": "factur-x.xml", "Version": "1.0"}
        assert metadata.findtext(f".//{FX}ConformanceLevel") == "EN 16931"
        declared = {element.text for element in metadata.iter(f"{PDFA_PROPERTY}name")}
        assert declared == {"DocumentFileName", "DocumentType", "Version", "ConformanceLevel"}

    def test_a_statement_carries_no_invoice_data(self, drawn: dict[str, bytes]) -> None:
        with pikepdf.open(io.BytesIO(drawn["statement"])) as opened:
            assert not opened.attachments

    def test_what_the_standard_cannot_say_is_still_printed(self) -> None:
        seller = DocumentParty(legal_name="Kuwait Cloud W.L.L.", country="KW", tax_id="KW-88213")
        line = untaxed_line("Cloud seats", TaxCategory.ZERO, 12_345)
        pdf = render_pdf(invoice_of(line, currency="KWD", seller=seller, language=Language.EN))
        assert "KWD 12.345" in text_of(pdf)[0]
        with pikepdf.open(io.BytesIO(pdf)) as opened:
            assert not opened.attachments


class TestContents:
    def test_all_that_the_law_asks_for_can_be_read(self, drawn: dict[str, bytes]) -> None:
        (page,) = text_of(drawn["invoice in Chinese"])
        flat = page.replace("\n", "").replace(" ", "")
        for words in (
            *(
                "账单（非税务发票）",
                "ZP-2026-000042",
                "2026年11月22日",
                "上海䶮𠮷智能制造股份有限公司",
                "91310115MA1K3YJ12D",
            ),
            *(SELLER_CN.legal_name, SELLER_CN.tax_id, "招聘专业版", "席位·年", "187.736", "3,754.72", "6%", "225.28"),
            *(
                "13%",
                "65.00",
                "4,254.72",
                "290.28",
                "¥4,545.00",
                "肆仟伍佰肆拾伍圆整",
                "SO-20261122-0007",
                "PO-2026-1188",
            ),
            *("sandbox_pay_01JD3K8Q2M", "合同号HT-2026-0311", "沙箱·非税务发票", "第1页，共1页"),
        ):
            assert words in flat, words

    def test_a_red_invoice_reads_negative(self, drawn: dict[str, bytes]) -> None:
        flat = text_of(drawn["credit note"])[0].replace(" ", "")
        for words in ("红字发票", "（负数）叁仟玖佰捌拾圆整", "-¥3,980.00", "-3,754.72", "26332000000012345678"):
            assert words in flat

    def test_many_lines_flow_with_their_head_and_the_sandbox_on_every_page(self) -> None:
        lines = [
            included_line(f"模块 {i:02d} 企业级招聘管理套件（含面试日程与人才库）", 10_000 + i, "2") for i in range(60)
        ]
        pages = text_of(render_pdf(invoice_of(*lines, language=Language.EN)))
        assert len(pages) >= 3
        for number, page in enumerate(pages, start=1):
            assert f"Page {number} of {len(pages)}" in page
            assert "SANDBOX" in page
        for page in pages[:-1]:
            assert "Unit price" in page
        everything = "".join(pages)
        assert all(f"模块 {i:02d}" in everything for i in range(60))

    def test_long_names_stay_on_the_page(self) -> None:
        name = "内蒙古自治区" * 50
        pdf = render_pdf(chinese_invoice(buyer=DocumentParty(legal_name=name, country="CN"), purchase_order="X" * 80))
        joined = "".join(text_of(pdf)).replace("\n", "")
        assert joined.count("内蒙古自治区") == 50
        assert "X" * 80 in joined


class TestSameBytes:
    @pytest.mark.parametrize("name", DOCUMENTS)
    def test_again(self, drawn: dict[str, bytes], name: str) -> None:
        assert render_pdf(DOCUMENTS[name]) == drawn[name]

    def test_in_other_processes_places_and_time_zones(self, drawn: dict[str, bytes], tmp_path: Path) -> None:
        program = (
            "import sys; from tests.sample_documents import chinese_invoice;"
            "from billing.documents.renderer import render_pdf; sys.stdout.buffer.write(render_pdf(chinese_invoice()))"
        )
        for seed, zone in (("1", "Asia/Shanghai"), ("2", "America/New_York")):
            environment = {
                **os.environ,
                "PYTHONHASHSEED": seed,
                "TZ": zone,
                "TMPDIR": str(tmp_path),
                "PYTHONPATH": str(Path.cwd()),
            }
            run = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, check=True)
            assert run.stdout == drawn["invoice"]

    def test_another_document_is_another_file(self, drawn: dict[str, bytes]) -> None:
        other = render_pdf(chinese_invoice(number="ZP-2026-000043"))
        with pikepdf.open(io.BytesIO(other)) as ours, pikepdf.open(io.BytesIO(drawn["invoice"])) as theirs:
            assert bytes(ours.trailer.ID[0]) != bytes(theirs.trailer.ID[0])
