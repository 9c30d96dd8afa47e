"""Where a payer may be sent: to an https address of its gateway's, or to a page of ours, and nowhere else."""

import pytest

from api.payer_action import absolute_action, payer_address

BANK = "https://hooks.stripe.com/3d_secure_2/hosted?merchant=acct_1&t=%2Fx"


HERE = "http://127.0.0.1:4242/pay/cs_1"
"""A gateway that a developer has started beside the market."""


@pytest.mark.parametrize("address", [BANK, HERE, "/payments/019aa5f0-5c00-7000-8000-000000000001/confirm"])
def test_the_banks_page_and_our_own_are_led_to(address: str) -> None:
    assert payer_address({"kind": "redirect", "url": address}) == address


@pytest.mark.parametrize(
    "address",
    [
        "",
        "http://bank.example/x",
        "http://127.0.0.1.evil.example/x",
        "http://us@127.0.0.1/x",
        "javascript:alert(1)",
        "//evil.example/payments/1",
        "/orders",
        "/\\evil.example",
        "https://",
        "https://us@evil.example/",
        "https://bank.example/\r\nSet-Cookie: a=b",
        "https://bank.example/ü",
        "data:text/html,x",
    ],
)
def test_nothing_else_is(address: str) -> None:
    assert payer_address({"kind": "redirect", "url": address}) is None


@pytest.mark.parametrize("action", [None, {}, {"kind": "use_stripe_sdk", "client_secret": "pi_1_secret_2"}])
def test_an_action_without_an_address_leads_nowhere(action: dict[str, str] | None) -> None:
    assert payer_address(action) is None


def test_an_address_of_ours_is_made_whole_for_others() -> None:
    ours = absolute_action({"kind": "redirect", "url": "/payments/1/confirm"}, "https://market.example")
    assert ours == {"kind": "redirect", "url": "https://market.example/payments/1/confirm"}
    theirs = {"kind": "redirect", "url": BANK}
    assert absolute_action(theirs, "https://market.example") == theirs
    assert absolute_action({}, "https://market.example") is None
