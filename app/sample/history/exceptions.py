"""What does not go the usual way in the market's past, so that every state has its example."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, time, timedelta
from functools import partial
from typing import Final
from zoneinfo import ZoneInfo

from app.sample.history.acts import (
    Accept,
    Agree,
    Ally,
    AskBack,
    AskPromoters,
    AskRefund,
    Behave,
    Buy,
    Decide,
    GiveSeats,
    OfferPartners,
    Reduce,
    Serve,
    Step,
    TakePart,
    Tick,
    Use,
    WatchLesson,
)
from app.sample.history.bank_acts import GiveCredit, OpenBankAccount, TellOfStranger, TellOfTransfer

_ZONE: Final = ZoneInfo("Asia/Shanghai")
_REFUSES_DAYS: Final = 44
_FAILS_DAYS: Final = 26
_MINUTE, _HOUR, _DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


def is_kept_free(product: str, at: datetime, ends_at: datetime) -> bool:
    """Whether nothing ordinary is sold of the product then: its seller's system is about to be out of order."""
    before = ends_at - at
    if product == "insight":
        return timedelta(days=_FAILS_DAYS - 2) < before < timedelta(days=_FAILS_DAYS + 2)
    if product == "warehouse":
        return timedelta(days=_REFUSES_DAYS - 1) < before < timedelta(days=_REFUSES_DAYS + 1)
    return False


def exceptional_steps(ends_at: datetime) -> Iterator[Step]:
    """All of them, in no order."""
    yield from _approvals(ends_at)
    yield from _payments(ends_at)
    yield from _services(ends_at)
    yield from _deliveries(ends_at)
    yield from _drills(ends_at)
    yield from _composed(ends_at)
    yield from _asked_back(ends_at)
    yield from _reduced(ends_at)
    yield from _promoted(ends_at)
    yield from _staged(ends_at)
    yield from _learned(ends_at)
    yield from _banked(ends_at)


def _day(ends_at: datetime, days: int, hour: int, minute: int = 0) -> datetime:
    """A time of day, so many days before the present."""
    day = (ends_at - timedelta(days=days)).astimezone(_ZONE).date()
    return datetime.combine(day, time(hour, minute), _ZONE)


def _approvals(ends_at: datetime) -> Iterator[Step]:
    """Three wait, one was waited for in vain, two were rejected."""
    yield Step(
        ends_at - 3 * _HOUR, Buy("xinghe", "CG-A-106", "recruiting", 60, clip="recruiting", seen="bought_inside")
    )
    yield Step(ends_at - 26 * _HOUR, Buy("xinghe", "CG-A-105", "onsite", clip="onsite", seen="bought_inside"))
    yield Step(ends_at - 2 * _HOUR, Buy("lakeside", "CG-A-104", "recruiting", 45, clip="recruiting", seen="clicked"))
    vain = _day(ends_at, 35, 16, 20)
    yield Step(vain, Buy("lakeside", "CG-A-103", "recruiting", 80, clip="recruiting-b", seen="bought_inside"))
    yield Step(vain + 7 * _DAY + _MINUTE, Tick())
    for days, buyer, number, quantity, reason in (
        (50, "xinghe", "CG-A-101", 120, "今年校招名额减半，先按 20 席试用"),
        (20, "lakeside", "CG-A-102", 50, "Please ask for a quote from two vendors first"),
    ):
        at = _day(ends_at, days, 11, 5)
        yield Step(at, Buy(buyer, number, "recruiting", quantity, clip="recruiting-b", seen="clicked"))
        yield Step(at + 4 * _HOUR, Decide(buyer, number, reason))


