"""Examination of an uploaded video: is it what its name says, and will browsers play it?

``probe_video`` works on a local file and touches nothing else: no database, no network, no clock. The file comes from
a stranger, so every step is bounded (packets, bytes, decoded frames, pixels) before it is paid for, and only two
demuxers and the few decoders that browsers share are ever reachable. It still runs foreign C code on foreign bytes:
workers call it through :mod:`marketplace.videos.media.subprocess_probe`, which adds the limits of time and memory.

What is accepted is what Chromium, Firefox and Safari all play: H.264 (8-bit 4:2:0), VP8, VP9 or AV1 with AAC, MP3,
Opus, Vorbis or no sound, in MP4, MOV or WebM.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.error import FFmpegError
from av.packet import Packet
from av.stream import Disposition
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from kernel.errors import Invalid
from marketplace.videos.media.cover import CoverChoice
from marketplace.videos.media.cover_sizes import COVER_WIDTHS
from marketplace.videos.media.probe_result import Probe
from marketplace.videos.media.sniff import FOREIGN_VIDEO, Sniffed, family_of, promised_by, sniff

#: Decoder name → the codec's common name. A decoder absent here is never started.
VIDEO_CODECS = {"h264": "h264", "vp8": "vp8", "libvpx": "vp8", "vp9": "vp9", "libvpx-vp9": "vp9"} | dict.fromkeys(
    ("av1", "libdav1d", "libaom-av1"), "av1"
)
AUDIO_CODECS = {"aac": "aac", "mp3": "mp3", "mp3float": "mp3", "opus": "opus", "libopus": "opus", "vorbis": "vorbis"}
_PLAYABLE: dict[str, tuple[frozenset[str], frozenset[str]]] = {
    "mp4": (frozenset({"h264", "vp9", "av1"}), frozenset({"aac", "mp3", "opus"})),
    "mov": (frozenset({"h264"}), frozenset({"aac", "mp3"})),
    "webm": (frozenset({"vp8", "vp9", "av1"}), frozenset({"opus", "vorbis"})),
}
_PIXEL_FORMATS = frozenset({"yuv420p", "yuvj420p"})
_DEEP_PIXEL_FORMATS = frozenset({"yuv420p10le"})  # vp9 profile 2 and AV1 main; H.264 High 10 plays almost nowhere
_DEMUXERS = {"isobmff": "mp4", "matroska": "matroska"}
_COVER_SHARES_PERCENT = (0, 8, 25, 50, 75)
_MAX_PACKETS_PER_S = 500  # 240 pictures and two blocks of 128 samples at 16 kHz; a bomb has thousands
_MAX_FRAMES = 1500  # pictures decoded in all, whatever the file promises
_MAX_REFUSED_PACKETS = 3
_TAIL_S = 2.0
_SMALLEST_SIDE = 16


@dataclass(frozen=True, slots=True)
class _Scan:
    start_s: float
    end_s: float
    last_picture_s: float


def probe_video(
    path: Path,
    *,
    name: str | None = None,
    max_duration_s: int = 600,
    max_pixels: int = 3840 * 2160,
    max_side: int = 4096,
) -> Probe:
    """Open, walk and decode a local file, and choose its cover.

    ``name`` is the uploader's file name; its ending is held against the content (None: nothing was promised). MP4 and MOV
    are one family, which phones and editors call by either ending, and both are copied to MP4.
    ``max_pixels`` bounds one picture's area. The cover is a JPEG at most 1280 px wide,
    and a WebP of each of `COVER_WIDTHS`.

    Raises:
        Invalid: ``video_empty``; ``video_not_a_video`` (detected); ``video_name_mismatch`` (promised, detected);
            ``video_container_unsupported`` (container); ``video_truncated``; ``video_foreign_data``;
            ``video_no_picture``; ``video_codec_unsupported`` (part, codec, container); ``video_encrypted``;
            ``video_dimensions`` (width, height, max_side, max_pixels); ``video_too_long`` (duration_s,
            max_duration_s); ``video_too_complex`` (reason); ``video_damaged`` (part).
        OSError: the local file cannot be read.
    """
    size_bytes = path.stat().st_size
    sniffed = recognise(path, name)
    with opened(path, sniffed) as container:
        video, audio = chosen_streams(container)
        codecs = checked_codecs(sniffed.detected, video, audio)
        _check_dimensions(video.codec_context.width, video.codec_context.height, max_pixels, max_side)
        if container.duration is not None:
            _check_duration(container.duration / 1_000_000, max_duration_s)
        scan = _scan_packets(container, video, audio, max_duration_s, size_bytes)
        pictures = Pictures(container, video, max_pixels, max_side)
        choice = CoverChoice(video.sample_aspect_ratio)
        for percent in _COVER_SHARES_PERCENT:
            at_s = scan.start_s + (scan.last_picture_s - scan.start_s) * percent / 100
            frame = pictures.at(at_s)
            if frame is not None:
                choice.consider(frame)
        tail = pictures.at(scan.last_picture_s, seek_to_s=max(scan.start_s, scan.last_picture_s - _TAIL_S))
        if choice.best is None or tail is None:
            raise Invalid("video_damaged", part="picture")
        choice.consider(tail)
        if tail.time is None or scan.last_picture_s - tail.time > _TAIL_S:
            raise Invalid("video_truncated")
        width, height = choice.displayed_size()
        return Probe(
            container="mp4" if sniffed.detected == "m4a" else sniffed.detected,
            video_codec=codecs[0],
            audio_codec=codecs[1],
            duration_ms=round((scan.end_s - scan.start_s) * 1000),
            width=width,
            height=height,
            size_bytes=size_bytes,
            cover_jpeg=choice.jpeg(),
            covers_webp=tuple(choice.webp(width) for width in COVER_WIDTHS),
            cover_at_ms=max(0, round((choice.at_s() - scan.start_s) * 1000)),
            faststart=sniffed.faststart,
        )


def recognise(path: Path, name: str | None) -> Sniffed:
    """Refuse what is not one of the accepted containers or not what its name promises.

    Raises:
        Invalid: see :func:`probe_video`.
    """
    if path.stat().st_size == 0:
        raise Invalid("video_empty")
    sniffed = sniff(path)
    promised = promised_by(name) if name is not None else None
    if sniffed.family is None:
        if promised is not None and sniffed.detected != "unknown":
            raise Invalid("video_name_mismatch", promised=promised, detected=sniffed.detected)
        if sniffed.detected in FOREIGN_VIDEO:
            raise Invalid("video_container_unsupported", container=sniffed.detected)
        raise Invalid("video_not_a_video", detected=sniffed.detected)
    ending = Path(name).suffix.lower().removeprefix(".") if name is not None else ""
    if ending and sniffed.detected != "m4a" and sniffed.family != family_of(promised):
        raise Invalid("video_name_mismatch", promised=promised or ending[:16], detected=sniffed.detected)
    if not sniffed.complete:
        raise Invalid("video_truncated")
    if not sniffed.clean_tail:
        raise Invalid("video_foreign_data")
    return sniffed


@contextmanager
def opened(path: Path, sniffed: Sniffed) -> Iterator[InputContainer]:
    """Open with the one demuxer that the bytes named; it may read this file and no other address.

    Raises:
        Invalid: ``video_damaged``, ``video_too_complex``.
    """
    if sniffed.family is None:
        raise Invalid("video_not_a_video", detected=sniffed.detected)
    options = {
        "protocol_whitelist": "file",
        "format_whitelist": "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm",
        "codec_whitelist": ",".join((*VIDEO_CODECS, *AUDIO_CODECS)),
        "max_streams": "16",
    }
    try:
        with av.open(
            path,
            "r",
            format=_DEMUXERS[sniffed.family],
            container_options=options,
            metadata_errors="replace",  # titles in GBK or of noise are no reason to refuse
        ) as container:
            yield container
    except MemoryError as error:
        raise Invalid("video_too_complex", reason="memory") from error
    except FFmpegError as error:
        raise Invalid("video_damaged", part="container") from error


def chosen_streams(container: InputContainer) -> tuple[VideoStream, AudioStream | None]:
    """The first moving picture (cover art of a song is none) and the first sound, as a browser chooses.

    Raises:
        Invalid: ``video_no_picture``.
    """
    for video in container.streams.video:
        if not video.disposition & (Disposition.attached_pic | Disposition.timed_thumbnails):
            return video, next(iter(container.streams.audio), None)
    raise Invalid("video_no_picture")


def _decoder_name(stream: VideoStream | AudioStream) -> str:
    context: Any = stream.codec_context  # None for a codec that this build does not know
    return str(context.name) if context is not None else "unknown"


def checked_codecs(container: str, video: VideoStream, audio: AudioStream | None) -> tuple[str, str | None]:
    """Common names of the picture's and the sound's codec, both playable in this container.

    Raises:
        Invalid: ``video_codec_unsupported``.
    """
    pictures, sounds = _PLAYABLE.get(container, _PLAYABLE["mp4"])
    found = _decoder_name(video)
    video_codec = VIDEO_CODECS.get(found)
    if video_codec is None or video_codec not in pictures:
        raise Invalid("video_codec_unsupported", part="picture", codec=video_codec or found, container=container)
    pixel_format = video.codec_context.pix_fmt
    playable = _PIXEL_FORMATS if video_codec in {"h264", "vp8"} else _PIXEL_FORMATS | _DEEP_PIXEL_FORMATS
    if pixel_format is not None and pixel_format not in playable:
        raise Invalid(
            "video_codec_unsupported", part="picture", codec=f"{video_codec} ({pixel_format})", container=container
        )
    if audio is None:
        return video_codec, None
    found = _decoder_name(audio)
    audio_codec = AUDIO_CODECS.get(found)
    if audio_codec is None or audio_codec not in sounds:
        raise Invalid("video_codec_unsupported", part="sound", codec=audio_codec or found, container=container)
    return video_codec, audio_codec


def _check_dimensions(width: int, height: int, max_pixels: int, max_side: int) -> None:
    if min(width, height) < _SMALLEST_SIDE or max(width, height) > max_side or width * height > max_pixels:
        raise Invalid("video_dimensions", width=width, height=height, max_side=max_side, max_pixels=max_pixels)


def _check_duration(duration_s: float, max_duration_s: int) -> None:
    if duration_s > max_duration_s:
        raise Invalid("video_too_long", duration_s=round(duration_s), max_duration_s=max_duration_s)


def _scan_packets(
    container: InputContainer, video: VideoStream, audio: AudioStream | None, max_duration_s: int, size_bytes: int
) -> _Scan:
    """Walk every packet without decoding: the header's duration is only a claim, the packets are the fact."""
    packets = read_bytes = sounds_decoded = 0
    start_s: float | None = None
    end_s = last_picture_s = 0.0
    for packet in container.demux(video, *([audio] if audio is not None else [])):
        packets += 1
        read_bytes += packet.size
        if packets > _MAX_PACKETS_PER_S * max_duration_s:
            raise Invalid("video_too_complex", reason="packets")
        if read_bytes > 2 * size_bytes:  # sample tables that point at the same bytes again and again
            raise Invalid("video_too_complex", reason="overlap")
        if packet.pts is None or packet.time_base is None:
            continue
        if packet.has_sidedata("encryption_info"):
            raise Invalid("video_encrypted")
        at_s = float(packet.pts * packet.time_base)
        start_s = at_s if start_s is None else min(start_s, at_s)
        end_s = max(end_s, at_s + float((packet.duration or 0) * packet.time_base))
        _check_duration(end_s - start_s, max_duration_s)
        if packet.stream.index == video.index:
            last_picture_s = max(last_picture_s, at_s)
        elif sounds_decoded < 8:
            sounds_decoded += 1
            _decode(packet, "sound")
    if start_s is None or end_s <= 0:
        raise Invalid("video_damaged", part="picture")
    return _Scan(max(0.0, start_s), end_s, last_picture_s)  # sound primed before zero is not played


