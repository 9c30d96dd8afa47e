"""A real video over HTTP: uploaded raw and as a form, examined, published, watched by range; and who may not."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import UUID

import av
import httpx
import pytest
from av.video.frame import VideoFrame

from api.context import Services
from kernel.db.uow import Database, unit_of_work
from kernel.ids import uuid7
from kernel.jobs.runner import drain
from kernel.outbound import OutboundPolicy
from kernel.principal import SYSTEM
from kernel.secrets import SecretBox
from kernel.signing import TokenSigner
from marketplace.catalog import jobs as catalog_jobs
from marketplace.videos import jobs as video_jobs
from marketplace.videos.media import receive_media
from tests.api_server import services_for, serving
from tests.factories_marketplace import PASSWORD, Org, make_channel, make_org, make_plans, make_seller


@pytest.fixture(scope="module")
def services(db: Database, tmp_path_factory: pytest.TempPathFactory) -> Services:
    found = services_for(
        db,
        tmp_path_factory.mktemp("house"),
        signer=TokenSigner([secrets.token_bytes(32)]),
        box=SecretBox({"k1": secrets.token_bytes(32)}),
        policy=OutboundPolicy(),
    )
    video_jobs.register(found.storage)
    catalog_jobs.register(review_by_rule=True)
    return found


@pytest.fixture(scope="module")
def address(services: Services) -> Iterator[str]:
    with serving(services) as found:
        yield found


@pytest.fixture
def seller(db: Database) -> Org:
    with unit_of_work(db, SYSTEM) as uow:
        org = make_seller(uow)
        make_channel(uow, org)
    return org


@contextmanager
def browser(address: str, org: Org) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=address, timeout=30) as client:
        answer = client.post("/v1/session", json={"email": org.email, "password": PASSWORD})
        assert answer.status_code == 201, answer.text
        client.headers["X-CSRF-Token"] = answer.json()["csrf"]
        yield client


@pytest.fixture
def client(address: str, seller: Org) -> Iterator[httpx.Client]:
    with browser(address, seller) as found:
        yield found


@pytest.fixture
def visitor(address: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=address, timeout=30) as found:
        yield found


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two seconds of moving grey."""
    path = tmp_path_factory.mktemp("clip") / "clip.mp4"
    with av.open(str(path), "w") as target:
        stream = target.add_stream("libx264", rate=10)
        stream.width, stream.height, stream.pix_fmt = 160, 96, "yuv420p"
        for number in range(20):
            frame = VideoFrame(160, 96, "yuv420p")
            for plane, tone in zip(frame.planes, (60 + 9 * number, 90, 160), strict=True):
                plane.update(bytes((tone + column) % 256 for column in range(plane.buffer_size)))
            target.mux(stream.encode(frame))
        target.mux(stream.encode(None))
    return path


def begin(client: httpx.Client, **more: str) -> str:
    answer = client.post("/v1/videos", json={"title": "用一块屏管完校招", **more})
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


def upload(
    client: httpx.Client, db: Database, video_id: str, content: bytes, name: str = "clip.mp4"
) -> dict[str, object]:
    answer = client.put(f"/v1/videos/{video_id}/upload", params={"name": name}, content=content)
    assert answer.status_code == 202, answer.text
    assert answer.json()["state"] == "processing"
    drain(db, queues=("media",))
    found: dict[str, object] = client.get(f"/v1/seller/videos/{video_id}").json()
    return found