def _payments(ends_at: datetime) -> Iterator[Step]:
    """Two were declined and given up, one is disputed, two wait for their payer."""
    for days, buyer, number in ((28, "qingning", "CG-P-201"), (11, "songhu", "CG-P-202")):
        at = _day(ends_at, days, 15, 40)
        yield Step(at, Buy(buyer, number, "customers", 12, "sbx_declined", "customers-b", "bought_inside"))
        yield Step(at + _DAY + _MINUTE, Tick())
    disputed = _day(ends_at, 3, 10, 50)
    yield Step(disputed, Buy("songhu", "CG-P-205", "customers", 12, "sbx_disputed", "customers-b", "bought_inside"))
    yield Step(disputed + 5 * _MINUTE, Tick())
    yield Step(ends_at - _HOUR, Buy("xinghe", "CG-P-203", "docs", 12, "sbx_requires_action", "docs-b", "bought_inside"))
    yield Step(ends_at - 40 * _MINUTE, Buy("haishi", "CG-P-204", "customers", 15, "sbx_requires_action", "customers"))


def _services(ends_at: datetime) -> Iterator[Step]:
    """Rollouts: three were accepted, two by the clock, two wait for their acceptance."""
    accepted = ((71, "xinghe"), (47, "minghu"), (30, "beilun"))
    silent, waiting = ((58, "lakeside"), (39, "qinling")), ((5, "xinghe"), (3, "minghu"))
    for number, (days, buyer) in enumerate((*accepted, *silent, *waiting), 301):
        po_number, at = f"CG-S-{number}", _day(ends_at, days, 10, 15)
        clip = "onsite" if days < 6 else "onsite-b" if days < 28 else "onsite-a"
        yield Step(at, Buy(buyer, po_number, "onsite", clip=clip, seen="bought_inside"))
        yield Step(at + 2 * _HOUR, Decide(buyer, po_number))
        if (days, buyer) in accepted:
            yield Step(at + 3 * _DAY, Accept(buyer, po_number))
        elif (days, buyer) in silent:
            yield Step(at + 2 * _HOUR + 7 * _DAY + _MINUTE, Tick())


def _composed(ends_at: datetime) -> Iterator[Step]:
    """Prices of several components: a base with further seats, and usage with a commitment."""
    yield Step(_day(ends_at, 18, 11, 30), Buy("minghu", "CG-C-501", "service_desk", 40))
    yield Step(_day(ends_at, 12, 14, 10), Buy("xinghe", "CG-C-502", "data_api"))
    # A month of it that is over was charged beyond its commitment; of the one that goes on some is used.
    yield Step(_day(ends_at, 47, 9, 20), Buy("songhu", "CG-C-503", "data_api"))
    # Two further instalments are paid, the third is due in two weeks.
    yield Step(_day(ends_at, 77, 10, 30), Buy("qinling", "CG-C-504", "archive"))
    yield Step(_day(ends_at, 77, 12, 30), Decide("qinling", "CG-C-504"))
    for days, number in ((41, 503), (33, 503), (25, 503), (8, 502), (3, 502)):
        yield Step(_day(ends_at, days, 17, 30), Use("data_api", f"CG-C-{number}", "api_calls", 211_000))


def _asked_back(ends_at: datetime) -> Iterator[Step]:
    """Money asked back after the window of seven days: three wait for one side each, two were decided, two came to nothing."""
    wanted = ("ask", "视频说可导入全部历史客户，实际只能导入两年内的")
    no, further = ("refuse", "导入范围写在条款里，购买时已列明"), ("escalate", "视频里没有提到两年的限制")
    stories: tuple[tuple[int, str, tuple[tuple[int, tuple[str, str], int], ...]], ...] = (
        (12, "songhu", ((2, wanted, 40),)),
        (14, "qingning", ((6, wanted, 40), (3, no, 0))),
        (20, "minghu", ((10, wanted, 100), (8, no, 0), (3, further, 0))),
        (32, "beilun", ((22, wanted, 50), (20, ("grant", "数据确实未能导入，退还四分之一"), 25))),
        (38, "jianghan", ((28, wanted, 100), (26, no, 0), (24, further, 0), (20, ("reject", "条款列明了范围"), 0))),
        (44, "haishi", ((33, wanted, 30), (31, no, 0))),
        (31, "qinling", ((21, wanted, 40), (20, ("withdraw", ""), 0))),
    )
    for number, (days, buyer, steps) in enumerate(stories, 601):
        po_number = f"CG-R-{number}"
        yield Step(_day(ends_at, days, 10, 40), Buy(buyer, po_number, "customers", 10))
        for before, (does, words), percent in steps:
            act = AskBack(buyer, po_number, "customers", does, words, percent)  # type: ignore[arg-type]  # literals of the act
            yield Step(_day(ends_at, before, 11, 20), act)


