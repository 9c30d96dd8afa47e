"""Serve the sample pages on loopback, to look at them: ``python -m tests.browser.preview.serve PORT MEDIA_FOLDER``.

Films and covers come from a folder made by ``app.sample.scenes``. Nothing here is part of the product.
"""

import secrets
import sys
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import get_args
from urllib.parse import parse_qs, urlsplit

from api import headers as api_headers
from api.language import Language
from api.pages.frame import assets
from api.pages.frame.rendering import render
from tests.browser.preview.catalogue import chrome, samples
from tests.browser.preview.stretched import stretch


class Preview(BaseHTTPRequestHandler):
    """``/zh-CN/order`` renders one sample, ``?long=1`` with long words in it; ``/static`` and ``/media`` serve files."""

    media: Path

    def do_GET(self) -> None:
        """Answer one page or file; anything else is 404."""
        address = urlsplit(self.path)
        parts = address.path.strip("/").split("/")
        query = parse_qs(address.query)
        if parts[0] == "static":
            asset = assets.all_assets().get(parts[-1])
            self._send(200 if asset else 404, asset.media_type if asset else "", asset.content if asset else b"", {})
        elif parts[0] == "media" and (file := self.media / Path(parts[-1]).name).is_file():
            self._send_media(file)
        elif parts[0] in get_args(Language) or parts[0] in ("buy", "products", "v"):
            language: Language = (
                "en" if "en" in (parts[0], *urlsplit(self.headers.get("Referer", "")).path.split("/")) else "zh-CN"
            )
            asked = {"quote": "ask"}.get(parts[-1], f"ask-{parts[-1]}")
            page = samples(language).get({"buy": "buy", "products": asked}.get(parts[0], parts[-1]))
            if page is None:
                self._send(404, "", b"", {})
                return
            nonce = secrets.token_urlsafe(16)
            part = ("ask" if parts[0] == "products" else "sheet") if "sheet" in query.get("part", ()) else None
            around = chrome(language, page, self.path, nonce)
            view = replace(page.view, in_sheet=True) if part == "ask" else page.view  # type: ignore[type-var]
            if "long" in query:
                view, around = stretch(view), stretch(around)
            html = render(view, around, part=part)
            self._send(200, "text/html; charset=utf-8", html.encode(), api_headers.page_headers(nonce))
        else:
            self._send(404, "", b"", {})

    def _send_media(self, file: Path) -> None:
        content = file.read_bytes()
        media_type = {".mp4": "video/mp4", ".svg": "image/svg+xml"}.get(file.suffix, "image/jpeg")
        asked = self.headers.get("Range", "")
        if not asked.startswith("bytes="):
            self._send(200, media_type, content, {"Accept-Ranges": "bytes"})
            return
        first, _, last = asked.removeprefix("bytes=").partition("-")
        start, end = int(first), int(last or len(content) - 1)
        headers = {"Accept-Ranges": "bytes", "Content-Range": f"bytes {start}-{end}/{len(content)}"}
        self._send(206, media_type, content[start : end + 1], headers)

    def _send(self, status: int, media_type: str, content: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in {**headers, "Content-Type": media_type, "Content-Length": str(len(content))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing; the browser shows what failed."""


def server(port: int, media: Path) -> ThreadingHTTPServer:
    """A server on loopback; port 0 takes a free one."""
    return ThreadingHTTPServer(("127.0.0.1", port), type("Bound", (Preview,), {"media": media}))


if __name__ == "__main__":
    server(int(sys.argv[1]), Path(sys.argv[2])).serve_forever()
