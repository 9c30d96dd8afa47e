"""Milestones in words: what each waits for, and what happens then."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

from api.pages.frame import addresses
from api.pages.frame.phrases import money, seconds_since
from api.pages.frame.site import PageRequest
from api.pages.services.views import MilestoneFileItem, MilestoneItem, MilestoneRound, WaitingItem
from orders.milestones.begin import WHOLE
from orders.milestones.queries import MilestoneFileView, MilestoneView, WaitingMilestone

Act = Literal["decide", "cancel", "deliver"]


def bought_milestones(
    page_request: PageRequest, found: Sequence[MilestoneView], typed: Mapping[str, str] | None, *, may_act: bool
) -> tuple[MilestoneItem, ...]:
    """Those of an order as its buyer sees them, numbered."""
    return tuple(
        milestone_item(page_request, one, number, of_buyer=True, may_act=may_act, typed=typed)
        for number, one in enumerate(found, 1)
    )


def milestone_item(
    page_request: PageRequest,
    one: MilestoneView,
    number: int,
    *,
    of_buyer: bool,
    may_act: bool,
    typed: Mapping[str, str] | None = None,
) -> MilestoneItem:
    """A milestone as its buyer or its seller sees it. ``typed``: by milestone, what was typed before it was refused."""
    order_id, milestone_id = str(one.order_id), str(one.id)
    of_side = addresses.services.bought_milestone if of_buyer else addresses.services.sold_milestone
    verbs = ("accept", "rework", "cancel") if of_buyer else ("files", "deliver")
    return MilestoneItem(
        id=milestone_id,
        number=number,
        name=milestone_name(page_request, one.code, one.name, one.name_en),
        state=one.state,
        gross=money(one.gross_minor, one.currency),
        due_at=one.due_at,
        overdue_s=seconds_since(one.due_at) if one.is_overdue and one.due_at else 0,
        says=_says(page_request, one, of_buyer=of_buyer),
        version=one.version,
        rounds=tuple(
            MilestoneRound(
                each.version,
                each.words,
                each.delivered_at,
                each.rework_words or "",
                tuple(_file(one, file, of_buyer=of_buyer) for file in each.files),
            )
            for each in one.deliveries
        ),
        drafts=tuple(_file(one, file, of_buyer=False, is_draft=True) for file in one.drafts),
        acts=_acts(one, of_buyer=of_buyer) if may_act else frozenset(),
        addresses={verb: of_side(order_id, milestone_id, verb) for verb in verbs},
        typed=(typed or {}).get(milestone_id, ""),
    )


def waiting_item(page_request: PageRequest, one: WaitingMilestone, *, sells: bool) -> WaitingItem:
    """One in a list of those that wait: its seller opens its milestones, the platform its trace."""
    order_id = str(one.order_id)
    return WaitingItem(
        address=addresses.services.seller_service(order_id) if sells else addresses.trace(order_id),
        number=one.number,
        listing_name=page_request.pick(one.title, one.title_en),
        name=milestone_name(page_request, one.code, one.name, one.name_en),
        buyer_name=one.buyer_name,
        seller_name=one.seller_name,
        state=one.state,
        gross=money(one.gross_minor, one.currency),
        due_at=one.due_at,
        waiting_s=seconds_since(one.since_at),
        is_overdue=one.is_overdue,
    )


def milestone_name(page_request: PageRequest, code: str, name: str, name_en: str) -> str:
    """What a milestone is called: in the reader's language, else as the plan's code does."""
    if code == WHOLE and not name and not name_en:
        return page_request.t("service.whole")
    return page_request.pick(name, name_en) or name or name_en or code


def _acts(one: MilestoneView, *, of_buyer: bool) -> frozenset[Act]:
    if not of_buyer:
        return frozenset({"deliver"}) if one.state in ("open", "rework") else frozenset()
    if one.state == "delivered":
        return frozenset({"decide"})
    return frozenset({"cancel"}) if one.may_cancel else frozenset()


def _says(page_request: PageRequest, one: MilestoneView, *, of_buyer: bool) -> str:
    t, day, moment = page_request.t, page_request.formats.day, page_request.formats.moment
    side = "buyer" if of_buyer else "seller"
    until, due = one.deadline_at, one.due_at
    match one.state:
        case "pending" if until is not None:
            return t(f"service.says.pending.{side}", at=moment(until))
        case "open" | "rework" if due is not None and until is not None and one.cancellable_at is not None:
            if one.is_overdue:
                from_day = day(one.cancellable_at)
                return t(f"service.says.overdue.{side}", day=day(due), from_day=from_day, until=day(until))
            return t(f"service.says.{one.state}.{side}", day=day(due))
        case "delivered" if until is not None:
            return t(f"service.says.delivered.{side}", at=moment(until))
        case "accepted" if one.accepted_at is not None:
            return t(f"service.says.accepted.{side}", day=day(one.accepted_at))
        case _:
            return t(f"service.says.cancelled.{side}")


def _file(one: MilestoneView, file: MilestoneFileView, *, of_buyer: bool, is_draft: bool = False) -> MilestoneFileItem:
    named = (str(one.order_id), str(one.id), str(file.id))
    if of_buyer:
        return MilestoneFileItem(file.file_name, file.size_bytes, addresses.services.bought_file(*named))
    remove = addresses.services.sold_file(*named, "remove") if is_draft else ""
    return MilestoneFileItem(file.file_name, file.size_bytes, addresses.services.sold_file(*named), remove)
