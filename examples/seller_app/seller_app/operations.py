"""What the vendor does for a run. One transaction each; the same run twice is one effect and the same answer."""

import json
import secrets
import sqlite3
import time
from dataclasses import dataclass
from typing import Any

from seller_app.behaviour import Behaviour
from seller_app.store import Store, now_text

OPERATIONS = {
    "provision": ("工作区已开通。", "The workspace is ready."),
    "change": ("变更已生效。", "The change is in force."),
    "suspend": ("工作区已暂停，数据保留。", "The workspace is suspended; its data is kept."),
    "resume": ("工作区已恢复。", "The workspace is open again."),
    "deprovision": ("工作区已结束。", "The workspace has ended."),
}
"""What is asked for, and what the buyer reads when it is done."""


class Refusal(Exception):
    """A refusal with its HTTP status and a stable code; 4xx other than 408, 425 and 429 means: do not try again.

    What a buyer may come to read has its Chinese words; the rest is for whoever built the integration.
    """

    def __init__(self, status: int, code: str, message: str, chinese: str = "") -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.words = {"message_zh": chinese, "message_en": message} if chinese else {"message": message}

    def body(self) -> dict[str, Any]:
        """The answer's JSON."""
        return {"status": "failed", "error": {"code": self.code, **self.words}}


def cannot_deliver() -> Refusal:
    """The order will never be delivered."""
    return Refusal(422, "cannot_deliver", "The vendor cannot deliver this order.", "供应商无法交付此订单。")


@dataclass(frozen=True)
class Answer:
    """An HTTP status and its JSON body."""

    status: int
    body: dict[str, Any]


def handle(
    connection: sqlite3.Connection, vendor: str, data: dict[str, Any], behaviour: Behaviour, public_url: str
) -> Answer:
    """Do, or accept, the run that ``data`` describes; a run that is known gets its first answer again.

    Raises:
        Refusal: the run cannot be done, now or ever; nothing was written.
    """
    known = connection.execute("SELECT * FROM run WHERE run_id = ?", (data["run_id"],)).fetchone()
    if known is not None:
        same = (known["operation"], known["entitlement_id"], known["vendor"])
        if same != (data["operation"], data["entitlement_id"], vendor):
            raise Refusal(409, "run_reused", "this run_id was used for something else")
        return Answer(known["status"], json.loads(known["answer"]))
    if behaviour.mode == "async":
        answer = Answer(202, {"status": "accepted"})
        _plan_callbacks(connection, data, behaviour)
    else:
        answer = Answer(200, perform(connection, vendor, data, public_url))
    connection.execute(
        "INSERT INTO run (run_id, vendor, operation, entitlement_id, state, status, answer, data)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (
            data["run_id"],
            vendor,
            data["operation"],
            data["entitlement_id"],
            "accepted" if answer.status == 202 else "done",
            answer.status,
            json.dumps(answer.body, ensure_ascii=False),
            json.dumps(data, ensure_ascii=False),
        ),
    )
    return answer


def perform(connection: sqlite3.Connection, vendor: str, data: dict[str, Any], public_url: str) -> dict[str, Any]:
    """Bring the effect about and describe the result. Raises Refusal."""
    operation, entitlement = data["operation"], data["entitlement_id"]
    instance = connection.execute("SELECT * FROM instance WHERE entitlement_id = ?", (entitlement,)).fetchone()
    if instance is not None and instance["vendor"] != vendor:
        raise Refusal(403, "other_vendor", "this entitlement belongs to another vendor")
    closed = connection.execute("SELECT 1 FROM closed WHERE entitlement_id = ?", (entitlement,)).fetchone()
    if operation == "deprovision":
        tenant = _deprovision(connection, vendor, data, instance, is_closed=closed is not None)
    elif closed is not None:
        raise Refusal(410, "entitlement_ended", "this entitlement has ended here; it is not brought back by old calls")
    elif operation == "provision":
        tenant = instance["tenant_id"] if instance is not None else _create(connection, vendor, data)
    elif instance is None:
        raise Refusal(404, "unknown_entitlement", "no tenant exists for this entitlement")
    else:
        tenant = _update(connection, vendor, data, instance)
    chinese, english = OPERATIONS[operation]
    result = {"status": "succeeded", "external_id": tenant, "message_zh": chinese, "message_en": english}
    if tenant and operation != "deprovision":
        result["launch_url"] = f"{public_url}/t/{tenant}"
    return result


def finish(store: Store, run_id: str, behaviour: Behaviour, public_url: str) -> dict[str, Any] | None:
    """End an accepted run and return the callback body, or None when it has been ended before."""
    with store.transaction() as connection:
        run = connection.execute("SELECT * FROM run WHERE run_id = ?", (run_id,)).fetchone()
        if run is None or run["state"] == "done":
            return None
        data = json.loads(run["data"])
        sequence = _sequence_base(data) + behaviour.progress_steps + 1
        try:
            if behaviour.outcome == "failed":
                raise cannot_deliver()
            body = {**perform(connection, run["vendor"], data, public_url), "percent": 100, "sequence": sequence}
            connection.execute(
                "UPDATE run SET state = 'done', status = 200, answer = ? WHERE run_id = ?",
                (json.dumps({k: v for k, v in body.items() if k not in ("percent", "sequence")}), run_id),
            )
        except Refusal as refusal:
            body = refusal.body() | refusal.words | {"sequence": sequence, "retryable": behaviour.outcome_retryable}
            if behaviour.outcome_retryable:
                # The marketplace will send the run again: forget it, so that it is done afresh.
                connection.execute("DELETE FROM run WHERE run_id = ?", (run_id,))
            else:
                connection.execute(
                    "UPDATE run SET state = 'done', status = ?, answer = ? WHERE run_id = ?",
                    (refusal.status, json.dumps(refusal.body(), ensure_ascii=False), run_id),
                )
        add_callbacks(connection, run_id, data["callback_url"], body, behaviour, due_s=time.time())
    return body


