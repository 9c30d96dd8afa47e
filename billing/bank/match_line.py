"""For what a transfer is: a pure decision. By virtual account, then by remark code, then by payer and exact amount.

Nothing is taken for a purchase's money but what is exactly that: less, more, money that comes again or too late, and money
of whom nobody knows waits for a person.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal
from uuid import UUID

from billing.bank.remark_code import find_codes
from billing.bank.same_name import name_key

Reason = Literal["short", "over", "late", "duplicate", "unknown_payer", "ambiguous", "debit", "outgoing_differs"]
"""Why a person has to look at a line."""


@dataclass(frozen=True, slots=True)
class MoneyIn:
    """What a statement says of money that came."""

    amount_minor: int
    counterparty_name: str
    remark: str
    virtual_account: str


@dataclass(frozen=True, slots=True)
class AskedTransfer:
    """A transfer that was asked for. `waiting`: parts of earlier lines that seem to be for it, as (line, minor units)."""

    id: UUID
    remark_code: str
    virtual_account: str | None
    payer_key: str
    state: str
    missing_minor: int
    waiting: tuple[tuple[UUID, int], ...] = ()


@dataclass(frozen=True, slots=True)
class MatchedPart:
    """`amount_minor` of a line is for a transfer. `line_id` None: of the line that is being matched."""

    transfer_id: UUID
    amount_minor: int
    line_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class LineMatch:
    """The parts that are certain, or why a person has to look; `transfer_id` is what it seems to be for."""

    parts: tuple[MatchedPart, ...] = ()
    reason: Reason | None = None
    transfer_id: UUID | None = None


def match_line(money: MoneyIn, asked: Sequence[AskedTransfer]) -> LineMatch:
    """Decide about money that came, among the transfers that may be meant.

    The parts are never more than the line and never more than what a transfer lacks.
    """
    named = _named(money, asked)
    if not named:
        return _by_payer(money, asked)
    awaited = [one for one in named if one.state == "awaited"]
    first = named[0].id
    if len(awaited) != len(named):
        is_late = any(one.state == "withdrawn" for one in named)
        return LineMatch(reason="late" if is_late else "duplicate", transfer_id=first)
    missing = sum(one.missing_minor for one in named)
    if missing == money.amount_minor:
        return LineMatch(tuple(MatchedPart(one.id, one.missing_minor) for one in named), transfer_id=first)
    if len(named) == 1:
        return _combined(money, named[0])
    return LineMatch(reason="short" if money.amount_minor < missing else "over", transfer_id=first)


def _combined(money: MoneyIn, one: AskedTransfer) -> LineMatch:
    """Several transfers for one purchase are taken when together they are exactly its amount."""
    before = sum(minor for _, minor in one.waiting)
    if before + money.amount_minor == one.missing_minor:
        earlier = tuple(MatchedPart(one.id, minor, line_id) for line_id, minor in one.waiting)
        return LineMatch((*earlier, MatchedPart(one.id, money.amount_minor)), transfer_id=one.id)
    is_short = before + money.amount_minor < one.missing_minor
    return LineMatch(reason="short" if is_short else "over", transfer_id=one.id)


def _named(money: MoneyIn, asked: Sequence[AskedTransfer]) -> list[AskedTransfer]:
    """By virtual account, else by the codes of the remark in their order."""
    if money.virtual_account:
        found = [one for one in asked if one.virtual_account == money.virtual_account]
        if found:
            return found
    by_code: Mapping[str, AskedTransfer] = {one.remark_code: one for one in asked}
    return [by_code[code] for code in find_codes(money.remark) if code in by_code]


def _by_payer(money: MoneyIn, asked: Sequence[AskedTransfer]) -> LineMatch:
    key = name_key(money.counterparty_name)
    of_payer = [one for one in asked if key and one.payer_key == key and one.state == "awaited"]
    exact = [one for one in of_payer if one.missing_minor == money.amount_minor]
    if len(exact) == 1:
        return LineMatch((MatchedPart(exact[0].id, money.amount_minor),), transfer_id=exact[0].id)
    if exact:
        return LineMatch(reason="ambiguous")
    return LineMatch(reason="ambiguous" if of_payer else "unknown_payer")
