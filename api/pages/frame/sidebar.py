"""What a visitor's rail holds: the areas their role opens, and how many things wait in each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from api.pages.frame.navigation import Area
from kernel.db.uow import UnitOfWork
from kernel.principal import PrincipalKind
from marketplace.access.authenticate import SignedIn
from marketplace.channels.queries import list_own_channels
from orders.waiting import count_waiting

VISITOR_AREAS: frozenset[Area] = frozenset({"channel"})
"""Of whoever has not signed in."""

_BUYING: tuple[tuple[str, Area], ...] = (
    ("orders.read", "buyer"),
    ("orders.buy", "partners"),
    ("orders.approve", "approver"),
    ("billing.manage", "approver"),
    ("entitlements.read", "member"),
    ("invoices.read", "finance"),
)
_OWNING: tuple[tuple[str, Area], ...] = (
    ("members.manage", "members"),
    ("members.manage", "verification"),
    ("members.manage", "own_sign_in"),
    ("billing.manage", "billing"),
    ("webhooks.manage", "webhooks"),
)
_SELLING: tuple[tuple[str, Area], ...] = (
    ("videos.write", "films"),
    ("seller.orders.read", "sales"),
    ("leads.manage", "leads"),
    ("catalog.write", "coupons"),
    ("catalog.write", "own_halls"),
    ("money.read", "earnings"),
)
STARTING = ("members.manage", "billing.manage", "connectors.write", "videos.write", "catalog.write")
"""Whoever holds one of these has something to do for a seller's start."""
_PROMOTING: tuple[tuple[str, Area], ...] = (("videos.write", "channel_films"), ("money.read", "promoter"))
_ISSUING: tuple[tuple[str, Area], ...] = (("money.read", "issuing"),)
"""Of the platform's own people who are no operators: what it sells itself has documents, which are theirs to look after."""
_NOT_YET_SELLING: tuple[tuple[str, Area], ...] = (("members.manage", "become_seller"), ("videos.write", "own_channel"))
_OPERATING: tuple[tuple[str, Area], ...] = (
    ("operator.read", "operator"),
    ("operator.payouts", "payout_desk"),
    ("operator.reviews", "seller_reviews"),
    ("operator.reviews", "tax_id_disputes"),
    ("operator.reviews", "email_domains"),
    ("operator.reviews", "reviewer"),
    ("operator.reviews", "own_halls"),
    ("trace.read", "tracer"),
)


@dataclass(frozen=True, slots=True)
class Sidebar:
    """A visitor's rail."""

    areas: frozenset[Area]
    badges: Mapping[str, int]
    """How many purchases wait for the visitor's decision, and how many notifications and conversations to be read."""


NO_SIDEBAR = Sidebar(VISITOR_AREAS, {})


def sidebar_of(uow: UnitOfWork, signed_in: SignedIn | None) -> Sidebar:
    """What the rail of this visitor holds, read in one statement; whether a promoter has a channel takes another."""
    if signed_in is None:
        return NO_SIDEBAR
    waiting = count_waiting(uow)
    areas = _areas_of(uow, signed_in)
    if (waiting.stands_in or waiting.approvals) and signed_in.principal.may("orders.read"):
        areas |= {"approver"}
    badges = {
        "notifications": waiting.unread,
        "approvals": waiting.approvals if "approver" in areas else 0,
        "conversations": waiting.conversations,
        "seller_conversations": waiting.seller_conversations,
    }
    return Sidebar(areas, badges)


def _areas_of(uow: UnitOfWork, signed_in: SignedIn) -> frozenset[Area]:
    """Never one whose page would refuse its reader. A promoter has a channel, but sells nothing."""
    principal = signed_in.principal

    def may(areas: tuple[tuple[str, Area], ...]) -> set[Area]:
        return {area for permission, area in areas if principal.may(permission)}

    if principal.kind is PrincipalKind.OPERATOR:
        return frozenset({*VISITOR_AREAS, *may(_OPERATING)})
    found: set[Area] = {"asker", *may(_BUYING), *may(_OWNING)}
    if signed_in.organization.is_seller:
        selling = may(_SELLING)
        found |= {*selling, "seller"} if selling else set()
        found |= {"start"} if any(map(principal.may, STARTING)) else set()
    else:
        found |= may(_NOT_YET_SELLING)
        if (promoting := may(_PROMOTING)) and list_own_channels(uow):
            found |= promoting
    if signed_in.organization.is_platform:
        found = {*found, *may(_ISSUING)} - {"become_seller"}
    return frozenset({*VISITOR_AREAS, *found})
