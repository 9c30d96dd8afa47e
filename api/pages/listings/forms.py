"""What a seller typed into the editor's forms, as the catalogue's commands take it; and the other way round."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from api.pages.frame.prices import parse_amount
from api.pages.frame.site import Form, PageRequest, parse_uuid_or_404
from api.pages.frame.typed_numbers import find_whole, whole_number
from api.pages.listings.price_form import price_of, price_values
from kernel.errors import Invalid
from kernel.money import CURRENCIES, to_decimal
from marketplace.catalog.draft_listing import VersionText
from marketplace.catalog.plan_price import plan_price
from marketplace.catalog.plan_terms import (
    MAX_CONTRACT_TERMS,
    MAX_DEADLINE_S,
    MAX_FEATURES,
    MAX_FIGURE,
    MAX_LEAD_DAYS,
    MAX_TRIAL_DAYS,
    DraftPlan,
    Feature,
)
from marketplace.catalog.queries import ListingView, PlanView
from marketplace.pricing.shapes import MAX_SEATS

LONGEST = 1_000_000
"""Of a field as it comes in: as much as a form may hold, so that the domain refuses with its bound what is too long."""
BLANK_FEATURES = 2
PRICE_UNITS: Mapping[str, tuple[str, str]] = {
    "seat/year": ("per_seat", "year"),
    "seat/month": ("per_seat", "month"),
    "year": ("flat", "year"),
    "month": ("flat", "month"),
    "once": ("one_off", "none"),
}
SECONDS = {"day": 86_400, "hour": 3_600, "minute": 60, "second": 1}
TEXT_FIELDS = ("title", "title_en", "summary", "summary_en", "description", "description_en")
FIGURE, COMPONENTS = "figure", "components"
PRICE_KINDS = (FIGURE, COMPONENTS)
"""A price is one figure or made of components; the form has fields for both and takes those that were chosen."""
NEW_PLAN: Mapping[str, str] = {
    "price_kind": FIGURE,
    "price_unit": "seat/year",
    "price_interval": "month",
    "price_term_months": "1",
    "price_instalments": "1",
    "currency": "CNY",
    "tax_included": "yes",
    "min_seats": "1",
    "max_seats": "1000",
    "included_seats": "0",
    "trial_days": "0",
    "renewal_lead_days": "0",
    "contract_terms": "0",
    "deadline": "1",
    "deadline_unit": "day",
}
_NO_KEY = re.compile(r"[^a-z0-9]+")


def text_of(form: Form) -> VersionText:
    """The words of a version. Raises Invalid(`refund_window_invalid`, `data_kept_invalid`, `validation_failed`)."""
    words = {name: form.text(name, most=LONGEST) for name in TEXT_FIELDS}
    window = find_whole(form.text("refund_window_days", most=20))
    if window is None:
        raise Invalid("refund_window_invalid", field="refund_window_days")
    kept = find_whole(form.text("data_kept_days", most=20))
    if kept is None:
        raise Invalid("data_kept_invalid", field="data_kept_days")
    tax_category = form.text("tax_category", most=20)
    return VersionText(
        **words,
        tax_category=tax_category,
        selling_model=form.text("selling_model", most=20) or "agency",
        refund_window_days=window,
        data_kept_days=kept,
    )


def text_values(view: ListingView) -> dict[str, str]:
    """What the words' form holds."""
    return {
        **{name: str(getattr(view, name)) for name in TEXT_FIELDS},
        "kind": view.kind,
        "category": view.category,
        "tax_category": view.tax_category,
        "selling_model": view.selling_model,
        "refund_window_days": str(view.refund_window_days),
        "data_kept_days": str(view.data_kept_days),
    }


def plan_of(form: Form, code: str) -> DraftPlan:
    """A plan as it was typed.

    Raises:
        Invalid: `interval_unfit`, `currency_unknown`, `price_invalid`, `number_out_of_range`, and those of `price_of`.
        NotFound: `connector_not_found`.
    """
    currency = form.text("currency", most=3)
    if currency not in CURRENCIES:
        raise Invalid("currency_unknown", field="currency")
    connector, tax = form.text("connector_id", most=40), form.text("tax_included", most=10)
    return DraftPlan(
        code=code,
        name=form.text("name", most=LONGEST),
        name_en=form.text("name_en", most=LONGEST),
        **_priced(form, currency),
        tax_included=tax != "no",
        untaxed_price="net" if tax == "net" else "whole",
        trial_days=_number(form, "trial_days", 0, MAX_TRIAL_DAYS),
        trial_needs_method=form.text("trial_needs_method", most=10) == "yes",
        renewal_lead_days=_number(form, "renewal_lead_days", 0, MAX_LEAD_DAYS),
        contract_terms=_number(form, "contract_terms", 0, MAX_CONTRACT_TERMS),
        features=tuple(_features(form)),
        connector_id=parse_uuid_or_404(connector, "connector_not_found") if connector else None,
        deadline_s=_number(form, "deadline", 1, MAX_DEADLINE_S) * SECONDS.get(form.text("deadline_unit", most=10), 1),
    )


