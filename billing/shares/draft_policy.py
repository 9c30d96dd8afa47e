"""The operator drafts a version of the share policy: begins it with the rules in force, changes it, or lets it be."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from sqlalchemy import select

from billing.shares.models import SHARE_POLICY_VERSION, SharePolicyVersion
from billing.shares.policy_queries import rules_in_force
from billing.shares.rules import PolicyRule, require_rules
from kernel import audit, clock
from kernel.db.locks import lock_row
from kernel.db.uow import UnitOfWork
from kernel.errors import Conflict, Invalid, NotFound
from kernel.ids import uuid7
from marketplace.catalog.models import Listing
from marketplace.channels.models import Channel
from marketplace.input_text import optional_line
from marketplace.parties.models import PLATFORM_ORG_ID, Organization

PERMISSION: Final = "operator.payouts"
"""Of who writes the policy."""
LONGEST_REASON: Final = 300


@dataclass(frozen=True, slots=True)
class SaveDraft:
    """What a draft is to say. `reason`: what changes and why, which the public reads with it."""

    rules: tuple[PolicyRule, ...]
    reason: str = ""
    reason_en: str = ""


def start_draft(uow: UnitOfWork) -> SharePolicyVersion:
    """Begin a draft with the rules that are in force. Several may be worked on beside each other.

    Raises:
        Forbidden: `permission_missing`.
    """
    uow.principal.require(PERMISSION)
    draft = SharePolicyVersion(
        id=uuid7(),
        reason="",
        reason_en="",
        rules=[rule.stored() for rule in rules_in_force(uow, clock.now())],
        created_by=uow.principal.person_id,
        created_at=clock.now(),
    )
    SHARE_POLICY_VERSION.begin(uow, draft, org_ids=[PLATFORM_ORG_ID])
    uow.session.add(draft)
    uow.flush()
    return draft


def save_draft(uow: UnitOfWork, version_id: UUID, command: SaveDraft) -> SharePolicyVersion:
    """Let the draft say this, and nothing else.

    Raises:
        Forbidden: `permission_missing`.
        NotFound: `share_policy_not_found`.
        Conflict: `share_policy_not_draft`, it was published or discarded.
        Invalid: as `require_rules`; `text_too_long`; `share_rule_unknown`, no such listing, seller or channel.

    Locks: the draft.
    """
    draft = lock_draft(uow, version_id)
    require_rules(command.rules)
    require_known(uow, command.rules)
    draft.reason = optional_line("reason", command.reason, LONGEST_REASON)
    draft.reason_en = optional_line("reason_en", command.reason_en, LONGEST_REASON)
    draft.rules = [rule.stored() for rule in command.rules]
    uow.flush()
    return draft


def discard_draft(uow: UnitOfWork, version_id: UUID) -> SharePolicyVersion:
    """Let it be. Discarded already, nothing changes. Raises as `lock_draft`."""
    draft = _locked(uow, version_id)
    if draft.state != "discarded":
        require_draft(draft)
        SHARE_POLICY_VERSION.move(uow, draft, "discarded", org_ids=[PLATFORM_ORG_ID])
        audit.record(uow, "share_policy.discarded", subject_id=draft.id)
        uow.flush()
    return draft


def lock_draft(uow: UnitOfWork, version_id: UUID) -> SharePolicyVersion:
    """The draft, locked. Raises Forbidden, NotFound(`share_policy_not_found`), Conflict(`share_policy_not_draft`)."""
    return require_draft(_locked(uow, version_id))


def require_draft(version: SharePolicyVersion) -> SharePolicyVersion:
    """Raises Conflict(`share_policy_not_draft`)."""
    if version.state != "draft":
        raise Conflict("share_policy_not_draft")
    return version


def _locked(uow: UnitOfWork, version_id: UUID) -> SharePolicyVersion:
    uow.principal.require(PERMISSION)
    found = lock_row(uow.session, SharePolicyVersion, version_id)
    if found is None:
        raise NotFound("share_policy_not_found")
    return found


def require_known(uow: UnitOfWork, rules: Sequence[PolicyRule]) -> None:
    """Raises Invalid(`share_rule_unknown`): no such listing, seller or channel, or a listing of another category."""
    listings = {rule.listing_id: rule.category for rule in rules if rule.listing_id is not None}
    kinds = {
        row[0]: row[1] for row in uow.session.execute(select(Listing.id, Listing.kind).where(Listing.id.in_(listings)))
    }
    if any(kinds.get(listing_id) != category for listing_id, category in listings.items()):
        raise Invalid("share_rule_unknown", field="listing_id")
    sellers = {rule.seller_id for rule in rules if rule.seller_id is not None}
    known = select(Organization.id).where(Organization.id.in_(sellers), Organization.is_seller)
    if set(uow.session.scalars(known)) != sellers:
        raise Invalid("share_rule_unknown", field="seller_id")
    channels = {rule.channel_id for rule in rules if rule.channel_id is not None}
    if set(uow.session.scalars(select(Channel.id).where(Channel.id.in_(channels)))) != channels:
        raise Invalid("share_rule_unknown", field="channel_id")
