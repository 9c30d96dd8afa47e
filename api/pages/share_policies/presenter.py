"""Share policies in words: what a rule is for, and what a version would have changed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from api.pages.frame.phrases import money
from api.pages.frame.site import PageRequest
from api.pages.share_policies.views import ShareRuleItem, SimulatedItem, SimulatedView
from billing.shares.policy_queries import PolicyRow
from billing.shares.rules import PolicyRule
from kernel.db.uow import UnitOfWork
from marketplace.catalog.queries import list_listings_by_id
from marketplace.channels.queries import list_channels_by_id
from marketplace.parties.queries import organization_names
from orders.share_policy.simulate import SimulatedParty, Simulation


def rule_items(
    page_request: PageRequest, uow: UnitOfWork, rules: Sequence[PolicyRow | PolicyRule]
) -> tuple[ShareRuleItem, ...]:
    """The rules in their order, with the names of what they are for as far as the reader may know them."""
    listings = list_listings_by_id(uow, {rule.listing_id for rule in rules if rule.listing_id})
    sellers = organization_names(uow, {rule.seller_id for rule in rules if rule.seller_id})
    channels = list_channels_by_id(uow, {rule.channel_id for rule in rules if rule.channel_id})
    titles = {one: page_request.pick(row.title, row.title_en) for one, row in listings.items()}
    handles = {one: page_request.pick(row.name, row.name_en) for one, row in channels.items()}
    return tuple(
        ShareRuleItem(
            category=rule.category,
            named=tuple(
                (what, names.get(named, str(named)))
                for what, named, names in (
                    ("listing", rule.listing_id, titles),
                    ("seller", rule.seller_id, sellers),
                    ("channel", rule.channel_id, handles),
                )
                if named is not None
            ),
            commission_ppm=rule.commission_ppm,
            promoter_ppm=rule.promoter_ppm,
            hold_days=rule.hold_days,
            deal_type=rule.deal_type or "",
        )
        for rule in rules
    )


def simulated(found: Simulation) -> SimulatedView:
    """A simulation as it is shown."""
    return SimulatedView(
        found.starts_on,
        found.ends_on - timedelta(days=1),
        tuple(map(_party, found.sums)),
        tuple(_party(one) for one in found.parties if one.role != "commission"),
    )


def _party(row: SimulatedParty) -> SimulatedItem:
    now, then, difference = (
        money(minor, row.currency) for minor in (row.now_minor, row.then_minor, row.difference_minor)
    )
    return SimulatedItem(row.role, row.name, row.lines, now, then, difference)


def id_in(typed: str) -> UUID | None:
    """The identifier in what was typed: itself, or at the end of a page's address. Raises ValueError for anything else."""
    return UUID(typed.strip().rstrip("/").rsplit("/", 1)[-1]) if typed.strip() else None
