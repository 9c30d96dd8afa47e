"""Choices that forms offer."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Choice:
    """An entry of a select: a billing profile or a payment method."""

    id: str
    label: str
    detail: str = ""


CATEGORIES = (
    "hr",
    "crm",
    "collaboration",
    "finance",
    "legal",
    "analytics",
    "security",
    "infrastructure",
    "logistics",
    "marketing",
    "design",
    "education",
    "services",
)
"""What the listing editor offers; the API takes others, too. Their words are under `word.category.`."""

CLAIM_KINDS = ("price", "included_seats", "trial_days", "feature", "service_level")
