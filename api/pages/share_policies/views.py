"""The share policy: the rules that are published, and versions as the operator drafts them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from typing import ClassVar

from api.pages.frame.choices import Choice
from kernel.money import Money


@dataclass(frozen=True, slots=True)
class ShareRuleItem:
    """One rule. ``named``: what it is for beside its category, in words; none: for the whole of it."""

    category: str
    named: tuple[tuple[str, str], ...]
    commission_ppm: int
    promoter_ppm: int
    hold_days: int
    deal_type: str = ""


@dataclass(frozen=True, slots=True)
class PublishedVersion:
    """A version that is published: in force since, from, or until another began."""

    version: int
    effective_at: datetime
    reason: str
    rules: tuple[ShareRuleItem, ...]


@dataclass(frozen=True, slots=True)
class SharePolicyView:
    """What applies to a sale now, what will, and what did."""

    template: ClassVar[str] = "share_policies/published.html"
    active: ClassVar[str] = "share_policy"

    current: tuple[ShareRuleItem, ...]
    since: datetime | None
    version: int | None
    coming: tuple[PublishedVersion, ...] = ()
    past: tuple[PublishedVersion, ...] = ()
    drafts_address: str = ""


@dataclass(frozen=True, slots=True)
class ShareVersionItem:
    """A version in the operator's list."""

    address: str
    state: str
    version: int | None
    reason: str
    rules: int
    created_at: datetime
    effective_at: datetime | None


@dataclass(frozen=True, slots=True)
class ShareVersionsView:
    """Versions that were drafted, the newest first."""

    template: ClassVar[str] = "share_policies/versions.html"
    active: ClassVar[str] = "share_policies"

    rows: tuple[ShareVersionItem, ...]
    may_write: bool
    next_address: str | None = None


@dataclass(frozen=True, slots=True)
class SimulatedItem:
    """What a party, or all of a role, got and would get."""

    role: str
    name: str
    lines: int
    now: Money
    then: Money
    difference: Money


@dataclass(frozen=True, slots=True)
class SimulatedView:
    """What the version would have made of a quarter; ``ends_on`` is its last day."""

    starts_on: date
    ends_on: date
    sums: tuple[SimulatedItem, ...]
    parties: tuple[SimulatedItem, ...]


@dataclass(frozen=True, slots=True)
class ShareRuleTyped:
    """A rule as it was typed."""

    category: str = "saas"
    deal_type: str = ""
    listing: str = ""
    seller: str = ""
    channel: str = ""
    commission: str = ""
    promoter: str = ""
    hold_days: str = "7"


@dataclass(frozen=True, slots=True)
class ShareVersionView:
    """One version. A draft can be changed by whoever may."""

    template: ClassVar[str] = "share_policies/version.html"
    active: ClassVar[str] = "share_policies"

    id: str
    state: str
    version: int | None
    reason: str
    reason_en: str
    rules: tuple[ShareRuleItem, ...]
    effective_at: datetime | None
    published_at: datetime | None
    may_write: bool
    categories: tuple[Choice, ...] = ()
    deal_types: tuple[Choice, ...] = ()
    typed: ShareRuleTyped = field(default_factory=ShareRuleTyped)
    simulated: SimulatedView | None = None
    error: str | None = None
    error_field: str = ""
    field_error: str | None = None
