"""What the sandbox gateway makes of its tokens; each is described in `docs/sandbox.md`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from billing.gateways.ports import GatewayStatus

_DELAY: Final = timedelta(seconds=2)
_LONGEST_DELAY_S: Final = 86_400


@dataclass(frozen=True, slots=True)
class Script:
    """What a token makes happen."""

    status: GatewayStatus
    error_code: str | None = None
    becomes: GatewayStatus | None = None
    after: timedelta | None = None
    answer_lost: bool = False
    """The operation is done, and the caller never hears of it."""


OK: Final = Script(GatewayStatus.SUCCEEDED)
_LATER: Final = Script(GatewayStatus.PENDING, becomes=GatewayStatus.SUCCEEDED, after=_DELAY)
_AND_THEN: Final = Script(GatewayStatus.SUCCEEDED, after=_DELAY)
_LOST: Final = Script(GatewayStatus.SUCCEEDED, answer_lost=True)

_PAYMENT_SCRIPTS: Final[Mapping[str, Script]] = {
    "sbx_ok": OK,
    "sbx_declined": Script(GatewayStatus.FAILED, "card_declined"),
    "sbx_insufficient": Script(GatewayStatus.FAILED, "insufficient_funds"),
    "sbx_requires_action": Script(GatewayStatus.REQUIRES_ACTION),
    "sbx_delayed": _LATER,
    "sbx_delayed_fail": Script(GatewayStatus.PENDING, "card_declined", becomes=GatewayStatus.FAILED, after=_DELAY),
    "sbx_timeout": _LOST,
    "sbx_refund_fails": OK,
    "sbx_refund_delayed": OK,
    "sbx_refund_timeout": OK,
    "sbx_refund_returned": OK,
    "sbx_refund_returned_once": OK,
    "sbx_reversed": Script(GatewayStatus.SUCCEEDED, "payment_reversed", becomes=GatewayStatus.FAILED, after=_DELAY),
    "sbx_refunded_by_hand": _AND_THEN,
    "sbx_disputed": _AND_THEN,
    "sbx_disputed_part": _AND_THEN,
    "sbx_disputed_won": _AND_THEN,
    "sbx_disputed_lost": _AND_THEN,
}
"""Besides these: `sbx_delayed_<seconds>`; `sbx_request_lost` and `sbx_unreachable`, which never get into the books."""

REFUND_SCRIPTS: Final[Mapping[str, Script]] = {
    "sbx_refund_fails": Script(GatewayStatus.FAILED, "refund_rejected"),
    "sbx_refund_delayed": _LATER,
    "sbx_refund_timeout": _LOST,
    "sbx_refund_returned": Script(
        GatewayStatus.SUCCEEDED, "account_closed", becomes=GatewayStatus.FAILED, after=_DELAY
    ),
}
ONCE: Final[Mapping[str, str]] = {"sbx_refund_returned_once": "sbx_refund_returned"}
"""Tokens by which only the first refund of a payment goes as another token says."""
DISPUTE_SCRIPTS: Final[Mapping[str, Script]] = {
    "sbx_disputed": Script(GatewayStatus.PENDING, "fraudulent"),
    "sbx_disputed_part": Script(GatewayStatus.PENDING, "product_unacceptable"),
    "sbx_disputed_won": Script(GatewayStatus.PENDING, "fraudulent", becomes=GatewayStatus.SUCCEEDED, after=_DELAY),
    "sbx_disputed_lost": Script(GatewayStatus.PENDING, "fraudulent", becomes=GatewayStatus.FAILED, after=_DELAY),
}
PAYOUT_SCRIPTS: Final[Mapping[str, Script]] = {
    "sbx_acct_closed": Script(GatewayStatus.FAILED, "account_closed"),
    "sbx_acct_delayed": _LATER,
    "sbx_acct_timeout": _LOST,
    "sbx_acct_returned": Script(GatewayStatus.SUCCEEDED, "account_closed", becomes=GatewayStatus.FAILED, after=_DELAY),
}


def payment_script(token: str) -> Script | None:
    """What a payment's method token makes happen; None for one that is no token."""
    if token == "sbx_request_lost":  # noqa: S105 - a documented test token
        return OK
    delayed = re.fullmatch(r"sbx_delayed_(\d{1,5})", token)
    if delayed:
        after = timedelta(seconds=min(int(delayed[1]), _LONGEST_DELAY_S))
        return Script(GatewayStatus.PENDING, becomes=GatewayStatus.SUCCEEDED, after=after)
    return _PAYMENT_SCRIPTS.get(token)


def disputed_minor(token: str, amount_minor: int) -> int:
    """How much of a payment its payer disputes: of some all, of `sbx_disputed_part` half, rounded down, but something."""
    return max(1, amount_minor // 2) if token == "sbx_disputed_part" else amount_minor  # noqa: S105 - a documented token
