"""What a plan may say: checked, and put into the form in which it is stored. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal
from uuid import UUID

from kernel.errors import Invalid
from kernel.money import exponent
from marketplace.catalog.models import Plan
from marketplace.input_text import optional_line
from marketplace.placements.claim_checks import Terms, price_unit
from marketplace.pricing.components import MONTHS_OF, PlanPrice
from marketplace.pricing.shapes import MAX_SEATS, headline

PRICINGS = ("per_seat", "flat", "one_off")
WhereUntaxed = Literal["whole", "net"]
MAX_PRICE_MINOR = 1_000_000_000_00
MAX_DEADLINE_S = 90 * 86_400
MAX_FEATURES = 40
MAX_TRIAL_DAYS = 90
MAX_LEAD_DAYS, MAX_CONTRACT_TERMS = 30, 60
MAX_FIGURE = 1_000_000_000_000
"""Of a feature, in its unit."""
CODE = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")
KEY = re.compile(r"[a-z][a-z0-9_]{0,59}")


@dataclass(frozen=True, slots=True)
class Feature:
    """Something a plan gives. `value` with `unit` where there is a figure: 500 GB, 15 minute."""

    key: str
    zh: str
    en: str
    value: int | None = None
    unit: str | None = None


@dataclass(frozen=True, slots=True)
class DraftPlan:
    """A plan as its seller writes it: with a `price`, or with one figure, `unit_price_minor`, for a seat (per_seat) or the
    whole (flat, one_off), for one interval of a term of one interval.
    """

    code: str
    name: str
    name_en: str
    pricing: str = ""
    interval: str = "none"
    currency: str = ""
    unit_price_minor: int = 0
    tax_included: bool = True
    untaxed_price: WhereUntaxed = "whole"
    """What a price that contains its tax is where none applies; of another nothing, its tax comes on top."""
    min_seats: int = 1
    max_seats: int = 1
    included_seats: int = 0
    trial_days: int = 0
    """For how many days it is tried before it is paid for; 0: not at all."""
    trial_needs_method: bool = False
    """Whether a trial begins with a payment method and converts by itself; else it ends unless it is bought."""
    renewal_lead_days: int = 0
    """How many days before a term begins it is charged, up to half of a short term; 0: the day before."""
    contract_terms: int = 0
    """After how many paid terms it ends for good; 0: never by itself."""
    features: Sequence[Feature] = field(default_factory=tuple)
    connector_id: UUID | None = None
    deadline_s: int = 24 * 3600
    price: PlanPrice | None = None


def checked_plan(plan: DraftPlan) -> dict[str, Any]:
    """The plan's columns. A plan without seats is bought once: its seats are 1. Names may be missing from a draft.

    Raises:
        Invalid: `plan_code_invalid`, `text_required` (a feature without words), `text_too_long`, `pricing_unknown`,
            `interval_unfit` (one_off has none, the others month or year), `currency_unknown`,
            `price_invalid`, `seats_invalid`, `trial_invalid` (1 to 90 days, of what recurs), `renewal_lead_invalid` (up to 30
            days, and to 15 for each month of a term), `contract_terms_invalid` (of what recurs), `deadline_invalid`,
            `feature_invalid`, `number_out_of_range` (a feature's figure).
    """
    if not CODE.fullmatch(plan.code):
        raise Invalid("plan_code_invalid", field="code")
    priced = _priced(plan.price) if plan.price is not None else _priced_in_brief(plan)
    if not 0 <= plan.trial_days <= MAX_TRIAL_DAYS or (plan.trial_days and not priced["term_months"]):
        raise Invalid("trial_invalid", field="trial_days", limit=MAX_TRIAL_DAYS)
    most_lead = min(MAX_LEAD_DAYS, 15 * priced["term_months"])
    if not 0 <= plan.renewal_lead_days <= most_lead:
        raise Invalid("renewal_lead_invalid", field="renewal_lead_days", limit=most_lead)
    if not 0 <= plan.contract_terms <= MAX_CONTRACT_TERMS or (plan.contract_terms and not priced["term_months"]):
        raise Invalid("contract_terms_invalid", field="contract_terms", limit=MAX_CONTRACT_TERMS)
    if not 1 <= plan.deadline_s <= MAX_DEADLINE_S:
        raise Invalid("deadline_invalid", field="deadline_s")
    return {
        "code": plan.code,
        "name": optional_line("name", plan.name, 60),
        "name_en": optional_line("name_en", plan.name_en, 60),
        **priced,
        "tax_included": plan.tax_included,
        "untaxed_price": plan.untaxed_price if plan.tax_included else "whole",
        "trial_days": plan.trial_days,
        "trial_needs_method": plan.trial_needs_method and plan.trial_days > 0,
        "renewal_lead_days": plan.renewal_lead_days,
        "contract_terms": plan.contract_terms,
        "features": _features(plan.features),
        "connector_id": plan.connector_id,
        "deadline_s": plan.deadline_s,
    }


def _priced_in_brief(plan: DraftPlan) -> dict[str, Any]:
    if plan.pricing not in PRICINGS:
        raise Invalid("pricing_unknown", field="pricing")
    if plan.interval not in ("month", "year", "none") or (plan.interval == "none") != (plan.pricing == "one_off"):
        raise Invalid("interval_unfit", field="interval")
    _require_currency(plan.currency)
    if not 0 <= plan.unit_price_minor <= MAX_PRICE_MINOR:
        raise Invalid("price_invalid", field="unit_price_minor")
    low, high = (plan.min_seats, plan.max_seats) if plan.pricing == "per_seat" else (1, 1)
    if not 1 <= low <= high <= MAX_SEATS or not 0 <= plan.included_seats <= MAX_SEATS:
        raise Invalid("seats_invalid", field="max_seats")
    return {
        "pricing": plan.pricing,
        "interval": plan.interval,
        "term_months": MONTHS_OF[plan.interval],
        "currency": plan.currency,
        "unit_price_minor": plan.unit_price_minor,
        "min_seats": low,
        "max_seats": high,
        "included_seats": plan.included_seats,
        "price": None,
    }


def _priced(price: PlanPrice) -> dict[str, Any]:
    _require_currency(price.currency)
    brief = headline(price)
    if brief.unit_price_minor > MAX_PRICE_MINOR:
        raise Invalid("price_invalid", field="price")
    return {
        "pricing": brief.shape,
        "interval": price.interval,
        "term_months": price.term_months,
        "currency": price.currency,
        "unit_price_minor": brief.unit_price_minor,
        "min_seats": brief.min_seats,
        "max_seats": brief.max_seats,
        "included_seats": brief.included_seats,
        "price": price.model_dump(mode="json"),
    }


def _require_currency(currency: str) -> None:
    try:
        exponent(currency)
    except ValueError as error:
        raise Invalid("currency_unknown", field="currency") from error


def _features(features: Sequence[Feature]) -> list[dict[str, Any]]:
    if len(features) > MAX_FEATURES or len({feature.key for feature in features}) != len(features):
        raise Invalid("feature_invalid", field="features")
    found: list[dict[str, Any]] = []
    for feature in features:
        if not KEY.fullmatch(feature.key):
            raise Invalid("feature_invalid", field="features")
        zh, en = optional_line("features", feature.zh, 120), optional_line("features", feature.en, 120)
        if not zh and not en:
            raise Invalid("text_required", field="features")
        if feature.value is not None and not 0 <= feature.value <= MAX_FIGURE:
            raise Invalid("number_out_of_range", field="features", least=0, most=MAX_FIGURE)
        unit = optional_line("features", feature.unit or "", 40) or None
        found.append({"key": feature.key, "zh": zh, "en": en, "value": feature.value, "unit": unit})
    return found


def terms_of(plan: Plan) -> Terms:
    """The comparable side of a plan's row."""
    return Terms(
        unit_price_minor=plan.unit_price_minor,
        currency=plan.currency,
        unit=price_unit(plan.pricing, plan.interval),
        included_seats=plan.included_seats,
        trial_days=plan.trial_days,
        features={str(feature["key"]): _figure(feature) for feature in plan.features},
        is_least=plan.pricing == "mixed",
    )


def _figure(feature: Mapping[str, Any]) -> int | None:
    value = feature.get("value")
    return value if isinstance(value, int) and not isinstance(value, bool) else None
