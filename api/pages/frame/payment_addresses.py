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
