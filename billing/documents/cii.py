"""The document as EN 16931 data in UN/CEFACT Cross Industry Invoice syntax (D16B), Factur-X profile EN 16931.

Element order is that of the schema; the BT and BG numbers in comments are the business terms of EN 16931-1.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Final

from lxml import etree

from billing.documents.lines import DocumentLine, TaxCategory, TaxSubtotal
from billing.documents.model import InvoiceDocument
from billing.documents.parties import DocumentParty, Period
from kernel.errors import Invalid
from kernel.money import PPM, exponent, to_decimal

GUIDELINE: Final = "urn:cen.eu:en16931:2017"
_NS: Final = {
    "rsm": "urn:un:unece:uncefact:data:standard:CrossIndustryInvoice:100",
    "qdt": "urn:un:unece:uncefact:data:standard:QualifiedDataType:100",
    "ram": "urn:un:unece:uncefact:data:standard:ReusableAggregateBusinessInformationEntity:100",
    "udt": "urn:un:unece:uncefact:data:standard:UnqualifiedDataType:100",
}
_INVOICE_CODE: Final = "380"  # UNTDID 1001, commercial invoice
_CREDIT_NOTE_CODE: Final = "381"  # UNTDID 1001, credit note: amounts are positive
_BANK_TRANSFER: Final = "30"  # UNTDID 4461, credit transfer
_DAY: Final = "102"  # UNTDID 2379, CCYYMMDD
_EN16931_DIGITS: Final = 2
_REASONS: Final = {
    TaxCategory.EXEMPT: ("Exempt from tax", ""),
    TaxCategory.REVERSE_CHARGE: ("Reverse charge", "VATEX-EU-AE"),
    TaxCategory.OUT_OF_SCOPE: ("Not subject to VAT", "VATEX-EU-O"),
}
_SANDBOX_NOTE: Final = "SANDBOX – not a tax document / 沙箱 · 非税务发票"
_NOT_FISCAL_NOTE: Final = "Not a tax invoice / 非税务发票"


def en16931_violation(document: InvoiceDocument) -> str | None:
    """Why EN 16931 cannot carry this document, as an error code; None when it can.

    Some rules of the standard are narrower than the law of some countries: a seller has an identifier, for VAT where it
    applies (BR-CO-26, BR-S-02 and its like); amounts have at most two digits after the point (BR-DEC-*; a Kuwaiti dinar
    has three); and the tax of a rate may differ from rate × net by less than one major unit (BR-CO-17), which a long
    invoice in a currency without minor units can exceed.
    """
    seller = document.seller
    if not seller.tax_id and (_vat_applies(document) or not seller.registration_id):
        return "en16931_seller_id_missing"
    surplus = 10 ** max(exponent(document.currency) - _EN16931_DIGITS, 0)
    amounts = [document.paid_minor, *(line.net_minor for line in document.lines)]
    amounts += [amount for group in document.breakdown for amount in (group.net_minor, group.tax_minor)]
    if any(amount % surplus for amount in amounts):
        return "en16931_amount_too_fine"
    major = 10 ** exponent(document.currency)
    if any(abs(g.tax_minor * PPM - g.net_minor * g.rate_ppm) >= major * PPM for g in document.breakdown):
        return "en16931_tax_rounding_too_wide"
    return None


def to_cii(document: InvoiceDocument) -> bytes:
    """Write the document as UTF-8 XML; the same document gives the same bytes.

    Raises:
        Invalid: `en16931_seller_id_missing`, `en16931_amount_too_fine` or `en16931_tax_rounding_too_wide` (see
            `en16931_violation`).
    """
    if departure := en16931_violation(document):
        raise Invalid(departure, number=document.number, currency=document.currency)
    root = etree.Element(f"{{{_NS['rsm']}}}CrossIndustryInvoice", nsmap=_NS)
    _add(root, "rsm:ExchangedDocumentContext/ram:GuidelineSpecifiedDocumentContextParameter/ram:ID", GUIDELINE)  # BT-24
    _header(root, document)
    transaction = _add(root, "rsm:SupplyChainTradeTransaction")
    for position, line in enumerate(document.lines, start=1):
        _line(transaction, position, line, document.currency)
    _agreement(transaction, document)
    delivery = _add(transaction, "ram:ApplicableHeaderTradeDelivery")
    _day(delivery, "ram:ActualDeliverySupplyChainEvent/ram:OccurrenceDateTime", document.supplied_on)  # BT-72
    _settlement(transaction, document)
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8", pretty_print=True)


def _add(parent: etree._Element, path: str, text: str | None = None, **attributes: str) -> etree._Element:
    """Append the elements of `path` (prefixed names, all new) below `parent` and fill the last."""
    element = parent
    for step in path.split("/"):
        prefix, name = step.split(":")
        element = etree.SubElement(element, f"{{{_NS[prefix]}}}{name}")
    element.text = text
    for key, value in attributes.items():
        element.set(key, value)
    return element


def _add_filled(parent: etree._Element, path: str, text: str, **attributes: str) -> None:
    """Append only when there is something to say: an empty element is an error in EN 16931."""
    if text:
        _add(parent, path, text, **attributes)


def _day(parent: etree._Element, path: str, day: date) -> None:
    _add(parent, f"{path}/udt:DateTimeString", f"{day:%Y%m%d}", format=_DAY)


def _period(parent: etree._Element, period: Period | None) -> None:
    if period is None:
        return
    element = _add(parent, "ram:BillingSpecifiedPeriod")
    _day(element, "ram:StartDateTime", period.first_on)
    _day(element, "ram:EndDateTime", period.last_on)


def _amount(amount_minor: int, currency: str) -> str:
    value = to_decimal(amount_minor, currency)
    # A third digit is known to be zero here (`en16931_violation`).
    digits = min(exponent(currency), _EN16931_DIGITS)
    return f"{value:.{digits}f}"


def _plain(value: Decimal) -> str:
    """A decimal without exponent or idle zeros."""
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _percent(rate_ppm: int) -> str:
    return f"{Decimal(rate_ppm).scaleb(-4):.2f}" if rate_ppm % 100 == 0 else _plain(Decimal(rate_ppm).scaleb(-4))


def _header(root: etree._Element, document: InvoiceDocument) -> None:
    element = _add(root, "rsm:ExchangedDocument")
    _add(element, "ram:ID", document.number)  # BT-1
    _add(element, "ram:TypeCode", _CREDIT_NOTE_CODE if document.is_credit_note else _INVOICE_CODE)  # BT-3
    _day(element, "ram:IssueDateTime", document.issued_on)  # BT-2
    notes = [_SANDBOX_NOTE] if document.sandbox else [] if document.is_fiscal else [_NOT_FISCAL_NOTE]
    if document.fiscal_number:
        notes.append(f"数电票号码: {document.fiscal_number}")
    if document.original:
        notes.append(document.original.reason)
    notes.append(document.remarks)
    for note in notes:
        _add_filled(element, "ram:IncludedNote/ram:Content", note)  # BT-22


def _line(transaction: etree._Element, position: int, line: DocumentLine, currency: str) -> None:
    element = _add(transaction, "ram:IncludedSupplyChainTradeLineItem")
    _add(element, "ram:AssociatedDocumentLineDocument/ram:LineID", str(position))  # BT-126
    product = _add(element, "ram:SpecifiedTradeProduct")
    _add(product, "ram:Name", line.name)  # BT-153
    _add_filled(product, "ram:Description", line.description)  # BT-154
    price = line.unit_price_minor.scaleb(-exponent(currency))
    _add(
        element,
        "ram:SpecifiedLineTradeAgreement/ram:NetPriceProductTradePrice/ram:ChargeAmount",  # BT-146
        _plain(price),
    )
    _add(
        element,
        "ram:SpecifiedLineTradeDelivery/ram:BilledQuantity",  # BT-129
        _plain(line.quantity),
        unitCode=line.unit_code,
    )
    settlement = _add(element, "ram:SpecifiedLineTradeSettlement")
    tax = _add(settlement, "ram:ApplicableTradeTax")
    _add(tax, "ram:TypeCode", "VAT")
    _add(tax, "ram:CategoryCode", line.tax_category.value)  # BT-151
    if line.tax_category is not TaxCategory.OUT_OF_SCOPE:  # BR-O-05
        _add(tax, "ram:RateApplicablePercent", _percent(line.tax_rate_ppm))  # BT-152
    _period(settlement, line.period)  # BG-26
    _add(
        settlement,
        "ram:SpecifiedTradeSettlementLineMonetarySummation/ram:LineTotalAmount",  # BT-131
        _amount(line.net_minor, currency),
    )


def _agreement(transaction: etree._Element, document: InvoiceDocument) -> None:
    element = _add(transaction, "ram:ApplicableHeaderTradeAgreement")
    # BT-31 and BT-48 must be absent where VAT does not apply (BR-O-02).
    vat_applies = _vat_applies(document)
    _party(_add(element, "ram:SellerTradeParty"), document.seller, sells=True, vat_applies=vat_applies)  # BG-4
    _party(_add(element, "ram:BuyerTradeParty"), document.buyer, sells=False, vat_applies=vat_applies)  # BG-7
    _add_filled(element, "ram:SellerOrderReferencedDocument/ram:IssuerAssignedID", document.order_ref)  # BT-14
    _add_filled(element, "ram:BuyerOrderReferencedDocument/ram:IssuerAssignedID", document.purchase_order)  # BT-13


def _vat_applies(document: InvoiceDocument) -> bool:
    # A document is outside the scope of VAT as a whole or not at all.
    return document.lines[0].tax_category is not TaxCategory.OUT_OF_SCOPE


def _party(element: etree._Element, party: DocumentParty, *, sells: bool, vat_applies: bool) -> None:
    _add(element, "ram:Name", party.legal_name)  # BT-27, BT-44
    states_vat = party.has_vat_id and vat_applies
    registered_as = party.registration_id or ("" if states_vat else party.tax_id)
    _add_filled(element, "ram:SpecifiedLegalOrganization/ram:ID", registered_as)  # BT-30, BT-47
    address = _add(element, "ram:PostalTradeAddress")
    _add_filled(address, "ram:PostcodeCode", party.postcode)
    lines = [*party.address_lines[:2], " ".join(party.address_lines[2:])]
    for name, line in zip(("LineOne", "LineTwo", "LineThree"), lines, strict=False):
        _add_filled(address, f"ram:{name}", line)
    _add_filled(address, "ram:CityName", party.city)
    _add(address, "ram:CountryID", party.country)  # BT-40, BT-55
    _add_filled(element, "ram:URIUniversalCommunication/ram:URIID", party.email, schemeID="EM")  # BT-34, BT-49
    if states_vat:
        _add(element, "ram:SpecifiedTaxRegistration/ram:ID", party.tax_id, schemeID="VA")  # BT-31, BT-48
    elif sells and vat_applies:
        _add_filled(element, "ram:SpecifiedTaxRegistration/ram:ID", party.tax_id, schemeID="FC")  # BT-32


def _settlement(transaction: etree._Element, document: InvoiceDocument) -> None:
    currency = document.currency
    element = _add(transaction, "ram:ApplicableHeaderTradeSettlement")
    _add_filled(element, "ram:PaymentReference", document.payment_ref)  # BT-83
    _add(element, "ram:InvoiceCurrencyCode", currency)  # BT-5
    if document.seller.bank_account:
        means = _add(element, "ram:SpecifiedTradeSettlementPaymentMeans")
        _add(means, "ram:TypeCode", _BANK_TRANSFER)  # BT-81
        _add(
            means,
            "ram:PayeePartyCreditorFinancialAccount/ram:ProprietaryID",  # BT-84
            document.seller.bank_account,
        )
    for subtotal in document.breakdown:
        _tax(element, subtotal, currency)
    _period(element, document.period)  # BG-14
    _terms(element, document)
    _totals(element, document)
    if document.original:
        reference = _add(element, "ram:InvoiceReferencedDocument")
        _add(reference, "ram:IssuerAssignedID", document.original.number)  # BT-25
        issued = f"{document.original.issued_on:%Y%m%d}"
        _add(reference, "ram:FormattedIssueDateTime/qdt:DateTimeString", issued, format=_DAY)  # BT-26
    _add_filled(element, "ram:ReceivableSpecifiedTradeAccountingAccount/ram:ID", document.cost_centre)  # BT-19


def _tax(settlement: etree._Element, subtotal: TaxSubtotal, currency: str) -> None:
    reason, code = _REASONS.get(subtotal.category, ("", ""))
    element = _add(settlement, "ram:ApplicableTradeTax")
    _add(element, "ram:CalculatedAmount", _amount(subtotal.tax_minor, currency))  # BT-117
    _add(element, "ram:TypeCode", "VAT")
    if reason:
        _add(element, "ram:ExemptionReason", subtotal.reason or reason)  # BT-120
    _add(element, "ram:BasisAmount", _amount(subtotal.net_minor, currency))  # BT-116
    _add(element, "ram:CategoryCode", subtotal.category.value)  # BT-118
    _add_filled(element, "ram:ExemptionReasonCode", code)  # BT-121
    if subtotal.category is not TaxCategory.OUT_OF_SCOPE:
        _add(element, "ram:RateApplicablePercent", _percent(subtotal.rate_ppm))  # BT-119


def _terms(settlement: etree._Element, document: InvoiceDocument) -> None:
    """Terms or a due date are obligatory while something is due (BR-CO-25)."""
    words = document.payment_terms or ("As agreed" if document.due_minor and not document.due_on else "")
    if not words and not document.due_on:
        return
    element = _add(settlement, "ram:SpecifiedTradePaymentTerms")
    _add_filled(element, "ram:Description", words)  # BT-20
    if document.due_on:
        _day(element, "ram:DueDateDateTime", document.due_on)  # BT-9


def _totals(settlement: etree._Element, document: InvoiceDocument) -> None:
    currency = document.currency
    element = _add(settlement, "ram:SpecifiedTradeSettlementHeaderMonetarySummation")
    _add(element, "ram:LineTotalAmount", _amount(document.net_minor, currency))  # BT-106
    _add(element, "ram:TaxBasisTotalAmount", _amount(document.net_minor, currency))  # BT-109
    _add(element, "ram:TaxTotalAmount", _amount(document.tax_minor, currency), currencyID=currency)  # BT-110
    _add(element, "ram:GrandTotalAmount", _amount(document.gross_minor, currency))  # BT-112
    if document.paid_minor:
        _add(element, "ram:TotalPrepaidAmount", _amount(document.paid_minor, currency))  # BT-113
    _add(element, "ram:DuePayableAmount", _amount(document.due_minor, currency))  # BT-115
