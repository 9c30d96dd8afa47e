"""Sample view models in Chinese and English: the channel, buying and finance. Values as the sample data has them."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from api.language import Language
from api.pages.buy.views import BuySource, BuyView, OwnProductView, PlanChoice, QuotePanel, QuotePanelLine
from api.pages.feed.views import FeedCaptions, FeedCard, FeedChapter, FeedClaim, FeedVideo, FeedView
from api.pages.frame import addresses
from api.pages.frame.choices import Choice
from api.pages.frame.timeline import Link, Timeline, TimelineAttempt, TimelineFact
from api.pages.orders.views import OrderItem, OrderPageLine, OrderPageView, OrdersView
from billing.tax.untaxed import untaxed_in_words
from kernel.money import Money
from marketplace.catalog.show_reliability import Reliability
from marketplace.service_windows.response_time import ResponseTime

NOW = datetime(2026, 11, 22, 6, 12, 40, tzinfo=UTC)
ID = "0199a3f2-7c41-7d2e-9f10-5b8c2e4a6d{:02d}"


def cny(minor: int) -> Money:
    """An amount in fen."""
    return Money(minor, "CNY")


class Samples:
    """Views in one language; ``pick`` chooses between the Chinese and the English text."""

    def __init__(self, language: Language) -> None:
        self.language = language

    def pick(self, zh: str, en: str) -> str:
        """The text of this language."""
        return zh if self.language == "zh-CN" else en

    @property
    def hiring(self) -> str:
        """The listing most samples are about."""
        return self.pick("招聘专业版", "Hiring Pro")

    @property
    def seller(self) -> str:
        """Its seller."""
        return self.pick("一号直聘", "Direct Hire One")

    @property
    def platform(self) -> str:
        """The platform's registered name."""
        return self.pick("频道集市（上海）网络科技有限公司", "Channel Market (Shanghai) Ltd")

    @property
    def buyer(self) -> str:
        """The organization that buys."""
        return self.pick("杭州远山科技有限公司", "Yuanshan Technology Co., Ltd")

    def claims(self, *, kept: bool = True) -> tuple[FeedClaim, ...]:
        """What the video says."""
        return (
            FeedClaim(4, self.pick("含 20 席位", "20 seats included"), "kept"),
            FeedClaim(7, self.pick("¥199 / 席 / 年", "¥199 per seat and year"), "kept"),
            FeedClaim(10, self.pick("免费试用 14 天", "Free for 14 days"), "no_trial" if kept else "differs"),
        )

    def feed(self) -> FeedView:
        """Two films of the sample data."""
        card = FeedCard(
            sold_by_seat=True,
            placement_id=ID.format(11),
            listing_id=ID.format(21),
            from_s=3,
            to_s=14,
            cta="buy",
            listing_name=self.hiring,
            plan_name=self.pick("专业版", "Pro"),
            seller_name=self.seller,
            price=cny(19900),
            per="seat_year",
            reliability=Reliability(64, 63, 4, 95),
            response_time=ResponseTime(24, 23, 1_860),
            promotion=self.pick("优惠 20%，至 2026年12月22日", "20% off until Dec 22, 2026"),
        )
        other = FeedCard(
            ID.format(12),
            ID.format(22),
            3,
            12,
            "demo",
            self.pick("发票验真", "Invoice Check"),
            "Team",
            self.seller,
            None,
            "month",
        )
        first = FeedVideo(
            id=ID.format(1),
            title=self.pick("用一块屏管完校招", "Run a whole campus season on one screen"),
            channel_id=ID.format(2),
            channel_name=self.seller,
            src="/media/recruiting-1.mp4",
            poster="/media/recruiting-1.jpg",
            width=720,
            height=1280,
            duration_s=14,
            cards=(card,),
            claims=self.claims(),
            description=self.pick(
                "从投递到入职，HR 和用人部门看同一块屏。",
                "From application to first day, HR and managers share one screen.",
            ),
            chapters=(
                FeedChapter(0, self.pick("开场", "Opening")),
                FeedChapter(7, self.pick("价格与席位", "Price and seats")),
            ),
            captions=(FeedCaptions("zh-CN", "简体中文", "/media/captions.vtt", True),),
            why=(
                self.pick("您关注了这个视频号。", "You follow this channel."),
                self.pick("最近发布。", "It was published lately."),
            ),
        )
        second = FeedVideo(
            ID.format(3),
            self.pick("发票验真，报销当天到账", "Invoices checked, expenses paid the same day"),
            ID.format(4),
            self.pick("云票", "Cloud Receipts"),
            "/media/expenses-1.mp4",
            "/media/expenses-1.jpg",
            720,
            1280,
            12,
            (other,),
        )
        return FeedView((first, second), start_s=4)

    def own_product(self) -> OwnProductView:
        """What a seller's own card says."""
        return OwnProductView(ID.format(21), self.hiring, self.seller, may_edit=True)

    def buy_offer(self) -> BuyView:
        """The purchase sheet of an offer."""
        offer = ID.format(71)
        address, back = addresses.offer(offer, "/buy"), addresses.request(ID.format(61))
        shown = self.buy(alone=True)
        return replace(
            shown,
            plans=shown.plans[:1],
            offer_id=offer,
            address=address,
            back=back,
            offer_terms=self.pick("含一次上门培训。", "A day of training on site."),
        )

    def buy_aligned(self) -> BuyView:
        """The purchase sheet with a first term that ends with another subscription."""
        shown = self.buy(alone=True)
        line = QuotePanelLine(
            self.pick("专业版", "Pro"),
            cny(120_000),
            (
                self.pick("席位 20：20 × ¥199.00 = ¥3,980.00", "Seats 20: 20 × ¥199.00 = ¥3,980.00"),
                self.pick(
                    "首期较短，按约定的到期日计：-¥2,780.00",
                    "Shorter first term, until the end that was agreed on: -¥2,780.00",
                ),
                self.pick("首期至 2027年3月31日", "first term until Mar 31, 2027"),
            ),
        )
        quote = replace(shown.quote, lines=(line,), net=cny(113_208), tax=cny(6_792), gross=cny(120_000))
        others = (Choice(ID.format(81), self.hiring, self.pick("2027年3月31日", "Mar 31, 2027")),)
        return replace(shown, quote=quote, others=others, align_with=ID.format(81))

    def buy_untaxed(self) -> BuyView:
        """The purchase sheet of a price with tax, for a title abroad that pays none."""
        shown = self.buy(alone=True)
        line = replace(
            shown.quote.lines[0],
            untaxed=cny(-22_528),
            untaxed_text=self.pick("价格所含 6% 税额，不计收", "Tax of 6% in the price, not charged"),
        )
        note = untaxed_in_words(60_000, self.language, reduced=True)
        quote = replace(shown.quote, lines=(line,), tax=cny(0), tax_ppms=(0,), gross=cny(375_472), tax_note=note)
        return replace(shown, quote=quote)

    def buy(self, *, approval: bool = False, alone: bool = False) -> BuyView:
        """The purchase sheet for twenty seats."""
        quantity, net, tax = (20, 375_472, 22_528) if not approval else (200, 3_754_717, 225_283)
        gross = cny(net + tax)
        quote = QuotePanel(
            id=ID.format(20),
            lines=(
                QuotePanelLine(self.pick(f"¥199 × {quantity} 席 × 1 年", f"¥199 × {quantity} seats × 1 year"), gross),
            ),
            net=cny(net),
            tax=cny(tax),
            tax_ppms=(60_000,),
            gross=gross,
            expires_at=NOW + timedelta(minutes=30),
            claims=() if alone else self.claims(),
            needs_approval=approval,
            approval_reasons=(
                self.pick("超出单次采购额度 ¥10,000", "Above the limit of ¥10,000 for one purchase"),
                self.pick(
                    f"{self.hiring} 不在贵组织的采购清单内", f"{self.hiring} is not on your organization's allow-list"
                ),
            )
            if approval
            else (),
            approval_steps=self.pick("审批顺序：审批人 → 财务。", "Decided by an approver, then finance.")
            if approval
            else "",
        )
        return BuyView(
            address="/buy",
            listing_id=ID.format(21),
            listing_name=self.hiring,
            seller_name=self.seller,
            reliability=Reliability(64, 63, 4, 95),
            plans=(
                PlanChoice("p1", self.pick("专业版", "Pro"), self.pick("按年", "yearly"), cny(19_900), "seat_year"),
                PlanChoice("p2", self.pick("专业版", "Pro"), self.pick("按月", "monthly"), cny(1_990), "seat_month"),
            ),
            plan_id="p1",
            quantity=quantity,
            quote=quote,
            billing_profiles=(Choice("b1", self.buyer), Choice("b2", self.pick("海外子公司", "Overseas branch"))),
            billing_profile_id="b1",
            payment_methods=(Choice("m1", self.pick("对公账户 · 尾号 0210", "Company account · 0210")),),
            payment_method_id="m1",
            departments=self.departments(),
            idempotency_key="k1",
            source=None
            if alone
            else BuySource(
                ID.format(11), ID.format(1), self.pick("用一块屏管完校招", "Run a whole campus season on one screen"), 7
            ),
        )

    def departments(self) -> tuple[Choice, ...]:
        """What a purchase may be the spending of."""
        named = (("MKT · ", "市场部", "Marketing"), ("\u2003MKT-01 · ", "品牌组", "Brand"))
        return tuple(Choice(f"d{n}", code + self.pick(zh, en)) for n, (code, zh, en) in enumerate(named))

    def links(self, *, broken: bool = False) -> tuple[Link, ...]:
        """The whole chain, as a trace shows it."""
        at = NOW - timedelta(hours=3)
        p = self.pick
        return (
            Link(
                "touchpoint",
                "done",
                at,
                p("点击商品卡片", "Product card clicked"),
                ID.format(30),
                None,
                (TimelineFact("second", "0:07"), TimelineFact("channel", self.seller)),
            ),
            Link(
                "video",
                "done",
                at,
                p("用一块屏管完校招", "Run a whole campus season on one screen"),
                ID.format(1),
                "/v/1",
                (TimelineFact("promoter", p("效率研究社", "Efficiency Club")),),
            ),
            Link(
                "quote",
                "done",
                at + timedelta(seconds=9),
                p("20 席 × 1 年", "20 seats × 1 year"),
                ID.format(20),
                None,
                (TimelineFact("amount", "¥3,980.00"),),
            ),
            Link(
                "order",
                "done",
                at + timedelta(seconds=14),
                "",
                ID.format(40),
                "/orders/1",
                (TimelineFact("number", "O-2026-000318"), TimelineFact("by", p("林晓", "Lin Xiao"))),
            ),
            Link(
                "payment",
                "done",
                at + timedelta(seconds=16),
                "",
                ID.format(50),
                None,
                (
                    TimelineFact("amount", "¥3,980.00"),
                    TimelineFact("method", p("对公账户 0210", "Company account 0210")),
                ),
            ),
            Link(
                "run",
                "done",
                at + timedelta(seconds=21),
                p("卖方系统已建好工作区", "The seller's system has made the workspace"),
                ID.format(60),
                None,
                (TimelineFact("connector", "webhook"), TimelineFact("took", "5 s")),
                (
                    TimelineAttempt(at + timedelta(seconds=17), "timeout", "no answer in 3 s", 3000),
                    TimelineAttempt(at + timedelta(seconds=19), "accepted", "202 operation op_81f2", 142),
                    TimelineAttempt(at + timedelta(seconds=21), "ok", "callback succeeded", 38),
                ),
            ),
            Link(
                "entitlement",
                "done",
                at + timedelta(seconds=21),
                "",
                ID.format(70),
                "/entitlements/1",
                (TimelineFact("seats", "20"), TimelineFact("until", p("2027年11月22日", "22 Nov 2027"))),
            ),
            Link(
                "invoice",
                "done",
                at + timedelta(seconds=24),
                "",
                ID.format(80),
                "/invoices",
                (TimelineFact("number", "INV-2026-000912"), TimelineFact("tax", "¥225.28")),
            ),
            Link(
                "share",
                "broken" if broken else "done",
                at + timedelta(seconds=24),
                "",
                ID.format(81),
                None,
                (TimelineFact("amount", "¥2,966.23"), TimelineFact("rate", "79%")),
                broken=p("总账中没有与这笔分账相等的分录", "the ledger has no posting equal to this share")
                if broken
                else "",
                subject=True,
            ),
            Link("statement", "todo", None, "", "", None, (TimelineFact("expected", p("12月1日", "1 Dec")),)),
            Link("payout", "todo", None, "", "", None, (TimelineFact("expected", p("12月3日", "3 Dec")),)),
        )

    def order_of_several(self) -> OrderPageView:
        """An order of two lines, one of which can be used already."""
        p, one = self.pick, self.order(live=True)
        second = OrderPageLine(p("发票验真", "Invoice Check"), "Team", 3, False, entitlement_state="pending")
        first = replace(one.lines[0], entitlement_state="active", entitlement_id=ID.format(70), may_launch=True)
        return replace(
            one, listing_name=p(f"{self.hiring} 等 2 项", f"{self.hiring} and 1 more"), lines=(first, second)
        )

    def order(self, *, live: bool = False) -> OrderPageView:
        """An order, delivered or being delivered."""
        links = [link for link in self.links() if link.kind not in ("touchpoint", "statement", "payout")]
        links = [
            link if not link.subject else Link("share", "done", link.at, "", link.id, None, link.facts)
            for link in links
        ]
        if live:
            place = next(place for place, link in enumerate(links) if link.kind == "run")
            links[place:] = [
                Link("run", "live", NOW, "", ID.format(60), None, (TimelineFact("connector", "webhook"),), percent=60),
                Link("entitlement", "todo"),
                Link("invoice", "todo"),
                Link("share", "todo"),
            ]
        return OrderPageView(
            id=ID.format(40),
            number="O-2026-000318",
            state="fulfilling" if live else "active",
            listing_name=self.hiring,
            lines=(OrderPageLine(self.hiring, self.pick("专业版", "Pro"), 20, True),),
            seller_name=self.seller,
            ticket_address=f"/tickets/new?order={ID.format(40)}",
            service_address=f"/conversations/{ID.format(31)}",
            issuer_name=self.platform,
            net=cny(375_472),
            tax=cny(22_528),
            gross=cny(398_000),
            placed_at=NOW - timedelta(hours=3),
            placed_by=self.pick("林晓", "Lin Xiao"),
            billing_profile=self.buyer,
            po_number="PO-2026-1107",
            department=self.departments()[0].label,
            departments=self.departments(),
            department_id="d0",
            timeline=Timeline(tuple(links)),
            live=live,
            percent=60 if live else 100,
            claims=self.claims(),
            entitlement_id=None if live else ID.format(70),
            invoice_id=None if live else ID.format(80),
            video_id=ID.format(1),
            video_second=7,
            may_cancel=not live,
        )

    def order_rows(self) -> tuple[OrderItem, ...]:
        """Orders in several states."""
        p = self.pick
        rows = (
            (self.hiring, p("专业版 · 年", "Pro · year"), 20, 398_000, "fulfilling", ""),
            (p("发票验真", "Invoice Check"), "Team", 1, 120_000, "active", ""),
            (p("上门实施", "On-site rollout"), p("十日上线", "Ten days"), 1, 1_280_000, "completed", "accept"),
            ("Harbor Backup", "500 GB", 1, 35_280, "pending_payment", "pay"),
            (p("客户管理", "Customer Desk"), p("团队版", "Team"), 10, 68_000, "refunded", ""),
        )
        return tuple(
            OrderItem(
                ID.format(40 + n),
                f"O-2026-{318 - n:06d}",
                name,
                plan,
                self.seller,
                quantity,
                cny(gross),
                state,
                NOW - timedelta(days=n),
                "pay" if needs == "pay" else "accept" if needs else "",
            )
            for n, (name, plan, quantity, gross, state, needs) in enumerate(rows)
        )

    def orders(self) -> OrdersView:
        """The buyer's orders."""
        return OrdersView(
            self.order_rows(),
            ("pending_approval", "pending_payment", "fulfilling", "active", "refunded"),
            next_address="/orders?after=x",
        )
