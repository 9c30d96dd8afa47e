"""The listing editor: its forms as stored or as typed, and what is to be said at each of their fields."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from markupsafe import Markup

from api.pages.frame.choices import COMMON_CURRENCIES, Choice
from api.pages.frame.partner_groups import group_fields
from api.pages.frame.phrases import failure, is_known, priced, reason, seconds_since, sentences
from api.pages.frame.prices import per_of
from api.pages.frame.site import PageRequest
from api.pages.frame.translations import translations
from api.pages.listings.forms import (
    COMPONENTS,
    NEW_PLAN,
    PRICE_KINDS,
    PRICE_UNITS,
    SECONDS,
    feature_rows,
    free_code,
    plan_values,
    tax_words,
    text_values,
)
from api.pages.listings.price_editor import price_choices, price_rows
from api.pages.listings.shown import shown_images
from api.pages.listings.views import DraftImage, ListingEditView, ListingOptions, PlanSection, SectionForm
from fulfillment.connectors.views import ConnectorView
from kernel.errors import DomainError
from kernel.money import CURRENCIES
from kernel.text import render_markdown
from marketplace.catalog.categories import CATEGORIES
from marketplace.catalog.content_hash import image_hash, plan_hash, terms_hash, text_hash
from marketplace.catalog.draft_listing import KINDS, MAX_PLANS, TAX_CATEGORIES
from marketplace.catalog.edit_images import MAX_IMAGES
from marketplace.catalog.edit_terms import MAX_TEXT
from marketplace.catalog.queries import ListingView, PlanView, VersionsCompared
from marketplace.catalog.selling_model import SELLING_MODELS
from marketplace.catalog.submit_listing import Reason, as_reason, check_version
from marketplace.onboarding.queries import Checklist
from marketplace.relations.partner_groups import TierNamed, groups_as_read

TEXT = "text"
NEW = "new"
IMAGES = "images"
TERMS = "terms"
READERS = "readers"
MARKDOWN = ("description", "description_en", "text", "text_en")
"""Fields that hold restricted Markdown."""
REVIEWED_WITHIN_S = 86_400
"""What sellers are promised, and after which a review shows as late, in seconds."""
_FIELDS: Mapping[str, str] = {
    "unit_price_minor": "price",
    "pricing": "price_unit",
    "interval": "price_unit",
    "deadline_s": "deadline",
}
"""Columns that the forms ask for in another way."""


@dataclass(frozen=True, slots=True)
class RefusedSection:
    """What was typed into one section and refused: it stays in its fields, and the refusal is told there.

    Without a refusal it was typed to be looked at: it is shown as buyers will see it, and not saved.
    """

    key: str
    values: Mapping[str, str] = field(default_factory=dict)
    refused: DomainError | None = None


@dataclass(frozen=True, slots=True)
class EditorData:
    """What the editor is made from."""

    versions: VersionsCompared
    connectors: Sequence[ConnectorView]
    checklist: Checklist
    customers: int
    suspension: str = ""
    """Why the platform took it off sale, in its own words."""
    tiers: Sequence[TierNamed] = ()
    """The seller's, of which it may be for partners in some."""


def plan_key(code: str) -> str:
    """The section of a plan: never that of the words or of a new plan, whatever the plan's code."""
    return f"plan-{code}"


def image_section(image_id: str) -> str:
    """The section of a picture."""
    return f"image-{image_id}"


def options(page_request: PageRequest, connectors: Sequence[ConnectorView]) -> ListingOptions:
    """What the selects offer, in the reader's words."""
    words = translations(page_request.language)
    names = words.locale.currencies
    others = [code for code in CURRENCIES if code not in COMMON_CURRENCIES]
    return ListingOptions(
        kinds=tuple(Choice(one, words.word("listing_kind", one)) for one in KINDS),
        categories=tuple(Choice(one, words.word("category", one)) for one in CATEGORIES),
        tax_categories=tuple(Choice(one, words.word("tax_category", one)) for one in TAX_CATEGORIES),
        selling_models=tuple(Choice(one, words.word("selling_model", one)) for one in SELLING_MODELS),
        price_units=tuple(Choice(one, page_request.t(f"per.{per_of(one)}")) for one in PRICE_UNITS),
        currencies=tuple(Choice(code, f"{code} · {names.get(code, code)}") for code in (*COMMON_CURRENCIES, *others)),
        connectors=tuple(Choice(str(one.id), one.name) for one in connectors),
        deadline_units=tuple(Choice(one, words.word("time_unit", one)) for one in SECONDS),
        price_kinds=tuple(Choice(one, words.word("price_kind", one)) for one in PRICE_KINDS),
        **price_choices(page_request.language),
    )


