"""Balance transactions of Stripe as entries, see https://docs.stripe.com/api/balance_transactions/object for their fields."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from billing.gateways.balance import BalanceEntry, BalancePage, EntryKind, HeldMoney
from billing.gateways.stripe_amounts import from_stripe
from billing.gateways.stripe_calls import call
from billing.gateways.stripe_checkout import ATTEMPT
from kernel.money import Money

PAGE: Final = 100
OVERLAP_S: Final = 3_600
"""How far a reading goes back behind the newest entry of the last one: what was made late is read all the same."""
_KINDS: Final[Mapping[str, EntryKind]] = {
    "charge": "payment",
    "payment": "payment",
    "payment_failure_refund": "payment_returned",
    "payment_reversal": "payment_returned",
    "refund": "refund",
    "payment_refund": "refund",
    "refund_failure": "refund_returned",
    "transfer": "transfer",
    "transfer_refund": "transfer_returned",
    "transfer_cancel": "transfer_returned",
    "transfer_failure": "transfer_returned",
    "payout": "bank",
    "payout_cancel": "bank",
    "payout_failure": "bank",
    "topup": "bank",
    "topup_reversal": "bank",
    "stripe_fee": "cost",
    "stripe_fx_fee": "cost",
    "tax_fee": "cost",
    "network_cost": "cost",
}
"""https://docs.stripe.com/reports/balance-transaction-types. Every other is a person's to understand."""


class StripeBalance:
    """Reads the balance transactions of the account, the newest first, each with what it is about.

    `resume` is `floor:after:newest`: the reading under way tells of what was made from `floor` on and has come to the entry
    `after`; `newest` is the time of the newest one in it, in seconds.
    """

    def __init__(self, api: Any) -> None:
        self._api = api

    def list_entries(self, resume: str) -> BalancePage:
        """See `GatewayBalance.list_entries`."""
        floor, after, newest = [*resume.split(":"), "", "", ""][:3]
        params: dict[str, Any] = {"limit": PAGE, "expand": ["data.source"]}
        if floor:
            params["created"] = {"gte": int(floor)}
        if after:
            params["starting_after"] = after
        found = call(lambda: self._api.balance_transactions.list(params=params))
        rows = list(found.data)
        seen = max([int(row.created) for row in rows] + [int(newest or floor or 0)])
        entries = tuple(_entry(row) for row in rows)
        if found.has_more and rows:
            return BalancePage(entries, f"{floor}:{rows[-1].id}:{seen}", has_more=True)
        return BalancePage(entries, f"{max(seen - OVERLAP_S, 0)}::", has_more=False)

    def held(self) -> tuple[HeldMoney, ...]:
        """See `GatewayBalance.held`."""
        said = call(self._api.balance.retrieve)
        held: dict[str, list[int]] = {}
        for place, name in enumerate(("available", "pending")):
            for one in getattr(said, name, None) or []:
                money = from_stripe(int(one.amount), str(one.currency))
                held.setdefault(money.currency, [0, 0])[place] += money.amount_minor
        return tuple(HeldMoney(currency, *minor) for currency, minor in sorted(held.items()))


def _entry(row: Any) -> BalanceEntry:
    amount = from_stripe(int(row.amount), str(row.currency))
    source = row.source if not isinstance(row.source, str) and row.source is not None else None
    about = str(getattr(source, "object", "") or "")
    rate = getattr(row, "exchange_rate", None)
    metadata = _metadata(source)
    return BalanceEntry(
        reference=str(row.id),
        kind=_kind(str(row.type), about, amount.amount_minor),
        reported_as=str(row.type),
        amount=amount,
        fee_minor=from_stripe(int(row.fee), str(row.currency)).amount_minor,
        made_at=datetime.fromtimestamp(int(row.created), UTC),
        subject=_subject(row, source, about),
        payment_reference=str(getattr(source, "payment_intent", None) or ""),
        presented=_presented(source, amount),
        exchange_rate=str(rate) if rate is not None else None,
        attempt=metadata.get(ATTEMPT),
        metadata=metadata,
    )


def _kind(reported: str, about: str, minor: int) -> EntryKind:
    """A dispute moves the balance by adjustments: out when it is opened, back when it is won."""
    if about == "dispute":
        return "dispute" if minor < 0 else "dispute_returned"
    return _KINDS.get(reported, "other")


def _subject(row: Any, source: Any, about: str) -> str:
    if about == "charge":
        return str(getattr(source, "payment_intent", None) or "")
    if about == "transfer_reversal":
        return str(source.transfer)
    return str(getattr(source, "id", None) or row.source or "")


def _presented(source: Any, amount: Money) -> Money | None:
    """What the operation was over in its own currency, with the sign of the entry; None where it has no amount."""
    minor, currency = getattr(source, "amount", None), getattr(source, "currency", None)
    if minor is None or currency is None:
        return None
    money = from_stripe(abs(int(minor)), str(currency))
    return money if amount.amount_minor >= 0 else Money(-money.amount_minor, money.currency)


def _metadata(source: Any) -> dict[str, str]:
    said = getattr(source, "metadata", None)
    if said is None:
        return {}
    plain = said if isinstance(said, Mapping) else said.to_dict()
    return {str(name): str(value) for name, value in plain.items()}
