"""Files in pieces over HTTP, as tus 1.0 says: by tus' own Python client, and by requests that it would never send."""

from __future__ import annotations

import base64
import hashlib
import http.client
import io
import os
import stat
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from uuid import UUID

import httpx
import pytest
from sqlalchemy import select, update
from tusclient.client import TusClient
from tusclient.exceptions import TusCommunicationError

from api.context import Services
from api.v1.uploads import CONTENT_TYPE
from kernel import clock
from kernel.db.uow import unit_of_work
from kernel.principal import SYSTEM
from kernel.storage import PART_BYTES
from marketplace.access.api_keys import MintApiKey, mint_api_key
from marketplace.videos.media.examine_media import _parts
from marketplace.videos.media.receive_media import MAX_BYTES
from marketplace.videos.media.sweep_media import orphans_among
from marketplace.videos.models import MediaUpload, Video, key_of_upload
from marketplace.videos.uploads.begin_upload import KEPT_FOR, MOST_OPEN, MOST_OPEN_BYTES
from marketplace.videos.uploads.discard import expire_uploads
from tests.api_server import serving
from tests.factories_marketplace import Org, acting, make_channel, make_seller

FILM = os.urandom(2 * PART_BYTES + 123_457)
TUS = {"Tus-Resumable": "1.0.0"}
PIECE = TUS | {"Content-Type": CONTENT_TYPE}


@pytest.fixture(scope="module")
def address(services: Services) -> Iterator[str]:
    with serving(services) as found:
        yield found


@pytest.fixture
def seller(services: Services) -> Org:
    with unit_of_work(services.db, SYSTEM) as uow:
        org = make_seller(uow)
        make_channel(uow, org)
    return org


@pytest.fixture
def client(services: Services, address: str, seller: Org) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=address, timeout=30, headers=key_of(services, seller)) as found:
        yield found


def key_of(services: Services, org: Org) -> dict[str, str]:
    with unit_of_work(services.db, SYSTEM) as uow, acting(uow, org.owner):
        return {"Authorization": f"Bearer {mint_api_key(uow, MintApiKey('uploads', ('videos.write',))).text}"}


def begin(client: httpx.Client) -> str:
    return str(client.post("/v1/videos", json={"title": "分段上传"}).json()["id"])


def announce(client: httpx.Client, size: int = len(FILM), video_id: str | None = None, **headers: str) -> str:
    answer = client.post(
        f"/v1/videos/{video_id or begin(client)}/uploads", headers=TUS | {"Upload-Length": str(size)} | headers
    )
    assert answer.status_code == 201, answer.text
    return answer.headers["location"]


def send(client: httpx.Client, place: str, at: int, content: bytes, **headers: str) -> httpx.Response:
    return client.patch(place, headers=PIECE | {"Upload-Offset": str(at)} | headers, content=content)


def stands_at(client: httpx.Client, place: str) -> int:
    return int(client.head(place, headers=TUS).headers["upload-offset"])


def arrived(services: Services, place: str) -> bytes:
    """What the examination would read."""
    with unit_of_work(services.db, SYSTEM) as uow:
        upload = uow.session.get_one(MediaUpload, UUID(place.rpartition("/")[2]))
        keys = _parts(uow, key_of_upload(upload.video_id, upload.id))
    return b"".join(services.storage.get_bytes(key) for key in keys)


class TestTusClient:
    def test_a_whole_file_in_pieces_under_checksums(
        self, client: httpx.Client, services: Services, address: str
    ) -> None:
        video_id = begin(client)
        tus = TusClient(
            f"{address}/v1/videos/{video_id}/uploads", headers={"Authorization": client.headers["Authorization"]}
        )
        uploader = tus.uploader(
            file_stream=io.BytesIO(FILM),
            chunk_size=PART_BYTES + 77_777,
            metadata={"filename": "招聘.mp4"},
            upload_checksum=True,
        )
        uploader.upload()
        place = str(uploader.url).removeprefix(address)
        assert stands_at(client, place) == len(FILM)
        assert arrived(services, place) == FILM
        with unit_of_work(services.db, SYSTEM) as uow:
            video = uow.session.get_one(Video, UUID(video_id))
            assert (video.state, video.file_name, video.media_bytes) == ("processing", "招聘.mp4", len(FILM))

    def test_what_stopped_goes_on_where_it_stopped(
        self, client: httpx.Client, services: Services, address: str
    ) -> None:
        tus = TusClient(
            f"{address}/v1/videos/{begin(client)}/uploads", headers={"Authorization": client.headers["Authorization"]}
        )
        first = tus.uploader(file_stream=io.BytesIO(FILM), chunk_size=PART_BYTES)
        first.upload(stop_at=PART_BYTES)
        second = tus.uploader(file_stream=io.BytesIO(FILM), url=first.url, chunk_size=PART_BYTES)
        assert second.offset == PART_BYTES
        second.upload()
        assert arrived(services, str(first.url).removeprefix(address)) == FILM

    def test_another_organization_finds_nothing(self, client: httpx.Client, services: Services, address: str) -> None:
        place = announce(client)
        with unit_of_work(services.db, SYSTEM) as uow:
            stranger = make_seller(uow)
        tus = TusClient(address, headers=key_of(services, stranger))
        with pytest.raises(TusCommunicationError):
            tus.uploader(file_stream=io.BytesIO(FILM), url=f"{address}{place}")
        with httpx.Client(base_url=address, headers=key_of(services, stranger)) as other:
            assert send(other, place, 0, b"x").status_code == 404
            assert other.delete(place, headers=TUS).status_code == 404


