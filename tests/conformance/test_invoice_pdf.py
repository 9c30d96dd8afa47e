"""The paper: PDF/A-3 structure, the same bytes for the same document, nothing carried in, nothing run away."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import fields, replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pikepdf
import pypdf
import pytest
from fontTools.ttLib import TTFont
from lxml import etree

from billing.documents import renderer
from billing.documents.cii import to_cii
from billing.documents.isolated import IsolatedRenderer, render_isolated
from billing.documents.lines import TaxCategory
from billing.documents.model import InvoiceDocument, Language
from billing.documents.paper import invoice_paper
from billing.documents.parties import Party
from billing.documents.renderer import Document, render_pdf
from kernel.errors import DomainError, Invalid, Unavailable
from tests.sample_documents import (
    SELLER_CN,
    chinese_invoice,
    credit_note,
    euro_invoice,
    included_line,
    invoice_of,
    seats_line,
    statement,
    untaxed_line,
)


def pango_is_there() -> bool:
    try:
        renderer._weasyprint()
    except Unavailable:
        return False
    return True


pytestmark = pytest.mark.skipif(
    not pango_is_there(),
    reason="WeasyPrint's one system library, Pango, is missing (Debian: apt install libpango-1.0-0)",
)

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


def streams_of(pdf: bytes) -> Iterator[bytes]:
    with pikepdf.open(io.BytesIO(pdf)) as opened:
        for thing in opened.objects:
            if isinstance(thing, pikepdf.Stream):
                yield thing.read_bytes()


def fonts_of(opened: pikepdf.Pdf) -> Iterator[pikepdf.Object]:
    for thing in opened.objects:
        if isinstance(thing, pikepdf.Dictionary) and thing.get("/Type") == "/FontDescriptor":
            yield thing


class TestStructure:
    @pytest.mark.parametrize("name", DOCUMENTS)
    def test_pdf_a_3b(self, drawn: dict[str, bytes], name: str) -> None:
        with pikepdf.open(io.BytesIO(drawn[name])) as opened:
            metadata = etree.fromstring(opened.Root.Metadata.read_bytes())
            described = [element for element in metadata.iter(f"{RDF}Description") if f"{PDFAID}part" in element.attrib]
            assert [(e.get(f"{PDFAID}part"), e.get(f"{PDFAID}conformance")) for e in described] == [("3", "B")]
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
        seller = Party(legal_name="Kuwait Cloud W.L.L.", country="KW", tax_id="KW-88213")
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
            *("电子发票", "ZP-2026-000042", "2026年11月22日", "上海䶮𠮷智能制造股份有限公司", "91310115MA1K3YJ12D"),
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
        pdf = render_pdf(chinese_invoice(buyer=Party(legal_name=name, country="CN"), purchase_order="X" * 80))
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


CANARY = "canary-4f1d9b6c2e"
SHORT = {
    f"{field}: document_text_too_long"
    for field in (
        *("unit", "series", "fiscal_number", "number", "drawer"),
        *("confirmation_number", "order_ref", "purchase_order"),
    )
}


def payloads(canary_file: Path) -> list[str]:
    """Ways in which a name has been known to make a renderer read a file, ask a network or run a script."""
    url = canary_file.as_uri()
    return [
        f'<link rel="attachment" href="{url}">',
        f'<a rel="attachment" href="{url}">x</a>',
        f'<img src="{url}">',
        f"<img src={url} />",
        f'<iframe src="{url}"></iframe>',
        f'<object data="{url}"></object>',
        f'<embed src="{url}">',
        f'<link rel=stylesheet href="{url}">',
        f"<style>@import url({url});</style>",
        f"<style>@font-face{{font-family:x;src:url({url})}}*{{font-family:x}}</style>",
        f"<style>body{{background:url({url})}}</style>",
        f'<style>@page{{@top-left{{content:url("{url}")}}}}</style>',
        f'<svg><image href="{url}"/></svg>',
        f'<svg><use xlink:href="{url}#x"/></svg>',
        f'<svg><foreignObject><iframe src="{url}"/></foreignObject></svg>',
        f'<!DOCTYPE x [<!ENTITY e SYSTEM "{url}">]><x>&e;</x>',
        f'<xi:include xmlns:xi="http://www.w3.org/2001/XInclude" href="{url}" parse="text"/>',
        f"<?xml-stylesheet href='{url}'?>",
        f'<base href="{url}"><img src="">',
        f'" onload="x" style="background:url({url})',
        f"' style='list-style-image:url({url})",
        f'</td></table><meta http-equiv=refresh content="0;url={url}">',
        f"]]></ram:Name><script>fetch('{url}')</script>",
        f"{{{{ self.__init__.__globals__.__builtins__.open('{canary_file}').read() }}}}",
        f"{{% include '{canary_file}' %}}",
        f"${{open('{canary_file}').read()}}#{{7*7}}",
        "{{7*7}}<%= 7*7 %>",
        "<script>document.write('x')</script>",
        f"javascript:fetch('{url}')",
        f"@import '{url}';/*",
        "asset:font\u0000<img src=http://127.0.0.1:9/x>",
        f"<form action='{url}'><input name=a></form>",
    ]


def everywhere(payload: str) -> tuple[InvoiceDocument, list[str]]:
    """An invoice with the payload in every text field, and the fields that would not take it."""

    def filled(record: Any, **kept: Any) -> Any:
        for field in fields(record):
            if field.type != "str" or field.name in kept or field.name in {"country", "currency", "unit_code"}:
                continue
            try:
                record = replace(record, **{field.name: payload})
            except Invalid as refusal:
                refused.append(f"{field.name}: {refusal.code}")
        return record

    refused: list[str] = []
    party = replace(filled(SELLER_CN), address_lines=(payload[:200], "x"))
    line = filled(seats_line())
    document = filled(chinese_invoice(period=None), verification_url="")
    original = replace(filled(credit_note().original), issued_on=date(2026, 1, 1))
    document = replace(
        document,
        kind=credit_note().kind,
        original=original,
        paid_minor=0,
        seller=party,
        buyer=party,
        lines=(line,),
        net_minor=line.net_minor,
        tax_minor=line.tax_minor,
        gross_minor=line.gross_minor,
    )
    return document, refused


@pytest.fixture(scope="module")
def canary_file() -> Iterator[Path]:
    # A short path: pytest's own are longer than some fields take.
    with tempfile.TemporaryDirectory(prefix="c") as folder:
        path = Path(folder) / "c"
        path.write_text(CANARY)
        yield path


class TestNothingComesIn:
    @pytest.mark.parametrize("index", range(32))
    def test_a_payload_in_every_field_brings_no_byte_of_the_canary(self, canary_file: Path, index: int) -> None:
        payload = payloads(canary_file)[index]
        document, refused = everywhere(payload)
        # Only the shortest fields, of 40 to 80 characters, may be too small for a payload.
        assert set(refused) <= SHORT
        assert payload.replace("\0", "") in document.seller.legal_name + document.remarks
        pdf = render_pdf(document)
        for stream in streams_of(pdf):
            assert CANARY.encode() not in stream
            assert CANARY.encode("utf-16-be") not in stream
        with pikepdf.open(io.BytesIO(pdf)) as opened:
            assert list(opened.attachments) == ["factur-x.xml"]
            assert all("/Annots" not in page for page in opened.pages)
        text = "".join(text_of(pdf))
        assert CANARY not in text
        assert "49" not in text or "{{7*7}}" not in payload

    def test_there_are_thirty_or_more(self, tmp_path: Path) -> None:
        assert len(set(payloads(tmp_path))) == 32

    @pytest.mark.parametrize(
        "address", ["file:///etc/passwd", "http://127.0.0.1:9/x", "data:text/css,*{}", "asset:else"]
    )
    def test_a_page_that_asks_for_more_is_not_drawn(self, monkeypatch: pytest.MonkeyPatch, address: str) -> None:

        def tampered(document: InvoiceDocument) -> Any:
            paper = invoice_paper(document)
            return replace(paper, html=paper.html.replace("</body>", f'<img src="{address}"></body>'))

        monkeypatch.setattr(renderer, "invoice_paper", tampered)
        with pytest.raises(DomainError, match="document_asset_refused"):
            render_pdf(chinese_invoice())


class TestAtArmsLength:
    def test_the_child_draws_the_same_and_is_kept(self, drawn: dict[str, bytes]) -> None:
        with IsolatedRenderer() as isolated:
            assert isolated.render(DOCUMENTS["invoice"], 60) == drawn["invoice"]
            child = isolated._child
            assert isolated.render(DOCUMENTS["statement"], 60) == drawn["statement"]
            assert isolated._child is child

    def test_a_runaway_is_killed_and_the_next_document_is_drawn(self, drawn: dict[str, bytes]) -> None:
        endless = invoice_of(*(included_line("字" * 300, 10_000 + i, description="字" * 1000) for i in range(2000)))
        with IsolatedRenderer() as isolated:
            assert isolated.render(DOCUMENTS["invoice"], 60)
            child = isolated._child
            assert child is not None
            with pytest.raises(Unavailable, match="document_render_timeout"):
                isolated.render(endless, 0.5)
            assert child.returncode is not None
            assert isolated.render(DOCUMENTS["invoice"], 60) == drawn["invoice"]

    def test_a_child_that_died_is_an_error_not_a_wait(self) -> None:
        with IsolatedRenderer() as isolated:
            isolated.render(DOCUMENTS["statement"], 60)
            assert isolated._child is not None
            isolated._child.kill()
            isolated._child.wait()
            assert isolated.render(DOCUMENTS["statement"], 60)

    def test_a_refusal_crosses_as_itself(self) -> None:
        price, net = Decimal(10**13), 10**18
        line = replace(
            untaxed_line("all there is", TaxCategory.ZERO, 1),
            quantity=Decimal(10**5),
            unit_price_minor=price,
            net_minor=net,
            gross_minor=net,
        )
        with pytest.raises(Invalid) as refusal:
            render_isolated(invoice_of(line), 60)
        assert (refusal.value.code, refusal.value.field) == ("amount_out_of_range", "amount_minor")

    @pytest.mark.parametrize(
        "deed",
        [
            "import socket; socket.create_connection(('127.0.0.1', 9))",
            "import subprocess; subprocess.run(['true'])",
            "import os; os.system('true')",
            "open('forbidden.txt', 'w')",
        ],
    )
    def test_the_child_may_not(self, deed: str, tmp_path: Path) -> None:
        program = f"from billing.documents.render_process import _forbid; _forbid()\n{deed}"
        environment = {**os.environ, "PYTHONPATH": str(Path.cwd()), "TMPDIR": str(tmp_path)}
        run = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, check=False)
        assert run.returncode == 1
        assert b"PermissionError: a renderer" in run.stderr


def test_a_missing_pango_is_an_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    uncached: Callable[[], Any] = renderer._weasyprint.__wrapped__
    monkeypatch.setitem(sys.modules, "weasyprint", None)
    with pytest.raises(Unavailable, match="renderer_unavailable"):
        uncached()
