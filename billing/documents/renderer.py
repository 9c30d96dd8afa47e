"""Documents as PDF/A-3a files. The only module that knows WeasyPrint.

Runs in a process of its own (`isolated`) and reads nothing from disk or network while it draws: what a page may load
is in memory, and any other address ends the rendering.
"""

from __future__ import annotations

import io
import logging
import re
import warnings
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, time
from functools import cache, wraps
from typing import Any, Final, NoReturn

from billing.documents.buyer_statement import BuyerStatementDocument
from billing.documents.cii import to_cii
from billing.documents.en16931 import en16931_violation
from billing.documents.fapiao import FapiaoDocument
from billing.documents.fapiao_xml import to_fapiao_xml
from billing.documents.html import (
    HtmlDocument,
    buyer_statement_html,
    fapiao_html,
    invoice_html,
    offer_html,
    pro_forma_html,
    receipt_html,
    statement_html,
    style_sheet,
    transfer_html,
)
from billing.documents.model import InvoiceDocument
from billing.documents.offer import OfferDocument
from billing.documents.pro_forma import ProFormaDocument
from billing.documents.receipt import ReceiptDocument
from billing.documents.statement import StatementDocument
from billing.documents.transfer import TransferDocument
from kernel.errors import DomainError, Unavailable

Document = (
    InvoiceDocument
    | StatementDocument
    | OfferDocument
    | TransferDocument
    | FapiaoDocument
    | ReceiptDocument
    | ProFormaDocument
    | BuyerStatementDocument
)

XML_NAME: Final = "factur-x.xml"
_VARIANT: Final = "pdf/a-3a"
"""Level A: tagged, in the order in which it is read, with its language and the headers of its tables (ISO 19005-3 §6.7)."""
_DOCUMENTS_OWN: Final = ("html", "body")
"""Elements without one in the structure tree: what they hold follows for itself."""
_FACTUR_X: Final = (XML_NAME, "EN 16931 invoice data (Factur-X)")
_FAPIAO: Final = ("fapiao.xml", "数电票 data")
_SHAPED: Final = re.compile(
    "[\u0600-\u109f\u1780-\u18af\u1900-\u1c4f\ua880-\uaadf\uabc0-\uabff\U00010d00-\U00010d3f\U00011100-\U0001114f\U0001e900-\U0001e95f]"
)
"""Arabic, and those from India to Mongolia and Java: letters join, stack or change places, so that no glyph stands for one."""
# Factur-X 1.0 §6: the properties, and the PDF/A extension schema that declares them.
_PROPERTIES: Final = (
    ("DocumentFileName", XML_NAME, "name of the embedded XML invoice file"),
    ("DocumentType", "INVOICE", "INVOICE"),
    ("Version", "1.0", "The actual version of the Factur-X XML schema"),
    ("ConformanceLevel", "EN 16931", "The conformance level of the embedded Factur-X data"),
)
_FX: Final = "urn:factur-x:pdfa:CrossIndustryDocument:invoice:1p0#"


def render_pdf(document: Document) -> bytes:
    """Draw a document as tagged PDF/A-3a; the same document gives the same bytes.

    An invoice or credit note carries its EN 16931 data as `factur-x.xml` (relationship Alternative), unless the
    standard cannot express it (`en16931_violation`); a 数电票 its own data as `fapiao.xml`.

    Raises:
        Unavailable: `renderer_unavailable` when the system library Pango is missing.
        Invalid: what the layout of the document refuses.
        DomainError: `document_asset_refused` when the page asked for anything outside itself.
    """
    weasyprint = _weasyprint()
    attached = _FACTUR_X
    if isinstance(document, StatementDocument):
        paper, xml = statement_html(document), None
    elif isinstance(document, OfferDocument):
        paper, xml = offer_html(document), None
    elif isinstance(document, TransferDocument):
        paper, xml = transfer_html(document), None
    elif isinstance(document, ReceiptDocument):
        paper, xml = receipt_html(document), None
    elif isinstance(document, ProFormaDocument):
        paper, xml = pro_forma_html(document), None
    elif isinstance(document, BuyerStatementDocument):
        paper, xml = buyer_statement_html(document), None
    elif isinstance(document, FapiaoDocument):
        paper, xml, attached = fapiao_html(document), to_fapiao_xml(document), _FAPIAO
    else:
        paper = invoice_html(document)
        xml = None if en16931_violation(document) else to_cii(document)
    drawn_at = datetime.combine(document.issued_on, time(), tzinfo=UTC)
    fetcher = _fetcher_class()(paper)
    html = weasyprint.HTML(string=paper.html, url_fetcher=fetcher)
    options: dict[str, Any] = {
        "pdf_variant": _VARIANT,
        "pdf_identifier": paper.fingerprint,
        "full_fonts": True,  # as cut by `fonts`
    }
    if xml is not None:
        if attached is _FACTUR_X:
            # A file object: bytes would be taken for a path or an address.
            options["xmp_metadata"] = [io.BytesIO(_xmp())]
        options["attachments"] = [
            weasyprint.Attachment(
                string=xml,
                name=attached[0],
                description=attached[1],
                created=drawn_at,
                modified=drawn_at,
                relationship="Alternative",
                url_fetcher=fetcher,
            )
        ]
    try:
        return bytes(html.write_pdf(stylesheets=[_style()], finisher=_name_attachments_once, **options))
    except weasyprint.urls.FatalURLFetchingError as error:
        raise DomainError("document_asset_refused", number=document.number) from error


