"""Cases of money that is asked back, in words: what was said and done when, and what happens next by itself."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from api.pages.frame import addresses
from api.pages.frame.phrases import money
from api.pages.frame.prices import amount_as_typed
from api.pages.frame.site import PageRequest
from api.pages.refund_cases.views import (
    OperatorRefundCasePage,
    RefundCaseItem,
    RefundCasePage,
    RefundEvidenceItem,
    SellerRefundCasePage,
    Side,
)
from api.pages.subscriptions.views import LifeEntry
from api.v1.refund_cases import BUY, DECIDES
from marketplace.onboarding.legal_document import MAX_BYTES
from orders.refunds.ask_refund import MAX_WORDS
from orders.refunds.evidence import MOST
from orders.refunds.models import OPEN
from orders.refunds.queries import RefundCaseView

PAGES: Final[dict[Side, type[RefundCasePage]]] = {
    "buyer": RefundCasePage,
    "seller": SellerRefundCasePage,
    "operator": OperatorRefundCasePage,
}
ACTS: Final[dict[Side, str]] = {"buyer": BUY, "seller": DECIDES, "operator": "operator.payouts"}
"""What somebody of a side needs to do something about a case."""
TURN: Final = {"asked": "seller", "refused": "buyer", "escalated": "operator"}
"""For whom a state waits."""


def case_item(page_request: PageRequest, case: RefundCaseView, side: Side) -> RefundCaseItem:
    """One as a line of a list."""
    others = {"buyer": case.seller_name, "seller": case.buyer_name}.get(side, f"{case.buyer_name} · {case.seller_name}")
    return RefundCaseItem(
        address=addresses.refunds.case(side, str(case.id)),
        what=what_of(page_request, case),
        order_number=case.order_number,
        others=others,
        state=case.state,
        asked=money(case.asked_minor, case.currency),
        granted=None if case.granted_minor is None else money(case.granted_minor, case.currency),
        deadline_at=case.deadline_at,
        asked_at=case.created_at,
        waits=TURN.get(case.state) == side and page_request.principal.may(ACTS[side]),
    )


def case_page(page_request: PageRequest, case: RefundCaseView, side: Side) -> RefundCasePage:
    """One in full. What can be done is what its verbs would take now."""
    acts = page_request.principal.may(ACTS[side])
    order = addresses.order(str(case.order_id)) if side == "buyer" else addresses.trace(str(case.order_id))
    most_minor = min(case.asked_minor, case.left_minor)
    is_open = case.state in OPEN
    return PAGES[side](
        id=str(case.id),
        what=what_of(page_request, case),
        order_number=case.order_number,
        order_address=order,
        buyer_name=case.buyer_name,
        seller_name=case.seller_name,
        state=case.state,
        asked=money(case.asked_minor, case.currency),
        left=money(case.left_minor, case.currency),
        granted=None if case.granted_minor is None else money(case.granted_minor, case.currency),
        deadline_at=case.deadline_at,
        is_disputed=is_open and case.is_disputed,
        is_owed=case.is_owed,
        course=tuple(course_of(page_request, case)),
        evidence=tuple(
            RefundEvidenceItem(
                addresses.refunds.evidence(side, str(case.id), str(one.id)),
                one.file_name,
                one.size_bytes,
                one.side,
                one.created_at,
            )
            for one in case.evidence
        ),
        most_evidence=MOST,
        max_bytes=MAX_BYTES,
        words_most=MAX_WORDS,
        may_decide=acts and side != "buyer" and TURN.get(case.state) == side,
        may_escalate=acts and side == "buyer" and case.state == "refused",
        may_withdraw=acts and side == "buyer" and is_open,
        may_show=acts and side != "operator" and is_open and sum(one.side == side for one in case.evidence) < MOST,
        amount=amount_as_typed(most_minor, case.currency),
    )


def course_of(page_request: PageRequest, case: RefundCaseView) -> Iterator[LifeEntry]:
    """What was said and done, the first thing first, and what its deadline brings."""
    t = page_request.t
    asked = page_request.formats.money(money(case.asked_minor, case.currency))
    yield LifeEntry(case.created_at, "undo", "done", t("refund_case.step.asked", amount=asked), case.reason)
    granted = ""
    if case.granted_minor is not None:
        amount = page_request.formats.money(money(case.granted_minor, case.currency))
        granted = t("refund_case.step.granted", amount=amount)
    by_seller = granted and case.escalated_at is None
    if case.answered_at is not None:
        title = granted if by_seller else t("refund_case.step.refused")
        yield LifeEntry(case.answered_at, "message", "done" if by_seller else "failed", title, case.answer)
    if case.escalated_at is not None:
        title = t("refund_case.step.escalated") if case.answered_at else t("refund_case.step.seller_silent")
        yield LifeEntry(case.escalated_at, "split", "done", title, case.appeal)
    if case.ended_at is not None and not by_seller:
        yield _end(page_request, case, granted)
    if case.deadline_at is not None and not case.is_disputed:
        default = "escalated_unanswered" if case.state == "escalated" and case.answered_at is None else case.state
        yield LifeEntry(case.deadline_at, "clock", "todo", t(f"refund_case.due.{default}"), is_due=True)


def _end(page_request: PageRequest, case: RefundCaseView, granted: str) -> LifeEntry:
    assert case.ended_at is not None  # noqa: S101 - asked for what has ended
    said = case.decision or (page_request.t("refund_case.nobody_decided") if _by_clock(case) else "")
    title = granted or page_request.t(f"refund_case.step.{case.state}")
    icon, state = ("check", "done") if granted else ("close", "failed" if case.state == "rejected" else "done")
    return LifeEntry(case.ended_at, icon, state, title, said)  # type: ignore[arg-type]  # one of two literals


def _by_clock(case: RefundCaseView) -> bool:
    return case.state in {"granted", "rejected"} and case.decided_at is None


def what_of(page_request: PageRequest, case: RefundCaseView) -> str:
    """What the order was for, by its first line."""
    title = page_request.pick(case.title, case.title_en)
    return page_request.t("list.and_more", title=title, n=case.lines - 1) if case.lines > 1 else title
