"""Whether a line is bought at its plan's price or at a partner's: whichever is better for the buyer with what is off it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from kernel.db.uow import UnitOfWork
from kernel.errors import Invalid
from marketplace.pricing.components import PlanPrice
from marketplace.pricing.order_quantities import quantities_of
from marketplace.pricing.tier_price import partner_quantities
from marketplace.relations.tier_prices import PartnerPrice
from orders.checkout.line_tax import coupon_line, discounted, reduced
from orders.checkout.priced_line import InvoiceParty, PricedLine
from orders.coupons.make_coupon import said_code
from orders.coupons.price_coupons import CouponDiscount, HeldCoupon, coupons_of_buyer, discounts_among
from orders.order.line_tier import LineTier


def line_tier(named: PartnerPrice, list_minor: int, listed: PlanPrice) -> LineTier:
    """As a line keeps it whose price this is. `list_minor`: what it would have cost at the plan's own, which is `listed`."""
    ordered = partner_quantities(listed, named.figures)
    own = ordered != quantities_of(listed)
    return LineTier(
        link_id=named.link_id,
        tier_id=named.tier_id,
        tier_price_id=named.tier_price_id,
        code=named.code,
        name=named.name,
        name_en=named.name_en,
        list_minor=list_minor,
        # Where the tier says nothing of numbers, the plan does, and no line repeats it.
        min_quantity=ordered.least if own else 1,
        quantity_step=ordered.step if own else 1,
    )


def better_lines(
    uow: UnitOfWork, listed: Sequence[PricedLine], partner: Mapping[int, PricedLine], typed: str, buyer: InvoiceParty
) -> list[PricedLine]:
    """The lines with what coupons take off them. `partner`: those that have a partner's price, by their places.

    A line is at its partner's price unless a coupon makes the plan's price lower; a coupon comes off a partner's price only
    where it goes with offers. What an amount off is shared by is decided line by line.

    Raises: as `find_discounts`; Invalid `coupon_above_partner_price`, at `coupon`: the code is no better than what partners pay.
    """
    if not partner:
        return discounted(uow, list(listed), typed, buyer)
    code = said_code(typed)
    held = coupons_of_buyer(uow, [line.plan_id for line in listed], code)
    lines, found = chosen(listed, partner, held, code)
    if code and not any(off.coupon == code for off in found.values()):
        raise Invalid("coupon_above_partner_price", field="coupon", coupon=code)
    return reduced(uow, lines, found, buyer)


def chosen(
    listed: Sequence[PricedLine], partner: Mapping[int, PricedLine], held: Sequence[HeldCoupon], code: str
) -> tuple[list[PricedLine], dict[int, CouponDiscount]]:
    """Which of both prices each line is at, and what is off it. Raises as `discounts_among` of the plans' prices. Pure."""
    plain = discounts_among(held, [coupon_line(line) for line in listed], code)
    own = [partner.get(number, line) for number, line in enumerate(listed)]
    combined = discounts_among(held, [coupon_line(line) for line in own], code, required=False)
    lines = [
        own[number] if is_better(own[number], combined.get(number), line, plain.get(number)) else line
        for number, line in enumerate(listed)
    ]
    return lines, discounts_among(held, [coupon_line(line) for line in lines], code, required=False)


def is_better(
    own: PricedLine, own_off: CouponDiscount | None, listed: PricedLine, listed_off: CouponDiscount | None
) -> bool:
    """Whether the partner's line costs no more. Pure."""
    return own.list_minor - (own_off.minor if own_off else 0) <= listed.list_minor - (
        listed_off.minor if listed_off else 0
    )
