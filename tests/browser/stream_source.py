"""A stream as an encoder and its host make one: a picture of now, in real time, as HLS with open cross-origin reading.

Run as a program: `python -m tests.browser.stream_source FOLDER PORT`. Killed, the stream stops as it does when a cable is pulled.
"""

from __future__ import annotations

import sys
import threading
import time
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import av
from av.video.frame import VideoFrame

WIDTH, HEIGHT, RATE = 160, 240, 5
_HLS = {"hls_time": "1", "hls_list_size": "6", "hls_flags": "delete_segments+omit_endlist"}


class _Files(SimpleHTTPRequestHandler):
    """What the host of a stream answers: any site may read it, and a playlist is never kept."""

    extensions_map = {".m3u8": "application/vnd.apple.mpegurl", ".ts": "video/mp2t"}  # noqa: RUF012 - as its base has it

    def end_headers(self) -> None:
        self.send_header("Access-Control-Allow-Origin", "*")
        self.send_header("Cache-Control", "no-store")
        super().end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Says nothing."""


def encode(folder: Path) -> None:
    """A picture that grows lighter and begins anew, five a second, for ever."""
    with av.open(str(folder / "index.m3u8"), "w", format="hls", options=_HLS) as target:
        options = {"preset": "ultrafast", "tune": "zerolatency", "g": str(RATE)}
        stream = target.add_stream("libx264", rate=RATE, options=options)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        begun, number = time.monotonic(), 0
        while True:
            frame = VideoFrame(WIDTH, HEIGHT, "yuv420p")
            for plane, tone in zip(frame.planes, (40 + number * 4 % 200, 90, 160), strict=True):
                plane.update(bytes([tone]) * plane.buffer_size)
            target.mux(stream.encode(frame))
            number += 1
            time.sleep(max(0.0, begun + number / RATE - time.monotonic()))


if __name__ == "__main__":
    home = Path(sys.argv[1])
    server = ThreadingHTTPServer(("127.0.0.1", int(sys.argv[2])), partial(_Files, directory=str(home)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    encode(home)
