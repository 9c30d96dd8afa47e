"""The sample seller as a real process of its own, driven over HTTP as the marketplace would drive it."""

import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from kernel import ids, signing
from tests.adapters.seller_process import FOLDER, OTHER_SECRET, SECRET, Callbacks, Seller, event, until


@pytest.fixture(scope="module")
def seller(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Seller]:
    running = Seller(tmp_path_factory.mktemp("seller"))
    yield running
    running.client.close()
    if running.process.poll() is None:
        running.kill()


@pytest.fixture(autouse=True)
def _well_behaved(seller: Seller) -> None:
    seller.behave()


@pytest.fixture
def callbacks() -> Iterator[Callbacks]:
    receiving = Callbacks()
    yield receiving
    receiving.close()


def test_it_imports_nothing_of_ours() -> None:
    ours = {"kernel", "marketplace", "orders", "fulfillment", "billing", "api", "app"}
    program = (
        "import sys, pkgutil, importlib, seller_app\n"
        "for m in pkgutil.iter_modules(seller_app.__path__): m.name == '__main__' or importlib.import_module("
        "'seller_app.' + m.name)\nprint(' '.join(sorted({n.split('.')[0] for n in sys.modules})))"
    )
    loaded = subprocess.run(
        [sys.executable, "-P", "-c", program],
        env={"PYTHONPATH": str(FOLDER)},
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    assert "standardwebhooks" in loaded
    assert not ours & set(loaded)


def test_a_call_creates_one_tenant_however_often_it_comes(seller: Seller) -> None:
    call = event()
    entitlement = call["data"]["entitlement_id"]
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: seller.deliver(call), range(24)))
    assert {answer.status_code for answer in answers} == {200}
    (body,) = {answer.text for answer in answers}
    first = json.loads(body)
    assert first["status"] == "succeeded"
    assert (first["message_zh"], first["message_en"]) == ("工作区已开通。", "The workspace is ready.")
    assert first["launch_url"] == f"{seller.address}/t/{first['external_id']}"
    again = seller.deliver(event(entitlement_id=entitlement)).json()
    assert again["external_id"] == first["external_id"]
    log = seller.log(entitlement)
    assert log["counts"] == {"deliveries": 25, "effects": 1, "instance_created": 1}
    assert log["deliveries"][0]["webhook_id"] == call["id"]
    assert log["effects"][0]["tenant_id"] == first["external_id"]
    assert [
        i["seats"] for i in seller.client.get("/instances").json()["instances"] if i["entitlement_id"] == entitlement
    ] == [5]


def test_the_life_of_a_tenant(seller: Seller) -> None:
    entitlement = str(ids.uuid7())
    provision = event(entitlement_id=entitlement)
    seller.deliver(provision)
    for operation in ("change", "suspend", "resume", "deprovision"):
        call = event(operation, entitlement, seats=9)
        for _ in range(2):
            assert seller.deliver(call).status_code == 200
        assert seller.deliver(event(operation, entitlement, seats=9)).status_code == 200
    kinds = [effect["kind"] for effect in seller.log(entitlement)["effects"]]
    assert kinds == ["instance_created", "instance_changed", "instance_suspended", "instance_resumed", "instance_ended"]
    assert seller.deliver(provision).status_code == 200  # its first answer again, and no effect
    for operation in ("provision", "change", "suspend", "resume"):
        assert seller.deliver(event(operation, entitlement)).status_code == 410
    assert len(seller.log(entitlement)["effects"]) == 5


def test_an_end_that_arrives_before_the_beginning_holds(seller: Seller) -> None:
    entitlement = str(ids.uuid7())
    assert seller.deliver(event("deprovision", entitlement)).status_code == 200
    assert seller.deliver(event("provision", entitlement)).status_code == 410
    assert seller.log(entitlement)["effects"] == []


@pytest.mark.parametrize("operation", ["change", "suspend", "resume"])
def test_an_unknown_entitlement_is_refused_for_good(seller: Seller, operation: str) -> None:
    assert seller.deliver(event(operation)).status_code == 404


def test_a_run_id_used_for_something_else_is_refused(seller: Seller) -> None:
    call = event()
    seller.deliver(call)
    other = event(run_id=call["data"]["run_id"])
    assert seller.deliver(other).status_code == 409
    assert seller.log(other["data"]["entitlement_id"])["effects"] == []


def test_what_is_not_signed_by_us_has_no_effect(seller: Seller) -> None:
    call = event()
    stranger = signing.new_webhook_secret()
    assert seller.deliver(call, [stranger]).status_code == 401
    assert seller.deliver(call, [SECRET], **{"webhook-id": "msg_other"}).status_code == 401
    assert seller.deliver(call, [SECRET], **{"webhook-timestamp": "1"}).status_code == 401
    assert seller.deliver(call, [SECRET], **{"webhook-signature": "v1"}).status_code == 401
    assert seller.deliver(call, [OTHER_SECRET], "/northwind").status_code == 401
    assert seller.client.post("/webhooks/marketplace/northwind", json=call).status_code == 401
    assert seller.log(call["data"]["entitlement_id"])["effects"] == []
    log = seller.client.get("/log").json()
    assert [d["verdict"] for d in log["deliveries"]].count("bad_signature") >= 6


