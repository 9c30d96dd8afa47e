"""The tax of several lines at one rate, computed on them together: for currencies without a minor unit. Pure.

Where a line's tax is rounded to a whole yen, that of many lines can be yen away from rate × net, which EN 16931 does not carry
(BR-CO-17: the tax of a rate is its net × rate, less than one unit away) and Japan's rules for qualified invoices forbid
(消費税法施行令 70 条の 10: rounded once per rate). A cent is too small for that to matter: there each line stays by itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from billing.tax.line_amounts import LineAmounts
from kernel.money import PPM, apply_ppm, net_of_included


def tax_by_group(lines: Sequence[LineAmounts], rate_ppm: int, *, included: bool) -> list[LineAmounts]:
    """The lines with as much tax together as their sum bears: those that were rounded farthest move by one unit.

    A price that contains its tax keeps its gross, another its net. No line's tax is a whole unit away from rate × net.
    """
    if included:
        wanted = net_of_included(sum(line.gross_minor for line in lines), rate_ppm)
        surplus = wanted - sum(line.net_minor for line in lines)
        errors = [line.gross_minor * PPM - line.net_minor * (PPM + rate_ppm) for line in lines]
    else:
        wanted = apply_ppm(sum(line.net_minor for line in lines), rate_ppm)
        surplus = wanted - sum(line.tax_minor for line in lines)
        errors = [line.net_minor * rate_ppm - line.tax_minor * PPM for line in lines]
    step = 1 if surplus > 0 else -1
    farthest = sorted(range(len(lines)), key=lambda place: (-step * errors[place], place))
    moved = set(farthest[: abs(surplus)])
    return [_moved(line, step, included=included) if place in moved else line for place, line in enumerate(lines)]


def _moved(line: LineAmounts, step: int, *, included: bool) -> LineAmounts:
    if included:
        return replace(line, net_minor=line.net_minor + step, tax_minor=line.tax_minor - step)
    return replace(line, tax_minor=line.tax_minor + step, gross_minor=line.gross_minor + step)
