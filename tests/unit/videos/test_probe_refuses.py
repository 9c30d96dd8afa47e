from __future__ import annotations

import io
import random
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from kernel.errors import Invalid
from marketplace.videos.media.probe import probe_video
from marketplace.videos.media.remux import remux_faststart

Clip = Callable[..., Path]
KEY = {
    "encryption_scheme": "cenc-aes-ctr",
    "encryption_key": "00112233445566778899aabbccddeeff",
    "encryption_kid": "112233445566778899aabbccddeeff00",
}
HTML = b"<!doctype html><script>alert(document.domain)</script>"


def refusal(path: Path, name: str | None = None, **limits: int) -> tuple[str, dict[str, Any]]:
    with pytest.raises(Invalid) as raised:
        probe_video(path, name=path.name if name is None else name, **limits)
    return raised.value.code, dict(raised.value.params)


def _still(kind: str) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (64, 64), "teal").save(out, kind)
    return out.getvalue()


def _zip() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("index.html", HTML)
    return out.getvalue()


def test_nothing(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    path.write_bytes(b"")
    assert refusal(path) == ("video_empty", {})


@pytest.mark.parametrize(
    ("content", "detected"),
    [
        (_still("PNG"), "png"),
        (_still("JPEG"), "jpeg"),
        (_still("GIF"), "gif"),
        (_still("WEBP"), "webp"),
        (HTML, "html"),
        (b"\xef\xbb\xbf \n" + HTML, "html"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "xml"),
        (b"%PDF-1.7\n", "pdf"),
        (_zip(), "zip"),
        (b"#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n", "playlist"),
        (b"ffconcat version 1.0\nfile /etc/passwd\n", "playlist"),
        (b"MZ" + bytes(300), "windows-program"),
        (b"\x00\x00\x00\x18ftypavif" + bytes(64), "avif"),
        (b"\x00\x00\x00\x18ftypheic" + bytes(64), "heic"),
    ],
)
def test_what_is_something_else_is_called_by_its_name(tmp_path: Path, content: bytes, detected: str) -> None:
    path = tmp_path / "holiday.mp4"
    path.write_bytes(content)
    assert refusal(path) == ("video_name_mismatch", {"promised": "mp4", "detected": detected})
    assert refusal(path, "holiday.bin") == ("video_not_a_video", {"detected": detected})


@pytest.mark.parametrize("length", [1, 7, 8, 64, 70_000])
def test_encrypted_or_random_bytes(tmp_path: Path, length: int) -> None:
    path = tmp_path / "a.mp4"
    path.write_bytes(b"\x91" + random.Random(length).randbytes(length - 1))
    assert refusal(path) == ("video_not_a_video", {"detected": "unknown"})


@pytest.mark.parametrize(
    ("made", "given", "said", "expected"),
    [
        ("a.webm", {"picture": "libvpx", "sound": None}, "a.mp4", ("mp4", "webm")),
        ("a.mp4", {}, "a.webm", ("webm", "mp4")),
        ("a.mp4", {}, "report.pdf", ("pdf", "mp4")),
        ("a.mp4", {}, "a.mp4.exe", ("exe", "mp4")),
        ("a.mkv", {}, "a.mp4", ("mp4", "mkv")),
        ("a.avi", {"picture": "mpeg4", "sound": None}, "a.mov", ("mov", "avi")),
    ],
)
def test_a_video_of_another_kind_than_its_name(
    clip: Clip, made: str, given: dict[str, Any], said: str, expected: tuple[str, str]
) -> None:
    promised, detected = expected
    path = clip(made, **given)
    assert refusal(path, said) == ("video_name_mismatch", {"promised": promised, "detected": detected})


@pytest.mark.parametrize(
    ("name", "given", "container"),
    [
        ("a.mkv", {}, "mkv"),
        ("a.avi", {"picture": "mpeg4", "sound": None}, "avi"),
        ("a.ts", {}, "mpegts"),
        ("a.flv", {}, "flv"),
    ],
)
def test_containers_that_browsers_do_not_play(clip: Clip, name: str, given: dict[str, Any], container: str) -> None:
    assert refusal(clip(name, **given)) == ("video_container_unsupported", {"container": container})


@pytest.mark.parametrize(
    ("given", "part", "codec"),
    [
        ({"picture": "mpeg4"}, "picture", "mpeg4"),
        ({"picture": "libx265", "options": {"x265-params": "log-level=none"}}, "picture", "hevc"),
        ({"pixels": "yuv444p"}, "picture", "h264 (yuv444p)"),
        ({"sound": "ac3"}, "sound", "ac3"),
    ],
)
def test_codecs_that_browsers_do_not_play(clip: Clip, given: dict[str, Any], part: str, codec: str) -> None:
    code, params = refusal(clip("a.mp4", **given))
    assert (code, params) == ("video_codec_unsupported", {"part": part, "codec": codec, "container": "mp4"})


def test_sound_alone(clip: Clip) -> None:
    assert refusal(clip("song.mp4", picture=None)) == ("video_no_picture", {})
    assert refusal(clip("song.m4a", picture=None, container="ipod"), "song.mp4") == ("video_no_picture", {})


def test_limits_are_held(clip: Clip) -> None:
    path = clip("a.mp4", seconds=4, size=(320, 160))
    assert refusal(path, max_duration_s=3) == ("video_too_long", {"duration_s": 4, "max_duration_s": 3})
    code, params = refusal(path, max_pixels=320 * 160 - 1)
    assert (code, params["width"], params["height"]) == ("video_dimensions", 320, 160)
    assert refusal(path, max_side=319)[0] == "video_dimensions"
    assert probe_video(path, max_duration_s=5, max_pixels=320 * 160, max_side=320).width == 320


@pytest.mark.parametrize("percent", [10, 40, 75, 99])
@pytest.mark.parametrize("muxing", [{}, {"movflags": "+faststart"}])
def test_a_cut_mp4(clip: Clip, percent: int, muxing: dict[str, str]) -> None:
    path = clip("cut.mp4", muxing=muxing)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) * percent // 100])
    assert refusal(path) == ("video_truncated", {})