def edit_view(page_request: PageRequest, data: EditorData, typed: RefusedSection | None = None) -> ListingEditView:
    """The editor of a listing, with what was typed and refused."""
    latest, published = data.versions.latest, data.versions.published
    retired = latest.state == "retired"
    editable = latest.version_state in {"draft", "rejected"} and not retired
    waiting_s = seconds_since(latest.submitted_at or latest.created_at) if latest.version_state == "in_review" else 0
    found = check_version(latest, latest.plans, onboarded=not data.checklist.missing)
    plans = sorted(latest.plans, key=lambda plan: plan.id)
    sections = tuple(_plan(page_request, plan, latest, typed) for plan in plans)
    images = _images(page_request, latest, typed)
    known = {TEXT, NEW, IMAGES, TERMS, READERS, *(one.form.key for one in sections), *(one.form.key for one in images)}
    error = None
    if typed is not None and typed.refused is not None and typed.key not in known:
        error = failure(page_request, typed.refused)
    return ListingEditView(
        id=str(latest.id),
        name=page_request.pick(latest.title, latest.title_en),
        state=latest.state if retired or _is_off_sale(latest) else latest.version_state,
        version=latest.version_number,
        published=published.version_number if published else None,
        editable=editable,
        kind_fixed=published is not None,
        is_service=latest.kind == "service",
        text=_text(page_request, latest, typed),
        plans=sections,
        new_plan=_new_plan(page_request, plans, typed) if editable and len(plans) < MAX_PLANS else None,
        options=options(page_request, data.connectors),
        missing=tuple(said(page_request, latest, one, missing=", ".join(data.checklist.missing)) for one in found),
        returned=tuple(said(page_request, latest, one) for one in _elsewhere_said(latest)),
        waiting_s=waiting_s,
        late=waiting_s > REVIEWED_WITHIN_S,
        retired=retired,
        by_rule=page_request.services.settings.listings_reviewed_by_rule,
        may_retire=latest.state in {"published", "suspended", "paused"},
        customers=data.customers,
        suspended=latest.state == "suspended",
        suspension=data.suspension,
        images=images,
        most_images=MAX_IMAGES,
        terms=_terms(page_request, latest, typed),
        terms_pdf=str((latest.terms or {}).get("pdf_name", "")),
        image_error=failure(page_request, typed.refused) if typed and typed.refused and typed.key == IMAGES else None,
        **_readers(page_request, data, typed),
        error=error,
    )


def _readers(page_request: PageRequest, data: EditorData, typed: RefusedSection | None) -> dict[str, Any]:
    """Whom it is shown to, as stored or as typed where that was refused."""
    latest = data.versions.latest
    values = typed.values if typed is not None and typed.key == READERS and typed.refused is not None else None
    kept = groups_as_read(latest.partner_groups, latest.org_id)
    return {
        "visibility": latest.visibility if values is None else values.get("visibility", ""),
        "groups": group_fields(page_request, data.tiers, kept, values),
        "readers_error": failure(page_request, typed.refused)
        if values is not None and typed and typed.refused
        else None,
    }


def _is_off_sale(view: ListingView) -> bool:
    """Whether what the editor shows is what is suspended or paused."""
    return view.state in {"suspended", "paused"} and view.version_state == "published"


def said(page_request: PageRequest, view: ListingView, found: Reason, **params: str) -> str:
    """A reason with the field it is about: Title: a required text is empty."""
    colon = page_request.t("editor.colon")
    return f"{field_name(page_request, view, found['field'])}{colon}{_why(page_request, found, **params)}"


def field_name(page_request: PageRequest, view: ListingView, name: str) -> str:
    """A field in words; of a plan's, the plan too."""
    texts = translations(page_request.language).texts
    if name.startswith("plans."):
        _, code, *column = name.split(".")
        plan = next((one for one in view.plans if one.code == code), None)
        label = page_request.pick(plan.name, plan.name_en) if plan else code
        own = texts.get(f"editor.field.plan_{_FIELDS.get(column[0], column[0])}") if column else None
        return f"{label or code} · {own}" if own else label or code
    return texts.get(f"editor.field.{name or 'whole'}", name)


def _why(page_request: PageRequest, found: Mapping[str, Any], **params: str) -> str:
    code, note = str(found["code"]), str(found.get("note", ""))
    words = reason(page_request, code, params) if is_known(code) else code.replace("_", " ")
    return " ".join((words, page_request.t("editor.quoted", text=note))) if note else words


def _text(page_request: PageRequest, view: ListingView, typed: RefusedSection | None) -> SectionForm:
    stored = text_values(view)
    base = text_hash(view, view.kind, view.category)
    returned = {name: _reasons(page_request, view, name) for name in stored}
    return _section(page_request, TEXT, stored, base, returned, typed)


