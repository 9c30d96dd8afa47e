"""Addresses of agreements by which one organization pays for what another orders."""

PAYERS = "/payers"


def agreement(agreement_id: str, act: str) -> str:
    """Where one is accepted, ended, or given other limits."""
    return f"{PAYERS}/{agreement_id}/{act}"
