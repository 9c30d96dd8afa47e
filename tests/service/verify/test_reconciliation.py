"""A market that is well reconciles to the cent, and one cent planted in any book is found by its name."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import select, text

from billing.reconciliation.decide_difference import DecideDifference, decide_difference
from billing.reconciliation.leg import ReconciliationLeg
from billing.reconciliation.legs import GATEWAY, LEDGER, STATEMENTS, legs
from billing.reconciliation.models import ReconciliationDifference
from billing.reconciliation.outside_legs import BANK, GATEWAY_BALANCE
from billing.reconciliation.queries import count_open, get_difference, last_runs, list_differences
from billing.reconciliation.reconcile import compare, reconcile_leg
from kernel import clock
from kernel.db.uow import UnitOfWork
from kernel.errors import Conflict, Invalid
from orders.invoicing.documents_leg import DOCUMENTS
from tests.service.verify.conftest import Market
from tests.service.verify.planting import Planter

Plant = Callable[[Planter], str]
HOUR = timedelta(hours=1)


def _cent(p: Planter, table: str, column: str, where: str, subject: str = "id") -> str:
    row = p.find(f"SELECT id FROM {table} WHERE {where} ORDER BY id LIMIT 1")
    p.change(f"UPDATE {table} SET {column} = {column} + 1 WHERE id = :id", id=row)
    return str(p.find(f"SELECT {subject}::text FROM {table} WHERE id = :id", id=row))


def _at_gateway(kind: str) -> Plant:
    return lambda p: _cent(
        p, "billing.sandbox_operation", "amount_minor", f"kind = '{kind}' AND state = 'succeeded'", "reference"
    )


def _posting(p: Planter, kind: str, account: str) -> str:
    name = str(p.find("SELECT reference::text FROM billing.ledger_transaction WHERE kind = :kind LIMIT 1", kind=kind))
    p.change(
        """UPDATE billing.posting g SET amount_minor = amount_minor + 1
           FROM billing.ledger_account a, billing.ledger_transaction t
           WHERE a.id = g.account_id AND t.id = g.transaction_id AND t.kind = :kind AND t.reference::text = :name
             AND a.kind = :account""",
        kind=kind,
        name=name,
        account=account,
    )
    return name


def _available(p: Planter) -> str:
    org = str(p.find("SELECT org_id::text FROM billing.share WHERE kind = 'seller' AND state = 'paid' LIMIT 1"))
    p.change(
        """UPDATE billing.posting SET amount_minor = amount_minor + 1 WHERE id = (
               SELECT g.id FROM billing.posting g JOIN billing.ledger_account a ON a.id = g.account_id
               WHERE a.kind = 'party_available' AND a.org_id::text = :org LIMIT 1)""",
        org=org,
    )
    return org


def _share(p: Planter) -> str:
    name = str(
        p.find(
            "SELECT statement_id::text FROM billing.share WHERE statement_id IS NOT NULL AND kind = 'seller' LIMIT 1"
        )
    )
    p.change(
        """UPDATE billing.share SET amount_minor = amount_minor + 1 WHERE id = (
               SELECT id FROM billing.share WHERE statement_id::text = :name AND kind = 'seller' LIMIT 1)""",
        name=name,
    )
    return name


def _invoice_line(p: Planter) -> str:
    return _cent(
        p,
        "billing.invoice_line",
        "gross_minor",
        "invoice_id IN (SELECT id FROM billing.invoice WHERE kind = 'invoice') AND gross_minor > 0",
        "reference",
    )


def _entry(p: Planter, kind: str) -> str:
    """A movement of the gateway's balance, under the payment, payout or entry that it is about."""
    row = p.find(
        "SELECT id FROM billing.gateway_balance_entry WHERE kind = :kind AND booked_as IS NOT NULL ORDER BY id LIMIT 1",
        kind=kind,
    )
    p.change("UPDATE billing.gateway_balance_entry SET amount_minor = amount_minor + 1 WHERE id = :id", id=row)
    return str(
        p.find(
            """SELECT coalesce(r.payment_id, d.payment_id, e.subject_id, e.id)::text FROM billing.gateway_balance_entry e
               LEFT JOIN billing.refund r ON r.id = e.subject_id LEFT JOIN billing.dispute d ON d.id = e.subject_id
               WHERE e.id = :id""",
            id=row,
        )
    )


