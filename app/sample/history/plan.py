"""The story of a market's past: the same acts, on the same days before the present, whenever it is told."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from app.sample.history.acts import AskRefund, Browse, Buy, Decide, Join, PayAgain, PayOuts, Post, Seen, Step, Tick
from app.sample.history.clips import CLIPS
from app.sample.history.conversations import conversations
from app.sample.history.exceptions import exceptional_steps, is_kept_free
from app.sample.history.participants import BUYERS, NEWCOMERS
from app.sample.history.products import MORE_PRODUCTS
from app.sample.organizations import APPROVAL_ABOVE_MINOR
from app.sample.products import PRODUCTS

DAYS: Final = 92
SEED: Final = 20_260_401
ZONE: Final = ZoneInfo("Asia/Shanghai")
FIRST_SALE_DAY: Final = 3
BASE_FILM_DAYS: Final = {"backup": 9, "expenses": 8, "customers": 7, "onsite": 6, "recruiting": 5}
"""How many days before the present the sample's own films were published: the newest in the feed."""
_SALES_A_DAY: Final = 3.0
_BUYERS: Final = {"xinghe": 20, "lakeside": 15} | {buyer.key: 7 for buyer in BUYERS}
_PRODUCTS: Final = {
    "recruiting": 20,
    "customers": 19,
    "docs": 15,
    "expenses": 13,
    "contract": 12,
    "backup": 12,
    "insight": 5,
    "warehouse": 4,
}
_UNIT_PRICES: Final = {product.scene: product.plan.unit_price_minor for product in (*PRODUCTS, *MORE_PRODUCTS)}
_SEATS: Final = {"recruiting": (20, 24), "customers": (10, 34), "docs": (5, 40)}
_SEEN: Final[tuple[Seen, ...]] = ("bought_inside",) * 6 + ("clicked",) * 3 + ("viewed",) + ("never",) * 2


def plan(ends_at: datetime) -> list[Step]:
    """All steps, in order; none lies after `ends_at`."""
    starts_at = ends_at - timedelta(days=DAYS)
    chance = random.Random(SEED)  # noqa: S311 - a story, not a secret
    steps = [Step(starts_at + timedelta(minutes=number), Join(who.key)) for number, who in enumerate(NEWCOMERS)]
    steps += [Step(posted_at(starts_at, clip.day), Post(clip.key)) for clip in CLIPS]
    for day in range(1, DAYS + 1):
        midnight = _midnight(starts_at) + timedelta(days=day)
        steps.append(Step(midnight + timedelta(hours=2, minutes=30), Tick()))
        steps.append(Step(midnight + timedelta(hours=21, minutes=40), Browse(SEED + day)))
        if (midnight + timedelta(hours=12)).astimezone(ZONE).day == 2:
            steps.append(Step(midnight + timedelta(hours=10), _pay_outs(midnight, ends_at)))
            steps.append(Step(midnight + timedelta(days=1, hours=10), _pay_outs(midnight, ends_at, again=True)))
    sales = list(_sales(chance, starts_at, ends_at))
    steps += [*sales, *conversations(sales, ends_at)]
    steps += exceptional_steps(ends_at)
    steps.append(Step(ends_at, Tick()))
    return sorted((step for step in steps if step.at <= ends_at), key=lambda step: step.at)


def posted_at(starts_at: datetime, day: int) -> datetime:
    """When a clip of that day was published."""
    return starts_at + timedelta(days=day, hours=2)


def base_posted_at(ends_at: datetime, film: str) -> datetime:
    """When one of the sample's own films was published."""
    return ends_at - timedelta(days=BASE_FILM_DAYS[film])


def _midnight(at: datetime) -> datetime:
    return datetime.combine(at.astimezone(ZONE).date(), time(), ZONE)


def _pay_outs(midnight: datetime, ends_at: datetime, *, again: bool = False) -> PayOuts:
    """The last month's statements of two parties are still to be paid; one bank refuses once."""
    latest = ends_at - midnight < timedelta(days=31)
    not_yet = ("harbor", "yunke") if latest else ()
    return PayOuts(not_yet, None if again or latest else "shuzhou")


def _sales(chance: random.Random, starts_at: datetime, ends_at: datetime) -> Iterator[Step]:
    """The ordinary ones: more from month to month, few at weekends."""
    numbers: dict[str, int] = {}
    for day in range(FIRST_SALE_DAY, DAYS + 1):
        midnight = _midnight(starts_at) + timedelta(days=day)
        weight = (0.35 if midnight.weekday() >= 5 else 1.25) * (0.6 + 0.8 * day / DAYS)
        count = int(_SALES_A_DAY * weight + chance.random())
        for minute in sorted(chance.randrange(9 * 60, 19 * 60) for _ in range(count)):
            at = midnight + timedelta(minutes=minute, seconds=chance.randrange(60))
            buyer = chance.choices(list(_BUYERS), list(_BUYERS.values()))[0]
            numbers[buyer] = numbers.get(buyer, 0) + 1
            sale = _sale(chance, at, starts_at, ends_at, buyer, f"CG-{at.astimezone(ZONE):%y%m}-{numbers[buyer]:03d}")
            if sale is not None:
                yield from _lifetime(chance, at, sale)


def _sale(
    chance: random.Random, at: datetime, starts_at: datetime, ends_at: datetime, buyer: str, po_number: str
) -> Buy | None:
    product = chance.choices(list(_PRODUCTS), list(_PRODUCTS.values()))[0]
    least, most = _SEATS.get(product, (1, 1))
    quantity = chance.randint(least, most)
    seen, films = chance.choice(_SEEN), _films(product, at, starts_at, ends_at)
    clip = chance.choice(films) if films else None
    if is_kept_free(product, at, ends_at):
        return None
    return Buy(
        buyer, po_number, product, quantity, clip=clip if seen != "never" else None, seen=seen if clip else "never"
    )


def _films(product: str, at: datetime, starts_at: datetime, ends_at: datetime) -> list[str]:
    """The videos that sell a product by then; the newest more often."""
    hour = timedelta(hours=1)
    found = [clip.key for clip in CLIPS if clip.film == product and posted_at(starts_at, clip.day) + hour < at]
    if product in BASE_FILM_DAYS and base_posted_at(ends_at, product) + hour < at:
        found += [product] * 3
    return found


def _lifetime(chance: random.Random, at: datetime, sale: Buy) -> Iterator[Step]:
    """A sale, and what may come of it."""
    fate = chance.random()
    later = timedelta(minutes=chance.randrange(25, 400))
    if fate < 0.03:
        yield Step(
            at, Buy(sale.buyer, sale.po_number, sale.product, sale.quantity, "sbx_insufficient", sale.clip, sale.seen)
        )
        yield Step(at + timedelta(minutes=18), PayAgain(sale.buyer, sale.po_number))
        return
    yield Step(at, sale)
    if _UNIT_PRICES[sale.product] * sale.quantity > APPROVAL_ABOVE_MINOR:
        yield Step(at + later, Decide(sale.buyer, sale.po_number))
    if 0.03 <= fate < 0.06 and sale.quantity > 1:
        back = timedelta(days=chance.randrange(2, 6), hours=1)
        yield Step(at + back, AskRefund(sale.buyer, sale.po_number, chance.choice((20, 25, 40)), "席位多买了一部分"))
    elif 0.06 <= fate < 0.08:
        back = timedelta(days=chance.randrange(1, 6), hours=2)
        yield Step(at + back, AskRefund(sale.buyer, sale.po_number, 100, "与现有系统重复"))
