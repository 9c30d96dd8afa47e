"""Services in milestones: beside the buyer's order, the seller's list and one order of it, and what the platform sees."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from api.pages.frame.rendering import View
from api.pages.orders.views import OrderPageView
from api.pages.services.views import (
    MilestoneFileItem,
    MilestoneItem,
    MilestoneRound,
    ServicePage,
    ServicesView,
    StuckServicesView,
    WaitingItem,
)
from tests.browser.preview.buying_samples import NOW, cny
from tests.browser.preview.selling_samples import DeskSamples

DAY = timedelta(days=1)
MINOR = (280_000, 460_000, 160_000)


def _milestones(s: DeskSamples, *, sold: bool) -> tuple[MilestoneItem, ...]:
    names = (s.pick("评估报告", "Assessment"), s.pick("加固实施", "Hardening"), s.pick("复测", "Second test"))
    report = MilestoneFileItem(s.pick("评估报告-终稿.pdf", "assessment-final.pdf"), 2_480_000, "/x")
    first = MilestoneRound(1, s.pick("初稿，请审阅。", "A first draft."), NOW - 9 * DAY, "", (report,))
    again = replace(first, rework_words=s.pick("缺少第三章的截图。", "The pictures of chapter 3 are missing."))
    final = MilestoneRound(2, s.pick("已补齐截图。", "With the pictures."), NOW - 2 * DAY, "", (report, report))
    states = (
        ("accepted", s.pick("2026年10月28日 已验收，款项付给卖方。", "Accepted Oct 28, 2026; its money is released.")),
        ("delivered", s.pick("请查看交付内容。", "Please look at it. Without a word it is accepted at Nov 6, 2026.")),
        ("rework" if sold else "open", s.pick("应于 2026年10月10日 交付。", "Was due Oct 10, 2026.")),
    )
    rows = tuple(
        MilestoneItem(
            f"m{number}", number, name, state, cny(minor), NOW, 0, says, 1, (),
            addresses=dict.fromkeys(("accept", "rework", "cancel", "files", "deliver"), "/x"),
        )
        for number, (name, minor, (state, says)) in enumerate(zip(names, MINOR, states, strict=True), 1)
    )  # fmt: skip
    late = replace(
        rows[2],
        overdue_s=17 * 86_400,
        acts=frozenset({"deliver"} if sold else {"cancel"}),
        rounds=(again,) if sold else (),
        drafts=(replace(report, remove="/x"),) if sold else (),
    )
    waits = replace(rows[1], rounds=(final, again), acts=frozenset() if sold else frozenset({"decide"}))
    return replace(rows[0], rounds=(first,)), waits, late


def order(s: DeskSamples, *, refused: bool = False) -> OrderPageView:
    """The buyer's order with its milestones."""
    rows = _milestones(s, sold=False)
    if refused:
        rows = (rows[0], replace(rows[1], typed=s.pick("缺附录", "No appendix")), rows[2])
    error = s.pick("这个里程碑已重新交付。", "This milestone was delivered again.") if refused else ""
    name = s.pick("安全加固服务", "Security hardening")
    view = replace(s.order(), listing_name=name, milestones=rows, milestone_error=error, entitlement_id=None)
    return replace(view, milestone_error_at="m2" if refused else "", may_cancel=True)


def pages(s: DeskSamples) -> dict[str, View]:
    """The seller's."""
    name = s.pick("安全加固服务", "Security hardening")
    whole = ServicePage(
        "x", "O-2026-000318", "active", name, s.buyer, cny(900_000), _milestones(s, sold=True), 20_000_000, ".pdf",
        may_deliver=True,
    )  # fmt: skip
    asked = replace(
        whole,
        state="fulfilling",
        to_take_on=NOW + 14 * DAY,
        milestones=tuple(replace(one, state="pending", rounds=(), acts=frozenset()) for one in whole.milestones),
    )
    rows = tuple(
        WaitingItem(
            "/x", "O-2026-000318", name, one.name, s.buyer, s.seller, one.state, one.gross, NOW, 86_400 * n, late
        )
        for n, (one, late) in enumerate(zip(whole.milestones, (False, False, True), strict=True), 1)
    )
    return {
        "seller-services": ServicesView(rows),
        "seller-services-none": ServicesView(()),
        "seller-service": whole,
        "seller-service-asked": asked,
        "seller-service-refused": replace(whole, error=s.pick("文件是空的。", "The file is empty."), error_at="m3"),
    }


def operators(s: DeskSamples) -> View:
    """What waits of all services."""
    listed = pages(s)["seller-services"]
    assert isinstance(listed, ServicesView)
    return StuckServicesView(listed.rows)
