"""What a screen reader hears of a document: its language and title, tables with headers, everything once and in order.

ISO 19005-3 §6.7 (level A) asks for a structure tree of standard types, a language, alternative text for pictures, and that all
marked content is in the tree. The order is read off the tree's own marks, as a reader does.
"""

from __future__ import annotations

import io
import re
import unicodedata
from collections.abc import Iterator
from typing import Any

import pikepdf
import pytest

from billing.documents.model import Language
from billing.documents.renderer import Document, render_pdf
from tests.sample_documents import PANGO_MISSING, chinese_invoice, credit_note, pango_is_there, statement
from tests.unit.documents.test_fapiao import red

pytestmark = pytest.mark.skipif(not pango_is_there(), reason=PANGO_MISSING)
HAN = re.compile("[\u4e00-\u9fff]")
STANDARD = {
    *(
        "/Document",
        "/Part",
        "/Sect",
        "/Div",
        "/P",
        "/H1",
        "/Table",
        "/TR",
        "/TH",
        "/TD",
        "/THead",
        "/TBody",
        "/Caption",
    ),
    *("/Span", "/Figure", "/NonStruct"),
}
DOCUMENTS: dict[str, tuple[Document, str]] = {
    "invoice": (chinese_invoice(), "zh-CN"),
    "invoice in English": (chinese_invoice(language=Language.EN), "en"),
    "credit note": (credit_note(), "zh-CN"),
    "statement": (statement(), "zh-CN"),
    "statement of two pages": (statement(30, language=Language.EN), "en"),
    "red tax invoice": (red(), "zh-CN"),
}


@pytest.fixture(scope="module")
def opened() -> dict[str, pikepdf.Pdf]:
    return {name: pikepdf.open(io.BytesIO(render_pdf(document))) for name, (document, _) in DOCUMENTS.items()}


def elements(node: Any) -> Iterator[Any]:
    yield node
    kids = node.get("/K", [])
    for kid in kids if isinstance(kids, pikepdf.Array) else [kids]:
        if isinstance(kid, pikepdf.Dictionary):
            yield from elements(kid)


def marks(node: Any) -> Iterator[tuple[int, int, bool]]:
    """Page (by its object) and number of each piece of marked content in the order of the tree, and whether it is text."""
    for one in elements(node):
        kids = one.get("/K", [])
        for kid in kids if isinstance(kids, pikepdf.Array) else [kids]:
            if isinstance(kid, int):
                yield one.Pg.objgen[0], kid, str(one.S) != "/Figure"


@pytest.mark.parametrize("name", DOCUMENTS)
def test_it_is_tagged_with_its_language_and_title(opened: dict[str, pikepdf.Pdf], name: str) -> None:
    document, language = DOCUMENTS[name]
    root = opened[name].Root
    assert bool(root.MarkInfo.Marked)
    assert str(root.Lang) == language
    assert bool(root.ViewerPreferences.DisplayDocTitle)
    assert document.number in str(opened[name].docinfo["/Title"])
    types = {str(one.S) for one in elements(root.StructTreeRoot.K[0])}
    assert types <= STANDARD
    assert {"/H1", "/Table", "/TH", "/TD"} <= types


def characters(font: Any) -> dict[bytes, str]:
    """What the codes of an embedded font stand for."""
    pairs = re.findall(rb"<([0-9A-Fa-f]{4})> <([0-9A-Fa-f]+)>", font.ToUnicode.read_bytes())
    return {bytes.fromhex(code.decode()): bytes.fromhex(said.decode()).decode("utf-16-be") for code, said in pairs}


def said_on(page: pikepdf.Page) -> dict[int, str]:
    """The text of each piece of marked content on a page."""
    fonts = {str(name): characters(font) for name, font in page.Resources.Font.items()}
    found: dict[int, str] = {}
    open_marks: list[int | None] = []
    font: dict[bytes, str] = {}
    for instruction in pikepdf.parse_content_stream(page):
        operator, operands = str(instruction.operator), instruction.operands
        if operator in {"BDC", "BMC"}:
            open_marks.append(int(operands[1]["/MCID"]) if operator == "BDC" and "/MCID" in operands[1] else None)
        elif operator == "EMC":
            open_marks.pop()
        elif operator == "Tf":
            font = fonts[str(operands[0])]
        elif operator in {"Tj", "TJ"}:
            shown = operands[0] if operator == "TJ" else [operands[0]]
            codes = b"".join(bytes(part) for part in shown if isinstance(part, pikepdf.String))
            mark = next((one for one in reversed(open_marks) if one is not None), -1)
            text = "".join(font.get(codes[at : at + 2], "") for at in range(0, len(codes), 2))
            found[mark] = found.get(mark, "") + text
    return found


def spoken_as(opened: pikepdf.Pdf) -> list[tuple[str, str]]:
    """Each piece of text in the tree with its language: that of the nearest element which says one."""
    texts = {page.obj.objgen[0]: said_on(page) for page in opened.pages}

    def within(node: Any, language: str) -> Iterator[tuple[str, str]]:
        language = str(node.get("/Lang", language))
        kids = node.get("/K", [])
        for kid in kids if isinstance(kids, pikepdf.Array) else [kids]:
            if isinstance(kid, pikepdf.Dictionary):
                yield from within(kid, language)
            elif isinstance(kid, int):
                # Glyphs shared with a radical are read as that.
                yield language, unicodedata.normalize("NFKC", texts[node.Pg.objgen[0]].get(kid, ""))

    return list(within(opened.Root.StructTreeRoot.K[0], str(opened.Root.Lang)))


