"""Sample view models in Chinese and English: approvals, access, invoices and errors."""

from dataclasses import replace
from datetime import date, timedelta

from api.pages.approvals.views import ApprovalRequest, ApprovalsView, Decision, DeputyShown, StepShown
from api.pages.entitlements.views import (
    EntitlementItem,
    EntitlementsView,
    EntitlementView,
    MemberChoice,
    SeatItem,
    SubscriptionPanel,
)
from api.pages.frame.choices import Choice
from api.pages.frame.error_view import ErrorView
from api.pages.frame.rendering import View
from api.pages.identity_provider.views import (
    DomainShown,
    IdentityProviderView,
    ProviderFoundView,
    ProviderTyped,
    WaitingDomainsView,
)
from api.pages.invoices.views import InvoiceFields, InvoiceItem, InvoicePanel, InvoicePanelLine, InvoicesView
from api.pages.purchase_policy.views import Allowed, PolicyView, StepTyped
from api.pages.purchase_rules.views import RuleShown, RulesView, RuleTyped
from kernel.money import Money
from tests.browser.preview.buying_samples import ID, NOW, Samples, cny


class FinanceSamples(Samples):
    """What the buyer's approvers, admins and finance see."""

    def approvals(self) -> ApprovalsView:
        """One request with its clip, one decided."""
        p = self.pick
        one = ApprovalRequest(
            ID.format(90),
            (f"{self.hiring} · {p('专业版', 'Pro')} × 200", f"{p('发票验真', 'Invoice Check')} · Team × 1"),
            self.seller,
            cny(3_980_000),
            p("1 年", "1 year"),
            p("林晓", "Lin Xiao"),
            NOW - timedelta(hours=5),
            NOW + timedelta(days=6),
            (
                p("超出单次采购额度 ¥10,000", "Above the limit of ¥10,000 for one purchase"),
                p(
                    "当月累计将超过 ¥50,000；此前已用 ¥18,200",
                    "The month comes to more than ¥50,000; ¥18,200 was used before",
                ),
            ),
            p(
                "春招前要上线，现在用的表格已经撑不住。",
                "We need it before spring hiring; the spreadsheets no longer hold.",
            ),
            self.claims(kept=False),
            p("用一块屏管完校招", "Run a whole campus season on one screen"),
            "/media/recruiting-1.mp4",
            "/media/recruiting-1.jpg",
            3,
            14,
            (
                StepShown(
                    p("审批人：周蕾 已批准", "an approver: approved by Zhou Lei"),
                    "done",
                    p("年度预算内", "In the budget"),
                ),
                StepShown(p("财务：待决定", "finance: to decide now"), "now"),
                StepShown(p("刘审言：随后", "Liu Shenyan: afterwards"), "later"),
            ),
            2,
            p("刘审言", "Liu Shenyan"),
        )
        other = replace(
            one,
            purchase_id=ID.format(94),
            steps=(),
            video_src="",
            blocked=p("这一步不由您决定，正在等待财务。", "This step is not yours to decide. It waits for finance."),
        )
        decided = Decision(
            ID.format(91), "Harbor Backup", cny(35_280), p("周蕾", "Zhou Lei"), True, "", NOW - timedelta(days=1)
        )
        refused = Decision(
            ID.format(92),
            p("客户管理", "Customer Desk"),
            cny(680_000),
            p("周蕾", "Zhou Lei"),
            False,
            p("已有同类软件", "We already have one"),
            NOW - timedelta(days=3),
        )
        return ApprovalsView(
            (one, other),
            1,
            (decided, refused),
            deputies=(
                DeputyShown(
                    ID.format(93),
                    p("何川 代 刘审言 审批", "He Chuan decides in the place of Liu Shenyan"),
                    date(2026, 10, 1),
                    date(2026, 10, 7),
                    p("何川 将不再代 刘审言 审批。现在结束？", "He Chuan decides no longer. End it now?"),
                    may_end=True,
                ),
            ),
            colleagues=(Choice("m1", p("林晓", "Lin Xiao")), Choice("m2", p("何川", "He Chuan"))),
            today="2026-09-28",
        )

    def purchase_policy(self) -> PolicyView:
        """Two steps and a list of two."""
        p = self.pick
        people = (Choice("m1", p("林晓", "Lin Xiao")), Choice("m2", p("何川", "He Chuan")))
        return PolicyView(
            steps=(p("审批人", "an approver"), p("财务，仅限超过 ¥50,000 的采购", "finance, only above ¥50,000")),
            typed=(StepTyped(1, "approver"), StepTyped(2, "persons", ("m2", "", ""), "50,000.00"), StepTyped(3)),
            colleagues=people,
            currencies=("CNY", "USD", "EUR"),
            mode="ask",
            allowed=(
                Allowed("seller", "s1", self.seller),
                Allowed("listing", "l1", self.hiring, "/products/l1"),
            ),
            may_change=True,
        )

    def identity_provider(self) -> IdentityProviderView:
        """Set and required, with one domain that counts and one that waits."""
        return IdentityProviderView(
            is_set=True,
            is_owner=True,
            typed=ProviderTyped(
                "https://login.yuanshan.example/tenant-1", "channel-market", "viewer", is_required=True
            ),
            redirect_uri="https://market.example/sign-in/provider/callback",
            roles=("purchaser", "viewer"),
            domains=(
                DomainShown("d1", "yuanshan.example", "approved", NOW),
                DomainShown("d2", "subsidiary-with-a-long-name.example", "pending", NOW),
            ),
        )

    def way_in(self) -> ProviderFoundView:
        """A provider that was found."""
        return ProviderFoundView(
            "lin@yuanshan.example", "/", self.buyer, "login.yuanshan.example", "/sign-in/provider/p1"
        )

    def email_domains(self) -> WaitingDomainsView:
        """One that waits."""
        return WaitingDomainsView((DomainShown("d2", "yuanshan.example", "pending", NOW, self.buyer),))

    def purchase_rules(self) -> RulesView:
        """Of everything, and of one category."""
        p = self.pick

        def shown(subject: str, category: str) -> RuleShown:
            typed = RuleTyped("CNY", "50,000.00", "200,000.00")
            name = p("人民币", "Chinese yuan")
            key = f"CNY-{category}"
            limits = (cny(5_000_000), cny(20_000_000), cny(1_820_000))
            return RuleShown("CNY", name, key, subject, "", category, *limits, self_approval=False, typed=typed)

        return RulesView(
            rules=(shown("", ""), shown(p("人力资源", "HR"), "hr")),
            currencies=(Choice("USD", "USD"),),
            may_change=True,
            typed=RuleTyped(),
            categories=(Choice("hr", p("人力资源", "HR")),),
            scoped_currencies=("CNY", "USD"),
        )

    def entitlement(self) -> EntitlementView:
        """Three of twenty seats in use."""
        names = (("林晓", "Lin Xiao", "lin"), ("周蕾", "Zhou Lei", "zhou"), ("何川", "He Chuan", "he"))
        seats = tuple(
            SeatItem(
                f"m{n}",
                self.pick(zh, en),
                f"{mail}@yuanshan.example",
                NOW - timedelta(days=n),
            )
            for n, (zh, en, mail) in enumerate(names)
        )
        return EntitlementView(
            ID.format(70),
            "l1",
            self.hiring,
            self.pick("专业版", "Pro"),
            self.seller,
            "active",
            20,
            NOW,
            NOW + timedelta(days=365),
            seats,
            (MemberChoice("m9", self.pick("沈月", "Shen Yue"), "shen@yuanshan.example"),),
            True,
            True,
            ID.format(40),
            SubscriptionPanel(
                ID.format(72),
                "active",
                True,
                NOW + timedelta(days=365),
                NOW + timedelta(days=364),
                self.pick("¥3,980.00", "CN¥3,980.00"),
                None,
                True,
            ),
            data_kept_days=30,
        )

    def entitlements(self) -> EntitlementsView:
        """What the organization has."""
        return EntitlementsView(
            (
                EntitlementItem(
                    ID.format(70),
                    self.hiring,
                    self.pick("专业版", "Pro"),
                    self.seller,
                    "active",
                    3,
                    20,
                    NOW + timedelta(days=365),
                    True,
                ),
                EntitlementItem(ID.format(71), "Harbor Backup", "500 GB", "Harbor", "suspended", 1, 1, None, False),
            )
        )

    def invoices(self, *, opened: bool = False) -> InvoicesView:
        """A month with a credit note."""
        rows = tuple(
            InvoiceItem(
                ID.format(80 + n),
                f"INV-2026-{912 - n:06d}" if gross > 0 else "CN-2026-000031",
                "invoice" if gross > 0 else "credit_note",
                seller,
                date(2026, 11, 22 - 3 * n),
                ID.format(40 + n),
                f"O-2026-{318 - n:06d}",
                "PO-2026-1107" if n == 0 else "",
                "MKT-01" if n == 0 else "",
                cny(net),
                cny(gross - net),
                cny(gross),
                state,
            )
            for n, (seller, net, gross, state) in enumerate(
                (
                    (self.seller, 375_472, 398_000, "issued"),
                    (self.pick("云票", "Cloud Receipts"), 113_208, 120_000, "issued"),
                    (self.seller, 1_207_547, 1_280_000, "partly_credited"),
                    (self.seller, -60_000, -63_600, "issued"),
                )
            )
        )
        detail = InvoicePanel(
            rows[0],
            (
                InvoicePanelLine(
                    f"{self.hiring} {self.pick('专业版', 'Pro')}",
                    self.pick("20 席 × 1 年", "20 seats × 1 year"),
                    cny(375_472),
                    60_000,
                    cny(22_528),
                ),
            ),
            "91330106MA2XXXXX1T",
            self.buyer,
            "91330108MA27YYYY3K",
            self.pick(
                "订单 O-2026-000318，期间 2026-11-22 至 2027-11-21", "Order O-2026-000318, 22 Nov 2026 to 21 Nov 2027"
            ),
            "叁仟玖佰捌拾圆整",
            fapiaos=(("f1", "26332000000012345678"),),
            accounting_tax=Money(3_179, "USD"),
            accounting_rate="USD 1 = CNY 7.0875 (PBOC, 2026-11-20)",
        )
        return InvoicesView(
            self.pick("2026年11月发票", "Invoices of November 2026"),
            date(2026, 11, 1),
            (date(2026, 11, 1), date(2026, 10, 1)),
            rows,
            len(rows),
            1,
            (cny(1_734_400),),
            (("s1", self.seller),),
            fields=InvoiceFields(po_number="PO-2026-1107") if opened else InvoiceFields(),
            currencies=("CNY",),
            may_forward=True,
            may_ask_fapiao=True,
            opened=detail if opened else None,
        )

    def errors(self) -> dict[str, View]:
        """The pages for what went wrong."""
        p = self.pick
        rows = (
            (
                403,
                "forbidden",
                p("您没有这项权限。", "You may not do this."),
                p("没有任何改动。", "Nothing was changed."),
                p(
                    "请企业管理员给您采购角色，或切换组织。",
                    "Ask an admin for the purchaser role, or switch organization.",
                ),
            ),
            (
                404,
                "not_found",
                p("没有这个页面。", "There is no such page."),
                p("您的数据没有变化。", "Your data is untouched."),
                p("检查地址，或回到频道。", "Check the address, or go back to the channel."),
            ),
            (
                422,
                "invalid",
                p("有一项填写不对。", "Something was filled in wrongly."),
                p("没有提交，没有扣款。", "Nothing was sent or charged."),
                p("返回修改后再提交。", "Go back, correct it and send again."),
            ),
            (
                500,
                "internal",
                p("服务出了问题。", "Something broke on our side."),
                p("没有扣款。已记录的订单不会丢失。", "Nothing was charged. Recorded orders are safe."),
                p("稍后重试。若仍不行，把编号告诉支持。", "Try again shortly, or give support the number below."),
            ),
        )
        return {
            f"error_{status}": ErrorView(status, code, what, safe, todo, ID.format(99))
            for status, code, what, safe, todo in rows
        }
