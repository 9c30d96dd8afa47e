"""What a seller's figures for a plan come to: the price that an order freezes, and what it is held against."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any
from uuid import UUID

from kernel.errors import Invalid
from kernel.money import PPM, apply_ppm
from marketplace.catalog.plan_price import plan_price
from marketplace.catalog.sellable import Sellable
from marketplace.pricing.components import PlanPrice
from marketplace.pricing.offered import (
    Compared,
    compared,
    discounted,
    first_terms,
    is_one_figure,
    require_fit,
    with_seat_floor,
)
from marketplace.pricing.shapes import MAX_SEATS, at_unit_price
from orders.offers.models import OfferLine


@dataclass(frozen=True, slots=True)
class OfferedPlan:
    """One of the seller's plans, how many of it (seats, or 1), and at which price: one of the three.

    `unit_price_minor`: for one unit and interval, in the plan's currency. `discount_ppm`: of every figure of the plan's price.
    `price`: own figures for a plan whose price is more than one. `instalments`: in how many a term is paid; as its price says
    where it is None.
    """

    plan_id: UUID
    quantity: int
    unit_price_minor: int | None = None
    discount_ppm: int | None = None
    price: PlanPrice | None = None
    instalments: int | None = None


@dataclass(frozen=True, slots=True)
class Figures:
    """What is offered of a plan. `price`: None of a plan whose unit price says it all.

    `unit_price_minor`, `list_price_minor`: of one unit and interval; with a `price`, of the first term in all, in advance.
    """

    price: PlanPrice | None
    unit_price_minor: int
    list_price_minor: int
    compared: list[Compared]
    discount_ppm: int | None = None
    """What was given off it, where no price was typed."""

    def is_below(self, floor_ppm: int) -> bool:
        """Whether anything is paid for at less than this share of the plan's price. Exact, but for a discount typed down to it:
        that one is not below because we rounded.
        """
        if self.discount_ppm is not None and self.discount_ppm <= PPM - floor_ppm:
            return False
        return any(own * PPM < listed * floor_ppm for own, listed in self.compared)

    @property
    def least_ppm(self) -> int:
        """The least share of the plan's price that anything is paid for at, rounded down."""
        shares = [own * PPM // listed for own, listed in self.compared if listed]
        return int(min(shares, default=PPM))

    @property
    def stored(self) -> dict[str, Any] | None:
        """The price as a line keeps it."""
        return self.price.model_dump(mode="json") if self.price is not None else None


def figures_of(plan: Sellable, offered: OfferedPlan, line: int) -> Figures:
    """The one place where a discount is rounded.

    Raises, with the `line`: Invalid `quantity_out_of_range`, `quantity_step`, `offer_price` (not one of the three, or above the
    plan's price), `offer_price_unfit`, `instalments_unfit`.
    """
    given = (offered.unit_price_minor, offered.discount_ppm, offered.price)
    if sum(one is not None for one in given) != 1:
        raise Invalid("offer_price", field="unit_price", line=line)
    ppm = offered.discount_ppm
    if ppm is not None and not 0 <= ppm <= PPM:
        raise Invalid("offer_price", field="discount_ppm", line=line)
    listed = plan_price(plan)
    try:
        if offered.instalments is not None and not listed.fits(offered.instalments):
            raise Invalid("instalments_unfit", field="instalments")
        if offered.price is not None or (ppm is not None and not is_one_figure(listed)):
            return _of_components(listed, offered)
        return _of_one_figure(plan, listed, offered)
    except Invalid as refused:
        raise Invalid(refused.code, field=refused.field, **refused.params, line=line) from refused


def _of_components(listed: PlanPrice, offered: OfferedPlan) -> Figures:
    if offered.price is not None and is_one_figure(listed):
        raise Invalid("offer_price_unfit", field="price")
    own = offered.price if offered.price is not None else discounted(listed, offered.discount_ppm or 0)
    require_fit(listed, own)
    own = _paid_in(with_seat_floor(own, offered.quantity), offered.instalments)
    own_minor, list_minor = first_terms(listed, own, offered.quantity)
    if own_minor > list_minor:
        raise Invalid("offer_price", field="discount_ppm" if offered.price is None else "price")
    return Figures(own, own_minor, list_minor, compared(listed, own, offered.quantity), offered.discount_ppm)


def _of_one_figure(plan: Sellable, listed: PlanPrice, offered: OfferedPlan) -> Figures:
    most = MAX_SEATS if plan.sold_by_seat else 1
    if not 1 <= offered.quantity <= most:
        raise Invalid("quantity_out_of_range", field="quantity", least=1, most=most)
    list_minor, price_minor = plan.unit_price_minor, offered.unit_price_minor
    if price_minor is None:
        price_minor = list_minor - apply_ppm(list_minor, offered.discount_ppm or 0)
    if not 0 <= price_minor <= list_minor:
        raise Invalid("offer_price", field="unit_price")
    at_unit_price(listed, price_minor)
    return Figures(None, price_minor, list_minor, [(Fraction(price_minor), Fraction(list_minor))], offered.discount_ppm)


def price_of_line(line: OfferLine, plan: Sellable) -> PlanPrice:
    """The price that is bought with a line."""
    if line.price is not None:
        return PlanPrice.model_validate(line.price)
    return _paid_in(at_unit_price(plan_price(plan), line.unit_price_minor), line.instalments)


def _paid_in(price: PlanPrice, instalments: int | None) -> PlanPrice:
    return price if instalments is None else price.model_copy(update={"instalments": instalments})
