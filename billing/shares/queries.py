"""Reads of shares: what a party is owed, from which sale, and when it comes."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select

from billing.disputes.queries import disputed_lines
from billing.shares.models import Share
from billing.shares.promotion import PROMOTION
from kernel.db.uow import UnitOfWork
from kernel.paging import Page, cut, newest_first


@dataclass(frozen=True, slots=True)
class ShareRow:
    """One's own part of one captured line. `left_minor` is what refunds have not taken back."""

    id: UUID
    kind: str
    state: str
    reference: UUID
    group_reference: UUID
    video_id: UUID | None
    currency: str
    gross_minor: int
    base_minor: int
    rate_ppm: int
    conflict: str | None
    """Why the promoter earns nothing of it (`billing.shares.terms.SAME_TAX_ID`)."""
    amount_minor: int
    left_minor: int
    commission_minor: int
    promoter_minor: int
    policy_version: int
    captured_at: datetime
    delivered_at: datetime | None
    releasable_at: datetime | None
    """The forecast: from then on it can be paid out. None until what was sold is delivered."""
    statement_id: UUID | None
    disputed: bool
    """The payer disputes it at its bank: until that has decided nothing of it is released or settled."""


@dataclass(frozen=True, slots=True)
class VideoEarning:
    """What one video has earned for its promoter. Names no buyer."""

    video_id: UUID
    currency: str
    lines: int
    sold_minor: int
    earned_minor: int
    reversed_minor: int


@dataclass(frozen=True, slots=True)
class PromotedSales:
    """Lines that a video sold for others in one currency: all, those delivered, those delivered and not given back."""

    video_id: UUID
    currency: str
    lines: int
    delivered: int
    kept: int
    gross_minor: int


def list_shares(
    uow: UnitOfWork, kind: str, *, state: str | None = None, cursor: str | None = None, limit: int = 20
) -> Page[ShareRow]:
    """The acting organization's shares as `seller` or as `promoter` (or another party of promotion), newest first."""
    statement = select(Share).where(Share.org_id == uow.principal.organization(), Share.kind.in_(kinds_of(kind)))
    if state is not None:
        statement = statement.where(Share.state == state)
    rows = uow.session.scalars(newest_first(statement, Share.captured_at, Share.id, cursor, limit)).all()
    page = cut(rows, limit, lambda row: (row.captured_at, row.id))
    others = _others(uow, page.items) if kind == "seller" else {}
    disputed = disputed_lines(uow, {(share.group_reference, share.reference) for share in page.items})
    rows_out = [
        _row(share, others.get(share.charge_id, {}), disputed=share.reference in disputed) for share in page.items
    ]
    return Page(rows_out, page.next_cursor)


def kinds_of(side: str) -> tuple[str, ...]:
    """Kinds of shares that a side has: all parties of promotion are one."""
    return PROMOTION if side == "promoter" else (side,)


def earnings_by_video(uow: UnitOfWork, *, limit: int = 100) -> list[VideoEarning]:
    """What each video has earned for the acting organization as promoter, the best first."""
    earned = func.sum(Share.amount_minor - Share.reversed_minor)
    rows = uow.session.execute(
        select(
            Share.video_id,
            Share.currency,
            func.count(),
            func.sum(Share.gross_minor),
            earned,
            func.sum(Share.reversed_minor),
        )
        .where(Share.org_id == uow.principal.organization(), Share.kind.in_(PROMOTION), Share.video_id.is_not(None))
        .group_by(Share.video_id, Share.currency)
        .order_by(earned.desc(), Share.video_id)
        .limit(limit)
    )
    return [
        VideoEarning(row[0], row[1], row[2], int(row[3]), int(row[4]), int(row[5]))
        for row in rows
        if row[0] is not None
    ]


def promoted_sales(uow: UnitOfWork, video_ids: Collection[UUID]) -> list[PromotedSales]:
    """What videos sold of other organizations' plans, as far as the acting organization has a promoter's share of it."""
    org_id = uow.principal.organization()
    rows = uow.session.execute(
        select(
            Share.video_id,
            Share.currency,
            func.count(),
            func.count().filter(Share.delivered_at.is_not(None)),
            func.count().filter(Share.delivered_at.is_not(None), Share.state != "reversed"),
            func.sum(Share.gross_minor),
        )
        .where(
            Share.org_id == org_id,
            Share.kind == "promoter",
            Share.seller_org_id != org_id,
            Share.video_id.in_(list(video_ids)),
        )
        .group_by(Share.video_id, Share.currency)
        .order_by(Share.video_id, Share.currency)
    )
    return [PromotedSales(row[0], row[1], row[2], row[3], row[4], int(row[5])) for row in rows if row[0] is not None]


def _others(uow: UnitOfWork, shares: Sequence[Share]) -> dict[UUID, dict[str, int]]:
    rows = uow.session.execute(
        select(Share.charge_id, Share.kind, Share.amount_minor).where(
            Share.charge_id.in_([share.charge_id for share in shares]), Share.kind != "seller"
        )
    )
    found: dict[UUID, dict[str, int]] = {}
    for charge_id, kind, amount_minor in rows:
        found.setdefault(charge_id, {})[kind] = amount_minor
    return found


def _row(share: Share, others: dict[str, int], *, disputed: bool) -> ShareRow:
    return ShareRow(
        id=share.id,
        kind=share.kind,
        state=share.state,
        reference=share.reference,
        group_reference=share.group_reference,
        video_id=share.video_id,
        currency=share.currency,
        gross_minor=share.gross_minor,
        base_minor=share.base_minor,
        rate_ppm=share.rate_ppm,
        conflict=share.conflict,
        amount_minor=share.amount_minor,
        left_minor=share.amount_minor - share.reversed_minor,
        commission_minor=others.get("commission", 0),
        promoter_minor=sum(others.get(kind, 0) for kind in PROMOTION),
        policy_version=share.policy_version,
        captured_at=share.captured_at,
        delivered_at=share.delivered_at,
        releasable_at=share.releasable_at,
        statement_id=share.statement_id,
        disputed=disputed and share.state in {"pending", "releasable"},
    )
