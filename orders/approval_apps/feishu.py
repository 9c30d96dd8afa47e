"""Feishu (飞书): native approvals by the open API v4, events by its encrypted JSON."""

from __future__ import annotations

import hmac
import json
from collections.abc import Mapping, Sequence
from urllib.parse import quote

from kernel.outbound import OutboundClient
from orders.approval_apps.message_crypto import (
    MessageUnreadable,
    feishu_signature_of,
    open_feishu_message,
    require_signature,
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

TASK, INSTANCE = "approval_task", "approval_instance"
OF_TASK: dict[str, AnswerKind] = {
    "APPROVED": "agreed",
    "REJECTED": "refused",
    "TRANSFERRED": "passed_on",
    "ROLLBACK": "passed_on",
}
OF_INSTANCE: dict[str, AnswerKind] = {
    "CANCELED": "withdrawn",
    "DELETED": "withdrawn",
    "REVERTED": "withdrawn",
    "APPROVED": "finished",
    "REJECTED": "finished",
}
MADE_ALREADY = "60012"
"""The `uuid` made an instance before."""
SUBSCRIBED_ALREADY = "1390007"
API = "/open-apis/approval/v4"


class Feishu:
    """See `ApprovalProvider`. A repetition is known by its `uuid`, and what that made can be looked up."""

    can_withdraw = True
    knows_repetitions = True

    def __init__(self, client: OutboundClient, address: str) -> None:
        self._client = client
        self._address = address

    def check(self, access: Access) -> None:
        """A token, and the events of the form, which are sent to whoever subscribed alone."""
        path = f"{API}/approvals/{quote(access.template_code, safe='')}/subscribe"
        code, found = self._ask("POST", path, {}, self._token(access))
        if code not in {"0", SUBSCRIBED_ALREADY}:
            raise ProviderRefused(_said(found))

    def create(self, access: Access, new: NewInstance) -> str:
        """An instance whose approvers at the named node are these."""
        token = self._token(access)
        body = {
            "approval_code": access.template_code,
            "user_id": new.requester,
            "form": json.dumps([{"id": access.form_field, "type": "textarea", "value": new.text}], ensure_ascii=False),
            "node_approver_user_id_list": [{"key": access.approver_node, "value": list(new.approvers)}],
            "uuid": new.reference,
        }
        code, found = self._ask("POST", f"{API}/instances", body, token, acts=True)
        made = text_of(found, "data", "instance_code") if code == "0" else ""
        if code == MADE_ALREADY:
            made = self._find(access, new.reference)
        if not made:
            raise ProviderRefused(_said(found))
        return made

    def withdraw(self, access: Access, instance_id: str, requester: str) -> None:
        """`cancel`, in the name of whoever asked."""
        body = {"approval_code": access.template_code, "instance_code": instance_id, "user_id": requester}
        code, found = self._ask("POST", f"{API}/instances/cancel", body, self._token(access))
        if code != "0":
            raise ProviderRefused(_said(found))

    def read(self, access: Access, incoming: IncomingCallback) -> ReadCallback:
        """Encrypted under the key, signed with it, and carrying the token. The check of the address has no signature."""
        encrypted = text_of(json_object(incoming.body), "encrypt")
        message = open_feishu_message(access.callback_key, encrypted)
        said = json_object(message)
        token = text_of(said, "token") or text_of(said, "header", "token")
        if not hmac.compare_digest(token.encode(), access.callback_token.encode()):
            raise MessageUnreadable
        if text_of(said, "type") == "url_verification":
            return ReadCallback(_reply({"challenge": text_of(said, "challenge")}))
        headers = incoming.headers
        stamp, nonce = headers.get("x-lark-request-timestamp", ""), headers.get("x-lark-request-nonce", "")
        signed = feishu_signature_of(access.callback_key, stamp, nonce, incoming.body)
        require_signature(headers.get("x-lark-signature", ""), signed)
        app = text_of(said, "event", "app_id") or text_of(said, "header", "app_id")
        tenant = text_of(said, "event", "tenant_key") or text_of(said, "header", "tenant_key")
        if app != access.client_id or tenant != access.corp_id:
            raise MessageUnreadable
        kind, key = _type_of(said), text_of(said, "uuid") or text_of(said, "header", "event_id")
        if kind not in {TASK, INSTANCE} or text_of(said, "event", "approval_code") != access.template_code or not key:
            return ReadCallback(_reply({}))
        return ReadCallback(_reply({}), ProviderEvent(key, kind, message))

    def said_in(self, message: bytes) -> Sequence[SaidOutside]:
        """A task names who decided; an instance may be cancelled."""
        said = json_object(message)
        kinds = OF_TASK if _type_of(said) == TASK else OF_INSTANCE
        kind = kinds.get(text_of(said, "event", "status"))
        instance = text_of(said, "event", "instance_code")
        if kind is None or not instance:
            return ()
        users = (text_of(said, "event", "user_id"), text_of(said, "event", "open_id"))
        return (SaidOutside(instance, kind, tuple(one for one in users if one)),)

    def _find(self, access: Access, reference: str) -> str:
        """The instance that was made with a `uuid`."""
        code, found = self._ask("GET", f"{API}/instances/{quote(reference, safe='')}", None, self._token(access))
        if code != "0":
            raise ProviderRefused(_said(found))
        return text_of(found, "data", "instance_code")

    def _token(self, access: Access) -> str:
        body = {"app_id": access.client_id, "app_secret": access.client_secret}
        code, found = self._ask("POST", "/open-apis/auth/v3/tenant_access_token/internal", body, "")
        if code != "0":
            raise ProviderRefused(_said(found))
        return text_of(found, "tenant_access_token")

    def _ask(
        self, method: str, path: str, body: Mapping[str, object] | None, token: str, *, acts: bool = False
    ) -> tuple[str, dict[str, object]]:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        _, found = call_json(self._client, method, self._address + path, body, headers, acts=acts)
        return text_of(found, "code"), found


def _type_of(said: dict[str, object]) -> str:
    return text_of(said, "event", "type") or text_of(said, "header", "event_type")


def _reply(body: dict[str, str]) -> CallbackReply:
    return CallbackReply(json.dumps(body).encode(), "application/json")


def _said(found: dict[str, object]) -> str:
    return f"{text_of(found, 'code')} {text_of(found, 'msg')}".strip() or "no answer"
