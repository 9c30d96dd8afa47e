"""Callbacks of approval providers: `/hooks/approvals/{app_id}`. Their signature is the credential; answered in their own form."""

from __future__ import annotations

from uuid import UUID

from litestar import Response, get, post
from litestar.params import FromPath, RawBody

from api.auth import PUBLIC
from api.request import ApiRequest
from kernel.principal import SYSTEM
from orders.approval_apps.ports import IncomingCallback
from orders.approval_apps.receive_callback import MAX_BYTES, receive_callback


@get("/hooks/approvals/{app_id:uuid}", permission=PUBLIC, refuses=[404], sync_to_thread=True, tags=["hooks"])
def check_callback_address(app_id: FromPath[UUID], request: ApiRequest) -> Response[bytes]:
    """WeCom's check of the address: `echostr`, decrypted, in plain text.

    404: there is no such app, or it is disconnected; 422: not signed by its provider.
    """
    return _answered(request, app_id, b"")


@post(
    "/hooks/approvals/{app_id:uuid}",
    permission=PUBLIC,
    sync_to_thread=True,
    status_code=200,
    request_max_body_size=MAX_BYTES,
    raw_body={"application/json": {"schema": {"type": "object"}}},
    refuses=[404],
    tags=["hooks"],
)
def receive_approval_callback(app_id: FromPath[UUID], body: RawBody, request: ApiRequest) -> Response[bytes]:
    """Take an event of DingTalk's, WeCom's or Feishu's: written down once, answered as each wants it (`success` encrypted,
    plain, or a JSON object with the challenge), and counted afterwards. Repetitions are taken, too, and change nothing. WeCom
    sends `text/xml`, which clients made from this document have no use for.

    404: there is no such app, or it is disconnected; 413: longer than 128 KiB; 422: not signed or encrypted by its provider for
    this app, and nothing is written.
    """
    return _answered(request, app_id, body)


def _answered(request: ApiRequest, app_id: UUID, body: bytes) -> Response[bytes]:
    incoming = IncomingCallback(
        method=str(request.method),
        query={name: str(value) for name, value in request.query_params.items()},
        headers={name.lower(): value for name, value in request.headers.items()},
        body=body,
    )
    services = request.services
    # The platform's own work on behalf of whoever can sign: nobody is signed in here.
    reply = request.transact(
        lambda uow: receive_callback(
            uow, app_id, incoming, providers=services.approval_providers, box=services.secrets
        ),
        acting_as=SYSTEM,
    )
    return Response(reply.body, media_type=reply.content_type)


routes = [check_callback_address, receive_approval_callback]
