"""What a visitor's rail holds: the areas their role opens, and how many things wait in each."""

from __future__ import annotations

from api.pages.frame.navigation import Area
from kernel.db.uow import UnitOfWork
from kernel.principal import PrincipalKind
from marketplace.access.authenticate import SignedIn
from marketplace.channels.queries import list_own_channels
from orders.queries import count_waiting_for_approval

VISITOR_AREAS: frozenset[Area] = frozenset({"channel"})
"""Of whoever has not signed in."""

_BUYING: tuple[tuple[str, Area], ...] = (
    ("orders.read", "buyer"),
    ("orders.approve", "approver"),
    ("invoices.read", "finance"),
)
_SELLING = ("catalog.write", "videos.write", "seller.orders.read")


def areas_of(uow: UnitOfWork, signed_in: SignedIn | None) -> frozenset[Area]:
    """The areas of the rail. A promoter is whoever has a channel and may read money, but sells nothing."""
    if signed_in is None:
        return VISITOR_AREAS
    found: set[Area] = {*VISITOR_AREAS}
    principal = signed_in.principal
    if principal.kind is PrincipalKind.OPERATOR:
        return frozenset({*found, "operator"})
    found.update(area for permission, area in _BUYING if principal.may(permission))
    if signed_in.organization.is_seller:
        if any(principal.may(permission) for permission in _SELLING):
            found.add("seller")
    elif principal.may("money.read") and list_own_channels(uow):
        found.add("promoter")
    return frozenset(found)


def badges_of(uow: UnitOfWork, signed_in: SignedIn | None) -> dict[str, int]:
    """How many purchases wait for the visitor's decision."""
    if signed_in is None or not signed_in.principal.may("orders.approve"):
        return {}
    return {"approvals": count_waiting_for_approval(uow)}
