"""Share links that were followed: recorded for the organization of whoever is signed in, and of a visitor remembered by the
browser, for whom they then sign in as.

What a player reports of a visitor is nobody's. So who led them here is said again once somebody knows who they are: an
arrival, of the moment at which the link was followed. What it counts for says `marketplace.attribution.attribute`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, cast, get_args
from uuid import UUID, uuid5

from litestar.datastructures import Cookie

from api.context import Services
from api.request import ApiRequest
from kernel import clock
from kernel.db.uow import UnitOfWork
from kernel.ids import uuid7
from kernel.signing import BadToken
from marketplace.attribution.record_touchpoints import BEHIND, MAX_LINKS, TouchpointIn, record_touchpoints
from marketplace.sharing.share_links import SharedKind, find_share_link

COOKIE: Final = "followed"
_PURPOSE: Final = "followed"
LASTS: Final[timedelta] = BEHIND
"""Older events are not recorded."""
_MOST_CHARACTERS: Final = 3_500
"""Browsers keep cookies of 4,096 bytes."""


@dataclass(frozen=True, slots=True)
class Followed:
    """A link that was followed."""

    code: str
    kind: SharedKind
    subject_id: UUID
    at: datetime

    def arrival(self, touchpoint_id: UUID) -> TouchpointIn:
        """As it is recorded."""
        return TouchpointIn(
            id=touchpoint_id,
            kind="arrival",
            occurred_at=self.at,
            video_id=self.subject_id if self.kind == "video" else None,
            listing_id=self.subject_id if self.kind == "listing" else None,
            channel_id=self.subject_id if self.kind == "channel" else None,
            share_code=self.code,
        )


def arrive(uow: UnitOfWork, request: ApiRequest, kind: SharedKind, subject_id: UUID, code: str | None) -> Cookie | None:
    """Record that a product or channel was opened by a link, for the organization of whoever is signed in; of a visitor remember
    it, as `remember_link`. At a video, it is its player that reports the link.
    """
    if code is not None and request.principal.org_id is not None:
        record_touchpoints(uow, [Followed(code, kind, subject_id, clock.now()).arrival(uuid7())])
        return None
    return remember_link(uow, request, kind, subject_id, code)


def remember_link(
    uow: UnitOfWork, request: ApiRequest, kind: SharedKind, subject_id: UUID, code: str | None
) -> Cookie | None:
    """The cookie that remembers the link for a visitor; None for whoever is signed in, and for a code of something else.

    A link that is remembered already keeps its moment. Of more than five, the latest are kept.
    """
    if code is None or request.signed_in is not None:
        return None
    before = _read(request)
    if any(one.code == code for one in before):
        return None
    found = find_share_link(uow, code)
    if found is None or not found.is_of(kind, subject_id):
        return None
    links = [*before, Followed(code, kind, subject_id, clock.now())][-MAX_LINKS:]
    said = [[one.code, one.kind, str(one.subject_id), one.at.isoformat()] for one in links]
    token = request.services.signer.sign_token(_PURPOSE, {"links": said}, clock.now() + LASTS)
    return _cookie(request.services, token) if len(token) <= _MOST_CHARACTERS else None


def carry_over(request: ApiRequest) -> Cookie | None:
    """Record what was followed for the organization that the person has signed in for; the cookie is taken back.

    None where nothing is remembered, and as long as nobody is signed in for an organization. Idempotent by what was followed.
    """
    if not request.cookies.get(COOKIE) or request.signed_in is None or request.principal.org_id is None:
        return None
    org_id = request.principal.org_id
    arrivals = [
        one.arrival(uuid5(one.subject_id, f"{org_id} {one.code} {one.at.isoformat()}")) for one in _read(request)
    ]
    if arrivals:
        request.transact(lambda uow: record_touchpoints(uow, arrivals))
    return _cookie(request.services, "")


def _read(request: ApiRequest) -> list[Followed]:
    token = request.cookies.get(COOKIE)
    if not token:
        return []
    try:
        links: list[Any] = request.services.signer.open_token(_PURPOSE, token)["links"]
        return [_followed(*one) for one in links]
    except (BadToken, KeyError, TypeError, ValueError):
        return []


def _followed(code: str, *rest: str) -> Followed:
    """One of a cookie; those of a week ago name a video alone."""
    kind, subject_id, at = rest if len(rest) == 3 else ("video", *rest)
    if kind not in get_args(SharedKind):
        raise ValueError(kind)
    return Followed(code, cast("SharedKind", kind), UUID(subject_id), datetime.fromisoformat(at))


def _cookie(services: Services, token: str) -> Cookie:
    https = services.settings.public_url.startswith("https://")
    seconds = int(LASTS.total_seconds()) if token else 0
    return Cookie(COOKIE, value=token, path="/", httponly=True, secure=https, samesite="lax", max_age=seconds)
