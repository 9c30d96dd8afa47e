"""Reads of the share policy: what is published, what is in force, and what is being drafted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select

from billing.shares.models import SharePolicy, SharePolicyVersion
from billing.shares.rules import SPECIFICITY, PolicyRule
from kernel.db.uow import UnitOfWork
from kernel.errors import NotFound
from kernel.paging import Page, cut, newest_first


@dataclass(frozen=True, slots=True)
class PolicyRow:
    """One published rule. None is for all: listings, sellers, channels whose videos sell, types of deal."""

    version: int
    category: str
    listing_id: UUID | None
    seller_id: UUID | None
    channel_id: UUID | None
    deal_type: str | None
    commission_ppm: int
    promoter_ppm: int
    hold_days: int
    effective_at: datetime


@dataclass(frozen=True, slots=True)
class PolicyVersionView:
    """A version: drafted, published or discarded. A draft has neither number nor instants."""

    id: UUID
    state: str
    version: int | None
    reason: str
    reason_en: str
    rules: tuple[PolicyRule, ...]
    effective_at: datetime | None
    published_at: datetime | None
    created_at: datetime


def published_policy(uow: UnitOfWork) -> list[PolicyRow]:
    """Every version of the public share policy, newest first; old ones stay readable for ever."""
    rows = uow.session.scalars(
        select(SharePolicy).order_by(SharePolicy.effective_at.desc(), SharePolicy.version.desc(), SharePolicy.category)
    )
    return [policy_row(row) for row in sorted(rows, key=_place)]


def policy_row(row: SharePolicy) -> PolicyRow:
    """A stored rule as it is read."""
    return PolicyRow(**{name: getattr(row, name) for name in PolicyRow.__dataclass_fields__})


def _place(row: SharePolicy) -> tuple[float, int, str, list[bool]]:
    """The newest version first; in it, of each category, the most general rule last."""
    return (
        -row.effective_at.timestamp(),
        -row.version,
        row.category,
        [getattr(row, name) is None for name in SPECIFICITY],
    )


def rules_in_force(uow: UnitOfWork, at: datetime) -> list[PolicyRule]:
    """The rules of the version in force at `at`, of each category of its own."""
    rows = [row for row in published_policy(uow) if row.effective_at <= at]
    newest: dict[str, int] = {}
    for row in rows:
        newest.setdefault(row.category, row.version)
    return [
        PolicyRule(**{name: getattr(row, name) for name in PolicyRule.__dataclass_fields__})
        for row in rows
        if newest[row.category] == row.version
    ]


def list_policy_versions(
    uow: UnitOfWork, *, state: str | None = None, cursor: str | None = None, limit: int = 20
) -> Page[PolicyVersionView]:
    """Versions that were drafted here, the newest first. Whoever is not the platform sees published ones."""
    statement = select(SharePolicyVersion)
    if state is not None or not uow.principal.is_platform:
        statement = statement.where(SharePolicyVersion.state == (state if uow.principal.is_platform else "published"))
    made, row_id = SharePolicyVersion.created_at, SharePolicyVersion.id
    rows = uow.session.scalars(newest_first(statement, made, row_id, cursor, limit)).all()
    page = cut(rows, limit, lambda row: (row.created_at, row.id))
    return Page([version_view(row) for row in page.items], page.next_cursor)


def get_policy_version(uow: UnitOfWork, version_id: UUID) -> PolicyVersionView:
    """One of them. Raises NotFound(`share_policy_not_found`)."""
    row = uow.session.get(SharePolicyVersion, version_id)
    if row is None or not (uow.principal.is_platform or row.state == "published"):
        raise NotFound("share_policy_not_found")
    return version_view(row)


def reasons_of(uow: UnitOfWork, versions: Sequence[int]) -> dict[int, tuple[str, str]]:
    """What published versions say about themselves, in Chinese and in English; the first of all says nothing."""
    rows = uow.session.execute(
        select(SharePolicyVersion.version, SharePolicyVersion.reason, SharePolicyVersion.reason_en).where(
            SharePolicyVersion.version.in_(versions), SharePolicyVersion.state == "published"
        )
    )
    return {version: (reason, reason_en) for version, reason, reason_en in rows if version is not None}


def version_view(row: SharePolicyVersion) -> PolicyVersionView:
    """A stored version as it is read."""
    return PolicyVersionView(
        row.id,
        row.state,
        row.version,
        row.reason,
        row.reason_en,
        tuple(PolicyRule.read(stored) for stored in row.rules),
        row.effective_at,
        row.published_at,
        row.created_at,
    )
