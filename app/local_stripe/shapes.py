"""What the parts of the local Stripe share: its published fixtures, its errors, and how it signs what it tells."""

from __future__ import annotations

import hashlib
import hmac
import json
from copy import deepcopy
from email import message_from_bytes
from pathlib import Path
from typing import Any

SHAPES: dict[str, Any] = json.loads((Path(__file__).parent / "shapes.json").read_text())


class StripeFault(Exception):
    """An answer that is an error, in Stripe's shape."""

    def __init__(self, status: int, **error: Any) -> None:
        super().__init__(error)
        self.status = status
        self.error = error


def signed_event(secret: str, at: int, subject: dict[str, Any], **changes: Any) -> tuple[bytes, dict[str, str]]:
    """An event as Stripe posts it, with its signature header (scheme v1: HMAC-SHA256 over `t.body`)."""
    event = {**deepcopy(SHAPES["event"]), "type": "payment_intent.succeeded", "data": {"object": subject}, **changes}
    body = json.dumps(event).encode()
    mac = hmac.new(secret.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()
    return body, {"Stripe-Signature": f"t={at},v1={mac}"}


def form_of(kind: str, body: bytes) -> dict[str, str]:
    """The fields of a multipart form: of a file its name, and its size as `_size`."""
    message = message_from_bytes(b"Content-Type: " + kind.encode() + b"\r\n\r\n" + body)
    fields: dict[str, str] = {}
    for part in message.walk():
        name = part.get_param("name", header="content-disposition")
        if name is None:
            continue
        content = part.get_payload(decode=True)
        if not isinstance(content, bytes):
            continue
        file_name = part.get_filename()
        if file_name is None:
            fields[str(name)] = content.decode()
        else:
            fields |= {str(name): file_name, "_size": str(len(content))}
    return fields
