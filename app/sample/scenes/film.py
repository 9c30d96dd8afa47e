"""From frames and sound to an MP4 that any browser plays: H.264 4:2:0 in BT.709, AAC, index first."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
from av.audio.stream import AudioStream
from av.container import OutputContainer
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from app.sample.scenes.facts import FRAMES_PER_S, HEIGHT_PX, WIDTH_PX, FilmScript
from app.sample.scenes.music import RATE_HZ, sound
from app.sample.scenes.timeline import FilmTimeline, Patch

_BT709 = 1
_LIMITED_RANGE = 1
_LONGEST_HOLD = FRAMES_PER_S // 2
_X264 = "cabac=1:scenecut=0"  # flat drawings gain from arithmetic coding, and from nothing else that costs time
_PICTURE = {"preset": "ultrafast", "crf": "22", "threads": "1", "x264-params": _X264}
#: R'G'B' (0–255) to Y'CbCr of limited range, ITU-R BT.709 § 3 and 4.6, as Pillow's twelve-number matrix.
_TO_BT709 = (
    *(0.2126 * 219 / 255, 0.7152 * 219 / 255, 0.0722 * 219 / 255, 16.0),
    *(-0.2126 * 224 / 255 / 1.8556, -0.7152 * 224 / 255 / 1.8556, 0.9278 * 224 / 255 / 1.8556, 128.0),
    *(0.7874 * 224 / 255 / 1.5748, -0.7152 * 224 / 255 / 1.5748, -0.0722 * 224 / 255 / 1.5748, 128.0),
)


def write_film(story: FilmScript, stage: FilmTimeline, path: Path, progress: Callable[[float], None]) -> None:
    """Encode a scene. One encoder thread and bit-exact muxing: the same machine gives the same bytes each time.

    Frames in which nothing moved are left out (at most half a second at a time); every frame has its own
    time, so players keep showing the one before.
    """
    options = {"movflags": "+faststart", "fflags": "+bitexact"}
    with av.open(str(path), "w", format="mp4", container_options=options) as container:
        picture, music = _picture_stream(container), _music_stream(container)
        notes = sound(story)
        heard_s, last, total = 0.0, -_LONGEST_HOLD, story.duration_ms * FRAMES_PER_S // 1000
        shown = VideoFrame(WIDTH_PX, HEIGHT_PX, "yuv420p")
        for number, patches in enumerate(stage.frames()):
            if not patches and number - last < _LONGEST_HOLD and number != total - 1:
                continue
            last = number
            shown.make_writable()
            for patch in patches:
                _lay(shown, patch)
            shown.pts, shown.time_base = number, Fraction(1, FRAMES_PER_S)
            container.mux(picture.encode(shown))
            while heard_s <= number / FRAMES_PER_S + 0.5:  # sound lies half a second ahead of its pictures
                block = next(notes, None)
                if block is None:
                    break
                heard_s += block.samples / RATE_HZ
                container.mux(music.encode(block))
            progress(number / total)
        for block in notes:
            container.mux(music.encode(block))
        container.mux(picture.encode(None))
        container.mux(music.encode(None))


def _music_stream(container: OutputContainer) -> AudioStream:
    stream = container.add_stream("aac", rate=RATE_HZ, options={"flags": "+bitexact", "aac_coder": "fast"})
    if not isinstance(stream, AudioStream):
        raise TypeError("no AAC encoder")
    stream.layout = "mono"
    stream.bit_rate = 56_000
    return stream


def _picture_stream(container: OutputContainer) -> VideoStream:
    stream = container.add_stream("libx264", rate=FRAMES_PER_S, options=_PICTURE)
    if not isinstance(stream, VideoStream):
        raise TypeError("no H.264 encoder")
    stream.width, stream.height, stream.pix_fmt = WIDTH_PX, HEIGHT_PX, "yuv420p"
    context = stream.codec_context
    context.gop_size = FRAMES_PER_S  # whoever looks for a second decodes few pictures before it
    context.colorspace = context.color_primaries = context.color_trc = _BT709
    context.color_range = _LIMITED_RANGE
    return stream


def _lay(shown: VideoFrame, patch: Patch) -> None:
    """Convert one patch and copy its rows into the picture: most frames differ in a small part only."""
    image, left, top = patch
    light, blue, red = image.convert("RGB", _TO_BT709).split()
    for plane, part, shrink in zip(shown.planes, (light, blue.reduce(2), red.reduce(2)), (1, 2, 2), strict=True):
        target, source, width = memoryview(plane), part.tobytes(), part.width
        for row in range(part.height):
            start = (top // shrink + row) * plane.line_size + left // shrink
            target[start : start + width] = source[row * width : (row + 1) * width]
