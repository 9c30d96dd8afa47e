"""Roles and what each may do. The only table of it; the edge asks for permissions, never for roles.

Roles belong to a membership: the same person may be an owner here and a viewer there.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Final

READS = frozenset(
    {"orders.read", "invoices.read", "money.read", "seller.orders.read", "trace.read", "entitlements.read"}
)
WRITES = frozenset(
    {
        "catalog.write",
        "videos.write",
        "orders.buy",
        "orders.approve",
        "runs.replay",
        "connectors.write",
        "members.manage",
        "billing.manage",
        "seats.assign",
        "keys.manage",
        "leads.manage",
        "webhooks.manage",
        "offers.approve",
    }
)
EVERYTHING = READS | WRITES
OPERATOR = frozenset(
    {
        "operator.read",
        "operator.payouts",
        "operator.jobs",
        "operator.clock",
        "operator.reviews",
        "trace.read",
    }
)

ROLES: dict[str, frozenset[str]] = {
    "owner": EVERYTHING,
    "admin": EVERYTHING,
    "catalog": frozenset({"catalog.write", "videos.write", "leads.manage", "seller.orders.read", "trace.read"}),
    "purchaser": frozenset({"orders.buy", "orders.read", "invoices.read", "entitlements.read", "trace.read"}),
    "approver": frozenset({"orders.approve", "orders.read", "entitlements.read", "trace.read"}),
    "finance": frozenset({"orders.read", "invoices.read", "money.read", "billing.manage", "trace.read"}),
    "developer": frozenset(
        {
            "runs.replay",
            "connectors.write",
            "webhooks.manage",
            "keys.manage",
            "seller.orders.read",
            "orders.read",
            "entitlements.read",
            "trace.read",
        }
    ),
    "viewer": READS,
}
"""Role → permissions. Nobody grants a role that holds what they do not hold themselves."""

OPERATOR_ROLE: Final = "operator"
"""The role of the platform's own staff, in the platform's own organization only."""


def permissions_of(roles: Iterable[str]) -> frozenset[str]:
    """What a membership with these roles may do; unknown roles give nothing."""
    held: frozenset[str] = frozenset()
    for role in roles:
        held |= ROLES.get(role, frozenset())
    return held


def holds(roles: Collection[str], permission: str) -> bool:
    """Whether a membership with these roles holds the permission, the platform's own staff included."""
    return permission in permissions_of(roles) or (OPERATOR_ROLE in roles and permission in OPERATOR)


def roles_with(permissions: Collection[str]) -> list[str]:
    """The roles of which each holds one of the permissions at least."""
    return [role for role in (*ROLES, OPERATOR_ROLE) if any(holds((role,), one) for one in permissions)]
