"""Jobs of videos, registered once by the composition with the object store."""

from __future__ import annotations

from datetime import timedelta

from kernel.db.uow import Transact
from kernel.jobs.kinds import call, sweep
from kernel.storage import Storage
from marketplace.videos.media.choose_cover import COVER
from marketplace.videos.media.examine_media import ExamineMedia
from marketplace.videos.media.make_cover import MakeCover
from marketplace.videos.media.receive_media import PROBE
from marketplace.videos.media.sweep_media import give_up_covers, refuse_given_up, sweep_orphans
from marketplace.videos.uploads.discard import expire_uploads

SWEEP_ORPHANS = "marketplace.media.sweep_orphans"
SWEEP_GIVEN_UP = "marketplace.media.sweep_given_up"
SWEEP_UPLOADS = "marketplace.media.sweep_uploads"


def register(storage: Storage) -> None:
    """Let workers of the queue `media` examine uploads and clean up after them."""
    call(PROBE, queue="media", max_attempts=5)(ExamineMedia(storage))
    call(COVER, queue="media", max_attempts=5)(MakeCover(storage))

    @sweep(SWEEP_ORPHANS, every=timedelta(days=1))
    def delete_orphans(transact: Transact) -> None:
        sweep_orphans(transact, storage)

    @sweep(SWEEP_GIVEN_UP, every=timedelta(minutes=1))
    def give_up(transact: Transact) -> None:
        transact(refuse_given_up)
        transact(give_up_covers)

    @sweep(SWEEP_UPLOADS, every=timedelta(hours=1))
    def forget_uploads(transact: Transact) -> None:
        transact(lambda uow: expire_uploads(uow, storage))