class TestProtocol:
    def test_options_say_what_is_spoken(self, address: str) -> None:
        answer = httpx.options(f"{address}/v1/videos/{UUID(int=1)}/uploads")
        assert answer.status_code == 204
        assert answer.headers["tus-version"] == "1.0.0"
        assert answer.headers["tus-extension"] == "creation,termination,expiration,checksum"
        assert answer.headers["tus-max-size"] == str(MAX_BYTES) == "2000000000"

    def test_head_tells_everything_and_is_never_kept(self, client: httpx.Client) -> None:
        said = f"filename {base64.b64encode(b'a.mp4').decode()}"
        answer = client.head(announce(client, 11, **{"Upload-Metadata": said}), headers=TUS)
        assert answer.status_code == 200
        assert (answer.headers["upload-offset"], answer.headers["upload-length"]) == ("0", "11")
        assert answer.headers["upload-metadata"] == said
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["upload-expires"].endswith("GMT")

    def test_other_versions_are_refused_with_the_one_there_is(self, client: httpx.Client) -> None:
        place = announce(client)
        for answer in (
            client.head(place, headers={"Tus-Resumable": "0.2.2"}),
            send(client, place, 0, b"x", **{"Tus-Resumable": "2.0.0"}),
            client.delete(place),
            client.patch(place, headers={"Content-Type": CONTENT_TYPE, "Upload-Offset": "0"}, content=b"x"),
        ):
            assert answer.status_code == 412
            assert answer.headers["tus-version"] == "1.0.0"

    def test_an_offset_that_is_not_where_it_stands_is_refused(self, client: httpx.Client, services: Services) -> None:
        place = announce(client, 10)
        assert send(client, place, 0, b"0123").headers["upload-offset"] == "4"
        for at in (0, 3, 5, 10):
            answer = send(client, place, at, b"x")
            assert (answer.status_code, answer.json()["code"]) == (409, "upload_offset_differs")
            assert answer.headers["tus-resumable"] == "1.0.0"
        assert send(client, place, 4, b"456789").status_code == 204
        assert arrived(services, place) == b"0123456789"

    def test_what_goes_beyond_the_end_is_refused(self, client: httpx.Client, services: Services) -> None:
        place = announce(client, 4)
        assert send(client, place, 0, b"01234").json()["code"] == "upload_too_long"
        chunked = client.patch(place, headers=PIECE | {"Upload-Offset": "0"}, content=iter([b"0123", b"4"]))
        assert chunked.json()["code"] == "upload_too_long"
        assert stands_at(client, place) == 0
        assert arrived(services, place) == b""

    @pytest.mark.parametrize(
        ("headers", "status"),
        [
            ({"Content-Type": "application/octet-stream"}, 415),
            ({"Upload-Offset": "-1"}, 422),
            ({"Upload-Offset": "x"}, 422),
            ({"Upload-Offset": "9" * 400}, 409),
            ({"Upload-Checksum": "crc32 AAAA"}, 422),
            ({"Upload-Checksum": "sha1 %%%"}, 422),
        ],
    )
    def test_what_cannot_be_read_is_refused_and_nothing_kept(
        self, client: httpx.Client, headers: dict[str, str], status: int
    ) -> None:
        place = announce(client, 4)
        assert send(client, place, 0, b"0123", **headers).status_code == status
        assert stands_at(client, place) == 0

    def test_a_piece_unlike_its_checksum_is_not_kept(self, client: httpx.Client, services: Services) -> None:
        place = announce(client)
        wrong = base64.b64encode(hashlib.sha256(b"other").digest()).decode()
        answer = send(client, place, 0, FILM, **{"Upload-Checksum": f"sha256 {wrong}"})
        assert (answer.status_code, answer.json()["code"]) == (460, "upload_checksum_differs")
        assert stands_at(client, place) == 0
        assert list(services.storage.keys("uploads/" + video_of(services, place))) == []

    def test_announcements_that_are_refused(self, client: httpx.Client) -> None:
        video_id = begin(client)
        where = f"/v1/videos/{video_id}/uploads"
        for length, status, code in (
            ("0", 422, "video_empty"),
            (str(MAX_BYTES + 1), 413, "video_too_large"),
            ("9" * 60, 413, "video_too_large"),
        ):
            answer = client.post(where, headers=TUS | {"Upload-Length": length})
            assert (answer.status_code, answer.json()["code"]) == (status, code)
        nonsense = client.post(where, headers=TUS | {"Upload-Length": "1", "Upload-Metadata": "filename %"})
        assert nonsense.json()["code"] == "upload_metadata_invalid"
        assert client.post(where, headers=TUS).status_code == 422


