"""Addresses of payment by bank transfer: the payer's page, and the operators' desk."""

BANK = "/operator/bank"
WORKLIST = "/v1/operator/bank/worklist"


def transfer(payment_id: object) -> str:
    """What a payer is to send."""
    return f"/payments/{payment_id}/transfer"


def withdraw(payment_id: object) -> str:
    """Where it posts that no transfer will be made."""
    return f"{transfer(payment_id)}/withdraw"


def transfer_pdf(payment_id: object, locale: str) -> str:
    """The request for payment as PDF."""
    return f"/v1{transfer(payment_id)}/pdf?locale={locale}"


def account(account_id: object, act: str = "") -> str:
    """Where an account is changed; ``act``: where its statements are imported."""
    return f"{BANK}/accounts/{account_id}" + (f"/{act}" if act else "")


def line(line_id: object, act: str = "") -> str:
    """A line of a statement; ``act``: where what is said of it posts."""
    return f"{BANK}/lines/{line_id}" + (f"/{act}" if act else "")


def outgoing(outgoing_id: object) -> str:
    """Where it posts what became of money to be sent."""
    return f"{BANK}/outgoing/{outgoing_id}"


def returned(return_id: object) -> str:
    """Where it posts that a return above the limit is approved, or withdrawn."""
    return f"{BANK}/returns/{return_id}"
