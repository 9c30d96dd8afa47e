"""What differs between two versions of a listing, in words: the fields that changed, and the places in long texts."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Any, Literal

from api.pages.frame.phrases import figure, priced, sentences
from api.pages.frame.site import PageRequest
from api.pages.frame.translations import translations
from api.pages.listings.forms import TEXT_FIELDS, plan_values, tax_words
from marketplace.catalog.queries import ListingView, PlanView, VersionsCompared

Kind = Literal["same", "out", "in"]
_TOKEN = re.compile(r"[A-Za-z0-9]+|\s+|.", re.DOTALL)
_LINE = re.compile(r"[^\n]*\n|[^\n]+")
_TOKENS_AT_MOST = 2_000
"""Above this, texts are compared line by line: the comparison takes the square of what it compares."""
_CONTEXT = 60


@dataclass(frozen=True, slots=True)
class Change:
    """A field that is not what it was; `parts` are pieces of text that stayed, went, or came."""

    label: str
    parts: tuple[tuple[Kind, str], ...]


_WORDED = ("tax_category", "selling_model")
"""What is one of a few, each with a word."""


def changes(page_request: PageRequest, versions: VersionsCompared) -> tuple[Change, ...] | None:
    """What the latest version changes of the one on sale; None where nothing is on sale to compare with."""
    old, new = versions.published, versions.latest
    if old is None or old.version_id == new.version_id:
        return None
    texts = translations(page_request.language).texts
    found = [
        Change(texts[f"editor.field.{name}"], difference(before, after))
        for name in (*TEXT_FIELDS, *_WORDED, "refund_window_days", "data_kept_days")
        if (before := _field(page_request, old, name)) != (after := _field(page_request, new, name))
    ]
    images = [" · ".join(_named(page_request, one) for one in version.images) for version in (old, new)]
    if old.images != new.images:
        found.append(Change(page_request.t("editor.images"), (("out", images[0]), ("in", images[1]))))
    terms = [version.terms or {} for version in (old, new)]
    for name in ("version", "text", "text_en", "pdf_name"):
        before, after = (str(one.get(name, "")) for one in terms)
        if before != after or (name == "pdf_name" and terms[0].get("pdf_sha256") != terms[1].get("pdf_sha256")):
            found.append(Change(texts[f"editor.field.terms_{name}"], difference(before, after)))
    return (*found, *_plans(page_request, old, new))


def _named(page_request: PageRequest, image: Mapping[str, Any]) -> str:
    """What a picture shows, or the beginning of its name where nobody said."""
    return page_request.pick(image["alt"], image["alt_en"]) or str(image["id"])[:8]


def difference(before: str, after: str) -> tuple[tuple[Kind, str], ...]:
    """Two texts as pieces that stayed, went and came; what stayed is shortened. Pure."""
    old, new = _TOKEN.findall(before), _TOKEN.findall(after)
    if max(len(old), len(new)) > _TOKENS_AT_MOST:
        old, new = _LINE.findall(before), _LINE.findall(after)
    parts: list[tuple[Kind, str]] = []
    for tag, old_from, old_to, new_from, new_to in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if tag == "equal":
            parts.append(("same", _shortened("".join(old[old_from:old_to]))))
            continue
        if old_to > old_from:
            parts.append(("out", "".join(old[old_from:old_to])))
        if new_to > new_from:
            parts.append(("in", "".join(new[new_from:new_to])))
    return tuple(parts)


def _shortened(text: str) -> str:
    return text if len(text) <= 3 * _CONTEXT else f"{text[:_CONTEXT]} … {text[-_CONTEXT:]}"


def _field(page_request: PageRequest, view: ListingView, name: str) -> str:
    value = str(getattr(view, name))
    return translations(page_request.language).word(name, value) if name in _WORDED else value


def _plans(page_request: PageRequest, old: ListingView, new: ListingView) -> list[Change]:
    before = {plan.code: plan for plan in old.plans if plan.state == "active"}
    after = {plan.code: plan for plan in new.plans}
    found: list[Change] = []
    colon = page_request.t("editor.colon")
    for code in (*before, *(code for code in after if code not in before)):
        was, now = before.get(code), after.get(code)
        lines = _terms(page_request, was) if was else {}
        lines_now = _terms(page_request, now) if now else {}
        named = now or was
        name = page_request.pick(named.name, named.name_en) if named else code
        if was is None or now is None:
            added, removed = (
                page_request.t("compared.plan_added", name=name),
                page_request.t("compared.plan_removed", name=name),
            )
            label = added if was is None else removed
            shown = lines_now if was is None else lines
            text = "\n".join(f"{part}{colon}{value}" for part, value in shown.items() if value not in ("", "0"))
            found.append(Change(label, (("in" if was is None else "out", text),)))
            continue
        found += [
            Change(f"{name} · {part}", difference(lines.get(part, ""), lines_now.get(part, "")))
            for part in (*lines, *(part for part in lines_now if part not in lines))
            if lines.get(part, "") != lines_now.get(part, "")
        ]
    return found


def _terms(page_request: PageRequest, plan: PlanView) -> Mapping[str, str]:
    """A plan's terms by the names of their fields."""
    words = translations(page_request.language)
    values = plan_values(plan)
    tax = tax_words(page_request, plan)
    shown = {
        "name": plan.name,
        "name_en": plan.name_en,
        "price": f"{priced(page_request, plan.unit_price_minor, plan.currency, plan.price_unit, plan.pricing)} · {tax}",
        "price_kind": "\n".join(sentences(page_request, plan)),
        **{
            name: values[name]
            for name in (
                "min_seats",
                "max_seats",
                "included_seats",
                "trial_days",
                "renewal_lead_days",
                "contract_terms",
            )
        },
        "trial_needs_method": page_request.t(
            "trial.editor_converts" if plan.trial_needs_method else "trial.editor_ends"
        ),
        "deadline": f"{values['deadline']} {words.word('time_unit', values['deadline_unit'])}",
        "connector_id": values["connector_id"][-8:],
    }
    if not plan.trial_days:
        del shown["trial_needs_method"]
    terms = {words.texts[f"editor.field.plan_{name}"]: value for name, value in shown.items()}
    for feature in plan.features:
        value = feature.get("value")
        ending = f" {figure(page_request, value, feature.get('unit'))}" if value is not None else ""
        terms[f"{words.texts['editor.field.plan_features']} {feature['key']}"] = (
            f"{feature['zh']} / {feature['en']}{ending}"
        )
    return terms
