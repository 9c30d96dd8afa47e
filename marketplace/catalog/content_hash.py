"""What a draft held when somebody looked at it, in a few characters: whoever writes or decides names what they saw.

Content, not a counter: two windows that hold the same text agree, and a form that is sent twice changes nothing twice.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Any, Protocol

TEXT_COLUMNS = (
    "title",
    "title_en",
    "summary",
    "summary_en",
    "description",
    "description_en",
    "tax_category",
    "selling_model",
    "refund_window_days",
    "data_kept_days",
)
PLAN_COLUMNS = (
    "code",
    "name",
    "name_en",
    "pricing",
    "interval",
    "term_months",
    "currency",
    "unit_price_minor",
    "price",
    "tax_included",
    "untaxed_price",
    "min_seats",
    "max_seats",
    "included_seats",
    "trial_days",
    "trial_needs_method",
    "renewal_lead_days",
    "contract_terms",
    "features",
    "connector_id",
    "deadline_s",
)
LENGTH = 24


class HasCode(Protocol):
    """A plan, as a row or as a view of one."""

    @property
    def code(self) -> str:
        """Its code."""


def columns_of(source: object, names: Iterable[str]) -> dict[str, Any]:
    """These columns of a row, or of a view of it."""
    return {name: getattr(source, name) for name in names}


def content_hash(columns: Mapping[str, Any]) -> str:
    """The same for the same content; 96 bits of SHA-256."""
    plain = {name: list(value) if isinstance(value, tuple) else value for name, value in columns.items()}
    return hashlib.sha256(json.dumps(plain, sort_keys=True, default=str).encode()).hexdigest()[:LENGTH]


def text_hash(version: object, kind: str, category: str) -> str:
    """Of a version's words."""
    return content_hash(columns_of(version, TEXT_COLUMNS) | {"kind": kind, "category": category})


def plan_hash(plan: object) -> str:
    """Of one plan."""
    return content_hash(columns_of(plan, PLAN_COLUMNS))


def draft_hash(version: object, kind: str, category: str, plans: Iterable[HasCode]) -> str:
    """Of what is written anew as a whole: a version's words and its plans, in whatever order."""
    return content_hash({"text": text_hash(version, kind, category), **_of_plans(plans)})


def image_hash(image: Mapping[str, Any]) -> str:
    """Of what a picture is said to show. Its place among the others is not in it: whoever moves one overwrites no words."""
    return content_hash({name: image[name] for name in ("alt", "alt_en")})


def terms_hash(terms: Mapping[str, Any] | None) -> str:
    """Of the terms of a version, words and document; of their absence, too."""
    return content_hash({"terms": terms})


def version_hash(version: object, kind: str, category: str, plans: Iterable[HasCode]) -> str:
    """Of everything that a reviewer decides on."""
    beside = content_hash(columns_of(version, ("images", "terms")))
    return content_hash({"text": text_hash(version, kind, category), "beside": beside, **_of_plans(plans)})


def _of_plans(plans: Iterable[HasCode]) -> dict[str, str]:
    return {f"plan {plan.code}": plan_hash(plan) for plan in plans}
