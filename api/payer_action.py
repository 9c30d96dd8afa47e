"""What a payer has to do before its payment goes on: where it is sent, and how the answer says it."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlsplit

OWN = "/payments/"
"""Under which path the market's own pages of a payment are: the sandbox is its own bank."""


def absolute_action(next_action: Mapping[str, str] | None, public_url: str) -> Mapping[str, str] | None:
    """A payment's `next_action` for somebody elsewhere: an address of our own is made whole."""
    if not next_action or not next_action.get("url", "").startswith(OWN):
        return next_action or None
    return {**next_action, "url": public_url + next_action["url"]}


def payer_address(next_action: Mapping[str, str] | None) -> str | None:
    """Where the payer can be sent: an https address of the gateway's, or our own page. None where there is neither."""
    address = (next_action or {}).get("url", "")
    if not address.isascii() or not address.isprintable() or any(sign in address for sign in ' \\"<>'):
        return None
    parts = urlsplit(address)
    if address.startswith(OWN) and not parts.netloc:
        return address
    # A gateway on this machine is one that a developer has started; production's is reached by https alone.
    is_safe = parts.scheme == "https" or (parts.scheme == "http" and parts.hostname == "127.0.0.1")
    return address if is_safe and parts.hostname and parts.username is None else None
