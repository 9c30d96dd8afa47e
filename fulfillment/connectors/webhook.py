"""The `webhook` connector: Standard Webhooks signature over a CloudEvents body (`docs/protocols/webhook.md`)."""

from __future__ import annotations

import json
from typing import Any

from fulfillment.connectors.ports import Accepted, Answer, Exchange, Refused, RunRequest, Succeeded, TryAgain
from kernel.logs import redact_text
from kernel.outbound import OutboundClient, OutboundError, OutboundResponse
from kernel.signing import sign_webhook

TIMEOUT_S = 15.0
EXCERPT = 1_000
RETRYABLE = frozenset({408, 409, 425, 429})
"""4xx that a later try may heal; the seller's other 4xx are final, every 5xx and 3xx is tried again."""


class WebhookConnector:
    """Posts the operation to the seller's address; answers 200 (done), 202 (will call back), 4xx (no), else again."""

    def __init__(self, client: OutboundClient) -> None:
        self._client = client

    def call(self, request: RunRequest) -> Answer:
        """See `Connector.call`."""
        content = json.dumps(request.body, ensure_ascii=False, separators=(",", ":")).encode()
        excerpt = _excerpt(content)
        if request.url is None:
            return Refused(Exchange(request_excerpt=excerpt), "connector_has_no_address")
        headers = {
            "content-type": "application/cloudevents+json; charset=utf-8",
            **sign_webhook(request.secrets, request.message_id, content),
        }
        try:
            response = self._client.post(request.url, content, headers, TIMEOUT_S)
        except OutboundError as error:
            exchange = Exchange(request_excerpt=excerpt, response_excerpt=error.reason)
            if not error.retryable:
                return Refused(exchange, error.reason)
            return TryAgain(exchange, error.reason, getattr(error, "retry_after_s", None))
        return read_answer(response, excerpt)


def read_answer(response: OutboundResponse, request_excerpt: str) -> Answer:
    """What a seller's HTTP answer means. A 200 whose body is not understood is not a success."""
    exchange = Exchange(response.status, response.elapsed_ms, request_excerpt, _excerpt(response.body))
    body = _json(response.body)
    if response.status == 200:
        if body.get("status") != "succeeded":
            return TryAgain(exchange, "answer_not_understood")
        return Succeeded(
            exchange,
            external_id=_text(body.get("external_id")),
            launch_url=_text(body.get("launch_url")),
            message=_text(body.get("message")),
        )
    if response.status == 202:
        return Accepted(exchange)
    if 400 <= response.status < 500 and response.status not in RETRYABLE:
        return Refused(exchange, _text(body.get("message")) or f"http_{response.status}")
    return TryAgain(exchange, f"http_{response.status}", _retry_after(response))


def _retry_after(response: OutboundResponse) -> float | None:
    value = response.headers.get("retry-after", "")
    return min(float(value), 3600.0) if value.isdigit() else None


def _json(body: bytes) -> dict[str, Any]:
    try:
        value = json.loads(body)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def _text(value: object) -> str | None:
    return value[:2_000] if isinstance(value, str) and value else None


def _excerpt(content: bytes) -> str:
    return redact_text(content[:EXCERPT].decode("utf-8", "replace").replace("\x00", ""))