def _staged(ends_at: datetime) -> Iterator[Step]:
    """A service in three milestones: the first is accepted, the second is done again, the third waits for its acceptance."""
    buyer, number, product = "xinghe", "CG-M-701", "hardening"
    yield Step(_day(ends_at, 16, 9, 45), Buy(buyer, number, product))
    yield Step(_day(ends_at, 16, 11, 45), Decide(buyer, number))
    stories = (
        (15, 1, "take_on", ""),
        (13, 1, "deliver", "评估报告已完成：共发现 11 项风险，其中高危 2 项，明细见报告。"),
        (11, 1, "accept", ""),
        (8, 2, "deliver", "11 项风险已全部处理，两台旧服务器待更换。"),
        (6, 2, "rework", "两台旧服务器仍在对外服务，请先隔离，再提交一次。"),
        (2, 3, "deliver", "已处理部分的复测全部通过，报告请查收。"),
    )
    for days, milestone, does, words in stories:
        act = Serve(buyer, number, product, milestone, does, words)  # type: ignore[arg-type]  # literals of the act
        yield Step(_day(ends_at, days, 16, 30), act)


def _learned(ends_at: datetime) -> Iterator[Step]:
    """A course for three members: one is through, one is in the middle, one has not begun."""
    buyer, number, product = "xinghe", "CG-L-702", "course"
    yield Step(_day(ends_at, 14, 9, 15), Buy(buyer, number, product, 12))
    yield Step(_day(ends_at, 14, 11), GiveSeats(buyer, number, ("purchaser", "approver", "finance")))
    for days, role, lesson, percent in (
        (13, "purchaser", 1, 100),
        (12, "purchaser", 2, 100),
        (9, "purchaser", 3, 100),
        (10, "approver", 1, 100),
        (4, "approver", 2, 45),
    ):
        yield Step(_day(ends_at, days, 12, 20), WatchLesson(buyer, product, role, lesson, percent))


def _reduced(ends_at: datetime) -> Iterator[Step]:
    """A code that three orders may use, of which one has; a partner buys at its tier and is offered more; a promotion goes on."""
    yield Step(_day(ends_at, 17, 9), Reduce("customers", "老客户回馈", 200_000, 60, "HUIKUI-20", 3))
    at = _day(ends_at, 15, 10, 40)
    bought = Buy("zhongshan", "CG-K-601", "customers", 16, clip="customers-b", seen="clicked", coupon="HUIKUI-20")
    yield Step(at, bought)
    yield Step(at + 2 * _HOUR, Decide("zhongshan", "CG-K-601"))
    at = _day(ends_at, 12, 9, 20)
    yield Step(at, Ally("course", "lakeside"))
    yield Step(at + _HOUR, Agree("lakeside"))
    yield Step(at + 2 * _HOUR, Buy("lakeside", "CG-P-801", "course", 10))
    yield Step(at + 3 * _HOUR, Decide("lakeside", "CG-P-801"))
    words = ("金牌伙伴专享：含一次上线培训。", "For Gold partners alone: with training once.")
    yield Step(_day(ends_at, 5, 15), OfferPartners("course", 30, 250_000, 21, words))
    yield Step(_day(ends_at, 4, 9), Reduce("contract", "年末优惠", 100_000, 40))


def _promoted(ends_at: datetime) -> Iterator[Step]:
    """A seller has a plan for everybody who promotes and a better one, which one promoter takes part in and one could."""
    yield Step(_day(ends_at, 30, 15), AskPromoters("docs", ("diandian", "yunke")))
    yield Step(_day(ends_at, 29, 10), TakePart("diandian"))