def _plan(page_request: PageRequest, plan: PlanView, view: ListingView, typed: RefusedSection | None) -> PlanSection:
    stored = plan_values(plan)
    names = {*stored, "features"}
    returned = {name: _reasons(page_request, view, f"plans.{plan.code}.{name}") for name in names}
    returned["plan"] = _reasons(page_request, view, f"plans.{plan.code}")
    form = _section(page_request, plan_key(plan.code), stored, plan_hash(plan), returned, typed)
    tax = tax_words(page_request, plan)
    price = priced(page_request, plan.unit_price_minor, plan.currency, plan.price_unit, plan.pricing)
    lacks = not plan.name and not plan.name_en
    opened = bool(form.wrong or form.error or any(returned.values()) or lacks or plan.connector_id is None)
    return PlanSection(
        form,
        plan.code,
        f"{price} · {tax}",
        feature_rows(form.values),
        opened,
        price_rows(form),
        sentences(page_request, plan),
    )


def _new_plan(page_request: PageRequest, plans: Sequence[PlanView], typed: RefusedSection | None) -> PlanSection:
    stored = {**NEW_PLAN, "code": free_code({plan.code for plan in plans})}
    if plans:
        stored |= {"currency": plans[0].currency, "connector_id": str(plans[0].connector_id or "")}
    form = _section(page_request, NEW, stored, "", {}, typed)
    opened = not plans or bool(form.error)
    return PlanSection(form, "", "", feature_rows(form.values), opened, price_rows(form))


def _section(
    page_request: PageRequest,
    key: str,
    stored: Mapping[str, str],
    base: str,
    returned: Mapping[str, Sequence[str]],
    typed: RefusedSection | None,
) -> SectionForm:
    """The section as stored, or as typed where it was refused."""
    kept = {name: found for name, found in returned.items() if found}
    if typed is None or typed.key != key:
        return SectionForm(key, stored, base, returned=kept, html=_html(stored))
    values = {**stored, **typed.values}
    if typed.refused is None:
        began = typed.values.get("base", "")
        return SectionForm(key, values, began, returned=kept, html=_html(values), previewed=True)
    name = getattr(typed.refused, "field", None)
    if name == "price" and typed.values.get("price_kind") == COMPONENTS:
        # About the whole of it, where the field of one figure is not shown.
        name = "price_kind"
    changed = typed.refused.code == "draft_changed"
    elsewhere = {one: stored[one] for one in stored if changed and stored[one] != typed.values.get(one, stored[one])}
    words = failure(page_request, typed.refused)
    return SectionForm(
        key,
        values,
        # Who has seen both sides may write over the other one.
        base if changed else typed.values.get("base", ""),
        wrong={_FIELDS.get(name, name): words} if name else {},
        returned=kept,
        elsewhere=elsewhere,
        html=_html(values),
        error=words,
    )


def _images(page_request: PageRequest, view: ListingView, typed: RefusedSection | None) -> tuple[DraftImage, ...]:
    pictures = zip(shown_images(page_request, view), view.images, strict=True)
    return tuple(
        DraftImage(shown, _section(page_request, image_section(shown.id), _words(one), image_hash(one), {}, typed))
        for shown, one in pictures
    )


def _words(image: Mapping[str, Any]) -> dict[str, str]:
    return {name: str(image[name]) for name in ("alt", "alt_en")}


def _terms(page_request: PageRequest, view: ListingView, typed: RefusedSection | None) -> SectionForm:
    stored = {name: str((view.terms or {}).get(name, "")) for name in ("version", "text", "text_en")}
    return _section(page_request, TERMS, stored, terms_hash(view.terms), {}, typed)


def _html(values: Mapping[str, str]) -> dict[str, str]:
    texts = {name: values[name] for name in MARKDOWN if len(values.get(name, "")) <= MAX_TEXT and name in values}
    return {name: Markup(render_markdown(text)) for name, text in texts.items()}  # noqa: S704 - cleaned


def _reasons(page_request: PageRequest, view: ListingView, name: str) -> list[str]:
    return [_why(page_request, one) for one in view.review_reasons if _shown_at(str(one.get("field", ""))) == name]


def _shown_at(name: str) -> str:
    """The form's field that a reason's field is shown at."""
    if not name.startswith("plans."):
        return name
    plans, code, *column = name.split(".")
    return ".".join((plans, code, *(_FIELDS.get(one, one) for one in column)))


def _elsewhere_said(view: ListingView) -> list[Reason]:
    """Reasons about no field of the forms."""
    fields = set(text_values(view))
    codes = {plan.code for plan in view.plans}
    return [
        as_reason(one)
        for one in view.review_reasons
        if (name := str(one.get("field", ""))) not in fields
        and not (name.startswith("plans.") and name.split(".")[1] in codes)
    ]
