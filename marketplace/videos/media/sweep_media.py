"""What uploads may leave behind: objects that no video speaks of, and videos whose examination was given up.

An upload is an object before its row says so, and a replaced file's objects outlive it: whatever dies in between leaves
bytes that nobody will ask for.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from functools import partial
from itertools import islice
from uuid import UUID

from sqlalchemy import Text, cast, select

from kernel import clock
from kernel.db.locks import lock_row
from kernel.db.uow import Transact, UnitOfWork
from kernel.ids import parse_uuid
from kernel.jobs.models import Job
from kernel.states import state_in
from kernel.storage import ObjectMissing, Storage
from marketplace.videos.media.choose_cover import COVER
from marketplace.videos.media.cover_sizes import cover_keys
from marketplace.videos.media.examine_media import refuse
from marketplace.videos.media.make_cover import NOT_TAKEN
from marketplace.videos.media.receive_media import PROBE
from marketplace.videos.models import MediaUpload, Video, captions_key

PREFIXES = ("uploads", "media")
ORPHANED_AFTER = timedelta(days=1)
"""Longer than any upload or download takes: a younger object may be about to be spoken of."""
_BATCH = 100
_SLASHES_OF_A_PART = 3  # uploads/<video>/<upload>/<part>


def sweep_orphans(transact: Transact, storage: Storage) -> int:
    """Delete objects of videos that no video speaks of. Returns how many."""
    deleted = 0
    for prefix in PREFIXES:
        keys = storage.keys(prefix)
        while batch := list(islice(keys, _BATCH)):
            for key in transact(partial(orphans_among, keys=batch)):
                deleted += _delete_old(storage, key)
    return deleted


def orphans_among(uow: UnitOfWork, keys: Sequence[str]) -> list[str]:
    """Those of `keys` (`uploads/…` or `media/<video>/…`) that no video speaks of.

    What belongs to a video under examination is left alone: the examination is writing there. So is what has arrived of
    an upload that may go on.
    """
    owners = {key: parse_uuid(key.split("/")[1]) for key in keys}
    rows = uow.session.execute(
        select(Video.id, Video.state, Video.media_key, Video.cover_key, Video.captions).where(
            Video.id.in_(set(owners.values()))
        )
    )
    videos = {row.id: row for row in rows}

    uploads = {parse_uuid(key.split("/")[2]) for key in keys if key.count("/") == _SLASHES_OF_A_PART}
    going_on = set(uow.session.scalars(select(MediaUpload.id).where(MediaUpload.id.in_(uploads))))

    def is_orphan(key: str, video_id: UUID | None) -> bool:
        if key.count("/") == _SLASHES_OF_A_PART and parse_uuid(key.split("/")[2]) in going_on:
            return False
        video = videos.get(video_id)
        if video is None:
            return True
        captions = {captions_key(video.id, sha256) for sha256 in video.captions.values()}
        return video.state != "processing" and key not in {
            video.media_key,
            *cover_keys(video.cover_key),
            *captions,
        }

    return [key for key, video_id in owners.items() if is_orphan(key, video_id)]


def refuse_given_up(uow: UnitOfWork) -> None:
    """Refuse the videos whose examination was given up, so that their owners need not wait for ever.

    Emits: VideoRefused. Locks: each video.
    """
    given_up = (
        select(Video.id, Job.dedupe_key)
        .join(Job, (Job.kind == PROBE) & (Job.dedupe_key == Video.media_key))
        .where(state_in(Video.state, "processing"), state_in(Job.state, "dead"))
        .order_by(Video.id)
        .limit(_BATCH)
    )
    for video_id, key in uow.session.execute(given_up).all():
        refuse(uow, video_id, key, "video_examination_failed", {})


def give_up_covers(uow: UnitOfWork) -> None:
    """Let those whose cover could not be made, for a fault of ours, know it and ask again. Locks: each video."""
    given_up = (
        select(Video.id, Video.cover_request_id)
        .join(Job, (Job.kind == COVER) & (Job.dedupe_key == cast(Video.cover_request_id, Text)))
        .where(Video.cover_request_id.is_not(None), state_in(Job.state, "dead"))
        .order_by(Video.id)
        .limit(_BATCH)
    )
    for video_id, request_id in uow.session.execute(given_up).all():
        video = lock_row(uow.session, Video, video_id)
        if video is not None and video.cover_request_id == request_id:
            video.cover_request_id, video.cover_refused_code = None, NOT_TAKEN
    uow.flush()


def _delete_old(storage: Storage, key: str) -> bool:
    try:
        if storage.head(key).modified_at > clock.now() - ORPHANED_AFTER:
            return False
    except ObjectMissing:
        return False
    storage.delete(key)
    return True