def test_either_secret_of_a_rotation_is_enough(seller: Seller) -> None:
    assert seller.deliver(event(), [signing.new_webhook_secret(), SECRET]).status_code == 200
    added = signing.new_webhook_secret()
    assert seller.client.post("/secrets", json={"vendor": "northwind", "secret": added}).status_code == 200
    assert seller.deliver(event(), [added]).status_code == 200
    assert seller.deliver(event(), [SECRET]).status_code == 200


def test_two_vendors_of_one_process_stay_apart(seller: Seller) -> None:
    call = event()
    assert seller.deliver(call, [OTHER_SECRET], "").json()["status"] == "succeeded"
    entitlement = call["data"]["entitlement_id"]
    assert seller.log(entitlement)["effects"][0]["vendor"] == "contoso"
    assert seller.deliver(event("suspend", entitlement), [SECRET]).status_code == 403


@pytest.mark.parametrize(
    ("damage", "status"),
    [
        ({"data": None}, 400),
        ({"type": 5}, 400),
        ({"type": "com.channelmarket.run.explode.v1"}, 422),
        ({"type": "com.channelmarket.run.suspend.v1"}, 422),
        ({"data": {}}, 422),
    ],
)
def test_a_damaged_event_is_refused_for_good(seller: Seller, damage: dict[str, Any], status: int) -> None:
    assert seller.deliver(event() | damage).status_code == status


@pytest.mark.parametrize(
    "change",
    [{"plan": {}}, {"organization": {"id": 1}}, {"seats": "5"}, {"term": 5}, {"listing": None}, {"run_id": None}],
)
def test_a_field_of_another_kind_is_refused_for_good(seller: Seller, change: dict[str, Any]) -> None:
    assert seller.deliver(event(**change)).status_code == 422


def test_an_asynchronous_run_calls_back_with_progress_and_result(seller: Seller, callbacks: Callbacks) -> None:
    seller.behave(mode="async", step_ms=30)
    call = event(callback_url=callbacks.url)
    answer = seller.deliver(call)
    assert (answer.status_code, answer.json()) == (202, {"status": "accepted"})
    assert seller.deliver(call).status_code in (200, 202)
    until(callbacks.ended)
    assert [body["sequence"] for body in callbacks.bodies] == [1, 2, 3, 4]
    assert [body.get("percent") for body in callbacks.bodies] == [25, 50, 75, 100]
    for body in callbacks.bodies:
        assert not body["message_zh"].isascii()
        assert body["message_en"].isascii()
    final = callbacks.bodies[-1]
    assert final["status"] == "succeeded"
    assert final["launch_url"].endswith(final["external_id"])
    assert seller.log(call["data"]["entitlement_id"])["counts"]["instance_created"] == 1
    assert seller.deliver(call).json()["external_id"] == final["external_id"]


def test_callbacks_may_come_twice_out_of_order_late_or_never(seller: Seller, callbacks: Callbacks) -> None:
    seller.behave(mode="async", step_ms=20, duplicate_callbacks=True, reorder_callbacks=True, late_ms=100)
    seller.deliver(event(callback_url=callbacks.url))
    until(lambda: len(callbacks.bodies) == 8)
    assert [body["sequence"] for body in callbacks.bodies] == [4, 4, 1, 1, 2, 2, 3, 3]
    seller.behave(mode="async", step_ms=1, drop_callbacks=True)
    silent = event(callback_url=callbacks.url)
    seller.deliver(silent)
    until(lambda: bool(seller.log(silent["data"]["entitlement_id"])["effects"]))
    assert len(callbacks.bodies) == 8


def test_a_callback_that_is_not_taken_is_repeated(seller: Seller, callbacks: Callbacks) -> None:
    seller.behave(mode="async", progress_steps=0)
    callbacks.refuse_first = 2
    seller.deliver(event(callback_url=callbacks.url))
    until(callbacks.ended)
    assert len(callbacks.bodies) == 1


@pytest.mark.parametrize("retryable", [True, False])
def test_an_asynchronous_failure_says_whether_to_retry(seller: Seller, callbacks: Callbacks, retryable: bool) -> None:  # noqa: FBT001
    seller.behave(mode="async", progress_steps=0, outcome="failed", outcome_retryable=retryable)
    call = event(callback_url=callbacks.url)
    seller.deliver(call)
    until(callbacks.ended)
    assert (callbacks.bodies[0]["status"], callbacks.bodies[0]["retryable"]) == ("failed", retryable)
    if retryable:
        call["data"]["attempt"] = 2
        seller.deliver(call)
        until(lambda: len(callbacks.bodies) == 2)
        assert callbacks.bodies[1]["sequence"] > callbacks.bodies[0]["sequence"]
    seller.behave()
    assert seller.deliver(call).status_code == (200 if retryable else 422)


