"""Versions of the share policy between two operators who publish at once."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

import pytest
from sqlalchemy import func, select

from billing.shares.draft_policy import SaveDraft, save_draft, start_draft
from billing.shares.models import SharePolicy, SharePolicyVersion
from billing.shares.publish_policy import publish_policy
from billing.shares.rules import PolicyRule
from kernel.db.uow import Database, UnitOfWork, transact, unit_of_work
from kernel.principal import SYSTEM
from tests.factories_billing import OPERATOR
from tests.races.forced import every_order_of_twins, interleaved

pytestmark = pytest.mark.races
FAR = datetime(2190, 1, 1, tzinfo=UTC)
"""No sale of a test is made then."""


def drafted(db: Database) -> UUID:
    def work(uow: UnitOfWork) -> UUID:
        draft = start_draft(uow)
        rules = tuple(PolicyRule.read(stored) for stored in draft.rules)
        return save_draft(uow, draft.id, SaveDraft(rules, "试行", "A trial")).id

    return transact(db, OPERATOR, work)


@pytest.mark.usefixtures("noon")
class TestPublishing:
    @every_order_of_twins
    def test_one_draft_is_published_once(self, db: Database, order: str) -> None:
        draft_id = drafted(db)

        def publish() -> object:
            return transact(db, OPERATOR, lambda uow: publish_policy(uow, draft_id, FAR).version)

        first, second = interleaved(db, order, publish, publish)
        assert first == second
        with unit_of_work(db, SYSTEM) as uow:
            rules = uow.session.get_one(SharePolicyVersion, draft_id).rules
            of_it = select(func.count()).select_from(SharePolicy).where(SharePolicy.version == first)
            assert uow.session.scalar(of_it) == len(rules)

    @every_order_of_twins
    def test_two_drafts_are_two_versions(self, db: Database, order: str) -> None:
        one, other = drafted(db), drafted(db)

        def publish(draft_id: UUID) -> object:
            return transact(db, OPERATOR, lambda uow: publish_policy(uow, draft_id, FAR).version)

        first, second = interleaved(db, order, lambda: publish(one), lambda: publish(other))
        assert isinstance(first, int)
        assert isinstance(second, int)
        assert abs(first - second) == 1
