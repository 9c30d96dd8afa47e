"""What a plan costs those who have a price list of their own: never more than the plan's own price. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from kernel.errors import Invalid
from marketplace.pricing.components import PlanPrice
from marketplace.pricing.engine import check_seats
from marketplace.pricing.offered import compared, discounted, is_one_figure, require_fit
from marketplace.pricing.order_quantities import Quantities, narrowed, quantities_of
from marketplace.pricing.shapes import at_unit_price


@dataclass(frozen=True, slots=True)
class TierFigures:
    """One of the three: a share off every figure, a price of one unit in `currency`, or own figures (a `PlanPrice`).

    `min_quantity`, `quantity_step`: in what numbers partners order at it; 1 and 1 add nothing to what the plan says.
    """

    discount_ppm: int | None = None
    unit_price_minor: int | None = None
    currency: str | None = None
    price: dict[str, Any] | None = None
    min_quantity: int = 1
    quantity_step: int = 1


def price_at_tier(listed: PlanPrice, figures: TierFigures) -> PlanPrice:
    """The plan's price at these figures.

    Raises: Invalid `tier_price_unfit`: the plan is now for another currency or term, or counts or delivers something else.
    """
    try:
        if figures.price is not None:
            own = PlanPrice.model_validate(figures.price)
            if is_one_figure(listed):
                raise Invalid("tier_price_unfit", field="price")
            require_fit(listed, own)
            return own
        if figures.unit_price_minor is None:
            return discounted(listed, figures.discount_ppm or 0)
        if not is_one_figure(listed) or figures.currency != listed.currency.strip():
            raise Invalid("tier_price_unfit", field="unit_price")
        return at_unit_price(listed, figures.unit_price_minor)
    except ValueError as error:
        raise Invalid("tier_price_unfit", field="price") from error
    except Invalid as refused:
        raise Invalid("tier_price_unfit", field=refused.field or "price") from refused


def better_at_tier(listed: PlanPrice, figures: TierFigures, quantity: int) -> PlanPrice | None:
    """What this number is sold at; None where the plan's own price holds: the figures do not fit it any more, are not for this
    number, or something of it would cost more at them (`is_never_above`).
    """
    try:
        own = price_at_tier(listed, figures)
        check_seats(own, quantity)
    except Invalid:
        return None
    return own if is_never_above(listed, own, quantity) else None


def partner_quantities(listed: PlanPrice, figures: TierFigures) -> Quantities:
    """In what numbers partners order a plan: those that it is sold in and their terms allow. The plan's own where the figures do
    not hold for it (`better_at_tier`) or nothing meets both.
    """
    sold = quantities_of(listed)
    ordered = narrowed(sold, figures.min_quantity, figures.quantity_step)
    return sold if ordered is None or better_at_tier(listed, figures, ordered.least) is None else ordered


def is_never_above(listed: PlanPrice, own: PlanPrice, quantity: int) -> bool:
    """Whether the first term, each further one, and whatever is used cost no more than at the plan's price: nobody chooses a
    partner's price, so that it must not be the dearer one in the end. Raises as `check_seats`.
    """
    return all(mine <= theirs for mine, theirs in compared(listed, own, quantity))
