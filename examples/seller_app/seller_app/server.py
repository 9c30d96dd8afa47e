"""The vendor's HTTP side: threads of the standard library, one per connection."""

import ipaddress
import json
import sqlite3
import time
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar
from urllib.parse import parse_qs, urlsplit

from standardwebhooks import Webhook

from seller_app.behaviour import Behaviour
from seller_app.callbacks import CallbackWorker
from seller_app.operations import OPERATIONS, Answer, Refusal, cannot_deliver, handle
from seller_app.pages import tenant_page
from seller_app.store import Store, note_delivery

_MAX_BODY = 256 * 1024
_TYPE_PREFIX = "com.channelmarket.run."
_REQUIRED = {
    "operation": str,
    "run_id": str,
    "entitlement_id": str,
    "order_id": str,
    "organization": dict,
    "listing": dict,
    "plan": dict,
}


class SellerServer(ThreadingHTTPServer):
    """The listener with what its handlers need."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], store: Store, public_url: str, market_url: str) -> None:
        super().__init__(address, Handler)
        self.store = store
        self.public_url = public_url or f"http://127.0.0.1:{self.server_address[1]}"
        self.market_url = market_url
        self.worker = CallbackWorker(store, self.public_url)


class Handler(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    server_version = "seller-app"
    sys_version = ""
    timeout: ClassVar[float | None] = 75.0
    # Head and body of an answer leave together, at once.
    wbufsize = -1
    disable_nagle_algorithm = True

    @property
    def _seller(self) -> SellerServer:
        assert isinstance(self.server, SellerServer)  # noqa: S101  # made by it
        return self.server

    def do_GET(self) -> None:
        """Pages and the vendor's own log."""
        path, query = urlsplit(self.path).path, parse_qs(urlsplit(self.path).query)
        if path == "/healthz":
            self._json(200, {"status": "ok"})
        elif path.startswith("/t/"):
            rows = self._seller.store.rows("SELECT * FROM instance WHERE tenant_id = ?", (path[3:],))
            page = tenant_page(
                rows[0] if rows else None, self.headers.get("Accept-Language", ""), self._seller.market_url
            )
            self._send(200 if rows else 404, page.encode(), "text/html; charset=utf-8")
        elif not self._is_near():
            self._json(404, {"error": "not found"})
        elif path == "/log":
            self._json(200, self._log(query.get("entitlement_id", [""])[0]))
        elif path == "/instances":
            self._json(200, {"instances": self._seller.store.rows("SELECT * FROM instance ORDER BY created_at")})
        else:
            self._json(404, {"error": "not found"})

    def do_POST(self) -> None:
        """Webhooks, and the switches for tests."""
        path = urlsplit(self.path).path
        body = self._body()
        if body is None:
            return
        if path == "/webhooks/marketplace" or path.startswith("/webhooks/marketplace/"):
            self._webhook(path.removeprefix("/webhooks/marketplace").strip("/"), body)
        elif path.startswith("/events/"):
            self._event(path.removeprefix("/events/"), body)
        elif path in ("/behaviour", "/secrets") and self._is_near():
            self._switch(path, body)
        else:
            self._json(404, {"error": "not found"})

    def _webhook(self, vendor_asked: str, body: bytes) -> None:
        store, webhook_id = self._seller.store, self.headers.get("webhook-id", "")
        vendor = self._verified_vendor(vendor_asked, body)
        if vendor is None:
            with store.transaction() as connection:
                note_delivery(connection, {"vendor": vendor_asked, "webhook_id": webhook_id[:100]}, "bad_signature")
            self._json(401, Refusal(401, "bad_signature", "the signature does not verify").body())
            return
        try:
            event = _read_event(body)
        except Refusal as refusal:
            with store.transaction() as connection:
                note_delivery(connection, {"vendor": vendor, "webhook_id": webhook_id}, refusal.code)
            self._json(refusal.status, refusal.body())
            return
        data = event["data"]
        behaviour = store.behaviour(vendor)
        with store.transaction() as connection:
            call = {**data, "vendor": vendor, "webhook_id": webhook_id, "type": event["type"]}
            earlier = note_delivery(connection, call, "verified")
            at_once = behaviour.slow_ms == 0 and earlier >= behaviour.fail_times
            if at_once:
                answer = self._answer(connection, vendor, data, behaviour)
        if not at_once:
            # Known as delivered before anything is done: whoever waits or fails holds no transaction meanwhile.
            time.sleep(behaviour.slow_ms / 1000)
            if earlier < behaviour.fail_times:
                self._fail(behaviour)
                return
            with store.transaction() as connection:
                answer = self._answer(connection, vendor, data, behaviour)
        if answer.status == HTTPStatus.ACCEPTED:
            self._seller.worker.wake()
        if earlier < behaviour.fail_times + behaviour.lose_answers:
            self.close_connection = True
            self.connection.close()
            return
        self._json(answer.status, answer.body)

    def _event(self, vendor: str, body: bytes) -> None:
        """Whatever happened: verified and taken. A system of more than a sample keeps its `webhook-id` and acts on it once."""
        if self._verified_vendor(vendor, body) is None:
            self._json(401, Refusal(401, "bad_signature", "the signature does not verify").body())
            return
        self._json(200, {"taken": self.headers.get("webhook-id", "")})

    def _fail(self, behaviour: Behaviour) -> None:
        status = behaviour.fail_status
        retry = {"Retry-After": str(behaviour.retry_after_s)} if behaviour.retry_after_s else {}
        self._json(status, Refusal(status, "try_later", "not now").body(), headers=retry)

    def _answer(
        self, connection: sqlite3.Connection, vendor: str, data: dict[str, Any], behaviour: Behaviour
    ) -> Answer:
        try:
            if behaviour.mode == "fail_permanently":
                raise cannot_deliver()
            return handle(connection, vendor, data, behaviour, self._seller.public_url)
        except Refusal as refusal:
            return Answer(refusal.status, refusal.body())

    def _verified_vendor(self, asked: str, body: bytes) -> str | None:
        """The vendor whose secret signed these bytes; None when none did. No secret at all accepts nothing."""
        headers = {name.lower(): value for name, value in self.headers.items()}
        for vendor, verifiers in self._seller.store.verifiers().items():
            if asked and vendor != asked:
                continue
            for verifier in verifiers:
                try:
                    verifier.verify(body, headers, json_parse=False)
                except Exception:  # noqa: BLE001, S112  # whatever the library makes of strange headers: not verified
                    continue
                return vendor
        return None

    def _switch(self, path: str, body: bytes) -> None:
        # A page in somebody's browser can post a form to loopback, but not this media type without asking first.
        if self.headers.get_content_type() != "application/json":
            self._json(415, {"error": "application/json only"})
            return
        try:
            values = json.loads(body)
            vendor = values.pop("vendor", "*")
            if path == "/secrets":
                Webhook(values["secret"])
                self._seller.store.add_secret(vendor, values["secret"])
                self._json(200, {"vendor": vendor})
                return
            base = Behaviour() if values.pop("reset", False) else self._seller.store.behaviour(vendor)
            after = base.changed(values)
            self._seller.store.set_behaviour(vendor, after)
            self._json(200, after.as_dict())
        except (ValueError, TypeError, KeyError, AttributeError, RuntimeError) as error:
            self._json(422, {"error": str(error)})
        except Exception as error:  # noqa: BLE001  # the library's own type for an empty secret derives from Exception
            self._json(422, {"error": type(error).__name__})

    def _log(self, entitlement_id: str) -> dict[str, Any]:
        where, values = (" WHERE entitlement_id = ?", (entitlement_id,)) if entitlement_id else ("", ())
        rows = self._seller.store.rows
        deliveries = rows(f"SELECT * FROM delivery{where} ORDER BY n", values)  # noqa: S608  # one of two constants
        effects = rows(f"SELECT * FROM effect{where} ORDER BY n", values)  # noqa: S608  # (same)
        counts: dict[str, int] = {"deliveries": len(deliveries), "effects": len(effects)}
        for effect in effects:
            effect["detail"] = json.loads(effect["detail"])
            counts[effect["kind"]] = counts.get(effect["kind"], 0) + 1
        return {"deliveries": deliveries, "effects": effects, "counts": counts}

    def _is_near(self) -> bool:
        return ipaddress.ip_address(self.client_address[0]).is_loopback

    def _body(self) -> bytes | None:
        length = self.headers.get("Content-Length", "")
        if not length.isdecimal() or int(length) > _MAX_BODY:
            self.close_connection = True
            self._json(413 if length.isdecimal() else 411, {"error": "a body of known, moderate length is needed"})
            return None
        return self.rfile.read(int(length))

    def _json(self, status: int, value: dict[str, Any], headers: dict[str, str] | None = None) -> None:
        self._send(status, json.dumps(value, ensure_ascii=False).encode(), "application/json", headers)

    def _send(self, status: int, body: bytes, content_type: str, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        fixed = {"Content-Type": content_type, "Content-Length": str(len(body)), "X-Content-Type-Options": "nosniff"}
        for name, value in {**fixed, **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Quiet: the log of effects is the log."""


def _read_event(body: bytes) -> dict[str, Any]:
    """The CloudEvents-shaped body. Raises Refusal when a field that this vendor needs is missing or of another kind."""
    try:
        event = json.loads(body)
    except ValueError:
        raise Refusal(400, "not_json", "the body is not JSON") from None
    data = event.get("data") if isinstance(event, dict) else None
    if not isinstance(data, dict) or not isinstance(event.get("type"), str):
        raise Refusal(400, "not_an_event", "the body is not an event with type and data")
    for name, kind in _REQUIRED.items():
        if not isinstance(data.get(name), kind):
            raise Refusal(422, "missing_field", f"data.{name} is missing or not of its type")
    operation = data["operation"]
    if operation not in OPERATIONS or event["type"] != f"{_TYPE_PREFIX}{operation}.v1":
        raise Refusal(422, "unknown_operation", "type and data.operation name no operation known here")
    named = (("organization", "id"), ("organization", "name"), ("listing", "title"), ("plan", "code"), ("plan", "name"))
    for part, name in named:
        if not isinstance(data[part].get(name), str):
            raise Refusal(422, "missing_field", f"data.{part}.{name} is missing or not a string")
    seats, term, attempt = data.get("seats"), data.get("term"), data.get("attempt")
    if not isinstance(seats, int | None) or not isinstance(term, dict | None) or not isinstance(attempt, int | None):
        raise Refusal(422, "missing_field", "data.seats, data.term or data.attempt is not of its type")
    return {"type": event["type"], "data": data}
