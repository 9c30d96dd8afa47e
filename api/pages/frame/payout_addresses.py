"""Addresses of payouts: a party's own settings, and the operator's batches and reports of banks."""

PAYOUT_SETTINGS = "/payouts/settings"
PAYOUT_GATEWAY = "/payouts/settings/gateway-account"
BATCHES = "/operator/payout-batches"
REPORTS = "/operator/payout-reports"
TAX = "/payouts/tax"
PAYEE_TAX = "/operator/payee-tax"


def batch(batch_id: object, act: str = "") -> str:
    """A batch of payouts by bank, or (`act`) where a form about it posts."""
    return f"{BATCHES}/{batch_id}{'/' if act else ''}{act}"


def batch_file(batch_id: object) -> str:
    """The file of a batch for the bank."""
    return f"/v1/operator/payout-batches/{batch_id}/file"


def report(report_id: object) -> str:
    """A file that a bank gave, with its lines."""
    return f"{REPORTS}/{report_id}"


def confirm_holder(account_id: object) -> str:
    """Where an account of another name is taken for its party's own."""
    return f"/operator/payout-accounts/{account_id}/confirm-holder"


def statement_xlsx(statement_id: str) -> str:
    """A closed statement with its lines as a workbook."""
    return f"/v1/statements/{statement_id}/xlsx"


def tax_year(year: int, kind: str = "") -> str:
    """A payee's own year: the page, or (`kind`: csv, xlsx) a table of it."""
    return f"/v1/tax-year/{kind}?year={year}" if kind else f"{TAX}?year={year}"


def payee_years(year: int, kind: str = "") -> str:
    """The years of all payees: the list, or a table of them."""
    return f"/v1/operator/tax-years/{kind}?year={year}" if kind else f"{PAYEE_TAX}?year={year}"


def payee_year(org_id: object, year: int) -> str:
    """One payee's year, as the platform reads it; where its identifier is asked for, too."""
    return f"{PAYEE_TAX}/{org_id}?year={year}"
