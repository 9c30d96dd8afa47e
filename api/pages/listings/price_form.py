"""A price of components in the editor's form, and the other way round: what is stored fills the form again exactly.

A component is there when one of its fields is filled in. Tiers, milestones and metered dimensions stand in rows; blank rows
are skipped.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from api.pages.frame.prices import parse_amount
from api.pages.frame.site import Form
from api.pages.frame.typed_numbers import plain, whole_number
from kernel.errors import Invalid
from kernel.money import exponent, to_decimal
from marketplace.pricing.components import (
    MAX_COMPONENTS,
    MAX_QUANTITY,
    MAX_TERM_MONTHS,
    MAX_TIERS,
    Commitment,
    Flat,
    Metered,
    Milestones,
    OneOff,
    PerSeat,
    PlanPrice,
    SetupFee,
)
from marketplace.pricing.shapes import MAX_SEATS, parse_price

INTERVALS = ("month", "quarter", "year", "none")
MODES = ("graduated", "volume")
MAX_MILESTONES = 20
BLANK_ROWS = 2
_AMOUNTS = ("flat", "one_off", "setup")
_SEATS = ("minimum", "maximum", "step", "included")
_TIER = ("to", "price", "flat")
_NAMES = ("name", "name_en", "unit", "unit_en")
_METERED = ("code", "included", "cap", *_NAMES)
_UNIT = re.compile(r"\d{1,13}(\.\d{1,10})?", re.ASCII)
_RATE = re.compile(r"\d{1,4}(\.\d{1,4})?", re.ASCII)
_LONGEST = 100
_OWN_FIELDS = {
    "unit_micro": "price",
    "up_to": "to",
    "flat_minor": "flat",
    "amount_minor": "amount",
    "overage_ppm": "rate",
    "dimension": "code",
    "cap_minor": "cap",
    "rounding_off_minor": "price_rounding_off",
    "interval": "price_interval",
    "term_months": "price_term_months",
    "instalments": "price_instalments",
}
"""How the form calls what the domain names in a refusal."""
_ABOUT = {
    "interval_unfit": "price_term_months",
    "instalments_unfit": "price_instalments",
    "commitment_without_usage": "commitment_amount",
    "component_twice": "metered_0_code",
}
"""Where a refusal is shown that is about the price as a whole."""


@dataclass(slots=True)
class _Written:
    """A component as it was typed: the prefix of its fields, and the numbers of the rows that were not blank."""

    prefix: str
    component: dict[str, Any]
    rows: list[int] = field(default_factory=list)

    @property
    def name(self) -> str:
        """How a price's order names it."""
        return _name(self.component)


def price_of(form: Form, currency: str) -> PlanPrice:
    """The price that was typed.

    Raises:
        Invalid: `price_components_missing`, `price_invalid`, `number_invalid`, `number_out_of_range`, those of `parse_price`;
            each at its field.
    """
    written = [*_amounts(form, currency), *_seats(form, currency), *_usage(form, currency)]
    written += [*_commitment(form, currency), *_milestones(form, currency)]
    order = form.text("price_order", most=2_000).split()
    written.sort(key=lambda one: order.index(one.name) if one.name in order else len(order))
    interval = form.text("price_interval", most=20)
    whole = {
        "currency": currency,
        "interval": interval,
        "term_months": 0 if interval == "none" else _count(form, "price_term_months", 1, MAX_TERM_MONTHS, 1),
        "instalments": _count(form, "price_instalments", 1, MAX_TERM_MONTHS, 1),
        "rounding_off_minor": _amount(form, "price_rounding_off", currency, 0),
        "components": [one.component for one in written],
    }
    try:
        price = parse_price(whole)
    except Invalid as refused:
        name = _field_of(refused, written)
        # What is paid once has no term: then it is the interval that does not fit the components.
        name = "price_interval" if interval == "none" and name == "price_term_months" else name
        raise Invalid(refused.code, field=name, **refused.params) from refused
    if not written and not form.text("price_free", most=10):
        # Nothing filled in is no price. What is free says so.
        raise Invalid("price_components_missing", field=f"price_{_AMOUNTS[0]}")
    return price


def price_values(price: PlanPrice) -> dict[str, str]:
    """What the form's fields hold of a price."""
    currency = price.currency
    found = {
        "price_interval": price.interval,
        "price_term_months": str(price.term_months or ""),
        "price_instalments": str(price.instalments),
        "price_rounding_off": _written(price.rounding_off_minor, currency) if price.rounding_off_minor else "",
        "price_free": "" if price.components else "yes",
        "price_order": " ".join(_name(one.model_dump()) for one in price.components),
    }
    dimension = 0
    for component in price.components:
        match component:
            case OneOff() | SetupFee() | Flat():
                found[f"price_{component.kind}"] = _written(component.amount_minor, currency)
            case PerSeat():
                found |= {f"seats_{name}": str(getattr(component, name)) for name in _SEATS}
                found |= _tier_values("seats", component, currency)
            case Metered():
                prefix = f"metered_{dimension}"
                dimension += 1
                found |= {f"{prefix}_code": component.dimension, f"{prefix}_included": str(component.included)}
                found |= {f"{prefix}_{name}": getattr(component, name) for name in _NAMES}
                found[f"{prefix}_cap"] = "" if component.cap_minor is None else _written(component.cap_minor, currency)
                found |= _tier_values(prefix, component, currency)
            case Commitment():
                found["commitment_amount"] = _written(component.amount_minor, currency)
                found["commitment_rate"] = f"{Decimal(component.overage_ppm).scaleb(-4).normalize():f}"
            case Milestones():
                for row, step in enumerate(component.steps):
                    found[f"milestone_{row}_code"] = step.code
                    found[f"milestone_{row}_amount"] = _written(step.amount_minor, currency)
                    found[f"milestone_{row}_name"], found[f"milestone_{row}_name_en"] = step.name, step.name_en
                    found[f"milestone_{row}_days"] = str(step.days)
                found["milestone_accept_days"] = str(component.accept_days)
    return found


