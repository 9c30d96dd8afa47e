"""The document as EN 16931 data in UBL 2.1 syntax: for Peppol (BIS Billing 3.0) where it can be sent through it.

Element order is that of the schema; the BT and BG numbers in comments are the business terms of EN 16931-1. Source of the
narrower rules: OpenPEPPOL, BIS Billing 3.0 (`PEPPOL-EN16931-R…`).
"""

from __future__ import annotations

from typing import Any, Final

from lxml import etree

from billing.documents.en16931 import (
    BANK_TRANSFER,
    CREDIT_NOTE_CODE,
    GUIDELINE,
    INVOICE_CODE,
    INVOICED_OBJECT,
    amount_text,
    decimal_text,
    en16931_violation,
    exemption_of,
    notes_of,
    percent_text,
    vat_applies,
)
from billing.documents.lines import DocumentLine, TaxCategory, TaxSubtotal
from billing.documents.model import InvoiceDocument
from billing.documents.parties import DocumentParty, Period
from kernel.errors import Invalid
from kernel.money import exponent

CUSTOMIZATION: Final = "urn:cen.eu:en16931:2017#compliant#urn:fdc:peppol.eu:2017:poacc:billing:3.0"
PROFILE: Final = "urn:fdc:peppol.eu:2017:poacc:billing:01:1.0"
_COMPONENTS: Final = {
    "cac": "urn:oasis:names:specification:ubl:schema:xsd:CommonAggregateComponents-2",
    "cbc": "urn:oasis:names:specification:ubl:schema:xsd:CommonBasicComponents-2",
}
_ROOTS: Final = "urn:oasis:names:specification:ubl:schema:xsd:{0}-2"
_VAT_SCHEMES: Final = {
    "AT": "9914", "BE": "9925", "BG": "9926", "CY": "9928", "CZ": "9929", "DE": "9930", "EE": "9931", "ES": "9920",
    "FI": "0213", "FR": "9957", "GR": "9933", "HR": "9934", "HU": "9910", "IE": "9935", "IT": "0211", "LT": "9937",
    "LU": "9938", "LV": "9939", "MC": "9940", "MT": "9943", "NL": "9944", "PL": "9945", "PT": "9946", "RO": "9947",
    "SE": "9955", "SI": "9949", "SK": "9950",
}  # fmt: skip
"""CEF's electronic address schemes (EAS) whose identifier is the VAT number of a country."""
_MAIL_SCHEME: Final = "EM"
_OTHER_RULES: Final = frozenset(["DK", "GR", "IT", "NL", "SE"])
"""Whose sellers have rules of their own in BIS 3 that are not kept here: registers, marks and payment means of the country."""


def is_peppol(document: InvoiceDocument) -> bool:
    """Whether the document can be sent through Peppol; else its UBL is plain EN 16931, for any other way.

    Both sides need an electronic address (R010, R020) of a scheme that Peppol lists (CL008), which an e-mail address is
    not. Sellers in some countries have rules of their own besides; they are kept for Germany (DE-R), and a sale that others
    apply to claims nothing.
    """
    seller, buyer = document.seller, document.buyer
    if not (_peppol_address(seller) and _peppol_address(buyer)) or seller.country in _OTHER_RULES:
        return False
    return seller.country != "DE" or bool(seller.phone and seller.email and seller.city and seller.postcode)


def to_ubl(document: InvoiceDocument) -> bytes:
    """Write the document as UTF-8 XML; the same document gives the same bytes.

    Raises:
        Invalid: what `en16931_violation` names.
    """
    if violation := en16931_violation(document):
        raise Invalid(violation, number=document.number, currency=document.currency)
    name = "CreditNote" if document.is_credit_note else "Invoice"
    names: dict[Any, str] = {None: _ROOTS.format(name), **_COMPONENTS}
    root = etree.Element(f"{{{names[None]}}}{name}", nsmap=names)
    _header(root, document, name)
    in_scope = vat_applies(document)
    _party(
        _add(root, "cac:AccountingSupplierParty/cac:Party"), document.seller, sells=True, vat_applies=in_scope
    )  # BG-4
    _party(
        _add(root, "cac:AccountingCustomerParty/cac:Party"), document.buyer, sells=False, vat_applies=in_scope
    )  # BG-7
    _add(root, "cac:Delivery/cbc:ActualDeliveryDate", document.supplied_on.isoformat())  # BT-72
    _payment(root, document)
    _taxes(root, document)
    _totals(root, document)
    for position, line in enumerate(document.lines, start=1):
        _line(root, name, position, line, document.currency)
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8", pretty_print=True)


def _add(parent: etree._Element, path: str, text: str | None = None, **attributes: str) -> etree._Element:
    """Append the elements of `path` (prefixed names, all new) below `parent` and fill the last."""
    element = parent
    for step in path.split("/"):
        prefix, name = step.split(":")
        element = etree.SubElement(element, f"{{{_COMPONENTS[prefix]}}}{name}")
    element.text = text
    for key, value in attributes.items():
        element.set(key, value)
    return element