def add_callbacks(
    connection: sqlite3.Connection, run_id: str, url: str, body: dict[str, Any], behaviour: Behaviour, due_s: float
) -> None:
    """Queue a callback, twice or never as the behaviour says."""
    copies = 0 if behaviour.drop_callbacks else 2 if behaviour.duplicate_callbacks else 1
    for _ in range(copies):
        connection.execute(
            "INSERT INTO task (due_s, kind, run_id, url, body) VALUES (?, 'callback', ?, ?, ?)",
            (due_s, run_id, url, json.dumps(body, ensure_ascii=False)),
        )


def _plan_callbacks(connection: sqlite3.Connection, data: dict[str, Any], behaviour: Behaviour) -> None:
    if not data.get("callback_url"):
        raise Refusal(422, "no_callback_url", "an asynchronous answer needs data.callback_url")
    start_s, step_s = time.time(), behaviour.step_ms / 1000
    finish_s = start_s + behaviour.late_ms / 1000
    first_step_s = finish_s + step_s if behaviour.reorder_callbacks else start_s
    if not behaviour.reorder_callbacks:
        finish_s = max(finish_s, start_s + behaviour.progress_steps * step_s)
    for step in range(1, behaviour.progress_steps + 1):
        body = {
            "status": "progress",
            "percent": step * 100 // (behaviour.progress_steps + 1),
            "message_zh": f"正在准备：第 {step} 步，共 {behaviour.progress_steps} 步",
            "message_en": f"Preparing: step {step} of {behaviour.progress_steps}",
            "sequence": _sequence_base(data) + step,
        }
        add_callbacks(
            connection, data["run_id"], data["callback_url"], body, behaviour, first_step_s + (step - 1) * step_s
        )
    connection.execute(
        "INSERT INTO task (due_s, kind, run_id, url, body) VALUES (?, 'finish', ?, '', '')", (finish_s, data["run_id"])
    )


def _sequence_base(data: dict[str, Any]) -> int:
    """Numbers go on growing when a run is sent again, so that no two different messages of it look alike."""
    return 100 * (max(data.get("attempt") or 1, 1) - 1)


def _create(connection: sqlite3.Connection, vendor: str, data: dict[str, Any]) -> str:
    tenant, at = f"t-{secrets.token_hex(6)}", now_text()
    plan, organization, term = data["plan"], data["organization"], data.get("term") or {}
    connection.execute(
        "INSERT INTO instance VALUES (?, ?, ?, 'active', ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            tenant, data["entitlement_id"], vendor, organization["id"], organization["name"], data["listing"]["title"],
            plan["code"], plan["name"], data.get("seats"), term.get("start"), term.get("end"), at, at,
        ),
    )  # fmt: skip
    _note(connection, vendor, "instance_created", tenant, data, {"plan": plan["code"], "seats": data.get("seats")})
    return tenant


def _update(connection: sqlite3.Connection, vendor: str, data: dict[str, Any], instance: sqlite3.Row) -> str:
    tenant = str(instance["tenant_id"])
    if data["operation"] == "change":
        plan, term = data["plan"], data.get("term") or {}
        after = (plan["code"], plan["name"], data.get("seats"), term.get("start"), term.get("end"))
        before = tuple(instance[name] for name in ("plan_code", "plan_name", "seats", "term_start", "term_end"))
        if after != before:
            connection.execute(
                "UPDATE instance SET plan_code = ?, plan_name = ?, seats = ?, term_start = ?, term_end = ?,"
                " updated_at = ? WHERE tenant_id = ?",
                (*after, now_text(), tenant),
            )
            _note(connection, vendor, "instance_changed", tenant, data, {"plan": plan["code"], "seats": after[2]})
        return tenant
    state = "suspended" if data["operation"] == "suspend" else "active"
    if instance["state"] != state:
        connection.execute(
            "UPDATE instance SET state = ?, updated_at = ? WHERE tenant_id = ?", (state, now_text(), tenant)
        )
        _note(
            connection, vendor, f"instance_{data['operation']}{'ed' if state == 'suspended' else 'd'}", tenant, data, {}
        )
    return tenant


def _deprovision(
    connection: sqlite3.Connection,
    vendor: str,
    data: dict[str, Any],
    instance: sqlite3.Row | None,
    *,
    is_closed: bool,
) -> str:
    """End the tenant. An entitlement never seen is closed too: a late provision call must not revive it."""
    tenant = "" if instance is None else str(instance["tenant_id"])
    if not is_closed:
        connection.execute(
            "INSERT INTO closed (entitlement_id, at) VALUES (?, ?)", (data["entitlement_id"], now_text())
        )
    if tenant and not is_closed:
        connection.execute(
            "UPDATE instance SET state = 'ended', updated_at = ? WHERE tenant_id = ?", (now_text(), tenant)
        )
        _note(connection, vendor, "instance_ended", tenant, data, {})
    return tenant


def _note(
    connection: sqlite3.Connection, vendor: str, kind: str, tenant: str, data: dict[str, Any], detail: dict[str, Any]
) -> None:
    connection.execute(
        "INSERT INTO effect (at, vendor, kind, tenant_id, entitlement_id, run_id, detail) VALUES (?, ?, ?, ?, ?, ?, ?)",
        (now_text(), vendor, kind, tenant, data["entitlement_id"], data["run_id"], json.dumps(detail)),
    )
