"""What each use case may ask of PostgreSQL. A figure may fall; it rises only with a reason in the commit that raises it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest
from litestar.testing import TestClient

from fulfillment.usage.close_period import close_period
from kernel import clock
from kernel.db.uow import transact
from kernel.ids import uuid7
from kernel.jobs.runner import Runner, due
from kernel.principal import SYSTEM
from orders.refunds.decide_refund import DecideRefund, answer_refund
from orders.subscriptions.renew import take_step
from orders.subscriptions.schedule import RENEWS_BEFORE
from tests.loop.test_coupons import made
from tests.loop.test_refund_cases import late
from tests.loop.test_renewals import renewals, subscribed
from tests.loop.test_usage_charges import charged, metered, periods, use
from tests.loop_stage import Stage
from tests.statement_counter import Count, counting
from tests.witness import without_witness


@pytest.fixture(autouse=True)
def _as_in_production() -> Iterator[None]:
    with without_witness():
        yield


def quote(stage: Stage, browser: TestClient[Any]) -> UUID:
    body = {
        "plan_id": str(stage.seat_plan),
        "quantity": 20,
        "video_id": str(stage.video),
        "placement_id": str(stage.placement),
        "second": 7,
    }
    answer = browser.post("/v1/quotes", json=body)
    assert answer.status_code == 201, answer.text
    return UUID(answer.json()["id"])


def purchase(stage: Stage, browser: TestClient[Any], quote_id: UUID) -> Any:
    body = {"quote_id": str(quote_id), "billing_profile_id": str(stage.profile), "payment_method": "sbx_ok"}
    answer = browser.post("/v1/purchases", json=body, headers={"Idempotency-Key": str(uuid7())})
    assert answer.status_code == 201, answer.text
    return answer.json()


def work(stage: Stage) -> int:
    """Everything due but drawing, job by job, as a worker would that is told of each. Returns how many there were."""
    runner, count = Runner(stage.services.db, "budget"), 0
    while found := due(stage.services.db, ["default"]):
        count += sum(runner.run(signal.job_id) for signal in found)
    return count


def within(count: Count, transactions: int, statements: int, trips: int | None = None) -> None:
    shown = "\n".join(count.statements)
    assert trips is None or count.trips <= trips, f"{count.figures}\n{shown}"
    assert count.transactions <= transactions, f"{count.figures}\n{shown}"
    assert len(count.statements) <= statements, f"{count.figures}\n{shown}"


def test_a_checkout(stage: Stage, browser: TestClient[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    purchase(stage, browser, quote(stage, browser))
    work(stage)
    with counting(monkeypatch) as asked:
        quote_id = quote(stage, browser)
    # The caller; what a price is made of, the seller's coupons and its prices for partners too; the quote.
    within(asked, 1, 8, 3)
    with counting(monkeypatch) as asked:
        answer = purchase(stage, browser, quote_id)
    assert (answer["state"], answer["orders"][0]["state"]) == ("paid", "fulfilling")
    # The buyer's, the sandbox gateway's own, and the one in which the money and all that follows is written down.
    # One of its statements notes the seller's customer, another asks what credit the buyer has with the seller.
    within(asked, 3, 48, 10)
    with counting(monkeypatch) as asked:
        assert work(stage) == 1
    assert stage.order(UUID(answer["orders"][0]["id"])).state == "active"
    # Two looks for what is due are in it, two trips each. Claimed, read, written; read, numbered, written.
    within(asked, 4, 31, 10)


def test_a_quote_with_a_code(stage: Stage, browser: TestClient[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """The code, its limits and the promotions beside it are asked in the one statement that every quote asks."""
    made(stage, most_uses=5, most_per_org=5)
    made(stage, code="", most_uses=5)
    body = {"plan_id": str(stage.seat_plan), "quantity": 20, "coupon": "LAUNCH-20"}
    for asked_for in (body, body | {"coupon": ""}):
        browser.post("/v1/quotes", json=asked_for)
        with counting(monkeypatch) as asked:
            answer = browser.post("/v1/quotes", json=asked_for)
        assert answer.json()["lines"][0]["discount"]["amount"] == 79_600
        within(asked, 1, 8, 3)


def test_deliveries_of_a_batch_share_their_trips(
    stage: Stage, browser: TestClient[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    purchase(stage, browser, quote(stage, browser))
    work(stage)
    answers = [purchase(stage, browser, quote(stage, browser)) for _ in range(3)]
    job_ids = [signal.job_id for signal in due(stage.services.db, ["default"])]
    with counting(monkeypatch) as asked:
        assert Runner(stage.services.db, "budget").run_batch(job_ids) == 3
    assert {stage.order(UUID(answer["orders"][0]["id"])).state for answer in answers} == {"active"}
    # No more trips than for one; what is written is one statement a table.
    within(asked, 2, 51, 6)


@pytest.fixture
def active(stage: Stage, browser: TestClient[Any]) -> Any:
    """An order that is active and invoiced."""
    answer = purchase(stage, browser, quote(stage, browser))
    work(stage)
    order = answer["orders"][0]
    assert stage.order(UUID(order["id"])).state == "active"
    return order


def test_reads(stage: Stage, browser: TestClient[Any], active: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    budgets = {
        # The caller, and whether anything changed since the page was encoded.
        "/v1/feed?limit=20": 3,
        "/v1/listings?limit=20": 3,
        f"/v1/orders/{active['id']}": 3,
        f"/v1/orders/{active['id']}/progress": 7,
        "/v1/orders?limit=20": 3,
        "/v1/invoices?limit=20": 5,
        f"/orders/{active['id']}": 40,
    }
    for path, statements in budgets.items():
        assert browser.get(path).status_code == 200, path
        with counting(monkeypatch) as asked:
            browser.get(path)
        # A background poll of what earlier requests watch may fall into it.
        within(asked, 2, statements)


def test_a_callback(stage: Stage, browser: TestClient[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    stage.seller_app.behave(mode="async", step_ms=1, drop_callbacks=True)
    answer = purchase(stage, browser, quote(stage, browser))
    work(stage)
    order_id = UUID(answer["orders"][0]["id"])
    token = stage.token(stage.delivery(order_id))
    body = {"status": "succeeded", "external_id": "t-1", "launch_url": f"{stage.seller_app.address}/t/t-1"}
    with counting(monkeypatch) as asked:
        assert browser.post(f"/hooks/runs/{token}", json=body).status_code == 202
        work(stage)
    assert stage.order(order_id).state == "active"
    # Stored and answered; applied with all that follows; and the looks for what is due.
    within(asked, 4, 60)


def test_a_refund(stage: Stage, browser: TestClient[Any], active: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    headers = {"Idempotency-Key": str(uuid7())}
    with counting(monkeypatch) as asked:
        answer = browser.post(f"/v1/orders/{active['id']}/refunds", json={"reason": "not needed"}, headers=headers)
        assert answer.status_code == 201, answer.text
        work(stage)
    assert stage.order(UUID(active["id"])).state == "refunded"
    # Asked for; claimed; the gateway's own; concluded with credit note and the end of the delivery; that end's call and outcome.
    within(asked, 12, 150)


def test_a_refund_case(stage: Stage, browser: TestClient[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """Asked for, read by its buyer, granted by its seller, and listed; the order's page tells of it."""
    order_id = late(stage)
    body, key = {"amount_minor": 5_000, "reason": "not as shown"}, {"Idempotency-Key": str(uuid7())}
    with counting(monkeypatch) as asked:
        made_case = browser.post(f"/v1/orders/{order_id}/refund-cases", json=body, headers=key)
    case_id = UUID(made_case.json()["id"])
    # The order, its milestones and what is left of it; the case, its history and event, and what is read back for the answer.
    within(asked, 1, 17, 5)
    command = DecideRefund(case_id, "grant", 2_500, "some of it")
    with counting(monkeypatch) as asked:
        transact(stage.services.db, stage.seller.owner, lambda uow: answer_refund(uow, command).id)
    # Among them, whether a tax invoice has to be taken back first.
    within(asked, 1, 21, 7)
    for path, statements in (
        (f"/refund-cases/{case_id}", 6),
        ("/refund-cases", 7),
        # With the departments that finance may choose among, and the papers that were drawn of it.
        (f"/orders/{order_id}", 34),
        (f"/orders/{order_id}/refund-case", 12),
    ):
        browser.get(path)
        with counting(monkeypatch) as asked:
            assert browser.get(path).status_code == 200, path
        within(asked, 1, statements)