def _add_filled(parent: etree._Element, path: str, text: str, **attributes: str) -> None:
    if text:
        _add(parent, path, text, **attributes)


def _money(parent: etree._Element, path: str, amount_minor: int, currency: str) -> None:
    _add(parent, path, amount_text(amount_minor, currency), currencyID=currency)


def _header(root: etree._Element, document: InvoiceDocument, name: str) -> None:
    peppol = is_peppol(document)
    _add(root, "cbc:CustomizationID", CUSTOMIZATION if peppol else GUIDELINE)  # BT-24
    _add_filled(root, "cbc:ProfileID", PROFILE if peppol else "")  # BT-23
    _add(root, "cbc:ID", document.number)  # BT-1
    _add(root, "cbc:IssueDate", document.issued_on.isoformat())  # BT-2
    if document.due_on and not document.is_credit_note:
        _add(root, "cbc:DueDate", document.due_on.isoformat())  # BT-9
    _add(root, f"cbc:{name}TypeCode", CREDIT_NOTE_CODE if document.is_credit_note else INVOICE_CODE)  # BT-3
    _add_filled(root, "cbc:Note", " · ".join(notes_of(document)))  # BT-22, one at most (R002)
    _add(root, "cbc:DocumentCurrencyCode", document.currency)  # BT-5
    if document.accounting_tax:
        _add(root, "cbc:TaxCurrencyCode", document.accounting_tax.currency)  # BT-6
    _add_filled(root, "cbc:AccountingCost", document.cost_centre)  # BT-19
    # This or the buyer's order number has to be there (R003), in Germany this (DE-R-015).
    _add(root, "cbc:BuyerReference", document.purchase_order or document.order_ref or document.number)  # BT-10
    _period(root, document.period)  # BG-14
    if document.purchase_order:
        order = _add(root, "cac:OrderReference")
        _add(order, "cbc:ID", document.purchase_order)  # BT-13
        _add_filled(order, "cbc:SalesOrderID", document.order_ref)  # BT-14
    if document.original:
        reference = _add(root, "cac:BillingReference/cac:InvoiceDocumentReference")
        _add(reference, "cbc:ID", document.original.number)  # BT-25
        _add(reference, "cbc:IssueDate", document.original.issued_on.isoformat())  # BT-26


def _period(parent: etree._Element, period: Period | None) -> None:
    if period is not None:
        element = _add(parent, "cac:InvoicePeriod")
        _add(element, "cbc:StartDate", period.first_on.isoformat())
        _add(element, "cbc:EndDate", period.last_on.isoformat())


def _peppol_address(party: DocumentParty) -> str:
    return party.tax_id if party.has_vat_id and party.country in _VAT_SCHEMES else ""


def _party(element: etree._Element, party: DocumentParty, *, sells: bool, vat_applies: bool) -> None:
    if address := _peppol_address(party):
        _add(element, "cbc:EndpointID", address, schemeID=_VAT_SCHEMES[party.country])  # BT-34, BT-49
    else:
        _add_filled(element, "cbc:EndpointID", party.email, schemeID=_MAIL_SCHEME)
    _postal_address(_add(element, "cac:PostalAddress"), party)  # BG-5, BG-8
    states_vat = party.has_vat_id and vat_applies
    if states_vat or (sells and vat_applies and party.tax_id):
        tax = _add(element, "cac:PartyTaxScheme")
        _add(tax, "cbc:CompanyID", party.tax_id)  # BT-31, BT-48; BT-32
        _add(tax, "cac:TaxScheme/cbc:ID", "VAT" if states_vat else "TAX")
    legal = _add(element, "cac:PartyLegalEntity")
    _add(legal, "cbc:RegistrationName", party.legal_name)  # BT-27, BT-44
    _add_filled(legal, "cbc:CompanyID", party.registration_id or ("" if states_vat else party.tax_id))  # BT-30, BT-47
    if party.phone or party.email:
        contact = _add(element, "cac:Contact")
        _add(contact, "cbc:Name", party.legal_name)  # BT-41, BT-56
        _add_filled(contact, "cbc:Telephone", party.phone)  # BT-42, BT-57
        _add_filled(contact, "cbc:ElectronicMail", party.email)  # BT-43, BT-58


def _postal_address(element: etree._Element, party: DocumentParty) -> None:
    lines = [*party.address_lines[:2], " ".join(party.address_lines[2:])]
    for name, line in zip(("StreetName", "AdditionalStreetName"), lines, strict=False):
        _add_filled(element, f"cbc:{name}", line)  # BT-35, BT-36
    _add_filled(element, "cbc:CityName", party.city)  # BT-37, BT-52
    _add_filled(element, "cbc:PostalZone", party.postcode)  # BT-38, BT-53
    _add_filled(element, "cbc:CountrySubentity", party.subdivision)  # BT-39, BT-54
    if len(party.address_lines) > 2:
        _add(element, "cac:AddressLine/cbc:Line", lines[-1])  # BT-162, BT-163
    _add(element, "cac:Country/cbc:IdentificationCode", party.country)  # BT-40, BT-55


