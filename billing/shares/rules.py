"""Rules of a share policy: what each is for, which of them a sale gets, and what a version must have. Pure.

The order in which a more specific rule wins, stated on the public page: one for the listing before one for the seller, before
one for the channel whose video sold, before one for the type of deal, before one for the whole category. So a rule for a listing
wins over one for its seller and its channel and its type of deal together.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, Protocol, TypeVar, get_args
from uuid import UUID

from kernel.errors import Invalid
from kernel.money import PPM

DealType = Literal["new", "renewal", "private_offer"]
"""How a sale came about: a first purchase; one by a buyer that had the product before; the price of an offer.

What renews by itself or amends a subscription is no new deal: it keeps the terms of the sale that began it.
"""
DEAL_TYPES: Final[tuple[str, ...]] = get_args(DealType)
CATEGORIES: Final = ("saas", "service")
"""What listings are (`listing.kind`). A version has one rule for the whole of each, so that every sale finds one."""
MOST_RULES: Final = 200
LONGEST_HOLD_DAYS: Final = 180
"""Payment providers that split payments keep money no longer than that (WeChat 平台收付通)."""
SPECIFICITY: Final = ("listing_id", "seller_id", "channel_id", "deal_type")
"""The most specific first."""


@dataclass(frozen=True, slots=True)
class PolicyRule:
    """Rates in ppm of a line's net for what the rule is for; None is for all."""

    category: str
    commission_ppm: int
    promoter_ppm: int
    hold_days: int
    listing_id: UUID | None = None
    seller_id: UUID | None = None
    channel_id: UUID | None = None
    deal_type: str | None = None

    @property
    def scope(self) -> tuple[str, UUID | None, UUID | None, UUID | None, str | None]:
        """What it is for: no version has two rules for the same."""
        return self.category, self.listing_id, self.seller_id, self.channel_id, self.deal_type

    def stored(self) -> dict[str, Any]:
        """As a draft keeps it."""
        return {
            name: str(value) if isinstance(value, UUID) else value
            for name in self.__dataclass_fields__
            if (value := getattr(self, name)) is not None
        }

    @classmethod
    def read(cls, stored: dict[str, Any]) -> PolicyRule:
        """From what a draft keeps."""
        ids: dict[str, Any] = {name: UUID(stored[name]) for name in SPECIFICITY[:3] if name in stored}
        return cls(**{**stored, **ids})


@dataclass(frozen=True, slots=True)
class Sale:
    """What is sold, by whom and to whom; what decides which rule it gets, but the channel, which is known last."""

    category: str
    listing_id: UUID
    seller_org_id: UUID
    buyer_org_id: UUID
    deal_type: DealType


class Ruled(Protocol):
    """What has the scope of a rule: a rule, or a row of the published policy."""

    @property
    def category(self) -> Any: ...  # noqa: D102 - as in `PolicyRule`
    @property
    def listing_id(self) -> Any: ...  # noqa: D102 - (same)
    @property
    def seller_id(self) -> Any: ...  # noqa: D102 - (same)
    @property
    def channel_id(self) -> Any: ...  # noqa: D102 - (same)
    @property
    def deal_type(self) -> Any: ...  # noqa: D102 - (same)


R = TypeVar("R", bound=Ruled)


def choose(rules: Iterable[R], sale: Sale, channel_id: UUID | None) -> R | None:
    """The most specific rule that is for this sale; None where there is none."""
    known = (sale.listing_id, sale.seller_org_id, channel_id, sale.deal_type)
    fitting = [
        rule
        for rule in rules
        if rule.category == sale.category
        and all(
            getattr(rule, name) is None or getattr(rule, name) == value
            for name, value in zip(SPECIFICITY, known, strict=True)
        )
    ]
    return max(fitting, key=lambda rule: [getattr(rule, name) is not None for name in SPECIFICITY], default=None)


def require_rule(rule: PolicyRule) -> None:
    """Raises Invalid: `share_rule_invalid` with the field."""
    if rule.category not in CATEGORIES:
        raise Invalid("share_rule_invalid", field="category")
    if rule.deal_type is not None and rule.deal_type not in DEAL_TYPES:
        raise Invalid("share_rule_invalid", field="deal_type")
    if min(rule.commission_ppm, rule.promoter_ppm) < 0 or rule.commission_ppm + rule.promoter_ppm > PPM:
        raise Invalid("share_rates_exceed_line", field="commission_ppm")
    if not 0 <= rule.hold_days <= LONGEST_HOLD_DAYS:
        raise Invalid("share_hold_invalid", field="hold_days", most=LONGEST_HOLD_DAYS)


def require_rules(rules: Sequence[PolicyRule]) -> None:
    """What a draft may hold. Raises Invalid: as `require_rule`, `share_rules_too_many`, `share_rules_repeat`."""
    if len(rules) > MOST_RULES:
        raise Invalid("share_rules_too_many", field="rules", most=MOST_RULES)
    for rule in rules:
        require_rule(rule)
    if len({rule.scope for rule in rules}) < len(rules):
        raise Invalid("share_rules_repeat", field="rules")


def require_whole(rules: Sequence[PolicyRule]) -> None:
    """What is published covers every sale. Raises Invalid: as `require_rules`; `share_rules_incomplete` with the category."""
    require_rules(rules)
    covered = {rule.category for rule in rules if not any(rule.scope[1:])}
    for category in CATEGORIES:
        if category not in covered:
            raise Invalid("share_rules_incomplete", field="rules", category=category)
