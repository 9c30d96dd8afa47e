"""The editor of a price of components, wherever a price is edited: how much room it offers, and what its selects do."""

from __future__ import annotations

from api.language import Language
from api.pages.frame.choices import Choice
from api.pages.frame.translations import translations
from api.pages.listings.price_form import INTERVALS, MODES, metered_rows, milestone_rows, tier_rows
from api.pages.listings.views import PriceRows, SectionForm


def price_rows(form: SectionForm) -> PriceRows:
    """The room that the form of a price offers, and which of its parts are in use."""
    filled = [name for name, value in form.values.items() if value and not name.endswith("_mode")]

    def used(*prefixes: str) -> bool:
        return any(name.startswith(prefixes) for name in (*filled, *form.wrong))

    return PriceRows(
        seats_tiers=tier_rows(form.values, "seats"),
        dimensions=tuple(tier_rows(form.values, f"metered_{n}") for n in range(metered_rows(form.values))),
        milestones=milestone_rows(form.values),
        seats_used=used("seats_"),
        usage_used=used("metered_", "commitment_"),
        milestones_used=used("milestone_"),
    )


def price_choices(language: Language) -> dict[str, tuple[Choice, ...]]:
    """What the selects of a price offer: `intervals` and `modes`, in the reader's words."""
    word = translations(language).word
    return {
        "intervals": tuple(Choice(one, word("price_interval", one)) for one in INTERVALS),
        "modes": tuple(Choice(one, word("tier_mode", one)) for one in MODES),
    }
