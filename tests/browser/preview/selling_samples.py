"""Sample view models in Chinese and English: sellers, promoters and operators."""

from datetime import date, timedelta

from api.media_addresses import Thumbnail
from api.pages.frame.timeline import Timeline
from api.pages.money.views import (
    CommissionInvoice,
    ForecastDay,
    MoneyFigures,
    PayoutItem,
    PromotedVideo,
    PromoterView,
    SellerMoneyView,
    ShareItem,
    StatementItem,
)
from api.pages.operator.views import DeadRun, Health, OperatorView, Queue, WebhookItem
from api.pages.seller.views import (
    FunnelStep,
    ListingItem,
    ListingPanel,
    ListingPlan,
    SellerHomeView,
    SellerListingsView,
    SellerOrdersView,
    TroubledRun,
)
from api.pages.trace.views import TraceView
from api.pages.videos.views import (
    CaptionsItem,
    EditableClaim,
    PartnerItem,
    PlacementItem,
    PlanOption,
    SellerVideosView,
    SellerVideoView,
    UploadView,
    VideoItem,
)
from tests.browser.preview.buying_samples import ID, NOW, cny
from tests.browser.preview.finance_samples import FinanceSamples

FIGURES = MoneyFigures(cny(1_284_560), cny(864_200), cny(12_408_875), cny(864_200), date(2026, 12, 3))