def _holding(p: Planter) -> str:
    # Nothing has moved since it was read last.
    p.change("UPDATE billing.gateway_balance_reading SET read_at = read_at + interval '1 hour'")
    p.change(
        "UPDATE billing.gateway_holding SET available_minor = available_minor + 1 WHERE gateway = 'sandbox' AND currency = 'CNY'"
    )
    return "sandbox"


def _bank_balance(p: Planter) -> str:
    code = p.find("SELECT code FROM billing.bank_account WHERE opening_minor IS NOT NULL OR balance_minor <> 0 LIMIT 1")
    p.change("UPDATE billing.bank_account SET balance_minor = balance_minor + 1 WHERE code = :code", code=code)
    return str(code)


PLANTS: tuple[tuple[ReconciliationLeg, str, Plant], ...] = (
    (GATEWAY, "payment", _at_gateway("payment")),
    (GATEWAY, "refund", _at_gateway("refund")),
    (GATEWAY, "payout", _at_gateway("payout")),
    (LEDGER, "payment", lambda p: _posting(p, "payment", "gateway_cash")),
    (LEDGER, "charge", lambda p: _posting(p, "charge", "buyer_credit")),
    (LEDGER, "refund", lambda p: _posting(p, "refund", "gateway_cash")),
    (LEDGER, "payout", lambda p: _posting(p, "payout_paid", "gateway_cash")),
    (LEDGER, "party_available", _available),
    (DOCUMENTS, "invoice_line", _invoice_line),
    (
        DOCUMENTS,
        "credit_note",
        lambda p: _cent(p, "billing.invoice", "gross_minor", "kind = 'credit_note'", "refund_id"),
    ),
    (
        DOCUMENTS,
        "commission_invoice",
        lambda p: _cent(p, "billing.invoice", "gross_minor", "kind = 'commission_invoice'"),
    ),
    (STATEMENTS, "statement", _share),
    (STATEMENTS, "statement_lines", lambda p: _cent(p, "billing.statement_line", "net_minor", "true", "statement_id")),
    (GATEWAY_BALANCE, "movement", lambda p: _entry(p, "payment")),
    (GATEWAY_BALANCE, "movement", lambda p: _entry(p, "refund")),
    (GATEWAY_BALANCE, "movement", lambda p: _entry(p, "dispute")),
    (GATEWAY_BALANCE, "movement", lambda p: _entry(p, "transfer")),
    (GATEWAY_BALANCE, "movement", lambda p: _posting(p, "payment", "gateway_cash")),
    (GATEWAY_BALANCE, "holding", _holding),
    (BANK, "line", lambda p: _cent(p, "billing.bank_line", "amount_minor", "amount_minor > 0")),
    (BANK, "line", lambda p: _posting(p, "bank_line", "gateway_cash")),
    (BANK, "balance", _bank_balance),
    (STATEMENTS, "payout", lambda p: _cent(p, "billing.payout", "amount_minor", "true")),
)


@pytest.fixture
def later(market: Market) -> None:
    """What a gateway did last has settled."""
    clock.advance(HOUR)


@pytest.mark.usefixtures("later")
def test_a_market_that_is_well_reconciles(owner: UnitOfWork) -> None:
    for leg in legs():
        compared = compare(owner, leg, clock.now())
        assert compared.rows == {}, leg.name
        assert sum(compared.kinds.values()) >= 3, leg.name


@pytest.mark.usefixtures("later")
def test_a_month_that_is_over_without_its_invoice_is_found(owner: UnitOfWork) -> None:
    planter = Planter(owner)
    order_id = planter.find("SELECT order_id FROM orders.unbilled_order WHERE settled_at IS NULL ORDER BY id LIMIT 1")
    assert not [one for one in compare(owner, DOCUMENTS, clock.now()).rows if one[0] == "invoice_line"]
    planter.change(
        "UPDATE orders.unbilled_order SET due_at = due_at - interval '40 days' WHERE order_id = :id", id=order_id
    )
    charged = text(
        "SELECT reference::text, sum(gross_minor)::bigint AS minor FROM billing.charge WHERE group_reference = :id GROUP BY 1"
    )
    wanted = {row.reference: row.minor for row in owner.session.execute(charged, {"id": order_id})}
    compared = compare(owner, DOCUMENTS, clock.now())
    assert {subject: minor for (kind, subject, _), minor in compared.rows.items() if kind == "invoice_line"} == {
        subject: (minor, None) for subject, minor in wanted.items()
    }


