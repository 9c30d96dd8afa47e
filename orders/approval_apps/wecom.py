"""WeCom (企业微信): approvals by `oa/applyevent`, events by callback in its encrypted XML."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode

from lxml import etree

from kernel.outbound import OutboundClient
from orders.approval_apps.message_crypto import MessageUnreadable, open_message, require_signature, signature_of
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
from orders.approval_apps.provider_http import call_json, text_of

CHANGE = "sys_approval_change"
BY_STATUS: dict[str, AnswerKind] = {"2": "agreed", "3": "refused", "4": "passed_on"}
"""Of one approver: 1 waits."""
WITHDRAWN = frozenset({"4", "6", "7"})
"""Of the instance: withdrawn, withdrawn after it was approved, deleted."""
APPROVER, ANY_OF = 1, 2
"""`type` of a node, and its `apv_rel`: any one of them decides (或签)."""
PLAIN = "text/plain; charset=utf-8"


class WeCom:
    """See `ApprovalProvider`. It takes nothing back by interface: whoever asked does so in the app."""

    can_withdraw = False
    knows_repetitions = False

    def __init__(self, client: OutboundClient, address: str) -> None:
        self._client = client
        self._address = address

    def check(self, access: Access) -> None:
        """A token is given to good credentials alone."""
        self._token(access)

    def create(self, access: Access, new: NewInstance) -> str:
        """`applyevent` with approvers of ours: several, of whom any one decides."""
        token = self._token(access)
        body = {
            "creator_userid": new.requester,
            "template_id": access.template_code,
            "use_template_approver": 0,
            "process": {"node_list": [{"type": APPROVER, "apv_rel": ANY_OF, "userid": list(new.approvers)}]},
            "apply_data": {"contents": [{"control": "Textarea", "id": access.form_field, "value": {"text": new.text}}]},
            "summary_list": [{"summary_info": [{"text": new.summary[:20], "lang": "zh_CN"}]}],
        }
        url = f"{self._address}/cgi-bin/oa/applyevent?{urlencode({'access_token': token})}"
        found = _taken(call_json(self._client, "POST", url, body, acts=True)[1])
        made = text_of(found, "sp_no")
        if not made:
            raise ProviderRefused("sp_no")
        return made

    def withdraw(self, access: Access, instance_id: str, requester: str) -> None:
        """There is no such interface."""
        del access, instance_id, requester
        raise ProviderRefused("no interface for it")

    def read(self, access: Access, incoming: IncomingCallback) -> ReadCallback:
        """Signed by the token; encrypted for the organization. The check of the address comes as GET with `echostr`."""
        query = incoming.query
        is_check = incoming.method == "GET"
        encrypted = query.get("echostr", "") if is_check else _text(_parsed(incoming.body), "Encrypt")
        signed = signature_of(access.callback_token, query.get("timestamp", ""), query.get("nonce", ""), encrypted)
        require_signature(query.get("msg_signature", ""), signed)
        opened = open_message(access.callback_key, encrypted)
        if opened.receiver != access.corp_id:
            raise MessageUnreadable
        if is_check:
            return ReadCallback(CallbackReply(opened.message, PLAIN))
        said, reply = _parsed(opened.message), CallbackReply(b"success", PLAIN)
        agent = _text(said, "AgentID")
        if _text(said, "Event") != CHANGE or _text(said, "ApprovalInfo/TemplateId") != access.template_code:
            return ReadCallback(reply)
        # The approval app of the organization itself sends under an agent of its own; another organization never.
        if _text(said, "ToUserName") not in {"", access.corp_id} or (agent and not agent.isdigit()):
            raise MessageUnreadable
        return ReadCallback(reply, ProviderEvent(hashlib.sha256(opened.message).hexdigest(), CHANGE, opened.message))

    def said_in(self, message: bytes) -> Sequence[SaidOutside]:
        """Each message has the whole instance: all who decided, in the order of their words, and whether it was withdrawn."""
        try:
            root = _parsed(message)
        except MessageUnreadable:
            return ()
        instance = _text(root, "ApprovalInfo/SpNo")
        if not instance:
            return ()
        found: list[tuple[int, SaidOutside]] = []
        for detail in _all(root, "ApprovalInfo/SpRecord/Details"):
            kind, user = BY_STATUS.get(_text(detail, "SpStatus")), _text(detail, "Approver/UserId")
            if kind is not None and user:
                at = _text(detail, "SpTime")
                order = int(at) if at.isascii() and at.isdigit() else 0
                found.append((order, SaidOutside(instance, kind, (user,), _text(detail, "Speech"))))
        said = [one for _, one in sorted(found, key=lambda pair: pair[0])]
        if _text(root, "ApprovalInfo/SpStatus") in WITHDRAWN:
            by = _text(root, "ApprovalInfo/Applyer/UserId")
            said.append(SaidOutside(instance, "withdrawn", (by,) if by else ()))
        return said

    def _token(self, access: Access) -> str:
        query = urlencode({"corpid": access.corp_id, "corpsecret": access.client_secret})
        found = _taken(call_json(self._client, "GET", f"{self._address}/cgi-bin/gettoken?{query}")[1])
        return text_of(found, "access_token")


def _taken(found: dict[str, Any]) -> dict[str, Any]:
    if text_of(found, "errcode") != "0":
        raise ProviderRefused(f"{text_of(found, 'errcode')} {text_of(found, 'errmsg')}".strip() or "no answer")
    return found


def _parsed(content: bytes) -> Any:
    """The root of a document without a type: no entity is expanded, and nothing is fetched. Raises MessageUnreadable."""
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
    try:
        root = etree.fromstring(content, parser)
    except (etree.XMLSyntaxError, ValueError):
        raise MessageUnreadable from None
    docinfo: Any = root.getroottree().docinfo
    if docinfo.doctype:
        raise MessageUnreadable
    return root


def _all(node: Any, path: str) -> list[Any]:
    found: list[Any] = node.findall(path)
    return found


def _text(node: Any, path: str) -> str:
    found = node.findtext(path)
    return " ".join((found or "").split())
