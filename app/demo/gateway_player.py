"""What the demo's people do at a gateway: the cards they hold, the page on which they pay, the account they are paid to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Literal

import httpx

from app.demo.demo_client import DemoClient
from app.demo.outcome import StepFailed

DemoGateway = Literal["sandbox", "stripe"]


class GatewayPlayer:
    """The sandbox's part: cards are words, nobody is led anywhere, and an operator may name any account."""

    gateway: DemoGateway = "sandbox"
    good_card = "sbx_ok"
    bad_card = "sbx_declined"
    first_card = "sbx_ok"
    """By which the first purchase is paid."""

    def pay(self, address: str) -> None:
        """Pay on the page to which a payment leads."""

    def join(self, party: DemoClient, currency: str) -> None:
        """Choose where the party is paid in a currency."""

    def payout(self, statement_id: str) -> dict[str, str]:
        """What the operator asks for, to have a statement paid."""
        return {"statement_id": statement_id, "gateway": "sandbox", "destination": "sandbox account 0210"}


class StripePlayer(GatewayPlayer):
    """Stripe's part, on this machine: cards of its test mode, its page for the first payment (the renewal then has its card), its
    accounts for parties.
    """

    gateway: DemoGateway = "stripe"
    good_card = "pm_card_visa"
    bad_card = "pm_card_chargeDeclined"
    first_card = "checkout_kept"

    def pay(self, address: str) -> None:
        """Pay there. Who does not come back has paid all the same."""
        _press(address, "pay")

    def join(self, party: DemoClient, currency: str) -> None:
        """Open an account, answer what the gateway asks on its page, and choose it."""
        link = party.post("/v1/gateway-accounts", {"gateway": "stripe"})
        _press(link["url"], "complete")
        account = party.post("/v1/gateway-accounts/ask", {"gateway": "stripe"})
        if not account["is_payable"]:
            raise StepFailed("the account cannot be paid", account)
        party.post("/v1/payout-accounts/gateway", {"currency": currency, "gateway": "stripe"}, expect=201)

    def payout(self, statement_id: str) -> dict[str, str]:
        """The account that its party chose says where."""
        return {"statement_id": statement_id}


def _press(address: str, action: str) -> str:
    """Press a button of the gateway's page; answers where it leads."""
    answer: Any = httpx.post(address, data={"action": action}, timeout=20, trust_env=False)
    if answer.status_code != 303:
        raise StepFailed(f"the gateway's page answered {answer.status_code}", {"address": address})
    return str(answer.headers["Location"])


PLAYERS: Final[Mapping[DemoGateway, GatewayPlayer]] = {"sandbox": GatewayPlayer(), "stripe": StripePlayer()}
