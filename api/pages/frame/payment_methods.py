"""The ways to pay that a page offers. A method is named `gateway:token`; the token is the gateway's own."""

from __future__ import annotations

from collections.abc import Mapping

from api.pages.frame.choices import Choice
from api.pages.frame.site import PageRequest
from api.pages.frame.translations import translations
from billing.bank.gateway import TOKEN as TRANSFER
from billing.bank.models import BANK_TRANSFER
from billing.gateways.sandbox import NAME as SANDBOX
from kernel.errors import Invalid

SANDBOX_TOKENS = ("sbx_ok", "sbx_delayed", "sbx_requires_action", "sbx_insufficient", "sbx_declined")
"""Offered on pages; docs/sandbox.md lists them all."""


def methods(page_request: PageRequest, gateways: Mapping[str, object]) -> tuple[Choice, ...]:
    """What the visitor may choose among. The sandbox gateway says of itself what will happen."""
    found: list[Choice] = []
    if SANDBOX in gateways:
        found += [Choice(f"{SANDBOX}:{token}", page_request.t(f"pay_with.{token}")) for token in SANDBOX_TOKENS]
    if BANK_TRANSFER in gateways:
        found.append(Choice(f"{BANK_TRANSFER}:{TRANSFER}", page_request.t(f"pay_with.{TRANSFER}")))
    return tuple(found)


def method_in_words(page_request: PageRequest, gateway: str, token: str) -> str:
    """A stored method as the visitor would choose it; of one that pages do not offer, its gateway's name."""
    if gateway == SANDBOX and token in SANDBOX_TOKENS:
        return page_request.t(f"pay_with.{token}")
    return translations(page_request.language).word("gateway", gateway)


def parse_method(chosen: str) -> tuple[str, str]:
    """Gateway and token of a chosen method. Raises Invalid(`validation_failed`)."""
    gateway, _, token = chosen.partition(":")
    if not gateway or not token:
        raise Invalid("validation_failed", field="payment_method_id")
    return gateway, token
