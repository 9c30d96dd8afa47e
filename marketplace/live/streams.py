"""Streams of one's own in a live room: which addresses may be shown, and the recording that takes a stream's place.

The viewers' browsers fetch a stream from where it is; nothing of it passes through here. So that nobody but whoever the
operator trusts learns who watches, the operator names the hosts (`LIVE_STREAM_HOSTS`).
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from uuid import UUID

from kernel.db.uow import UnitOfWork
from kernel.errors import Conflict, Invalid
from kernel.outbound import OutboundPolicy, OutboundRefused, check_url
from marketplace.live.access import lock_own_session
from marketplace.live.film import require_film
from marketplace.live.models import LiveSession

LEAST_MINUTES = 5
MOST_MINUTES = 12 * 60
_MINUTE_MS = 60_000


@dataclass(frozen=True, slots=True)
class StreamPlan:
    """A stream that a session shows. `minutes`: after so many it ends by itself. `channel_id`: whose session; the only one's."""

    url: str
    minutes: int
    channel_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class StreamHosts:
    """The hosts (`host` or `host:port`, as in a URL) whose streams may be shown, under the rules for addresses of others'."""

    hosts: Collection[str] = ()
    policy: OutboundPolicy = field(default_factory=OutboundPolicy)

    def find_origin(self, url: str) -> str | None:
        """The origin (RFC 6454) of a stream that may be shown; None for any other."""
        try:
            return self._origin(url)
        except OutboundRefused:
            return None

    def require(self, url: str) -> str:
        """The address of a stream that may be shown.

        Raises: Invalid `live_streams_off`: no host is named; `live_stream_refused` with the `reason`.
        """
        if not self.hosts:
            raise Invalid("live_streams_off", field="stream_url")
        url = url.strip()
        try:
            self._origin(url)
        except OutboundRefused as refused:
            hosts = ", ".join(sorted(self.hosts))
            raise Invalid("live_stream_refused", field="stream_url", reason=refused.reason, hosts=hosts) from refused
        return url

    def _origin(self, url: str) -> str:
        target = check_url(url, self.policy)
        if target.host_header not in self.hosts:
            raise OutboundRefused("host_not_allowed")
        if not target.request_target.partition("?")[0].endswith(".m3u8"):
            raise OutboundRefused("not_a_playlist")
        return f"{target.scheme}://{target.host_header}"


NO_STREAMS = StreamHosts()


def stream_length_ms(minutes: int) -> int:
    """How long a stream goes on at most. Raises Invalid(`live_stream_length`). Pure."""
    if not LEAST_MINUTES <= minutes <= MOST_MINUTES:
        raise Invalid("live_stream_length", field="stream_minutes", least=LEAST_MINUTES, most=MOST_MINUTES)
    return minutes * _MINUTE_MS


def name_recording(uow: UnitOfWork, session_id: UUID, video_id: UUID) -> LiveSession:
    """Let a film of the session's channel be the replay of a stream that is over, once. It is already: nothing changes.

    The recording begins when the session did: what was explained is shown at its seconds.

    Raises:
        NotFound: `live_session_not_found`; as `require_film`.
        Conflict: `live_recording_not_due`: it has no stream, or that is not over; `live_recording_there`; as `require_film`.

    Locks: the session.
    """
    session = lock_own_session(uow, session_id)
    if session.stream_url is None or session.state != "ended":
        raise Conflict("live_recording_not_due")
    if session.video_id == video_id:
        return session
    if session.video_id is not None:
        raise Conflict("live_recording_there")
    session.video_id = require_film(uow, session, video_id).id
    session.sequence += 1
    uow.flush()
    return session
