"""The sample market's course is put together once, of films that are found playable."""

from __future__ import annotations

from pathlib import Path

import av
import pytest
from av.video.frame import VideoFrame
from sqlalchemy import select

from app.sample.course import LESSONS, seed_course
from app.sample.products import COURSE
from app.sample.scenes import Scene
from app.sample.seller_start import SellerStart
from kernel.db.uow import Database, unit_of_work
from kernel.outbound import OutboundPolicy
from kernel.principal import SYSTEM
from kernel.storage import open_storage
from marketplace.catalog import jobs as catalog_jobs
from marketplace.catalog.models import Listing
from marketplace.courses.queries import episodes_of
from marketplace.videos import jobs as video_jobs
from marketplace.videos.models import Video
from tests.factories_marketplace import BOX, make_channel, make_ready_video, make_seller


@pytest.fixture
def film(tmp_path: Path) -> Path:
    """Two seconds of grey."""
    path = tmp_path / "film.mp4"
    with av.open(str(path), "w") as target:
        stream = target.add_stream("libx264", rate=10)
        stream.width, stream.height, stream.pix_fmt = 160, 96, "yuv420p"
        for tone in range(20):
            frame = VideoFrame(160, 96, "yuv420p")
            for plane in frame.planes:
                plane.update(bytes([60 + 5 * tone]) * plane.buffer_size)
            target.mux(stream.encode(frame))
        target.mux(stream.encode(None))
    return path


def test_it_is_made_once_and_is_playable(db: Database, film: Path, tmp_path: Path) -> None:
    storage = open_storage((tmp_path / "storage").as_uri())
    video_jobs.register(storage)
    catalog_jobs.register(review_by_rule=True)
    with unit_of_work(db, SYSTEM) as uow:
        seller = make_seller(uow)
        shown = make_ready_video(uow, seller, channel=make_channel(uow, seller)).id
    scenes = {key: Scene(key, film, key, key, 2_000, (), (0, 1_000)) for key, _, _ in LESSONS}
    for _ in range(2):
        seed_course(
            SellerStart(db, storage, BOX), OutboundPolicy(), {COURSE.seller: seller.id}, {"recruiting": shown}, scenes
        )
    with unit_of_work(db, SYSTEM) as uow:
        listing = uow.session.scalars(select(Listing).where(Listing.org_id == seller.id)).one()
        assert (listing.slug, listing.state) == (COURSE.slug, "published")
        found = episodes_of(uow, listing.id)
        assert [(one.is_preview, one.is_playable) for one in found] == [(True, True), (False, True), (False, True)]
        assert len(uow.session.scalars(select(Video).where(Video.org_id == seller.id)).all()) == 3