def test_an_asynchronous_answer_needs_somewhere_to_call(seller: Seller) -> None:
    seller.behave(mode="async")
    assert seller.deliver(event()).status_code == 422


def test_failing_some_times_then_succeeding(seller: Seller) -> None:
    seller.behave(fail_times=2, fail_status=429, retry_after_s=7)
    call = event()
    first = seller.deliver(call)
    assert (first.status_code, first.headers["Retry-After"]) == (429, "7")
    assert [seller.deliver(call).status_code for _ in range(2)] == [429, 200]
    assert seller.log(call["data"]["entitlement_id"])["counts"]["instance_created"] == 1


def test_a_lost_answer_is_still_one_effect(seller: Seller) -> None:
    seller.behave(lose_answers=2)
    call = event()
    for _ in range(2):
        with pytest.raises(httpx.TransportError):
            seller.deliver(call)
    assert seller.deliver(call).status_code == 200
    assert seller.log(call["data"]["entitlement_id"])["counts"] == {
        "deliveries": 3,
        "effects": 1,
        "instance_created": 1,
    }


def test_refusing_for_good_and_being_slow(seller: Seller) -> None:
    seller.behave(mode="fail_permanently", slow_ms=150)
    started = time.monotonic()
    assert seller.deliver(event()).status_code == 422
    assert time.monotonic() - started >= 0.15


@pytest.mark.parametrize(
    "values", [{"mode": "x"}, {"speed": 1}, {"slow_ms": "1"}, {"slow_ms": -1}, {"fail_status": 200}, [], 5]
)
def test_an_unknown_behaviour_is_refused(seller: Seller, values: Any) -> None:
    assert seller.client.post("/behaviour", json=values).status_code == 422


def test_switches_take_json_only(seller: Seller) -> None:
    for path in ("/behaviour", "/secrets"):
        assert seller.client.post(path, content=b"{}", headers={"Content-Type": "text/plain"}).status_code == 415
    for secret in ("", "whsec_", "whsec_***", None):
        assert seller.client.post("/secrets", json={"vendor": "x", "secret": secret}).status_code == 422


def test_the_page_speaks_the_visitors_language_and_escapes(seller: Seller) -> None:
    tenant = seller.deliver(event()).json()["external_id"]
    chinese = seller.client.get(f"/t/{tenant}", headers={"Accept-Language": "zh-CN,zh;q=0.9"})
    assert "您的工作区已开通" in chinese.text
    assert "看板 &lt;Boards&gt;" in chinese.text
    assert "<Boards>" not in chinese.text
    english = seller.client.get(f"/t/{tenant}")
    assert "Your workspace is ready." in english.text
    assert 'href="https://market.example"' in english.text
    assert seller.client.get("/t/none").status_code == 404
    assert seller.client.get("/nothing").status_code == 404


def test_killed_at_any_moment_it_forgets_nothing_it_answered(seller: Seller, callbacks: Callbacks) -> None:
    """Kills while calls are under way; every call is repeated until answered; then each has exactly one tenant."""
    seller.behave(mode="async", progress_steps=1, step_ms=50, late_ms=100)
    waiting = event(callback_url=callbacks.url)
    assert seller.deliver(waiting).status_code == 202
    seller.kill()
    seller.start()
    until(callbacks.ended)
    assert seller.log(waiting["data"]["entitlement_id"])["counts"]["instance_created"] == 1

    seller.behave()
    calls = [event() for _ in range(60)]
    answered: dict[str, set[str]] = {call["id"]: set() for call in calls}
    stopped = threading.Event()

    def insist(call: dict[str, Any]) -> None:
        while not stopped.is_set():
            try:
                answer = seller.deliver(call)
            except httpx.TransportError:
                time.sleep(0.02)
                continue
            answered[call["id"]].add(answer.json()["external_id"])
            return

    with ThreadPoolExecutor(4) as pool:
        tasks = [pool.submit(insist, call) for call in calls]
        for _ in range(3):
            time.sleep(0.05)
            seller.kill()
            seller.start()
        for task in tasks:
            task.result(60)
    stopped.set()
    for call in calls:
        log = seller.log(call["data"]["entitlement_id"])
        assert log["counts"]["instance_created"] == 1
        assert {log["effects"][0]["tenant_id"]} == answered[call["id"]]


def test_it_stops_when_asked(seller: Seller) -> None:
    assert seller.stop() == 0
    seller.start()
