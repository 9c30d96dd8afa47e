"""Publish a drafted version of the share policy: from its instant on it applies to every sale, and never changes."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import func, select

from billing.shares.draft_policy import LONGEST_REASON, PERMISSION, require_draft, require_known
from billing.shares.models import SHARE_POLICY_VERSION, SharePolicy, SharePolicyVersion
from billing.shares.rules import PolicyRule, require_whole
from kernel import audit, clock
from kernel.db.locks import advisory_xact_lock, lock_row
from kernel.db.uow import UnitOfWork
from kernel.errors import Invalid, NotFound
from kernel.ids import uuid7
from marketplace.input_text import line
from marketplace.parties.models import PLATFORM_ORG_ID

LEAD: Final = timedelta(minutes=1)
"""A version begins no sooner after it was published: no sale that is being placed meanwhile can have missed it."""
_NUMBERING_LOCK: Final = 71


def publish_policy(uow: UnitOfWork, version_id: UUID, effective_at: datetime | None = None) -> SharePolicyVersion:
    """Publish the draft, in force from `effective_at` on; None: as soon as it may.

    Published already with the same instant, or pressed twice without one, nothing changes.

    Raises:
        Forbidden: `permission_missing`.
        NotFound: `share_policy_not_found`.
        Conflict: `share_policy_not_draft`, it was discarded, or published for another instant.
        Invalid: `share_policy_in_past`; `text_required`, it does not say what changes; as `require_whole`, `require_known`.

    Locks: the draft; the numbers of versions.
    """
    uow.principal.require(PERMISSION)
    draft = lock_row(uow.session, SharePolicyVersion, version_id)
    if draft is None:
        raise NotFound("share_policy_not_found")
    if draft.state == "published" and effective_at in {None, draft.effective_at}:
        return draft
    require_draft(draft)
    now = clock.now()
    begins = now + LEAD if effective_at is None else effective_at
    if begins < now + LEAD:
        raise Invalid("share_policy_in_past", field="effective_at")
    line("reason", draft.reason, LONGEST_REASON)
    line("reason_en", draft.reason_en, LONGEST_REASON)
    rules = [PolicyRule.read(stored) for stored in draft.rules]
    require_whole(rules)
    require_known(uow, rules)
    advisory_xact_lock(uow.session, _NUMBERING_LOCK, PLATFORM_ORG_ID)
    draft.version = 1 + (uow.session.scalar(select(func.max(SharePolicy.version))) or 0)
    draft.effective_at, draft.published_at, draft.published_by = begins, now, uow.principal.person_id
    SHARE_POLICY_VERSION.move(uow, draft, "published", org_ids=[PLATFORM_ORG_ID])
    uow.session.add_all(_row(rule, draft.version, begins, now) for rule in rules)
    audit.record(uow, "share_policy.published", subject_id=draft.id, version=draft.version)
    uow.flush()
    return draft


def _row(rule: PolicyRule, version: int, begins: datetime, now: datetime) -> SharePolicy:
    return SharePolicy(
        id=uuid7(),
        version=version,
        **{name: getattr(rule, name) for name in PolicyRule.__dataclass_fields__},
        effective_at=begins,
        published_at=now,
    )
