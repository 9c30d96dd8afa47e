"""Groups: headquarters and subsidiaries with what they may do, and a subsidiary as its headquarters reads it."""

from __future__ import annotations

from api.pages.frame.choices import Choice
from api.pages.groups.presenter import ASKED_AT_FIRST, rights_shown
from api.pages.groups.views import (
    AllocatedSeatItem,
    AllocatedView,
    AllocationItem,
    GroupItem,
    GroupView,
    MemberOrderItem,
    MemberUseItem,
    MemberView,
)
from tests.browser.preview.buying_samples import NOW, cny
from tests.browser.preview.selling_samples import DeskSamples


def _one(n: int, name: str, state: str, *rights: str, is_hq: bool = True, **acts: str) -> GroupItem:
    return GroupItem(f"m{n}", name, state, is_hq, not n % 2, rights_shown(rights), NOW, **acts)


def _allocation(s: DeskSamples, *, save: str = "") -> AllocationItem:
    names = (s.pick("王芳", "Wang Fang"), s.pick("李强", "Li Qiang")) if save else ()
    return AllocationItem(
        *("a1", "e1", s.pick("松湖物流", "Songhu Logistics"), "/1", s.pick("云帆客户管理", "Yunfan CRM"), s.seller),
        *("active", 60, 41, NOW),
        save=save,
        holders=names,
    )


def group(s: DeskSamples, *, refused: bool = False) -> GroupView:
    """A headquarters asks; one subsidiary is in force, one waits, one has left."""
    rows = (
        _one(1, s.buyer, "requested", "see_orders", "pay", is_hq=False, accept_rights="/a", decline="/d"),
        _one(2, s.pick("松湖物流", "Songhu Logistics"), "active", *ASKED_AT_FIRST, address="/1", end="/e"),
        _one(4, s.pick("中山精密", "Zhongshan Precision"), "requested", "see_usage", withdraw="/w"),
        _one(5, s.pick("江汉工业", "Jianghan Industries"), "ended"),
    )
    wrong = s.pick("没有找到这个组织。", "There is no such organization.") if refused else ""
    return GroupView(
        "/group",
        rows,
        rights_shown(ASKED_AT_FIRST),
        allocations=(_allocation(s),),
        files=("/v1/group-report/csv", "/v1/group-report/xlsx"),
        error_field="partners" if refused else "",
        field_error=wrong,
    )


def subsidiary_of(s: DeskSamples) -> GroupView:
    """The subsidiary's side: it changes what its headquarters may do, or leaves."""
    return GroupView(
        "/group", (_one(1, s.buyer, "active", "see_orders", is_hq=False, change="/r", end="/e"),), rights_shown(())
    )


def member(s: DeskSamples) -> MemberView:
    """Its orders are shown, and what it uses."""
    crm = s.pick("云帆客户管理", "Yunfan CRM")
    return MemberView(
        "/group",
        _one(2, s.pick("松湖物流", "Songhu Logistics"), "active", *ASKED_AT_FIRST),
        sees_orders=True,
        sees_usage=True,
        orders=(MemberOrderItem("O-2026-000123", crm, s.seller, "active", cny(1_908_000), NOW),),
        used=(MemberUseItem(crm, s.seller, "active", 20, 14, NOW),),
        allocations=(_allocation(s, save="/s"),),
        products=(Choice("e1", f"{crm} · {s.seller}"),),
        allocate="/s",
    )


def allocated(s: DeskSamples, *, ended: bool = False) -> AllocatedView:
    """Two of three seats are given; or the headquarters took them back."""
    people = ((s.pick("王芳", "Wang Fang"), "wang@"), (s.pick("李强", "Li Qiang"), "li@"))
    seats = tuple(AllocatedSeatItem(mail, name, f"{mail}songhu.example", NOW) for name, mail in people)
    return AllocatedView(
        *(s.pick("云帆客户管理", "Yunfan CRM"), s.seller, s.buyer, "ended" if ended else "active", 3, NOW),
        seats=() if ended else seats,
        candidates=(Choice("p3", s.pick("赵敏 · zhao@songhu.example", "Zhao Min · zhao@songhu.example")),),
        may_assign=not ended,
        address="/s",
        launch="" if ended else "/l",
        ended_for="taken_back" if ended else "",
    )
