"""Where a party is: its country, time zone and address, checked as they come in."""

from __future__ import annotations

import re
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from babel import Locale

from kernel.errors import Invalid

MAX_ADDRESS = 400


_COUNTRY = re.compile(r"[A-Z]{2}")


def checked_country(country: str) -> str:
    """An ISO 3166-1 alpha-2 code in capitals. Raises Invalid(`country_invalid`)."""
    code = country.strip().upper()
    if not _COUNTRY.fullmatch(code) or code not in Locale("en").territories:
        raise Invalid("country_invalid", field="country")
    return code


def checked_time_zone(name: str) -> str:
    """An IANA time zone name. Raises Invalid(`time_zone_invalid`)."""
    try:
        return ZoneInfo(name).key
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise Invalid("time_zone_invalid", field="time_zone") from error