class DeskSamples(FinanceSamples):
    """The dashboards of those who sell, promote and operate."""

    def runs(self) -> tuple[TroubledRun, ...]:
        """One that gave up and one that still tries."""
        return (
            TroubledRun(
                ID.format(60),
                ID.format(40),
                "O-2026-000311",
                self.buyer,
                self.hiring,
                "provision",
                "dead",
                12,
                7_300,
                NOW + timedelta(hours=22),
                "HTTP 503 upstream workspace-api unavailable",
                True,
            ),
            TroubledRun(
                ID.format(61),
                ID.format(41),
                "O-2026-000309",
                self.pick("成都云上物流", "Cloud Freight"),
                self.hiring,
                "change",
                "failed",
                3,
                340,
                NOW + timedelta(hours=23),
                "timeout after 10 s",
                True,
            ),
        )

    def funnel(self) -> tuple[FunnelStep, ...]:
        """From impression to retained."""
        counts = (
            ("impression", 18_204),
            ("view", 6_120),
            ("card_click", 914),
            ("order", 63),
            ("activated", 62),
            ("retained", 58),
        )
        return tuple(FunnelStep(key, count, count * 1_000_000 // counts[0][1]) for key, count in counts)

    def seller_home(self) -> SellerHomeView:
        """Money, runs that need a hand, the last video."""
        title = self.pick("用一块屏管完校招", "Run a whole campus season on one screen")
        return SellerHomeView((FIGURES,), self.runs(), self.funnel(), ID.format(1), title, cny(25_074_000))

    def seller_videos(self) -> SellerVideosView:
        """Published, checked, refused."""
        p = self.pick
        return SellerVideosView(
            (
                VideoItem(
                    ID.format(1),
                    p("用一块屏管完校招", "Run a whole campus season on one screen"),
                    Thumbnail("/media/recruiting-1.jpg", "/media/recruiting-1.jpg 160w"),
                    "published",
                    14,
                    1,
                    6_120,
                    63,
                    cny(25_074_000),
                    NOW,
                ),
                VideoItem(
                    ID.format(2),
                    p("客户不再散落在聊天里", "Customers no longer lost in chats"),
                    Thumbnail("/media/customers-1.jpg", "/media/customers-1.jpg 160w"),
                    "ready",
                    12,
                    0,
                    0,
                    0,
                    None,
                    NOW,
                ),
                VideoItem(
                    ID.format(3),
                    p("年会花絮", "Party"),
                    None,
                    "refused",
                    0,
                    0,
                    0,
                    0,
                    None,
                    NOW,
                    p("文件不是可播放的视频。", "The file is not a playable video."),
                ),
            )
        )

    def upload(self) -> UploadView:
        """An empty form."""
        return UploadView(500_000_000, time_zone="Asia/Shanghai")

    def seller_video(self) -> SellerVideoView:
        """A video with cards and one claim that cannot be kept, which takes a sentence to say."""
        p = self.pick
        plan = p("招聘专业版 · 按年", "Hiring Pro · yearly")
        return SellerVideoView(
            ID.format(1),
            p("用一块屏管完校招", "Run a whole campus season on one screen"),
            "ready",
            "/media/recruiting-1.mp4",
            "/media/recruiting-1.jpg",
            720,
            1280,
            14,
            "h264 · aac",
            779_897,
            "public",
            (
                PlacementItem(
                    "a1",
                    3,
                    9,
                    "buy",
                    "p1",
                    self.hiring,
                    p("按年", "yearly"),
                    p("¥3,980 / 月 起", "from ¥3,980 / month"),
                ),
                PlacementItem("a2", 10, 14, "demo", "p2", self.hiring, p("演示", "demo")),
            ),
            (
                EditableClaim("c1", 4, "included_seats", "20", p("含 20 席位", "20 seats included"), True),
                EditableClaim(
                    "c2",
                    10,
                    "trial_days",
                    "14",
                    p("免费试用 14 天", "Free for 14 days"),
                    False,
                    p(
                        "无法兑现：购买不含试用，付款即按全额计费，买方看到的也是如此。请撤回该承诺，或改用「试用」卡片由您自行提供试用。",
                        "Cannot be kept: a purchase begins no trial and is charged in full from the start, and buyers are "
                        "told so. Take the promise back, and offer a demo or advice instead.",
                    ),
                ),
            ),
            (PlanOption("p1", plan), PlanOption("p2", p("招聘专业版 · 按月", "Hiring Pro · monthly"))),
            blockers=(p("0:10 说的试用无法兑现。", "The trial promised at 0:10 cannot be kept."),),
            funnel=self.funnel()[:4],
            partners=(PartnerItem(ID.format(41), p("远山科技", "Yuanshan")),),
            publish_at=NOW + timedelta(days=2),
            publish_at_field="2026-11-30T09:00",
            time_zone="Asia/Shanghai",
            captions=(CaptionsItem("zh-CN", "简体中文", "/media/captions.vtt"),),
            chapters=p("0:00 开场\n0:07 价格 | Pricing", "0:00 开场 | Opening\n0:07 价格 | Pricing"),
            languages=(PlanOption("zh-CN", "简体中文"), PlanOption("en", "English")),
        )

    def seller_orders(self) -> SellerOrdersView:
        """What was sold."""
        return SellerOrdersView(
            self.order_rows(), self.runs()[:1], ("paid", "fulfilling", "active", "refunded"), "active"
        )

    def listings(self, *, opened: bool = False) -> SellerListingsView:
        """Two listings, one opened to read."""
        p = self.pick
        rows = (
            ListingItem(ID.format(21), self.hiring, "saas", "published", 4, 2, cny(1_990), "seat_month", 62, NOW),
            ListingItem(
                ID.format(22),
                p("上门实施", "On-site rollout"),
                "service",
                "in_review",
                1,
                1,
                cny(1_280_000),
                "once",
                0,
                NOW,
            ),
        )
        plan = ListingPlan(
            "p1",
            p("专业版", "Pro"),
            cny(19_900),
            "seat_year",
            p("按年", "yearly"),
            "webhook",
            (p("简历自动去重", "Duplicate applications merged"), p("面试日历", "Interview calendar")),
            ((p("在招职位", "Open positions"), "50"),),
        )
        detail = ListingPanel(
            rows[0], p("从投递到入职的一块屏。", "One screen from application to first day."), (plan,)
        )
        return SellerListingsView(rows, detail if opened else None)

    def statements(self) -> tuple[StatementItem, ...]:
        """Two months."""
        return (
            StatementItem(
                ID.format(84),
                "ST-2026-11",
                date(2026, 11, 1),
                date(2026, 11, 30),
                cny(0),
                cny(1_200_000),
                cny(-63_600),
                cny(-120_000),
                cny(-152_200),
                cny(864_200),
                "open",
            ),
            StatementItem(
                ID.format(85),
                "ST-2026-10",
                date(2026, 10, 1),
                date(2026, 10, 31),
                cny(0),
                cny(5_810_000),
                cny(0),
                cny(-581_000),
                cny(-640_000),
                cny(4_589_000),
                "paid",
            ),
        )

    def payouts(self) -> tuple[PayoutItem, ...]:
        """One to come, one gone."""
        bank = self.pick("招商银行 · 尾号 7781", "China Merchants Bank · 7781")
        return (
            PayoutItem(ID.format(86), "ST-2026-11", cny(864_200), "scheduled", bank, date(2026, 12, 3)),
            PayoutItem(
                ID.format(87), "ST-2026-10", cny(4_589_000), "paid", bank, date(2026, 11, 3), "20261103CMB00817"
            ),
        )

    def seller_money(self) -> SellerMoneyView:
        """Shares, forecast, statements, payouts."""
        title = self.pick("用一块屏管完校招", "Run a whole campus season on one screen")
        states = ("pending", "releasable", "in_statement", "paid", "reversed")
        shares = tuple(
            ShareItem(
                ID.format(81),
                ID.format(40),
                f"O-2026-{318 - n:06d}",
                self.hiring,
                title if n != 2 else "",
                cny(398_000),
                cny(296_623),
                790_000,
                state,
                date(2026, 12, 1) if n < 3 else None,
            )
            for n, state in enumerate(states)
        )
        days = (
            (date(2026, 11, 26), 296_600),
            (date(2026, 11, 29), 1_104_000),
            (date(2026, 12, 3), 864_200),
            (date(2026, 12, 10), 412_500),
        )
        forecast = tuple(ForecastDay(on, cny(minor), minor * 1_000_000 // 1_104_000) for on, minor in days)
        bill = CommissionInvoice(ID.format(95), "CI-2026-000042", date(2026, 11, 1), cny(581_000), True)
        return SellerMoneyView((FIGURES,), forecast, shares, self.statements(), self.payouts(), (bill,), states)

    def promoter(self) -> PromoterView:
        """Earned per video."""
        video = PromotedVideo(
            ID.format(1),
            self.pick("用一块屏管完校招", "Run a whole campus season on one screen"),
            Thumbnail("/media/recruiting-1.jpg", "/media/recruiting-1.jpg 160w"),
            6_120,
            914,
            41,
            cny(16_318_000),
            cny(1_631_800),
        )
        return PromoterView((FIGURES,), (video,), self.statements()[1:], self.payouts()[1:])

    def operator(self) -> OperatorView:
        """Queues, one dead run, health."""
        keys = (
            ("reviews", 3, 8_000, False),
            ("refunds_failed", 1, 90_000, True),
            ("payments_unknown", 0, None, False),
            ("payouts", 12, 3_600, False),
            ("dead_runs", 1, 7_300, True),
            ("payouts_unknown", 0, None, False),
            ("dead_jobs", 4, 2, False),
            ("notices_quarantined", 2, 7_300, True),
        )
        run = DeadRun(
            ID.format(60),
            ID.format(40),
            "O-2026-000311",
            self.seller,
            self.buyer,
            self.hiring,
            12,
            7_300,
            cny(398_000),
            "HTTP 503 upstream workspace-api unavailable",
        )
        health = (
            Health("oldest_job", "0.2 s · orders.payment.submit", True),
            Health("jobs_due", "4", True),
        )
        event = "evt_3Qk9Zb2eZvKYlo2C0a1b2c3d"
        webhooks = (
            WebhookItem(ID.format(61), "payment_intent.succeeded", "stripe", event, ID.format(41), False, 7_300),
            WebhookItem(ID.format(62), "charge.dispute.created", "stripe", event, None, True, 900),
        )
        return OperatorView(
            tuple(Queue(key, count, oldest, late, "/operator") for key, count, oldest, late in keys),
            (run,),
            health,
            webhooks=webhooks,
            may_settle=True,
        )

    def trace(self, *, broken: bool = False) -> TraceView:
        """A share's chain, whole or broken."""
        links = self.links(broken=broken)
        subject = self.pick("从分账 …6d81 出发", "Starting from share …6d81")
        return TraceView(ID.format(81), timeline=Timeline(links), subject=subject, broken=1 if broken else 0)