def test_english_beside_chinese_is_said_in_english(opened: dict[str, pikepdf.Pdf]) -> None:
    pieces = spoken_as(opened["invoice"])
    of = {text.strip(): language for language, text in pieces}
    for label in ("Buyer", "Seller", "Date of issue", "Net total", "Remarks"):
        assert of[label] == "en", label
    for label in ("购买方", "销售方", "出单日期", "备注"):
        assert of[label] == "zh-CN", label
    assert not [text for language, text in pieces if language == "en" and HAN.search(text)]


def test_chinese_on_an_english_paper_is_said_in_chinese(opened: dict[str, pikepdf.Pdf]) -> None:
    pieces = spoken_as(opened["invoice in English"])
    assert {"en", "zh-CN"} == {language for language, _ in pieces}
    assert not [text for language, text in pieces if language == "zh-CN" and re.search("[A-Za-z]", text)]
    assert [language for language, text in pieces if text.strip() == "Buyer"] == ["en"]


@pytest.mark.parametrize("name", DOCUMENTS)
def test_all_that_is_drawn_is_in_the_tree_once_and_in_order(opened: dict[str, pikepdf.Pdf], name: str) -> None:
    tree = list(marks(opened[name].Root.StructTreeRoot.K[0]))
    assert len(tree) == len(set(tree))
    for page in opened[name].pages:
        drawn = [
            int(instruction.operands[1]["/MCID"])
            for instruction in pikepdf.parse_content_stream(page)
            if str(instruction.operator) == "BDC" and "/MCID" in instruction.operands[1]
        ]
        of_page = [number for of, number, _ in tree if of == page.obj.objgen[0]]
        texts = [number for of, number, is_text in tree if is_text and of == page.obj.objgen[0]]
        assert sorted(of_page) == sorted(drawn)
        assert texts == sorted(texts), "pictures are drawn last, and heard where they stand"


PAINTING = {*"S s f F f* B B* b b* sh Do Tj TJ ' \" BI".split()}


def unmarked(page: pikepdf.Page) -> Iterator[str]:
    """What is drawn outside of marked content, and marks within marks of the other kind (ISO 14289-1 §7.1).

    What a form XObject draws is marked with the operator that draws it, or within it; it is followed where it stands outside.
    """
    open_marks: list[str] = []
    for instruction in pikepdf.parse_content_stream(page):
        operator, operands = str(instruction.operator), instruction.operands
        if operator in {"BDC", "BMC"}:
            kind = "artifact" if str(operands[0]) == "/Artifact" else ""
            if operator == "BDC" and "/MCID" in operands[1]:
                kind = "content"
            if kind and set(filter(None, open_marks)):
                yield f"{kind} within {open_marks}"
            open_marks.append(kind)
        elif operator == "EMC":
            open_marks.pop()
        elif (operator in PAINTING or isinstance(instruction, pikepdf.ContentStreamInlineImage)) and not any(
            open_marks
        ):
            yield operator


@pytest.mark.parametrize("name", DOCUMENTS)
def test_whatever_is_painted_is_content_of_the_tree_or_an_artifact(opened: dict[str, pikepdf.Pdf], name: str) -> None:
    """Every painting operator of every page stands within one of both, and what runs in the margins is of paging."""
    for page in opened[name].pages:
        assert list(unmarked(page)) == []
        paging = [
            str(instruction.operands[1].Subtype)
            for instruction in pikepdf.parse_content_stream(page)
            if str(instruction.operator) == "BDC" and instruction.operands[1].get("/Type") == "/Pagination"
        ]
        wanted = {"/Footer"} if page == opened[name].pages[0] else {"/Footer", "/Header"}
        assert set(paging) == wanted


@pytest.mark.parametrize(
    ("planted", "found"),
    [
        (b"0 0 9 9 re f", ["f"]),
        (b"/Span BMC 0 0 9 9 re S EMC", ["S"]),
        (b"/P <</MCID 900>> BDC /Artifact BMC 0 0 9 9 re f EMC EMC", ["artifact within ['content']"]),
        (b"/Artifact BMC 0 0 9 9 re f EMC", []),
    ],
)
def test_what_is_not_marked_is_seen(planted: bytes, found: list[str]) -> None:
    with pikepdf.open(io.BytesIO(render_pdf(credit_note()))) as pdf:
        pdf.pages[0].contents_add(planted)
        assert list(unmarked(pdf.pages[0])) == found


@pytest.mark.parametrize("name", DOCUMENTS)
def test_cells_name_their_headers_and_pictures_say_what_they_are(opened: dict[str, pikepdf.Pdf], name: str) -> None:
    found = list(elements(opened[name].Root.StructTreeRoot.K[0]))
    ids = {str(one.ID) for one in found if str(one.S) == "/TH"}
    named = [{str(header) for header in one.A.get("/Headers", [])} for one in found if str(one.S) == "/TD"]
    assert all(headers <= ids for headers in named)
    assert sum(map(bool, named)) >= 0.9 * len(named)
    assert all(str(one.get("/Alt", "")) for one in found if str(one.S) == "/Figure")
