"""Where a party is: its country, time zone and address, checked as they come in."""

from __future__ import annotations

import importlib.resources
import re

import iso3166

from kernel.errors import Invalid

MAX_ADDRESS = 400
_FOR_USERS = re.compile("AA|Q[M-Z]|X[A-Z]|ZZ")
"""What ISO 3166-1 leaves to its users, Kosovo's XK among it: electronic invoices refuse them (EN 16931, BR-CL-14)."""
COUNTRIES = tuple(sorted(code for code in iso3166.countries_by_alpha2 if not _FOR_USERS.fullmatch(code)))
"""The alpha-2 codes that ISO 3166-1 has officially assigned."""
TIME_ZONES = frozenset(importlib.resources.files("tzdata").joinpath("zones").read_text("ascii").split()) - {"Factory"}
"""Zones and aliases of the IANA database. A machine's own folder has more: `localtime` is another zone on every machine."""


def checked_country(country: str, *, field: str = "country") -> str:
    """An ISO 3166-1 alpha-2 code in capitals. Raises Invalid(`country_invalid`)."""
    code = country.strip().upper()
    if code not in COUNTRIES:
        raise Invalid("country_invalid", field=field)
    return code


def checked_time_zone(name: str) -> str:
    """An IANA time zone name. Raises Invalid(`time_zone_invalid`)."""
    if name not in TIME_ZONES:
        raise Invalid("time_zone_invalid", field="time_zone")
    return name
