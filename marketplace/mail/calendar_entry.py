"""A mail that tells of an appointment carries it for the reader's calendar (RFC 5545), as it stands after the mail."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from babel import Locale
from babel.dates import format_datetime
from icalendar import Calendar, Event

from kernel.text import plain_text

PRODUCT = "-//Channel Market//Demos//EN"


def time_in_words(params: Mapping[str, Any], locale: str) -> str:
    """When it begins, by the reader's calendar and clock, with the zone of both."""
    zone = ZoneInfo(params["calendar_time_zone"])
    begins = datetime.fromisoformat(params["calendar_starts_at"]).astimezone(zone)
    said = format_datetime(begins, "full", locale=Locale.parse(locale, sep="-"))
    return plain_text(said)


def calendar_entry(params: Mapping[str, Any], summary: str, link: str, host: str, *, at: datetime) -> tuple[str, bytes]:
    """The method and the file. Whoever imports a later SEQUENCE of a UID has its appointment moved, or taken away."""
    method = "CANCEL" if params.get("calendar_cancelled") else "PUBLISH"
    entry = Event()
    entry.add("uid", f"{params['calendar_uid']}@{host}")
    entry.add("sequence", int(params["calendar_sequence"]))
    entry.add("dtstamp", at)
    entry.add("dtstart", datetime.fromisoformat(params["calendar_starts_at"]))
    entry.add("dtend", datetime.fromisoformat(params["calendar_ends_at"]))
    entry.add("summary", summary)
    entry.add("url", link)
    if meeting := params.get("calendar_meeting_url"):
        entry.add("location", meeting)
        # RFC 7986 §5.11: the value type is named, as this property has no default.
        entry.add("conference", meeting, parameters={"VALUE": "URI"})
    entry.add("status", "CANCELLED" if method == "CANCEL" else "CONFIRMED")
    calendar = Calendar()
    calendar.add("prodid", PRODUCT)
    calendar.add("version", "2.0")
    calendar.add("method", method)
    calendar.add_component(entry)
    return method, calendar.to_ical()
