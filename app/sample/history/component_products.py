"""What is sold at prices of several components: a base with seats, usage with a commitment, a service in milestones,
a term in instalments.

No film shows them: they stand in the catalogue.
"""

from __future__ import annotations

from app.sample.products import DAY_S, SampleProduct
from marketplace.catalog.draft_listing import VersionText
from marketplace.catalog.plan_terms import DraftPlan, Feature
from marketplace.pricing.components import (
    MICRO,
    Commitment,
    Flat,
    Metered,
    Milestone,
    Milestones,
    PerSeat,
    PlanPrice,
    SetupFee,
    Tier,
)

COMPONENT_PRODUCTS = (
    SampleProduct(
        scene="service_desk",
        seller="lanqiao",
        channel="lanqiao",
        kind="saas",
        category="collaboration",
        slug="service-desk",
        text=VersionText(
            title="蓝桥服务台",
            title_en="Bluebridge Service Desk",
            summary="内部工单，一处受理",
            summary_en="Every internal request in one place",
            description="基础费含 20 席，超出部分按席位分档计价。\n\n- 首次开通含一次配置\n- 每 5 席起增购",
            description_en="The base contains 20 seats; further ones get cheaper in tiers.\n\n"
            "- Set up for you once\n- Further seats in fives",
        ),
        plan=DraftPlan(
            code="team",
            name="团队版",
            name_en="Team",
            features=(Feature("sla_clock", "处理时限提醒", "Reminders of response times"),),
            deadline_s=DAY_S,
            price=PlanPrice(
                currency="CNY",
                interval="month",
                term_months=1,
                components=(
                    Flat(kind="flat", amount_minor=198_000),
                    SetupFee(kind="setup", amount_minor=60_000),
                    PerSeat(
                        kind="per_seat",
                        minimum=20,
                        maximum=500,
                        step=5,
                        included=20,
                        tiers=(
                            Tier(up_to=30, unit_micro=9_900 * MICRO),
                            Tier(up_to=None, unit_micro=7_900 * MICRO),
                        ),
                    ),
                ),
            ),
        ),
    ),
    SampleProduct(
        scene="data_api",
        seller="shuzhou",
        channel="shuzhou",
        kind="saas",
        category="analytics",
        slug="data-api",
        text=VersionText(
            title="数舟数据接口",
            title_en="Shuzhou Data API",
            summary="按调用量付费的经营数据接口",
            summary_en="Business data by the call",
            description="每月承诺用量先付，超出部分按调用量分档计价。\n\n- 用量越大单价越低\n- 每月含 1 万次调用",
            description_en="A monthly commitment is paid ahead; calls beyond it are charged in tiers.\n\n"
            "- The more, the cheaper\n- 10,000 calls a month included",
        ),
        plan=DraftPlan(
            code="commit",
            name="承诺版",
            name_en="Committed",
            features=(Feature("sandbox", "含测试环境", "A test environment included"),),
            deadline_s=DAY_S,
            price=PlanPrice(
                currency="CNY",
                interval="month",
                term_months=1,
                components=(
                    Commitment(kind="commitment", amount_minor=80_000, overage_ppm=900_000),
                    Metered(
                        kind="metered",
                        dimension="api_calls",
                        name="接口调用",
                        name_en="API calls",
                        unit="次",
                        unit_en="calls",
                        included=10_000,
                        tiers=(
                            Tier(up_to=1_000_000, unit_micro=350_000),
                            Tier(up_to=None, unit_micro=200_000),
                        ),
                    ),
                ),
            ),
        ),
    ),
    SampleProduct(
        scene="hardening",
        seller="jinghe",
        channel="jinghe",
        kind="service",
        category="security",
        slug="security-hardening",
        text=VersionText(
            title="安全加固服务",
            title_en="Security hardening",
            summary="评估、加固、复测，逐步验收",
            summary_en="Assessed, hardened, tested again: step by step",
            description="三个里程碑，逐个验收后付给卖家。\n\n- 评估报告\n- 加固实施\n- 复测通过",
            description_en="Three milestones, each released when you accept it.\n\n- Report\n- Hardening\n- Second test",
            refund_window_days=30,
        ),
        plan=DraftPlan(
            code="hardening",
            name="标准加固",
            name_en="Standard hardening",
            features=(Feature("retest", "含一次复测", "One second test included"),),
            deadline_s=14 * DAY_S,
            price=PlanPrice(
                currency="CNY",
                interval="none",
                term_months=0,
                components=(
                    Milestones(
                        kind="milestones",
                        steps=(
                            Milestone(
                                code="assessment", amount_minor=280_000, name="评估报告", name_en="Assessment report"
                            ),
                            Milestone(code="hardening", amount_minor=460_000, name="加固实施", name_en="Hardening"),
                            Milestone(code="retest", amount_minor=160_000, name="复测通过", name_en="Second test"),
                        ),
                    ),
                ),
            ),
        ),
    ),
    SampleProduct(
        scene="archive",
        seller="lanqiao",
        channel="lanqiao",
        kind="saas",
        category="collaboration",
        slug="archive",
        text=VersionText(
            title="蓝桥档案库",
            title_en="Bluebridge Archive",
            summary="三年合同，按月分期付款",
            summary_en="A contract of three years, paid by the month",
            description="三年一签，分 36 期付款，每期自动扣款并单独开票。\n\n- 文件留存与检索\n- 权限与审计",
            description_en="Signed for three years and paid in 36 instalments, each charged by itself with its own invoice.\n\n"
            "- Files kept and found\n- Permissions and audit",
        ),
        plan=DraftPlan(
            code="three_years",
            name="三年版",
            name_en="Three years",
            features=(Feature("search", "全文检索", "Full-text search"),),
            deadline_s=DAY_S,
            price=PlanPrice(
                currency="CNY",
                interval="year",
                term_months=36,
                instalments=36,
                components=(Flat(kind="flat", amount_minor=3_600_000),),
            ),
        ),
    ),
)