@pytest.mark.parametrize("percent", [20, 60, 95])
def test_a_cut_webm(clip: Clip, percent: int) -> None:
    path = clip("cut.webm", picture="libvpx", sound="libopus", seconds=3)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) * percent // 100])
    assert refusal(path) == ("video_truncated", {})


def test_pictures_overwritten_with_noise(clip: Clip) -> None:
    path = clip("noise.mp4", sound=None, muxing={"movflags": "+faststart"})
    whole = path.read_bytes()
    start = whole.index(b"mdat") + 4
    path.write_bytes(whole[:start] + random.Random(7).randbytes(len(whole) - start))
    assert refusal(path) == ("video_damaged", {"part": "picture"})


def test_an_index_of_noise(clip: Clip) -> None:
    path = clip("index.mp4", muxing={"movflags": "+faststart"})
    whole = path.read_bytes()
    start = whole.index(b"moov") + 4
    end = start - 8 + int.from_bytes(whole[start - 8 : start - 4], "big")
    path.write_bytes(whole[:start] + random.Random(8).randbytes(end - start) + whole[end:])
    assert refusal(path)[0] in {"video_damaged", "video_no_picture"}


def test_protected_media(clip: Clip) -> None:
    assert refusal(clip("drm.mp4", muxing=KEY)) == ("video_encrypted", {})


@pytest.mark.parametrize("tail", [HTML, _zip(), b"%PDF-1.7 ", b"\x00" * 100 + HTML])
def test_a_video_with_something_else_behind_it(clip: Clip, tail: bytes) -> None:
    path = clip("poly.mp4")
    path.write_bytes(path.read_bytes() + tail)
    assert refusal(path) == ("video_foreign_data", {})


def test_a_page_in_front_of_a_video(clip: Clip) -> None:
    path = clip("poly.mp4")
    path.write_bytes(HTML + path.read_bytes())
    assert refusal(path) == ("video_name_mismatch", {"promised": "mp4", "detected": "html"})


def test_a_header_that_lies_about_the_length(clip: Clip) -> None:
    """The movie header says half a second; the packets last four."""
    path = clip("liar.mp4", seconds=4, sound=None)
    whole = bytearray(path.read_bytes())
    for box, at in ((b"mvhd", 20), (b"tkhd", 24)):
        position = whole.index(box) + at
        whole[position : position + 4] = struct.pack(">I", 500)
    path.write_bytes(bytes(whole))
    code, params = refusal(path, max_duration_s=2)
    assert (code, params["max_duration_s"]) == ("video_too_long", 2)


def test_a_header_that_promises_a_giant_picture(clip: Clip) -> None:
    path = clip("giant.mp4", sound=None)
    whole = bytearray(path.read_bytes())
    position = whole.index(b"avc1", whole.index(b"stsd")) + 28
    whole[position : position + 4] = struct.pack(">HH", 65_000, 65_000)
    path.write_bytes(bytes(whole))
    found = probe_video(path)  # the stream's own size outranks the container's, which only bends the pixels' shape
    assert found.height == 96
    assert found.width <= 4 * 160


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(
    ("name", "given"),
    [("a.mp4", {"muxing": {"movflags": "+faststart"}}), ("a.webm", {"picture": "libvpx", "sound": "libopus"})],
)
def test_bytes_turned_at_random_are_accepted_or_refused_but_never_an_accident(
    clip: Clip, tmp_path: Path, name: str, given: dict[str, Any], seed: int
) -> None:
    whole = clip(name, seconds=1, **given).read_bytes()
    chance, broken, copy = random.Random(seed), tmp_path / "broken", tmp_path / "copy"
    outcomes = set()
    for _ in range(25):
        turned = bytearray(whole)
        for _ in range(chance.choice((1, 3, 20))):
            turned[chance.randrange(min(len(turned), 3000))] = chance.choice((0, 1, 128, 255))
        broken.write_bytes(turned)
        for examine in (probe_video, lambda path: remux_faststart(path, copy)):
            try:
                examine(broken)
                outcomes.add("accepted")
            except Invalid as refused:
                outcomes.add(refused.code)
    assert len(outcomes) > 1
