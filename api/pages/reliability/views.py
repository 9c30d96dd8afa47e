"""How reliably a seller delivers, and the formula of the feed, as pages show them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from api.v1.reliability import FORMULA, FormulaOut
from marketplace.catalog.show_reliability import Reliability
from orders.response_times.count_answers import OwnResponseTime


@dataclass(frozen=True, slots=True)
class RecordItem:
    """One listing's deliveries; ``is_shown``: to buyers, too."""

    id: str
    name: str
    state: str
    reliability: Reliability | None
    is_shown: bool


@dataclass(frozen=True, slots=True)
class PauseItem:
    """A pause: ``rule`` with the failed and counted deliveries it was decided by, and how it ended."""

    rule: str
    failed: int
    counted: int
    since: datetime
    until: datetime | None
    ended_by: str | None


@dataclass(frozen=True, slots=True)
class RecordsView:
    """The seller's listings with their deliveries."""

    template: ClassVar[str] = "reliability/records.html"
    active: ClassVar[str] = "seller_reliability"
    formula: ClassVar[FormulaOut] = FORMULA

    rows: tuple[RecordItem, ...]
    answers: OwnResponseTime
    next_address: str | None = None


@dataclass(frozen=True, slots=True)
class RecordView:
    """One of them. ``pause``: the one it is in; ``may_confirm``: connectors passed a test since, and the reader may say so."""

    template: ClassVar[str] = "reliability/record.html"
    active: ClassVar[str] = "seller_reliability"
    formula: ClassVar[FormulaOut] = FORMULA

    item: RecordItem
    counted_until: datetime | None
    pause: PauseItem | None
    pauses: tuple[PauseItem, ...]
    is_tested: bool = False
    may_confirm: bool = False
    error: str | None = None


@dataclass(frozen=True, slots=True)
class RankingView:
    """The formula of the feed, from the constants that it is ordered by; ``examples``: orders kept and lost, and their hours."""

    template: ClassVar[str] = "reliability/ranking.html"
    active: ClassVar[str] = "feed"
    formula: ClassVar[FormulaOut] = FORMULA

    examples: tuple[tuple[int, int, int], ...]
