"""What is asked outside of a purchase, in sentences."""

from __future__ import annotations

from collections.abc import Iterable

from api.pages.frame.site import PageRequest
from orders.approval_apps.queries import OutsideAnswerView, OutsideApprovalView


def outside_sentences(page_request: PageRequest, outside: Iterable[OutsideApprovalView]) -> tuple[str, ...]:
    """One for each step that is asked outside, and one for each answer from there."""
    return tuple(
        sentence
        for one in outside
        for sentence in (
            _asked(page_request, one),
            *(answer_sentence(page_request, answer, one.provider) for answer in one.answers),
        )
    )


def provider_name(page_request: PageRequest, provider: str) -> str:
    """As it is called there."""
    return page_request.t(f"approval_apps.provider.{provider}")


def reason_text(page_request: PageRequest, reason: str | None) -> str:
    """Why something was not asked or not counted; what the provider said itself is behind its colon."""
    code, _, said = (reason or "").partition(": ")
    text = page_request.t(f"approval_apps.reason.{code}") if code else ""
    return f"{text} ({said})" if said else text


def answer_sentence(page_request: PageRequest, answer: OutsideAnswerView, provider: str) -> str:
    """Who did what, and whether it counted."""
    who = answer.person_name or answer.user_id or "?"
    done = page_request.t(f"approval_apps.did.{answer.kind}", who=who, provider=provider_name(page_request, provider))
    if answer.outcome != "not_counted":
        return done
    return page_request.t("approval_apps.not_counted", done=done, reason=reason_text(page_request, answer.reason))


def _asked(page_request: PageRequest, one: OutsideApprovalView) -> str:
    name = provider_name(page_request, one.provider)
    if one.state == "failed":
        return page_request.t("approval_apps.not_asked", provider=name, reason=reason_text(page_request, one.reason))
    if one.state == "withdrawn" and one.withdrawal in {"impossible", "refused"}:
        return page_request.t("approval_apps.stays_open", provider=name)
    return page_request.t(f"approval_apps.state.{one.state}", provider=name, n=one.asked)
