"""A server dies while a file is arriving: what it had said to have is there, and another goes on from it."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import UUID

import httpx
import pytest

from app.embedded.engines import Addresses
from kernel.db.uow import Database, unit_of_work
from kernel.principal import SYSTEM
from kernel.storage import PART_BYTES
from marketplace.access.api_keys import MintApiKey, mint_api_key
from marketplace.videos.models import MediaUpload, Video, part_keys
from tests.factories_marketplace import acting, make_channel, make_seller
from tests.faults.machines import PATIENCE_S, Script
from tests.loop_stage import services_for

FILM = os.urandom(3 * PART_BYTES)
SERVER = """
import sys
from pathlib import Path
from app.embedded.engines import Addresses
from tests.api_server import serving
from tests.loop_stage import services_for
addresses = Addresses(sys.argv[1], None, sys.argv[2])
with serving(services_for(addresses, Path(sys.argv[3]), sample_seller_port=1)) as address:
    print(address, flush=True)
    sys.stdin.read()
"""


def test_what_a_killed_server_had_acknowledged_is_kept(
    addresses: Addresses, db: Database, tmp_path: Path, start_script: Callable[..., Script]
) -> None:
    with unit_of_work(db, SYSTEM) as uow:
        org = make_seller(uow)
        make_channel(uow, org)
        with acting(uow, org.owner):
            key = mint_api_key(uow, MintApiKey("uploads", ("videos.write",))).text
    headers = {"Authorization": f"Bearer {key}", "Tus-Resumable": "1.0.0"}

    def start() -> tuple[Script, httpx.Client]:
        script = start_script(SERVER, addresses.database_url, addresses.redis_url, str(tmp_path))
        return script, httpx.Client(base_url=script.read_line(), headers=headers, timeout=PATIENCE_S)

    first, client = start()
    video_id = client.post("/v1/videos", json={"title": "断电"}).json()["id"]
    place = client.post(f"/v1/videos/{video_id}/uploads", headers={"Upload-Length": str(len(FILM))}).headers["location"]
    over = threading.Event()

    def film() -> Iterator[bytes]:
        """More than two parts, and then nothing for as long as the server lives."""
        yield FILM[: 2 * PART_BYTES + 1_000]
        over.wait(PATIENCE_S)

    piece = {"Content-Type": "application/offset+octet-stream", "Upload-Offset": "0"}
    sending = threading.Thread(target=_send_until_killed, args=(client, place, piece, film()))
    sending.start()
    deadline = time.monotonic() + PATIENCE_S
    with httpx.Client(base_url=client.base_url, headers=headers) as looking:
        while int(looking.head(place).headers["upload-offset"]) < 2 * PART_BYTES:
            assert time.monotonic() < deadline, "the parts were never acknowledged"
            time.sleep(0.05)
    first.kill()
    over.set()
    sending.join(PATIENCE_S)

    _, again = start()
    at = int(again.head(place).headers["upload-offset"])
    assert at == 2 * PART_BYTES
    finished = again.patch(place, headers=piece | {"Upload-Offset": str(at)}, content=FILM[at:])
    assert finished.status_code == 204, finished.text
    storage = services_for(addresses, tmp_path, sample_seller_port=1).storage
    with unit_of_work(db, SYSTEM) as uow:
        upload = uow.session.get_one(MediaUpload, UUID(place.rpartition("/")[2]))
        assert b"".join(storage.get_bytes(key) for key in part_keys(upload)) == FILM
        assert uow.session.get_one(Video, UUID(video_id)).state == "processing"


def _send_until_killed(client: httpx.Client, place: str, headers: dict[str, str], content: Iterator[bytes]) -> None:
    with pytest.raises(httpx.TransportError):
        client.patch(place, headers=headers, content=content)
