"""The thread that ends accepted runs and calls back. Its work list is in the store, so a kill only delays it."""

import http.client
import threading
import time
from typing import Any
from urllib.parse import urlsplit

from seller_app.operations import finish
from seller_app.store import Store

_FINAL_STATUS = (400, 401, 403, 404, 409, 410, 413, 422)
_GIVE_UP_AFTER = 40
_LONGEST_SLEEP_S = 60.0


class CallbackWorker(threading.Thread):
    """Runs due tasks in order until stopped."""

    def __init__(self, store: Store, public_url: str) -> None:
        super().__init__(name="callbacks", daemon=True)
        self._store = store
        self._public_url = public_url
        self._stopping = threading.Event()
        self._wake = threading.Event()

    def wake(self) -> None:
        """Look for due tasks now."""
        self._wake.set()

    def stop(self) -> None:
        """End after the task under way."""
        self._stopping.set()
        self._wake.set()

    def run(self) -> None:
        """Work through what is due, then sleep until the next is."""
        while not self._stopping.is_set():
            self._wake.clear()
            tasks = self._store.rows("SELECT * FROM task ORDER BY due_s, n LIMIT 1")
            wait_s = tasks[0]["due_s"] - time.time() if tasks else _LONGEST_SLEEP_S
            if wait_s > 0:
                self._wake.wait(min(wait_s, _LONGEST_SLEEP_S))
                continue
            self._do(tasks[0])

    def _do(self, task: dict[str, Any]) -> None:
        if task["kind"] == "finish":
            run = self._store.rows("SELECT vendor FROM run WHERE run_id = ?", (task["run_id"],))
            if run:
                finish(self._store, task["run_id"], self._store.behaviour(run[0]["vendor"]), self._public_url)
            self._forget(task)
        elif post(task["url"], task["body"].encode()) or task["tries"] >= _GIVE_UP_AFTER:
            self._forget(task)
        else:
            pause_s = min(0.2 * 2 ** task["tries"], 30.0)
            with self._store.transaction() as connection:
                connection.execute(
                    "UPDATE task SET tries = tries + 1, due_s = ? WHERE n = ?", (time.time() + pause_s, task["n"])
                )

    def _forget(self, task: dict[str, Any]) -> None:
        with self._store.transaction() as connection:
            connection.execute("DELETE FROM task WHERE n = ?", (task["n"],))


def post(url: str, body: bytes) -> bool:
    """POST JSON; True when it was taken, or refused for good."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or parts.hostname is None:
        return True
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = kind(parts.hostname, parts.port, timeout=10)
    try:
        target = parts.path + (f"?{parts.query}" if parts.query else "")
        connection.request("POST", target, body, {"Content-Type": "application/json"})
        status = connection.getresponse().status
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
    return 200 <= status < 300 or status in _FINAL_STATUS
