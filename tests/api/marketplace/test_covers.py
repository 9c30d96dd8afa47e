"""A cover is chosen: a moment of the film or a picture, made by a worker, shown everywhere from then on."""

from __future__ import annotations

import io
from typing import Any
from uuid import UUID

import av
import pytest
from av.video.frame import VideoFrame
from litestar.testing import TestClient
from PIL import Image
from sqlalchemy import delete, update

from api.context import Services
from kernel.db.uow import unit_of_work
from kernel.jobs.models import Job
from kernel.jobs.runner import drain
from kernel.principal import SYSTEM
from marketplace.videos import jobs
from marketplace.videos.media.choose_cover import COVER, MAX_PICTURE_BYTES, ChooseCover, choose_cover
from marketplace.videos.media.sweep_media import give_up_covers
from marketplace.videos.models import Video
from tests.api_server import application
from tests.factories_marketplace import PASSWORD, Org, acting, make_channel, make_ready_video, make_seller

BASE = "https://market.example"


@pytest.fixture(scope="module")
def seller(services: Services) -> Org:
    jobs.register(services.storage)
    with unit_of_work(services.db, SYSTEM) as uow:
        org = make_seller(uow)
        make_channel(uow, org)
    return org


@pytest.fixture(scope="module")
def owner(services: Services, seller: Org) -> TestClient[Any]:
    client: TestClient[Any] = TestClient(application(services), base_url=BASE)
    opened = client.post("/v1/session", json={"email": seller.email, "password": PASSWORD})
    client.headers["X-CSRF-Token"] = opened.json()["csrf"]
    return client


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """Two seconds of dark, then two of light."""
    path = tmp_path_factory.mktemp("clip") / "clip.mp4"
    with av.open(str(path), "w") as target:
        stream = target.add_stream("libx264", rate=5)
        stream.width, stream.height, stream.pix_fmt = 160, 96, "yuv420p"
        for number in range(20):
            frame = VideoFrame(160, 96, "yuv420p")
            for plane, tone in zip(frame.planes, (40 if number < 10 else 200, 128, 128), strict=True):
                plane.update(bytes((tone + column % 8) for column in range(plane.buffer_size)))
            target.mux(stream.encode(frame))
        target.mux(stream.encode(None))
    return path.read_bytes()


@pytest.fixture
def video_id(services: Services, owner: TestClient[Any], clip: bytes) -> str:
    """A published video of that clip."""
    made = str(owner.post("/v1/videos", json={"title": "用一块屏管完校招"}).json()["id"])
    owner.put(f"/v1/videos/{made}/upload", params={"name": "clip.mp4"}, content=clip)
    drain(services.db, queues=("media",))
    assert owner.post(f"/v1/videos/{made}/publish").status_code == 200
    return made


def work(services: Services) -> None:
    drain(services.db, queues=("media",))


def row(owner: TestClient[Any], video_id: str) -> Any:
    return owner.get(f"/v1/seller/videos/{video_id}").json()["video"]


def brightness(services: Services, address: str) -> float:
    answer = TestClient(application(services), base_url=BASE).get(address)
    assert answer.status_code == 200, answer.text
    with Image.open(io.BytesIO(answer.content)) as image:
        return float(image.convert("L").resize((1, 1)).getpixel((0, 0)))  # type: ignore[arg-type]


def test_a_moment_of_the_film(services: Services, owner: TestClient[Any], video_id: str) -> None:
    covers = {}
    for at_ms in (500, 3_000):
        assert owner.post(f"/v1/videos/{video_id}/cover", json={"at_ms": at_ms}).status_code == 202
        assert row(owner, video_id)["cover_pending"]
        work(services)
        found = row(owner, video_id)
        assert (found["cover_pending"], found["cover_refused_code"]) == (False, None)
        covers[at_ms] = found["cover_url"]
    assert covers[500] != covers[3_000], "an address may be kept for ever, so another cover has another one"
    assert brightness(services, covers[3_000]) > 150
    public = TestClient(application(services), base_url=BASE).get(f"/v1/videos/{video_id}").json()["cover_url"]
    assert public == covers[3_000]
    page = TestClient(application(services), base_url=BASE).get(f"/v/{video_id}", headers={"Accept": "text/html"}).text
    poster = public.replace("&", "&amp;")
    assert f'<meta property="og:image" content="{BASE}{poster}">' in page
    assert (
        TestClient(application(services), base_url=BASE).get(f"{public}&w=160").headers["content-type"] == "image/webp"
    )


