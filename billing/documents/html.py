"""The document as HTML, with every label and figure ready to print. No text from outside is ever taken for markup."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Final

from jinja2 import Environment, PackageLoader, StrictUndefined

from billing.documents import formatting
from billing.documents.buyer_statement import BuyerStatementDocument
from billing.documents.chinese_capitals import chinese_capitals
from billing.documents.fapiao import FapiaoDocument
from billing.documents.fonts import Typeface, substitute_glyphs, typefaces
from billing.documents.labels import Labels
from billing.documents.model import InvoiceDocument
from billing.documents.offer import OfferDocument
from billing.documents.pro_forma import ProFormaDocument
from billing.documents.qr import qr_svg
from billing.documents.receipt import ReceiptDocument
from billing.documents.spoken import spoken
from billing.documents.statement import COLUMNS, StatementDocument
from billing.documents.transfer import TransferDocument
from kernel.money import to_decimal

FONT_ASSET: Final = "asset:font"
_TYPEFACES: Final = "/* typefaces */"
"""Where the templates' head has the declarations of the document's own typefaces."""
QR_ASSET: Final = "asset:qr"
_UNTAXED: Final = {"E": "免税", "O": "不征税"}
_ROOM: Final = {"": 13, "wide": 16, "wider": 20}
"""Most characters of an amount by the class of paper; 13 are `-9,999,999.99`."""


@dataclass(frozen=True, slots=True)
class HtmlDocument:
    """A page to be set: the HTML and everything that it may load, by address."""

    html: str
    assets: dict[str, tuple[str, bytes]]
    """Media type and content by asset address."""
    fingerprint: bytes
    """Digest of all that is drawn; stands for the file's identity, so that the same document is the same file."""


