"""The document as EN 16931 data in UN/CEFACT Cross Industry Invoice syntax (D16B), Factur-X profile EN 16931.

Element order is that of the schema; the BT and BG numbers in comments are the business terms of EN 16931-1.
"""

from __future__ import annotations

from datetime import date
from typing import Final

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

_NS: Final = {
    "rsm": "urn:un:unece:uncefact:data:standard:CrossIndustryInvoice:100",
    "qdt": "urn:un:unece:uncefact:data:standard:QualifiedDataType:100",
    "ram": "urn:un:unece:uncefact:data:standard:ReusableAggregateBusinessInformationEntity:100",
    "udt": "urn:un:unece:uncefact:data:standard:UnqualifiedDataType:100",
}
_DAY: Final = "102"  # UNTDID 2379, CCYYMMDD


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


def _header(root: etree._Element, document: InvoiceDocument) -> None:
    element = _add(root, "rsm:ExchangedDocument")
    _add(element, "ram:ID", document.number)  # BT-1
    _add(element, "ram:TypeCode", CREDIT_NOTE_CODE if document.is_credit_note else INVOICE_CODE)  # BT-3
    _day(element, "ram:IssueDateTime", document.issued_on)  # BT-2
    for note in notes_of(document):
        _add(element, "ram:IncludedNote/ram:Content", note)  # BT-22


def _line(transaction: etree._Element, position: int, line: DocumentLine, currency: str) -> None:
    element = _add(transaction, "ram:IncludedSupplyChainTradeLineItem")
    within = _add(element, "ram:AssociatedDocumentLineDocument")
    _add(within, "ram:LineID", str(position))  # BT-126
    _add_filled(within, "ram:IncludedNote/ram:Content", line.order_details)  # BT-127
    product = _add(element, "ram:SpecifiedTradeProduct")
    _add(product, "ram:Name", line.name)  # BT-153
    _add_filled(product, "ram:Description", line.description)  # BT-154
    price = line.unit_price_minor.scaleb(-exponent(currency))
    _add(
        element,
        "ram:SpecifiedLineTradeAgreement/ram:NetPriceProductTradePrice/ram:ChargeAmount",  # BT-146
        decimal_text(price),
    )
    _add(
        element,
        "ram:SpecifiedLineTradeDelivery/ram:BilledQuantity",  # BT-129
        decimal_text(line.quantity),
        unitCode=line.unit_code,
    )
    settlement = _add(element, "ram:SpecifiedLineTradeSettlement")
    tax = _add(settlement, "ram:ApplicableTradeTax")
    _add(tax, "ram:TypeCode", "VAT")
    _add(tax, "ram:CategoryCode", line.tax_category.value)  # BT-151
    if line.tax_category is not TaxCategory.OUT_OF_SCOPE:  # BR-O-05
        _add(tax, "ram:RateApplicablePercent", percent_text(line.tax_rate_ppm))  # BT-152
    _period(settlement, line.period)  # BG-26
    _add(
        settlement,
        "ram:SpecifiedTradeSettlementLineMonetarySummation/ram:LineTotalAmount",  # BT-131
        amount_text(line.net_minor, currency),
    )
    if line.order_ref:
        invoiced = _add(settlement, "ram:AdditionalReferencedDocument")
        _add(invoiced, "ram:IssuerAssignedID", line.order_ref)  # BT-128
        _add(invoiced, "ram:TypeCode", INVOICED_OBJECT)


def _agreement(transaction: etree._Element, document: InvoiceDocument) -> None:
    element = _add(transaction, "ram:ApplicableHeaderTradeAgreement")
    # BT-31 and BT-48 must be absent where VAT does not apply (BR-O-02).
    in_scope = vat_applies(document)
    _party(_add(element, "ram:SellerTradeParty"), document.seller, sells=True, vat_applies=in_scope)  # BG-4
    _party(_add(element, "ram:BuyerTradeParty"), document.buyer, sells=False, vat_applies=in_scope)  # BG-7
    _add_filled(element, "ram:SellerOrderReferencedDocument/ram:IssuerAssignedID", document.order_ref)  # BT-14
    _add_filled(element, "ram:BuyerOrderReferencedDocument/ram:IssuerAssignedID", document.purchase_order)  # BT-13


