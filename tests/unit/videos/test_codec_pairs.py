"""What the examination accepts, the copy can be made of: every pair of codecs, in every container, however it was written."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import product
from pathlib import Path
from typing import Any

import av
import pytest

from kernel.errors import Invalid
from marketplace.videos.media.probe import probe_video
from marketplace.videos.media.probe_result import Probe
from marketplace.videos.media.remux import remux_faststart

Clip = Callable[..., Path]
PICTURES: dict[str, tuple[str, dict[str, str]]] = {
    "h264": ("libx264", {}),
    "vp8": ("libvpx", {}),
    "vp9": ("libvpx-vp9", {"cpu-used": "8"}),
    "av1": ("libsvtav1", {"preset": "12"}),
    "hevc": ("libx265", {"x265-params": "log-level=none"}),
    "mpeg4": ("mpeg4", {}),
}
SOUNDS = {
    "aac": "aac",
    "mp3": "libmp3lame",
    "opus": "libopus",
    "none": None,
    "pcm": "pcm_s16le",
    "alac": "alac",
    "ac3": "ac3",
}
PLAYED = {
    "mp4": set(product(("h264", "vp9", "av1"), ("aac", "mp3", "opus", "none"))),
    "mov": set(product(("h264",), ("aac", "mp3", "none"))),
    "webm": set(product(("vp8", "vp9", "av1"), ("opus", "none"))),
}


@pytest.mark.parametrize("sound", SOUNDS)
@pytest.mark.parametrize("picture", PICTURES)
@pytest.mark.parametrize("container", PLAYED)
def test_a_pair_is_refused_by_name_or_copied(
    clip: Clip, tmp_path: Path, container: str, picture: str, sound: str
) -> None:
    encoder, options = PICTURES[picture]
    arguments = {"picture": encoder, "sound": SOUNDS[sound], "size": (320, 192), "seconds": 1, "options": options}
    name = f"clip.{container}"
    try:
        # For root, SVT-AV1 puts the thread that calls it at real-time priority, and whatever that thread starts later.
        with ThreadPoolExecutor(1) as own_thread:
            source = own_thread.submit(clip, name, **arguments).result()
    except (av.FFmpegError, ValueError):
        # No program writes this pair into this container, so that nobody can upload it.
        assert (picture, sound) not in PLAYED[container]
        return
    try:
        found: Probe | Invalid = probe_video(source, name=name)
    except Invalid as refusal:
        found = refusal
    if isinstance(found, Invalid):
        assert (picture, sound) not in PLAYED[container]
        assert found.code == "video_codec_unsupported"
        return
    assert (picture, sound) in PLAYED[container]
    assert (found.video_codec, found.audio_codec or "none") == (picture, sound)
    copy = tmp_path / "copy"
    remux_faststart(source, copy)
    copied = probe_video(copy)
    assert (copied.video_codec, copied.audio_codec, copied.width) == (found.video_codec, found.audio_codec, found.width)
    assert copied.faststart


@pytest.mark.parametrize(
    "given",
    [
        {"turned": 90},
        {"muxing": {"movflags": "frag_keyframe+empty_moov"}},
        {"muxing": {"movflags": "frag_keyframe+empty_moov+default_base_moof"}, "sound": None},
        {"options": {"bf": "3"}},
        {"sound": "pcm_s16le", "container": "mp4"},
    ],
)
@pytest.mark.parametrize("name", ["clip.mp4", "clip.mov"])
def test_however_it_was_written(clip: Clip, tmp_path: Path, name: str, given: dict[str, Any]) -> None:
    source = clip(name, **({"container": name[-3:]} | given))
    try:
        found: Probe | Invalid = probe_video(source, name=name)
    except Invalid as refusal:
        found = refusal
    if isinstance(found, Invalid):
        assert (found.code, found.params["codec"]) == ("video_codec_unsupported", "pcm_s16le")
        return
    remux_faststart(source, tmp_path / "copy")
    copied = probe_video(tmp_path / "copy")
    assert (copied.width, copied.height) == (found.width, found.height)
    assert abs(copied.duration_ms - found.duration_ms) <= 1


@pytest.mark.parametrize(
    ("made", "called"), [("a.mp4", "clip.mov"), ("a.mov", "clip.mp4"), ("a.mov", "clip.m4v"), ("a.mp4", "CLIP.QT")]
)
def test_sister_endings_are_everyday_names_of_one_family(clip: Clip, tmp_path: Path, made: str, called: str) -> None:
    source = clip(made)
    assert probe_video(source, name=called).video_codec == "h264"
    remux_faststart(source, tmp_path / "copy")
    assert probe_video(tmp_path / "copy", name="copy.mp4").container == "mp4"
