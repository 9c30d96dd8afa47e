"""How the server speaks HTTP: what it answers by itself looks like every other answer of the product."""

from __future__ import annotations

import secrets
from functools import cache

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from api.headers import page_headers
from api.language import LANGUAGES
from api.problems import HTTP_CODES, MEDIA_TYPE, sentence
from api.schema import ProblemOut

STATUS = 400


class MarketProtocol(HttpToolsProtocol):
    """HTTP/1.1 as uvicorn has it. What is no HTTP never reaches the application, and is refused here."""

    def send_400_response(self, msg: str) -> None:
        """Say that the request cannot be understood, and close the connection."""
        body = _problem()
        headers = {
            **page_headers(secrets.token_urlsafe(16)),
            "Content-Type": MEDIA_TYPE,
            "Content-Length": str(len(body)),
            "Connection": "close",
        }
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        self.transport.write(STATUS_LINE[STATUS] + lines.encode() + b"\r\n" + body)
        self.transport.close()


@cache
def _problem() -> bytes:
    code = HTTP_CODES[STATUS]
    # Nothing of the request can be believed, its language neither.
    words = sentence(code, LANGUAGES[0], {})
    found = ProblemOut(
        type=f"/problems/{code}",
        title=words["what"],
        status=STATUS,
        detail=" ".join(words.values()),
        code=code,
        safe=words["safe"],
        todo=words["todo"],
        params={},
        errors=[],
        request_id=None,
    )
    return found.model_dump_json().encode()