class TestTermination:
    def test_what_is_given_up_is_gone_with_its_bytes(self, client: httpx.Client, services: Services) -> None:
        place = announce(client, 10)
        send(client, place, 0, b"0123")
        video_id = video_of(services, place)
        assert client.delete(place, headers=TUS).status_code == 204
        assert client.head(place, headers=TUS).status_code == 404
        assert list(services.storage.keys(f"uploads/{video_id}")) == []

    def test_another_file_for_the_same_video_takes_the_place(self, client: httpx.Client, services: Services) -> None:
        video_id = begin(client)
        first = announce(client, 10, video_id)
        send(client, first, 0, b"0123")
        second = announce(client, 5, video_id)
        assert client.head(first, headers=TUS).status_code == 404
        assert send(client, first, 4, b"4").status_code == 404
        assert send(client, second, 0, b"01234").status_code == 204
        assert arrived(services, second) == b"01234"


class TestCaps:
    def test_so_many_at_once_and_no_more(self, client: httpx.Client) -> None:
        places = [announce(client, 10) for _ in range(MOST_OPEN)]
        refused = client.post(f"/v1/videos/{begin(client)}/uploads", headers=TUS | {"Upload-Length": "10"})
        assert (refused.status_code, refused.json()["code"]) == (429, "too_many_uploads")
        client.delete(places[0], headers=TUS)
        announce(client, 10)

    def test_so_many_bytes_announced(self, client: httpx.Client) -> None:
        for _ in range(MOST_OPEN_BYTES // MAX_BYTES):
            announce(client, MAX_BYTES)
        refused = client.post(f"/v1/videos/{begin(client)}/uploads", headers=TUS | {"Upload-Length": "1"})
        assert refused.json()["code"] == "too_many_uploads"


class TestInterruption:
    def test_what_arrived_before_the_connection_broke_is_kept(
        self, client: httpx.Client, services: Services, address: str
    ) -> None:
        place = announce(client)
        sent = PART_BYTES + 1_000
        break_off(client, address, place, sent)
        # The server learns of it a moment later.
        wait_until(lambda: stands_at(client, place) == sent)
        assert arrived(services, place) == FILM[:sent]
        assert send(client, place, sent, FILM[sent:]).status_code == 204
        assert arrived(services, place) == FILM

    def test_under_a_checksum_nothing_of_it_is_kept(
        self, client: httpx.Client, services: Services, address: str
    ) -> None:
        place = announce(client)
        digest = base64.b64encode(hashlib.sha1(FILM, usedforsecurity=False).digest()).decode()
        break_off(client, address, place, PART_BYTES + 1_000, {"Upload-Checksum": f"sha1 {digest}"})
        folder = "uploads/" + video_of(services, place)
        wait_until(lambda: not list(services.storage.keys(folder)))
        assert stands_at(client, place) == 0


class TestRaces:
    def test_of_many_at_one_offset_one_goes_on_and_nothing_is_torn(
        self, client: httpx.Client, services: Services
    ) -> None:
        """Each sender's bytes differ: what is kept is all of one, then all of one."""
        place, size, crowd = announce(client, 2 * 300_000), 300_000, 8
        for at in (0, size):
            answers = race(lambda n, at=at: send(client, place, at, bytes([n]) * size).status_code, crowd)  # type: ignore[misc]  # a default binds
            assert sorted(answers) == [204] + [409] * (crowd - 1)
        content = arrived(services, place)
        assert len(content) == 2 * size
        assert len(set(content[:size])) == len(set(content[size:])) == 1
        assert len(list(services.storage.keys("uploads/" + video_of(services, place)))) == 2, "losers leave nothing"

    def test_the_last_piece_makes_the_file_whole_once(self, client: httpx.Client, services: Services) -> None:
        place = announce(client, 9)
        assert sorted(race(lambda _: send(client, place, 0, b"012345678").status_code, 6)) == [204] + [409] * 5
        with unit_of_work(services.db, SYSTEM) as uow:
            assert uow.session.get_one(Video, UUID(video_of(services, place))).state == "processing"

    def test_caps_hold_against_a_crowd(self, client: httpx.Client) -> None:
        for _ in range(MOST_OPEN - 1):
            announce(client, 10)
        videos = [begin(client) for _ in range(6)]

        def ask(n: int) -> int:
            headers = TUS | {"Upload-Length": "1"}
            return client.post(f"/v1/videos/{videos[n]}/uploads", headers=headers).status_code

        assert sorted(race(ask, 6)) == [201] + [429] * 5


class TestExpiration:
    def test_what_nobody_went_on_with_is_over_then_swept(self, client: httpx.Client, services: Services) -> None:
        place = announce(client, 10)
        send(client, place, 0, b"0123")
        video_id, upload_id = video_of(services, place), UUID(place.rpartition("/")[2])
        key = next(iter(services.storage.keys(f"uploads/{video_id}")))
        with unit_of_work(services.db, SYSTEM) as uow:
            expire_uploads(uow, services.storage)
            assert orphans_among(uow, [key]) == [], "what may go on is nobody's orphan"
        assert stands_at(client, place) == 4
        with unit_of_work(services.db, SYSTEM) as uow:
            past = clock.now() - timedelta(seconds=1)
            uow.session.execute(update(MediaUpload).where(MediaUpload.id == upload_id).values(expires_at=past))
        assert client.head(place, headers=TUS).status_code == 410
        assert send(client, place, 4, b"4").status_code == 410
        with unit_of_work(services.db, SYSTEM) as uow:
            expire_uploads(uow, services.storage)
        assert client.head(place, headers=TUS).status_code == 404
        assert list(services.storage.keys(f"uploads/{video_id}")) == []

    def test_a_whole_one_under_examination_is_left(self, client: httpx.Client, services: Services) -> None:
        place = announce(client, 4)
        send(client, place, 0, b"0123")
        with clock.frozen(clock.now() + KEPT_FOR + timedelta(minutes=1)), unit_of_work(services.db, SYSTEM) as uow:
            expire_uploads(uow, services.storage)
            key = uow.session.scalars(select(Video.media_key).where(Video.id == UUID(video_of(services, place)))).one()
        assert key is not None
        assert arrived(services, place) == b"0123"


def test_bytes_are_for_the_servers_user_alone(client: httpx.Client, services: Services) -> None:
    place = announce(client, 4)
    send(client, place, 0, b"0123")
    root = services.storage._root
    assert root is not None
    [key] = services.storage.keys("uploads/" + video_of(services, place))
    assert stat.S_IMODE((root / key).stat().st_mode) == 0o600


def video_of(services: Services, place: str) -> str:
    with unit_of_work(services.db, SYSTEM) as uow:
        return str(uow.session.get_one(MediaUpload, UUID(place.rpartition("/")[2])).video_id)


def break_off(client: httpx.Client, address: str, place: str, sent: int, more: dict[str, str] | None = None) -> None:
    """Announce all of the film, send some of it, and hang up."""
    connection = http.client.HTTPConnection(address.removeprefix("http://"), timeout=30)
    connection.putrequest("PATCH", place)
    headers = PIECE | {"Upload-Offset": "0", "Content-Length": str(len(FILM))} | (more or {})
    for name, value in (headers | {"Authorization": client.headers["Authorization"]}).items():
        connection.putheader(name, value)
    connection.endheaders()
    connection.send(FILM[:sent])
    connection.close()


def wait_until(done: Callable[[], bool]) -> None:
    """Until `done` answers true; a minute at most."""
    waited = threading.Event()
    for _ in range(600):
        if done():
            return
        waited.wait(0.1)
    raise AssertionError("it never came about")


def race(work: Callable[[int], int], crowd: int) -> list[int]:
    """What each of a crowd that begins at once was answered."""
    barrier = threading.Barrier(crowd)
    answers: list[int] = []

    def one(number: int) -> None:
        barrier.wait()
        answers.append(work(number))

    threads = [threading.Thread(target=one, args=(number,)) for number in range(crowd)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers
