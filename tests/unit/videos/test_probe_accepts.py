from __future__ import annotations

import io
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageStat

from marketplace.videos.media.probe import probe_video

Clip = Callable[..., Path]
FASTSTART = {"movflags": "+faststart"}


def test_a_plain_mp4_is_described_exactly(clip: Clip) -> None:
    path = clip("clip.mp4", seconds=3, size=(320, 240))
    found = probe_video(path, name="clip.mp4")
    assert (found.container, found.video_codec, found.audio_codec) == ("mp4", "h264", "aac")
    assert (found.width, found.height, found.size_bytes) == (320, 240, path.stat().st_size)
    assert abs(found.duration_ms - 3000) <= 25
    assert 0 <= found.cover_at_ms < found.duration_ms
    assert not found.faststart
    with Image.open(io.BytesIO(found.cover_jpeg)) as cover:
        assert (cover.format, cover.size) == ("JPEG", (320, 240))


@pytest.mark.parametrize(
    ("name", "given", "expected"),
    [
        ("a.mp4", {"muxing": FASTSTART}, ("mp4", "h264", "aac", True)),
        ("a.mp4", {"sound": None}, ("mp4", "h264", None, False)),
        ("a.mp4", {"sound": "libmp3lame"}, ("mp4", "h264", "mp3", False)),
        ("a.mp4", {"sound": "libopus"}, ("mp4", "h264", "opus", False)),
        ("A.MP4", {"container": "mp4"}, ("mp4", "h264", "aac", False)),
        ("a.m4v", {"container": "mp4"}, ("mp4", "h264", "aac", False)),
        ("a.mov", {}, ("mov", "h264", "aac", False)),
        ("a.mp4", {"muxing": {"movflags": "frag_keyframe+empty_moov"}}, ("mp4", "h264", "aac", True)),
        ("a.webm", {"picture": "libvpx", "sound": "libopus"}, ("webm", "vp8", "opus", True)),
        ("a.webm", {"picture": "libvpx-vp9", "sound": "libopus"}, ("webm", "vp9", "opus", True)),
        ("a.webm", {"picture": "libsvtav1", "sound": None, "options": {"preset": "12"}}, ("webm", "av1", None, True)),
    ],
)
def test_what_browsers_play_is_accepted(
    clip: Clip, name: str, given: dict[str, Any], expected: tuple[str, str, str | None, bool]
) -> None:
    # For root, SVT-AV1 puts the thread that calls it at real-time priority, and whatever that thread starts later: browsers.
    with ThreadPoolExecutor(1) as own_thread:
        path = own_thread.submit(clip, name, seconds=1.5, **given).result()
    found = probe_video(path, name=name)
    assert (found.container, found.video_codec, found.audio_codec, found.faststart) == expected
    assert 1400 <= found.duration_ms <= 1700


def test_a_name_without_an_ending_promises_nothing(clip: Clip) -> None:
    assert probe_video(clip("upload", container="mp4"), name="upload").container == "mp4"
    assert probe_video(clip("other", container="webm", picture="libvpx", sound=None)).container == "webm"


def test_a_phone_held_upright_gives_an_upright_cover(clip: Clip) -> None:
    found = probe_video(clip("phone.mp4", size=(320, 160), turned=90), name="phone.mp4")
    assert (found.width, found.height) == (160, 320)
    with Image.open(io.BytesIO(found.cover_jpeg)) as cover:
        assert cover.size == (160, 320)


def test_the_cover_is_never_the_black_beginning(clip: Clip) -> None:
    found = probe_video(clip("fade.mp4", seconds=4, black_s=2.5))
    assert found.cover_at_ms >= 2400
    with Image.open(io.BytesIO(found.cover_jpeg)) as cover:
        assert ImageStat.Stat(cover.convert("L")).stddev[0] > 20


def test_an_all_black_clip_is_still_a_video(clip: Clip) -> None:
    assert probe_video(clip("night.mp4", black_s=99)).cover_jpeg[:2] == b"\xff\xd8"


def test_the_cover_comes_in_small_sizes_too_none_larger_than_the_picture(clip: Clip) -> None:
    for size, widths in (((1920, 1080), [160, 480, 960]), ((320, 192), [160, 320, 320])):
        found = probe_video(clip("sized.mp4", size=size, seconds=1, sound=None))
        pictures = [Image.open(io.BytesIO(content)) for content in found.covers_webp]
        assert {picture.format for picture in pictures} == {"WEBP"}
        assert [picture.width for picture in pictures] == widths
        assert all(abs(picture.width * size[1] - picture.height * size[0]) <= max(size) for picture in pictures), (
            "the shape stays"
        )
        assert not any(picture.info.keys() & {"exif", "xmp", "icc_profile"} for picture in pictures)


def test_a_wide_picture_gives_a_cover_of_at_most_1280(clip: Clip) -> None:
    found = probe_video(clip("wide.mp4", seconds=0.5, size=(1920, 1080), sound=None))
    assert (found.width, found.height) == (1920, 1080)
    with Image.open(io.BytesIO(found.cover_jpeg)) as cover:
        assert cover.size == (1280, 720)


def test_zero_padding_at_the_end_is_no_foreign_data(clip: Clip) -> None:
    path = clip("padded.mp4")
    path.write_bytes(path.read_bytes() + bytes(512))
    assert probe_video(path).video_codec == "h264"


def test_a_video_with_the_brand_of_a_song_is_an_mp4(clip: Clip) -> None:
    path = clip("song.mp4")
    path.write_bytes(path.read_bytes().replace(b"ftypisom", b"ftypM4A ", 1))
    assert probe_video(path, name="song.mp4").container == "mp4"
