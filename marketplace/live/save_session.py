"""A session is scheduled, and changed for as long as it has not begun."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import func, select

from kernel import clock
from kernel.db.uow import UnitOfWork
from kernel.errors import Conflict, Invalid, NotFound
from kernel.ids import uuid7
from kernel.states import state_in
from marketplace.channels.queries import list_own_channels
from marketplace.input_text import line, paragraphs
from marketplace.live.access import lock_own_session
from marketplace.live.film import require_film
from marketplace.live.models import LIVE_SESSION, LiveSession
from marketplace.live.streams import NO_STREAMS, StreamHosts, StreamPlan, stream_length_ms
from marketplace.parties.queries import organization_names
from marketplace.relations.partner_groups import NO_GROUPS, PartnerGroups, groups_as_kept
from marketplace.videos.models import VISIBILITIES, Video

MAX_TITLE = 120
MAX_DESCRIPTION = 2000
MAX_PARTNERS = 50
MOST_SCHEDULED = 50
"""Sessions that one organization may have ahead of it."""
LONGEST = timedelta(days=366)


@dataclass(frozen=True, slots=True)
class SaveLiveSession:
    """What is played when, and for whom: a film, of whose channel the session is, or a stream.

    An empty English title takes the Chinese one.
    """

    video_id: UUID | None
    title: str
    starts_at: datetime
    title_en: str = ""
    description: str = ""
    description_en: str = ""
    visibility: str = "public"
    partner_ids: Sequence[UUID] = ()
    groups: PartnerGroups = NO_GROUPS
    """While it is for partners: those with a link to the acting organization that see it, beside `partner_ids`."""
    stream: StreamPlan | None = None


def schedule_session(uow: UnitOfWork, command: SaveLiveSession, hosts: StreamHosts = NO_STREAMS) -> LiveSession:
    """Announce a session of the acting organization. `hosts`: whose streams may be shown.

    Raises:
        Invalid: `text_required`, `text_too_long`, `visibility_invalid`, `schedule_past`, `schedule_too_far`,
            `too_many_partners`, `partners_missing`, `partner_unknown`, `live_film_or_stream`, `live_stream_length`; as
            `StreamHosts.require`.
        NotFound: `video_not_found`, `channel_not_found`, `partner_tier_not_found`. Conflict: `too_many_live_sessions`; as
            `require_film`.
    """
    org_id = uow.principal.organization()
    ahead = select(func.count()).where(LiveSession.org_id == org_id, state_in(LiveSession.state, "scheduled"))
    if (uow.session.scalar(ahead) or 0) >= MOST_SCHEDULED:
        raise Conflict("too_many_live_sessions", most=MOST_SCHEDULED)
    session = LiveSession(
        id=uuid7(),
        org_id=org_id,
        started_at=None,
        ends_at=None,
        ended_at=None,
        soon_told_at=None,
        sequence=0,
        created_at=clock.now(),
    )
    _fill(uow, session, command, hosts)
    LIVE_SESSION.begin(uow, session, org_ids=[org_id])
    uow.session.add(session)
    uow.flush()
    return session


def change_session(
    uow: UnitOfWork, session_id: UUID, command: SaveLiveSession, hosts: StreamHosts = NO_STREAMS
) -> LiveSession:
    """Change a session that has not begun. Moved to another moment, those who asked are told of that one.

    Raises: NotFound `live_session_not_found`, Conflict `live_session_begun`; as `schedule_session`. Locks: the session.
    """
    session = lock_own_session(uow, session_id)
    if session.state != "scheduled":
        raise Conflict("live_session_begun")
    if command.starts_at != session.starts_at:
        session.soon_told_at = None
    _fill(uow, session, command, hosts)
    session.sequence += 1
    uow.flush()
    return session


def _fill(uow: UnitOfWork, session: LiveSession, command: SaveLiveSession, hosts: StreamHosts) -> None:
    if command.visibility not in VISIBILITIES:
        raise Invalid("visibility_invalid", field="visibility")
    now = clock.now()
    if command.starts_at <= now:
        raise Invalid("schedule_past", field="starts_at")
    if command.starts_at > now + LONGEST:
        raise Invalid("schedule_too_far", field="starts_at", most_days=LONGEST.days)
    title = line("title", command.title, MAX_TITLE)
    session.title = title
    session.title_en = line("title_en", command.title_en or title, MAX_TITLE)
    session.description = paragraphs("description", command.description, MAX_DESCRIPTION)
    session.description_en = paragraphs("description_en", command.description_en, MAX_DESCRIPTION)
    session.visibility = command.visibility
    session.partner_groups = groups_as_kept(uow, command.groups) if command.visibility == "partners" else []
    session.partner_ids = _partners(uow, session, command)
    session.starts_at = command.starts_at
    if (command.video_id is None) == (command.stream is None):
        raise Invalid("live_film_or_stream", field="video_id")
    if command.stream is not None:
        url, lasts_ms = hosts.require(command.stream.url), stream_length_ms(command.stream.minutes)
        # Looked for first: a look-up writes what was changed of the row, which is to be whole then.
        channel_id = _channel(uow, command.stream.channel_id)
        session.stream_url, session.stream_ms, session.video_id, session.channel_id = url, lasts_ms, None, channel_id
        return
    video = uow.session.scalar(select(Video).where(Video.id == command.video_id, Video.org_id == session.org_id))
    if video is None:
        raise NotFound("video_not_found")
    session.stream_url = session.stream_ms = None
    session.video_id, session.channel_id = video.id, video.channel_id
    require_film(uow, session)


def _channel(uow: UnitOfWork, channel_id: UUID | None) -> UUID:
    """The acting organization's channel of that id, its first without one."""
    own = [one.id for one in list_own_channels(uow)]
    if not own or (channel_id is not None and channel_id not in own):
        raise NotFound("channel_not_found")
    return channel_id or own[0]


def _partners(uow: UnitOfWork, session: LiveSession, command: SaveLiveSession) -> list[UUID]:
    if command.visibility != "partners":
        return []
    partners = sorted({*command.partner_ids} - {session.org_id})
    if not partners and not session.partner_groups:
        raise Invalid("partners_missing", field="partner_ids")
    if len(partners) > MAX_PARTNERS:
        raise Invalid("too_many_partners", field="partner_ids", most=MAX_PARTNERS)
    known = organization_names(uow, partners)
    unknown = [one for one in partners if one not in known]
    if unknown:
        raise Invalid("partner_unknown", field="partner_ids", partner=str(unknown[0]))
    return partners
