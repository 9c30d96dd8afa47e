"""The approval of an order's purchase on its page: who decides or has decided, and what is asked outside."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from api.pages.frame.approval_words import who_decides
from api.pages.frame.outside_words import outside_sentences
from api.pages.frame.site import PageRequest
from api.pages.frame.timeline import Link, LinkState
from api.pages.frame.translations import translations
from orders.approval_apps.queries import OutsideApprovalView
from orders.approval_rules.steps import ANY_APPROVER
from orders.checkout.views import PurchaseView
from orders.order.views import OrderView


def approval_links(
    page_request: PageRequest,
    purchase: PurchaseView,
    order: OrderView,
    at: Callable[[str], datetime | None],
    outside: Sequence[OutsideApprovalView],
) -> list[Link]:
    """Nothing of a purchase that needed no approval. `at`: when the order first came into a state."""
    asked = at("pending_approval")
    if asked is None:
        return []
    words, name = translations(page_request.language), purchase.decided_by_name or ""
    said = outside_sentences(page_request, outside)

    def link(state: LinkState, when: datetime | None, text: str, tag: str = "") -> list[Link]:
        return [Link("approval", state, when, " · ".join([text, *said]), tag=tag)]

    if purchase.decision == "approved":
        return link("done", at("pending_payment"), page_request.t("order.approved_by", name=name))
    if purchase.decision == "rejected":
        text = page_request.t("order.rejected_by", name=name, reason=purchase.decision_reason or "")
        return link("failed", at("rejected"), text, words.word("decision", "rejected"))
    if order.state == "pending_approval":
        waits = purchase.waits_for
        who = who_decides(page_request, waits.step if waits else ANY_APPROVER)
        return link("waiting", asked, page_request.t("order.approval_waits", who=who))
    tag = words.word("order", order.state)
    if order.state == "cancelled":
        return link("failed", at("cancelled"), page_request.t("order.called_off"), tag)
    return link("failed", at("expired"), page_request.t("order.approval_expired"), tag)