def _priced(form: Form, currency: str) -> dict[str, Any]:
    if form.text("price_kind", most=20) == COMPONENTS:
        return {"price": price_of(form, currency)}
    price_unit = form.text("price_unit", most=20)
    if price_unit not in PRICE_UNITS:
        raise Invalid("interval_unfit", field="price_unit")
    price = parse_amount(form.text("price", most=40), currency)
    if price is None:
        raise Invalid("price_invalid", field="price")
    pricing, interval = PRICE_UNITS[price_unit]
    return {
        "pricing": pricing,
        "interval": interval,
        "currency": currency,
        "unit_price_minor": price,
        "min_seats": _number(form, "min_seats", 1, MAX_SEATS),
        "max_seats": _number(form, "max_seats", 1, MAX_SEATS),
        "included_seats": _number(form, "included_seats", 0, MAX_SEATS),
    }


def plan_values(plan: PlanView) -> dict[str, str]:
    """What a plan's form holds. Of a plan of one figure it holds the components too that say the same, to go on from."""
    unit = next(name for name, seconds in SECONDS.items() if plan.deadline_s % seconds == 0)
    values = {
        "code": plan.code,
        "name": plan.name,
        "name_en": plan.name_en,
        "price_kind": FIGURE if plan.price is None else COMPONENTS,
        "price_unit": plan.price_unit if plan.price_unit in PRICE_UNITS else NEW_PLAN["price_unit"],
        "currency": plan.currency,
        "price": f"{to_decimal(plan.unit_price_minor, plan.currency):f}",
        "tax_included": "no" if not plan.tax_included else "net" if plan.untaxed_price == "net" else "yes",
        "min_seats": str(plan.min_seats),
        "max_seats": str(plan.max_seats),
        "included_seats": str(plan.included_seats),
        "trial_days": str(plan.trial_days),
        "trial_needs_method": "yes" if plan.trial_needs_method else "no",
        "renewal_lead_days": str(plan.renewal_lead_days),
        "contract_terms": str(plan.contract_terms),
        "connector_id": str(plan.connector_id or ""),
        "deadline": str(plan.deadline_s // SECONDS[unit]),
        "deadline_unit": unit,
        **price_values(plan_price(plan)),
    }
    for index, feature in enumerate(plan.features):
        values |= {f"feature_{index}_{part}": _said(feature.get(part)) for part in ("key", "zh", "en", "value", "unit")}
    return values


def tax_words(page_request: PageRequest, plan: PlanView) -> str:
    """Whether a plan's price contains its tax, and what becomes of it where none applies."""
    if not plan.tax_included:
        return page_request.t("editor.tax_on_top")
    return page_request.t("editor.tax_in_net") if plan.untaxed_price == "net" else page_request.t("editor.tax_in")


def feature_rows(values: Mapping[str, str]) -> int:
    """How many rows of features a form with these values offers: those with words, and blank ones after them."""
    used = [n for n in range(MAX_FEATURES) if values.get(f"feature_{n}_zh") or values.get(f"feature_{n}_en")]
    return min(max(used, default=-1) + 1 + BLANK_FEATURES, MAX_FEATURES)


def free_code(codes: set[str]) -> str:
    """A code for the next plan."""
    numbered = (f"plan-{number}" for number in range(2, len(codes) + 3))
    return next(code for code in ("standard", *numbered) if code not in codes)


def _said(value: Any) -> str:
    return "" if value is None else str(value)


def _number(form: Form, name: str, least: int, most: int) -> int:
    """A number that is the least there is where nothing was typed."""
    written = form.text(name, most=40)
    return whole_number(written, field=name, least=least, most=most) if written else least


def _features(form: Form) -> list[Feature]:
    """Rows with words. A row that has no key yet is given one, which claims of videos name from then on."""
    found: list[Feature] = []
    keys = {form.text(f"feature_{index}_key", most=LONGEST) for index in range(MAX_FEATURES)}
    for index in range(MAX_FEATURES):
        row = {
            part: form.text(f"feature_{index}_{part}", most=LONGEST) for part in ("key", "zh", "en", "value", "unit")
        }
        if not row["zh"] and not row["en"]:
            continue
        key = row["key"] or _new_key(row["en"], keys)
        keys.add(key)
        value = whole_number(row["value"], field="features", most=MAX_FIGURE) if row["value"] else None
        found.append(Feature(key, row["zh"], row["en"], value, row["unit"] or None))
    return found


def _new_key(english: str, keys: set[str]) -> str:
    base = _NO_KEY.sub("_", english.lower()).strip("_")[:50]
    base = base if base[:1].isalpha() else "feature"
    return next(key for key in (base, *(f"{base}_{n}" for n in range(2, MAX_FEATURES + 3))) if key not in keys)
