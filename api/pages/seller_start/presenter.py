"""A seller's start: every step with what is known of it."""

from __future__ import annotations

from collections.abc import Sequence

from api.pages.frame import addresses
from api.pages.frame.codes import in_words
from api.pages.frame.site import PageRequest
from api.pages.seller_start.views import StepCard
from fulfillment.connectors.views import ConnectorView
from marketplace.access.permissions import ROLES
from marketplace.catalog.queries import ListingView
from marketplace.channels.queries import ChannelView
from marketplace.onboarding.queries import (
    AcceptanceView,
    Checklist,
    LegalProofView,
    PayoutAccountView,
    StepState,
    StepView,
)
from marketplace.publishing.queries import VideoRow

STEPS: dict[str, tuple[str, str]] = {
    "legal": (addresses.SELLER_LEGAL, "members.manage"),
    "tax": (addresses.SELLER_TAX, "members.manage"),
    "bank": (addresses.SELLER_PAYOUT_ACCOUNT, "billing.manage"),
    "agreement": (addresses.SELLER_AGREEMENT, "members.manage"),
    "connector": (addresses.SELLER_CONNECTORS, "connectors.write"),
    "channel": (addresses.SELLER_CHANNEL, "videos.write"),
    "listing": (addresses.SELLER_LISTINGS, "catalog.write"),
    "video": (addresses.SELLER_VIDEOS, "videos.write"),
}
"""Step → its page, and the permission that page asks for."""


def card(page_request: PageRequest, key: str, state: StepState, facts: str = "") -> StepCard:
    """A step, with a link for whoever may do it and the roles that do for everybody else."""
    address, permission = STEPS[key]
    may = page_request.principal.may(permission)
    roles = tuple(role for role, held in ROLES.items() if permission in held and role != "viewer")
    return StepCard(key, state, address if may else None, roles, facts)


def required_cards(
    page_request: PageRequest,
    checklist: Checklist,
    accounts: Sequence[PayoutAccountView],
    acceptance: AcceptanceView | None,
    connectors: Sequence[ConnectorView],
) -> tuple[StepCard, ...]:
    """What selling asks for, in the checklist's own words."""
    facts = {
        "legal": _transfer_facts(page_request, checklist.legal_proof),
        "bank": " · ".join(f"{one.currency} •••• {one.account_last4}" for one in accounts),
        "agreement": page_request.t(
            "start.accepted", name=acceptance.accepted_name, day=page_request.formats.day(acceptance.created_at)
        )
        if acceptance
        else "",
        "connector": _connector_facts(page_request, connectors),
    }
    return tuple(
        card(page_request, step.step, _state(step, connectors, checklist), step.reason or facts.get(step.step, ""))
        for step in checklist.steps
    )


def selling_cards(
    page_request: PageRequest,
    channels: Sequence[ChannelView],
    listings: Sequence[ListingView],
    videos: Sequence[VideoRow],
) -> tuple[StepCard, ...]:
    """What there is to sell. A listing that waits for review, or a video that is not published, is on its way."""
    named = [page_request.pick(one.name, one.name_en) for one in channels]
    return (
        card(page_request, "channel", "done" if channels else "todo", ", ".join(named)),
        card(page_request, "listing", _best([one.state for one in listings], waiting=("in_review",))),
        card(page_request, "video", _best([one.state for one in videos], waiting=("processing", "ready"))),
    )


def _transfer_facts(page_request: PageRequest, proof: LegalProofView | None) -> str:
    if proof is None or proof.transfer is None or proof.state != "submitted":
        return ""
    amount, reference = page_request.formats.money(proof.transfer), proof.transfer_reference
    return page_request.t("verification.transfer_to_make", amount=amount, reference=reference)


def _state(step: StepView, connectors: Sequence[ConnectorView], checklist: Checklist) -> StepState:
    if step.step == "legal" and step.state == "waiting" and checklist.legal_proof and checklist.legal_proof.transfer:
        # It is the seller's to make; whether it was cannot be known before somebody looks for it.
        return "todo"
    if step.step != "connector" or step.state == "done":
        return step.state
    if any(one.test == "running" for one in connectors):
        return "waiting"
    return "rejected" if any(one.test == "failed" for one in connectors) else "todo"


def _connector_facts(page_request: PageRequest, connectors: Sequence[ConnectorView]) -> str:
    failed = next((one for one in connectors if one.test == "failed" and one.test_failure), None)
    passed = next((one for one in connectors if one.test == "passed"), None)
    if passed is not None:
        return passed.name
    if failed is not None and failed.test_failure is not None:
        return f"{failed.name}: {in_words(page_request.language, failed.test_failure)}"
    return ", ".join(one.name for one in connectors)


def _best(states: Sequence[str], *, waiting: tuple[str, ...]) -> StepState:
    if "published" in states:
        return "done"
    return "waiting" if any(state in waiting for state in states) else "todo"
