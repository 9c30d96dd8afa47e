"""DingTalk, WeCom and Feishu as one process of its own: takes questions by each one's interface, and signs and encrypts what
people there say of them. Written from their documentation alone, with nothing of the product's own protocols.
`python -m tests.adapters.approval_provider PORT` runs it.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import secrets
import socket
import struct
import subprocess
import sys
import time
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit
from xml.sax.saxutils import escape

import httpx
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from kernel import clock

ROOT = Path(__file__).resolve().parents[2]
PATIENCE_S = 60
SECRET = "app-secret"
TOKEN = "Tok3nOfEvents"
KEY = "Yue0EfdN5900c1ce5cf6A152c63DDe1808a60c5ecd7"
CORP = {"dingtalk": "ding6ccabc44d2c8d38b", "wecom": "wwcorp01", "feishu": "tenant01"}
CLIENT = {"dingtalk": "dingappkey", "wecom": "1000002", "feishu": "cli_app01"}
TEMPLATE = "TEMPLATE-1"


@dataclass(frozen=True)
class Sent:
    """A callback as the provider sends it."""

    method: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes


class ApprovalProviders:
    """The process, and a hand on what people do there."""

    def __init__(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port: int = free.getsockname()[1]
        self.address = f"http://127.0.0.1:{self.port}"
        environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)}
        arguments = [sys.executable, "-m", "tests.adapters.approval_provider", str(self.port)]
        self._process = subprocess.Popen(arguments, env=environment)
        self.client = httpx.Client(base_url=self.address, timeout=PATIENCE_S, trust_env=False)
        deadline = time.monotonic() + PATIENCE_S
        while not self._is_ready():
            assert time.monotonic() < deadline
            time.sleep(0.02)

    def _is_ready(self) -> bool:
        assert self._process.poll() is None
        try:
            return self.client.get("/control/seen").status_code == 200
        except httpx.TransportError:
            return False

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait(PATIENCE_S)

    def behave(self, *lines: str) -> None:
        """Forget what was asked. Each line is how the next creation ends: `lose` (done, without an answer), `refuse`, `busy`."""
        assert self.client.post("/control/behave", json=list(lines)).status_code == 200

    def seen(self) -> dict[str, Any]:
        """`created` and `withdrawn`, as they were asked."""
        found: dict[str, Any] = self.client.get("/control/seen").json()
        return found

    def said(self, provider: str, **what: Any) -> Sent:
        """What it sends of an act: `instance`, `user`, `act` (agree, refuse, pass_on, withdraw), `remark`; or of a `check`."""
        found = self.client.post(f"/control/said/{provider}", json=what).json()
        return Sent(found["method"], found["query"], found["headers"], base64.b64decode(found["body"]))

    def understood(self, provider: str, answer: bytes) -> str:
        """The words of an answer to a callback as the provider reads them."""
        posted = self.client.post(f"/control/understood/{provider}", content=answer)
        assert posted.status_code == 200, posted.text
        words: str = posted.json()
        return words


def _cbc(key: bytes, vector: bytes) -> Cipher[modes.CBC]:
    return Cipher(algorithms.AES(key), modes.CBC(vector))


def _padded(plain: bytes, size: int) -> bytes:
    count = size - len(plain) % size
    return plain + bytes([count]) * count


def _sealed(message: str, receiver: str) -> str:
    key = base64.b64decode(KEY + "=")
    content = message.encode()
    plain = secrets.token_bytes(16) + struct.pack("!L", len(content)) + content + receiver.encode()
    encryptor = _cbc(key, key[:16]).encryptor()
    return base64.b64encode(encryptor.update(_padded(plain, 32)) + encryptor.finalize()).decode()


def _opened(encrypted: str) -> str:
    key = base64.b64decode(KEY + "=")
    decryptor = _cbc(key, key[:16]).decryptor()
    plain = decryptor.update(base64.b64decode(encrypted)) + decryptor.finalize()
    (length,) = struct.unpack("!L", plain[16:20])
    return plain[20 : 20 + length].decode()


def _sha1(*parts: str) -> str:
    return hashlib.sha1("".join(sorted(parts)).encode()).hexdigest()  # noqa: S324 - as their protocol has it


class _State:
    def __init__(self) -> None:
        self.created: list[dict[str, Any]] = []
        self.withdrawn: list[dict[str, Any]] = []
        self.ends: list[str] = []
        self.instances: dict[str, dict[str, Any]] = {}

    def create(self, provider: str, asked: dict[str, Any], reference: str = "") -> tuple[str, str]:
        """How it ends, and the id of the instance."""
        end = self.ends.pop(0) if self.ends else "ok"
        if end in {"busy", "refuse"}:
            return end, ""
        known = next((one for one, row in self.instances.items() if reference and row["reference"] == reference), None)
        if known is not None:
            return "known", known
        instance = f"{provider}-{secrets.token_hex(8)}"
        self.instances[instance] = {"reference": reference, "said": []}
        self.created.append({"provider": provider, "instance": instance, **asked})
        return end, instance


def _said_dingtalk(what: dict[str, Any]) -> dict[str, Any]:
    if what["act"] == "check":
        message: dict[str, Any] = {"EventType": "check_url"}
    elif what["act"] == "withdraw":
        message = {"EventType": "bpms_instance_change", "type": "terminate"}
    else:
        results = {"agree": "agree", "refuse": "refuse", "pass_on": "redirect"}
        message = {"EventType": "bpms_task_change", "type": "finish", "result": results[what["act"]]}
        message |= {"remark": what.get("remark", ""), "taskId": 81, "title": "采购审批"}
    message |= {
        "processInstanceId": what.get("instance", ""),
        "corpId": what.get("corp", CORP["dingtalk"]),
        "processCode": what.get("template", TEMPLATE),
        "staffId": what.get("user", ""),
        "createTime": 1608001896814,
        "unknownField": {"kept": True},
    }
    encrypted = _sealed(json.dumps(message, ensure_ascii=False), what.get("corp", CORP["dingtalk"]))
    stamp, nonce = str(int(clock.wall_now().timestamp() * 1000)), secrets.token_hex(4)
    signed = _sha1(TOKEN, stamp, nonce, encrypted)
    query = {"signature": signed, "msg_signature": signed, "timestamp": stamp, "nonce": nonce}
    return {"method": "POST", "query": query, "body": json.dumps({"encrypt": encrypted}).encode()}


def _said_wecom(state: _State, what: dict[str, Any]) -> dict[str, Any]:
    corp = what.get("corp", CORP["wecom"])
    stamp, nonce = str(int(clock.wall_now().timestamp())), secrets.token_hex(4)
    if what["act"] == "check":
        encrypted = _sealed("5927782489442352469", corp)
        query = {"msg_signature": _sha1(TOKEN, stamp, nonce, encrypted), "timestamp": stamp, "nonce": nonce}
        return {"method": "GET", "query": query | {"echostr": encrypted}, "body": b""}
    said = state.instances.setdefault(what["instance"], {"reference": "", "said": []})["said"]
    if what["act"] != "withdraw":
        said.append((what["user"], {"agree": 2, "refuse": 3, "pass_on": 4}[what["act"]], what.get("remark", "")))
    details = "".join(
        f"<Details><Approver><UserId><![CDATA[{user}]]></UserId></Approver><Speech>{escape(remark)}</Speech>"
        f"<SpStatus>{status}</SpStatus><SpTime>{1_600_000_000 + number}</SpTime></Details>"
        for number, (user, status, remark) in enumerate(said)
    )
    message = (
        f"<xml><ToUserName><![CDATA[{corp}]]></ToUserName><FromUserName>sys</FromUserName><CreateTime>{stamp}</CreateTime>"
        "<MsgType>event</MsgType><Event>sys_approval_change</Event><AgentID>3010040</AgentID><ApprovalInfo>"
        f"<SpNo>{what['instance']}</SpNo><SpName>采购</SpName><SpStatus>{4 if what['act'] == 'withdraw' else 1}</SpStatus>"
        f"<TemplateId>{what.get('template', TEMPLATE)}</TemplateId><Applyer><UserId>asker</UserId></Applyer>"
        f"<SpRecord><SpStatus>1</SpStatus><ApproverAttr>1</ApproverAttr>{details}</SpRecord>"
        f"<StatuChangeEvent>2</StatuChangeEvent></ApprovalInfo></xml>"
    )
    encrypted = _sealed(message, corp)
    body = f"<xml><ToUserName>{corp}</ToUserName><AgentID>3010040</AgentID><Encrypt>{encrypted}</Encrypt></xml>"
    query = {"msg_signature": _sha1(TOKEN, stamp, nonce, encrypted), "timestamp": stamp, "nonce": nonce}
    return {"method": "POST", "query": query, "body": body.encode()}


def _said_feishu(what: dict[str, Any]) -> dict[str, Any]:
    event: dict[str, Any] = {
        "app_id": CLIENT["feishu"],
        "tenant_key": what.get("corp", CORP["feishu"]),
        "approval_code": what.get("template", TEMPLATE),
        "instance_code": what.get("instance", ""),
        "operate_time": "1502199207000",
    }
    message: dict[str, Any] = {"token": TOKEN}
    if what["act"] == "check":
        message |= {"type": "url_verification", "challenge": "ajls384kdjx98XX"}
    else:
        statuses = {"agree": "APPROVED", "refuse": "REJECTED", "pass_on": "TRANSFERRED", "withdraw": "CANCELED"}
        event["status"] = statuses[what["act"]]
        if what["act"] == "withdraw":
            event["type"] = "approval_instance"
        else:
            event |= {"type": "approval_task", "user_id": what["user"], "open_id": f"ou_{what['user']}", "task_id": "9"}
        message |= {"ts": "1502199207.7", "uuid": secrets.token_hex(16), "type": "event_callback", "event": event}
    vector, key = secrets.token_bytes(16), hashlib.sha256(KEY.encode()).digest()
    encryptor = _cbc(key, vector).encryptor()
    plain = _padded(json.dumps(message).encode(), 16)
    encrypted = base64.b64encode(vector + encryptor.update(plain) + encryptor.finalize()).decode()
    body = json.dumps({"encrypt": encrypted}).encode()
    headers = {}
    if what["act"] != "check":
        stamp, nonce = str(int(clock.wall_now().timestamp())), secrets.token_hex(4)
        signed = hashlib.sha256(f"{stamp}{nonce}{KEY}".encode() + body).hexdigest()
        headers = {"X-Lark-Request-Timestamp": stamp, "X-Lark-Request-Nonce": nonce, "X-Lark-Signature": signed}
    return {"method": "POST", "query": {}, "headers": headers, "body": body}


def _understood(provider: str, content: bytes) -> str:
    if provider == "wecom":
        return content.decode()
    found = json.loads(content)
    if provider == "feishu":
        return str(found.get("challenge", "ok"))
    assert found["msg_signature"] == _sha1(TOKEN, found["timeStamp"], found["nonce"], found["encrypt"])
    return _opened(found["encrypt"])


class _Handler(BaseHTTPRequestHandler):
    state = _State()

    def _answer(self, status: int, body: Any = None) -> None:
        content = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(url.query).items()}
        if url.path == "/control/seen":
            return self._answer(200, {"created": self.state.created, "withdrawn": self.state.withdrawn})
        if url.path == "/cgi-bin/gettoken":
            good = query == {"corpid": CORP["wecom"], "corpsecret": SECRET}
            taken = {"errcode": 0, "errmsg": "ok", "access_token": "t-wecom", "expires_in": 7200}
            return self._answer(200, taken if good else {"errcode": 40001, "errmsg": "invalid credential"})
        if url.path.startswith("/open-apis/approval/v4/instances/"):
            reference = url.path.rsplit("/", 1)[1]
            found = next((one for one, row in self.state.instances.items() if row["reference"] == reference), None)
            if found is None:
                return self._answer(400, {"code": 1390003, "msg": "instance code not found"})
            return self._answer(200, {"code": 0, "data": {"instance_code": found, "uuid": reference}})
        return self._answer(404)

    def do_POST(self) -> None:
        content = self.rfile.read(int(self.headers["Content-Length"]))
        url = urlsplit(self.path)
        if url.path == "/control/behave":
            self.state.created, self.state.withdrawn, self.state.ends = [], [], json.loads(content)
            return self._answer(200)
        if url.path.startswith("/control/said/"):
            provider, what = url.path.rsplit("/", 1)[1], json.loads(content)
            said = {
                "dingtalk": lambda: _said_dingtalk(what),
                "wecom": lambda: _said_wecom(self.state, what),
                "feishu": lambda: _said_feishu(what),
            }[provider]()
            return self._answer(200, {"headers": {}} | said | {"body": base64.b64encode(said["body"]).decode()})
        if url.path.startswith("/control/understood/"):
            return self._answer(200, _understood(url.path.rsplit("/", 1)[1], content))
        body = json.loads(content)
        if url.path.startswith("/v1.0/"):
            return self._dingtalk(url.path, body)
        if url.path == "/cgi-bin/oa/applyevent":
            return self._wecom(url.query, body)
        return self._feishu(url.path, body)

    def _dingtalk(self, path: str, body: dict[str, Any]) -> None:
        if path == "/v1.0/oauth2/accessToken":
            if body != {"appKey": CLIENT["dingtalk"], "appSecret": SECRET}:
                return self._answer(
                    400, {"code": "invalidClientIdOrSecret", "message": "无效的clientId或者clientSecret"}
                )
            return self._answer(200, {"accessToken": "t-dingtalk", "expireIn": 7200})
        if self.headers["x-acs-dingtalk-access-token"] != "t-dingtalk":
            return self._answer(403, {"code": "Forbidden.AccessDenied", "message": "token"})
        if path.endswith("/terminate"):
            self.state.withdrawn.append({"instance": body["processInstanceId"], "by": body["operatingUserId"]})
            return self._answer(200, {"result": True})
        (approvers,) = body["approvers"]
        (value,) = body["formComponentValues"]
        asked = {
            "by": body["originatorUserId"],
            "approvers": approvers["userIds"],
            "any_of": approvers["actionType"] == ("OR" if len(approvers["userIds"]) > 1 else "NONE"),
            "text": value["value"],
            "field": value["name"],
        }
        end, instance = self.state.create("dingtalk", asked)
        if end == "refuse":
            return self._answer(400, {"code": "processCodeError", "message": "模板不存在"})
        return self._ended(end, {"instanceId": instance})

    def _wecom(self, query: str, body: dict[str, Any]) -> None:
        if query != "access_token=t-wecom":
            return self._answer(200, {"errcode": 40014, "errmsg": "invalid access_token"})
        (node,), (value,) = body["process"]["node_list"], body["apply_data"]["contents"]
        (summary,) = body["summary_list"][0]["summary_info"]
        assert len(summary["text"]) <= 20
        asked = {
            "by": body["creator_userid"],
            "approvers": node["userid"],
            "any_of": (node["type"], node["apv_rel"]) == (1, 2),
            "text": value["value"]["text"],
            "field": value["id"],
        }
        end, instance = self.state.create("wecom", asked)
        if end == "refuse":
            return self._answer(200, {"errcode": 301025, "errmsg": "invalid template_id"})
        return self._ended(end, {"errcode": 0, "errmsg": "ok", "sp_no": instance})

    def _feishu(self, path: str, body: dict[str, Any]) -> None:
        if path == "/open-apis/auth/v3/tenant_access_token/internal":
            if body != {"app_id": CLIENT["feishu"], "app_secret": SECRET}:
                return self._answer(400, {"code": 10014, "msg": "app secret invalid"})
            return self._answer(200, {"code": 0, "tenant_access_token": "t-feishu", "expire": 7200})
        if self.headers["Authorization"] != "Bearer t-feishu":
            return self._answer(401, {"code": 99991663, "msg": "token"})
        if path.endswith("/subscribe"):
            return self._answer(200, {"code": 0, "msg": "success"})
        if path.endswith("/cancel"):
            self.state.withdrawn.append({"instance": body["instance_code"], "by": body["user_id"]})
            return self._answer(200, {"code": 0, "msg": "success"})
        (node,), (value,) = body["node_approver_user_id_list"], json.loads(body["form"])
        asked = {
            "by": body["user_id"],
            "approvers": node["value"],
            "any_of": node["key"] == "node-1",
            "text": value["value"],
            "field": value["id"],
        }
        end, instance = self.state.create("feishu", asked, body["uuid"])
        if end == "refuse":
            return self._answer(400, {"code": 1390015, "msg": "approval is not active"})
        if end == "known":
            return self._answer(400, {"code": 60012, "msg": "uuid conflict"})
        return self._ended(end, {"code": 0, "data": {"instance_code": instance}})

    def _ended(self, end: str, answer: dict[str, Any]) -> None:
        if end == "busy":
            # Nothing of it was done, and it says so in a way that nobody can rely on.
            return self._answer(503, {"message": "busy"})
        if end == "lose":
            self.close_connection = True
            self.connection.close()
            return None
        return self._answer(200, answer)

    def log_message(self, format: str, *args: object) -> None:
        return


def serve(port: int) -> None:
    ThreadingHTTPServer(("127.0.0.1", port), _Handler).serve_forever()


if __name__ == "__main__":
    serve(int(sys.argv[1]))
