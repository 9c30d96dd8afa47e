"""How much of a refunded gross is net and how much is tax. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from kernel.money import PPM, net_of_included


@dataclass(frozen=True, slots=True)
class LineLeft:
    """What has not been refunded of a line, in minor units."""

    gross_minor: int
    net_minor: int
    rate_ppm: int


@dataclass(frozen=True, slots=True)
class RefundPart:
    """Net + tax = gross."""

    net_minor: int
    tax_minor: int
    gross_minor: int


def allocate_refund(gross_minor: int, left: LineLeft) -> RefundPart:
    """Net and tax of a refund of `gross_minor`. The last refund takes exactly what is left.

    Both the refund and what is left after it are documents of their own (the rest is the last refund's): the net is the
    one by which the larger of their two deviations from the tax rate is least. As long as what is left now is off by at
    most 1 + rate minor units, that holds for both.

    Raises:
        ValueError: more than is left, or nothing.
    """
    if not 0 < gross_minor <= left.gross_minor:
        msg = "a refund is more than nothing and at most what is left"
        raise ValueError(msg)
    rest_minor = left.gross_minor - gross_minor
    lowest = max(0, left.net_minor - rest_minor)
    highest = min(left.net_minor, gross_minor)

    def deviation(net_minor: int) -> int:
        rest_net_minor = left.net_minor - net_minor
        return max(_off(gross_minor, net_minor, left.rate_ppm), _off(rest_minor, rest_net_minor, left.rate_ppm))

    nearest = left.net_minor - net_of_included(rest_minor, left.rate_ppm)
    net_minor = min((min(max(nearest + step, lowest), highest) for step in (0, -1, 1)), key=deviation)
    return RefundPart(net_minor, gross_minor - net_minor, gross_minor)


def _off(gross_minor: int, net_minor: int, rate_ppm: int) -> int:
    """How far the tax is from the rate of the net, in millionths of a minor unit."""
    return abs((gross_minor - net_minor) * PPM - net_minor * rate_ppm)