def _payment(root: etree._Element, document: InvoiceDocument) -> None:
    if document.seller.bank_account:
        means = _add(root, "cac:PaymentMeans")
        _add(means, "cbc:PaymentMeansCode", BANK_TRANSFER)  # BT-81
        if document.due_on and document.is_credit_note:
            _add(means, "cbc:PaymentDueDate", document.due_on.isoformat())  # BT-9
        _add_filled(means, "cbc:PaymentID", document.payment_ref)  # BT-83
        _add(means, "cac:PayeeFinancialAccount/cbc:ID", document.seller.bank_account)  # BT-84
    # Terms or a due date are obligatory while something is due (BR-CO-25).
    words = document.payment_terms or ("As agreed" if document.due_minor and not document.due_on else "")
    _add_filled(root, "cac:PaymentTerms/cbc:Note", words)  # BT-20


def _taxes(root: etree._Element, document: InvoiceDocument) -> None:
    element = _add(root, "cac:TaxTotal")
    _money(element, "cbc:TaxAmount", document.tax_minor, document.currency)  # BT-110
    for subtotal in document.breakdown:
        _subtotal(_add(element, "cac:TaxSubtotal"), subtotal, document.currency)  # BG-23
    if said := document.accounting_tax:
        _money(_add(root, "cac:TaxTotal"), "cbc:TaxAmount", said.tax_minor, said.currency)  # BT-111


def _subtotal(element: etree._Element, subtotal: TaxSubtotal, currency: str) -> None:
    _money(element, "cbc:TaxableAmount", subtotal.net_minor, currency)  # BT-116
    _money(element, "cbc:TaxAmount", subtotal.tax_minor, currency)  # BT-117
    category = _category(element, "cac:TaxCategory", subtotal.category, subtotal.rate_ppm)  # BT-118, BT-119
    reason, code = exemption_of(subtotal)
    _add_filled(category, "cbc:TaxExemptionReasonCode", code)  # BT-121
    _add_filled(category, "cbc:TaxExemptionReason", reason)  # BT-120
    _add(category, "cac:TaxScheme/cbc:ID", "VAT")


def _category(parent: etree._Element, path: str, category: TaxCategory, rate_ppm: int) -> etree._Element:
    element = _add(parent, path)
    _add(element, "cbc:ID", category.value)
    if category is not TaxCategory.OUT_OF_SCOPE:  # BR-O-05
        _add(element, "cbc:Percent", percent_text(rate_ppm))
    return element


def _totals(root: etree._Element, document: InvoiceDocument) -> None:
    currency = document.currency
    element = _add(root, "cac:LegalMonetaryTotal")
    _money(element, "cbc:LineExtensionAmount", document.net_minor, currency)  # BT-106
    _money(element, "cbc:TaxExclusiveAmount", document.net_minor, currency)  # BT-109
    _money(element, "cbc:TaxInclusiveAmount", document.gross_minor, currency)  # BT-112
    if document.paid_minor:
        _money(element, "cbc:PrepaidAmount", document.paid_minor, currency)  # BT-113
    _money(element, "cbc:PayableAmount", document.due_minor, currency)  # BT-115


def _line(root: etree._Element, name: str, position: int, line: DocumentLine, currency: str) -> None:
    element = _add(root, f"cac:{name}Line")
    _add(element, "cbc:ID", str(position))  # BT-126
    _add_filled(element, "cbc:Note", line.order_details)  # BT-127
    quantity = "CreditedQuantity" if name == "CreditNote" else "InvoicedQuantity"
    _add(element, f"cbc:{quantity}", decimal_text(line.quantity), unitCode=line.unit_code)  # BT-129, BT-130
    _money(element, "cbc:LineExtensionAmount", line.net_minor, currency)  # BT-131
    _period(element, line.period)  # BG-26
    if line.order_ref:
        invoiced = _add(element, "cac:DocumentReference")
        _add(invoiced, "cbc:ID", line.order_ref)  # BT-128
        _add(invoiced, "cbc:DocumentTypeCode", INVOICED_OBJECT)
    item = _add(element, "cac:Item")
    _add_filled(item, "cbc:Description", line.description)  # BT-154
    _add(item, "cbc:Name", line.name)  # BT-153
    category = _category(item, "cac:ClassifiedTaxCategory", line.tax_category, line.tax_rate_ppm)  # BT-151, BT-152
    _add(category, "cac:TaxScheme/cbc:ID", "VAT")
    price = line.unit_price_minor.scaleb(-exponent(currency))
    _add(element, "cac:Price/cbc:PriceAmount", decimal_text(price), currencyID=currency)  # BT-146
