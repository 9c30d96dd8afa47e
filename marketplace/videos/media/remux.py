"""A clean copy for playing: same pictures and sound, nothing else, index first.

Players read the index (``moov``) before anything; when it lies at the end they must fetch the tail first. The copy puts
it in front, so that playing starts with the first range request. It also carries only the packets of one picture and
one sound stream: places, device names, hidden boxes and appended bytes of the upload do not reach viewers.
"""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import av
from av.error import FFmpegError
from av.packet import Packet

from kernel.errors import Invalid
from marketplace.videos.media.probe import checked_codecs, chosen_streams, opened, recognise
from marketplace.videos.media.sniff import Sniffed


def remux_faststart(src: Path, dst: Path) -> None:
    """Write ``src`` (MP4, MOV or WebM) to ``dst`` without re-encoding; MOV becomes MP4. ``dst`` is overwritten.

    It begins at nought, where the product begins to count: a player of what was cut out of a longer recording would
    otherwise count from elsewhere than its cards do.

    The index comes first in MP4 (``moov`` before ``mdat``) and in WebM (``Cues`` before the clusters).

    Raises:
        Invalid: as :func:`marketplace.videos.media.probe.probe_video`; ``video_damaged`` when packets do not fit together.
    """
    sniffed = recognise(src, None)
    matroska = sniffed.family == "matroska"
    options = {"cues_to_front": "1", "reserve_index_space": "65536"} if matroska else {"movflags": "+faststart"}
    options["fflags"] = "+bitexact"  # no encoder name, no creation time: equal input gives equal bytes
    start_s = _start_s(src, sniffed)
    with opened(src, sniffed) as source:
        video, audio = chosen_streams(source)
        checked_codecs(sniffed.detected, video, audio)
        wanted = [video, *([audio] if audio is not None else [])]
        with av.open(str(dst), "w", format="webm" if matroska else "mp4", container_options=options) as target:
            # Opaque: nothing is encoded, so that no encoder need exist. AV1 has one by another name than its decoder.
            copies = {stream.index: target.add_stream_from_template(stream, opaque=True) for stream in wanted}
            try:
                for packet in source.demux(*wanted):
                    if packet.dts is None:
                        continue
                    _begin_earlier(packet, start_s)
                    packet.stream = copies[packet.stream.index]
                    target.mux(packet)
            except (FFmpegError, ValueError) as error:
                raise Invalid("video_damaged", part="container") from error


def _start_s(src: Path, sniffed: Sniffed) -> Fraction:
    """When the first packet is presented, as the examination counts; sound primed before nought is not played."""
    with opened(src, sniffed) as source:
        video, audio = chosen_streams(source)
        starts = [
            packet.pts * packet.time_base
            for packet in source.demux(video, *([audio] if audio is not None else []))
            if packet.pts is not None and packet.time_base is not None
        ]
    return max(Fraction(0), min(starts, default=Fraction(0)))


def _begin_earlier(packet: Packet[Any], start_s: Fraction) -> None:
    if start_s and packet.time_base is not None and packet.dts is not None:
        ticks = int(start_s / packet.time_base)
        packet.dts -= ticks
        if packet.pts is not None:
            packet.pts -= ticks
