"""What of an amount for some days belongs to each of them: equal parts, the odd minor units one a day from the first day on.

That is the largest remainder where all weights are equal and the earlier day wins a tie: parts are whole minor units, differ by
at most one, and add up to the amount. Revenue for a service that is rendered evenly over time is recognised so (IFRS 15.35(a)
with B18; ASBE 14, article 11).
"""

from __future__ import annotations

from datetime import date


def recognised_minor(amount_minor: int, days: int, elapsed: int) -> int:
    """What of an amount for `days` days is earned after the first `elapsed` of them; all of it at the end, nothing before.

    Raises: ValueError: the amount is negative, or there are no days.
    """
    if amount_minor < 0 or days < 1:
        raise ValueError("an amount of at least zero for at least one day is recognised")
    passed = max(0, min(elapsed, days))
    each, odd = divmod(amount_minor, days)
    return each * passed + min(passed, odd)


def recognised_in(amount_minor: int, starts_on: date, ends_on: date, since: date, until: date) -> int:
    """What of an amount for the days from `starts_on` to `ends_on` (excluded) is earned from `since` to `until` (excluded)."""
    days = (ends_on - starts_on).days
    begun, ended = ((day - starts_on).days for day in (since, until))
    return recognised_minor(amount_minor, days, ended) - recognised_minor(amount_minor, days, begun)
