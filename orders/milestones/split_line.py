"""What each milestone of a line costs. Pure; the parts always add up to the line."""

from __future__ import annotations

from collections.abc import Sequence

from billing.refunds.allocate_refund import LineLeft, RefundPart, allocate_refund
from kernel.money import allocate


def split_line(net_minor: int, tax_minor: int, rate_ppm: int, weights: Sequence[int]) -> list[RefundPart]:
    """Net, tax and gross of each part of a line, by the weights of its milestones.

    Gross by largest remainder, an earlier milestone first; then net and tax as if one part after the other went back, so that
    every part, and what is left after it, may stand on a document of its own.

    Raises:
        ValueError: no weights, or a negative one.
    """
    left = LineLeft(net_minor + tax_minor, net_minor, rate_ppm)
    parts = []
    for gross_minor in allocate(left.gross_minor, weights if any(weights) else [1] * len(weights)):
        part = allocate_refund(gross_minor, left) if gross_minor else RefundPart(0, 0, 0)
        left = LineLeft(left.gross_minor - part.gross_minor, left.net_minor - part.net_minor, rate_ppm)
        parts.append(part)
    return parts