def test_a_period_of_usage(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    order_id, subscription = metered(stage)
    use(stage, order_id, 2_000)
    (period,) = periods(stage, order_id)
    clock.advance(period.closes_at - clock.now())
    # What other tests have left for later is due by now, too.
    stage.run()
    with counting(monkeypatch) as asked:
        transact(stage.services.db, SYSTEM, lambda uow: close_period(uow, period.id))
        work(stage)
    assert [order.state for order in charged(stage, subscription)] == ["active"]
    # Closed, rated and placed; claimed; the gateway's own; concluded with charge, shares and invoice.
    # One of them asks what credit the buyer has with the seller.
    within(asked, 6, 73)


def test_a_renewal(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """Placed with others in one transaction; what its payment brings about follows in the one that hears of it."""
    some = [subscribed(stage)[1] for _ in range(3)]
    clock.advance(some[0].ends_at - RENEWS_BEFORE - clock.now())
    # What other tests have left for later is due by now, too.
    stage.run()
    with counting(monkeypatch) as asked:
        transact(stage.services.db, SYSTEM, lambda uow: [take_step(uow, one.id) for one in some])
    within(asked, 1, 76, 40)
    job_ids = [signal.job_id for signal in due(stage.services.db, ["default"])]
    with counting(monkeypatch) as asked:
        assert Runner(stage.services.db, "budget").run_batch(job_ids) == 3
    assert [order.state for one in some for order in renewals(stage, one)] == ["active"] * 3
    within(asked, 5, 135, 52)
