"""The trace: from any id, the whole chain in both directions, each link with time and state, gaps marked.

A principal sees its own side: every read is filtered by organization and passes row level security. A buyer never sees
commission or shares, a seller never the buyer's members, a promoter its own share and the video that earned it.
"""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

from kernel.db.uow import UnitOfWork
from orders.tracing import collect
from orders.tracing.course_nodes import course_nodes
from orders.tracing.model import RANK, Gap, Node, Trace
from orders.tracing.paper_nodes import awaited_nodes, paper_nodes
from orders.tracing.resolve import resolve

BEGINNING = datetime(1, 1, 1, tzinfo=UTC)
BEGUN = frozenset({"fulfilling", "active", "completed", "delivery_failed", "refunded"})
"""States of an order whose delivery has begun."""
DELIVERED = frozenset({"active", "completed"})


def trace(uow: UnitOfWork, any_id: UUID) -> Trace:
    """Everything recorded around `any_id` that the principal may see. Raises: NotFound."""
    anchor = resolve(uow, any_id)
    order_ids = list(anchor.order_ids)
    nodes = {node.id: node for node in collect.agreement(uow, order_ids)}
    lines = [node.id for node in nodes.values() if node.kind == "order_line"]
    later = [
        *collect.payment_nodes(uow, order_ids),
        *paper_nodes(uow, order_ids),
        *awaited_nodes(uow, order_ids),
        *collect.delivery(uow, lines),
        *collect.payout_nodes(uow, order_ids),
    ]
    videos = [UUID(node.facts["promoted_video"]) for node in later if node.facts.get("promoted_video")]
    if anchor.kind == "video":
        videos.append(any_id)
    taught = course_nodes(uow, [node.id for node in later if node.kind == "entitlement"])
    for node in (*later, *taught, *collect.origin(uow, lines, videos)):
        nodes[node.id] = node
    for node in collect.books(uow, list(nodes)):
        nodes[node.id] = node
    ordered = sorted(nodes.values(), key=lambda node: (RANK[node.kind], node.at or BEGINNING, node.id))
    return Trace(anchor.kind, any_id, tuple(ordered), tuple(find_gaps(ordered)))


def find_gaps(nodes: list[Node]) -> list[Gap]:
    """Links that ought to be there for what this principal may see. Pure."""
    followers: dict[UUID, set[str]] = {}
    for node in nodes:
        for before in node.after:
            followers.setdefault(before, set()).add(node.kind)
    kinds = {node.kind for node in nodes}
    # Who sees any share sees all shares of a sale; a buyer sees none, and none is missing for it.
    seller_side = "share" in kinds
    gaps: list[Gap] = []
    orders = {node.id: node for node in nodes if node.kind == "order"}
    for node in nodes:
        has = followers.get(node.id, set())
        if node.kind == "purchase" and node.state == "paid" and node.facts["gross"]["amount"]:
            gaps += [] if "payment" in has else [Gap(node.id, "payment")]
        if node.kind == "order" and node.state in DELIVERED and node.facts["gross"]["amount"]:
            gaps += [] if has & {"invoice", "unbilled_order"} else [Gap(node.id, "invoice")]
        if node.kind == "unbilled_order" and node.state == "invoiced":
            gaps += [] if "invoice" in has else [Gap(node.id, "invoice")]
        if node.kind == "order" and node.state == "refunded" and node.facts["gross"]["amount"]:
            gaps += [] if "refund" in has else [Gap(node.id, "refund")]
        if node.kind == "order_line":
            gaps += _line_gaps(node, has, orders, seller_side=seller_side)
        if node.kind == "statement" and node.state == "paid" and node.facts["net"]["amount"] > 0:
            gaps += [] if "payout" in has else [Gap(node.id, "payout")]
    return gaps


def _line_gaps(line: Node, has: set[str], orders: dict[UUID, Node], *, seller_side: bool) -> list[Gap]:
    order = next((orders[before] for before in line.after if before in orders), None)
    if order is None or order.state not in BEGUN:
        return []
    # What a subscription is paid for later is given by what it began with.
    wanted = [] if order.facts["subscription_id"] else ["entitlement"]
    if line.facts["gross"]["amount"]:
        wanted.append("charge")
        if seller_side:
            wanted.append("share")
    return [Gap(line.id, kind) for kind in wanted if kind not in has]
