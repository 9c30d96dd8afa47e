"""Jobs of videos, registered once by the composition with the object store."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from kernel.db.uow import UnitOfWork
from kernel.jobs.kinds import Payload, every, job, process
from kernel.jobs.runner import JobContext
from kernel.storage import Storage
from marketplace.videos.examine_media import examine_media
from marketplace.videos.receive_media import PROBE
from marketplace.videos.sweep_media import refuse_given_up, sweep_orphans

SWEEP_ORPHANS = "marketplace.media.sweep_orphans"
SWEEP_GIVEN_UP = "marketplace.media.sweep_given_up"


def register(storage: Storage) -> None:
    """Let workers of the queue `media` examine uploads and clean up after them."""

    @process(PROBE, queue="media", max_attempts=5)
    def examine(ctx: JobContext, payload: Payload) -> None:
        examine_media(ctx, storage, UUID(payload["video_id"]), payload["key"])

    @process(SWEEP_ORPHANS, queue="media")
    def sweep(ctx: JobContext, _payload: Payload) -> None:
        sweep_orphans(ctx, storage)

    @job(SWEEP_GIVEN_UP)
    def give_up(uow: UnitOfWork, _payload: Payload) -> None:
        refuse_given_up(uow)

    every(timedelta(days=1), SWEEP_ORPHANS)
    every(timedelta(minutes=1), SWEEP_GIVEN_UP)
