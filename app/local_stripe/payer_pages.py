"""What the local Stripe shows to payers: plain pages with a button for everything that can happen."""

from __future__ import annotations

import html
from typing import Any

CARDS = {
    "pay": ("visa", "4242", "ok"),
    "authenticate": ("mastercard", "3155", "authenticate"),
    "decline": ("visa", "0002", "declined"),
}
"""What the buttons of the page pay with: the brand, the last four digits, and what the card does whenever it is charged."""
BUTTONS = {
    "pay": "Pay by Visa 4242",
    "authenticate": "Pay by Mastercard 3155 (3-D Secure)",
    "decline": "Pay by Visa 0002 (declined)",
    "slow": "Pay by Alipay (takes its time)",
    "leave": "Go back without paying",
}
SETUP_BUTTONS = {"pay": "Save Visa 4242", "authenticate": "Save Mastercard 3155", "leave": "Go back"}


def pay_page(session: dict[str, Any], trouble: str = "") -> str:
    """Where a payer pays, or a method is kept."""
    if session["status"] != "open":
        return _shown("This page is over", f"<p>{session['status']}</p>")
    buttons = SETUP_BUTTONS if session["mode"] == "setup" else BUTTONS
    what = f"<p>{html.escape(session.get('_name') or '')} {session['amount_total'] or ''} {session['currency']}</p>"
    return _shown("Checkout", f"<p role=alert>{trouble}</p>{what}{_form(buttons)}")


def bank_page(intent: dict[str, Any]) -> str:
    """Where the payer's bank asks whether it was them."""
    return _shown("Your bank", f"<p>{intent['status']}</p>{_form({'confirm': 'Confirm', 'refuse': 'Refuse'})}")


def account_page(account: dict[str, Any]) -> str:
    """Where the owner of a connected account answers Stripe's questions."""
    due = "".join(f"<li>{html.escape(one)}</li>" for one in account["requirements"]["currently_due"])
    return _shown("Your account", f"<ul>{due}</ul>{_form({'complete': 'Answer everything', 'leave': 'Go back'})}")


def _form(buttons: dict[str, str]) -> str:
    made = "".join(f'<p><button name="action" value="{name}">{text}</button></p>' for name, text in buttons.items())
    return f'<form method="post">{made}</form>'


def _shown(title: str, body: str) -> str:
    style = '<link rel="icon" href="data:,">'
    return f'<!doctype html><html lang="en"><head>{style}<title>{title}</title></head><body><h1>{title}</h1>{body}</body></html>'
