"""Addresses of payments and of the methods that are kept for them."""

METHODS = "/payment-methods"


def method_act(method_id: str, act: str) -> str:
    """Where a form about one method posts."""
    return f"{METHODS}/{method_id}/{act}"


def confirm(payment_id: str) -> str:
    """The sandbox's own bank."""
    return f"/payments/{payment_id}/confirm"


def withdraw(payment_id: str) -> str:
    """Where a payer withdraws what waits for it."""
    return f"/payments/{payment_id}/withdraw"


_PAPERS = {
    "receipt": "payments/{}/receipt",
    "quote_pro_forma": "quotes/{}/pro-forma",
    "purchase_pro_forma": "purchases/{}/pro-forma",
    "buyer_statement": "buyer-statements/{}/pdf",
}


def paper(kind: str, subject_id: str, language: str = "") -> str:
    """The page on which a receipt or a pro-forma invoice is had drawn, in one language more than the reader's."""
    return f"/{_PAPERS[kind].format(subject_id)}{f'?language={language}' if language else ''}"


def paper_pdf(kind: str, subject_id: str, language: str) -> str:
    """Its file."""
    return f"/v1/{_PAPERS[kind].format(subject_id)}?language={language}"


UNBILLED = "/to-be-invoiced"
"""What waits for its month's invoice."""
SELLER_UNBILLED = "/seller/to-be-invoiced"
"""The same, of what a seller sold."""
AWAITED = "/seller/awaited-payments"
"""Sales that wait for their buyers' payments."""
STATEMENTS = "/statements"


def statement(statement_id: str) -> str:
    """A closed month of a buyer."""
    return f"{STATEMENTS}/of-month/{statement_id}"


def statement_check(code: str) -> str:
    """Where anybody checks a statement by its code."""
    return f"{STATEMENTS}/{code}"


def statement_data(statement_id: str) -> str:
    """Its data file."""
    return f"/v1/buyer-statements/{statement_id}/data"
