"""Do a claim's words say what its value says? Viewers read them, so that they may promise nothing beside it. Pure."""

from __future__ import annotations

import re
from decimal import Decimal

from kernel.money import to_decimal

_TRIAL = re.compile(r"试用|先用后付|首月免|\btrial\b|\btry\b.*\bfree\b|\bfree\b.*\bmonths?\b", re.IGNORECASE)
_NUMBER = re.compile(r"\d+(?:[,，]\d{3})*(?:\.\d+)?")


def promises_trial(*texts: str) -> bool:
    """Whether words promise a trial, which a claim of trial days alone is held to."""
    return any(_TRIAL.search(text) for text in texts)


def other_figure(kind: str, value_int: int | None, currency: str | None, *texts: str) -> str | None:
    """The first figure in words that speak of figures, but never of the one that is claimed: a price in its currency's major
    unit, a number of seats or of days of a trial. None where all is well, and of claims whose words need no figure.
    """
    if value_int is None or kind not in ("price", "included_seats", "trial_days"):
        return None
    claimed = to_decimal(value_int, currency) if kind == "price" and currency else Decimal(value_int)
    for text in texts:
        figures = _NUMBER.findall(text)
        if figures and claimed not in {Decimal(re.sub("[,，]", "", figure)) for figure in figures}:
            return str(figures[0])
    return None
