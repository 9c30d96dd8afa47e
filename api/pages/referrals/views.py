"""Referrals, as pages show them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar


@dataclass(frozen=True, slots=True)
class ReferralItem:
    """An organization that registered by the link; `at`: when it came into its state."""

    name: str
    state: str
    registered_at: datetime
    at: datetime


@dataclass(frozen=True, slots=True)
class ReferralsView:
    """The organization's link, empty until it is made at `action`, and whom it brought."""

    template: ClassVar[str] = "referrals/referrals.html"
    active: ClassVar[str] = "referrals"

    rows: tuple[ReferralItem, ...]
    action: str
    link: str = ""
    next_address: str | None = None


@dataclass(frozen=True, slots=True)
class ReferredView:
    """What whoever opens a link reads. `organization`: the reader's, who is here already."""

    template: ClassVar[str] = "referrals/referred.html"
    active: ClassVar[str] = ""

    referrer: str
    organization: str = ""
