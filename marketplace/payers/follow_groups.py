"""What a headquarters pays by a right that its subsidiary gave it ends with that right."""

from __future__ import annotations

from uuid import UUID

from kernel.db.uow import UnitOfWork
from kernel.jobs.kinds import Payload, follows
from marketplace.groups.events import GroupEnded, GroupRightsChanged
from marketplace.groups.models import PAY
from marketplace.payers.agree import end_agreements_of


@follows(GroupEnded)
def end_with_group(uow: UnitOfWork, fact: Payload) -> None:
    """The group is no more. Idempotent by the state."""
    end_agreements_of(uow, UUID(fact["membership_id"]), by_payer=bool(fact["by_hq"]))


@follows(GroupRightsChanged)
def end_without_right(uow: UnitOfWork, fact: Payload) -> None:
    """The subsidiary lets it pay no more; given again, another agreement is made. Idempotent by the state."""
    if PAY not in fact["rights"]:
        end_agreements_of(uow, UUID(fact["membership_id"]), by_payer=False)
