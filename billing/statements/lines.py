"""What a share, or its reversal, is on a party's statement. Pure but for the rows it is given."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from billing.shares.models import Share, ShareReversal
from billing.shares.promotion import PROMOTION


@dataclass(frozen=True, slots=True)
class Entry:
    """One line. Signed from the party's side: what lowers its net is negative; the first four add up to the net."""

    share_id: UUID
    reversal_id: UUID | None
    kind: str
    reference: UUID
    group_reference: UUID
    occurred_at: datetime
    gross_minor: int
    refunds_minor: int
    commission_minor: int
    promoter_minor: int
    net_minor: int


@dataclass(frozen=True, slots=True)
class SettledShare:
    """What is read of a share that a statement settles: of a month there may be very many."""

    id: UUID
    org_id: UUID
    seller_org_id: UUID
    charge_id: UUID
    reference: UUID
    group_reference: UUID
    kind: str
    captured_at: datetime
    gross_minor: int
    amount_minor: int


def promoted(others: Mapping[str, int]) -> int:
    """What all parties of promotion together get, of amounts by kind."""
    return sum(others.get(kind, 0) for kind in PROMOTION)


def sale(share: SettledShare, others: Mapping[str, int], *, resold: bool = False) -> Entry:
    """A captured line: for its seller what was sold less what others get (by kind), for a party of promotion what it earned.

    Of what the platform sold (`resold`), its seller is paid for what it supplied to the platform, tax contained: nobody takes
    a commission of that.
    """
    if share.kind in PROMOTION:
        return _entry(share, None, "promotion", share.captured_at, promoter_minor=share.amount_minor)
    if resold:
        return _entry(share, None, "supply", share.captured_at, gross_minor=share.amount_minor)
    return _entry(
        share,
        None,
        "sale",
        share.captured_at,
        gross_minor=share.gross_minor,
        commission_minor=-others.get("commission", 0),
        promoter_minor=-promoted(others),
    )


def reversal(share: Share, own: ShareReversal, others: Mapping[str, int], *, resold: bool = False) -> Entry:
    """A refunded part of a line: for its seller the refund less what the others (by kind) give back of it; of what the platform
    sold, the part of what it had been supplied.
    """
    if share.kind in PROMOTION:
        return _entry(share, own, "promotion_refund", own.created_at, promoter_minor=-own.amount_minor)
    if resold:
        return _entry(share, own, "supply_refund", own.created_at, refunds_minor=-own.amount_minor)
    return _entry(
        share,
        own,
        "refund",
        own.created_at,
        refunds_minor=-own.gross_minor,
        commission_minor=others.get("commission", 0),
        promoter_minor=promoted(others),
    )


def _entry(
    share: Share | SettledShare,
    own: ShareReversal | None,
    kind: str,
    occurred_at: datetime,
    *,
    gross_minor: int = 0,
    refunds_minor: int = 0,
    commission_minor: int = 0,
    promoter_minor: int = 0,
) -> Entry:
    return Entry(
        share_id=share.id,
        reversal_id=own.id if own else None,
        kind=kind,
        reference=share.reference,
        group_reference=share.group_reference,
        occurred_at=occurred_at,
        gross_minor=gross_minor,
        refunds_minor=refunds_minor,
        commission_minor=commission_minor,
        promoter_minor=promoter_minor,
        net_minor=gross_minor + refunds_minor + commission_minor + promoter_minor,
    )
