"""A partner's price and numbers on the purchase sheet: it opens with a number that the partner may order."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from uuid import UUID

from api.pages.buy.views import PlanChoice
from api.pages.frame.partner_prices import own_price
from api.pages.frame.site import PageRequest
from marketplace.relations.tier_prices import ShownPrice


def at_partner_price(page_request: PageRequest, plan: PlanChoice, own: Mapping[UUID, ShownPrice]) -> PlanChoice:
    """The plan with what the buyer pays as a partner, in the numbers that it orders."""
    said = own_price(page_request, own.get(UUID(plan.id)))
    if said is None:
        return plan
    return replace(plan, own=said, min_quantity=said.least, step=said.step)


def partner_number(plan_id: UUID, wanted: int, own: Mapping[UUID, ShownPrice]) -> int:
    """So many, or the next more that a partner may order of the plan; what was wanted where the buyer is none."""
    shown = own.get(plan_id)
    return wanted if shown is None else shown.ordered.nearest(wanted)[-1]
