"""What goes onto which 数电票 when one may not hold all: lines in order, cut where one alone is above the limit. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from uuid import UUID

from kernel.money import apply_ppm, net_of_included


@dataclass(frozen=True, slots=True)
class PartLine:
    """A line, or a part of one, with its amounts in fen; `source_id` is the bill's line."""

    source_id: UUID
    name: str
    unit: str
    quantity: Decimal
    net_minor: int
    tax_minor: int
    gross_minor: int
    tax_rate_ppm: int
    tax_category: str
    tax_reason: str


def split_by_limit(lines: Sequence[PartLine], limit_minor: int) -> list[list[PartLine]]:
    """Documents of at most `limit_minor` net of tax each (单张最高开票限额), all lines in their order, nothing lost.

    A line that goes onto none whole is cut into amounts; each is one lump then. Reductions stay with what they follow.
    """
    documents: list[list[PartLine]] = []
    room = 0
    for line in lines:
        for part in _cut(line, limit_minor):
            if not documents or part.net_minor > room:
                documents.append([])
                room = limit_minor
            documents[-1].append(part)
            room -= part.net_minor
    return documents


def _cut(line: PartLine, limit_minor: int) -> list[PartLine]:
    if line.net_minor <= limit_minor:
        return [line]
    parts = []
    net, tax = line.net_minor, line.tax_minor
    done_net = done_tax = 0
    while net - done_net > limit_minor:
        done_net += limit_minor
        part_tax = apply_ppm(done_net, line.tax_rate_ppm) - done_tax
        done_tax += part_tax
        parts.append(lump(line, limit_minor, part_tax))
    return [*parts, lump(line, net - done_net, tax - done_tax)]


def lump(line: PartLine, net_minor: int, tax_minor: int) -> PartLine:
    """An amount of a line, of which no quantity is told."""
    return replace(
        line,
        unit="",
        quantity=Decimal(1),
        net_minor=net_minor,
        tax_minor=tax_minor,
        gross_minor=net_minor + tax_minor,
    )


@dataclass(frozen=True, slots=True)
class LeftLine:
    """What is left of a line on an issued document."""

    fapiao_id: UUID
    line: PartLine


def take_back(left: Sequence[LeftLine], gross_minor: int) -> list[LeftLine]:
    """Which of what is left goes back for a credit of `gross_minor`: documents in order, each as far as it goes.

    What is taken whole keeps its figures; of the last one the net follows from its rate, and never exceeds what is left.

    Raises:
        ValueError: less than that is left.
    """
    taken = []
    for one in left:
        part = min(gross_minor, one.line.gross_minor)
        if part <= 0:
            continue
        gross_minor -= part
        taken.append(replace(one, line=_credited_part(one.line, part)))
    if gross_minor:
        raise ValueError("more is credited than was put on tax invoices")
    return taken


def _credited_part(line: PartLine, gross_minor: int) -> PartLine:
    if gross_minor == line.gross_minor:
        return line
    net = min(net_of_included(gross_minor, line.tax_rate_ppm), line.net_minor)
    tax = min(gross_minor - net, line.tax_minor)
    return lump(line, gross_minor - tax, tax)
