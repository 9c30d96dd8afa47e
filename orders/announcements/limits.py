"""How much a seller may announce, when, and in which words. Pure."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

WITHIN: Final = timedelta(days=30)
MOST_TO_ONE: Final = 4
"""Announcements of a seller that one organization gets within `WITHIN`; further ones are left out for it."""
MOST_OF_SELLER: Final = 10
"""Announcements that a seller may make within `WITHIN`, to whomever."""
MAX_TITLE = 80
MAX_TEXT = 2_000
FROM_HOUR: Final = 9
TO_HOUR: Final = 21
"""Of the day in China: outside it nothing is delivered, and waits."""
ZONE: Final = ZoneInfo("Asia/Shanghai")
_ADDRESS: Final = re.compile(
    r"https?:|www\.|\b[a-z0-9-]+\.(?:com|cn|net|org|top|xyz|vip|shop|info|cc|io|me|link)\b|[\w.+-]+@[\w-]+\.\w",
    re.IGNORECASE | re.ASCII,
)
_NUMBER: Final = re.compile(r"(?:\d[\s-]?){10}\d")
"""Eleven digits in a row: a mobile number, however it is broken up."""


def is_quiet(at: datetime) -> bool:
    """Whether nobody is told of anything now."""
    return not FROM_HOUR <= at.astimezone(ZONE).hour < TO_HOUR


def leads_elsewhere(words: str) -> bool:
    """Whether words name an address or a number outside the market: what is announced is answered in the thread."""
    return _ADDRESS.search(words) is not None or _NUMBER.search(words) is not None
