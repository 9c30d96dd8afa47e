"""Addresses of the platform's books and their reconciliation."""

BOOKS = "/operator/books"
PERIODS = "/operator/books/periods"
ACCOUNTS = "/operator/books/accounts"
ACCOUNT_CODES = "/operator/books/account-codes"
EXPORT = "/v1/operator/ledger/export"
DEFERRED = "/operator/deferred-revenue"
SELLER_DEFERRED = "/seller/deferred-revenue"
RECONCILIATION = "/operator/reconciliation"
RECONCILE = "/operator/reconciliation/run"


def account(account_id: object) -> str:
    """An account with its postings."""
    return f"{ACCOUNTS}/{account_id}"


def transaction(transaction_id: object) -> str:
    """A fact with all its sides."""
    return f"/operator/books/transactions/{transaction_id}"


def reopening(period_id: object) -> str:
    """Where a closed month is opened again."""
    return f"{PERIODS}/{period_id}/reopening"


def difference(difference_id: object, act: str) -> str:
    """Where a difference is taken on, or decided about."""
    return f"{RECONCILIATION}/{difference_id}/{act}"