@cache
def _templates() -> Environment:
    environment = Environment(
        loader=PackageLoader("billing.documents"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    for function in (
        formatting.amount,
        formatting.money,
        formatting.decimal,
        formatting.unit_price,
        formatting.rate,
        formatting.country,
        spoken,
    ):
        environment.filters[function.__name__] = function
    return environment


@cache
def style_sheet() -> str:
    """The look of all paper; the same for every document, so that it need be parsed only once."""
    return (files("billing.documents") / "templates" / "document.css").read_text("utf-8")


def invoice_html(document: InvoiceDocument) -> HtmlDocument:
    """Lay out an invoice or credit note.

    The amounts of a credit note are shown negative and in red, as on Chinese red invoices; its XML has them positive.

    Raises:
        Invalid: `verification_url_too_long`, `amount_out_of_range`.
    """
    labels = Labels(document.language, fiscal=document.is_fiscal)
    sign = -1 if document.is_credit_note else 1
    capitals = ""
    if labels.chinese and document.currency == "CNY":
        capitals = chinese_capitals(sign * document.gross_minor)
    html = (
        _templates()
        .get_template("invoice.html")
        .render(
            d=document,
            t=labels,
            sign=sign,
            abroad=document.seller.country != document.buyer.country,
            title_key="correction_note" if document.carried_over else document.kind.value,
            capitals=capitals,
            day=lambda value: formatting.day(value, document.language),
            days=lambda period: formatting.days(period, document.language),
            red_remark=_red_remark(document),
            room=_room([formatting.amount(-amount, document.currency) for amount in _amounts(document)]),
        )
    )
    return _document(html, document.verification_url)


def statement_html(document: StatementDocument) -> HtmlDocument:
    """Lay out a settlement statement.

    Raises:
        Invalid: `verification_url_too_long`.
    """
    labels = Labels(document.language)
    used = [column for column in COLUMNS if any(getattr(line, column) for line in document.lines)]
    html = (
        _templates()
        .get_template("statement.html")
        .render(
            d=document,
            t=labels,
            columns=used or ["gross_minor"],
            room=_room([formatting.amount(-abs(getattr(document, name)), document.currency) for name in COLUMNS]),
            abroad=document.party.country != document.platform.country,
            title_key="statement",
            day=lambda value: formatting.day(value, document.language),
            days=lambda period: formatting.days(period, document.language),
        )
    )
    return _document(html, document.verification_url)


def offer_html(document: OfferDocument) -> HtmlDocument:
    """Lay out an offer."""
    labels = Labels(document.language)
    amounts = [document.total_minor, *(line.list_price_minor for line in document.lines)]
    html = (
        _templates()
        .get_template("offer.html")
        .render(
            d=document,
            t=labels,
            day=lambda value: formatting.day(value, document.language),
            room=_room([formatting.amount(amount, document.currency) for amount in amounts]),
        )
    )
    return _document(html, "")


def transfer_html(document: TransferDocument) -> HtmlDocument:
    """Lay out a request for a bank transfer."""
    html = (
        _templates()
        .get_template("transfer.html")
        .render(
            d=document,
            t=Labels(document.language),
            day=lambda value: formatting.day(value, document.language),
            room=_room([formatting.amount(document.amount_minor, document.currency)]),
        )
    )
    return _document(html, "")


def receipt_html(document: ReceiptDocument) -> HtmlDocument:
    """Lay out the receipt of a payment. Raises Invalid `amount_out_of_range`."""
    labels = Labels(document.language)
    in_capitals = labels.chinese and document.currency == "CNY"
    html = (
        _templates()
        .get_template("receipt.html")
        .render(
            d=document,
            t=labels,
            abroad=document.seller.country != document.payer.country,
            capitals=chinese_capitals(document.amount_minor) if in_capitals else "",
            day=lambda value: formatting.day(value, document.language),
            room=_room([formatting.amount(document.amount_minor, document.currency)]),
        )
    )
    return _document(html, "")


def pro_forma_html(document: ProFormaDocument) -> HtmlDocument:
    """Lay out a pro-forma invoice."""
    html = (
        _templates()
        .get_template("pro_forma.html")
        .render(
            d=document,
            t=Labels(document.language),
            abroad=document.seller.country != document.buyer.country,
            day=lambda value: formatting.day(value, document.language),
            room=_room([formatting.amount(document.gross_minor, document.currency)]),
        )
    )
    return _document(html, "")


def buyer_statement_html(document: BuyerStatementDocument) -> HtmlDocument:
    """Lay out a buyer's month. Raises Invalid `verification_url_too_long`."""
    amounts = [formatting.amount(-abs(one.total_minor), one.currency) for one in document.sections]
    html = (
        _templates()
        .get_template("buyer_statement.html")
        .render(
            d=document,
            t=Labels(document.language),
            abroad=document.seller.country != document.buyer.country,
            day=lambda value: formatting.day(value, document.language),
            days=lambda period: formatting.days(period, document.language),
            room=_room(amounts or [""]),
        )
    )
    return _document(html, document.verification_url)


def fapiao_html(document: FapiaoDocument) -> HtmlDocument:
    """Lay out the face of a 数电票. Its code holds kind, number, amount and day as the administration's do; a sandbox's says so.

    Raises:
        Invalid: `amount_out_of_range`.
    """
    kind, amount = ("31" if document.special else "32"), to_decimal(document.sign * document.gross_minor, "CNY")
    code = f"01,{kind},,{document.number},{amount:.2f},{document.issued_on:%Y%m%d},,"
    if document.sandbox:
        code = f"SANDBOX,{document.number}"
    html = (
        _templates()
        .get_template("fapiao.html")
        .render(
            d=document,
            qr=code,
            capitals=chinese_capitals(document.sign * document.gross_minor),
            untaxed=_UNTAXED,
            room=_room([formatting.amount(-amount, "CNY") for amount in _amounts(document)]),
        )
    )
    return _document(html, code)


def _amounts(document: InvoiceDocument | FapiaoDocument) -> Iterator[int]:
    """As long as any that is printed, without its sign: the tax has the narrowest column."""
    yield from (abs(document.net_minor), abs(document.gross_minor), 10 * abs(document.tax_minor))
    for line in document.lines:
        yield from (abs(line.net_minor), int(line.unit_price_minor), 10 * abs(line.tax_minor))
        yield int(abs(line.quantity)) * 1_000_000


def _room(amounts: Iterable[str]) -> str:
    """The class of paper on which the longest of these, each with its sign, stays on one line."""
    longest = max(map(len, amounts))
    return next((name for name, most in _ROOM.items() if longest <= most), "widest")


def _red_remark(document: InvoiceDocument) -> str:
    """The remark that a Chinese red e-invoice must carry, word for word."""
    original = document.original
    if original is None or not original.confirmation_number:
        return ""
    return f"被红冲蓝字数电票号码：{original.number} 红字发票信息确认单编号：{original.confirmation_number}"


def _document(html: str, code: str) -> HtmlDocument:
    html = substitute_glyphs(html)
    faces = typefaces(html + style_sheet())
    assets = {f"{FONT_ASSET}{index}": (face.media_type, face.font) for index, face in enumerate(faces)}
    html = html.replace(_TYPEFACES, _declared(faces))
    if code:
        assets[QR_ASSET] = ("image/svg+xml", qr_svg(code))
    digest = hashlib.sha256((html + style_sheet()).encode())
    for address in sorted(assets):
        digest.update(assets[address][1])
    return HtmlDocument(html=html, assets=assets, fingerprint=digest.digest()[:16])


def _declared(faces: list[Typeface]) -> str:
    rules = "".join(
        f'@font-face {{ font-family: "{face.family}"; src: url("{FONT_ASSET}{index}"); }}'
        for index, face in enumerate(faces)
    )
    families = ", ".join(f'"{face.family}"' for face in faces)
    return f"{rules}@page {{ font-family: {families}; }}body {{ font-family: {families}; }}"
