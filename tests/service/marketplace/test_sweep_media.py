"""What uploads leave behind is found: bytes that no video speaks of, videos whose examination was given up."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import update

from app.scheduler import run_sweep
from kernel import clock
from kernel.db.uow import Database, UnitOfWork, unit_of_work
from kernel.ids import uuid7
from kernel.jobs.kinds import sweeps
from kernel.jobs.models import Job
from kernel.principal import SYSTEM
from kernel.storage import Storage, StoredObject, open_storage
from marketplace.videos import jobs
from marketplace.videos.media.cover_sizes import cover_keys
from marketplace.videos.media.receive_media import PROBE, ReceiveMedia, receive_media, upload_key
from marketplace.videos.media.sweep_media import ORPHANED_AFTER, refuse_given_up
from marketplace.videos.models import Video, captions_key
from tests.factories_marketplace import Org, acting, make_ready_video, make_seller


@pytest.fixture
def storage(tmp_path: Path) -> Storage:
    found = open_storage(str(tmp_path / "objects"))
    jobs.register(found)
    return found


def uploaded(uow: UnitOfWork, seller: Org, storage: Storage) -> Video:
    """A video under examination."""
    video = make_ready_video(uow, seller)
    stored = storage.put_bytes(upload_key(video.id), b"not a video")
    with acting(uow, seller.owner):
        return receive_media(uow, ReceiveMedia(video.id, stored, "a.mp4"))


def sweep(db: Database) -> None:
    run_sweep(db, next(item for item in sweeps() if item.name == jobs.SWEEP_ORPHANS))


class TestOrphans:
    def test_only_what_no_video_speaks_of_is_deleted_and_only_when_old(self, db: Database, storage: Storage) -> None:
        with unit_of_work(db, SYSTEM) as uow:
            seller = make_seller(uow)
            video, examined = make_ready_video(uow, seller), uploaded(uow, seller, storage)
            # Its examination is due in a year: what is under examination has no end of its own.
            uow.flush_outbox()
            later = clock.now() + timedelta(days=365)
            uow.session.execute(update(Job).where(Job.dedupe_key == examined.media_key).values(run_at=later))
            video.captions = {"en": "a" * 64}
        kept = {
            captions_key(video.id, "a" * 64),
            str(video.media_key),
            *cover_keys(video.cover_key),
            str(examined.media_key),
        }
        kept.add(f"media/{examined.id}/half.mp4")
        left = {
            upload_key(video.id),
            f"media/{video.id}/replaced.mp4",
            f"media/{video.id}/replaced.jpg",
            captions_key(video.id, "b" * 64),
            f"media/{video.id}/replaced.160.webp",
            upload_key(uuid7()),
        }
        for key in kept | left:
            storage.put_bytes(key, b"bytes")
        sweep(db)
        assert {*storage.keys("uploads"), *storage.keys("media")} == kept | left
        with clock.frozen(clock.now() + ORPHANED_AFTER + timedelta(minutes=1)):
            sweep(db)
        assert {*storage.keys("uploads"), *storage.keys("media")} == kept


class TestGivenUp:
    def test_the_owner_learns_of_it_and_may_upload_again(self, uow: UnitOfWork, storage: Storage) -> None:
        seller = make_seller(uow)
        waiting, given_up = uploaded(uow, seller, storage), uploaded(uow, seller, storage)
        uow.session.execute(
            update(Job).where(Job.kind == PROBE, Job.dedupe_key == given_up.media_key).values(state="dead")
        )
        refuse_given_up(uow)
        assert (waiting.state, given_up.state) == ("processing", "refused")
        assert (given_up.refused_code, given_up.media_key) == ("video_examination_failed", None)
        with acting(uow, seller.owner):
            again = StoredObject(upload_key(given_up.id), 10, "0" * 64)
            assert receive_media(uow, ReceiveMedia(given_up.id, again, "a.mp4")).state == "processing"
