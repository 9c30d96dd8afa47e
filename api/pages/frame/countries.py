"""Countries as a form offers them."""

from __future__ import annotations

from api.pages.frame.choices import Choice
from api.pages.frame.site import PageRequest
from api.pages.frame.translations import translations
from marketplace.parties.places import COUNTRIES


def country_choices(page_request: PageRequest) -> tuple[Choice, ...]:
    """By name in the reader's language, with China, where most come from, at the head."""
    names = translations(page_request.language).locale.territories
    found = sorted((names.get(code, code), code) for code in COUNTRIES)
    return tuple(Choice(code, name) for name, code in sorted(found, key=lambda one: one[1] != "CN"))
