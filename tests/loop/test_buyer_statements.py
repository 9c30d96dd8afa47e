"""A buyer's month is closed once, chained to the one before and signed; whoever holds it can check it."""

from __future__ import annotations

import hashlib
import json
from datetime import timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from litestar.testing import TestClient
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError

from billing.documents.model import Language
from kernel import clock
from kernel.db.uow import transact, unit_of_work
from kernel.errors import Conflict, Invalid, NotFound
from kernel.principal import SYSTEM
from orders.buyer_statements.close_month import GENESIS, chained, close_buyer_month, is_genuine
from orders.buyer_statements.content import month_bounds
from orders.buyer_statements.jobs import SWEEP_STATEMENTS
from orders.buyer_statements.models import BuyerStatement
from orders.buyer_statements.queries import verify_statement
from orders.papers.draw_paper import AskPaper, find_or_draw
from tests.loop_stage import Stage

GROSS = 398_000


def close(stage: Stage, month: Any) -> UUID:
    signer = stage.services.signer
    return transact(stage.services.db, stage.buyer.owner, lambda uow: close_buyer_month(uow, month, signer).id)


def test_a_month_says_what_happened_in_it_and_what_was_open(stage: Stage, browser: TestClient[Any]) -> None:
    paid, unpaid = stage.buy(), stage.buy(method="sbx_declined")
    stage.run()
    stage.refund(paid, 98_000)
    stage.run()
    month = clock.today("Asia/Shanghai").replace(day=1)
    with pytest.raises(Invalid, match="month_not_over"):
        close(stage, month)
    clock.advance(month_bounds(month, "Asia/Shanghai")[1] + timedelta(hours=1) - clock.now())
    statement_id = close(stage, month)
    assert close(stage, month) == statement_id
    row = stage.get(BuyerStatement, statement_id)
    said = json.loads(row.content)["currencies"]["CNY"]
    assert said["totals"] == {
        "orders": 2 * GROSS,
        "payments": GROSS,
        "refunds": 98_000,
        "invoices": GROSS - 98_000,
        "open": GROSS,
    }
    assert [one["number"] for one in said["open"]] == [stage.order(unpaid).number]
    assert row.previous_hash == GENESIS
    digest = hashlib.sha256(row.content.encode()).hexdigest()
    assert (row.content_sha256, row.hash) == (digest, chained(GENESIS, digest))
    with pytest.raises(Conflict, match="buyer_statement_later"):
        close(stage, month - timedelta(days=1))
    stage.buy()
    stage.run()
    after = month_bounds(month, "Asia/Shanghai")[1].date()
    clock.advance(month_bounds(after, "Asia/Shanghai")[1] + timedelta(hours=1) - clock.now())
    following = stage.get(BuyerStatement, close(stage, after))
    assert following.previous_hash == row.hash
    command = AskPaper("buyer_statement", statement_id, Language.BILINGUAL, sandbox=True)
    assert transact(stage.services.db, stage.purchaser, lambda uow: find_or_draw(uow, command)) is None
    stage.run(documents=True)
    found = transact(stage.services.db, stage.purchaser, lambda uow: find_or_draw(uow, command))
    assert found is not None
    assert stage.services.storage.get_bytes(found.key).startswith(b"%PDF-1.7")
    with pytest.raises(NotFound, match="buyer_statement_not_found"):
        transact(stage.services.db, stage.seller.owner, lambda uow: find_or_draw(uow, command))
    page = browser.get("/statements")
    assert row.number in page.text
    shown = browser.get(f"/statements/of-month/{statement_id}")
    assert row.content_sha256 in shown.text
    data = browser.get(f"/v1/buyer-statements/{statement_id}/data")
    assert hashlib.sha256(data.content).hexdigest() == row.content_sha256


def test_whoever_holds_it_sees_whether_it_was_changed(stage: Stage, browser: TestClient[Any]) -> None:
    stage.buy()
    stage.run()
    month = clock.today("Asia/Shanghai").replace(day=1)
    clock.advance(month_bounds(month, "Asia/Shanghai")[1] + timedelta(hours=1) - clock.now())
    row = stage.get(BuyerStatement, close(stage, month))
    browser.cookies.clear()
    shown = browser.get(f"/statements/{row.verification_code}")
    assert shown.status_code == 200
    assert row.hash in shown.text
    assert browser.get(f"/v1/buyer-statement-verifications/{row.verification_code}").json()["genuine"] is True
    assert browser.get("/statements/nothing").status_code == 404
    assert browser.get("/v1/buyer-statement-verifications/nothing").status_code == 404
    signer = stage.services.signer
    with unit_of_work(stage.services.db, SYSTEM) as uow:
        assert verify_statement(uow, row.verification_code, signer).genuine
        with pytest.raises(DBAPIError, match="permission denied"):
            uow.session.execute(text("UPDATE orders.buyer_statement SET content = content || ' '"))
        uow.session.rollback()
    row.content += " "
    assert not is_genuine(row, signer)
    row.content = row.content.strip()
    assert is_genuine(row, signer)
    row.number = "BS-1"
    assert not is_genuine(row, signer)


def test_months_that_are_over_are_closed_by_themselves(stage: Stage) -> None:
    """In their order; one in which nothing happened has none; what somebody closed before is not closed again."""
    with clock.frozen(clock.now()):
        stage.buy()
        stage.run()
        first = clock.today("Asia/Shanghai").replace(day=1)
        second = month_bounds(first, "Asia/Shanghai")[1].astimezone(ZoneInfo("Asia/Shanghai")).date()
        clock.advance(month_bounds(first, "Asia/Shanghai")[1] + timedelta(hours=23) - clock.now())
        stage.tick(SWEEP_STATEMENTS)
        assert _closed(stage) == []
        clock.advance(timedelta(hours=2))
        stage.tick(SWEEP_STATEMENTS)
        stage.tick(SWEEP_STATEMENTS)
        assert _closed(stage) == [first]
        clock.advance(timedelta(days=40))
        order_id = stage.buy()
        stage.run()
        third = month_bounds(second, "Asia/Shanghai")[1].astimezone(ZoneInfo("Asia/Shanghai")).date()
        assert stage.order(order_id).created_at.astimezone(ZoneInfo("Asia/Shanghai")).date() >= third
        clock.advance(timedelta(days=62))
        stage.tick(SWEEP_STATEMENTS)
        months = _closed(stage)
        assert months[0] == first
        assert second not in months
        assert months == sorted(months)
        assert len(months) >= 2
        rows = stage.rows(
            select(BuyerStatement).where(BuyerStatement.buyer_org_id == stage.buyer.id).order_by(BuyerStatement.month)
        )
        assert [row.previous_hash for row in rows] == [GENESIS, *(row.hash for row in rows[:-1])]
        assert all(is_genuine(row, stage.services.signer) for row in rows)
        assert all(row.closed_by is None for row in rows)


def _closed(stage: Stage) -> list[Any]:
    own = select(BuyerStatement.month).where(BuyerStatement.buyer_org_id == stage.buyer.id)
    return stage.rows(own.order_by(BuyerStatement.month))
