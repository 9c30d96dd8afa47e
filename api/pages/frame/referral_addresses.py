"""Addresses of referrals: an organization's own page, and the link that it sends on."""

REFERRALS = "/referrals"


def referral_link(code: str) -> str:
    """What whoever is brought opens."""
    return f"/referral-links/{code}"
