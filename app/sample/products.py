"""What the sample sellers sell, and which sample video sells it. Prices and promises equal those said in the videos."""

from __future__ import annotations

from dataclasses import dataclass

from marketplace.catalog.draft_listing import VersionText
from marketplace.catalog.plan_terms import DraftPlan, Feature
from marketplace.pricing.components import MICRO, Flat, Metered, PlanPrice, Tier

DAY_S = 86_400


@dataclass(frozen=True, slots=True)
class SampleProduct:
    """A listing with one plan, sold in the video of the scene `scene` on the channel of organization `channel`."""

    scene: str
    seller: str
    channel: str
    kind: str
    category: str
    slug: str
    text: VersionText
    plan: DraftPlan


PRODUCTS = (
    SampleProduct(
        scene="recruiting",
        seller="yihao",
        channel="yihao",
        kind="saas",
        category="hr",
        slug="recruiting-pro",
        text=VersionText(
            title="招聘专业版",
            title_en="Recruiting Pro",
            summary="从投递到入职，一块屏管完整个校招季",
            summary_en="From application to first day: a whole campus season on one screen",
            description="简历自动归位，面试日程一屏看清。\n\n- 含 20 席位\n- 数据可随时全部导出",
            description_en="Every résumé finds its column, every interview its slot.\n\n- 20 seats included\n"
            "- All data can be exported at any time",
        ),
        plan=DraftPlan(
            code="pro",
            name="专业版",
            name_en="Pro",
            pricing="per_seat",
            interval="year",
            currency="CNY",
            unit_price_minor=19_900,
            min_seats=20,
            max_seats=5_000,
            included_seats=20,
            features=(
                Feature("campus_pipeline", "校招流程看板", "Campus hiring board"),
                Feature("full_export", "可导出全部数据", "All data can be exported"),
            ),
            deadline_s=DAY_S,
        ),
    ),
    SampleProduct(
        scene="onsite",
        seller="yihao",
        channel="yihao",
        kind="service",
        category="services",
        slug="onsite-rollout",
        text=VersionText(
            title="上门实施服务包",
            title_en="On-site rollout",
            summary="十个工作日，陪你上线",
            summary_en="On site with you, live in ten working days",
            description="调研、配置、导入、培训，四步走完，每步由您验收。\n\n- 一口价 ¥12,800\n- 验收后才结算",
            description_en="Survey, set-up, import, training: four steps, each accepted by you.\n\n"
            "- Fixed price ¥12,800\n- Settled only after acceptance",
            refund_window_days=3,
        ),
        plan=DraftPlan(
            code="onsite",
            name="十日上线包",
            name_en="Ten-day rollout",
            pricing="one_off",
            interval="none",
            currency="CNY",
            unit_price_minor=1_280_000,
            features=(
                Feature("go_live", "10 个工作日内上线", "Live within 10 working days", 10, "working_day"),
                Feature("settled_on_acceptance", "验收后才结算", "Settled only after acceptance"),
            ),
            deadline_s=14 * DAY_S,
        ),
    ),
    SampleProduct(
        scene="customers",
        seller="yihao",
        channel="qidian",
        kind="saas",
        category="crm",
        slug="customer-desk",
        text=VersionText(
            title="客户管家 · 团队版",
            title_en="Customer Desk, Team",
            summary="客户不再散落在聊天里",
            summary_en="Customers no longer lost in chats",
            description="跟进到哪一步，一眼看清。\n\n- 10 席起购，含管理员\n- 支持导出全部数据",
            description_en="See where each deal stands.\n\n- From 10 seats, admin included\n- All your data can be exported",
        ),
        plan=DraftPlan(
            code="team",
            name="团队版",
            name_en="Team",
            pricing="per_seat",
            interval="month",
            currency="CNY",
            unit_price_minor=6_800,
            min_seats=10,
            max_seats=2_000,
            included_seats=10,
            trial_days=14,
            trial_needs_method=True,
            features=(Feature("full_export", "可导出全部数据", "All data can be exported"),),
            deadline_s=DAY_S,
        ),
    ),
    SampleProduct(
        scene="expenses",
        seller="yihao",
        channel="qidian",
        kind="saas",
        category="finance",
        slug="expense-control",
        text=VersionText(
            title="费控与发票 · 企业版",
            title_en="Expenses and Invoices, Business",
            summary="发票验真，报销当天到账",
            summary_en="Invoices checked, expenses paid the same day",
            description="逐张验真，自动查重。\n\n- 每月含 300 张验真\n- 不限席位",
            description_en="Verified one by one, no duplicates.\n\n- 300 checks a month included\n- Any number of people",
        ),
        plan=DraftPlan(
            code="business",
            name="企业版",
            name_en="Business",
            price=PlanPrice(
                currency="CNY",
                interval="month",
                term_months=1,
                components=(
                    Flat(kind="flat", amount_minor=120_000),
                    Metered(
                        kind="metered",
                        dimension="invoice_checks",
                        name="发票验真",
                        name_en="Invoice checks",
                        unit="张",
                        unit_en="invoices",
                        included=300,
                        tiers=(Tier(up_to=None, unit_micro=200 * MICRO),),
                    ),
                ),
            ),
            features=(
                Feature("included_checks", "每月含 300 张验真", "300 checks a month", 300, "invoice/month"),
                Feature("check_answer_s", "验真 5 秒内返回", "Answers within 5 seconds", 5, "second"),
            ),
            deadline_s=DAY_S,
        ),
    ),
    SampleProduct(
        scene="backup",
        seller="harbor",
        channel="harbor",
        kind="saas",
        category="infrastructure",
        slug="server-backup",
        text=VersionText(
            title="Harbor Backup 服务器备份",
            title_en="Harbor Backup",
            summary="每晚备份，四分钟恢复一台服务器",
            summary_en="Every night, every server; back in four minutes",
            description="不可篡改的快照，每晚演练恢复。\n\n- 含 500 GB 存储\n- 15 分钟内恢复",
            description_en="Immutable snapshots, restored every night to prove it.\n\n- 500 GB included\n"
            "- Restored in under 15 minutes",
        ),
        plan=DraftPlan(
            code="standard",
            name="标准版",
            name_en="Standard",
            pricing="flat",
            interval="month",
            currency="USD",
            unit_price_minor=4_900,
            features=(
                Feature("storage_gb", "含 500 GB 存储", "500 GB included", 500, "GB"),
                Feature("restore_min", "15 分钟内恢复", "Restore under 15 minutes", 15, "minute"),
            ),
            deadline_s=DAY_S,
        ),
    ),
)

