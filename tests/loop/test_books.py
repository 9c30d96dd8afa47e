"""A sale in the books, from the trial balance down to its order; the month closed; everything reconciled; files of it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from litestar.testing import TestClient
from sqlalchemy import text

from kernel import clock
from kernel.db.uow import unit_of_work
from kernel.principal import SYSTEM
from tests.api_server import application
from tests.conformance.api_walk import Who, operator_of
from tests.loop_stage import Stage

Client = TestClient[Any]


@pytest.fixture
def client(stage: Stage) -> Client:
    return TestClient(application(stage.services), base_url="https://market.example")


@pytest.fixture
def who(stage: Stage) -> Iterator[tuple[Who, Who]]:
    """Two operators; the months that they closed are open again afterwards."""
    with unit_of_work(stage.services.db, SYSTEM) as uow:
        pair = operator_of(uow), operator_of(uow)
    yield pair
    with unit_of_work(stage.services.db, SYSTEM) as uow:
        uow.session.execute(
            text("""UPDATE billing.accounting_period SET state = 'reopened', reopened_at = now(), reopened_by = 'test',
                    reason = 'end of the test', transactions = NULL WHERE state = 'closed'""")
        )


def sold(stage: Stage) -> UUID:
    order_id = stage.buy()
    stage.run()
    clock.advance(timedelta(hours=1))
    return order_id


def get(client: Client, who: Who, path: str, **params: Any) -> Any:
    answer = client.get(path, params=params, headers=who)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_from_the_trial_balance_down_to_the_order(stage: Stage, client: Client, who: tuple[Who, Who]) -> None:
    order_id, (ops, _) = sold(stage), who
    rows = get(client, ops, "/v1/operator/ledger/trial-balance")
    for currency in {row["closing"]["currency"] for row in rows}:
        own = [row for row in rows if row["closing"]["currency"] == currency]
        assert sum(row["closing"]["amount"] for row in own) == 0
        assert sum(row["debit"]["amount"] - row["credit"]["amount"] for row in own) == 0
    params = {"kind": "party_pending", "org_id": str(stage.seller.id)}
    (account,) = get(client, ops, "/v1/operator/ledger/accounts", **params)["items"]
    assert account["balance"]["amount"] < 0
    before = get(client, ops, f"/v1/operator/ledger/accounts/{account['id']}", at="2020-01-01T00:00:00Z")
    assert before["balance"]["amount"] == 0
    for at in ("0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-12:00"):
        assert client.get("/v1/operator/ledger/trial-balance", params={"until": at}, headers=ops).status_code == 422
    found: list[Any] = []
    cursor, pages = None, 0
    sold(stage)
    while pages == 0 or cursor:
        asked = {"limit": 1} | ({"cursor": cursor} if cursor else {})
        page = get(client, ops, f"/v1/operator/ledger/accounts/{account['id']}/postings", **asked)
        found, cursor, pages = found + page["items"], page["next_cursor"], pages + 1
    assert len({one["id"] for one in found}) == len(found) == pages >= 2
    fact = get(client, ops, f"/v1/operator/ledger/transactions/{found[-1]['transaction_id']}")
    assert sum(leg["amount"]["amount"] for leg in fact["legs"]) == 0
    trace = client.get(f"/v1/trace/{fact['reference']}", headers=ops)
    assert trace.status_code == 200
    assert str(order_id) in trace.text
    for path in (
        "",
        "/accounts?kind=commission&on=2026-01-31",
        f"/accounts/{account['id']}",
        f"/transactions/{fact['id']}",
    ):
        answer = client.get(f"/operator/books{path}", headers=ops)
        assert answer.status_code == 200, path
    assert f"/trace/{fact['reference']}" in answer.text


def test_the_journal_as_a_file_balances(stage: Stage, client: Client, who: tuple[Who, Who]) -> None:
    sold(stage)
    today = clock.today("Asia/Shanghai").isoformat()
    days = {"first_on": today, "last_on": today}
    path = "/v1/operator/ledger/export"
    saved = client.put(
        "/v1/operator/ledger/account-codes/voucher/commission",
        json={"code": "6001.09", "name": "=佣金"},
        headers=who[0],
    )
    assert saved.status_code == 200
    said = client.get(path, params=days | {"format": "voucher"}, headers=who[0])
    assert said.status_code == 200
    assert said.headers["content-disposition"].startswith("attachment")
    assert "6001.09,'=佣金" in said.text
    for name in ("csv", "datev", "iif", "xero"):
        answer = client.get(path, params=days | {"format": name, "currency": "CNY"}, headers=who[0])
        assert (answer.status_code, len(answer.content.splitlines()) > 3) == (200, True), name
    refused = client.get(path, params=days | {"format": "datev"}, headers=who[0])
    assert (refused.status_code, refused.json()["code"]) == (422, "export_currency_required")
    wrong = client.get(path, params={"first_on": today, "last_on": "2020-01-01"}, headers=who[0])
    assert (wrong.status_code, wrong.json()["code"]) == (422, "books_range_invalid")
    for bad in ({"code": "a;b", "name": "x"}, {"code": "x1", "name": "x"}):
        answer = client.put("/v1/operator/ledger/account-codes/datev/commission", json=bad, headers=who[0])
        assert (answer.status_code, answer.json()["code"]) == (422, "account_code_invalid")
    assert client.get("/operator/books/account-codes?format=datev", headers=who[0]).status_code == 200


def test_a_month_closes_on_the_page_and_somebody_else_opens_it(
    stage: Stage, client: Client, who: tuple[Who, Who]
) -> None:
    sold(stage)
    one, other = who
    month = (clock.now().replace(day=1) - timedelta(days=2)).strftime("%Y-%m")

    def press(by: Who, path: str, **form: str) -> Any:
        cookie = {"Cookie": by["Cookie"], "Sec-Fetch-Site": "same-origin"}
        return client.post(path, data={"csrf": by["X-CSRF-Token"], **form}, headers=cookie, follow_redirects=False)

    assert press(one, "/operator/books/periods", month=month).status_code == 303
    again = press(one, "/operator/books/periods", month=month)
    assert again.status_code == 409
    rows = get(client, one, "/v1/operator/accounting-periods")
    (row,) = (found for found in rows if found["month"] == f"{month}-01")
    assert (row["state"], row["closed_by_name"]) == ("closed", "Ops")
    where = f"/operator/books/periods/{row['id']}/reopening"
    assert press(one, where, reason="a slip").status_code == 403
    assert press(other, where, reason="a slip").status_code == 303
    assert "a slip" in client.get("/operator/books", headers=one).text


def test_everything_reconciles_and_a_difference_is_taken_on_and_explained(
    stage: Stage, client: Client, who: tuple[Who, Who]
) -> None:
    sold(stage)
    ops = who[0]
    runs = client.post("/v1/operator/reconciliation/runs", headers=ops)
    assert runs.status_code == 201, runs.text
    compared = {run["leg"]: run["compared"] for run in runs.json()}
    assert set(compared) == {"gateway_sandbox", "ledger", "documents", "statements", "gateway_balance", "bank"}
    assert compared["ledger"] > 0
    with unit_of_work(stage.services.db, SYSTEM) as uow:
        reference = uow.session.scalars(
            text("SELECT gateway_reference FROM billing.payment WHERE payer_org_id = :org AND state = 'succeeded'"),
            {"org": stage.buyer.id},
        ).first()
        change = text("UPDATE billing.sandbox_operation SET amount_minor = amount_minor + 1 WHERE reference = :name")
        uow.session.execute(change, {"name": reference})
    form, cookie = {"csrf": ops["X-CSRF-Token"]}, {"Cookie": ops["Cookie"], "Sec-Fetch-Site": "same-origin"}

    def press(path: str, **typed: str) -> int:
        return client.post(path, data=form | typed, headers=cookie, follow_redirects=False).status_code

    assert press("/operator/reconciliation/run") == 303
    found = get(client, ops, "/v1/operator/reconciliation/differences", leg="gateway_sandbox", state="open")["items"]
    (row,) = [one for one in found if one["subject"] == reference]
    assert row["found"]["amount"] - row["expected"]["amount"] == 1
    where = f"/operator/reconciliation/{row['id']}"
    assert press(f"{where}/owner", take="1") == 303
    assert press(f"{where}/decision", decision="explained") == 422
    assert press(f"{where}/decision", decision="explained", reason="the gateway rounds up") == 303
    shown = client.get("/operator/reconciliation?state=explained", headers=ops)
    assert (shown.status_code, "the gateway rounds up" in shown.text, "Ops" in shown.text) == (200, True, True)
    one = get(client, ops, f"/v1/operator/reconciliation/differences/{row['id']}")
    assert (one["state"], one["owner_name"]) == ("explained", "Ops")
    with unit_of_work(stage.services.db, SYSTEM) as uow:
        change = text("UPDATE billing.sandbox_operation SET amount_minor = amount_minor - 1 WHERE reference = :name")
        uow.session.execute(change, {"name": reference})
    client.post("/v1/operator/reconciliation/runs", headers=ops)
    assert get(client, ops, f"/v1/operator/reconciliation/differences/{row['id']}")["state"] == "resolved"
