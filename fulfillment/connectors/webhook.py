"""The `webhook` connector: Standard Webhooks signature over a CloudEvents body (`docs/protocols/webhook.md`)."""

from __future__ import annotations

import json
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Any

from pydantic import ValidationError

from fulfillment.connectors.messages import RefusalBody, SuccessBody
from fulfillment.connectors.ports import Accepted, Answer, Exchange, Refused, RunRequest, Succeeded, TryAgain
from kernel import clock
from kernel.logs import redact_text
from kernel.outbound import BreakerOpen, EndpointBusy, OutboundClient, OutboundError, OutboundResponse
from kernel.signing import sign_webhook

TIMEOUT_S = 15.0
EXCERPT = 2_000
FINAL = frozenset({400, 401, 403, 404, 409, 410, 422})
"""The seller's definite no (§2 of the protocol). Every other status but 200 and 202 leaves the outcome unknown."""
LONGEST_WAIT_S = 3600.0


class WebhookConnector:
    """Posts the operation to the seller's address; answers 200 (done), 202 (will call back), 4xx (no), else again."""

    def __init__(self, client: OutboundClient) -> None:
        self._client = client

    def call(self, request: RunRequest) -> Answer:
        """See `Connector.call`."""
        content = json.dumps(request.body, ensure_ascii=False, separators=(",", ":")).encode()
        excerpt = _request_excerpt(request.body)
        if request.url is None:
            return Refused(Exchange(request_excerpt=excerpt), "connector_has_no_address")
        headers = {
            "content-type": "application/cloudevents+json; charset=utf-8",
            **sign_webhook(request.secrets, request.message_id, content),
        }
        try:
            response = self._client.post(request.url, content, headers, TIMEOUT_S, in_name_of=request.connector)
        except OutboundError as error:
            exchange = Exchange(request_excerpt=excerpt, response_excerpt=error.reason)
            if not error.retryable:
                return Refused(exchange, error.reason)
            wait_s = error.retry_after_s if isinstance(error, BreakerOpen | EndpointBusy) else None
            return TryAgain(exchange, error.reason, wait_s)
        return read_answer(response, excerpt, makes_tenant=request.operation == "provision")


def read_answer(response: OutboundResponse, request_excerpt: str, *, makes_tenant: bool = True) -> Answer:
    """What a seller's HTTP answer means. A 200 whose body is not understood is not a success.

    `makes_tenant`: the answer must name the tenant and where it opens.
    """
    exchange = Exchange(response.status, response.elapsed_ms, request_excerpt, _excerpt(response.body))
    if response.status == 200:
        try:
            done = SuccessBody.model_validate_json(response.body)
        except ValidationError:
            return TryAgain(exchange, "answer_not_understood")
        if makes_tenant and not done.names_the_tenant():
            return TryAgain(exchange, "answer_not_understood")
        return Succeeded(exchange, done.external_id or None, done.launch_url, done.words)
    if response.status == 202:
        return Accepted(exchange)
    if response.status in FINAL:
        return Refused(exchange, _reason(response) or f"http_{response.status}")
    return TryAgain(exchange, f"http_{response.status}", _retry_after_s(response.headers.get("retry-after", "")))


def _reason(response: OutboundResponse) -> str | None:
    try:
        return RefusalBody.model_validate_json(response.body).error.reason
    except ValidationError:
        return None


def _retry_after_s(value: str) -> float | None:
    """Seconds or an HTTP date (RFC 9110 §10.2.3); an hour at most, None for anything else."""
    value = value.strip()
    if value.isascii() and value.isdecimal():
        return min(float(value[:9]), LONGEST_WAIT_S)
    try:
        at = parsedate_to_datetime(value)
    except ValueError:
        return None
    # The seller's date is by its own clock, the real one.
    wait_s = (at.replace(tzinfo=at.tzinfo or UTC) - clock.wall_now()).total_seconds()
    return min(max(wait_s, 0.0), LONGEST_WAIT_S)


def _request_excerpt(body: dict[str, Any]) -> str:
    # The callback address is a credential: whoever has it can answer for the seller.
    data = {**body["data"], "callback_url": "…"} if "callback_url" in body.get("data", {}) else body.get("data")
    return _excerpt(json.dumps({**body, "data": data}, ensure_ascii=False).encode())


def _excerpt(content: bytes) -> str:
    return redact_text(content[:EXCERPT].decode("utf-8", "replace").replace("\x00", ""))