def rows_offered(values: Mapping[str, str], prefix: str, parts: tuple[str, ...], most: int, blank: int) -> int:
    """How many rows a form with these values offers: those with something in them, and blank ones after them."""
    used = [n for n in range(most) if any(values.get(f"{prefix}_{n}_{part}") for part in parts)]
    return min(max(used, default=-1) + 1 + blank, most)


def tier_rows(values: Mapping[str, str], prefix: str) -> int:
    """Rows of tiers of the seats or of a metered dimension."""
    return rows_offered(values, f"{prefix}_tier", _TIER, MAX_TIERS, BLANK_ROWS)


def milestone_rows(values: Mapping[str, str]) -> int:
    """Rows of milestones."""
    return rows_offered(values, "milestone", ("code", "amount"), MAX_MILESTONES, BLANK_ROWS)


def metered_rows(values: Mapping[str, str]) -> int:
    """Metered dimensions: those that there are and one more."""
    return rows_offered(values, "metered", (*_METERED, "tier_0_price"), MAX_COMPONENTS, 1)


def _amounts(form: Form, currency: str) -> list[_Written]:
    return [
        _Written(f"price_{kind}", {"kind": kind, "amount_minor": _amount(form, f"price_{kind}", currency)})
        for kind in _AMOUNTS
        if form.text(f"price_{kind}", most=_LONGEST)
    ]


def _seats(form: Form, currency: str) -> list[_Written]:
    tiers, rows = _tiers(form, "seats", currency)
    if not rows and not any(form.text(f"seats_{name}", most=_LONGEST) for name in _SEATS):
        return []
    component = {
        "kind": "per_seat",
        "mode": form.text("seats_mode", most=20) or "graduated",
        "minimum": _count(form, "seats_minimum", 1, MAX_SEATS, 1),
        "maximum": _count(form, "seats_maximum", 1, MAX_SEATS, MAX_SEATS),
        "step": _count(form, "seats_step", 1, 100_000, 1),
        "included": _count(form, "seats_included", 0, MAX_SEATS, 0),
        "tiers": tiers,
    }
    return [_Written("seats", component, rows)]


def _usage(form: Form, currency: str) -> list[_Written]:
    found = []
    for number in range(MAX_COMPONENTS):
        prefix = f"metered_{number}"
        tiers, rows = _tiers(form, prefix, currency)
        if not rows and not any(form.text(f"{prefix}_{name}", most=_LONGEST) for name in _METERED):
            continue
        component = {
            "kind": "metered",
            "dimension": form.text(f"{prefix}_code", most=_LONGEST),
            "mode": form.text(f"{prefix}_mode", most=20) or "graduated",
            "included": _count(form, f"{prefix}_included", 0, MAX_QUANTITY, 0),
            "cap_minor": _amount(form, f"{prefix}_cap", currency, None),
            "tiers": tiers,
            **{name: form.text(f"{prefix}_{name}", most=_LONGEST) for name in _NAMES},
        }
        found.append(_Written(prefix, component, rows))
    return found


def _commitment(form: Form, currency: str) -> list[_Written]:
    rate = form.text("commitment_rate", most=_LONGEST).removesuffix("%").strip()
    if not rate and not form.text("commitment_amount", most=_LONGEST):
        return []
    if rate and not _RATE.fullmatch(rate):
        raise Invalid("price_rate_invalid", field="commitment_rate")
    ppm = int(Decimal(rate or 100).scaleb(4))
    if ppm > 10_000_000:
        raise Invalid("price_rate_invalid", field="commitment_rate")
    amount = _amount(form, "commitment_amount", currency)
    return [_Written("commitment", {"kind": "commitment", "amount_minor": amount, "overage_ppm": ppm})]


def _milestones(form: Form, currency: str) -> list[_Written]:
    steps, rows = [], []
    for row in range(MAX_MILESTONES):
        code, amount = f"milestone_{row}_code", f"milestone_{row}_amount"
        if form.text(code, most=_LONGEST) or form.text(amount, most=_LONGEST):
            steps.append(
                {
                    "code": form.text(code, most=_LONGEST),
                    "amount_minor": _amount(form, amount, currency),
                    "name": form.text(f"milestone_{row}_name", most=_LONGEST),
                    "name_en": form.text(f"milestone_{row}_name_en", most=_LONGEST),
                    "days": _count(form, f"milestone_{row}_days", 1, 730, 14),
                }
            )
            rows.append(row)
    return [_Written("milestone", _in_steps(form, steps), rows)] if steps else []


def _in_steps(form: Form, steps: list[dict[str, Any]]) -> dict[str, Any]:
    days = _count(form, "milestone_accept_days", 1, 60, 7)
    return {"kind": "milestones", "steps": steps, "accept_days": days}


def _tiers(form: Form, prefix: str, currency: str) -> tuple[list[dict[str, Any]], list[int]]:
    tiers: list[dict[str, Any]] = []
    rows = [
        row
        for row in range(MAX_TIERS)
        if any(form.text(f"{prefix}_tier_{row}_{part}", most=_LONGEST) for part in _TIER)
    ]
    for row in rows:
        name = f"{prefix}_tier_{row}"
        tiers.append(
            {
                "up_to": _count(form, f"{name}_to", 1, MAX_QUANTITY, None),
                "unit_micro": _unit_micro(form, f"{name}_price", currency),
                "flat_minor": _amount(form, f"{name}_flat", currency, 0),
            }
        )
    return tiers, rows


def _tier_values(prefix: str, priced: PerSeat | Metered, currency: str) -> dict[str, str]:
    found: dict[str, str] = {f"{prefix}_mode": priced.mode}
    for row, tier in enumerate(priced.tiers):
        name = f"{prefix}_tier_{row}"
        exact = Decimal(tier.unit_micro).scaleb(-6 - exponent(currency))
        smallest = to_decimal(1, currency)
        found[f"{name}_to"] = "" if tier.up_to is None else str(tier.up_to)
        found[f"{name}_price"] = f"{max(exact.normalize(), exact.quantize(smallest), key=_digits):f}"
        found[f"{name}_flat"] = _written(tier.flat_minor, currency) if tier.flat_minor else ""
    return found


def _digits(value: Decimal) -> int:
    """Digits after the point."""
    return -int(value.as_tuple().exponent)


def _name(component: Mapping[str, Any]) -> str:
    return f"metered:{component['dimension']}" if component["kind"] == "metered" else str(component["kind"])


def _written(amount_minor: int, currency: str) -> str:
    return f"{to_decimal(amount_minor, currency):f}"


def _amount(form: Form, name: str, currency: str, blank: int | None = -1) -> int | None:
    """An amount in minor units; `blank` where nothing was typed, which -1 does not allow."""
    written = form.text(name, most=_LONGEST)
    if not written and blank != -1:
        return blank
    found = parse_amount(written, currency)
    if found is None:
        raise Invalid("price_invalid", field=name)
    return found


def _unit_micro(form: Form, name: str, currency: str) -> int:
    """The price of one unit in millionths of a minor unit."""
    figure = plain(form.text(name, most=_LONGEST)).lstrip("¥$€£").replace(",", "").strip()
    scaled = Decimal(figure).scaleb(exponent(currency) + 6) if _UNIT.fullmatch(figure) else None
    if scaled is None or scaled != scaled.to_integral_value():
        raise Invalid("unit_price_invalid", field=name)
    return int(scaled)


def _count(form: Form, name: str, least: int, most: int, blank: int | None) -> Any:
    written = form.text(name, most=_LONGEST).replace(",", "")
    return whole_number(written, field=name, least=least, most=most) if written else blank


def _field_of(refused: Invalid, written: list[_Written]) -> str:
    """The form's field that the domain's place in a price is about."""
    place = (refused.field or "price").split(".")
    if place[:2] != ["price", "components"] or len(place) < 3:
        if refused.code == "component_twice":
            return _named_twice(written)
        return _ABOUT.get(refused.code, _OWN_FIELDS.get(place[-1], "price_interval"))
    one, inner = written[int(place[2])], place[4:]
    match inner:
        case ["tiers" | "steps", row, name]:
            rows = f"{one.prefix}_tier" if inner[0] == "tiers" else one.prefix
            return f"{rows}_{one.rows[int(row)]}_{_OWN_FIELDS.get(name, name)}"
        case ["tiers", *_] | []:
            return _whole_of(one, refused.code)
        case [name, *_] if one.prefix in ("seats", "commitment") or one.component["kind"] == "metered":
            return f"{one.prefix}_{_OWN_FIELDS.get(name, name)}"
    return one.prefix


def _whole_of(one: _Written, code: str) -> str:
    """Where a refusal of a whole component is shown."""
    if code == "seats_invalid":
        return "seats_maximum"
    if one.prefix == "milestone":
        return f"milestone_{one.rows[-1]}_code"
    row = one.rows[-1] if one.rows else 0
    return f"{one.prefix}_tier_{row}_{'to' if code == 'tiers_out_of_order' else 'price'}"


def _named_twice(written: list[_Written]) -> str:
    names: set[str] = set()
    for one in written:
        if one.name in names:
            return f"{one.prefix}_code"
        names.add(one.name)
    return _ABOUT["component_twice"]
