"""Which refunds wait for red tax invoices (数电票): since when, until when, and whose turn it is."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

from sqlalchemy import select

from billing.fapiao.models import LIVE, RedLetter
from billing.fapiao.red_first import PROMISE_WAITS
from billing.refunds.models import Refund
from kernel.db.uow import UnitOfWork
from kernel.paging import Page, cut, newest_first
from kernel.states import state_in

HeldSide = Literal["buyer", "seller", "operator"]
WaitsFor = Literal["issuer", "buyer", "seller", "both"]
"""Whose word is missing: the issuer's; the `buyer`'s or the `seller`'s confirmation; that of `both` where the letter was refused
or taken back, so that either enters another."""


@dataclass(frozen=True, slots=True)
class HeldRefundRow:
    """A refund that waits. `until`: when its letter is void unfinished; `goes_at`: from when on it need not wait for it."""

    id: UUID
    order_id: UUID
    buyer_org_id: UUID
    seller_org_id: UUID
    amount_minor: int
    currency: str
    reason: str
    automatic: bool
    held_at: datetime
    waits_for: WaitsFor
    until: datetime | None
    goes_at: datetime | None
    letter_ids: tuple[UUID, ...]
    """Its live letters; of a document without one, the last that was void."""
    issuing: bool
    """A red one is being issued, or is: it cannot be withdrawn any more."""


def list_held_refunds(
    uow: UnitOfWork, *, side: HeldSide, cursor: str | None = None, limit: int = 20
) -> Page[HeldRefundRow]:
    """Of the acting organization as `buyer` or `seller`, or for operators everybody's; the newest first.

    Raises: Forbidden `permission_missing` of an operator without operator.read.
    """
    statement = select(Refund).where(state_in(Refund.state, "held"))
    if side == "operator":
        uow.principal.require("operator.read")
    else:
        column = Refund.buyer_org_id if side == "buyer" else Refund.seller_org_id
        statement = statement.where(column == uow.principal.organization())
    rows = uow.session.scalars(newest_first(statement, Refund.held_at, Refund.id, cursor, limit)).all()
    page = cut(rows, limit, lambda row: (row.held_at or row.created_at, row.id))
    return Page(_rows(uow, page.items), page.next_cursor)


def _rows(uow: UnitOfWork, refunds: Sequence[Refund]) -> list[HeldRefundRow]:
    letters = _letters(uow, [one.id for one in refunds])
    return [_row(refund, letters[refund.id]) for refund in refunds]


def _letters(uow: UnitOfWork, ids: Collection[UUID]) -> dict[UUID, dict[UUID, RedLetter]]:
    """By refund and document: the live letter, or the last."""
    found: dict[UUID, dict[UUID, RedLetter]] = defaultdict(dict)
    if ids:
        wanted = select(RedLetter).where(RedLetter.refund_id.in_(ids)).order_by(RedLetter.created_at, RedLetter.id)
        for letter in uow.session.scalars(wanted):
            known = found[letter.refund_id or letter.id].get(letter.fapiao_id)
            if known is None or known.state not in LIVE:
                found[letter.refund_id or letter.id][letter.fapiao_id] = letter
    return found


def _row(refund: Refund, letters: dict[UUID, RedLetter]) -> HeldRefundRow:
    states = {letter.state for letter in letters.values()}
    waits_for: WaitsFor = "issuer"
    if states - set(LIVE):
        waits_for = "both"
    elif "awaiting_buyer" in states:
        waits_for = "buyer"
    elif "awaiting_seller" in states:
        waits_for = "seller"
    ends = [one.expires_at for one in letters.values() if one.state.startswith("awaiting") and one.expires_at]
    held_at = refund.held_at or refund.created_at
    return HeldRefundRow(
        id=refund.id,
        order_id=refund.reference,
        buyer_org_id=refund.buyer_org_id,
        seller_org_id=refund.seller_org_id,
        amount_minor=refund.amount_minor,
        currency=refund.currency,
        reason=refund.reason,
        automatic=refund.automatic,
        held_at=held_at,
        waits_for=waits_for,
        until=min(ends, default=None),
        goes_at=held_at + PROMISE_WAITS if refund.automatic else None,
        letter_ids=tuple(one.id for one in letters.values()),
        issuing=any(one.issuing_at is not None for one in letters.values()),
    )
