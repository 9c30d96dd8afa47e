"""Addresses of agreements by which one organization pays for what another orders."""

from datetime import date

PAYERS = "/payers"


def agreement(agreement_id: str, act: str) -> str:
    """Where one is accepted, ended, or given other limits."""
    return f"{PAYERS}/{agreement_id}/{act}"


CHARGES = "/payers/charges"
EXPORT = "/v1/payer-months/export"


def document(charge_id: str, invoice_id: str) -> str:
    """Where the PDF is of an invoice or credit note of what was paid for another."""
    return f"/v1/payer-charges/{charge_id}/documents/{invoice_id}/pdf"


def month_documents(month: date, org_id: str) -> str:
    """Where all invoices are of what was paid for another in a month, as one file."""
    return f"/v1/payer-months/{month:%Y-%m}/documents?org_id={org_id}"


def charge(charge_id: str, act: str) -> str:
    """Where what is to be paid for another is approved or declined."""
    return f"{CHARGES}/{charge_id}/{act}"
