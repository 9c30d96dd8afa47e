"""Words and figures that several dashboards share: bilingual names, prices with their unit, errors as one sentence."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from api.pages.frame.codes import in_words
from api.pages.frame.prices import per_of
from api.pages.frame.site import PageRequest
from api.pages.frame.translations import translations
from api.problems import sentence, texts
from api.rate_limits import note_refusal
from kernel import clock
from kernel.calendar import add_months
from kernel.errors import DomainError
from kernel.money import Money
from marketplace.catalog.plan_price import plan_price
from marketplace.catalog.queries import PlanView
from marketplace.placements.claim_checks import LEAST, UNITS, USAGE
from marketplace.pricing.engine import PriceLine
from marketplace.pricing.words import line_in_words, price_in_words
from orders.checkout.priced_line import InstalmentPart
from orders.order.views import LineView

_GIVEN_UP = ("deadline_missed", "entitlement_ended")
_PRICE = re.compile(rf"({LEAST})?(-?\d+) ([A-Z]{{3}})/([a-z/]+)")


def money(minor: int, currency: str) -> Money:
    """From a column pair; the column pads its code."""
    return Money(minor, currency.strip())


def priced(page_request: PageRequest, minor: int, currency: str, price_unit: str, pricing: str = "") -> str:
    """A price as it is said: ¥199 / seat / year, from ¥3,980 / month, by usage, free. As `price_tag` in macros.html."""
    per = per_of(price_unit, pricing)
    if per == "usage":
        return page_request.t("per.usage")
    is_least = per.startswith("from_")
    if not minor and not is_least:
        return page_request.t("price.free")
    said = f"{page_request.formats.price(money(minor, currency))} / {page_request.t(f'per.{per}')}"
    return page_request.t("price.from", price=said) if is_least else said


def sentences(page_request: PageRequest, plan: PlanView) -> tuple[str, ...]:
    """What the components of a plan's price cost; nothing of one figure, which its headline says."""
    return tuple(price_in_words(plan_price(plan), page_request.language)) if plan.price is not None else ()


def explained(
    page_request: PageRequest, parts: Iterable[PriceLine | Mapping[str, Any]], interval: str, currency: str
) -> tuple[str, ...]:
    """How a list price of several parts came about, part by part, as it is stored with quotes and orders."""
    lines = (part if isinstance(part, PriceLine) else PriceLine.model_validate(part) for part in parts)
    return tuple(line_in_words(line, interval, currency, page_request.language) for line in lines)


def agreed_terms(page_request: PageRequest, contract_terms: int, first_ends_at: datetime | None) -> tuple[str, ...]:
    """Until when the first term is, where that is no whole one; and when what recurs ends for good."""
    words, said = translations(page_request.language), []
    if first_ends_at is not None:
        day = page_request.formats.day(first_ends_at - timedelta(seconds=1))
        said.append(page_request.t("plan.first_until", day=day))
    if contract_terms:
        said.append(words.count("plan.contract_terms", contract_terms))
    return tuple(said)


def schedule(
    page_request: PageRequest,
    parts: Iterable[InstalmentPart | Mapping[str, Any]],
    currency: str,
    begins: datetime | None,
) -> tuple[str, ...]:
    """When which part of a term's price is paid, one sentence each; nothing of a term that is paid in one.

    With the day where it is known when the term `begins`, or would.
    """
    found = [part if isinstance(part, InstalmentPart) else InstalmentPart.model_validate(part) for part in parts]
    t, formats = page_request.t, page_request.formats
    said = []
    for part in found:
        amount = formats.money(money(part.gross_minor, currency))
        if not part.after_months:
            said.append(t("instalment.first", number=part.number, count=len(found), amount=amount))
            continue
        at: dict[str, Any] = {"months": part.after_months, "amount": amount}
        at |= {"number": part.number, "count": len(found)}
        if begins is None:
            said.append(t("instalment.later", **at))
        else:
            due = add_months(begins, part.after_months, time_zone=formats.time_zone)
            said.append(t("instalment.later_on", **at, day=formats.day(due)))
    if found:
        whole = formats.money(money(sum(part.gross_minor for part in found), currency))
        said.append(t("instalment.whole", amount=whole))
    return tuple(said)