class TestUpload:
    def test_raw_then_examined_published_and_watched_by_range(
        self, client: httpx.Client, visitor: httpx.Client, db: Database, clip: Path, services: Services
    ) -> None:
        video_id = begin(client)
        detail = upload(client, db, video_id, clip.read_bytes())
        row = detail["video"]
        assert isinstance(row, dict)
        assert (row["state"], row["width"], row["height"]) == ("ready", 160, 96)
        assert 1_800 <= row["duration_ms"] <= 2_200
        assert list(services.storage.keys(f"uploads/{video_id}")) == [], "the upload itself is gone"
        assert visitor.get(f"/v1/videos/{video_id}/media").status_code == 404
        assert client.post(f"/v1/videos/{video_id}/publish").json()["state"] == "published"
        item = visitor.get(f"/v1/videos/{video_id}").json()
        whole = visitor.get(item["media_url"])
        assert (whole.status_code, whole.headers["content-type"]) == (200, "video/mp4")
        assert whole.headers["cache-control"] == "public, max-age=60, must-revalidate"
        part = visitor.get(item["media_url"], headers={"Range": "bytes=10-19"})
        assert (part.status_code, part.content) == (206, whole.content[10:20])
        assert part.headers["content-range"] == f"bytes 10-19/{len(whole.content)}"
        tail = visitor.get(item["media_url"], headers={"Range": "bytes=-5"})
        assert tail.content == whole.content[-5:]
        beyond = visitor.get(item["media_url"], headers={"Range": "bytes=99999999-"})
        assert beyond.status_code == 416, beyond.text
        assert (beyond.status_code, beyond.headers["content-range"]) == (416, f"bytes */{len(whole.content)}")
        known = visitor.get(item["media_url"], headers={"If-None-Match": whole.headers["etag"]})
        assert (known.status_code, known.content) == (304, b"")
        stale = visitor.get(item["media_url"], headers={"Range": "bytes=0-1", "If-Range": '"other"'})
        assert (stale.status_code, len(stale.content)) == (200, len(whole.content))
        cover = visitor.get(item["cover_url"])
        assert (cover.status_code, cover.headers["content-type"], cover.content[:2]) == (200, "image/jpeg", b"\xff\xd8")
        assert visitor.head(item["media_url"]).headers["content-length"] == str(len(whole.content))
        assert item["id"] in {found["id"] for found in visitor.get("/v1/feed?limit=100").json()["items"]}
        assert client.post(f"/v1/videos/{video_id}/withdraw").json()["state"] == "withdrawn"
        held = {"If-None-Match": whole.headers["etag"]}
        assert visitor.get(item["media_url"], headers=held).status_code == 404, "a cache that asks again learns of it"
        assert visitor.get(item["cover_url"], headers={"If-None-Match": cover.headers["etag"]}).status_code == 404

    def test_a_cover_is_fetched_as_small_as_it_is_shown(
        self, client: httpx.Client, visitor: httpx.Client, db: Database, clip: Path, services: Services
    ) -> None:
        video_id = begin(client)
        upload(client, db, video_id, clip.read_bytes())
        own = client.get(f"/v1/videos/{video_id}/cover?w=160")
        assert own.headers["cache-control"] == "private, no-cache", "an address without a version names no content"
        client.post(f"/v1/videos/{video_id}/publish")
        address = visitor.get(f"/v1/videos/{video_id}").json()["cover_url"]
        original = visitor.get(address)
        small = visitor.get(f"{address}&w=160")
        assert (small.status_code, small.headers["content-type"], small.content[8:12]) == (200, "image/webp", b"WEBP")
        assert len(small.content) < len(original.content)
        assert "immutable" in small.headers["cache-control"]
        assert visitor.get(f"{address}&w=161").status_code == 422
        tags = {visitor.get(f"{address}&w={width}").headers["etag"] for width in (160, 480, 960)}
        assert len(tags | {original.headers["etag"]}) == 4
        held = visitor.get(f"{address}&w=160", headers={"If-None-Match": small.headers["etag"]})
        assert (held.status_code, held.content) == (304, b"")
        head = visitor.head(f"{address}&w=160")
        assert (head.content, head.headers["content-length"]) == (b"", str(len(small.content)))
        page = client.get("/seller/videos").text
        assert "&amp;w=160 160w" in page
        # One that was examined before there were sizes.
        for key in [key for key in services.storage.keys(f"media/{video_id}") if key.endswith(".webp")]:
            services.storage.delete(key)
        fallback = visitor.get(f"{address}&w=160")
        assert (fallback.headers["content-type"], fallback.content) == ("image/jpeg", original.content)
        assert fallback.headers["etag"] == original.headers["etag"]
        client.post(f"/v1/videos/{video_id}/withdraw")
        assert visitor.get(f"{address}&w=160").status_code == 404

    def test_as_a_multipart_form(self, client: httpx.Client, db: Database, clip: Path) -> None:
        video_id = begin(client)
        answer = client.post(
            f"/v1/videos/{video_id}/upload", files={"file": ("clip.mp4", clip.read_bytes(), "video/mp4")}
        )
        assert answer.status_code == 202, answer.text
        assert answer.json()["size_bytes"] == clip.stat().st_size
        drain(db, queues=("media",))
        assert client.get(f"/v1/seller/videos/{video_id}").json()["video"]["state"] == "ready"

    @pytest.mark.parametrize(
        ("content", "name", "code"),
        [(b"not a video at all" * 99, "clip.mp4", "video_not_a_video"), (None, "clip.webm", "video_name_mismatch")],
    )
    def test_what_is_no_video_is_refused_with_the_reason_and_may_be_replaced(
        self, client: httpx.Client, db: Database, clip: Path, content: bytes | None, name: str, code: str
    ) -> None:
        video_id = begin(client)
        row = upload(client, db, video_id, content or clip.read_bytes(), name)["video"]
        assert isinstance(row, dict)
        assert (row["state"], row["refused_code"]) == ("refused", code)
        refused = client.post(f"/v1/videos/{video_id}/publish")
        assert (refused.status_code, refused.json()["code"]) == (409, "video_not_ready")
        again = upload(client, db, video_id, clip.read_bytes())["video"]
        assert isinstance(again, dict)
        assert (again["state"], again["refused_code"]) == ("ready", None)

    def test_too_large_is_413_with_a_sentence_and_leaves_nothing(
        self, client: httpx.Client, services: Services, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("api.v1.media.MAX_BYTES", 1_000)
        video_id = begin(client)

        def chunks() -> Iterator[bytes]:
            yield from (b"x" * 500 for _ in range(4))

        for answer in (
            client.put(f"/v1/videos/{video_id}/upload", content=b"x" * 2_000),
            client.put(f"/v1/videos/{video_id}/upload", content=chunks()),
            client.post(f"/v1/videos/{video_id}/upload", files={"file": ("a.mp4", b"x" * 2_000, "video/mp4")}),
        ):
            assert (answer.status_code, answer.json()["code"]) == (413, "video_too_large")
            assert "MB" in answer.json()["detail"]
        assert list(services.storage.keys(f"uploads/{video_id}")) == []
        assert client.get(f"/v1/seller/videos/{video_id}").json()["video"]["state"] == "draft"

    def test_another_organizations_video_takes_no_file(
        self, client: httpx.Client, address: str, db: Database, services: Services
    ) -> None:
        video_id = begin(client)
        with unit_of_work(db, SYSTEM) as uow:
            other = make_seller(uow)
        with browser(address, other) as stranger:
            for known in (video_id, str(uuid7())):
                answer = stranger.put(f"/v1/videos/{known}/upload", content=b"x")
                assert (answer.status_code, answer.json()["code"]) == (404, "video_not_found")
        assert list(services.storage.keys(f"uploads/{video_id}")) == []

    def test_an_empty_file(self, client: httpx.Client) -> None:
        answer = client.put(f"/v1/videos/{begin(client)}/upload", content=b"")
        assert (answer.status_code, answer.json()["code"]) == (422, "video_empty")

    def test_the_limit_is_said_in_the_reference(self, visitor: httpx.Client) -> None:
        document = visitor.get("/openapi.json").json()
        said = document["paths"]["/v1/videos/{video_id}/upload"]["put"]["description"]
        assert f"{receive_media.MAX_BYTES // 1_000_000_000} GB at most" in said


class TestNotPublic:
    def test_a_signed_address_opens_what_is_internal_until_its_time(
        self, client: httpx.Client, visitor: httpx.Client, db: Database, clip: Path
    ) -> None:
        video_id = begin(client, visibility="internal")
        row = upload(client, db, video_id, clip.read_bytes())["video"]
        assert isinstance(row, dict)
        client.post(f"/v1/videos/{video_id}/publish")
        signed = visitor.get(str(row["media_url"]))
        assert signed.status_code == 200
        assert signed.headers["cache-control"].startswith("private")
        bare = f"/v1/videos/{video_id}/media"
        assert visitor.get(bare).status_code == 404
        assert visitor.get(bare + "?token=nonsense").status_code == 404
        assert client.get(bare).status_code == 200
        token = str(row["media_url"]).partition("token=")[2]
        other = begin(client)
        assert visitor.get(f"/v1/videos/{other}/media?token={token}").status_code == 404

    def test_a_missing_and_a_hidden_video_answer_alike(self, client: httpx.Client, visitor: httpx.Client) -> None:
        hidden, missing = (visitor.get(f"/v1/videos/{known}").json() for known in (begin(client), uuid7()))
        for body in (hidden, missing):
            body.pop("request_id")
        assert hidden == missing


class TestSelling:
    def test_a_listing_drafted_submitted_and_placed_over_http(
        self, client: httpx.Client, visitor: httpx.Client, db: Database, clip: Path, seller: Org
    ) -> None:
        with unit_of_work(db, SYSTEM) as uow:
            (plan,) = make_plans(uow, seller)
            plan_id, listing_id = str(plan.id), str(plan.listing_id)
        video_id = begin(client)
        upload(client, db, video_id, clip.read_bytes())
        card = {"plan_id": plan_id, "start_ms": 0, "end_ms": 1_500}
        placement = client.post(f"/v1/videos/{video_id}/placements", json=card).json()["id"]
        claim = {
            "kind": "price",
            "at_ms": 700,
            "text": "¥188",
            "value_int": 18_800,
            "currency": "CNY",
            "unit": "seat/year",
        }
        claim_id = client.post(f"/v1/placements/{placement}/claims", json=claim).json()["id"]
        refused = client.post(f"/v1/videos/{video_id}/publish")
        assert (refused.status_code, refused.json()["code"]) == (409, "claim_contradicts_plan")
        assert client.delete(f"/v1/claims/{claim_id}").status_code == 204
        client.post(f"/v1/placements/{placement}/claims", json=claim | {"value_int": 19_900, "text": "¥199"})
        assert client.post(f"/v1/videos/{video_id}/publish").status_code == 200
        item = visitor.get(f"/v1/videos/{video_id}").json()
        (shown,) = item["cards"]
        assert shown["unit_price"] == {"amount": 19_900, "currency": "CNY"}
        assert (shown["price_unit"], shown["plan_id"]) == ("seat/year", plan_id)
        assert [said["kept"] for said in item["claims"]] == [True]
        listing = visitor.get(f"/v1/listings/{listing_id}").json()
        assert listing["plans"][0]["connector_id"] is None
        assert client.get(f"/v1/seller/listings/{listing_id}").json()["plans"][0]["connector_id"] is not None
        event = {
            "id": str(uuid7()),
            "kind": "card_click",
            "video_id": video_id,
            "placement_id": placement,
            "occurred_at": item["published_at"],
            "second": 1,
        }
        told = [visitor.post("/v1/touchpoints", json={"events": [event]}).json() for _ in range(2)]
        assert [(body["accepted"], body["duplicates"]) for body in told] == [(1, 0), (0, 1)]
        assert client.get(f"/v1/seller/videos/{video_id}/reach").json()["card_clicks"] == 1


class TestSession:
    def test_signing_in_switching_and_out(self, address: str, db: Database) -> None:
        with unit_of_work(db, SYSTEM) as uow:
            org = make_org(uow)
        with browser(address, org) as client:
            me = client.get("/v1/me").json()
            assert (me["org_id"], me["email"]) == (str(org.id), org.email)
            elsewhere = client.patch("/v1/session", json={"org_id": str(uuid7())})
            assert (elsewhere.status_code, elsewhere.json()["code"]) == (404, "organization_not_found")
            assert client.delete("/v1/session").status_code == 204
            assert client.get("/v1/me").status_code == 401

    def test_a_wrong_password_says_so_in_the_readers_language(self, visitor: httpx.Client) -> None:
        body = {"email": "nobody@example.test", "password": "wrong"}
        answer = visitor.post("/v1/session", json=body, headers={"Accept-Language": "en"})
        assert (answer.status_code, answer.json()["code"]) == (401, "credentials_invalid")
        assert answer.json()["title"] == "The e-mail address or the password is wrong."
        chinese = visitor.post("/v1/session", json=body, headers={"Accept-Language": "zh-CN"})
        assert chinese.json()["title"] == "邮箱或密码不正确。"

    def test_a_key_works_until_it_is_revoked(self, client: httpx.Client, visitor: httpx.Client) -> None:
        made = client.post("/v1/api-keys", json={"name": "erp", "scopes": ["videos.write"]}).json()
        headers = {"Authorization": f"Bearer {made['key']}"}
        assert visitor.get("/v1/seller/videos", headers=headers).status_code == 200
        assert visitor.get("/v1/api-keys", headers=headers).status_code == 403
        assert client.delete(f"/v1/api-keys/{made['id']}").status_code == 204
        assert visitor.get("/v1/seller/videos", headers=headers).status_code == 401

    @pytest.mark.parametrize(
        "path", ["/v1/feed?cursor=%00", "/v1/feed?limit=0", "/v1/videos/none", "/v1/listings?limit=x"]
    )
    def test_nonsense_is_never_a_server_error(self, visitor: httpx.Client, path: str) -> None:
        assert 400 <= visitor.get(path).status_code < 500

    def test_members_of_another_organization_are_not_found(self, client: httpx.Client, db: Database) -> None:
        with unit_of_work(db, SYSTEM) as uow:
            other: UUID = make_org(uow).id
        assert client.get(f"/v1/organizations/{other}/members").status_code == 404
