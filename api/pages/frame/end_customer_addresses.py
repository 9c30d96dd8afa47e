"""Addresses of a dealer's end customers, and of the links by which these confirm."""

END_CUSTOMERS = "/end-customers"


def end_customer(end_customer_id: str, act: str) -> str:
    """Where one is confirmed or ended."""
    return f"{END_CUSTOMERS}/{end_customer_id}/{act}"


def link(code: str) -> str:
    """Where whoever has a link confirms it."""
    return f"/end-customer-links/{code}"