def figure(page_request: PageRequest, value: int, unit: str | None) -> str:
    """A plan's figure with its unit: 500 GB, 15 minutes. A unit without words of ours stays as its seller wrote it."""
    words = translations(page_request.language)
    key = f"word.unit.{(unit or '').lower().replace('/', '_per_')}"
    if f"{key}.other" in words.texts:
        return words.count(key, value)
    return f"{page_request.formats.number(value)} {(unit or '').replace('_', ' ')}".strip()


def titles(page_request: PageRequest, lines: Sequence[LineView]) -> str:
    """What an order is called where there is one line for it: its first title, and how many more there are."""
    first = page_request.pick(lines[0].title, lines[0].title_en)
    return page_request.t("list.and_more", title=first, n=len(lines) - 1) if len(lines) > 1 else first


def several(page_request: PageRequest, lines: Sequence[LineView]) -> tuple[str, ...]:
    """Each line of an order that has more than one, with its plan and how often."""
    if len(lines) < 2:
        return ()
    pick, number = page_request.pick, page_request.formats.number
    return tuple(
        f"{pick(one.title, one.title_en)} · {pick(one.plan_name, one.plan_name_en)} × {number(one.quantity)}"
        for one in lines
    )


def seconds_since(at: datetime) -> int:
    """Whole seconds from `at` until now, never negative."""
    return max(0, int((clock.now() - at).total_seconds()))


def run_failure(page_request: PageRequest, failure: str | None, message: str | None, message_en: str | None) -> str:
    """Why a run needs a hand: the seller's own words, or ours where it was given up."""
    if failure in _GIVEN_UP:
        return page_request.t(f"run.{failure}")
    if failure:
        return in_words(page_request.language, failure)
    return page_request.pick(message, message_en) or page_request.t("run.no_answer")


def failure(page_request: PageRequest, error: DomainError) -> str:
    """An error in one line: what happened, what is safe, what to do. Where a limit refused, the answer's headers name it."""
    note_refusal(page_request.request, error)
    return blocked(page_request, error.code, error.params)


def blocked(page_request: PageRequest, code: str, params: Mapping[str, Any]) -> str:
    """An error code with its parameters in the visitor's words."""
    return _joined(page_request, code, params, "what", "safe", "todo")


def reason(page_request: PageRequest, code: str, params: Mapping[str, Any]) -> str:
    """Only what happened and what to do: where nothing was tried yet there is nothing to reassure about."""
    return _joined(page_request, code, params, "what", "todo")


def is_known(code: str) -> bool:
    """Whether there is a text for this error code."""
    return code in texts()


def _joined(page_request: PageRequest, code: str, params: Mapping[str, Any], *parts: str) -> str:
    said = {name: _in_words(page_request, name, value) for name, value in params.items()}
    found = sentence(code, page_request.language, said)
    return (" " if page_request.language == "en" else "").join(found[part] for part in parts)


def _in_words(page_request: PageRequest, name: str, value: object) -> object:
    """A parameter as a person reads it: prices with their sign, steps by their words."""
    if not isinstance(value, str):
        return value
    if name in {"said", "holds"} and (found := _PRICE.fullmatch(value)) and found[4] in UNITS:
        pricing = "mixed" if found[1] else ""
        return priced(page_request, int(found[2]), found[3], found[4], pricing)
    if name == "holds" and value == USAGE:
        return page_request.t("per.usage")
    if name in {"present", "latest"}:
        return page_request.formats.moment(datetime.fromisoformat(value))
    if name == "category" and value in {"saas", "service"}:
        return page_request.t(f"word.listing_kind.{value}")
    if name == "missing":
        known = translations(page_request.language).texts
        comma = ", " if page_request.language == "en" else "、"
        return comma.join(known.get(f"start.{step}.title", step) for step in value.split(", "))
    return value
