"""How each provider's group robots are called: the signature, the address, and what an answer means.

DingTalk: `timestamp` (ms) and `sign` in the query; HMAC-SHA256 of "timestamp\\nsecret" by the secret, Base64.
Feishu: `timestamp` (s) and `sign` in the body; HMAC-SHA256 of nothing by "timestamp\\nsecret", Base64.
WeCom: the key in the address, and nothing else. All three answer 200 with a code in the body.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final, Literal
from urllib.parse import urlencode

from kernel import clock
from kernel.logs import redact_text
from kernel.outbound import BreakerOpen, EndpointBusy, OutboundClient, OutboundError, OutboundResponse
from kernel.settings import Settings
from marketplace.robots.credentials import PATHS, Credentials
from marketplace.robots.message_text import RobotItem, dingtalk_body, feishu_body, wecom_body

TIMEOUT_S = 10.0
MOST_SAID = 200
TOO_MANY = 429
JSON = "application/json; charset=utf-8"
PACE: Final = {
    "dingtalk": timedelta(seconds=4),
    "wecom": timedelta(seconds=4),
    "feishu": timedelta(seconds=1),
}
"""Between two posts of one robot: DingTalk and WeCom take 20 a minute, Feishu 100 a minute and five a second."""
REST: Final = {
    "dingtalk": timedelta(minutes=10),
    "wecom": timedelta(minutes=1),
    "feishu": timedelta(minutes=1),
}
"""After a provider said that it was too many: DingTalk takes nothing for ten minutes then."""
_BUSY: Final = {
    "dingtalk": frozenset({"130101", "410100", "90018"}),
    "wecom": frozenset({"45009", "45033"}),
    "feishu": frozenset({"9499", "11232", "11233"}),
}
_REFUSED: Final = {
    "dingtalk": frozenset({"300001", "310000", "400013", "400101", "400102"}),
    "wecom": frozenset({"93000", "93008"}),
    "feishu": frozenset({"19001", "19002", "19021", "19022", "19024"}),
}
"""Codes of robots that are gone, switched off, or whose signature, keywords or addresses do not let us in: a person's to mend."""
Outcome = Literal["taken", "busy", "refused", "failed"]


@dataclass(frozen=True, slots=True)
class Posted:
    """What came of a post. `said`: the provider's words, redacted and cut short. `rest_s`: nothing was sent, for so long."""

    outcome: Outcome
    said: str = ""
    rest_s: float | None = None


def dingtalk_signature(secret: str, timestamp_ms: int) -> str:
    """Of the query's `sign`, before it is percent-encoded."""
    digest = hmac.new(secret.encode(), f"{timestamp_ms}\n{secret}".encode(), hashlib.sha256).digest()
    return base64.b64encode(digest).decode()


def feishu_signature(secret: str, timestamp_s: int) -> str:
    """Of the body's `sign`."""
    digest = hmac.new(f"{timestamp_s}\n{secret}".encode(), b"", hashlib.sha256).digest()
    return base64.b64encode(digest).decode()


class RobotPoster:
    """Posts by the guarded way out, at the providers' own addresses."""

    def __init__(self, client: OutboundClient, bases: Mapping[str, str], public_url: str) -> None:
        self._client = client
        self.bases = bases
        """By provider: where its interface is."""
        self.public_url = public_url

    def post(self, provider: str, credentials: Credentials, items: Sequence[RobotItem], *, in_name_of: str) -> Posted:
        """One post. The provider knows no repetition: what is tried again after a lost answer may stand there twice."""
        url, body = self._request(provider, credentials, items)
        content = json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
        try:
            answer = self._client.post(url, content, {"content-type": JSON}, TIMEOUT_S, in_name_of=in_name_of)
        except (BreakerOpen, EndpointBusy) as error:
            return Posted("busy", error.reason, error.retry_after_s)
        except OutboundError as error:
            return Posted("failed", error.reason)
        return _read(provider, answer)

    def _request(
        self, provider: str, credentials: Credentials, items: Sequence[RobotItem]
    ) -> tuple[str, dict[str, Any]]:
        path, parameter = PATHS[provider]
        address = self.bases[provider] + path
        # Signatures are dated by the real time, whatever the clock of a test says.
        now = clock.wall_now().timestamp()
        if provider == "dingtalk":
            stamp = int(now * 1000)
            query = {
                parameter: credentials.key,
                "timestamp": str(stamp),
                "sign": dingtalk_signature(credentials.secret, stamp),
            }
            return f"{address}?{urlencode(query)}", dingtalk_body(items)
        if provider == "wecom":
            return f"{address}?{urlencode({parameter: credentials.key})}", wecom_body(items)
        signed = {"timestamp": str(int(now)), "sign": feishu_signature(credentials.secret, int(now))}
        return address + credentials.key, signed | feishu_body(items)


def poster_of(client: OutboundClient, settings: Settings) -> RobotPoster:
    """At the addresses that the installation names."""
    bases = {
        "dingtalk": settings.dingtalk_robot_address,
        "wecom": settings.wecom_address,
        "feishu": settings.feishu_address,
    }
    return RobotPoster(client, bases, settings.public_url)


def _read(provider: str, answer: OutboundResponse) -> Posted:
    try:
        found = json.loads(answer.body)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        found = {}
    code = next((str(found[name]) for name in ("errcode", "code", "StatusCode") if name in found), "")
    words = next((str(found[name]) for name in ("errmsg", "msg", "StatusMessage") if name in found), "")
    said = redact_text(f"{code or f'http_{answer.status}'} {words}".replace("\x00", ""))[:MOST_SAID].strip()
    if answer.status == TOO_MANY or code in _BUSY[provider]:
        return Posted("busy", said)
    if code == "0" and 200 <= answer.status < 300:
        return Posted("taken")
    return Posted("refused" if code in _REFUSED[provider] else "failed", said)