def _decode(packet: Packet[Any], part: str) -> list[Any]:
    try:
        return list(packet.decode())
    except FFmpegError as error:
        raise Invalid("video_damaged", part=part) from error


class Pictures:
    """Decodes single pictures within one budget for the whole file."""

    def __init__(self, container: InputContainer, video: VideoStream, max_pixels: int, max_side: int) -> None:
        self._container, self._video = container, video
        self._limits = (max_pixels, max_side)
        self._frames_left, self._refusals_left = _MAX_FRAMES, _MAX_REFUSED_PACKETS

    def at(self, at_s: float, seek_to_s: float | None = None) -> VideoFrame | None:
        """The picture shown at ``at_s`` seconds, or the nearest before it that the budget reaches."""
        base = self._video.time_base
        if base is None:
            return None
        target = at_s if seek_to_s is None else seek_to_s
        self._container.seek(int(target / base), stream=self._video, backward=True)
        found: VideoFrame | None = None
        for packet in self._container.demux(self._video):
            for frame in self._frames(packet):
                if found is None or (frame.time or 0.0) >= (found.time or 0.0):
                    found = frame
                if (frame.time or 0.0) >= at_s - 0.001:
                    return found
            if self._frames_left <= 0:
                break
        return found

    def _frames(self, packet: Packet[VideoStream]) -> list[VideoFrame]:
        try:
            frames = packet.decode()
        except MemoryError as error:
            raise Invalid("video_too_complex", reason="memory") from error
        except FFmpegError as error:
            self._refusals_left -= 1
            if self._refusals_left < 0:
                raise Invalid("video_damaged", part="picture") from error
            return []
        for frame in frames:
            self._frames_left -= 1
            _check_dimensions(frame.width, frame.height, *self._limits)
        return frames
