"""Addresses of the operator's desk; pages find them among all others in `addresses.py`."""

from api.pages.frame import bank_addresses, on_account_addresses

bank, on_account = bank_addresses, on_account_addresses
OPERATOR_REPORTS = "/operator/reports"
OPERATOR_SELLERS = "/operator/sellers"
BALANCES = "/operator/gateway-balances"
READ_BALANCE = f"{BALANCES}/read"
RATES = "/operator/reference-rates"
IMPORT_RATES = f"{RATES}/import"


def gateway_account(gateway: str, act: str = "") -> str:
    """Where a party opens its account at a gateway, and goes on there."""
    return f"/seller/start/gateway-account/{gateway}{act}"


def operator_report(report_id: object) -> str:
    """Where the platform decides about what was reported."""
    return f"{OPERATOR_REPORTS}/{report_id}"


def operator_seller(proof_id: str) -> str:
    """A seller's document, and the decision on it."""
    return f"{OPERATOR_SELLERS}/{proof_id}"


def operator_payout_account(account_id: str) -> str:
    """Where an account's whole number is asked for."""
    return f"/operator/payout-accounts/{account_id}"


def operator_document(proof_id: str) -> str:
    """A seller's legal document as it was uploaded."""
    return f"/v1/operator/legal-proofs/{proof_id}/file"


def operator_replay(job_id: str) -> str:
    """Where the form that gives a dead job another life posts."""
    return f"/operator/jobs/{job_id}/replay"


def operator_review(listing_id: str) -> str:
    """Where the decision on a listing posts."""
    return f"/operator/reviews/{listing_id}"


def operator_listing(listing_id: str, act: str) -> str:
    """Where a listing is taken off sale, and put back."""
    return f"/operator/listings/{listing_id}/{act}"


def operator_incident(incident_id: str, act: str) -> str:
    """Where an incident is closed, or its refund that came back is sent again."""
    return f"/operator/incidents/{incident_id}/{act}"


def operator_webhook(webhook_id: str, act: str) -> str:
    """Where a webhook that was put aside is closed, or the gateway asked once more about it."""
    return f"/operator/webhooks/{webhook_id}/{act}"


def operator_pay(statement_id: str) -> str:
    """Where paying a statement posts."""
    return f"/operator/statements/{statement_id}/pay"
