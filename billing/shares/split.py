"""Who gets which part of a line, and which part a refund takes back from whom. Pure; the parts always add up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from billing.shares.promotion import PinnedPromotion
from kernel.money import PPM, allocate, apply_ppm


@dataclass(frozen=True, slots=True)
class ShareTerms:
    """The terms an order pins. Rates in ppm of the line's net; a renewal keeps those of the original sale."""

    policy_version: int
    commission_ppm: int
    promoter_ppm: int
    hold_days: int
    conflict: str | None = None
    """Why the promoter earns nothing."""
    promotion: PinnedPromotion | None = None
    """Of a seller's plan: who has a part of `promoter_ppm` beside the promoter, and how much it is at most."""

    def __post_init__(self) -> None:
        if self.commission_ppm < 0 or self.promoter_ppm < 0 or self.commission_ppm + self.promoter_ppm > PPM:
            msg = "rates must be between nothing and the whole line"
            raise ValueError(msg)


@dataclass(frozen=True, slots=True)
class Split:
    """A line's gross by party, in minor units. The seller's part contains the tax: it is the one who owes it."""

    seller_minor: int
    commission_minor: int
    promoter_minor: int

    @property
    def total_minor(self) -> int:
        """The line's gross."""
        return self.seller_minor + self.commission_minor + self.promoter_minor

    def parts(self) -> tuple[int, int, int]:
        """Seller, commission, promoter, in this order."""
        return self.seller_minor, self.commission_minor, self.promoter_minor


def split(net_minor: int, tax_minor: int, terms: ShareTerms, cap_minor: int | None = None) -> Split:
    """Split a line with these amounts (both >= 0); promotion gets at most `cap_minor` of it.

    Commission and promoter are rounded half up on the net; the promoter gives way where both roundings together would
    exceed it; the seller gets the rest and never less than the tax.
    """
    if net_minor < 0 or tax_minor < 0:
        msg = "a line to be split is not negative"
        raise ValueError(msg)
    commission = apply_ppm(net_minor, terms.commission_ppm)
    promoter = min(apply_ppm(net_minor, terms.promoter_ppm), net_minor - commission)
    if cap_minor is not None:
        promoter = min(promoter, cap_minor)
    return Split(net_minor + tax_minor - commission - promoter, commission, promoter)


def reverse_split(refund_minor: int, left: Split) -> Split:
    """As `reverse_parts`, of a line that nobody but seller, platform and promoter have a part of."""
    return Split(*reverse_parts(refund_minor, left.parts()))


def reverse_parts(refund_minor: int, left: Sequence[int]) -> list[int]:
    """The parts of a refund of `refund_minor` gross, in proportion to what each party still has of the line.

    The last refund of a line takes exactly what is left, so that partial refunds add up to the whole for everyone.

    Raises:
        ValueError: the refund exceeds what is left.
    """
    if not 0 <= refund_minor <= sum(left):
        msg = "a refund is at most what is left of the line"
        raise ValueError(msg)
    return allocate(refund_minor, left) if refund_minor else [0] * len(left)