@cache
def _weasyprint() -> Any:
    """Import late: a process that never draws needs no Pango, and a missing Pango is an answer, not a crash."""
    try:
        with warnings.catch_warnings():
            # It asks for a system HarfBuzz-Subset, which our own cut of the font makes idle.
            warnings.simplefilter("ignore", DeprecationWarning)
            import weasyprint  # noqa: PLC0415
            from PIL import ImageFile  # noqa: PLC0415

            # It lets the whole process take half a picture for a whole one.
            ImageFile.LOAD_TRUNCATED_IMAGES = False
    except (ImportError, OSError) as error:
        raise Unavailable("renderer_unavailable", missing="Pango") from error
    logging.getLogger("weasyprint").setLevel(logging.ERROR)
    text = weasyprint.draw.text
    text.draw_first_line = _saying_what_is_written(text.draw_first_line, weasyprint.pdf.pydyf)
    tags = weasyprint.pdf.tags
    build = tags._build_box_tree  # noqa: SLF001 - there is no hook
    boxes, pydyf = weasyprint.formatting_structure.boxes, weasyprint.pdf.pydyf
    tags._build_box_tree = _leaving_margins_out(_saying_its_language(build, pydyf), boxes)  # noqa: SLF001 - (same)
    draw = weasyprint.draw
    draw.draw_stacking_context = _marking_margins(draw.draw_stacking_context, boxes, pydyf)
    return weasyprint


def _saying_what_is_written(draw: Callable[..., Any], pydyf: Any) -> Callable[..., Any]:
    """`draw`, a line of text, with the text beside its glyphs where these do not tell it (ISO 32000-1 §14.9.4).

    WeasyPrint 70 knows the text of single glyphs only: copied or searched for, an Arabic or Indian name would be another.
    """

    @wraps(draw)
    def draw_line(stream: Any, textbox: Any, *rest: Any) -> Any:
        if not _SHAPED.search(textbox.text):
            return draw(stream, textbox, *rest)
        stream.begin_marked_content("Span", pydyf.Dictionary({"ActualText": pydyf.String(textbox.text)}))
        drawn = draw(stream, textbox, *rest)
        stream.end_marked_content()
        return drawn

    return draw_line


def _saying_its_language(build: Callable[..., Any], pydyf: Any) -> Callable[..., Any]:
    """`build`, the elements of a box in the structure tree, with the language that its `lang` says (ISO 32000-1 §14.9.2).

    WeasyPrint 70 writes the document's alone. What is within an element is in its language unless it says another.
    """

    @wraps(build)
    def build_box(box: Any, *rest: Any) -> Iterator[Any]:
        source = getattr(box, "_box", box).element
        language = None if source is None or source.tag in _DOCUMENTS_OWN else source.get("lang")
        for element in build(box, *rest):
            if language:
                element["Lang"] = pydyf.String(language)
            yield element

    return build_box