FEATURE_KEYS = {
    ("expenses", "included"): "included_checks",
    ("expenses", "service_level"): "check_answer_s",
    ("onsite", "service_level"): "go_live",
    ("backup", "included"): "storage_gb",
    ("backup", "service_level"): "restore_min",
    ("insight", "included"): "sources",
    ("insight", "service_level"): "refresh_min",
    ("drill", "service_level"): "report_days",
    ("warehouse", "included"): "warehouses",
    ("contract", "included"): "included_contracts",
}
"""Which feature of the plan a spoken figure is about: (scene, kind of claim) → feature key."""

COURSE = SampleProduct(
    scene="course",
    seller="yihao",
    channel="yihao",
    kind="service",
    category="services",
    slug="campus-hiring-course",
    text=VersionText(
        title="校招实战三课",
        title_en="Campus hiring in three lessons",
        summary="三堂视频课，按席位学习，进度自动保存",
        summary_en="Three lessons on film, watched by seat, with progress kept",
        description="从岗位梳理到入职跟进，三堂课讲完一个校招季。\n\n- 第一课免费试看\n- 管理员可查看每位成员的进度",
        description_en="From the first posting to the first day, in three lessons.\n\n- The first is free\n"
        "- Administrators see how far each member came",
    ),
    plan=DraftPlan(
        code="seat",
        name="按席位",
        name_en="By seat",
        pricing="per_seat",
        interval="year",
        currency="CNY",
        unit_price_minor=12_900,
        min_seats=1,
        max_seats=500,
        included_seats=0,
        features=(Feature("lessons", "3 堂视频课", "3 lessons on film", 3, "lesson"),),
        deadline_s=DAY_S,
    ),
)
"""A course; its episodes are in `course.py`."""
