"""Notices of payment gateways: `POST /hooks/stripe`. Verified, stored raw, answered; looked into by a job that asks back."""

from __future__ import annotations

from litestar import post
from litestar.params import RawBody

from api.auth import PUBLIC
from api.request import ApiRequest
from api.webhooks.accepted import AcceptedOut
from billing.gateways.ports import GatewayRefused
from billing.gateways.webhooks import store_webhook
from kernel import clock
from kernel.errors import Invalid, NotFound
from kernel.principal import SYSTEM

MAX_BYTES = 262_144
"""Far above any event of Stripe's."""


@post(
    "/hooks/stripe",
    permission=PUBLIC,
    sync_to_thread=True,
    status_code=200,
    request_max_body_size=MAX_BYTES,
    raw_body={"application/json": {"schema": {"type": "object"}}},
    refuses=[404],
    tags=["hooks"],
)
def receive_stripe(request: ApiRequest, body: RawBody) -> AcceptedOut:
    """Take an event of Stripe's. The signature is the credential; repetitions are taken, too, and change nothing.

    404: Stripe is not among this installation's gateways; 422: not signed by it, or of the other mode (live, test).
    """
    gateway = request.services.gateways.get("stripe")
    if gateway is None:
        raise NotFound("not_found")
    try:
        notice = gateway.read_notice(body, dict(request.headers), clock.now())
    except GatewayRefused as refusal:
        raise Invalid("notice_refused", reason=refusal.code) from refusal
    fresh = request.transact(lambda uow: store_webhook(uow, "stripe", notice), acting_as=SYSTEM)
    return AcceptedOut(status="accepted" if fresh else "known")


routes = [receive_stripe]
