"""Examine and copy strangers' media in a process of its own, which may die without taking the worker along.

The child gets the path as an argument and nothing of the parent's secrets (an empty environment). On POSIX it bounds
its own memory, processor time, file sizes and open files before it touches the file; the parent kills its whole process
group at the deadline, and an alarm ends it even when the parent is gone. Its answer comes through a file of bounded
size and is read as data, never as code.
"""

from __future__ import annotations

import base64
import json
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from kernel.errors import Invalid
from marketplace.videos.media.probe_result import CoverPictures, Probe

_ANSWER_BYTES = 8 * 1024**2
REFUSED, DONE = "refused", "done"
"""First word of the child's answer."""


def probe_isolated(
    path: Path,
    timeout_s: int = 60,
    *,
    name: str | None = None,
    max_duration_s: int = 600,
    max_pixels: int = 3840 * 2160,
    max_side: int = 4096,
) -> Probe:
    """:func:`marketplace.videos.media.probe.probe_video` in a limited process.

    Raises:
        Invalid: as ``probe_video``; ``video_too_complex`` (reason ``time`` or ``crash``) when the examination did not
            end by itself within ``timeout_s`` or was ended by a limit.
        RuntimeError: the child could not work at all, which says nothing about the file; try again.
    """
    limits = {"max_duration_s": max_duration_s, "max_pixels": max_pixels, "max_side": max_side}
    answer = _run({"verb": "probe", "path": str(path.resolve()), "name": name, **limits}, timeout_s, _ANSWER_BYTES)
    cover_jpeg = base64.b64decode(answer.pop("cover_jpeg"), validate=True)
    covers_webp = tuple(base64.b64decode(cover, validate=True) for cover in answer.pop("covers_webp"))
    return Probe(cover_jpeg=cover_jpeg, covers_webp=covers_webp, **answer)


def remux_isolated(src: Path, dst: Path, timeout_s: int = 120) -> None:
    """:func:`marketplace.videos.media.remux.remux_faststart` in a limited process; ``dst`` appears only when complete.

    Raises:
        Invalid: as ``probe_isolated``.
        RuntimeError: as ``probe_isolated``.
    """
    part = dst.with_name(dst.name + ".part")
    try:
        room_bytes = 2 * src.stat().st_size + _ANSWER_BYTES
        _run({"verb": "remux", "path": str(src.resolve()), "part": str(part.resolve())}, timeout_s, room_bytes)
        part.replace(dst)
    finally:
        part.unlink(missing_ok=True)


def cover_isolated(path: Path, at_ms: int | None, timeout_s: int = 60) -> CoverPictures:
    """:func:`marketplace.videos.media.take_cover.cover_at` a moment of a film, or without one `cover_of` a picture, in a limited
    process.

    Raises:
        Invalid: as ``cover_at`` and ``cover_of``, and as ``probe_isolated``.
        RuntimeError: as ``probe_isolated``.
    """
    verb = {"verb": "picture"} if at_ms is None else {"verb": "moment", "at_ms": at_ms}
    answer = _run({**verb, "path": str(path.resolve())}, timeout_s, _ANSWER_BYTES)
    jpeg, *webp = (base64.b64decode(one, validate=True) for one in (answer["jpeg"], *answer["webp"]))
    return CoverPictures(jpeg, tuple(webp))


def _run(request: dict[str, Any], timeout_s: int, room_bytes: int) -> dict[str, Any]:
    request = {**request, "timeout_s": timeout_s, "room_bytes": room_bytes}
    root = str(Path(__file__).resolve().parents[2])
    environment = {"PYTHONPATH": root, "PYTHONDONTWRITEBYTECODE": "1", "LC_ALL": "C.UTF-8", "PYTHONUTF8": "1"}
    if sys.platform == "win32":
        environment["SYSTEMROOT"] = os.environ.get("SYSTEMROOT", "")
    with tempfile.TemporaryFile() as answers, tempfile.TemporaryFile() as complaints:
        child = subprocess.Popen(
            [sys.executable, "-m", "marketplace.videos.media.media_process", json.dumps(request)],
            stdin=subprocess.DEVNULL,
            stdout=answers,
            stderr=complaints,
            env=environment,
            start_new_session=True,
        )
        try:
            status = child.wait(timeout=timeout_s)
        except subprocess.TimeoutExpired as error:
            raise Invalid("video_too_complex", reason="time") from error
        finally:
            _end(child)
        answers.seek(0)
        return _read(status, answers.read(_ANSWER_BYTES), complaints)


def _read(status: int, raw: bytes, complaints: Any) -> dict[str, Any]:
    if status < 0:  # ended by a signal: a limit was reached, or the decoder fell over this file
        out_of_time = -status in _TIME_SIGNALS
        raise Invalid("video_too_complex", reason="time" if out_of_time else "crash")
    try:
        outcome, body = json.loads(raw)
    except ValueError as error:
        complaints.seek(0)
        detail = complaints.read(65536).decode("utf-8", "replace")[-2000:]
        raise RuntimeError(f"the media process gave no answer (exit {status}): {detail}") from error
    if outcome == REFUSED:
        raise Invalid(str(body["code"]), **body["params"])
    return dict(body)


def _end(child: subprocess.Popen[bytes]) -> None:
    if child.poll() is None:
        if sys.platform == "win32":
            child.kill()
        else:
            os.killpg(child.pid, signal.SIGKILL)
    child.wait()


if sys.platform == "win32":
    _TIME_SIGNALS: frozenset[int] = frozenset()
else:
    _TIME_SIGNALS = frozenset({int(signal.SIGALRM), int(signal.SIGXCPU)})
