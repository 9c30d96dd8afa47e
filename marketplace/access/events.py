"""Facts about people and their accounts."""

from __future__ import annotations

from typing import ClassVar, Literal
from uuid import UUID

from kernel.events import Event


class MemberJoined(Event):
    """A person accepted an invitation to an organization."""

    topic: ClassVar[str] = "marketplace.member_joined.v1"
    member_id: UUID
    org_id: UUID
    person_id: UUID


class MemberInvited(Event):
    """Somebody was asked to join an organization, or asked again. Whether the address has an account is not in it."""

    topic: ClassVar[str] = "marketplace.member_invited.v1"
    invitation_id: UUID
    org_id: UUID


class MemberRemoved(Event):
    """A colleague ended somebody's membership."""

    topic: ClassVar[str] = "marketplace.member_removed.v1"
    member_id: UUID
    org_id: UUID
    person_id: UUID


class MemberRolesChanged(Event):
    """A colleague gave a member other roles."""

    topic: ClassVar[str] = "marketplace.member_roles_changed.v1"
    member_id: UUID
    org_id: UUID
    person_id: UUID


class OwnershipOffered(Event):
    """An owner offered an organization to one of its members."""

    topic: ClassVar[str] = "marketplace.ownership_offered.v1"
    transfer_id: UUID
    org_id: UUID
    person_id: UUID


class SignedInFromNewDevice(Event):
    """A person signed in with a browser in which they had not signed in before."""

    topic: ClassVar[str] = "marketplace.signed_in_from_new_device.v1"
    session_id: UUID
    person_id: UUID


Change = Literal[
    "password_changed", "second_factor_on", "second_factor_off", "recovery_codes_made", "recovery_code_used"
]


class AccountChanged(Event):
    """What protects a person's account was changed, or used up."""

    topic: ClassVar[str] = "marketplace.account_changed.v1"
    person_id: UUID
    change: Change
    codes_left: int | None = None
    """Recovery codes that are still good, after one was used."""