def _party(element: etree._Element, party: DocumentParty, *, sells: bool, vat_applies: bool) -> None:
    _add(element, "ram:Name", party.legal_name)  # BT-27, BT-44
    states_vat = party.has_vat_id and vat_applies
    registered_as = party.registration_id or ("" if states_vat else party.tax_id)
    _add_filled(element, "ram:SpecifiedLegalOrganization/ram:ID", registered_as)  # BT-30, BT-47
    address = _add(element, "ram:PostalTradeAddress")
    _add_filled(address, "ram:PostcodeCode", party.postcode)  # BT-38, BT-53
    lines = [*party.address_lines[:2], " ".join(party.address_lines[2:])]
    for name, line in zip(("LineOne", "LineTwo", "LineThree"), lines, strict=False):
        _add_filled(address, f"ram:{name}", line)  # BT-35, BT-36, BT-162; BT-50, BT-51, BT-163
    _add_filled(address, "ram:CityName", party.city)  # BT-37, BT-52
    _add(address, "ram:CountryID", party.country)  # BT-40, BT-55
    _add_filled(address, "ram:CountrySubDivisionName", party.subdivision)  # BT-39, BT-54
    _add_filled(element, "ram:URIUniversalCommunication/ram:URIID", party.email, schemeID="EM")  # BT-34, BT-49
    if states_vat:
        _add(element, "ram:SpecifiedTaxRegistration/ram:ID", party.tax_id, schemeID="VA")  # BT-31, BT-48
    elif sells and vat_applies:
        _add_filled(element, "ram:SpecifiedTaxRegistration/ram:ID", party.tax_id, schemeID="FC")  # BT-32


def _settlement(transaction: etree._Element, document: InvoiceDocument) -> None:
    currency = document.currency
    element = _add(transaction, "ram:ApplicableHeaderTradeSettlement")
    _add_filled(element, "ram:PaymentReference", document.payment_ref)  # BT-83
    if document.accounting_tax:
        _add(element, "ram:TaxCurrencyCode", document.accounting_tax.currency)  # BT-6
    _add(element, "ram:InvoiceCurrencyCode", currency)  # BT-5
    if document.seller.bank_account:
        means = _add(element, "ram:SpecifiedTradeSettlementPaymentMeans")
        _add(means, "ram:TypeCode", BANK_TRANSFER)  # BT-81
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
    reason, code = exemption_of(subtotal)
    element = _add(settlement, "ram:ApplicableTradeTax")
    _add(element, "ram:CalculatedAmount", amount_text(subtotal.tax_minor, currency))  # BT-117
    _add(element, "ram:TypeCode", "VAT")
    if reason:
        _add(element, "ram:ExemptionReason", reason)  # BT-120
    _add(element, "ram:BasisAmount", amount_text(subtotal.net_minor, currency))  # BT-116
    _add(element, "ram:CategoryCode", subtotal.category.value)  # BT-118
    _add_filled(element, "ram:ExemptionReasonCode", code)  # BT-121
    if subtotal.category is not TaxCategory.OUT_OF_SCOPE:
        _add(element, "ram:RateApplicablePercent", percent_text(subtotal.rate_ppm))  # BT-119


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
    _add(element, "ram:LineTotalAmount", amount_text(document.net_minor, currency))  # BT-106
    _add(element, "ram:TaxBasisTotalAmount", amount_text(document.net_minor, currency))  # BT-109
    _add(element, "ram:TaxTotalAmount", amount_text(document.tax_minor, currency), currencyID=currency)  # BT-110
    if said := document.accounting_tax:
        in_it = amount_text(said.tax_minor, said.currency)
        _add(element, "ram:TaxTotalAmount", in_it, currencyID=said.currency)  # BT-111
    _add(element, "ram:GrandTotalAmount", amount_text(document.gross_minor, currency))  # BT-112
    if document.paid_minor:
        _add(element, "ram:TotalPrepaidAmount", amount_text(document.paid_minor, currency))  # BT-113
    _add(element, "ram:DuePayableAmount", amount_text(document.due_minor, currency))  # BT-115
