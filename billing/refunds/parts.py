"""How much of a refunded gross is net and how much is tax. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from kernel.money import PPM, net_of_included


@dataclass(frozen=True, slots=True)
class LineLeft:
    """What has not been refunded of a line, in minor units, and what it was in all."""

    gross_minor: int
    net_minor: int
    line_gross_minor: int
    line_net_minor: int
    rate_ppm: int


@dataclass(frozen=True, slots=True)
class RefundPart:
    """Net + tax = gross."""

    net_minor: int
    tax_minor: int
    gross_minor: int


def part_of(gross_minor: int, left: LineLeft) -> RefundPart:
    """Net and tax of a refund of `gross_minor`.

    The last refund takes exactly what is left. Before, the net is what keeps the sum of all refunds so far closest to
    its tax rate, as long as this one alone is within one minor unit of it, as every document must be.

    Raises:
        ValueError: more than is left, or nothing.
    """
    if not 0 < gross_minor <= left.gross_minor:
        msg = "a refund is more than nothing and at most what is left"
        raise ValueError(msg)
    if gross_minor == left.gross_minor:
        return RefundPart(left.net_minor, gross_minor - left.net_minor, gross_minor)
    refunded_gross = left.line_gross_minor - left.gross_minor
    refunded_net = left.line_net_minor - left.net_minor
    net = net_of_included(refunded_gross + gross_minor, left.rate_ppm) - refunded_net
    if abs((gross_minor - net) * PPM - net * left.rate_ppm) > PPM:
        net = net_of_included(gross_minor, left.rate_ppm)
    lowest = max(0, gross_minor - (left.gross_minor - left.net_minor))
    net = min(max(net, lowest), left.net_minor, gross_minor)
    return RefundPart(net, gross_minor - net, gross_minor)