def _marking_margins(draw: Callable[..., Any], boxes: Any, pydyf: Any) -> Callable[..., Any]:
    """`draw`, a box with all in it, which marks what runs in the margins as an artifact of paging (ISO 32000-1 §14.8.2.2).

    WeasyPrint 70 marks it as content, of elements that are in no tree: ISO 14289-1 §7.1 knows content in the tree and artifacts.
    """

    @wraps(draw)
    def draw_box(stream: Any, context: Any) -> Any:
        if not isinstance(context.box, boxes.MarginBox) or stream._tags is None:  # noqa: SLF001 - None where nothing is tagged
            return draw(stream, context)
        edge = "Footer" if context.box.at_keyword.startswith("@bottom") else "Header"
        stream.begin_marked_content("Artifact", pydyf.Dictionary({"Type": "/Pagination", "Subtype": f"/{edge}"}))
        # Nothing within it is marked again, nor looked for in the tree.
        tags, stream._tags = stream._tags, None  # noqa: SLF001 - (same)
        try:
            drawn = draw(stream, context)
        finally:
            stream._tags = tags  # noqa: SLF001 - (same)
        stream.end_marked_content()
        return drawn

    return draw_box


def _leaving_margins_out(build: Callable[..., Any], boxes: Any) -> Callable[..., Any]:
    """`build`, the elements of a box in the structure tree, of which a margin has none: see `_marking_margins`."""

    @wraps(build)
    def build_box(box: Any, *rest: Any) -> Iterator[Any]:
        if not isinstance(box, boxes.MarginBox):
            yield from build(box, *rest)

    return build_box


def _name_attachments_once(_document: object, pdf: Any) -> None:
    # WeasyPrint 70 lists a file of `attachments=` twice among the associated files: by name tree and by object.
    if associated := pdf.catalog.get("AF"):
        associated[:] = dict.fromkeys(associated)


@cache
def _style() -> Any:
    return _weasyprint().CSS(string=style_sheet(), url_fetcher=_refuse)


def _refuse(url: str) -> NoReturn:
    raise ValueError(f"refused: {url[:200]}")


@cache
def _fetcher_class() -> Any:
    """The fetcher that hands out the page's own assets and nothing else."""
    weasyprint = _weasyprint()
    refused = weasyprint.urls.FatalURLFetchingError
    response = weasyprint.urls.URLFetcherResponse

    class OwnAssetsOnly(weasyprint.urls.URLFetcher):  # type: ignore[misc,name-defined]
        def __init__(self, paper: HtmlDocument) -> None:
            super().__init__(allowed_protocols=(), allow_redirects=False)
            self._assets = paper.assets

        def fetch(self, url: str, headers: object = None) -> Any:
            try:
                media_type, content = self._assets[url]
            except KeyError:
                raise refused(f"refused: {url[:200]}") from None
            return response(url, content, {"Content-Type": media_type})

    return OwnAssetsOnly


@cache
def _xmp() -> bytes:
    values = "".join(f"<fx:{name}>{value}</fx:{name}>" for name, value, _ in _PROPERTIES)
    declared = "".join(
        '<rdf:li rdf:parseType="Resource">'
        f"<pdfaProperty:name>{name}</pdfaProperty:name><pdfaProperty:valueType>Text</pdfaProperty:valueType>"
        f"<pdfaProperty:category>external</pdfaProperty:category>"
        f"<pdfaProperty:description>{description}</pdfaProperty:description></rdf:li>"
        for name, _, description in _PROPERTIES
    )
    return (
        '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        f'<rdf:Description rdf:about="" xmlns:fx="{_FX}">{values}</rdf:Description>'
        '<rdf:Description rdf:about="" xmlns:pdfaExtension="http://www.aiim.org/pdfa/ns/extension/"'
        ' xmlns:pdfaSchema="http://www.aiim.org/pdfa/ns/schema#"'
        ' xmlns:pdfaProperty="http://www.aiim.org/pdfa/ns/property#">'
        '<pdfaExtension:schemas><rdf:Bag><rdf:li rdf:parseType="Resource">'
        "<pdfaSchema:schema>Factur-X PDFA Extension Schema</pdfaSchema:schema>"
        f"<pdfaSchema:namespaceURI>{_FX}</pdfaSchema:namespaceURI><pdfaSchema:prefix>fx</pdfaSchema:prefix>"
        f"<pdfaSchema:property><rdf:Seq>{declared}</rdf:Seq></pdfaSchema:property>"
        "</rdf:li></rdf:Bag></pdfaExtension:schemas></rdf:Description></rdf:RDF>"
    ).encode()
