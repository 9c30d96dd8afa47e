"""A small Stripe on a loopback port: objects in Stripe's own shapes (its published fixtures), real idempotency keys.

Only what the adapter uses. Payment methods choose what happens, as Stripe's test methods do; `pm_lost` is executed and the
connection dropped before the answer, `pm_500` is executed and answered with a server error, `pm_429` is turned away.
"""

from __future__ import annotations

import json
import secrets
import threading
import time
from collections.abc import Callable
from copy import deepcopy
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qsl, urlsplit

from app.local_stripe.checkout import TURNED_AWAY, CheckoutServer, public, turned_away
from app.local_stripe.parameters import problem_of
from app.local_stripe.shapes import SHAPES, StripeFault, form_of, signed_event
from kernel import clock

Fields = dict[str, str]
__all__ = ["LocalStripe", "StripeFault", "signed_event"]


class LocalStripe(CheckoutServer):
    """Runs while its context is open; `address` is what the SDK is given as base address."""

    def __init__(self, port: int = 0) -> None:
        super().__init__()
        self._answers: dict[str, tuple[Fields, int, dict[str, Any]]] = {}
        self._lock = threading.Lock()
        owner = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                owner.answer(self, "POST")

            def do_GET(self) -> None:
                owner.answer(self, "GET")

            def log_message(self, format: str, *args: object) -> None:
                """Stay quiet."""

        self._server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self.address = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def answer(self, request: BaseHTTPRequestHandler, method: str) -> None:
        """One request from beginning to end, with whatever fault it meets."""
        parts = urlsplit(request.path)
        raw_body = request.rfile.read(int(request.headers.get("Content-Length") or 0))
        kind = request.headers.get("Content-Type") or ""
        if kind.startswith("multipart/form-data"):
            fields = form_of(kind, raw_body)
        else:
            fields = dict(parse_qsl(parts.query if method == "GET" else raw_body.decode()))
        if account := request.headers.get("Stripe-Account"):
            fields["_account"] = account
        if parts.path.startswith(("/pay/", "/bank/", "/connect/")):
            with self._lock:
                self._show(request, *self.page(method, parts.path, fields))
                self.tell()
            return
        with self._lock:
            fault = self.injected(method, parts.path.removeprefix("/v1/"))
            if fault is not None and fault.what in TURNED_AWAY:
                self._reply(request, *turned_away(fault))
                return
            try:
                status, content = self._once(request.headers.get("Idempotency-Key"), method, parts.path, fields)
            except StripeFault as refused:
                status, content = refused.status, {"error": refused.error}
        if fields.get("payment_method") == "pm_lost" and not content.pop("_replayed", False):
            request.close_connection = True
            request.connection.close()
            return
        if fields.get("payment_method") == "pm_500" and not content.pop("_replayed", False):
            status, content = 500, {"error": {"type": "api_error", "message": "planted"}}
        content.pop("_replayed", None)
        if fault is not None:
            time.sleep(fault.delay_s)
            if fault.what == "lost":
                request.close_connection = True
                request.connection.close()
                return
            if fault.what == "500":
                status, content = 500, {"error": {"type": "api_error", "message": "injected"}}
        self._reply(request, status, content)
        with self._lock:
            self.tell()

    def _show(self, request: BaseHTTPRequestHandler, status: int, said: str) -> None:
        raw = b"" if status == 303 else said.encode()
        request.send_response(status)
        if status == 303:
            request.send_header("Location", said)
        request.send_header("Content-Type", "text/html; charset=utf-8")
        request.send_header("Content-Length", str(len(raw)))
        request.end_headers()
        request.wfile.write(raw)

    def _reply(self, request: BaseHTTPRequestHandler, status: int, content: dict[str, Any]) -> None:
        raw = json.dumps(_public(content)).encode()
        request.send_response(status)
        request.send_header("Content-Type", "application/json")
        request.send_header("Content-Length", str(len(raw)))
        request.end_headers()
        request.wfile.write(raw)

    def _once(self, key: str | None, method: str, path: str, fields: Fields) -> tuple[int, dict[str, Any]]:
        # Files are an API of their own, with a form that nothing describes.
        problem = None if path == "/v1/files" else problem_of(method, path.removeprefix("/v1/"), fields)
        if problem is not None:
            raise StripeFault(
                400, type="invalid_request_error", param=problem[0], code=problem[1], message="described so"
            )
        if key is None or method == "GET":
            return 200, self._do(method, path, fields)
        if key in self._answers:
            known, status, content = self._answers[key]
            if known != fields:
                raise StripeFault(400, type="idempotency_error", message="other parameters")
            return status, {**deepcopy(content), "_replayed": True}
        if fields.get("payment_method") == "pm_429":
            raise StripeFault(429, type="invalid_request_error", code="rate_limit", message="slow down")
        try:
            status, content = 200, self._do(method, path, fields)
        except StripeFault as fault:
            status, content = fault.status, {"error": fault.error}
        self._answers[key] = (fields, status, content)
        return status, deepcopy(content)

    def _do(self, method: str, path: str, fields: Fields) -> dict[str, Any]:
        pieces = path.removeprefix("/v1/").split("/")
        found = self.of_payers(method, pieces, fields) or self.connect(method, pieces, fields)
        if found is not None:
            if found["object"] == "transfer_reversal":
                self.note("transfer.reversed", self.objects[found["transfer"]])
            return found
        if method == "GET" and len(pieces) == 1:
            return self._list(pieces[0], fields)
        if pieces[1:] == ["search"]:
            return self._search(pieces[0], fields["query"])
        if method == "GET":
            return self._known(pieces[1])
        if pieces[2:] == ["cancel"]:
            return self._cancel(pieces[1])
        if pieces[0] == "disputes":
            return self._tell_bank(pieces[1], fields)
        makers: dict[str, Callable[[Fields], dict[str, Any]]] = {
            "payment_intents": self._pay,
            "refunds": self._refund,
            "transfers": self._transfer,
            "files": self._file,
        }
        return makers[pieces[0]](fields)

    def _make(self, shape: str, prefix: str, fields: Fields, **values: Any) -> dict[str, Any]:
        made = deepcopy(SHAPES[shape])
        made["id"] = f"{prefix}_{secrets.token_hex(8)}"
        made["amount"] = int(fields["amount"])
        made["metadata"] = {name[9:-1]: value for name, value in fields.items() if name.startswith("metadata[")}
        made.update(values)
        self.objects[made["id"]] = made
        self.account_for(made)
        return deepcopy(made)

    def _pay(self, fields: Fields) -> dict[str, Any]:
        method = fields["payment_method"]
        acts = self.acts_of(method, fields.get("customer"))
        if acts is not None:
            return self._charge_kept(fields, acts)
        if not method.startswith("pm_"):
            raise StripeFault(
                400, type="invalid_request_error", code="resource_missing", message="No such PaymentMethod"
            )
        if method == "pm_card_chargeDeclined":
            raise StripeFault(
                402, type="card_error", code="card_declined", decline_code="generic_decline", message="declined"
            )
        status = {"pm_card_authenticationRequired": "requires_action", "pm_processing": "processing"}.get(
            method, "succeeded"
        )
        action: dict[str, Any] | None = None
        if status == "requires_action":
            action = {"type": "use_stripe_sdk", "use_stripe_sdk": {}}
            if back := fields.get("return_url"):
                made = self._make("payment_intent", "pi", fields, currency=fields["currency"])
                self._ask_bank(self.objects[made["id"]], back)
                return self._known(made["id"])
        return self._make(
            "payment_intent", "pi", fields, currency=fields["currency"], status=status, next_action=action
        )

    def _charge_kept(self, fields: Fields, acts: str) -> dict[str, Any]:
        """A method that is kept: its bank may want its customer, or say no."""
        kept = {
            "currency": fields["currency"],
            "customer": fields["customer"],
            "payment_method": fields["payment_method"],
        }
        made = self.objects[
            self._make("payment_intent", "pi", fields, status="processing", next_action=None, **kept)["id"]
        ]
        error = {
            "type": "card_error",
            "code": "card_declined",
            "decline_code": "generic_decline",
            "message": "declined",
        }
        if acts == "authenticate" and fields.get("off_session") != "true":
            self._ask_bank(made, fields["return_url"])
            return public(made)
        if acts == "ok":
            made["status"] = "succeeded"
            self.account_for(made)
            self.note("payment_intent.succeeded", made)
            return public(made)
        if acts == "authenticate":
            error |= {"code": "authentication_required", "decline_code": "authentication_required"}
        made |= {"status": "requires_payment_method", "last_payment_error": error}
        raise StripeFault(402, **error, payment_intent=public(made))

    def _refund(self, fields: Fields) -> dict[str, Any]:
        payment = self._known(fields["payment_intent"])
        given = sum(
            found["amount"]
            for found in self.objects.values()
            if found["object"] == "refund" and found["payment_intent"] == payment["id"] and found["status"] != "failed"
        )
        if payment["status"] != "succeeded" or given + int(fields["amount"]) > payment["amount"]:
            raise StripeFault(400, type="invalid_request_error", code="charge_already_refunded", message="too much")
        return self._make(
            "refund", "re", fields, currency=payment["currency"], payment_intent=payment["id"], status="succeeded"
        )

    def _transfer(self, fields: Fields) -> dict[str, Any]:
        named = {name: fields[name] for name in ("currency", "destination", "transfer_group")}
        source = fields.get("source_transaction")
        if source is not None:
            self._draw_on(source, int(fields["amount"]), fields["currency"])
        return self._make("transfer", "tr", fields, source_transaction=source, **named)

    def _draw_on(self, source: str, amount: int, currency: str) -> None:
        """https://docs.stripe.com/connect/separate-charges-and-transfers#transfer-availability: no more than the charge has left
        for transfers, and in the currency that it came to the balance in.
        """
        charge = self._known(source)
        entry = next(one for one in self.entries if one["id"] == charge["balance_transaction"])
        drawn = sum(one["amount"] for one in self.objects.values() if one.get("source_transaction") == source)
        if entry["currency"] != currency or drawn + amount > entry["amount"]:
            raise StripeFault(400, type="invalid_request_error", param="source_transaction", message="not from it")

    def dispute(self, payment: str, status: str = "needs_response", *, days: int = 7) -> str:
        """A payer's bank disputes a payment, and wants to be answered within so many days; returns the dispute's id. In the
        shape of docs.stripe.com/api/disputes/object.
        """
        paid = self._known(payment)
        made = {
            "id": f"dp_{secrets.token_hex(8)}",
            "object": "dispute",
            "amount": paid["amount"],
            "currency": paid["currency"],
            "charge": f"ch_{secrets.token_hex(8)}",
            "payment_intent": payment,
            "reason": "fraudulent",
            "status": status,
            "metadata": {},
            "livemode": False,
            "evidence": {},
            "evidence_details": {
                "due_by": int(clock.now().timestamp()) + days * 86_400,
                "has_evidence": False,
                "past_due": False,
                "submission_count": 0,
            },
            "balance_transactions": [],
        }
        self.objects[made["id"]] = made
        self.account_for(made)
        self.note("charge.dispute.created", made)
        return str(made["id"])

    def _file(self, fields: Fields) -> dict[str, Any]:
        """In the shape of docs.stripe.com/api/files/object."""
        made: dict[str, Any] = {
            "id": f"file_{secrets.token_hex(8)}",
            "object": "file",
            "filename": fields["file"],
            "purpose": fields["purpose"],
            "size": int(fields["_size"]),
            "type": fields["file"].rsplit(".", 1)[-1],
        }
        self.objects[made["id"]] = made
        return deepcopy(made)

    def _tell_bank(self, name: str, fields: Fields) -> dict[str, Any]:
        """Evidence that is submitted cannot be changed; `winning_evidence` and `losing_evidence` decide, as in Stripe's tests."""
        found = self.objects[str(self._known(name)["id"])]
        if found["evidence_details"]["submission_count"] or found["status"] in {"won", "lost"}:
            raise StripeFault(400, type="invalid_request_error", code="dispute_evidence_submitted", message="too late")
        evidence = {field[9:-1]: value for field, value in fields.items() if field.startswith("evidence[")}
        for field, value in evidence.items():
            if not field.endswith("_text"):
                self._known(value)
        found["evidence"] = evidence
        if fields.get("submit") == "true":
            found["evidence_details"] |= {"has_evidence": True, "submission_count": 1}
            word = evidence.get("uncategorized_text", "")
            decided = "won" if "winning_evidence" in word else "lost" if "losing_evidence" in word else "under_review"
            found["status"] = decided
        return deepcopy(found)

    def refund_by_hand(self, payment: str, amount: int) -> str:
        """Somebody gives money back in the dashboard; returns the refund's id."""
        return str(self._refund({"payment_intent": payment, "amount": str(amount)})["id"])

    def _cancel(self, name: str) -> dict[str, Any]:
        found = self._known(name)
        if found["status"] == "succeeded":
            raise StripeFault(
                400, type="invalid_request_error", code="payment_intent_unexpected_state", message="too late"
            )
        self.objects[name]["status"] = "canceled"
        return self._known(name)

    def _known(self, name: str) -> dict[str, Any]:
        if name not in self.objects:
            raise StripeFault(404, type="invalid_request_error", code="resource_missing", message="No such object")
        return deepcopy(self.objects[name])

    def _list(self, plural: str, fields: Fields) -> dict[str, Any]:
        kind = plural.removesuffix("s")
        wanted = {name: value for name, value in fields.items() if name != "limit"}
        data = [
            deepcopy(found)
            for found in self.objects.values()
            if found["object"] == kind and all(found[name] == value for name, value in wanted.items())
        ]
        return {"object": "list", "url": f"/v1/{plural}", "has_more": False, "data": data}

    def _search(self, plural: str, query: str) -> dict[str, Any]:
        value = query.rsplit("'", 2)[1]
        kind = plural.removesuffix("s")
        sought = [found for found in self.objects.values() if found["object"] == kind]
        data = [deepcopy(found) for found in sought if found["metadata"].get("attempt") == value]
        return {"object": "search_result", "url": f"/v1/{plural}/search", "has_more": False, "data": data}


def _public(content: Any) -> Any:
    if isinstance(content, dict):
        return {name: _public(value) for name, value in content.items() if not name.startswith("_")}
    return [_public(one) for one in content] if isinstance(content, list) else content
