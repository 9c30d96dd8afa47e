"""Jobs of videos, registered once by the composition with the object store."""

from __future__ import annotations

from uuid import UUID

from kernel.jobs.registry import Payload, process
from kernel.jobs.run import JobContext
from kernel.storage import Storage
from marketplace.videos.examine_media import examine_media
from marketplace.videos.receive_media import PROBE


def register(storage: Storage) -> None:
    """Let workers of the queue `media` examine uploads."""

    @process(PROBE, queue="media", max_attempts=5)
    def examine(ctx: JobContext, payload: Payload) -> None:
        examine_media(ctx, storage, UUID(payload["video_id"]), payload["key"])