def png(width: int = 640, height: int = 360) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (width, height), "white").save(out, "PNG")
    return out.getvalue()


def send(owner: TestClient[Any], video_id: str, content: bytes) -> Any:
    return owner.put(f"/v1/videos/{video_id}/cover", files={"file": ("c.png", content, "image/png")})


def test_a_picture_of_ones_own(services: Services, owner: TestClient[Any], video_id: str) -> None:
    before = row(owner, video_id)["cover_url"]
    assert send(owner, video_id, png()).status_code == 202
    assert row(owner, video_id)["cover_url"] == before, "the former one is shown meanwhile"
    work(services)
    after = row(owner, video_id)["cover_url"]
    assert after != before
    assert brightness(services, after) > 250
    assert list(services.storage.keys(f"uploads/{video_id}")) == [], "the picture that was sent is gone"


@pytest.mark.parametrize(
    ("content", "status", "code"),
    [
        (b"", 422, "cover_not_a_picture"),
        (b"<svg/>", 422, "cover_not_a_picture"),
        (b"\x89PNG\r\n\x1a\n" + bytes(MAX_PICTURE_BYTES), 413, "cover_too_large"),
    ],
)
def test_what_cannot_be_one_is_refused_at_once(
    services: Services, owner: TestClient[Any], video_id: str, content: bytes, status: int, code: str
) -> None:
    answer = send(owner, video_id, content)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert list(services.storage.keys(f"uploads/{video_id}")) == []


def test_what_turns_out_not_to_be_one_leaves_the_former(
    services: Services, owner: TestClient[Any], video_id: str
) -> None:
    before = row(owner, video_id)["cover_url"]
    assert send(owner, video_id, png(640, 100)).status_code == 202
    work(services)
    found = row(owner, video_id)
    assert (found["cover_url"], found["cover_pending"], found["cover_refused_code"]) == (
        before,
        False,
        "cover_dimensions",
    )
    page = owner.get(f"/seller/videos/{video_id}", headers={"Accept": "text/html", "Accept-Language": "en"}).text
    assert "out of bounds" in page
    assert list(services.storage.keys(f"uploads/{video_id}")) == []


def test_of_several_choices_the_last_one_counts(services: Services, owner: TestClient[Any], video_id: str) -> None:
    for at_ms in (3_000, 3_200, 500):
        owner.post(f"/v1/videos/{video_id}/cover", json={"at_ms": at_ms})
    work(services)
    assert brightness(services, row(owner, video_id)["cover_url"]) < 100


def test_a_moment_behind_the_end_and_a_video_without_a_film(owner: TestClient[Any], video_id: str) -> None:
    answer = owner.post(f"/v1/videos/{video_id}/cover", json={"at_ms": 599_000})
    assert (answer.status_code, answer.json()["code"]) == (422, "cover_beyond_end")
    draft = owner.post("/v1/videos", json={"title": "草稿"}).json()["id"]
    for refused in (owner.post(f"/v1/videos/{draft}/cover", json={"at_ms": 0}), send(owner, draft, png())):
        assert (refused.status_code, refused.json()["code"]) == (409, "video_not_ready")


def test_a_fault_of_ours_is_told_and_asked_again(services: Services, seller: Org) -> None:
    with unit_of_work(services.db, SYSTEM) as uow:
        video: UUID = make_ready_video(uow, seller).id
        with acting(uow, seller.owner):
            request_id = choose_cover(uow, ChooseCover(video, 1_000))
        uow.flush_outbox()
        dead = update(Job).where(Job.kind == COVER, Job.dedupe_key == str(request_id)).values(state="dead")
        uow.session.execute(dead)
        give_up_covers(uow)
        row = uow.session.get_one(Video, video)
        assert (row.cover_request_id, row.cover_refused_code) == (None, "cover_not_taken")
        uow.session.execute(delete(Job).where(Job.dedupe_key == str(request_id)))
