"""Why a purchase needs a decision, and who decides, in words: the same ones that the purchase sheet's script uses."""

from __future__ import annotations

from collections.abc import Iterable

from api.pages.frame.phrases import money
from api.pages.frame.site import PageRequest
from api.pages.frame.translations import translations
from orders.approval_rules.steps import ApprovalStep
from orders.checkout.approval_reasons import ApprovalReason


def reason_sentence(page_request: PageRequest, reason: ApprovalReason, currency: str) -> str:
    """One reason, with the amounts it was measured by."""

    def amount(minor: int | None) -> str:
        return page_request.formats.price(money(minor or 0, currency))

    return page_request.t(
        f"js.reason.{reason.code}",
        limit=amount(reason.limit_minor),
        spent=amount(reason.spent_minor),
        subject=_subject(page_request, reason),
    )


def who_decides(page_request: PageRequest, step: ApprovalStep) -> str:
    """Whoever may take the step."""
    return page_request.t(
        f"js.decides.{step.who}", names=page_request.t("js.or").join(one.name for one in step.persons)
    )


def steps_sentence(page_request: PageRequest, steps: Iterable[ApprovalStep]) -> str:
    """All of them in order."""
    if not (steps := tuple(steps)):
        return ""
    said = page_request.t("js.then").join(who_decides(page_request, one) for one in steps)
    return page_request.t("js.decided_by", who=said)


def _subject(page_request: PageRequest, reason: ApprovalReason) -> str:
    subject = reason.subject or ""
    if reason.code.startswith("category_"):
        return category_name(page_request, subject)
    return page_request.pick(subject, reason.subject_en or subject)


def category_name(page_request: PageRequest, category: str) -> str:
    """The word for a category that has one of ours; others stay as their seller wrote them."""
    words = translations(page_request.language)
    return words.word("category", category) if f"word.category.{category}" in words.texts else category
