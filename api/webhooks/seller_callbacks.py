"""Callbacks of sellers: `POST /hooks/runs/{token}`. The signed address is the credential (`docs/protocols/webhook.md` §3)."""

from __future__ import annotations

from litestar import post
from litestar.params import FromPath, RawBody

from api.auth import PUBLIC
from api.request import ApiRequest
from api.webhooks.accepted import AcceptedOut
from fulfillment.runs.receive_callback import MAX_BYTES, receive_callback
from kernel.principal import SYSTEM


@post(
    "/hooks/runs/{token:str}",
    permission=PUBLIC,
    sync_to_thread=True,
    status_code=202,
    request_max_body_size=MAX_BYTES,
    raw_body={"application/json": {"schema": {"type": "object"}}},
    tags=["hooks"],
)
def receive(token: FromPath[str], body: RawBody, request: ApiRequest) -> AcceptedOut:
    """Take a seller's progress or result: stored before this answers. Repetitions are taken, too, and change nothing.

    404: the address is altered, not ours, or its time is over; 413: longer than 64 KiB; 422: not of the protocol's form.
    """
    # The platform's own work on behalf of whoever holds the address: nobody is signed in here.
    request.transact(lambda uow: receive_callback(uow, token, body, signer=request.services.signer), acting_as=SYSTEM)
    return AcceptedOut(status="accepted")


routes = [receive]
