"""DingTalk (钉钉): OA approval by the open API v1.0, events by HTTP push in its encrypted JSON."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence

from kernel import clock
from kernel.ids import uuid7
from kernel.outbound import OutboundClient
from orders.approval_apps.message_crypto import (
    MessageUnreadable,
    open_message,
    require_signature,
    seal_message,
    signature_of,
)
from orders.approval_apps.ports import (
    Access,
    AnswerKind,
    CallbackReply,
    IncomingCallback,
    NewInstance,
    ProviderEvent,
    ProviderRefused,
    ReadCallback,
    SaidOutside,
)
from orders.approval_apps.provider_http import call_json, json_object, text_of

OK = 200
TASK, INSTANCE = "bpms_task_change", "bpms_instance_change"
RESULTS: dict[str, AnswerKind] = {"agree": "agreed", "refuse": "refused", "redirect": "passed_on"}
WITHDRAWN_BECAUSE = "已在站内处理 / decided in the market"


class DingTalk:
    """See `ApprovalProvider`."""

    can_withdraw = True
    knows_repetitions = False

    def __init__(self, client: OutboundClient, address: str) -> None:
        self._client = client
        self._address = address

    def check(self, access: Access) -> None:
        """A token is given to good credentials alone."""
        self._token(access)

    def create(self, access: Access, new: NewInstance) -> str:
        """`processInstances`: any one of several approvers decides (OR)."""
        token = self._token(access)
        body = {
            "originatorUserId": new.requester,
            "processCode": access.template_code,
            # The originator's root department: of which one it is, is not ours to know.
            "deptId": -1,
            "approvers": [
                {"actionType": "OR" if len(new.approvers) > 1 else "NONE", "userIds": list(new.approvers)},
            ],
            "formComponentValues": [{"name": access.form_field, "value": new.text}],
        }
        status, found = self._post("/v1.0/workflow/processInstances", body, token, acts=True)
        made = text_of(found, "instanceId")
        if status != OK or not made:
            raise ProviderRefused(_said(found))
        return made

    def withdraw(self, access: Access, instance_id: str, requester: str) -> None:
        """`terminate`, in the name of whoever asked."""
        body = {
            "processInstanceId": instance_id,
            "isSystem": True,
            "remark": WITHDRAWN_BECAUSE,
            "operatingUserId": requester,
        }
        status, found = self._post("/v1.0/workflow/processInstances/terminate", body, self._token(access))
        if status != OK:
            raise ProviderRefused(_said(found))

    def read(self, access: Access, incoming: IncomingCallback) -> ReadCallback:
        """Signed by the token; encrypted for the organization or the app; answered with `success`, encrypted."""
        query = incoming.query
        encrypted = text_of(json_object(incoming.body), "encrypt")
        given = query.get("msg_signature") or query.get("signature") or ""
        stamp = query.get("timestamp") or query.get("timeStamp") or ""
        require_signature(given, signature_of(access.callback_token, stamp, query.get("nonce") or "", encrypted))
        opened = open_message(access.callback_key, encrypted)
        # By how it was subscribed, it is of the organization or of the app.
        if opened.receiver not in {access.corp_id, access.client_id}:
            raise MessageUnreadable
        said = json_object(opened.message)
        reply = _reply(access, opened.receiver)
        kind, of_corp = text_of(said, "EventType"), text_of(said, "corpId")
        if kind not in {TASK, INSTANCE} or text_of(said, "processCode") != access.template_code:
            return ReadCallback(reply)
        if of_corp not in {"", access.corp_id}:
            raise MessageUnreadable
        # Without an id of its own an event is all that it says.
        return ReadCallback(reply, ProviderEvent(hashlib.sha256(opened.message).hexdigest(), kind, opened.message))

    def said_in(self, message: bytes) -> Sequence[SaidOutside]:
        """A finished task names who decided; an instance may be terminated."""
        said = json_object(message)
        instance, user = text_of(said, "processInstanceId"), text_of(said, "staffId")
        kind: AnswerKind | None = None
        if text_of(said, "EventType") == TASK and text_of(said, "type") == "finish":
            kind = RESULTS.get(text_of(said, "result"))
        elif text_of(said, "EventType") == INSTANCE:
            kind = {"terminate": "withdrawn", "finish": "finished"}.get(text_of(said, "type"))  # type: ignore[assignment]
        if kind is None or not instance:
            return ()
        return (SaidOutside(instance, kind, (user,) if user else (), text_of(said, "remark")),)

    def _token(self, access: Access) -> str:
        body = {"appKey": access.client_id, "appSecret": access.client_secret}
        _, found = self._post("/v1.0/oauth2/accessToken", body, "")
        token = text_of(found, "accessToken")
        if not token:
            raise ProviderRefused(_said(found))
        return token

    def _post(
        self, path: str, body: Mapping[str, object], token: str, *, acts: bool = False
    ) -> tuple[int, dict[str, object]]:
        headers = {"x-acs-dingtalk-access-token": token} if token else {}
        return call_json(self._client, "POST", self._address + path, body, headers, acts=acts)


def _reply(access: Access, receiver: str) -> CallbackReply:
    stamp, nonce = str(int(clock.wall_now().timestamp() * 1000)), uuid7().hex[-8:]
    encrypted = seal_message(access.callback_key, b"success", receiver)
    signed = signature_of(access.callback_token, stamp, nonce, encrypted)
    body = {"msg_signature": signed, "timeStamp": stamp, "nonce": nonce, "encrypt": encrypted}
    return CallbackReply(json.dumps(body).encode(), "application/json")


def _said(found: dict[str, object]) -> str:
    return " ".join(part for part in (text_of(found, "code"), text_of(found, "message")) if part) or "no answer"
