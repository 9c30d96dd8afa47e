"""A 数电票 as the data file that is booked (财会〔2024〕11号), by the tax administration's `EInvoice`, version 0.32.

The administration signs its own files; one that a sandbox numbered is tagged as such and signed by nobody.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Final
from zoneinfo import ZoneInfo

from lxml import etree

from billing.documents.chinese_capitals import chinese_capitals
from billing.documents.en16931 import decimal_text
from billing.documents.fapiao import FapiaoDocument, class_code
from billing.documents.lines import DocumentLine, TaxCategory
from billing.documents.parties import DocumentParty
from kernel.money import to_decimal

VERSION: Final = "0.32"
_TAG: Final = "SWEI3200"
_SANDBOX_TAG: Final = "SANDBOX"
_SANDBOX_NOTE: Final = "沙箱号码，非税务发票 SANDBOX number, not a tax document"
CHINA: Final = ZoneInfo("Asia/Shanghai")
_SPECIAL: Final = ("01", "增值税专用发票")
_ORDINARY: Final = ("02", "普通发票")
_UNTAXED: Final = {TaxCategory.EXEMPT: "免税", TaxCategory.ZERO: "0", TaxCategory.OUT_OF_SCOPE: "不征税"}


def to_fapiao_xml(document: FapiaoDocument) -> bytes:
    """Write the document as UTF-8 XML; the same document gives the same bytes."""
    root = etree.Element("EInvoice")
    _header(root, document)
    data = etree.SubElement(root, "EInvoiceData")
    _party(data, "Seller", document.seller)
    _party(data, "Buyer", document.buyer)
    _basic(data, document)
    for line in document.lines:
        _line(data, line, document.sign)
    if document.red:
        red = etree.SubElement(etree.SubElement(data, "SpecificInformation"), "RedEInvoice")
        _put(red, "OriginalInvoiceCode", document.red.original_number)
        _put(red, "CreditNoteNumber", document.red.confirmation_number)
    remarks = "\n".join(part for part in (_SANDBOX_NOTE if document.sandbox else "", document.full_remarks) if part)
    _put(etree.SubElement(data, "AdditionalInformation"), "Remark", remarks)
    supervision = etree.SubElement(root, "TaxSupervisionInfo")
    _put(supervision, "InvoiceNumber", document.number)
    _put(supervision, "IssueTime", _instant(document))
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8", pretty_print=True)


def _put(parent: etree._Element, name: str, text: str) -> None:
    if text:
        etree.SubElement(parent, name).text = text


def _label(parent: etree._Element, name: str, code: str, words: str) -> None:
    element = etree.SubElement(parent, name)
    _put(element, "LabelCode", code)
    _put(element, "LabelName", words)


def _header(root: etree._Element, document: FapiaoDocument) -> None:
    header = etree.SubElement(root, "Header")
    _put(header, "EIid", document.number)
    _put(header, "EInvoiceTag", _SANDBOX_TAG if document.sandbox else _TAG)
    _put(header, "Version", VERSION)
    inherent = etree.SubElement(header, "InherentLabel")
    _label(inherent, "InIssuType", *(("N", "红字发票") if document.red else ("Y", "蓝字发票")))
    _label(inherent, "EInvoiceType", "01", "数电发票")
    _label(inherent, "GeneralOrSpecialVAT", *(_SPECIAL if document.special else _ORDINARY))


def _party(data: etree._Element, side: str, party: DocumentParty) -> None:
    element = etree.SubElement(data, f"{side}Information")
    for name, text in (
        ("IdNum", party.tax_id),
        ("Name", party.legal_name),
        ("Addr", party.address),
        ("TelNum", party.phone),
        ("BankName", party.bank_name),
        ("BankAccNum", party.bank_account),
    ):
        _put(element, f"{side}{name}", text)


def _basic(data: etree._Element, document: FapiaoDocument) -> None:
    element = etree.SubElement(data, "BasicInformation")
    _put(element, "TotalAmWithoutTax", _yuan(document.sign * document.net_minor))
    _put(element, "TotalTaxAm", _yuan(document.sign * document.tax_minor))
    _put(element, "TotalTax-includedAmount", _yuan(document.sign * document.gross_minor))
    _put(element, "TotalTax-includedAmountInChinese", chinese_capitals(document.sign * document.gross_minor))
    _put(element, "Drawer", document.drawer)
    _put(element, "RequestTime", _instant(document))


def _line(data: etree._Element, line: DocumentLine, sign: int) -> None:
    element = etree.SubElement(data, "IssuItemInformation")
    _put(element, "ItemName", line.name)
    _put(element, "MeaUnits", line.unit)
    _put(element, "Quantity", decimal_text(sign * line.quantity))
    _put(element, "UnPrice", decimal_text(line.unit_price_minor.scaleb(-2)))
    _put(element, "Amount", _yuan(sign * line.net_minor))
    _put(element, "TaxRate", _UNTAXED.get(line.tax_category) or decimal_text(Decimal(line.tax_rate_ppm).scaleb(-6)))
    _put(element, "ComTaxAm", _yuan(sign * line.tax_minor))
    _put(element, "TotaltaxIncludedAmount", _yuan(sign * line.gross_minor))
    _put(element, "TaxClassificationCode", class_code(line))


def _yuan(amount_minor: int) -> str:
    return f"{to_decimal(amount_minor, 'CNY'):.2f}"


def _instant(document: FapiaoDocument) -> str:
    return f"{document.issued_at.astimezone(CHINA):%Y-%m-%d %H:%M:%S}"
