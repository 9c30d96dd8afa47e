"""Exactly-once delivery as the seller's own log saw it (see docs/protocols/webhook.md).

Asked only when the address of a seller's log is given: `GET /log` of the sample seller answers every effect that a call
of ours had there.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

import httpx

from app.verify.rule import Comparison, Example, Outside

TIMEOUT_S = 30.0


def _not_as_delivered(rows: Sequence[Example], outside: Outside) -> Iterator[Example]:
    if not outside.seller_logs:
        return
    created: Counter[str] = Counter()
    ended: Counter[str] = Counter()
    tenants: dict[str, set[str]] = {}
    for address in outside.seller_logs:
        for effect in _effects(address):
            entitlement_id = str(effect["entitlement_id"])
            if effect["kind"] == "instance_created":
                created[entitlement_id] += 1
                tenants.setdefault(entitlement_id, set()).add(str(effect["tenant_id"]))
            elif effect["kind"] == "instance_ended":
                ended[entitlement_id] += 1
    ours = {str(row["entitlement_id"]): row for row in rows}
    for entitlement_id, row in ours.items():
        made, gone = created[entitlement_id], ended[entitlement_id]
        fault = _fault(row, made, gone, tenants.get(entitlement_id, set()))
        if fault is not None:
            yield {**row, "fault": fault, "created": made, "ended": gone}
    for entitlement_id in created.keys() - ours.keys():
        yield {"entitlement_id": entitlement_id, "fault": "unknown_here", "created": created[entitlement_id]}


def _fault(row: Example, made: int, gone: int, tenants: set[str]) -> str | None:
    if made > 1:
        return "provisioned_twice"
    if row["state"] in {"active", "suspended"}:
        if made - gone != 1:
            return "not_provisioned" if made == 0 else "taken_down"
        return None if row["external_id"] in tenants else "other_tenant"
    if row["state"] == "ended" and made > gone and not row["under_way"]:
        return "not_taken_down"
    return None


def _effects(address: str) -> list[Example]:
    answer = httpx.get(f"{address.rstrip('/')}/log", timeout=TIMEOUT_S, follow_redirects=False, trust_env=False)
    answer.raise_for_status()
    effects: list[Example] = answer.json()["effects"]
    return effects


DELIVERED = Comparison(
    "delivery.seller_log",
    "卖方自己的日志表明：每项权益恰好开通一次，终止后已停用（仅在指定 --seller-log 时检查）。",
    "By the seller's own log every entitlement was provisioned exactly once and taken down when it ended "
    "(asked with --seller-log only).",
    """
    SELECT e.id AS entitlement_id, e.state, e.external_id, EXISTS (
        SELECT 1 FROM fulfillment.run r
        WHERE r.entitlement_id = e.id AND r.state IN ('queued', 'calling', 'waiting')) AS under_way
    FROM fulfillment.entitlement e JOIN fulfillment.connector c ON c.id = e.connector_id
    WHERE c.kind = 'webhook'
    """,
    _not_as_delivered,
)

COMPARISONS = (DELIVERED,)
