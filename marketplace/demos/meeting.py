"""Where a demo is held: the address of an online meeting, a seller's own for every demo unless a booking has another."""

from __future__ import annotations

import unicodedata
from typing import Final
from urllib.parse import quote, urlsplit
from uuid import UUID

import idna

from kernel import clock
from kernel.db.platform_scope import as_platform
from kernel.db.uow import UnitOfWork
from kernel.errors import Invalid
from kernel.outbound import OutboundPolicy, OutboundRefused, check_url
from marketplace.demos.calendar import lock_seller
from marketplace.demos.models import MOST_OF_MEETING_URL, DemoMeeting

_POLICY: Final = OutboundPolicy(allowed_ports=frozenset(range(1, 1 << 16)))
"""We never call it: a meeting server of a company's own may listen at any port, but must be reached from the other side."""
_KEPT: Final = "._~!$&'()*+,;=:@%/-"
"""What a path may hold beside letters and digits (RFC 3986 §3.3); escapes that are there stay."""


def checked_meeting_url(text: str) -> str:
    """The address as browsers and calendars read it: ASCII, its host by IDNA (UTS 46) as A-labels.

    Raises: Invalid `meeting_url_invalid`: https alone, of a public host, without a user, at most 500 characters.
    """
    typed = text.strip()
    if not typed or len(typed) > MOST_OF_MEETING_URL or any(unicodedata.category(one)[0] in "CZ" for one in typed):
        raise _invalid()
    try:
        pieces = urlsplit(typed)
        host, port = pieces.hostname or "", pieces.port
        if pieces.scheme != "https" or not host or "@" in pieces.netloc:
            raise _invalid()
        name = f"[{host}]" if ":" in host else idna.encode(host, uts46=True).decode("ascii")
        address = f"https://{name}{'' if port is None else f':{port}'}{quote(pieces.path, safe=_KEPT)}"
        if pieces.query:
            address += f"?{quote(pieces.query, safe=_KEPT + '?')}"
        check_url(address, _POLICY)
    except (ValueError, OutboundRefused) as refused:
        # IDNA's refusals are ValueErrors, as are those of ports and brackets.
        raise _invalid() from refused
    if pieces.fragment:
        address += f"#{quote(pieces.fragment, safe=_KEPT + '?')}"
    if len(address) > MOST_OF_MEETING_URL:
        raise _invalid()
    return address


def save_own_meeting(uow: UnitOfWork, url: str | None) -> str | None:
    """Where the acting seller holds demos, None: nowhere in particular. What is booked already stays. Returns what is kept.

    Raises:
        Forbidden: `permission_missing` without leads.manage, `person_required`. Conflict: `not_a_seller`.
        Invalid: `meeting_url_invalid`.

    Locks: the seller's calendar. Idempotent by: the content.
    """
    org_id, person_id = lock_seller(uow)
    found = uow.session.get(DemoMeeting, org_id)
    if url is None:
        if found is not None:
            uow.session.delete(found)
            uow.flush()
        return None
    checked = checked_meeting_url(url)
    if found is None:
        found = DemoMeeting(org_id=org_id)
        uow.session.add(found)
    elif found.url == checked:
        return checked
    found.url, found.saved_by, found.saved_at = checked, person_id, clock.now()
    uow.flush()
    return checked


def own_meeting(uow: UnitOfWork) -> str | None:
    """The acting seller's own. Raises: Forbidden `permission_missing` without leads.manage."""
    uow.principal.require("leads.manage")
    found = uow.session.get(DemoMeeting, uow.principal.organization())
    return None if found is None else found.url


def meeting_for_booking(uow: UnitOfWork, seller_id: UUID) -> str | None:
    """Where this seller holds demos, for a time that is being booked with it: nobody reads it otherwise."""
    with as_platform(uow):
        found = uow.session.get(DemoMeeting, seller_id)
        return None if found is None else found.url


def _invalid() -> Invalid:
    return Invalid("meeting_url_invalid", field="meeting_url", most=MOST_OF_MEETING_URL)
