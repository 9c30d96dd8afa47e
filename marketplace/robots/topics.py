"""What a robot may be asked to post: kinds of notifications in topics, and who may choose each.

Everybody in the group reads it there: so whoever chooses a topic holds the permission that its notifications are told by.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final

from kernel.errors import Forbidden, Invalid
from kernel.principal import Principal


@dataclass(frozen=True, slots=True)
class Topic:
    """Kinds of notifications (`marketplace.notifications.kinds`) that are chosen together."""

    name: str
    permission: str
    kinds: tuple[str, ...]


TOPICS: Final[Mapping[str, Topic]] = {
    one.name: one
    for one in (
        Topic("conversations", "leads.manage", ("conversation_written", "conversation_handed_over")),
        Topic("tickets", "leads.manage", ("ticket_opened", "ticket_written", "ticket_handed_over", "ticket_rated")),
        Topic("escalations", "leads.manage", ("ticket_breached", "refund_escalated_to_us")),
        Topic("leads", "leads.manage", ("lead_arrived", "lead_written", "card_answered", "offer_accepted")),
        Topic(
            "sales",
            "seller.orders.read",
            ("order_received", "renewal_received", "change_received", "trial_taken", "refund_asked", "run_failed"),
        ),
        Topic("approvals", "orders.approve", ("approval_asked", "payer_charge_asked")),
        Topic("purchases", "orders.read", ("order_paid", "order_active", "delivery_failed", "payment_failed")),
        Topic("help", "orders.read", ("ticket_answered", "ticket_resolved", "conversation_answered")),
    )
}
TOPIC_OF: Final[Mapping[str, str]] = {kind: one.name for one in TOPICS.values() for kind in one.kinds}
"""By kind."""


def checked_topics(names: Collection[str], principal: Principal) -> list[str]:
    """The names in order of `TOPICS`, each once.

    Raises: Invalid `robot_topic_unknown`, `robot_topics_required`; Forbidden `permission_missing` for one whose notifications
        the principal is not told.
    """
    for name in names:
        found = TOPICS.get(name)
        if found is None:
            raise Invalid("robot_topic_unknown", field="topics", name=name[:100])
        if not principal.may(found.permission):
            raise Forbidden("permission_missing", permission=found.permission)
    chosen = [name for name in TOPICS if name in names]
    if not chosen:
        raise Invalid("robot_topics_required", field="topics")
    return chosen
