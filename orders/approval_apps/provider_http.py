"""Calls of the three interfaces by the guarded way out: JSON there and back, and what no answer means."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from kernel.outbound import OutboundClient, OutboundError
from orders.approval_apps.ports import ProviderRefused, ProviderSilent

TIMEOUT_S = 10.0
SERVER_ERROR = 500
JSON = "application/json; charset=utf-8"


def call_json(
    client: OutboundClient,
    method: str,
    url: str,
    body: Mapping[str, Any] | None = None,
    headers: dict[str, str] | None = None,
    *,
    acts: bool = False,
) -> tuple[int, dict[str, Any]]:
    """Status and JSON object of the answer. `acts`: the call does something there, which a lost answer leaves open.

    Raises: ProviderSilent; ProviderRefused where our own policy forbids the address.
    """
    content = json.dumps(body, ensure_ascii=False).encode() if body is not None else b""
    asked = {"Accept": "application/json", "Content-Type": JSON, **(headers or {})}
    try:
        answer = client.request(method, url, content, asked, TIMEOUT_S)
    except OutboundError as error:
        if not error.retryable:
            raise ProviderRefused(error.reason) from error
        raise ProviderSilent(error.reason, may_have_acted=acts and not error.never_sent) from error
    try:
        found = json.loads(answer.body)
    except (ValueError, RecursionError):
        found = None
    if answer.status >= SERVER_ERROR or not isinstance(found, dict):
        raise ProviderSilent(f"status_{answer.status}", may_have_acted=acts)
    return answer.status, found


def text_of(found: Any, *path: str) -> str:
    """The text or number at a path, else nothing: what providers document as one comes as the other."""
    for name in path:
        found = found.get(name) if isinstance(found, dict) else None
    if isinstance(found, bool) or not isinstance(found, str | int):
        return ""
    return str(found)


def json_object(message: bytes) -> dict[str, Any]:
    """A message's JSON object; an empty one where it is none."""
    try:
        found = json.loads(message)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}