def _banked(ends_at: datetime) -> Iterator[Step]:
    """By transfer: one came, one is waited for, and money came of which nobody knows what it is for. On account: one was paid
    after its reminder, one is due in weeks, and one is overdue, with two letters.
    """
    terms = partial(Buy, product="recruiting", quantity=20, method="terms", gateway="on_account")
    sent = partial(Buy, product="recruiting", method="transfer", gateway="bank_transfer")
    yield Step(_day(ends_at, 60, 9), OpenBankAccount())
    yield Step(_day(ends_at, 58, 9), GiveCredit("xinghe", 20_000_000, 30, "多年合作，一向按期付款"))
    yield Step(_day(ends_at, 58, 10), GiveCredit("lakeside", 10_000_000, 30, "Known for years, always paid on time"))
    yield Step(_day(ends_at, 55, 10, 20), terms("xinghe", "CG-T-901"))
    yield Step(_day(ends_at, 26, 14), TellOfTransfer("xinghe", "CG-T-901"))
    yield Step(_day(ends_at, 38, 15, 10), terms("lakeside", "CG-T-902"))
    yield Step(_day(ends_at, 12, 11, 40), terms("xinghe", "CG-T-903"))
    yield Step(_day(ends_at, 20, 9, 50), sent("xinghe", "CG-B-904", quantity=24))
    yield Step(_day(ends_at, 18, 14), TellOfTransfer("xinghe", "CG-B-904"))
    yield Step(_day(ends_at, 2, 10, 35), sent("minghu", "CG-B-905", quantity=20))
    yield Step(_day(ends_at, 1, 14), TellOfStranger("厦门鹭岛进出口有限公司", "货款", 1_280_000))


def _deliveries(ends_at: datetime) -> Iterator[Step]:
    """One was refused by the seller's system, one failed until its deadline: both were refunded."""
    at = _day(ends_at, _REFUSES_DAYS, 14, 10)
    yield Step(at - _MINUTE, Behave("pelican", "refuses"))
    yield Step(at, Buy("songhu", "CG-D-401", "warehouse", clip="warehouse", seen="bought_inside"))
    yield Step(at + 10 * _MINUTE, Behave("pelican", "well"))
    at = _day(ends_at, _FAILS_DAYS, 9, 30)
    yield Step(at - _MINUTE, Behave("shuzhou", "fails"))
    yield Step(at, Buy("jianghan", "CG-D-402", "insight", clip="insight-b", seen="bought_inside"))
    yield Step(at + _DAY + _MINUTE, Tick())
    yield Step(at + _DAY + 5 * _MINUTE, Behave("shuzhou", "well"))


def _drills(ends_at: datetime) -> Iterator[Step]:
    """A small seller's trade: its statement of one month is paid, of the next it is carried, as a drill was paid back after
    its settlement; its system was out of order then, so that taking the drill down waits for a person.
    """
    first = _month_after(ends_at - 90 * _DAY)
    second = _month_after(first)
    for number, (at, buyer) in enumerate(
        ((first + 4 * _DAY, "egret"), (first + 8 * _DAY, "northwind"), (second + 26 * _DAY, "zhongshan")), 501
    ):
        po_number = f"CG-J-{number}"
        yield Step(at + 10 * _HOUR, Buy(buyer, po_number, "drill", clip="drill", seen="bought_inside"))
        yield Step(at + 12 * _HOUR, Decide(buyer, po_number))
        yield Step(at + 2 * _DAY, Accept(buyer, po_number))
    back = second + 3 * _DAY + 11 * _HOUR
    yield Step(back, Behave("jinghe", "fails"))
    yield Step(back + _HOUR, AskRefund("northwind", "CG-J-502", 100, "The drill was announced by mistake"))
    yield Step(back + 7 * _DAY + 2 * _HOUR, Tick())
    yield Step(back + 7 * _DAY + 3 * _HOUR, Behave("jinghe", "well"))


def _month_after(at: datetime) -> datetime:
    """Where the next calendar month begins."""
    day = (at.astimezone(_ZONE).date().replace(day=1) + timedelta(days=32)).replace(day=1)
    return datetime.combine(day, time(), _ZONE)
