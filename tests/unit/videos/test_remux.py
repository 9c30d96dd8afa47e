from __future__ import annotations

import hashlib
import struct
from collections.abc import Callable
from pathlib import Path

import av
import pytest

from marketplace.videos.media.probe import probe_video
from marketplace.videos.media.remux import remux_faststart
from marketplace.videos.media.subprocess_probe import remux_isolated

Clip = Callable[..., Path]
PAYLOAD = b"<script>alert(document.domain)</script>"


def _pictures(path: Path) -> list[str]:
    with av.open(str(path)) as container:
        return [hashlib.sha256(bytes(frame.planes[0])).hexdigest() for frame in container.decode(video=0)]


@pytest.mark.parametrize("name", ["a.mp4", "a.mov"])
def test_the_index_moves_to_the_front_and_no_picture_changes(clip: Clip, tmp_path: Path, name: str) -> None:
    source, target = clip(name, seconds=3), tmp_path / "copy.mp4"
    assert not probe_video(source).faststart
    remux_faststart(source, target)
    before, after = probe_video(source), probe_video(target, name="copy.mp4")
    assert after.faststart
    assert after.container == "mp4"
    assert (after.width, after.height, after.audio_codec) == (before.width, before.height, before.audio_codec)
    assert abs(after.duration_ms - before.duration_ms) <= 1
    assert _pictures(target) == _pictures(source)


def test_a_webm_keeps_its_pictures(clip: Clip, tmp_path: Path) -> None:
    source, target = clip("a.webm", picture="libvpx-vp9", sound="libopus"), tmp_path / "copy.webm"
    remux_faststart(source, target)
    assert probe_video(target, name="copy.webm").video_codec == "vp9"
    assert _pictures(target) == _pictures(source)
    content = target.read_bytes()
    assert content.index(b"\x1c\x53\xbb\x6b") < content.index(b"\x1f\x43\xb6\x75"), "cues come before the first cluster"


def test_the_way_it_is_held_survives(clip: Clip, tmp_path: Path) -> None:
    source, target = clip("a.mp4", size=(320, 160), turned=90), tmp_path / "copy.mp4"
    remux_faststart(source, target)
    found = probe_video(target)
    assert (found.width, found.height) == (160, 320)


def test_what_hides_in_boxes_stays_behind(clip: Clip, tmp_path: Path) -> None:
    """A page in a `free` box makes a valid MP4 (ISO/IEC 14496-12 § 8.1.2); the copy does not carry it."""
    source, target = clip("a.mp4"), tmp_path / "copy.mp4"
    source.write_bytes(source.read_bytes() + struct.pack(">I", 8 + len(PAYLOAD)) + b"free" + PAYLOAD)
    assert probe_video(source).video_codec == "h264"
    remux_faststart(source, target)
    assert PAYLOAD not in target.read_bytes()


def test_equal_input_gives_equal_bytes(clip: Clip, tmp_path: Path) -> None:
    source = clip("a.mp4")
    remux_faststart(source, tmp_path / "one.mp4")
    remux_isolated(source, tmp_path / "two.mp4", 60)
    assert (tmp_path / "one.mp4").read_bytes() == (tmp_path / "two.mp4").read_bytes()
