"""Between a tier's price and what coupons leave of the plan's: the lower one, never above either, for every cart alike."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from hypothesis import given, settings
from hypothesis import strategies as st

from kernel import clock
from kernel.ids import uuid7
from kernel.money import PPM
from orders.checkout.partner_price import chosen
from orders.checkout.priced_line import PricedLine
from orders.coupons.models import Coupon
from orders.coupons.price_coupons import CouponDiscount, HeldCoupon
from orders.order.line_tier import LineTier
from tests.unit.orders.test_in_instalments import line

CASES = 200
SELLER, LISTING = uuid7(), uuid7()


def priced(minor: int, plan_id: UUID, tier: LineTier | None = None) -> PricedLine:
    named = {"seller_org_id": SELLER, "listing_id": LISTING, "plan_id": plan_id, "tier": tier}
    return line(minor, 0, 1, 60_000, included=True).model_copy(update=named)


def at_tier(listed: PricedLine, off_ppm: int) -> PricedLine:
    tier = LineTier(
        link_id=uuid7(),
        tier_id=uuid7(),
        tier_price_id=uuid7(),
        code="GOLD",
        name="Gold",
        name_en="Gold",
        list_minor=listed.list_minor,
    )
    return priced(listed.list_minor - listed.list_minor * off_ppm // PPM, listed.plan_id, tier)


@st.composite
def carts(draw: st.DrawFn, most: int = 4) -> tuple[list[PricedLine], dict[int, PricedLine]]:
    """Lines of one seller, of which some have a partner's price."""
    listed = [priced(draw(st.integers(1, 10**8)), uuid7()) for _ in range(draw(st.integers(1, most)))]
    own = {number: at_tier(one, draw(st.integers(0, PPM))) for number, one in enumerate(listed) if draw(st.booleans())}
    return listed, own


@st.composite
def held(draw: st.DrawFn, *, most: int = 3, amounts: bool = True) -> list[HeldCoupon]:
    """Promotions, of which some go together with offers and partners' prices."""
    found = []
    for _ in range(draw(st.integers(0, most))):
        ppm = draw(st.integers(1, PPM)) if not amounts or draw(st.booleans()) else None
        coupon = Coupon(
            id=uuid7(),
            seller_org_id=SELLER,
            code=None,
            name="Sale",
            percent_ppm=ppm,
            amount_minor=draw(st.integers(1, 10**8)) if ppm is None else None,
            currency="CNY" if ppm is None else None,
            listing_ids=[],
            plan_codes=[],
            named_buyers=[],
            most_uses=None,
            most_per_org=None,
            with_offers=draw(st.booleans()),
            every_term=False,
            starts_at=clock.now() - timedelta(days=1),
            ends_at=clock.now() + timedelta(days=1),
            ended_at=None,
        )
        found.append(HeldCoupon(coupon, (0, 0)))
    return found


def paid(lines: list[PricedLine], found: dict[int, CouponDiscount]) -> list[int]:
    return [one.list_minor - (found[number].minor if number in found else 0) for number, one in enumerate(lines)]


@settings(max_examples=2 * CASES)
@given(cart=carts(most=1), promotions=held())
def test_of_one_line_it_is_the_lower_of_both(
    cart: tuple[list[PricedLine], dict[int, PricedLine]], promotions: list[HeldCoupon]
) -> None:
    listed, own = cart
    at_list = paid(*chosen(listed, {}, promotions, ""))
    as_partner = paid(*chosen([own.get(0, listed[0])], {}, promotions, ""))
    assert paid(*chosen(listed, own, promotions, "")) == min(at_list, as_partner)


@settings(max_examples=CASES)
@given(cart=carts(), promotions=held(amounts=False))
def test_of_shares_off_it_is_so_line_by_line(
    cart: tuple[list[PricedLine], dict[int, PricedLine]], promotions: list[HeldCoupon]
) -> None:
    listed, own = cart
    at_list = paid(*chosen(listed, {}, promotions, ""))
    as_partner = paid(*chosen([own.get(number, one) for number, one in enumerate(listed)], {}, promotions, ""))
    lower = [min(both) for both in zip(at_list, as_partner, strict=True)]
    assert paid(*chosen(listed, own, promotions, "")) == lower


@settings(max_examples=2 * CASES)
@given(cart=carts(), promotions=held())
def test_of_any_cart_it_is_never_above_what_a_partner_pays_without_a_coupon_nor_negative(
    cart: tuple[list[PricedLine], dict[int, PricedLine]], promotions: list[HeldCoupon]
) -> None:
    listed, own = cart
    lines, found = chosen(listed, own, promotions, "")
    amounts = paid(lines, found)
    assert all(amount >= 0 for amount in amounts)
    plain = [own.get(number, one).list_minor for number, one in enumerate(listed)]
    assert sum(amounts) <= sum(plain) <= sum(one.list_minor for one in listed)
    assert (lines, found) == chosen(listed, own, promotions, "")


@settings(max_examples=CASES)
@given(cart=carts(), promotions=held())
def test_of_any_cart_it_is_never_above_the_plans_prices_with_coupons(
    cart: tuple[list[PricedLine], dict[int, PricedLine]], promotions: list[HeldCoupon]
) -> None:
    """An amount that several lines share is split to the minor unit: each of them may carry one more."""
    listed, own = cart
    at_list = paid(*chosen(listed, {}, promotions, ""))
    assert sum(paid(*chosen(listed, own, promotions, ""))) <= sum(at_list) + len(listed)
