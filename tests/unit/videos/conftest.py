"""Real clips, encoded in the test that needs them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import av
import pytest
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from av.container import OutputContainer
from av.filter import Graph
from av.video.frame import VideoFrame
from av.video.stream import VideoStream
from PIL import Image, ImageDraw

RATE = 10
Clip = Callable[..., Path]


def _picture(size: tuple[int, int], number: int, black_until: int) -> VideoFrame:
    image = Image.new("RGB", size, (0, 0, 0) if number < black_until else (number * 5 % 255, 80, 120))
    if number >= black_until:
        left = number % max(1, size[0] // 2)
        ImageDraw.Draw(image).rectangle((left, 4, left + size[0] // 3, size[1] // 2), fill="white")
    frame: VideoFrame = VideoFrame.from_image(image)  # type: ignore[no-untyped-call]  # PyAV leaves it untyped
    frame.pts, frame.time_base = number, Fraction(1, RATE)
    return frame


def _tone(seconds: float, sample_format: str) -> Iterator[AudioFrame]:
    graph = Graph()
    steps = [
        graph.add("sine", f"f=440:r=48000:d={seconds}"),
        graph.add("aformat", f"sample_fmts={sample_format}"),
        graph.add("abuffersink"),
    ]
    for left, right in pairwise(steps):
        left.link_to(right)
    graph.configure()
    while True:
        try:
            frame = graph.pull()
        except (av.EOFError, av.BlockingIOError):
            return
        assert isinstance(frame, AudioFrame)
        yield frame


def _add_picture(container: OutputContainer, codec: str, size: tuple[int, int], given: dict[str, Any]) -> VideoStream:
    stream = container.add_stream(codec, rate=RATE, options=given.get("options", {}))
    assert isinstance(stream, VideoStream)
    stream.width, stream.height = size
    stream.pix_fmt = given.get("pixels", "yuv420p")
    if "turned" in given:
        stream.set_display_rotation(given["turned"])
    return stream


@pytest.fixture
def clip(tmp_path: Path) -> Clip:
    """Encode a clip: ``clip("a.mp4", seconds=2, picture="libx264", sound="aac", size=(160, 96), …)``."""

    def make(
        name: str,
        *,
        seconds: float = 2,
        picture: str | None = "libx264",
        sound: str | None = "aac",
        size: tuple[int, int] = (160, 96),
        container: str | None = None,
        black_s: float = 0,
        muxing: dict[str, str] | None = None,
        **given: Any,
    ) -> Path:
        path = tmp_path / name
        with av.open(str(path), "w", format=container, container_options=muxing or {}) as target:
            shown = _add_picture(target, picture, size, given) if picture else None
            heard = target.add_stream(sound, rate=48_000) if sound else None
            if isinstance(heard, AudioStream):
                heard.layout = "mono"
            if shown is not None:
                for number in range(round(seconds * RATE)):
                    target.mux(shown.encode(_picture(size, number, round(black_s * RATE))))
                target.mux(shown.encode(None))
            if isinstance(heard, AudioStream):
                for block in _tone(seconds, heard.codec_context.format.name):
                    target.mux(heard.encode(block))
                target.mux(heard.encode(None))
        return path

    return make
