"""Facts about groups of organizations."""

from __future__ import annotations

from typing import ClassVar
from uuid import UUID

from kernel.events import Event


class GroupRequested(Event):
    """A headquarters asked an organization to be its subsidiary, or an organization asked to become one."""

    topic: ClassVar[str] = "marketplace.group_requested.v1"
    membership_id: UUID
    hq_org_id: UUID
    member_org_id: UUID
    by_hq: bool


class GroupAccepted(Event):
    """The other side agreed: the rights that the subsidiary gives hold from now on."""

    topic: ClassVar[str] = "marketplace.group_accepted.v1"
    membership_id: UUID
    hq_org_id: UUID
    member_org_id: UUID
    by_hq: bool


class GroupDeclined(Event):
    """The other side said no."""

    topic: ClassVar[str] = "marketplace.group_declined.v1"
    membership_id: UUID
    hq_org_id: UUID
    member_org_id: UUID
    by_hq: bool


class GroupRightsChanged(Event):
    """The subsidiary gives its headquarters other rights from now on."""

    topic: ClassVar[str] = "marketplace.group_rights_changed.v1"
    membership_id: UUID
    hq_org_id: UUID
    member_org_id: UUID
    by_hq: bool
    rights: list[str]


class GroupEnded(Event):
    """One side ended it: the headquarters reads and does nothing there any more."""

    topic: ClassVar[str] = "marketplace.group_ended.v1"
    membership_id: UUID
    hq_org_id: UUID
    member_org_id: UUID
    by_hq: bool