@pytest.mark.usefixtures("later")
@pytest.mark.parametrize(
    ("leg", "kind", "plant"), PLANTS, ids=[f"{leg.name}-{kind}-{n}" for n, (leg, kind, _) in enumerate(PLANTS)]
)
def test_a_planted_cent_is_found_by_its_name(
    leg: ReconciliationLeg, kind: str, plant: Plant, owner: UnitOfWork
) -> None:
    planter = Planter(owner)
    with planter.unguarded():
        _lift(planter)
        subject = plant(planter)
    run = reconcile_leg(owner, leg)
    assert run.differing >= 1
    rows = [row for row in list_differences(owner, state="open", leg=leg.name).items if row.kind == kind]
    assert [row.subject for row in rows] == [subject]
    assert abs(rows[0].difference_minor) == 1


def _lift(planter: Planter) -> None:
    """A cent that no constraint would let in is planted all the same."""
    for table in ("invoice", "invoice_line", "share", "payout", "statement_line", "sandbox_operation", "bank_line"):
        for name in planter.uow.session.scalars(
            text("SELECT conname FROM pg_constraint WHERE conrelid = CAST(:table AS regclass) AND contype = 'c'"),
            {"table": f"billing.{table}"},
        ).all():
            planter.define(f"ALTER TABLE billing.{table} DROP CONSTRAINT {name}")


def _plant_one(owner: UnitOfWork) -> ReconciliationDifference:
    planter = Planter(owner)
    with planter.unguarded():
        _posting(planter, "payment", "gateway_cash")
    reconcile_leg(owner, LEDGER)
    return owner.session.scalars(
        select(ReconciliationDifference).where(ReconciliationDifference.kind == "payment")
    ).one()


@pytest.mark.usefixtures("later")
def test_what_agrees_again_is_resolved_by_itself(owner: UnitOfWork) -> None:
    row = _plant_one(owner)
    since = row.created_at
    clock.advance(HOUR)
    reconcile_leg(owner, LEDGER)
    assert (row.state, row.created_at, row.seen_at) == ("open", since, since + HOUR)
    planter = Planter(owner)
    with planter.unguarded():
        planter.change(
            """UPDATE billing.posting g SET amount_minor = amount_minor - 1
               FROM billing.ledger_account a, billing.ledger_transaction t
               WHERE a.id = g.account_id AND t.id = g.transaction_id AND t.kind = 'payment' AND t.reference::text = :name
                 AND a.kind = 'gateway_cash'""",
            name=row.subject,
        )
    run = reconcile_leg(owner, LEDGER)
    assert (run.differing, row.state, row.reason, row.decided_by) == (0, "resolved", "agrees_again", "system")
    assert {one.leg: one.differing for one in last_runs(owner)}[LEDGER.name] == 0


@pytest.mark.usefixtures("later")
def test_an_explanation_stands_until_the_amount_changes(owner: UnitOfWork) -> None:
    row = _plant_one(owner)
    with pytest.raises(Invalid) as refused:
        decide_difference(owner, DecideDifference(row.id, "explained", "  "))
    assert refused.value.code == "books_reason_required"
    decide_difference(owner, DecideDifference(row.id, "explained", "the gateway rounds"))
    reconcile_leg(owner, LEDGER)
    assert (row.state, row.reason) == ("explained", "the gateway rounds")
    assert get_difference(owner, row.id).state == "explained"
    planter = Planter(owner)
    with planter.unguarded():
        planter.change(
            """UPDATE billing.posting g SET amount_minor = amount_minor + 1
               FROM billing.ledger_transaction t WHERE t.id = g.transaction_id AND t.kind = 'payment'
               AND t.reference::text = :name AND g.amount_minor > 0""",
            name=row.subject,
        )
    reconcile_leg(owner, LEDGER)
    assert (row.state, count_open(owner)[0]) == ("open", 1)


@pytest.mark.usefixtures("later")
def test_what_was_resolved_and_is_found_again_begins_anew(owner: UnitOfWork) -> None:
    row = _plant_one(owner)
    decide_difference(owner, DecideDifference(row.id, "resolved", "put right by hand"))
    with pytest.raises(Conflict) as refused:
        decide_difference(owner, DecideDifference(row.id, "explained", "again"))
    assert refused.value.code == "difference_resolved"
    reconcile_leg(owner, LEDGER)
    states = owner.session.scalars(
        select(ReconciliationDifference.state).where(ReconciliationDifference.leg == "ledger")
    )
    assert sorted(states) == ["open", "resolved"]
