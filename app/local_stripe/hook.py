"""Where the local Stripe posts its events, and how."""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass
from typing import Any

import httpx

from app.local_stripe.shapes import signed_event
from kernel import clock


@dataclass(frozen=True)
class Hook:
    """Where events are sent, and what goes wrong with them on the way."""

    address: str
    secret: str
    copies: int = 1
    delay_s: float = 0.0
    reversed: bool = False
    """Of several about one thing, the last is sent first."""
    livemode: bool = False


def send_events(hook: Hook, news: list[dict[str, Any]]) -> None:
    """Post what happened, as the hook says. Blocks as long as that takes."""
    time.sleep(hook.delay_s)
    with httpx.Client(timeout=20, trust_env=False) as client:
        for one in reversed(news) if hook.reversed else news:
            at = int(clock.wall_now().timestamp())
            event = {**one, "id": f"evt_{secrets.token_hex(8)}", "livemode": hook.livemode}
            body, headers = signed_event(hook.secret, at, one["data"]["object"], **event)
            for _ in range(hook.copies):
                try:
                    client.post(hook.address, content=body, headers={**headers, "Content-Type": "application/json"})
                except httpx.HTTPError:
                    # A market that is gone: Stripe would try again for days.
                    continue
