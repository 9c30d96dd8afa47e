"""What a product is for: a closed list, with words for each under `word.category.`.

Sellers choose from it, buyers narrow the catalogue and set their limits by it, the feed learns an organization's interests in it.
"""

from __future__ import annotations

from kernel.errors import Invalid

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
    "other",
)


def require_category(category: str) -> None:
    """Raises Invalid(`category_invalid`): it is not on the list."""
    if category not in CATEGORIES:
        raise Invalid("category_invalid", field="category", allowed=", ".join(CATEGORIES))
