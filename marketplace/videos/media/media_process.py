"""The child side of `isolated`: opens a stranger's media, under limits. Only this process loads the decoders."""

from __future__ import annotations

import base64
import json
import signal
import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

if sys.platform != "win32":
    import resource

from kernel.errors import Invalid
from kernel.isolation import forbid, limit
from marketplace.videos.media.probe import probe_video
from marketplace.videos.media.probe_result import CoverPictures
from marketplace.videos.media.remux import remux_faststart
from marketplace.videos.media.subprocess_probe import DONE, REFUSED
from marketplace.videos.media.take_cover import cover_at, cover_of

_MEMORY_BYTES = 2 * 1024**3


def _limit(timeout_s: int, room_bytes: int) -> None:
    """Bound this process before it reads anything foreign. Windows has only the parent's deadline."""
    if sys.platform != "win32":
        limit(file_bytes=room_bytes, address_bytes=_MEMORY_BYTES)
        resource.setrlimit(resource.RLIMIT_CPU, (timeout_s, timeout_s + 1))
        resource.setrlimit(resource.RLIMIT_NOFILE, (32, 32))
        signal.alarm(timeout_s + 2)


def _answer(request: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    path = Path(request["path"])
    try:
        if request["verb"] == "remux":
            remux_faststart(path, Path(request["part"]))
            return DONE, {}
        if request["verb"] in _COVERS:
            cover = _COVERS[request["verb"]](path, request)
            return DONE, {"jpeg": _base64(cover.jpeg), "webp": [_base64(one) for one in cover.webp]}
        limits = {key: int(request[key]) for key in ("max_duration_s", "max_pixels", "max_side")}
        found = asdict(probe_video(path, name=request["name"], **limits))
    except Invalid as refusal:
        return REFUSED, {"code": refusal.code, "params": dict(refusal.params)}
    except MemoryError:
        return REFUSED, {"code": "video_too_complex", "params": {"reason": "memory"}}
    found["cover_jpeg"] = _base64(found["cover_jpeg"])
    found["covers_webp"] = [_base64(cover) for cover in found["covers_webp"]]
    return DONE, found


def _base64(content: bytes) -> str:
    return base64.b64encode(content).decode("ascii")


_COVERS: dict[str, Callable[[Path, dict[str, Any]], CoverPictures]] = {
    "moment": lambda path, request: cover_at(path, int(request["at_ms"])),
    "picture": lambda path, _: cover_of(path),
}


def main(argument: str) -> None:
    """Do what the argument asks and write the answer."""
    request = json.loads(argument)
    _limit(int(request["timeout_s"]), int(request["room_bytes"]))
    # The copy is written by the library itself, at the path that it was given.
    forbid("media process")
    outcome = _answer(request)
    sys.stdout.write(json.dumps(outcome))
    sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1])
