"""A card's second is the player's second: the copy begins at nought and lasts as long as the product says."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import pytest
from av.video.frame import VideoFrame
from PIL import Image

from marketplace.videos.media.probe import probe_video
from marketplace.videos.media.remux import remux_faststart

Clip = Callable[..., Path]
RATE = 10


def delayed(source: Path, target: Path, delays_s: dict[str, float]) -> Path:
    """The same packets, each stream begun later by so many seconds."""
    with av.open(str(source)) as given, av.open(str(target), "w") as written:
        copies = {stream.index: written.add_stream_from_template(stream, opaque=True) for stream in given.streams}
        for packet in given.demux():
            if packet.dts is None or packet.pts is None or packet.time_base is None:
                continue
            later = round(delays_s[packet.stream.type] / packet.time_base)
            packet.pts, packet.dts = packet.pts + later, packet.dts + later
            packet.stream = copies[packet.stream.index]
            written.mux(packet)
    return target


def shades(path: Path) -> list[tuple[float, int]]:
    """When each picture is shown, and how bright it is in the middle."""
    with av.open(str(path)) as container:
        return [(float(frame.time or 0), bytes(frame.planes[0])[40 * 160 + 80]) for frame in container.decode(video=0)]


@pytest.mark.parametrize("sound", [None, "aac"])
@pytest.mark.parametrize(("picture_s", "sound_s"), [(0, 0), (2, 2), (3.5, 2.5), (2, 0), (0, 1)])
@pytest.mark.parametrize("name", ["clip.mp4", "clip.mov", "clip.webm"])
def test_the_copy_begins_when_the_product_says_and_lasts_as_long(
    clip: Clip, tmp_path: Path, name: str, picture_s: float, sound_s: float, sound: str | None
) -> None:
    kind = {"picture": "libvpx", "sound": sound and "libopus"} if name.endswith("webm") else {"sound": sound}
    source = delayed(
        clip("whole." + name[5:], seconds=2, **kind), tmp_path / name, {"video": picture_s, "audio": sound_s}
    )
    said = probe_video(source)
    copy = tmp_path / "copy"
    remux_faststart(source, copy)
    begin_s = min(picture_s, sound_s) if sound else picture_s
    with av.open(str(copy)) as container:
        assert container.duration is not None
        assert abs(container.duration / 1000 - said.duration_ms) <= 130, "the player's end"
        assert abs((container.start_time or 0) / 1000) <= 10, "the player's beginning"
    assert abs(probe_video(copy).duration_ms - said.duration_ms) <= 110
    before, after = shades(source), shades(copy)
    assert [shade for _, shade in after] == [shade for _, shade in before]
    for (was_s, _), (is_s, _) in zip(before, after, strict=True):
        assert is_s == pytest.approx(was_s - begin_s, abs=0.03), "but for a block of primed sound"


def test_sound_primed_before_the_beginning_moves_nothing(clip: Clip, tmp_path: Path) -> None:
    source, copy = clip("a.mp4"), tmp_path / "copy"
    remux_faststart(source, copy)
    assert shades(copy) == shades(source)


def test_pictures_at_uneven_times_keep_them(tmp_path: Path) -> None:
    source, copy = tmp_path / "uneven.mp4", tmp_path / "copy"
    times_ms = [0, 40, 1_000, 1_010, 2_500, 2_900]
    with av.open(str(source), "w") as target:
        stream = target.add_stream("libx264", rate=RATE, options={"bf": "2"})
        stream.width, stream.height, stream.pix_fmt = 160, 96, "yuv420p"
        stream.codec_context.time_base = Fraction(1, 1000)
        for number, at_ms in enumerate(times_ms):
            image = Image.new("RGB", (160, 96), (number * 40, 80, 80))
            frame: VideoFrame = VideoFrame.from_image(image)  # type: ignore[no-untyped-call]  # PyAV leaves it untyped
            frame.pts, frame.time_base = at_ms + 700, Fraction(1, 1000)
            target.mux(stream.encode(frame))
        target.mux(stream.encode(None))
    remux_faststart(source, copy)
    assert [at_s for at_s, _ in shades(copy)] == pytest.approx([ms / 1000 for ms in times_ms], abs=0.002)
    assert probe_video(source).duration_ms == pytest.approx(probe_video(copy).duration_ms, abs=2)
