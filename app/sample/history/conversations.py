"""What is asked, offered, reviewed and answered in the market's past: every kind of request and every end of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Final

from app.sample.history.acts import (
    Act,
    AnswerReview,
    Ask,
    AskRefund,
    Buy,
    Confide,
    Deputise,
    Explain,
    GiveDemos,
    GiveStars,
    GiveUp,
    OfferPrice,
    Post,
    Reply,
    ReportReview,
    Step,
    TakeBack,
    TakeOffer,
    Wonder,
    Words,
)
from app.sample.history.clips import COMING

_HOUR, _DAY = timedelta(hours=1), timedelta(days=1)
_GIVE_DEMOS: Final = ("yihao", "shuzhou", "pelican", "lanqiao")
_TRIED: Final = 7 * _DAY
"""Between a purchase and what its buyer says of it."""
_REVIEWS: Final[dict[str, Sequence[tuple[int, Words, Words | None]]]] = {
    "recruiting": (
        (
            5,
            (
                "校招高峰两周没有掉过一份简历，面试排期**省了一个人**。\n\n- 导入顺利\n- 导出随时可用",
                "Not one résumé lost all season, and **one person less**.\n\n- Smooth import\n- Export any time",
            ),
            (
                "谢谢。秋招前会上线批量发通知，您会先用到。",
                "Thank you. Bulk notices come before the autumn season; you will have them first.",
            ),
        ),
        (
            4,
            ("看板很清楚，手机上筛选还可以再快一些。", "The board is clear; filtering on a phone could be quicker."),
            None,
        ),
    ),
    "customers": (
        (
            4,
            (
                "离职交接不再丢客户。报表字段希望能自己加。",
                "No customer lost at a handover. We miss fields of our own.",
            ),
            (
                "自定义字段在下一版，本月底发布。",
                "Fields of your own are in the next version, at the end of this month.",
            ),
        ),
        (
            2,
            (
                "导入旧系统的数据花了三天，客服回复也慢。",
                "Import from our old system took three days, support was slow.",
            ),
            (
                "抱歉。导入工具已经重写，欢迎再试，我们全程陪同。",
                "We are sorry. The import was written anew; try it again with us beside you.",
            ),
        ),
    ),
    "docs": (
        (
            5,
            (
                "会议一结束纪要就在群里，同事都愿意写了。",
                "Minutes are there when the meeting ends; people like writing now.",
            ),
            None,
        ),
    ),
    "expenses": (
        (4, ("查重很准，员工报销从一周变成一天。", "Duplicates are found; claims take a day, not a week."), None),
    ),
    "backup": (
        (
            5,
            ("真的恢复过一次：四分钟，和视频里一样。", "We did restore once: four minutes, as in the video."),
            ("很高兴帮上忙。", "Glad it was there when you needed it."),
        ),
    ),
    "contract": ((3, ("签署快，模板偏少。", "Signing is quick; there are few templates."), None),),
}
"""Of each product, by its first buyers: stars, words, the seller's answer."""


def conversations(sales: Sequence[Step], ends_at: datetime) -> Iterator[Step]:
    """All of it, in no order."""
    for seller in _GIVE_DEMOS:
        yield Step(ends_at - 60 * _DAY, GiveDemos(seller))
    yield from _quotes(ends_at)
    yield from _demos(ends_at)
    yield from _advice(ends_at)
    yield from _questions(ends_at)
    yield from _reviews(sales, ends_at)
    yield Step(ends_at - 2 * _DAY, Deputise("lakeside"))
    yield Step(ends_at - 2 * _DAY, Post(COMING.key))
    yield Step(ends_at - timedelta(minutes=1), Confide("expenses-b", "xinghe"))


def _quotes(ends_at: datetime) -> Iterator[Step]:
    """Bought at the offered price; open; run out; taken back and lost; not answered yet."""
    bought = "songhu", "customers"
    yield _at(
        ends_at,
        34,
        Ask(
            *bought,
            "quote",
            ("30 席，年付，有折扣吗？", "30 seats for a year: is there a discount?"),
            30,
            clip="customers-b",
            gives_contact=True,
        ),
    )
    yield _at(ends_at, 34 - 0.2, Reply(*bought, True, ("可以，九折。", "Yes, ten percent."), "预算已批，本周签"))
    yield _at(ends_at, 34 - 0.25, OfferPrice(*bought, 100_000, 14))
    yield _at(ends_at, 32, TakeOffer(*bought, "CG-Q-601"))
    for days, buyer, product, quantity, ppm, valid in (
        (2, "lakeside", "recruiting", 45, 120_000, 14),
        (1.5, "xinghe", "docs", 60, 150_000, 10),
        (46, "haishi", "docs", 20, 80_000, 7),
        (24, "northwind", "customers", 25, 50_000, 30),
    ):
        words = f"{quantity} 席的报价，含发票。", f"A price for {quantity} seats, with an invoice, please."
        yield _at(ends_at, days, Ask(buyer, product, "quote", words, quantity))
        yield _at(ends_at, days - 0.3, OfferPrice(buyer, product, ppm, valid))
    yield _at(ends_at, 21, TakeBack("northwind", "customers"))
    yield _at(ends_at, 20, GiveUp("northwind", "customers", by_seller=True))
    words = "想给两个仓库用，怎么报价？", "For two warehouses: what would it cost?"
    yield _at(ends_at, 0.2, Ask("egret", "warehouse", "quote", words, 1, gives_contact=True))


