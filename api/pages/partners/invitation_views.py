"""Links for dealers, as pages show them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from api.pages.frame.choices import Choice


@dataclass(frozen=True, slots=True)
class DealerLinkItem:
    """A link in its seller's list. `link` and `revoke` are empty once it is good no more."""

    id: str
    name: str
    tier: str
    state: str
    uses: int
    most_uses: int
    expires_at: datetime
    link: str = ""
    revoke: str = ""


@dataclass(frozen=True, slots=True)
class TypedInvitation:
    """The form, as it was typed."""

    name: str = ""
    tier_id: str = ""
    most_uses: str = "1"
    lasts_days: str = "14"


@dataclass(frozen=True, slots=True)
class DealerInvitationsView:
    """A seller's links, and the form that makes one."""

    template: ClassVar[str] = "partners/invitations.html"
    active: ClassVar[str] = "seller_partners"

    rows: tuple[DealerLinkItem, ...]
    choices: tuple[Choice, ...]
    typed: TypedInvitation = TypedInvitation()
    next_address: str | None = None
    idempotency_key: str = ""
    error_field: str = ""
    field_error: str = ""


@dataclass(frozen=True, slots=True)
class DealerInvitationView:
    """What a seller offers to whoever opened its link."""

    template: ClassVar[str] = "partners/invitation.html"
    active: ClassVar[str] = ""

    address: str
    seller: str
    tier: str
    state: str
    expires_at: datetime
    organization: str = ""
    """The reader's, which becomes a partner."""
    is_own: bool = False
    may_accept: bool = False
    signed_in: bool = False
