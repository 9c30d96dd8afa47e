"""Addresses of money that is asked back after the window, for each of the three sides."""

CASES = "/refund-cases"
SELLER_CASES = "/seller/refund-cases"
OPERATOR_CASES = "/operator/refund-cases"
OPERATOR_HELD = "/operator/held-refunds"
_LISTS = {"buyer": CASES, "seller": SELLER_CASES, "operator": OPERATOR_CASES}


def ask(order_id: str) -> str:
    """The form by which a buyer asks for an order's money back."""
    return f"/orders/{order_id}/refund-case"


def case(side: str, case_id: str, act: str = "") -> str:
    """One of them as a side sees it, or (`act`) where a form about it posts."""
    return f"{_LISTS[side]}/{case_id}{'/' if act else ''}{act}"


def evidence(side: str, case_id: str, evidence_id: str) -> str:
    """A document that one of the sides shows, as it was uploaded."""
    return f"/v1{_LISTS[side]}/{case_id}/evidence/{evidence_id}"


def withdraw(refund_id: str) -> str:
    """Where a buyer lets a refund be that waits for a red tax invoice."""
    return f"/held-refunds/{refund_id}/withdraw"


def release(refund_id: str) -> str:
    """Where an operator lets its money go before that."""
    return f"{OPERATOR_HELD}/{refund_id}/release"