def _demos(ends_at: datetime) -> Iterator[Step]:
    """One was given, two are to come, one was given up."""
    past = "minghu", "insight"
    yield _at(
        ends_at,
        20,
        Ask(
            *past,
            "demo",
            ("想看经营日报怎么搭。", "How is the morning report made?"),
            slot=0,
            clip="insight-b",
            gives_contact=True,
        ),
    )
    thanks = "演示资料已附，有问题随时问。", "You have the material of the demo; ask whenever you like."
    yield _at(ends_at, 14, Reply(*past, True, thanks, "对日报感兴趣，月底回访"))
    words = "请重点演示校招看板和导出。", "Please show the campus board and the export."
    yield _at(ends_at, 0.4, Ask("xinghe", "recruiting", "demo", words, slot=-1, gives_contact=True))
    yield _at(ends_at, 0.3, Ask("lakeside", "docs", "demo", ("看看纪要。", "Show us the minutes."), slot=-2))
    yield _at(ends_at, 16, Ask("egret", "warehouse", "demo", ("看盘点。", "We would like to see stocktaking."), slot=9))
    yield _at(ends_at, 15, GiveUp("egret", "warehouse", by_seller=False))


def _advice(ends_at: datetime) -> Iterator[Step]:
    """A talk of several turns."""
    talk = "qinling", "onsite"
    yield _at(
        ends_at,
        9,
        Ask(
            *talk,
            "consult",
            ("两个厂区能分批上线吗？", "Can two sites go live one after the other?"),
            gives_contact=True,
        ),
    )
    yield _at(
        ends_at,
        8.8,
        Reply(
            *talk,
            True,
            ("可以，先西区后东区，间隔两周。", "Yes: west first, east two weeks later."),
            "两个厂区，先报一个",
        ),
    )
    yield _at(ends_at, 8.5, Reply(*talk, False, ("东区需要夜班培训。", "The east site needs training at night.")))
    yield _at(ends_at, 8.2, Reply(*talk, True, ("没问题，不另收费。", "That is no problem, and costs nothing more.")))


def _questions(ends_at: datetime) -> Iterator[Step]:
    for days, buyer, product, words, answer in (
        (
            40,
            "lakeside",
            "recruiting",
            ("数据存在哪里？", "Where is our data kept?"),
            ("境内两地三中心，可随时导出。", "In three data centres in China; you can export it at any time."),
        ),
        (
            27,
            "xinghe",
            "recruiting",
            ("席位可以中途增加吗？", "Can seats be added later?"),
            ("可以，按剩余天数计费。", "Yes, charged for the days that are left."),
        ),
        (
            18,
            "northwind",
            "backup",
            ("支持本地存储吗？", "Does it write to storage of our own?"),
            ("支持任何 S3 接口。", "To anything that speaks S3."),
        ),
        (12, "haishi", "customers", ("能对接企业微信吗？", "Does it work with WeCom?"), None),
        (1, "qingning", "recruiting", ("门店招聘适用吗？", "Is it right for hiring in shops?"), None),
    ):
        yield _at(ends_at, days, Wonder(buyer, product, words))
        if answer is not None:
            yield _at(ends_at, days - 0.4, Explain(buyer, product, answer))


def _reviews(sales: Sequence[Step], ends_at: datetime) -> Iterator[Step]:
    """Of each product's first buyers who kept it; the first of all changes its mind, a bad one is reported."""
    returned = {(one.act.buyer, one.act.po_number) for one in sales if isinstance(one.act, AskRefund)}
    for product, reviews in _REVIEWS.items():
        since: dict[str, datetime] = {}
        for sale in sorted(sales, key=lambda one: one.at):
            act = sale.act
            if isinstance(act, Buy) and act.product == product and (act.buyer, act.po_number) not in returned:
                since.setdefault(act.buyer, sale.at)
        for number, ((buyer, bought_at), (stars, words, answer)) in enumerate(
            zip(since.items(), reviews, strict=False)
        ):
            at = bought_at + _TRIED
            if (product, number) == ("recruiting", 0):
                first = "刚上手，先给三星，校招后再来改。", "Three stars for a start; more after the season."
                yield Step(at - 2 * _DAY, GiveStars(buyer, product, 3, first))
            yield Step(at, GiveStars(buyer, product, stars, words))
            if answer is not None:
                yield Step(at + 5 * _HOUR, AnswerReview(buyer, product, answer))
            if stars == 2:
                other = next(one for one in ("xinghe", "songhu") if one != buyer)
                reason = "像是同行写的，与事实不符"
                yield Step(max(at + _DAY, ends_at - 30 * _HOUR), ReportReview(buyer, product, other, reason))


def _at(ends_at: datetime, days: float, act: Act) -> Step:
    return Step(ends_at - timedelta(days=days), act)
