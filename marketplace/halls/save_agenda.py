"""An organizer says what happens in its hall, and when."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, select

from kernel.db.uow import UnitOfWork
from kernel.errors import Conflict, Invalid
from kernel.ids import uuid7
from kernel.states import state_in
from marketplace.halls.models import HallAgendaItem
from marketplace.halls.save_hall import MAX_TITLE, lock_own_hall
from marketplace.input_text import line, optional_line
from marketplace.videos.access import OPEN
from marketplace.videos.models import Video

MAX_AGENDA = 200


@dataclass(frozen=True, slots=True)
class AgendaDraft:
    """One thing that happens; `video_id` is anybody's that everybody may watch."""

    starts_at: datetime
    ends_at: datetime
    title: str
    title_en: str = ""
    speaker: str = ""
    video_id: UUID | None = None


def save_agenda(uow: UnitOfWork, hall_id: UUID, items: Sequence[AgendaDraft]) -> None:
    """Let these be the agenda of the acting organizer's hall.

    Raises:
        as `lock_own_hall`; Conflict: `hall_archived`.
        Invalid, each with the item's `number`: `agenda_times` (it ends before it begins, or lies outside the hall's dates),
            `agenda_video_unknown`; `agenda_too_long`; `text_required`, `text_too_long`.

    Locks: the hall. Idempotent by: the content.
    """
    hall = lock_own_hall(uow, hall_id)
    if hall.state == "archived":
        raise Conflict("hall_archived")
    if len(items) > MAX_AGENDA:
        raise Invalid("agenda_too_long", field="items", most=MAX_AGENDA)
    wanted = {one.video_id for one in items if one.video_id is not None}
    watchable = select(Video.id).where(
        Video.id.in_(wanted), state_in(Video.state, "published"), Video.visibility.in_(OPEN)
    )
    known = set(uow.session.scalars(watchable)) if wanted else set()
    rows: list[HallAgendaItem] = []
    for number, one in enumerate(items, 1):
        if not hall.opens_at <= one.starts_at < one.ends_at <= hall.closes_at:
            raise Invalid("agenda_times", field="items", number=number)
        if one.video_id is not None and one.video_id not in known:
            raise Invalid("agenda_video_unknown", field="items", number=number)
        rows.append(
            HallAgendaItem(
                id=uuid7(),
                hall_id=hall.id,
                org_id=hall.org_id,
                starts_at=one.starts_at,
                ends_at=one.ends_at,
                title=line("title", one.title, MAX_TITLE),
                title_en=optional_line("title_en", one.title_en, MAX_TITLE),
                speaker=optional_line("speaker", one.speaker, MAX_TITLE),
                video_id=one.video_id,
            )
        )
    uow.session.execute(delete(HallAgendaItem).where(HallAgendaItem.hall_id == hall.id))
    uow.session.add_all(rows)
    uow.flush()
