"""Addresses of what the papers of a sale can be had as besides their files, and of Chinese e-invoices (数电票)."""


def invoice_ubl(invoice_id: str) -> str:
    """The invoice as EN 16931 XML in UBL."""
    return f"/v1/invoices/{invoice_id}/ubl"
